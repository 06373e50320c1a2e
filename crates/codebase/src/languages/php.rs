//! PHP.

use tree_sitter::Node;

use super::import_text::unquoted;
use super::names::{child_of_kind, constant};
use super::{Definition, Exports, ImportSink, Resolve, Role, Source, Table, Visible, Words};
use crate::facts::SymbolKind::{Class, Enum, Function, Interface, Method, Trait};
use crate::facts::Visibility;

pub(super) const TABLE: Table = Table {
    name: "php",
    extensions: &["php", "phtml", "php3", "php4", "php5", "phps"],
    file_names: &[],
    interpreters: &["php"],
    #[cfg(feature = "php")]
    grammar: Some(tree_sitter_php::LANGUAGE_PHP),
    #[cfg(not(feature = "php"))]
    grammar: None,
    nodes: &[
        ("function_definition", Role::Symbol(Function)),
        ("class_declaration", Role::Symbol(Class)),
        ("interface_declaration", Role::Symbol(Interface)),
        ("trait_declaration", Role::Symbol(Trait)),
        ("enum_declaration", Role::Symbol(Enum)),
        ("method_declaration", Role::Symbol(Method)),
        ("const_element", Role::SymbolBy(const_element)),
        ("attribute_list", Role::Decorator),
        ("namespace_use_declaration", Role::Import(import)),
        ("include_expression", Role::Import(include)),
        ("include_once_expression", Role::Import(include)),
        ("require_expression", Role::Import(include)),
        ("require_once_expression", Role::Import(include)),
        ("if_statement", Role::Branch),
        ("else_if_clause", Role::Branch),
        ("for_statement", Role::Branch),
        ("foreach_statement", Role::Branch),
        ("while_statement", Role::Branch),
        ("do_statement", Role::Branch),
        ("catch_clause", Role::Branch),
        ("case_statement", Role::Branch),
        ("match_conditional_expression", Role::Branch),
        ("conditional_expression", Role::Branch),
        ("binary_expression", Role::Operator(&["&&", "||", "and", "or"])),
        ("comment", Role::Comment),
        ("name", Role::Identifier),
        ("function_call_expression", Role::Call("function")),
        ("member_call_expression", Role::Call("name")),
        ("nullsafe_member_call_expression", Role::Call("name")),
        ("scoped_call_expression", Role::Call("name")),
        ("object_creation_expression", Role::Call("")),
    ],
    visible: Visible::Words(Words {
        default: Visibility::Public,
        at_top: Visibility::Public,
        in_interface: Visibility::Public,
        words: &[
            ("private", Visibility::Private),
            ("protected", Visibility::Protected),
            ("public", Visibility::Public),
        ],
    }),
    exports: Exports::Public,
    docstrings: false,
    separators: &["\\"],
    line_comment: "//",
    resolve: Resolve::Php,
    mend: None,
    refuse: None,
};

fn const_element(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = child_of_kind(node, &["name"])?;
    Some(constant(source, node, name, node.named_child(1)))
}

/// `use A\B as C;`, `use A\{B, C};`.
fn import(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let text = source.text(node).trim_start_matches("use").trim();
    let text = text.trim_end_matches(';').trim();
    let text = text
        .strip_prefix("function ")
        .or_else(|| text.strip_prefix("const "))
        .unwrap_or(text);
    let (prefix, names) = match text.split_once('{') {
        Some((prefix, names)) => (prefix.trim(), names.trim_end().trim_end_matches('}')),
        None => ("", text),
    };
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let (path, alias) = match name.split_once(" as ") {
            Some((path, alias)) => (path.trim(), Some(alias.trim())),
            None => (name, None),
        };
        let path = format!("{prefix}{path}");
        let last = path.rsplit('\\').next().map(str::to_owned);
        sink.add(&path, last.as_deref(), alias);
    }
    true
}

/// `require __DIR__ . '/a.php'`: the string is what can be told without running the program.
fn include(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let Some(path) = node.named_child(0) else {
        return false;
    };
    let text = source.text(path);
    let from = text.find(['"', '\'']);
    if let Some(literal) = from.and_then(|from| text.get(from..)) {
        let module = unquoted(literal.trim_end_matches(')'));
        if !module.contains(['$', '\'', '"']) {
            if text.contains("__DIR__") {
                sink.add(&format!("./{}", module.trim_start_matches('/')), None, None);
            } else {
                sink.add(module, None, None);
            }
        }
    }
    false
}
