//! What a file exports.

use tree_sitter::Node;

use crate::facts::{Export, Parsed, SymbolKind, Visibility};
use crate::languages::{Exports, Source, Table};

/// Takes what export statements say.
pub(super) struct ExportSink<'a> {
    pub exports: &'a mut Vec<Export>,
    pub line: u32,
    /// Whether the statement exports the definitions in it.
    pub declares: bool,
    /// Exports by number, and their names in this file.
    pub local_names: &'a mut Vec<(usize, String)>,
}

impl ExportSink<'_> {
    fn add(&mut self, name: &str, module: Option<&str>) {
        self.exports.push(Export {
            name: name.to_owned(),
            symbol: None,
            module: module.map(str::to_owned),
            line: self.line,
        });
    }

    /// The name in this file of the export that was added last.
    fn local(&mut self, name: &str) {
        let last = self.exports.len().saturating_sub(1);
        self.local_names.push((last, name.to_owned()));
    }

    /// Reads an `export` statement of JavaScript, or Python's `__all__ = [..]`.
    pub fn statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        if node.kind() != "export_statement" {
            self.all_list(source, node);
            return;
        }
        let module = node
            .child_by_field_name("source")
            .map(|module| unquoted(source.text(module)));
        let mut cursor = node.walk();
        let mut star = false;
        let mut default = false;
        for child in node.children(&mut cursor) {
            match child.kind() {
                "*" => star = true,
                "default" => default = true,
                "namespace_export" => {
                    star = false;
                    let name = child.named_child(0).map_or("*", |name| source.text(name));
                    self.add(unquoted(name), module);
                }
                "export_clause" => {
                    let mut specifiers = child.walk();
                    for specifier in child.named_children(&mut specifiers) {
                        let name = specifier
                            .child_by_field_name("alias")
                            .or_else(|| specifier.child_by_field_name("name"));
                        if let Some(name) = name {
                            self.add(unquoted(source.text(name)), module);
                        }
                        if module.is_none()
                            && let Some(local) = specifier.child_by_field_name("name")
                        {
                            self.local(source.text(local));
                        }
                    }
                }
                _ => {}
            }
        }
        if star {
            self.add("*", module);
        }
        if default {
            self.add("default", None);
            let local = node
                .child_by_field_name("declaration")
                .and_then(|declaration| declaration.child_by_field_name("name"))
                .or_else(|| node.child_by_field_name("value"));
            if let Some(local) = local
                && matches!(local.kind(), "identifier" | "type_identifier")
            {
                self.local(source.text(local));
            }
        }
        self.declares = node.child_by_field_name("declaration").is_some() && !default;
    }

    /// `__all__ = ["a", "b"]` and `__all__ += [..]`.
    fn all_list(&mut self, source: &Source<'_>, node: Node<'_>) {
        let left = node.child_by_field_name("left");
        if left.is_none_or(|left| source.text(left) != "__all__") {
            return;
        }
        let Some(list) = node.child_by_field_name("right") else {
            return;
        };
        let mut cursor = list.walk();
        for item in list.named_children(&mut cursor) {
            if item.kind() == "string" {
                self.add(unquoted(source.text(item)), None);
            }
        }
    }
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\'', '`'])
}

/// Adds the exports that no statement says, and ties exports to symbols.
pub(super) fn complete(text: &str, table: &Table, parsed: &mut Parsed) {
    let listed = !parsed.exports.is_empty() || text.contains("__all__");
    let public = match table.exports {
        Exports::None | Exports::Statements => false,
        Exports::Public => true,
        Exports::AllList => !listed,
    };
    let mut exports = std::mem::take(&mut parsed.exports);
    if public {
        for (number, symbol) in (0u32..).zip(&parsed.symbols) {
            let mut parent = symbol.parent;
            let mut reachable = symbol.visibility == Visibility::Public;
            while reachable
                && let Some(around) = parent.and_then(|around| parsed.symbols.get(around as usize))
            {
                reachable =
                    around.kind == SymbolKind::Module && around.visibility == Visibility::Public;
                parent = around.parent;
            }
            if reachable && symbol.kind != SymbolKind::Method {
                exports.push(Export {
                    name: symbol.name.clone(),
                    symbol: Some(number),
                    module: None,
                    line: symbol.start_line,
                });
            }
        }
    }
    for export in &mut exports {
        if export.symbol.is_none() && export.module.is_none() {
            export.symbol = parsed
                .symbols
                .iter()
                .position(|symbol| symbol.parent.is_none() && symbol.name == export.name)
                .and_then(|number| u32::try_from(number).ok());
        }
    }
    exports.sort_by_key(|export| export.line);
    parsed.exports = exports;
    // `export { name }` after the definition makes the definition public.
    for export in &parsed.exports {
        if let Some(symbol) = export
            .symbol
            .and_then(|number| parsed.symbols.get_mut(number as usize))
            && table.exports == Exports::Statements
        {
            symbol.visibility = Visibility::Public;
        }
    }
}
