//! Go.

use tree_sitter::Node;

use super::import_text::unquoted;
use super::names::constant;
use super::{Definition, Exports, ImportSink, Resolve, Role, Source, Table, Visible};
use crate::facts::SymbolKind::{Function, Interface, Method, Struct, Type};

pub(super) const TABLE: Table = Table {
    name: "go",
    extensions: &["go"],
    file_names: &[],
    interpreters: &["gorun"],
    grammar: Some(tree_sitter_go::LANGUAGE),
    nodes: &[
        ("function_declaration", Role::Symbol(Function)),
        ("method_declaration", Role::SymbolBy(method)),
        ("method_elem", Role::Symbol(Method)),
        ("type_spec", Role::SymbolBy(type_spec)),
        ("type_alias", Role::Symbol(Type)),
        ("const_spec", Role::SymbolBy(const_spec)),
        ("import_spec", Role::Import(import)),
        ("if_statement", Role::Branch),
        ("for_statement", Role::Branch),
        ("expression_case", Role::Branch),
        ("type_case", Role::Branch),
        ("communication_case", Role::Branch),
        ("binary_expression", Role::Operator(&["&&", "||"])),
        ("comment", Role::Comment),
        ("identifier", Role::Identifier),
        ("type_identifier", Role::Identifier),
        ("field_identifier", Role::Identifier),
        ("package_identifier", Role::Identifier),
        ("call_expression", Role::Call("function")),
    ],
    visible: Visible::Capital,
    exports: Exports::Public,
    docstrings: false,
    separators: &["."],
    line_comment: "//",
    resolve: Resolve::Go,
    mend: None,
    refuse: None,
};

/// `func (r *Type[T]) name(..)`.
fn method(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    let mut definition = Definition::new(source, Method, node, name);
    let receiver = source.text(node.child_by_field_name("receiver")?);
    let receiver = receiver.trim_matches(['(', ')', ' ']);
    let receiver = receiver.split('[').next()?;
    let of = receiver.rsplit([' ', '*']).next()?;
    definition.within = (!of.is_empty()).then(|| of.to_owned());
    Some(definition)
}

fn type_spec(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    let of = node.child_by_field_name("type")?;
    let kind = match of.kind() {
        "struct_type" => Struct,
        "interface_type" => Interface,
        _ => Type,
    };
    let mut definition = Definition::new(source, kind, node, name);
    if kind != Type {
        // The braces are the body: `Name struct` is the signature.
        let brace = source.text(of).find('{');
        definition.body_start = brace.map(|brace| of.start_byte() + brace);
    }
    Some(definition)
}

fn const_spec(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    let named = source.text(name) != "_";
    named.then(|| constant(source, node, name, node.child_by_field_name("value")))
}

fn import(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    if let Some(path) = node.child_by_field_name("path") {
        let path = unquoted(source.text(path));
        match node.child_by_field_name("name").map(|name| source.text(name)) {
            Some(".") => sink.add(path, Some("*"), None),
            alias => sink.add(path, None, alias),
        }
    }
    true
}
