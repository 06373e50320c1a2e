//! TOML: tables, and the keys before the first of them.

use tree_sitter::Node;

use super::names::child_of_kind;
use super::{Definition, Role, Source, Table};
use crate::facts::SymbolKind::Section;

pub(super) const TABLE: Table = Table {
    name: "toml",
    extensions: &["toml"],
    file_names: &["Cargo.lock", "poetry.lock", "uv.lock", "Pipfile"],
    grammar: Some(tree_sitter_toml_ng::LANGUAGE),
    nodes: &[
        ("table", Role::SymbolBy(table)),
        ("table_array_element", Role::SymbolBy(table)),
        ("pair", Role::SymbolBy(pair)),
        ("comment", Role::Comment),
    ],
    ..Table::PLAIN
};

const KEYS: &[&str] = &["dotted_key", "bare_key", "quoted_key"];

fn table(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = child_of_kind(node, KEYS)?;
    let mut definition = Definition::new(source, Section, node, name);
    // The brackets are part of the heading.
    let line = source.text(node).find('\n');
    definition.body_start = line.map(|line| node.start_byte() + line);
    Some(definition)
}

fn pair(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    if source.around(0) != Some("document") {
        return None;
    }
    let name = child_of_kind(node, KEYS)?;
    let mut definition = Definition::new(source, Section, node, name);
    definition.body_start = node.named_child(1).map(|value| value.start_byte());
    Some(definition)
}
