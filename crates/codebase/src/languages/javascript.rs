//! JavaScript, and what TypeScript shares with it.

use tree_sitter::Node;

use super::import_text::unquoted;
use super::names::{constant, has_child};
use super::{Definition, Exports, ImportSink, Resolve, Role, Source, Table, Visible};
use crate::facts::SymbolKind::{self, Class, Function, Method};

pub(super) const TABLE: Table = Table {
    name: "javascript",
    extensions: &["js", "mjs", "cjs", "jsx"],
    file_names: &["Jakefile"],
    interpreters: &["node", "nodejs", "deno", "bun"],
    grammar: Some(tree_sitter_javascript::LANGUAGE),
    nodes: &[
        ("function_declaration", Role::Symbol(Function)),
        ("generator_function_declaration", Role::Symbol(Function)),
        ("class_declaration", Role::Symbol(Class)),
        ("method_definition", Role::Symbol(Method)),
        ("field_definition", Role::SymbolBy(field)),
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
        ("call_expression", Role::Call("function")),
        ("new_expression", Role::Call("constructor")),
    ],
    visible: Visible::Exported,
    exports: Exports::Statements,
    docstrings: false,
    separators: &["."],
    line_comment: "//",
    resolve: Resolve::Script,
    mend: None,
    refuse: None,
};

/// Whether an expression is a function, and where its body begins; or a class.
fn callable(value: Node<'_>) -> Option<(SymbolKind, Option<usize>)> {
    let kind = match value.kind() {
        "arrow_function" | "function_expression" | "generator_function" => Function,
        "class" => Class,
        _ => return None,
    };
    let body = value.child_by_field_name("body");
    Some((kind, body.map(|body| body.start_byte())))
}

/// `const f = () => ..`, `const C = class {..}`, and constants.
pub(super) fn variable(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node.child_by_field_name("name")?;
    if name.kind() != "identifier" {
        return None;
    }
    let value = node.child_by_field_name("value");
    if let Some((kind, body_start)) = value.and_then(callable) {
        let mut definition = Definition::new(source, kind, node, name);
        definition.body_start = body_start;
        return Some(definition);
    }
    // `const` is a word of the declaration around; the declarator's text is preceded by it.
    let before = source.text.get(..node.start_byte())?.trim_end();
    let module = value.is_some_and(|value| source.text(value).starts_with("require("));
    (before.ends_with("const") && !module).then(|| constant(source, node, name, value))
}

/// `module.exports.f = function () {..}` and `A.prototype.f = ..`.
pub(super) fn assigned(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let left = node.child_by_field_name("left")?;
    let (kind, body_start) = callable(node.child_by_field_name("right")?)?;
    let name = match left.kind() {
        "member_expression" => left.child_by_field_name("property")?,
        _ => return None,
    };
    let mut definition = Definition::new(source, kind, node, name);
    definition.body_start = body_start;
    Some(definition)
}

/// `f = () => ..` in a class.
pub(super) fn field(source: &Source<'_>, node: Node<'_>) -> Option<Definition> {
    let name = node
        .child_by_field_name("property")
        .or_else(|| node.child_by_field_name("name"))?;
    let (kind, body_start) = callable(node.child_by_field_name("value")?)?;
    let kind = if kind == Function { Method } else { kind };
    let mut definition = Definition::new(source, kind, node, name);
    definition.body_start = body_start;
    Some(definition)
}

/// `import a, { b as c }, * as d from 'm'`, and `import 'm'`.
pub(super) fn import(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    if let Some(require) = super::names::child_of_kind(node, &["import_require_clause"]) {
        let module = require.child_by_field_name("source");
        let name = require.named_child(0).map(|name| source.text(name));
        if let Some(module) = module {
            sink.add(unquoted(source.text(module)), None, name);
        }
        return true;
    }
    let Some(module) = node.child_by_field_name("source") else {
        return true;
    };
    let module = unquoted(source.text(module));
    let Some(clause) = super::names::child_of_kind(node, &["import_clause"]) else {
        sink.add(module, None, None);
        return true;
    };
    let mut cursor = clause.walk();
    for part in clause.named_children(&mut cursor) {
        match part.kind() {
            "identifier" => sink.add(module, Some("default"), Some(source.text(part))),
            "namespace_import" => {
                let alias = part.named_child(0).map(|alias| source.text(alias));
                sink.add(module, Some("*"), alias);
            }
            "named_imports" => {
                let mut specifiers = part.walk();
                for specifier in part.named_children(&mut specifiers) {
                    if let Some(name) = specifier.child_by_field_name("name") {
                        let alias = specifier.child_by_field_name("alias");
                        sink.add(
                            module,
                            Some(unquoted(source.text(name))),
                            alias.map(|alias| source.text(alias)),
                        );
                    }
                }
            }
            _ => {}
        }
    }
    true
}

/// `require('m')` and `import('m')`.
pub(super) fn require(source: &Source<'_>, node: Node<'_>, sink: &mut ImportSink<'_>) -> bool {
    let function = node.child_by_field_name("function");
    let named = function.is_some_and(|function| {
        function.kind() == "import"
            || function.kind() == "identifier" && source.text(function) == "require"
    });
    if named
        && let Some(arguments) = node.child_by_field_name("arguments")
        && let Some(module) = arguments.named_child(0)
        && (module.kind() == "string"
            || module.kind() == "template_string" && !has_child(module, &["template_substitution"]))
    {
        sink.add(unquoted(source.text(module)), None, None);
    }
    false
}
