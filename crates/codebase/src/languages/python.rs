//! Python.

use tree_sitter::Node;

use super::names::{constant, is_constant_name};
use super::{Definition, Exports, ImportSink, Mended, Resolve, Role, Source, Table, Visible};
use crate::facts::SymbolKind::{Class, Function, Type};

pub(super) const TABLE: Table = Table {
    name: "python",
    extensions: &["py", "pyi", "pyw"],
    file_names: &["SConstruct", "SConscript", "wscript"],
    interpreters: &["python", "pypy"],
    grammar: Some(tree_sitter_python::LANGUAGE),
    nodes: &[
        ("function_definition", Role::Symbol(Function)),
        ("class_definition", Role::Symbol(Class)),
        ("assignment", Role::SymbolBy(assigned_constant)),
        ("assignment", Role::Export),
        ("augmented_assignment", Role::Export),
        ("type_alias_statement", Role::SymbolBy(type_alias)),
        ("decorator", Role::Decorator),
        ("import_statement", Role::Import(import)),
        ("import_from_statement", Role::Import(import_from)),
        ("future_import_statement", Role::Import(import_from)),
        ("if_statement", Role::Branch),
        ("elif_clause", Role::Branch),
        ("for_statement", Role::Branch),
        ("while_statement", Role::Branch),
        ("except_clause", Role::Branch),
        ("case_clause", Role::BranchBy(case)),
        ("conditional_expression", Role::Branch),
        ("for_in_clause", Role::Branch),
        ("if_clause", Role::Branch),
        ("boolean_operator", Role::Branch),
        ("comment", Role::Comment),
        ("identifier", Role::Identifier),
        ("call", Role::Call("function")),
    ],
    visible: Visible::Underscore,
    exports: Exports::AllList,
    docstrings: true,
    separators: &["."],
    line_comment: "#",
    resolve: Resolve::Python,
    mend: Some(mend),
    refuse: None,
};

/// `NAME = value` and `NAME: type = value`.
fn assigned_constant(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let left = node.child_by_field_name("left")?;
    let named = left.kind() == "identifier" && is_constant_name(source.text(left));
    named.then(|| constant(source, node, left, node.child_by_field_name("right")))
}

/// `type Name = ..`.
fn type_alias(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let mut name = node.child_by_field_name("left")?;
    while name.kind() != "identifier" {
        name = name.named_child(0)?;
    }
    Some(Definition::new(source, Type, node, name))
}

/// A `case` counts unless it is `_` without a guard. The guard is an `if_clause` and would count once more: that is
/// taken back by counting the clause only where it has none.
fn case(source: &Source<'_>, node: Node<'_>) -> u32 {
    let mut cursor = node.walk();
    let mut patterns = node
        .named_children(&mut cursor)
        .filter(|child| child.kind() == "case_pattern");
    let first = patterns.next();
    let only = patterns.next().is_none();
    let guarded = node.child_by_field_name("guard").is_some();
    let wildcard = only && first.is_some_and(|pattern| source.text(pattern) == "_");
    u32::from(!wildcard && !guarded)
}

/// `import a.b as c, d`.
fn import(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let mut cursor = node.walk();
    for name in node.children_by_field_name("name", &mut cursor) {
        let (name, alias) = aliased(name);
        sink.add(
            &dotted(source.text(name)),
            None,
            alias.map(|alias| source.text(alias)),
        );
    }
    true
}

/// `from .a import b as c, d`, `from a import *`, `from __future__ import a`.
fn import_from(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let module = match node.child_by_field_name("module_name") {
        Some(module) => dotted(source.text(module)),
        None => "__future__".to_owned(),
    };
    let mut cursor = node.walk();
    for name in node.children_by_field_name("name", &mut cursor) {
        let (name, alias) = aliased(name);
        sink.add(
            &module,
            Some(source.text(name)),
            alias.map(|alias| source.text(alias)),
        );
    }
    if super::names::child_of_kind(node, &["wildcard_import"]).is_some() {
        sink.add(&module, Some("*"), None);
    }
    true
}

/// Puts what is in brackets on one line: the grammar takes a line break after a dot, with less indentation than before,
/// for the end of the block, though inside of brackets it means nothing. And gives the grammar a name for the star of
/// `from __future__ import *`.
fn mend(text: &str) -> Option<Mended> {
    let mut bytes = text.as_bytes().to_vec();
    let mut comments = Vec::new();
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'\n' | b'\r' | b'\\' if depth > 0 => bytes.get_mut(at..=at)?.fill(b' '),
            b'#' => {
                let rest = bytes.get(at..)?;
                let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                if depth > 0 {
                    comments.push(at..at + length);
                    bytes.get_mut(at..at + length)?.fill(b' ');
                }
                at += length;
                continue;
            }
            b'"' | b'\'' => {
                at = string_end(&bytes, at, byte);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    let mut text = String::from_utf8(bytes).ok()?;
    let future = "from __future__ import *";
    if text.contains(future) {
        text = text.replace(future, "from __future__ import _");
    }
    Some(Mended { text, comments })
}

/// Where the string that begins with the quote at `start` ends.
fn string_end(bytes: &[u8], start: usize, quote: u8) -> usize {
    let triple = bytes.get(start..start + 3) == Some(&[quote; 3][..]);
    let mut at = start + if triple { 3 } else { 1 };
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' if !triple => return at,
            _ if byte == quote && !triple => return at + 1,
            _ if byte == quote && bytes.get(at..at + 3) == Some(&[quote; 3][..]) => return at + 3,
            _ => {}
        }
        at += 1;
    }
    at
}

/// The name and the alias of `name as alias`.
fn aliased(node: Node<'_>) -> (Node<'_>, Option<Node<'_>>) {
    match node.child_by_field_name("name") {
        Some(name) => (name, node.child_by_field_name("alias")),
        None => (node, None),
    }
}

/// A module's name without the blanks that may stand around its dots.
fn dotted(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace() && *c != '\\').collect()
}
