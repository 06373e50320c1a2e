//! Rust.

use tree_sitter::Node;

use super::names::constant;
use super::{Definition, Exports, ImportSink, Resolve, Role, Source, Table, Visible, Words};
use crate::facts::SymbolKind::{Enum, Function, Macro, Module, Struct, Trait, Type};
use crate::facts::Visibility;

pub(super) const TABLE: Table = Table {
    name: "rust",
    extensions: &["rs"],
    file_names: &[],
    interpreters: &["rust-script"],
    grammar: Some(tree_sitter_rust::LANGUAGE),
    nodes: &[
        ("function_item", Role::Symbol(Function)),
        ("function_signature_item", Role::Symbol(Function)),
        ("struct_item", Role::Symbol(Struct)),
        ("union_item", Role::Symbol(Struct)),
        ("enum_item", Role::Symbol(Enum)),
        ("trait_item", Role::Symbol(Trait)),
        ("type_item", Role::Symbol(Type)),
        ("associated_type", Role::Symbol(Type)),
        ("const_item", Role::SymbolBy(const_item)),
        ("static_item", Role::SymbolBy(const_item)),
        ("macro_definition", Role::SymbolBy(macro_rules)),
        ("mod_item", Role::SymbolBy(module)),
        ("mod_item", Role::Import(module_file)),
        ("impl_item", Role::Scope(implementation)),
        ("attribute_item", Role::Decorator),
        ("use_declaration", Role::Import(import)),
        ("extern_crate_declaration", Role::Import(extern_crate)),
        ("if_expression", Role::Branch),
        ("for_expression", Role::Branch),
        ("while_expression", Role::Branch),
        ("loop_expression", Role::Branch),
        ("match_arm", Role::BranchBy(match_arm)),
        ("binary_expression", Role::Operator(&["&&", "||"])),
        ("let_chain", Role::BranchBy(let_chain)),
        ("line_comment", Role::Comment),
        ("block_comment", Role::Comment),
        ("identifier", Role::Identifier),
        ("type_identifier", Role::Identifier),
        ("field_identifier", Role::Identifier),
        ("shorthand_field_identifier", Role::Identifier),
        ("call_expression", Role::Call("function")),
        ("macro_invocation", Role::Call("macro")),
    ],
    visible: Visible::Words(Words {
        default: Visibility::Private,
        at_top: Visibility::Private,
        in_interface: Visibility::Public,
        words: &[
            ("pub(crate)", Visibility::Internal),
            ("pub(super)", Visibility::Internal),
            ("pub(in", Visibility::Internal),
            ("pub(self)", Visibility::Private),
            ("pub", Visibility::Public),
        ],
    }),
    exports: Exports::Public,
    docstrings: false,
    separators: &["::"],
    line_comment: "//",
    resolve: Resolve::Rust,
    mend: None,
    refuse: None,
};

fn const_item(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    // `const _: () = assert!(..)` has no name.
    let named = name.kind() == "identifier" && source.text(name) != "_";
    named.then(|| constant(source, node, name, node.child_by_field_name("value")))
}

/// The rules are the body.
fn macro_rules(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    let mut definition = Definition::new(source, Macro, node, name);
    definition.body_start = Some(name.end_byte());
    Some(definition)
}

/// `mod name {..}`; `mod name;` is an import.
fn module(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    node.child_by_field_name("body")?;
    let name = node.child_by_field_name("name")?;
    Some(Definition::new(source, Module, node, name))
}

/// `mod name;` takes in the file of that name.
fn module_file(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    if node.child_by_field_name("body").is_none()
        && let Some(name) = node.child_by_field_name("name")
    {
        sink.add(&format!("self::{}", source.text(name)), None, None);
    }
    false
}

/// `impl Trait for Type` names what is in it after the type.
fn implementation(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let of = node.child_by_field_name("type")?;
    let mut name = of;
    while let Some(inner) = name
        .child_by_field_name("type")
        .or_else(|| name.child_by_field_name("name"))
    {
        name = inner;
    }
    // What a trait has is as visible as the trait.
    let kind = match node.child_by_field_name("trait") {
        Some(_) => Trait,
        None => Struct,
    };
    let mut definition = Definition::new(source, kind, node, name);
    // The type is in use here, not defined.
    definition.name_start = node.start_byte();
    Some(definition)
}

/// An arm counts unless it is `_` without a guard.
fn match_arm(source: &Source<'_>, node: Node<'_>) -> u32 {
    let pattern = node.child_by_field_name("pattern");
    let wildcard = pattern.is_some_and(|pattern| source.text(pattern).trim() == "_");
    u32::from(!wildcard)
}

/// `if let A = a && let B = b` chains with `&&` that are no binary expressions.
fn let_chain(_: &Source<'_>, node: Node<'_>) -> u32 {
    let mut cursor = node.walk();
    let ands = node
        .children(&mut cursor)
        .filter(|child| child.kind() == "&&")
        .count();
    u32::try_from(ands).unwrap_or(0)
}

fn extern_crate(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    if let Some(name) = node.child_by_field_name("name") {
        let alias = node.child_by_field_name("alias");
        sink.add(
            source.text(name),
            None,
            alias.map(|alias| source.text(alias)),
        );
    }
    true
}

/// `use a::{self, b::{c as d, *}}`, one import a name.
fn import(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    /// Trees of names that people write are a few levels deep.
    const NAMES_MAX: usize = 10_000;
    let Some(argument) = node.child_by_field_name("argument") else {
        return true;
    };
    let mut left = vec![(String::new(), argument)];
    let mut seen = 0;
    while let Some((prefix, tree)) = left.pop() {
        seen += 1;
        if seen > NAMES_MAX {
            break;
        }
        let join = |path: &str| match (prefix.as_str(), path) {
            ("", path) => path.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, path) => format!("{prefix}::{path}"),
        };
        match tree.kind() {
            "scoped_use_list" => {
                let path = tree.child_by_field_name("path");
                let prefix = join(path.map_or("", |path| source.text(path)));
                if let Some(list) = tree.child_by_field_name("list") {
                    left.push((prefix, list));
                }
            }
            "use_list" => {
                let mut cursor = tree.walk();
                let children: Vec<_> = tree.named_children(&mut cursor).collect();
                for child in children.into_iter().rev() {
                    left.push((prefix.clone(), child));
                }
            }
            "use_wildcard" => {
                let path = tree.named_child(0).map_or("", |path| source.text(path));
                sink.add(&join(path), Some("*"), None);
            }
            "use_as_clause" => {
                let path = tree.child_by_field_name("path");
                let alias = tree.child_by_field_name("alias");
                let path = join(path.map_or("", |path| source.text(path)));
                add_path(&path, alias.map(|alias| source.text(alias)), sink);
            }
            "line_comment" | "block_comment" => {}
            _ => add_path(&join(source.text(tree)), None, sink),
        }
    }
    true
}

/// `a::b::C`: module `a::b`, name `C`. `self` at the end is the module itself.
fn add_path(path: &str, alias: Option<&str>, sink: &mut ImportSink<'_>) {
    match path.rsplit_once("::") {
        Some((module, "self")) => sink.add(module, None, alias),
        Some((module, name)) => sink.add(module, Some(name), alias),
        None => sink.add(path, None, alias),
    }
}
