//! Markdown: the outline of headings.

use tree_sitter::Node;

use super::names::child_of_kind;
use super::{Definition, Role, Source, Table};
use crate::facts::SymbolKind::Section;

pub(super) const TABLE: Table = Table {
    name: "markdown",
    extensions: &["md", "markdown", "mdown", "mkd", "mdx"],
    grammar: Some(tree_sitter_md::LANGUAGE),
    nodes: &[("section", Role::SymbolBy(section))],
    line_comment: ">",
    ..Table::PLAIN
};

fn section(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let heading = child_of_kind(node, &["atx_heading", "setext_heading"])?;
    let content = heading.child_by_field_name("heading_content")?;
    let mut definition = Definition::new(source, Section, node, content);
    definition.name = definition.name.trim().to_owned();
    definition.body_start = Some(heading.end_byte());
    (!definition.name.is_empty()).then_some(definition)
}
