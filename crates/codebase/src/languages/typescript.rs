//! TypeScript.

use tree_sitter::Node;

use super::javascript::{assigned, field, import, require, variable};
use super::{Definition, Exports, Resolve, Role, Source, Table, Visible};
use crate::facts::SymbolKind::{Class, Enum, Function, Interface, Method, Module, Type};

pub(super) const TABLE: Table = Table {
    name: "typescript",
    extensions: &["ts", "mts", "cts"],
    file_names: &[],
    interpreters: &["ts-node", "tsx"],
    grammar: Some(tree_sitter_typescript::LANGUAGE_TYPESCRIPT),
    nodes: NODES,
    visible: Visible::Exported,
    exports: Exports::Statements,
    docstrings: false,
    separators: &["."],
    line_comment: "//",
    resolve: Resolve::Script,
    mend: None,
    refuse: None,
};

/// The kinds of TypeScript, with and without JSX.
pub(super) const NODES: &[(&str, Role)] = &[
    ("function_declaration", Role::Symbol(Function)),
    ("generator_function_declaration", Role::Symbol(Function)),
    ("function_signature", Role::Symbol(Function)),
    ("class_declaration", Role::Symbol(Class)),
    ("abstract_class_declaration", Role::Symbol(Class)),
    ("interface_declaration", Role::Symbol(Interface)),
    ("enum_declaration", Role::Symbol(Enum)),
    ("type_alias_declaration", Role::Symbol(Type)),
    ("internal_module", Role::SymbolBy(namespace)),
    ("module", Role::SymbolBy(namespace)),
    ("method_definition", Role::Symbol(Method)),
    ("method_signature", Role::SymbolBy(member_signature)),
    ("abstract_method_signature", Role::Symbol(Method)),
    ("public_field_definition", Role::SymbolBy(field)),
    ("variable_declarator", Role::SymbolBy(variable)),
    ("assignment_expression", Role::SymbolBy(assigned)),
    ("decorator", Role::Decorator),
    ("export_statement", Role::Export),
    ("import_statement", Role::Import(import)),
    ("call_expression", Role::Import(require)),
    ("if_statement", Role::Branch),
    ("for_statement", Role::Branch),
    ("for_in_statement", Role::Branch),
    ("while_statement", Role::Branch),
    ("do_statement", Role::Branch),
    ("catch_clause", Role::Branch),
    ("switch_case", Role::Branch),
    ("ternary_expression", Role::Branch),
    ("binary_expression", Role::Operator(&["&&", "||"])),
    ("comment", Role::Comment),
    ("html_comment", Role::Comment),
    ("identifier", Role::Identifier),
    ("property_identifier", Role::Identifier),
    ("private_property_identifier", Role::Identifier),
    ("shorthand_property_identifier", Role::Identifier),
    ("type_identifier", Role::Identifier),
    ("call_expression", Role::Call("function")),
    ("new_expression", Role::Call("constructor")),
];

/// `namespace A.B {..}` and `declare module 'm' {..}`.
fn namespace(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    let mut definition = Definition::new(source, Module, node, name);
    definition.name = definition.name.trim_matches(['"', '\'']).to_owned();
    Some(definition)
}

/// Methods of interfaces; those of types written in place belong to nothing that has a name.
fn member_signature(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    let in_interface = source.around(0) != Some("object_type");
    in_interface.then(|| Definition::new(source, Method, node, name))
}
