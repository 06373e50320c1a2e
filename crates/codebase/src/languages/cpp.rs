//! C++.

use tree_sitter::Node;

use super::c::{
    WORDS, case, enumeration, function, include, macro_constant, macro_definition, structure,
    type_definition,
};
use super::names::declares_function;
use super::{Definition, Exports, ImportSink, Resolve, Role, Source, Table, Visible};
use crate::facts::SymbolKind::{Class, Module, Type};

pub(super) const TABLE: Table = Table {
    name: "cpp",
    extensions: &[
        "cc", "cpp", "cxx", "c++", "C", "hh", "hpp", "hxx", "h++", "H", "ipp", "inl", "tpp", "cu",
        "cuh", "ino",
    ],
    file_names: &[],
    interpreters: &[],
    grammar: Some(tree_sitter_cpp::LANGUAGE),
    nodes: &[
        ("function_definition", Role::SymbolBy(function)),
        ("declaration", Role::SymbolBy(prototype)),
        ("field_declaration", Role::SymbolBy(prototype)),
        ("class_specifier", Role::SymbolBy(class)),
        ("struct_specifier", Role::SymbolBy(structure)),
        ("union_specifier", Role::SymbolBy(structure)),
        ("enum_specifier", Role::SymbolBy(enumeration)),
        ("type_definition", Role::SymbolBy(type_definition)),
        ("alias_declaration", Role::Symbol(Type)),
        ("concept_definition", Role::Symbol(Type)),
        ("namespace_definition", Role::SymbolBy(namespace)),
        ("preproc_function_def", Role::SymbolBy(macro_definition)),
        ("preproc_def", Role::SymbolBy(macro_constant)),
        ("preproc_include", Role::Import(include)),
        ("using_declaration", Role::Import(using)),
        ("attribute_declaration", Role::Decorator),
        ("if_statement", Role::Branch),
        ("for_statement", Role::Branch),
        ("for_range_loop", Role::Branch),
        ("while_statement", Role::Branch),
        ("do_statement", Role::Branch),
        ("catch_clause", Role::Branch),
        ("case_statement", Role::BranchBy(case)),
        ("conditional_expression", Role::Branch),
        ("binary_expression", Role::Operator(&["&&", "||", "and", "or"])),
        ("comment", Role::Comment),
        ("identifier", Role::Identifier),
        ("type_identifier", Role::Identifier),
        ("field_identifier", Role::Identifier),
        ("namespace_identifier", Role::Identifier),
        ("call_expression", Role::Call("function")),
        ("new_expression", Role::Call("type")),
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

fn class(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    node.child_by_field_name("body")?;
    let name = node.child_by_field_name("name")?;
    Some(Definition::new(source, Class, node, name))
}

/// A function without its body, outside of functions: there `T name(arg);` makes a variable.
fn prototype(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let local = matches!(
        source.around(0),
        Some("compound_statement" | "for_statement" | "condition_clause" | "init_statement")
    );
    (!local && declares_function(node))
        .then(|| function(source, node))
        .flatten()
}

/// `namespace a::b {..}`; one without a name adds none.
fn namespace(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    Some(Definition::new(source, Module, node, name))
}

/// `using namespace a;` and `using a::b;`.
fn using(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let text = source.text(node).trim_start_matches("using").trim();
    let text = text.trim_end_matches(';').trim();
    match text.strip_prefix("namespace") {
        Some(module) => sink.add(module.trim(), Some("*"), None),
        None => match text.rsplit_once("::") {
            Some((module, name)) => sink.add(module, Some(name), None),
            None => sink.add(text, None, None),
        },
    }
    true
}
