//! YAML: the keys of the outermost mapping, and of the mappings in it.

use tree_sitter::Node;

use super::{Definition, Role, Source, Table};
use crate::facts::SymbolKind::Section;

pub(super) const TABLE: Table = Table {
    name: "yaml",
    extensions: &["yaml", "yml"],
    file_names: &[".clang-format", ".clang-tidy"],
    grammar: Some(tree_sitter_yaml::LANGUAGE),
    nodes: &[
        ("block_mapping_pair", Role::SymbolBy(pair)),
        ("comment", Role::Comment),
    ],
    refuse: Some(refuse),
    ..Table::PLAIN
};

fn pair(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    /// stream, document, block_node, block_mapping, and three more for a pair in a pair.
    const DEPTH_MAX: usize = 7;
    let name = node.child_by_field_name("key")?;
    let within = (0..DEPTH_MAX + 1).map_while(|levels| source.around(levels));
    let in_list = source.around.len() > DEPTH_MAX
        || within.into_iter().any(|kind| matches!(kind, "array" | "block_sequence" | "flow_sequence"));
    if in_list {
        return None;
    }
    let mut definition = Definition::new(source, Section, node, name);
    definition.name = definition.name.trim_matches(['"', '\'']).to_owned();
    definition.body_start = node
        .child_by_field_name("value")
        .map(|value| value.start_byte());
    Some(definition)
}

/// The grammar keeps its indentations in 1024 bytes, and ends the process when there are more. It counts lines and columns in
/// 16 bits, and sees nothing after the last that fits.
fn refuse(text: &str) -> Option<String> {
    /// Well below what fits, and beyond what people write.
    const INDENTS_MAX: usize = 100;
    const PLACES_MAX: usize = 32_767;
    let mut indents: Vec<usize> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if number >= PLACES_MAX || line.len() > PLACES_MAX {
            return Some(format!(
                "more than {PLACES_MAX} lines, or a line longer than that, is beyond the grammar"
            ));
        }
        let mut column = line.len() - line.trim_start().len();
        let mut rest = line.trim_start();
        if rest.is_empty() {
            continue;
        }
        while indents.last().is_some_and(|last| *last >= column) {
            indents.pop();
        }
        loop {
            indents.push(column);
            if indents.len() > INDENTS_MAX {
                return Some(format!("nested more than {INDENTS_MAX} deep"));
            }
            // `- - a` and `? ? a` open a level each.
            let Some(after) = rest.strip_prefix(['-', '?', ':']) else {
                break;
            };
            let inner = after.trim_start();
            if inner.len() == after.len() || inner.is_empty() {
                break;
            }
            column += rest.len() - inner.len();
            rest = inner;
        }
    }
    None
}
