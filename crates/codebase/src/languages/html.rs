//! HTML: headings and elements with an id; scripts and style sheets as imports.

use tree_sitter::Node;

use super::import_text::unquoted;
use super::names::child_of_kind;
use super::{Definition, ImportSink, Resolve, Role, Source, Table};
use crate::facts::SymbolKind::Section;

pub(super) const TABLE: Table = Table {
    name: "html",
    extensions: &["html", "htm", "xhtml"],
    grammar: Some(tree_sitter_html::LANGUAGE),
    nodes: &[
        ("element", Role::SymbolBy(element)),
        ("start_tag", Role::Import(import)),
        ("self_closing_tag", Role::Import(import)),
        ("comment", Role::Comment),
    ],
    line_comment: "<!--",
    resolve: Resolve::Relative,
    ..Table::PLAIN
};

/// The value of an attribute of a tag.
fn attribute<'t>(source: &Source<'_>, tag: Node<'t>, wanted: &str) -> Option<Node<'t>> {
    let mut cursor = tag.walk();
    tag.named_children(&mut cursor)
        .filter(|child| child.kind() == "attribute")
        .find(|attribute| {
            attribute
                .named_child(0)
                .is_some_and(|name| source.text(name).eq_ignore_ascii_case(wanted))
        })
        .and_then(|attribute| attribute.named_child(1))
}

fn element(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    /// What is read of a heading.
    const HEADING_BYTES_MAX: usize = 200;
    let tag = child_of_kind(node, &["start_tag", "self_closing_tag"])?;
    let name = child_of_kind(tag, &["tag_name"])?;
    let mut definition = Definition::new(source, Section, node, name);
    definition.body_start = Some(tag.end_byte());
    let heading = matches!(
        source.text(name).to_ascii_lowercase().as_str(),
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6"
    );
    if heading {
        let text = child_of_kind(node, &["text"]).map_or("", |text| source.text(text));
        if text.is_empty() || text.len() > HEADING_BYTES_MAX {
            return None;
        }
        definition.name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    } else {
        let id = attribute(source, tag, "id")?;
        definition.name = unquoted(source.text(id)).to_owned();
    }
    Some(definition)
}

/// `<script src=..>` and `<link href=..>`.
fn import(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let name = child_of_kind(node, &["tag_name"]).map(|name| source.text(name));
    let wanted = match name.map(str::to_ascii_lowercase).as_deref() {
        Some("script") => "src",
        Some("link") => "href",
        _ => return false,
    };
    if let Some(value) = attribute(source, node, wanted) {
        sink.add(unquoted(source.text(value)), None, None);
    }
    false
}
