//! Java.

use tree_sitter::Node;

use super::import_text::path_import;
use super::names::{child_of_kind, constant, has_child, is_constant_name};
use super::{Definition, Exports, ImportSink, Resolve, Role, Source, Table, Visible, Words};
use crate::facts::SymbolKind::{Class, Enum, Interface, Method};
use crate::facts::Visibility;

pub(super) const TABLE: Table = Table {
    name: "java",
    extensions: &["java"],
    file_names: &[],
    interpreters: &["java"],
    grammar: Some(tree_sitter_java::LANGUAGE),
    nodes: &[
        ("class_declaration", Role::Symbol(Class)),
        ("record_declaration", Role::Symbol(Class)),
        ("interface_declaration", Role::Symbol(Interface)),
        ("annotation_type_declaration", Role::Symbol(Interface)),
        ("enum_declaration", Role::Symbol(Enum)),
        ("method_declaration", Role::Symbol(Method)),
        ("constructor_declaration", Role::Symbol(Method)),
        ("compact_constructor_declaration", Role::Symbol(Method)),
        ("annotation_type_element_declaration", Role::Symbol(Method)),
        ("field_declaration", Role::SymbolBy(field)),
        ("constant_declaration", Role::SymbolBy(field)),
        ("annotation", Role::Decorator),
        ("marker_annotation", Role::Decorator),
        ("import_declaration", Role::Import(import)),
        ("if_statement", Role::Branch),
        ("for_statement", Role::Branch),
        ("enhanced_for_statement", Role::Branch),
        ("while_statement", Role::Branch),
        ("do_statement", Role::Branch),
        ("catch_clause", Role::Branch),
        ("switch_label", Role::BranchBy(label)),
        ("ternary_expression", Role::Branch),
        ("binary_expression", Role::Operator(&["&&", "||"])),
        ("line_comment", Role::Comment),
        ("block_comment", Role::Comment),
        ("identifier", Role::Identifier),
        ("type_identifier", Role::Identifier),
        ("method_invocation", Role::Call("name")),
        ("object_creation_expression", Role::Call("type")),
    ],
    visible: Visible::Words(Words {
        default: Visibility::Internal,
        at_top: Visibility::Internal,
        in_interface: Visibility::Public,
        words: &[
            ("public", Visibility::Public),
            ("protected", Visibility::Protected),
            ("private", Visibility::Private),
        ],
    }),
    exports: Exports::Public,
    docstrings: false,
    separators: &["."],
    line_comment: "//",
    resolve: Resolve::Package(&["java", "kt", "scala"]),
    mend: None,
    refuse: None,
};

/// `static final NAME = ..`.
fn field(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let declarator = node.child_by_field_name("declarator")?;
    let name = declarator.child_by_field_name("name")?;
    let fixed = node.kind() == "constant_declaration"
        || child_of_kind(node, &["modifiers"]).is_some_and(|m| has_child(m, &["final"]));
    (fixed && is_constant_name(source.text(name))).then(|| {
        constant(
            source,
            node,
            name,
            declarator.child_by_field_name("value"),
        )
    })
}

/// `case` counts, `default` does not.
fn label(source: &Source<'_>, node: Node<'_>) -> u32 {
    u32::from(!source.text(node).starts_with("default"))
}

fn import(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let text = source.text(node).trim_start_matches("import").trim();
    let text = text.trim_end_matches(';').trim();
    let text = text.strip_prefix("static ").unwrap_or(text).trim();
    path_import(text, ".", " as ", sink);
    true
}
