//! JSON: the keys of the outermost object, and of the objects in it.

use tree_sitter::Node;

use super::{Definition, Role, Source, Table};
use crate::facts::SymbolKind::Section;

pub(super) const TABLE: Table = Table {
    name: "json",
    extensions: &["json", "jsonc", "json5", "geojson", "webmanifest", "ipynb"],
    file_names: &[".babelrc", ".eslintrc", ".prettierrc", "composer.lock", "Pipfile.lock"],
    grammar: Some(tree_sitter_json::LANGUAGE),
    nodes: &[
        ("pair", Role::SymbolBy(pair)),
        ("comment", Role::Comment),
    ],
    line_comment: "//",
    ..Table::PLAIN
};

fn pair(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    /// document, object, pair, object, pair.
    const DEPTH_MAX: usize = 4;
    let name = node.child_by_field_name("key")?;
    let within = (0..DEPTH_MAX + 1).map_while(|levels| source.around(levels));
    let in_list = source.around.len() > DEPTH_MAX
        || within.into_iter().any(|kind| matches!(kind, "array" | "block_sequence" | "flow_sequence"));
    if in_list {
        return None;
    }
    let mut definition = Definition::new(source, Section, node, name);
    definition.name = definition.name.trim_matches('"').to_owned();
    definition.body_start = node
        .child_by_field_name("value")
        .map(|value| value.start_byte());
    Some(definition)
}
