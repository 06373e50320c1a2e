//! Scala.

use tree_sitter::Node;

use super::names::{constant, has_child};
use super::{Definition, Exports, ImportSink, Resolve, Role, Source, Table, Visible, Words};
use crate::facts::SymbolKind::{Class, Enum, Function, Trait, Type};
use crate::facts::Visibility;

pub(super) const TABLE: Table = Table {
    name: "scala",
    extensions: &["scala", "sc", "sbt"],
    file_names: &[],
    interpreters: &["scala"],
    #[cfg(feature = "scala")]
    grammar: Some(tree_sitter_scala::LANGUAGE),
    #[cfg(not(feature = "scala"))]
    grammar: None,
    nodes: &[
        ("class_definition", Role::Symbol(Class)),
        ("object_definition", Role::Symbol(Class)),
        ("package_object", Role::Symbol(Class)),
        ("trait_definition", Role::Symbol(Trait)),
        ("enum_definition", Role::Symbol(Enum)),
        ("function_definition", Role::Symbol(Function)),
        ("function_declaration", Role::Symbol(Function)),
        ("type_definition", Role::Symbol(Type)),
        ("val_definition", Role::SymbolBy(val)),
        ("annotation", Role::Decorator),
        ("import_declaration", Role::Import(import)),
        ("if_expression", Role::Branch),
        ("for_expression", Role::Branch),
        ("while_expression", Role::Branch),
        ("do_while_expression", Role::Branch),
        ("case_clause", Role::BranchBy(case)),
        ("infix_expression", Role::BranchBy(operator)),
        ("comment", Role::Comment),
        ("block_comment", Role::Comment),
        ("identifier", Role::Identifier),
        ("type_identifier", Role::Identifier),
        ("call_expression", Role::Call("function")),
        ("instance_expression", Role::Call("")),
    ],
    visible: Visible::Words(Words {
        default: Visibility::Public,
        at_top: Visibility::Public,
        in_interface: Visibility::Public,
        words: &[
            ("private", Visibility::Private),
            ("protected", Visibility::Protected),
        ],
    }),
    exports: Exports::Public,
    docstrings: false,
    separators: &["."],
    line_comment: "//",
    resolve: Resolve::Package(&["scala", "java"]),
    mend: None,
    refuse: None,
};

/// `val Name = ..` with a capital, as constants are written.
fn val(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("pattern")?;
    let capital = source.text(name).starts_with(|c: char| c.is_uppercase());
    (name.kind() == "identifier" && capital)
        .then(|| constant(source, node, name, node.child_by_field_name("value")))
}

/// `case _` without a guard does not count.
fn case(source: &Source<'_>, node: Node<'_>) -> u32 {
    let wildcard = node
        .child_by_field_name("pattern")
        .is_some_and(|pattern| source.text(pattern) == "_");
    u32::from(!wildcard || has_child(node, &["guard"]))
}

fn operator(source: &Source<'_>, node: Node<'_>) -> u32 {
    let operator = node.child_by_field_name("operator");
    u32::from(operator.is_some_and(|operator| matches!(source.text(operator), "&&" | "||")))
}

/// `import a.b.{C, D => E}, f._`.
fn import(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let text = source.text(node).trim_start_matches("import").trim();
    let mut depth = 0;
    let parts = text.split(|c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    for part in parts.map(str::trim) {
        let (module, names) = match part.split_once('{') {
            Some((module, names)) => (module.trim_end_matches('.'), names.trim_end_matches('}')),
            None => match part.rsplit_once('.') {
                Some((module, name)) => (module, name),
                None => (part, ""),
            },
        };
        if names.is_empty() {
            sink.add(module, None, None);
            continue;
        }
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let pair = name.split_once("=>").or_else(|| name.split_once(" as "));
            match pair {
                Some((name, alias)) => sink.add(module, Some(name.trim()), Some(alias.trim())),
                None if matches!(name, "_" | "*") => sink.add(module, Some("*"), None),
                None => sink.add(module, Some(name), None),
            }
        }
    }
    true
}
