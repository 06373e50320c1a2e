//! CSS: rules by their selectors.

use tree_sitter::Node;

use super::import_text::unquoted;
use super::names::child_of_kind;
use super::{Definition, ImportSink, Resolve, Role, Source, Table};
use crate::facts::SymbolKind::Section;

pub(super) const TABLE: Table = Table {
    name: "css",
    extensions: &["css"],
    grammar: Some(tree_sitter_css::LANGUAGE),
    nodes: &[
        ("rule_set", Role::SymbolBy(rule)),
        ("keyframes_statement", Role::SymbolBy(keyframes)),
        ("import_statement", Role::Import(import)),
        ("comment", Role::Comment),
        ("js_comment", Role::Comment),
    ],
    line_comment: "/*",
    resolve: Resolve::Relative,
    ..Table::PLAIN
};

fn rule(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = child_of_kind(node, &["selectors"])?;
    let mut definition = Definition::new(source, Section, node, name);
    definition.name = definition
        .name
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    definition.body_start = child_of_kind(node, &["block"]).map(|body| body.start_byte());
    Some(definition)
}

fn keyframes(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    super::names::by_child(
        source,
        node,
        Section,
        &["keyframes_name"],
        &["keyframe_block_list"],
    )
}

/// `@import "a.css"` and `@import url(a.css)`.
fn import(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let text = source.text(node).trim_start_matches("@import").trim();
    let text = text.trim_end_matches(';').trim();
    let text = text.strip_prefix("url(").unwrap_or(text);
    let end = text.find([')', ' ']).unwrap_or(text.len());
    sink.add(unquoted(text.get(..end).unwrap_or("")), None, None);
    true
}
