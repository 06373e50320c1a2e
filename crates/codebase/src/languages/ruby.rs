//! Ruby.

use tree_sitter::Node;

use super::import_text::unquoted;
use super::names::{constant, is_constant_name};
use super::{Definition, Exports, ImportSink, Resolve, Role, Source, Table, Visible};
use crate::facts::SymbolKind::{Class, Function, Method, Module};

pub(super) const TABLE: Table = Table {
    name: "ruby",
    extensions: &["rb", "rake", "gemspec", "ru"],
    file_names: &["Rakefile", "Gemfile", "Guardfile", "Vagrantfile", "Podfile", "Fastfile"],
    interpreters: &["ruby", "jruby", "rake"],
    grammar: Some(tree_sitter_ruby::LANGUAGE),
    nodes: &[
        ("method", Role::SymbolBy(method)),
        ("singleton_method", Role::SymbolBy(method)),
        ("class", Role::Symbol(Class)),
        ("module", Role::Symbol(Module)),
        ("assignment", Role::SymbolBy(assigned_constant)),
        ("call", Role::Import(require)),
        ("if", Role::Branch),
        ("elsif", Role::Branch),
        ("unless", Role::Branch),
        ("if_modifier", Role::Branch),
        ("unless_modifier", Role::Branch),
        ("while", Role::Branch),
        ("until", Role::Branch),
        ("while_modifier", Role::Branch),
        ("until_modifier", Role::Branch),
        ("for", Role::Branch),
        ("rescue", Role::Branch),
        ("rescue_modifier", Role::Branch),
        ("when", Role::Branch),
        ("in_clause", Role::BranchBy(in_clause)),
        ("conditional", Role::Branch),
        ("binary", Role::Operator(&["&&", "||", "and", "or"])),
        ("comment", Role::Comment),
        ("identifier", Role::Identifier),
        ("constant", Role::Identifier),
        ("call", Role::Call("method")),
    ],
    visible: Visible::Always,
    exports: Exports::Public,
    docstrings: false,
    separators: &["::"],
    line_comment: "#",
    resolve: Resolve::Load(&["rb"]),
    mend: None,
    refuse: None,
};

/// A method in a module or class; outside of both it is a function.
fn method(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    let kind = match source.around(1) {
        Some("class" | "module" | "singleton_class") => Method,
        _ => Function,
    };
    let mut definition = Definition::new(source, kind, node, name);
    if definition.body_start.is_none() {
        let end = node.child_by_field_name("parameters").unwrap_or(name);
        definition.body_start = Some(end.end_byte());
    }
    Some(definition)
}

/// `NAME = ..`, frozen or not.
fn assigned_constant(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let left = node.child_by_field_name("left")?;
    let named = left.kind() == "constant" && is_constant_name(source.text(left));
    named.then(|| constant(source, node, left, node.child_by_field_name("right")))
}

/// `in _` does not count.
fn in_clause(source: &Source<'_>, node: Node<'_>) -> u32 {
    let pattern = node.child_by_field_name("pattern");
    let wildcard = pattern.is_some_and(|pattern| source.text(pattern) == "_");
    u32::from(!wildcard || node.child_by_field_name("guard").is_some())
}

/// `require 'm'`, `require_relative 'm'`, `load 'm'`, `autoload :Name, 'm'`.
fn require(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let Some(method) = node.child_by_field_name("method") else {
        return false;
    };
    if node.child_by_field_name("receiver").is_some() {
        return false;
    }
    let word = source.text(method);
    let Some(arguments) = node.child_by_field_name("arguments") else {
        return false;
    };
    let argument = match word {
        "require" | "require_relative" | "load" => arguments.named_child(0),
        "autoload" => arguments.named_child(1),
        _ => None,
    };
    if let Some(argument) = argument
        && argument.kind() == "string"
    {
        let module = unquoted(source.text(argument));
        // `require_relative 'a'` is `./a`: relative to the file, as its name says.
        if word == "require_relative" && !module.starts_with('.') {
            sink.add(&format!("./{module}"), None, None);
        } else {
            sink.add(module, None, None);
        }
    }
    false
}
