//! Kotlin.

use tree_sitter::Node;

use super::import_text::path_import;
use super::names::{by_child, child_of_kind, constant, has_child, is_constant_name};
use super::{Definition, Exports, ImportSink, Resolve, Role, Source, Table, Visible, Words};
use crate::facts::SymbolKind::{Class, Enum, Function, Interface, Type};
use crate::facts::Visibility;

pub(super) const TABLE: Table = Table {
    name: "kotlin",
    extensions: &["kt", "kts", "ktm"],
    file_names: &[],
    interpreters: &["kotlin"],
    #[cfg(feature = "kotlin")]
    grammar: Some(tree_sitter_kotlin_ng::LANGUAGE),
    #[cfg(not(feature = "kotlin"))]
    grammar: None,
    nodes: &[
        ("class_declaration", Role::SymbolBy(class)),
        ("object_declaration", Role::SymbolBy(class)),
        ("companion_object", Role::SymbolBy(class)),
        ("function_declaration", Role::SymbolBy(function)),
        ("type_alias", Role::SymbolBy(alias)),
        ("property_declaration", Role::SymbolBy(property)),
        ("annotation", Role::Decorator),
        ("import", Role::Import(import)),
        ("if_expression", Role::Branch),
        ("for_statement", Role::Branch),
        ("while_statement", Role::Branch),
        ("do_while_statement", Role::Branch),
        ("catch_block", Role::Branch),
        ("when_entry", Role::BranchBy(entry)),
        ("binary_expression", Role::Operator(&["&&", "||"])),
        ("line_comment", Role::Comment),
        ("block_comment", Role::Comment),
        ("identifier", Role::Identifier),
        ("call_expression", Role::Call("")),
    ],
    visible: Visible::Words(Words {
        default: Visibility::Public,
        at_top: Visibility::Public,
        in_interface: Visibility::Public,
        words: &[
            ("private", Visibility::Private),
            ("protected", Visibility::Protected),
            ("internal", Visibility::Internal),
        ],
    }),
    exports: Exports::Public,
    docstrings: false,
    separators: &["."],
    line_comment: "//",
    resolve: Resolve::Package(&["kt", "java"]),
    mend: None,
    refuse: None,
};

fn class(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    let head = source.text.get(node.start_byte()..name.start_byte())?;
    let mut words = head.split_whitespace();
    let kind = if words.clone().any(|word| word == "enum") {
        Enum
    } else if words.any(|word| word == "interface") {
        Interface
    } else {
        Class
    };
    let mut definition = Definition::new(source, kind, node, name);
    definition.body_start =
        child_of_kind(node, &["class_body", "enum_class_body"]).map(|body| body.start_byte());
    Some(definition)
}

fn function(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    let mut definition = Definition::new(source, Function, node, name);
    definition.body_start = child_of_kind(node, &["function_body"]).map(|body| body.start_byte());
    Some(definition)
}

fn alias(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    match node.child_by_field_name("type") {
        Some(name) if name.kind() == "identifier" => {
            Some(Definition::new(source, Type, node, name))
        }
        _ => by_child(source, node, Type, &["identifier"], &[]),
    }
}

/// `const val NAME = ..` and `val NAME = ..`.
fn property(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let fixed = has_child(node, &["val"]);
    let variable = child_of_kind(node, &["variable_declaration"])?;
    let name = child_of_kind(variable, &["identifier"])?;
    let count = u32::try_from(node.named_child_count()).ok()?;
    let value = node.named_child(count.saturating_sub(1));
    let value = value.filter(|value| value.start_byte() > name.start_byte());
    (fixed && is_constant_name(source.text(name))).then(|| constant(source, node, name, value))
}

/// `else ->` does not count.
fn entry(source: &Source<'_>, node: Node<'_>) -> u32 {
    u32::from(!source.text(node).starts_with("else"))
}

fn import(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let text = source.text(node).trim_start_matches("import").trim();
    path_import(text.trim_end_matches(';'), ".", " as ", sink);
    true
}
