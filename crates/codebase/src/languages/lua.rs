//! Lua.

use tree_sitter::Node;

use super::import_text::unquoted;
use super::{Definition, Exports, ImportSink, Resolve, Role, Source, Table, Visible, Words};
use crate::facts::SymbolKind::Function;
use crate::facts::Visibility;

pub(super) const TABLE: Table = Table {
    name: "lua",
    extensions: &["lua", "rockspec"],
    file_names: &[],
    interpreters: &["lua", "luajit"],
    grammar: Some(tree_sitter_lua::LANGUAGE),
    nodes: &[
        ("function_declaration", Role::SymbolBy(function)),
        ("function_call", Role::Import(require)),
        ("if_statement", Role::Branch),
        ("elseif_statement", Role::Branch),
        ("for_statement", Role::Branch),
        ("while_statement", Role::Branch),
        ("repeat_statement", Role::Branch),
        ("binary_expression", Role::BranchBy(operator)),
        ("comment", Role::Comment),
        ("identifier", Role::Identifier),
        ("function_call", Role::Call("name")),
    ],
    visible: Visible::Words(Words {
        default: Visibility::Public,
        at_top: Visibility::Public,
        in_interface: Visibility::Public,
        words: &[("local", Visibility::Private)],
    }),
    exports: Exports::Public,
    docstrings: false,
    separators: &[".", ":"],
    line_comment: "--",
    resolve: Resolve::Load(&["lua"]),
    mend: None,
    refuse: None,
};

/// `function name(..)`, `function Table.name(..)`, `function Table:name(..)`.
fn function(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    let part = name
        .child_by_field_name("field")
        .or_else(|| name.child_by_field_name("method"));
    let Some(part) = part else {
        return Some(Definition::new(source, Function, node, name));
    };
    let mut definition = Definition::new(source, Function, node, part);
    definition.within = name
        .child_by_field_name("table")
        .map(|table| source.text(table).to_owned());
    Some(definition)
}

fn operator(_: &Source<'_>, node: Node<'_>) -> u32 {
    u32::from(super::names::has_child(node, &["and", "or"]))
}

/// `require 'm'` and `require('m')`.
fn require(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let name = node.child_by_field_name("name");
    if name.is_some_and(|name| matches!(source.text(name), "require" | "dofile"))
        && let Some(arguments) = node.child_by_field_name("arguments")
        && let Some(module) = arguments.named_child(0)
        && module.kind() == "string"
    {
        sink.add(unquoted(source.text(module)), None, None);
    }
    false
}
