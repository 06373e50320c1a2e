//! C, and what C++ shares with it.

use tree_sitter::Node;

use super::import_text::unquoted;
use super::names::{constant, declarator_name, declares_function, is_constant_name};
use super::{Definition, Exports, ImportSink, Resolve, Role, Source, Table, Visible, Words};
use crate::facts::SymbolKind::{Enum, Function, Macro, Struct, Type};
use crate::facts::Visibility;

pub(super) const TABLE: Table = Table {
    name: "c",
    extensions: &["c", "h"],
    file_names: &[],
    interpreters: &["tcc"],
    grammar: Some(tree_sitter_c::LANGUAGE),
    nodes: &[
        ("function_definition", Role::SymbolBy(function)),
        ("declaration", Role::SymbolBy(prototype)),
        ("struct_specifier", Role::SymbolBy(structure)),
        ("union_specifier", Role::SymbolBy(structure)),
        ("enum_specifier", Role::SymbolBy(enumeration)),
        ("type_definition", Role::SymbolBy(type_definition)),
        ("preproc_function_def", Role::SymbolBy(macro_definition)),
        ("preproc_def", Role::SymbolBy(macro_constant)),
        ("preproc_include", Role::Import(include)),
        ("if_statement", Role::Branch),
        ("for_statement", Role::Branch),
        ("while_statement", Role::Branch),
        ("do_statement", Role::Branch),
        ("case_statement", Role::BranchBy(case)),
        ("conditional_expression", Role::Branch),
        ("binary_expression", Role::Operator(&["&&", "||"])),
        ("comment", Role::Comment),
        ("identifier", Role::Identifier),
        ("type_identifier", Role::Identifier),
        ("field_identifier", Role::Identifier),
        ("call_expression", Role::Call("function")),
    ],
    visible: Visible::Words(WORDS),
    exports: Exports::Public,
    docstrings: false,
    separators: &["::"],
    line_comment: "//",
    resolve: Resolve::Include,
    mend: None,
    refuse: None,
};

pub(super) const WORDS: Words = Words {
    default: Visibility::Public,
    at_top: Visibility::Public,
        in_interface: Visibility::Public,
    words: &[("static", Visibility::Private)],
};

/// A function with its body. `Outer::name` is within `Outer`.
pub(super) fn function(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    if !declares_function(node) {
        return None;
    }
    let mut name = declarator_name(node)?;
    let whole = source.text(name);
    let mut within = None;
    while name.kind() == "qualified_identifier" {
        name = name.child_by_field_name("name")?;
    }
    if name.kind() == "template_function" {
        name = name.child_by_field_name("name")?;
    }
    let simple = source.text(name);
    if let Some(scope) = whole.strip_suffix(simple)
        && let Some(scope) = scope.trim_end().strip_suffix("::")
    {
        within = Some(without_arguments(scope)).filter(|scope| !scope.is_empty());
    }
    let mut definition = Definition::new(source, Function, node, name);
    definition.within = within;
    Some(definition)
}

/// `Outer<T>::Inner` as `Outer::Inner`.
fn without_arguments(scope: &str) -> String {
    let mut depth = 0;
    scope
        .chars()
        .filter(|c| {
            match c {
                '<' => depth += 1,
                '>' => {
                    depth -= 1;
                    return false;
                }
                _ => {}
            }
            depth == 0 && !c.is_whitespace()
        })
        .collect()
}

/// A function without its body, as headers have them.
fn prototype(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let local = matches!(source.around(0), Some("compound_statement" | "for_statement"));
    (!local).then(|| function(source, node)).flatten()
}

/// `struct name {..}`; without a body it is only a use.
pub(super) fn structure(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    node.child_by_field_name("body")?;
    let name = node.child_by_field_name("name")?;
    Some(Definition::new(source, Struct, node, name))
}

/// `enum name {..}`.
pub(super) fn enumeration(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    node.child_by_field_name("body")?;
    let name = node.child_by_field_name("name")?;
    Some(Definition::new(source, Enum, node, name))
}

/// `typedef .. name;`. One that names a structure without a name is the structure's definition.
pub(super) fn type_definition(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = declarator_name(node)?;
    let of = node.child_by_field_name("type");
    let body = of.and_then(|of| of.child_by_field_name("body"));
    let unnamed = of.is_some_and(|of| of.child_by_field_name("name").is_none());
    let kind = match of.map(|of| of.kind()) {
        Some("struct_specifier" | "union_specifier") if body.is_some() && unnamed => Struct,
        Some("enum_specifier") if body.is_some() && unnamed => Enum,
        _ => Type,
    };
    let mut definition = Definition::new(source, kind, node, name);
    definition.body_start = body.map(|body| body.start_byte());
    Some(definition)
}

pub(super) fn macro_definition(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    let mut definition = Definition::new(source, Macro, node, name);
    definition.body_start = node
        .child_by_field_name("value")
        .map(|value| value.start_byte());
    Some(definition)
}

/// `#define NAME value`; without a value it is a switch, such as a guard.
pub(super) fn macro_constant(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    let value = node.child_by_field_name("value")?;
    is_constant_name(source.text(name)).then(|| constant(source, node, name, Some(value)))
}

/// `case` counts, `default` does not.
pub(super) fn case(_: &Source<'_>, node: Node<'_>) -> u32 {
    u32::from(node.child_by_field_name("value").is_some())
}

pub(super) fn include(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    if let Some(path) = node.child_by_field_name("path") {
        sink.add(unquoted(source.text(path)), None, None);
    }
    true
}
