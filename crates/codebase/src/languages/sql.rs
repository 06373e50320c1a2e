//! SQL: what a script creates.

use tree_sitter::Node;

use super::{Definition, Exports, Resolve, Role, Source, Table, Visible};
use crate::facts::SymbolKind::{self, Function, Section, Type};

pub(super) const TABLE: Table = Table {
    name: "sql",
    extensions: &["sql", "ddl", "dml"],
    file_names: &[],
    interpreters: &["psql"],
    #[cfg(feature = "sql")]
    grammar: Some(tree_sitter_sequel::LANGUAGE),
    #[cfg(not(feature = "sql"))]
    grammar: None,
    nodes: &[
        ("create_table", Role::SymbolBy(section)),
        ("create_view", Role::SymbolBy(section)),
        ("create_materialized_view", Role::SymbolBy(section)),
        ("create_index", Role::SymbolBy(section)),
        ("create_trigger", Role::SymbolBy(section)),
        ("create_type", Role::SymbolBy(type_name)),
        ("create_function", Role::SymbolBy(function)),
        ("case", Role::BranchBy(case)),
        ("comment", Role::Comment),
        ("marginalia", Role::Comment),
        ("object_reference", Role::Identifier),
        ("invocation", Role::Call("")),
    ],
    visible: Visible::Always,
    exports: Exports::None,
    docstrings: false,
    separators: &[],
    line_comment: "--",
    resolve: Resolve::None,
    mend: None,
    refuse: None,
};

fn created(source: &Source<'_>, node: Node<'_>, kind: SymbolKind) -> Option<Definition> {
    let name = super::names::child_of_kind(node, &["object_reference", "identifier"])?;
    let mut definition = Definition::new(source, kind, node, name);
    definition.name = definition.name.replace(['"', '`'], "");
    definition.body_start = super::names::child_of_kind(
        node,
        &["column_definitions", "create_query", "function_body", "index_fields"],
    )
    .map(|body| body.start_byte());
    Some(definition)
}

/// Every `WHEN` counts.
fn case(_: &Source<'_>, node: Node<'_>) -> u32 {
    let mut cursor = node.walk();
    let whens = node
        .children(&mut cursor)
        .filter(|child| child.kind() == "keyword_when")
        .count();
    u32::try_from(whens).unwrap_or(0)
}

fn section(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    created(source, node, Section)
}

fn type_name(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    created(source, node, Type)
}

fn function(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    created(source, node, Function)
}
