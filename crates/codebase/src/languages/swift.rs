//! Swift.

use tree_sitter::Node;

use super::names::{constant, has_child, is_constant_name};
use super::{Definition, Exports, ImportSink, Resolve, Role, Source, Table, Visible, Words};
use crate::facts::SymbolKind::{Class, Enum, Function, Interface, Method, Struct, Type};
use crate::facts::Visibility;

pub(super) const TABLE: Table = Table {
    name: "swift",
    extensions: &["swift"],
    file_names: &[],
    interpreters: &["swift"],
    #[cfg(feature = "swift")]
    grammar: Some(tree_sitter_swift::LANGUAGE),
    #[cfg(not(feature = "swift"))]
    grammar: None,
    nodes: &[
        ("class_declaration", Role::SymbolBy(class)),
        ("class_declaration", Role::Scope(extension)),
        ("protocol_declaration", Role::Symbol(Interface)),
        ("function_declaration", Role::Symbol(Function)),
        ("protocol_function_declaration", Role::Symbol(Method)),
        ("init_declaration", Role::SymbolBy(init)),
        ("typealias_declaration", Role::Symbol(Type)),
        ("property_declaration", Role::SymbolBy(property)),
        ("attribute", Role::Decorator),
        ("import_declaration", Role::Import(import)),
        ("if_statement", Role::Branch),
        ("guard_statement", Role::Branch),
        ("for_statement", Role::Branch),
        ("while_statement", Role::Branch),
        ("repeat_while_statement", Role::Branch),
        ("catch_block", Role::Branch),
        ("switch_entry", Role::BranchBy(entry)),
        ("ternary_expression", Role::Branch),
        ("conjunction_expression", Role::Branch),
        ("disjunction_expression", Role::Branch),
        ("comment", Role::Comment),
        ("multiline_comment", Role::Comment),
        ("simple_identifier", Role::Identifier),
        ("type_identifier", Role::Identifier),
        ("call_expression", Role::Call("")),
    ],
    visible: Visible::Words(Words {
        default: Visibility::Internal,
        at_top: Visibility::Internal,
        in_interface: Visibility::Public,
        words: &[
            ("private", Visibility::Private),
            ("fileprivate", Visibility::Private),
            ("public", Visibility::Public),
            ("open", Visibility::Public),
            ("internal", Visibility::Internal),
        ],
    }),
    exports: Exports::Public,
    docstrings: false,
    separators: &["."],
    line_comment: "//",
    resolve: Resolve::None,
    mend: None,
    refuse: None,
};

/// `class`, `struct`, `enum` and `actor` are one kind of node.
fn class(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    let kind = match node
        .child_by_field_name("declaration_kind")
        .map(|kind| source.text(kind))
    {
        Some("struct") => Struct,
        Some("enum") => Enum,
        Some("extension") => return None,
        _ => Class,
    };
    Some(Definition::new(source, kind, node, name))
}

/// `extension Name {..}` names what is in it.
fn extension(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let kind = node.child_by_field_name("declaration_kind")?;
    if source.text(kind) != "extension" {
        return None;
    }
    let name = node.child_by_field_name("name")?;
    let mut definition = Definition::new(source, Class, node, name);
    definition.name_start = node.start_byte();
    Some(definition)
}

fn init(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name").unwrap_or(node);
    let mut definition = Definition::new(source, Method, node, name);
    definition.name = "init".to_owned();
    Some(definition)
}

/// `let NAME = ..`.
fn property(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let pattern = node.child_by_field_name("name")?;
    let name = pattern
        .child_by_field_name("bound_identifier")
        .unwrap_or(pattern);
    let fixed = source.text(node).contains("let ") && !has_child(node, &["var"]);
    (fixed && is_constant_name(source.text(name)))
        .then(|| constant(source, node, name, node.child_by_field_name("value")))
}

/// `case` counts, `default` does not.
fn entry(source: &Source<'_>, node: Node<'_>) -> u32 {
    u32::from(!source.text(node).starts_with("default"))
}

/// `import A`, `import struct A.B`.
fn import(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let words: Vec<&str> = source.text(node).split_whitespace().collect();
    let after = words
        .iter()
        .position(|word| *word == "import")
        .map_or(&[][..], |at| words.get(at + 1..).unwrap_or(&[]));
    match after {
        [module] => sink.add(module, None, None),
        [_, path, ..] => match path.rsplit_once('.') {
            Some((module, name)) => sink.add(module, Some(name), None),
            None => sink.add(path, None, None),
        },
        [] => {}
    }
    true
}
