//! C#.

use tree_sitter::Node;

use super::names::{child_of_kind, constant, has_child};
use super::{Definition, Exports, ImportSink, Resolve, Role, Source, Table, Visible, Words};
use crate::facts::SymbolKind::{Class, Enum, Function, Interface, Method, Module, Struct, Type};
use crate::facts::Visibility;

pub(super) const TABLE: Table = Table {
    name: "csharp",
    extensions: &["cs", "csx"],
    file_names: &[],
    interpreters: &["dotnet-script"],
    #[cfg(feature = "csharp")]
    grammar: Some(tree_sitter_c_sharp::LANGUAGE),
    #[cfg(not(feature = "csharp"))]
    grammar: None,
    nodes: &[
        ("namespace_declaration", Role::Symbol(Module)),
        ("class_declaration", Role::Symbol(Class)),
        ("record_declaration", Role::Symbol(Class)),
        ("struct_declaration", Role::Symbol(Struct)),
        ("interface_declaration", Role::Symbol(Interface)),
        ("enum_declaration", Role::Symbol(Enum)),
        ("delegate_declaration", Role::Symbol(Type)),
        ("method_declaration", Role::Symbol(Method)),
        ("constructor_declaration", Role::Symbol(Method)),
        ("destructor_declaration", Role::Symbol(Method)),
        ("local_function_statement", Role::Symbol(Function)),
        ("field_declaration", Role::SymbolBy(field)),
        ("attribute_list", Role::Decorator),
        ("using_directive", Role::Import(using)),
        ("if_statement", Role::Branch),
        ("for_statement", Role::Branch),
        ("foreach_statement", Role::Branch),
        ("while_statement", Role::Branch),
        ("do_statement", Role::Branch),
        ("catch_clause", Role::Branch),
        ("switch_section", Role::BranchBy(section)),
        ("switch_expression_arm", Role::BranchBy(arm)),
        ("conditional_expression", Role::Branch),
        ("binary_expression", Role::Operator(&["&&", "||"])),
        ("comment", Role::Comment),
        ("identifier", Role::Identifier),
        ("invocation_expression", Role::Call("function")),
        ("object_creation_expression", Role::Call("type")),
    ],
    visible: Visible::Words(Words {
        default: Visibility::Private,
        at_top: Visibility::Internal,
        in_interface: Visibility::Public,
        words: &[
            ("public", Visibility::Public),
            ("protected", Visibility::Protected),
            ("internal", Visibility::Internal),
            ("private", Visibility::Private),
        ],
    }),
    exports: Exports::Public,
    docstrings: false,
    separators: &["."],
    line_comment: "//",
    resolve: Resolve::None,
    mend: None,
    refuse: None,
};

/// `const T NAME = ..`.
fn field(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let mut cursor = node.walk();
    let fixed = node
        .named_children(&mut cursor)
        .any(|child| child.kind() == "modifier" && source.text(child) == "const");
    if !fixed {
        return None;
    }
    let declarator = child_of_kind(
        child_of_kind(node, &["variable_declaration"])?,
        &["variable_declarator"],
    )?;
    let name = declarator.child_by_field_name("name")?;
    let count = u32::try_from(declarator.named_child_count()).ok()?;
    let value = declarator.named_child(count.saturating_sub(1));
    let value = value.filter(|value| value.id() != name.id());
    Some(constant(source, node, name, value))
}

/// Every `case` counts, `default` does not.
fn section(_: &Source<'_>, node: Node<'_>) -> u32 {
    let mut cursor = node.walk();
    let cases = node
        .children(&mut cursor)
        .filter(|child| child.kind() == "case")
        .count();
    u32::try_from(cases).unwrap_or(0)
}

/// `_ =>` does not count.
fn arm(source: &Source<'_>, node: Node<'_>) -> u32 {
    let discard = node
        .named_child(0)
        .is_some_and(|pattern| source.text(pattern) == "_");
    u32::from(!discard || has_child(node, &["when_clause"]))
}

/// `using A.B;`, `using C = A.B;`, `using static A.B;`.
fn using(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let text = source.text(node).trim_start_matches("global ").trim();
    let text = text.trim_start_matches("using").trim();
    let text = text.trim_end_matches(';').trim();
    match text.split_once('=') {
        Some((alias, module)) => sink.add(module.trim(), None, Some(alias.trim())),
        None => match text.strip_prefix("static ") {
            Some(module) => sink.add(module.trim(), Some("*"), None),
            None => sink.add(text, None, None),
        },
    }
    true
}
