//! Bash and other shells of its kind.

use tree_sitter::Node;

use super::import_text::unquoted;
use super::names::{constant, is_constant_name};
use super::{Definition, Exports, ImportSink, Resolve, Role, Source, Table, Visible};
use crate::facts::SymbolKind::Function;

pub(super) const TABLE: Table = Table {
    name: "bash",
    extensions: &["sh", "bash", "zsh", "ksh", "bats", "ebuild"],
    file_names: &[".bashrc", ".bash_profile", ".bash_aliases", ".profile", ".zshrc", "PKGBUILD"],
    interpreters: &["sh", "bash", "zsh", "ksh", "dash", "ash"],
    grammar: Some(tree_sitter_bash::LANGUAGE),
    nodes: &[
        ("function_definition", Role::Symbol(Function)),
        ("declaration_command", Role::SymbolBy(readonly)),
        ("command", Role::Import(import)),
        ("if_statement", Role::Branch),
        ("elif_clause", Role::Branch),
        ("for_statement", Role::Branch),
        ("c_style_for_statement", Role::Branch),
        ("while_statement", Role::Branch),
        ("case_item", Role::BranchBy(case)),
        ("ternary_expression", Role::Branch),
        ("list", Role::BranchBy(list)),
        ("binary_expression", Role::Operator(&["&&", "||", "-a", "-o"])),
        ("comment", Role::Comment),
        ("variable_name", Role::Identifier),
        ("command_name", Role::Identifier),
        ("command", Role::Call("name")),
    ],
    visible: Visible::Always,
    exports: Exports::Public,
    docstrings: false,
    separators: &["."],
    line_comment: "#",
    resolve: Resolve::Relative,
    mend: None,
    refuse: None,
};

/// `readonly NAME=..` and `declare -r NAME=..`.
fn readonly(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let text = source.text(node);
    let fixed = text.starts_with("readonly")
        || (text.starts_with("declare") || text.starts_with("typeset")) && text.contains(" -r");
    if !fixed {
        return None;
    }
    let assignment = super::names::child_of_kind(node, &["variable_assignment"])?;
    let name = assignment.child_by_field_name("name")?;
    is_constant_name(source.text(name)).then(|| {
        let value = assignment.child_by_field_name("value");
        constant(source, node, name, value)
    })
}

/// `*)` is the wildcard.
fn case(source: &Source<'_>, node: Node<'_>) -> u32 {
    let value = node.child_by_field_name("value");
    u32::from(value.is_none_or(|value| source.text(value) != "*"))
}

/// `a && b || c`.
fn list(_: &Source<'_>, node: Node<'_>) -> u32 {
    let mut cursor = node.walk();
    let operators = node
        .children(&mut cursor)
        .filter(|child| matches!(child.kind(), "&&" | "||"))
        .count();
    u32::try_from(operators).unwrap_or(0)
}

/// `source file` and `. file`.
fn import(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let name = node.child_by_field_name("name");
    if name.is_some_and(|name| matches!(source.text(name), "source" | "."))
        && let Some(path) = node.child_by_field_name("argument")
    {
        sink.add(unquoted(source.text(path)), None, None);
    }
    false
}
