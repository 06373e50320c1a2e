//! How definitions say their names, where it is not in a field `name`.

use tree_sitter::Node;

use super::{Definition, Source};
use crate::facts::SymbolKind;

/// The first named child of one of the kinds.
pub(super) fn child_of_kind<'t>(node: Node<'t>, kinds: &[&str]) -> Option<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .find(|child| kinds.contains(&child.kind()))
}

/// Whether a node has a child, named or not, of one of the kinds.
pub(super) fn has_child(node: Node<'_>, kinds: &[&str]) -> bool {
    let mut cursor = node.walk();
    node.children(&mut cursor)
        .any(|child| kinds.contains(&child.kind()))
}

/// A definition named by its first child of one of the kinds, with a body of one of the kinds.
pub(super) fn by_child(
    source: &Source<'_>,
    node: Node<'_>,
    kind: SymbolKind,
    names: &[&str],
    bodies: &[&str],
) -> Option<Definition> {
    let name = child_of_kind(node, names)?;
    let mut definition = Definition::new(source, kind, node, name);
    if definition.body_start.is_none() {
        definition.body_start = child_of_kind(node, bodies).map(|body| body.start_byte());
    }
    Some(definition)
}

/// The innermost declarator of C: the name under pointers, arrays and parameter lists.
pub(super) fn declarator_name(node: Node<'_>) -> Option<Node<'_>> {
    /// No declaration that people write is deeper.
    const DECLARATORS_MAX: usize = 64;
    let mut at = node.child_by_field_name("declarator")?;
    for _ in 0..DECLARATORS_MAX {
        let inner = at
            .child_by_field_name("declarator")
            .or_else(|| match at.kind() {
                "reference_declarator" | "parenthesized_declarator" | "attributed_declarator" => {
                    at.named_child(0)
                }
                _ => None,
            });
        match inner {
            Some(inner) => at = inner,
            None => return Some(at),
        }
    }
    None
}

/// Whether there is a parameter list among the declarators.
pub(super) fn declares_function(node: Node<'_>) -> bool {
    const DECLARATORS_MAX: usize = 64;
    let mut at = node.child_by_field_name("declarator");
    for _ in 0..DECLARATORS_MAX {
        match at {
            // `int (*name)(int)` is a variable that points to a function.
            Some(declarator) if declarator.kind() == "function_declarator" => {
                let inner = declarator.child_by_field_name("declarator");
                return inner.is_some_and(|inner| inner.kind() != "parenthesized_declarator");
            }
            Some(declarator) => {
                at = declarator.child_by_field_name("declarator").or_else(|| {
                    match declarator.kind() {
                        "reference_declarator" => declarator.named_child(0),
                        _ => None,
                    }
                });
            }
            None => return false,
        }
    }
    false
}

/// Whether a name is written as constants are: capitals, digits and underscores.
pub(super) fn is_constant_name(name: &str) -> bool {
    name.len() > 1
        && name.chars().next().is_some_and(|c| c.is_ascii_uppercase())
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// A constant, with a long value left out of its signature.
pub(super) fn constant(
    source: &Source<'_>,
    node: Node<'_>,
    name: Node<'_>,
    value: Option<Node<'_>>,
) -> Definition {
    /// Values up to this are part of the signature.
    const VALUE_BYTES_MAX: usize = 60;
    let mut definition = Definition::new(source, SymbolKind::Constant, node, name);
    definition.body_start = value
        .filter(|value| value.byte_range().len() > VALUE_BYTES_MAX)
        .map(|value| value.start_byte());
    definition
}
