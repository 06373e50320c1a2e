//! The one walk over a tree that gathers a file's facts.
//!
//! A cursor goes through the tree in order. Definitions that it is in lie on a stack of frames; no function calls itself,
//! so nesting costs memory only. Documentation and decorators stand before what they belong to: they wait until the
//! next definition takes them.

use std::ops::Range;

use compact_str::CompactString;
use tree_sitter::Node;

use super::exports::ExportSink;
use super::{ParseLimits, Spans, Syntax, signature};
use crate::checkout::Wanted;
use crate::error::Stage;
use crate::facts::{Call, Export, Parsed, Problem, Reference, Symbol, SymbolKind, Visibility};
use crate::language::Grammar;
use crate::languages::{Definition, Exports, ImportSink, Role, Source, Table, Visible};

/// A callee longer than this is known by its last name alone: chains of calls repeat all that is before them.
const CALLEE_BYTES_MAX: usize = 120;

/// A definition that the cursor is in.
struct Frame {
    /// Its depth in the tree.
    depth: usize,
    /// The symbol's number; a scope has its parent's or none.
    symbol: Option<u32>,
    /// Whether it is only a scope.
    scope: bool,
    kind: SymbolKind,
    qualified_name: String,
    /// Where the definition begins without its decorators.
    start: usize,
    start_row: usize,
    /// Decorators inside the definition end here; it begins at the next token.
    decorators_end: Option<usize>,
    body_start: usize,
    name_start: usize,
    /// Comments before the body.
    comments: Vec<Range<usize>>,
    decisions: u32,
    exported: bool,
}

/// A run of comments that may be documentation.
struct Comments {
    range: Range<usize>,
    end_row: usize,
}

/// A decorator that stands before its definition.
struct Pending {
    depth: usize,
    text: String,
    start_row: usize,
    decisions: u32,
}

struct Walk<'a> {
    source: Source<'a>,
    /// Where the lines of the text end, where the tree is of a text with other lines.
    breaks: Option<Vec<usize>>,
    grammar: &'static Grammar,
    table: &'static Table,
    /// Whether references and calls are kept.
    uses: bool,
    parsed: &'a mut Parsed,
    spans: &'a mut Spans,
    frames: Vec<Frame>,
    doc: Option<Comments>,
    pending: Vec<Pending>,
    /// The decorator that the cursor is in ends here.
    decorator_end: usize,
    /// The first rows of the nodes around.
    rows_around: Vec<usize>,
    /// Exports and the names by which they are known in this file.
    local_names: Vec<(usize, String)>,
    /// The export statement that the cursor is in ends here; its frame count.
    exporting: Option<(usize, usize)>,
    /// Where the last token that is no comment ends, and on which line. A definition ends there: some grammars count the
    /// comments after it to it.
    last_token: (usize, u32),
    has_error: bool,
    syntax_errors: u32,
    first_error_line: usize,
}

/// Gathers the facts of a tree.
pub(super) fn walk(
    syntax: &Syntax<'_>,
    limits: &ParseLimits,
    wanted: Wanted,
    parsed: &mut Parsed,
    spans: &mut Spans,
) {
    let Syntax {
        text,
        tree,
        mended,
        grammar,
        table,
    } = syntax;
    let mut walk = Walk {
        breaks: mended.then(|| text.match_indices('\n').map(|(at, _)| at).collect()),
        source: Source {
            text,
            grammar: &grammar.language,
            around: Vec::new(),
        },
        grammar,
        table,
        uses: wanted == Wanted::All,
        parsed,
        spans,
        frames: Vec::new(),
        doc: None,
        pending: Vec::new(),
        decorator_end: 0,
        rows_around: Vec::new(),
        local_names: Vec::new(),
        exporting: None,
        last_token: (0, 1),
        has_error: tree.root_node().has_error(),
        syntax_errors: 0,
        first_error_line: 0,
    };
    let mut cursor = tree.walk();
    let mut depth = 0;
    let mut too_deep = false;
    'nodes: loop {
        let node = cursor.node();
        let before = walk.spans.comments.len();
        if walk.enter(node, depth) {
            if depth >= limits.depth_max {
                too_deep |= node.child_count() > 0;
            } else if cursor.goto_first_child() {
                walk.source.around.push(node.kind_id());
                walk.rows_around.push(walk.row(node));
                depth += 1;
                continue;
            }
        }
        if walk.spans.comments.len() == before {
            walk.last_token = (node.end_byte(), walk.end_line(node));
        }
        walk.leave(node, depth);
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                break 'nodes;
            }
            depth -= 1;
            walk.source.around.pop();
            walk.rows_around.pop();
            walk.leave(cursor.node(), depth);
        }
    }
    let local_names = std::mem::take(&mut walk.local_names);
    for (export, local) in local_names {
        let symbol = walk
            .parsed
            .symbols
            .iter()
            .position(|symbol| symbol.parent.is_none() && symbol.name == local);
        if let Some(export) = walk.parsed.exports.get_mut(export) {
            export.symbol = symbol.map(u32_of);
        }
    }
    let (errors, line) = (walk.syntax_errors, walk.first_error_line);
    if errors > 0 {
        let more = match errors {
            1 => String::new(),
            2 => " and one more place".to_owned(),
            _ => format!(" and {} more places", errors - 1),
        };
        parsed.problems.push(Problem {
            stage: Stage::Parse,
            message: format!("the syntax is not understood at line {line}{more}"),
        });
    }
    if too_deep {
        parsed.problems.push(Problem::limit(format!(
            "nested more than {} deep; what is deeper was not looked into",
            limits.depth_max
        )));
    }
}

impl Walk<'_> {
    /// The row that a node begins in, from 0.
    fn row(&self, node: Node<'_>) -> usize {
        match &self.breaks {
            None => node.start_position().row,
            Some(breaks) => breaks.partition_point(|at| *at < node.start_byte()),
        }
    }

    fn line_of(&self, node: Node<'_>) -> u32 {
        u32_of(self.row(node) + 1)
    }

    /// The last line of a node. One that ends with a line break ends on the line before.
    fn end_line(&self, node: Node<'_>) -> u32 {
        let row = match &self.breaks {
            None => {
                let end = node.end_position();
                let start = node.start_position();
                end.row - usize::from(end.column == 0 && end.row > start.row)
            }
            Some(breaks) => {
                let last = node.end_byte().saturating_sub(1).max(node.start_byte());
                breaks.partition_point(|at| *at < last)
            }
        };
        u32_of(row + 1)
    }

    /// Looks at a node. Returns whether its children are of interest.
    fn enter(&mut self, node: Node<'_>, depth: usize) -> bool {
        if self.has_error && (node.is_error() || node.is_missing()) {
            if self.syntax_errors == 0 {
                self.first_error_line = self.row(node) + 1;
            }
            self.syntax_errors += 1;
        }
        self.begin_after_decorators(node);
        let roles = self.grammar.roles(node.kind_id());
        let mut descend = true;
        for role in roles {
            match role {
                Role::Comment => {
                    self.comment(node);
                    return false;
                }
                Role::Decorator => self.decorator(node, depth),
                Role::Branch => self.decide(node, 1),
                Role::BranchBy(count) => {
                    let decisions = count(&self.source, node);
                    self.decide(node, decisions);
                }
                Role::Operator(operators) => {
                    let operator = node.child_by_field_name("operator");
                    if operator.is_some_and(|operator| operators.contains(&operator.kind())) {
                        self.decide(node, 1);
                    }
                }
                Role::Identifier => self.reference(node),
                Role::Call(field) => self.call(node, field),
                Role::Import(rule) => {
                    let line = self.line_of(node);
                    let mut sink = ImportSink {
                        imports: &mut self.parsed.imports,
                        line,
                    };
                    let before = sink.imports.len();
                    descend &= !rule(&self.source, node, &mut sink);
                    if self.parsed.imports.len() > before {
                        self.spans.imports.push(node.byte_range());
                    }
                }
                Role::Export => self.export(node),
                Role::Symbol(kind) => {
                    if let Some(name) = node.child_by_field_name("name") {
                        let definition = Definition::new(&self.source, *kind, node, name);
                        self.define(node, depth, definition, false);
                    }
                }
                Role::SymbolBy(rule) => {
                    if let Some(definition) = rule(&self.source, node) {
                        self.define(node, depth, definition, false);
                    }
                }
                Role::Scope(rule) => {
                    if let Some(definition) = rule(&self.source, node) {
                        self.define(node, depth, definition, true);
                    }
                }
            }
        }
        if !self.pending.is_empty()
            && node.is_named()
            && !roles.iter().any(|role| matches!(role, Role::Decorator))
        {
            // Nothing took the decorators before this node.
            self.pending
                .retain(|pending| pending.depth < depth || self.decorator_end > node.start_byte());
        }
        descend
    }

    /// Ends the definition that ends with this node.
    fn leave(&mut self, node: Node<'_>, depth: usize) {
        if self.frames.last().is_none_or(|frame| frame.depth != depth) {
            return;
        }
        let Some(frame) = self.frames.pop() else {
            return;
        };
        if frame.scope {
            return;
        }
        let (end, end_line) = self.last_token;
        let end = end.clamp(frame.start, node.end_byte().max(frame.start));
        let visibility = self.visibility(&frame);
        let Some(symbol) = frame
            .symbol
            .and_then(|number| self.parsed.symbols.get_mut(number as usize))
        else {
            return;
        };
        symbol.end_byte = u32_of(end);
        symbol.end_line = end_line.max(u32_of(frame.start_row + 1));
        symbol.start_byte = u32_of(frame.start);
        symbol.start_line = u32_of(frame.start_row + 1);
        let head_end = frame.body_start.min(end);
        symbol.signature = signature::signature(
            self.source.text,
            frame.start..head_end.max(frame.start),
            &frame.comments,
        );
        symbol.complexity = symbol.kind.is_function().then_some(frame.decisions + 1);
        symbol.visibility = visibility;
        if frame.exported && self.table.exports == Exports::Statements {
            self.parsed.exports.push(Export {
                name: symbol.name.clone(),
                symbol: frame.symbol,
                module: None,
                line: symbol.start_line,
            });
        }
    }

    /// A frame whose decorators are inside it begins at the first token after them.
    fn begin_after_decorators(&mut self, node: Node<'_>) {
        let end = self.frames.last().and_then(|frame| frame.decorators_end);
        if end.is_some_and(|end| node.start_byte() >= end && node.child_count() == 0) {
            let start_row = self.row(node);
            if let Some(frame) = self.frames.last_mut() {
                frame.start = node.start_byte();
                frame.start_row = start_row;
                frame.decorators_end = None;
            }
        }
    }

    fn comment(&mut self, node: Node<'_>) {
        // Some grammars count the line break to the comment.
        let text = self.source.text(node);
        let start = node.start_byte();
        let range = start..start + text.trim_end().len();
        let start_row = self.row(node);
        let end_row = start_row + text.trim_end().matches('\n').count();
        if let Some(frame) = self.frames.last_mut()
            && start < frame.body_start
        {
            frame.comments.push(range.clone());
        }
        if start == 0 && text.starts_with("#!") {
            self.spans.comments.push(range);
            return;
        }
        match &mut self.doc {
            Some(doc) if doc.end_row + 1 == start_row => {
                doc.range.end = range.end;
                doc.end_row = end_row;
            }
            doc => {
                *doc = Some(Comments {
                    range: range.clone(),
                    end_row,
                });
            }
        }
        self.spans.comments.push(range);
    }

    fn decorator(&mut self, node: Node<'_>, depth: usize) {
        let text = self.source.text(node).trim().to_owned();
        self.decorator_end = node.end_byte();
        if let Some(frame) = self.frames.last_mut()
            && node.start_byte() < frame.name_start
        {
            frame.decorators_end = Some(node.end_byte());
            if let Some(symbol) = frame
                .symbol
                .and_then(|number| self.parsed.symbols.get_mut(number as usize))
            {
                symbol.decorators.push(text);
            }
            return;
        }
        self.pending.push(Pending {
            depth,
            text,
            start_row: self.row(node),
            decisions: 0,
        });
    }

    fn decide(&mut self, node: Node<'_>, decisions: u32) {
        if decisions == 0 {
            return;
        }
        self.parsed.complexity += decisions;
        if node.start_byte() < self.decorator_end
            && let Some(pending) = self.pending.last_mut()
        {
            pending.decisions += decisions;
            return;
        }
        self.decide_in_function(decisions);
    }

    fn decide_in_function(&mut self, decisions: u32) {
        let function = self
            .frames
            .iter_mut()
            .rev()
            .find(|frame| frame.kind.is_function() && !frame.scope);
        if let Some(frame) = function {
            frame.decisions += decisions;
        }
    }

    /// The number of the symbol that the cursor is in.
    fn enclosing(&self) -> Option<u32> {
        self.frames.last().and_then(|frame| frame.symbol)
    }

    fn reference(&mut self, node: Node<'_>) {
        if !self.uses {
            return;
        }
        let start = node.start_byte();
        if self
            .frames
            .last()
            .is_some_and(|frame| frame.name_start == start)
        {
            return;
        }
        let reference = Reference {
            name: CompactString::new(self.source.text(node)),
            symbol: self.enclosing(),
            line: self.line_of(node),
        };
        self.parsed.references.push(reference);
    }

    fn call(&mut self, node: Node<'_>, field: &str) {
        if !self.uses {
            return;
        }
        let callee = if field.is_empty() {
            node.named_child(0)
        } else {
            node.child_by_field_name(field)
        };
        let Some(callee) = callee else { return };
        let text = self.source.text(callee);
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '!' | '?' | '@');
        // The last name: past generics and the like there is none.
        let end = text.trim_end_matches(|c| !is_part(c)).len();
        let head = text.get(..end).unwrap_or("");
        let name = match head.char_indices().rev().find(|(_, c)| !is_part(*c)) {
            Some((at, c)) => head.get(at + c.len_utf8()..).unwrap_or(""),
            None => head,
        };
        if name.is_empty() || name.len() > CALLEE_BYTES_MAX {
            return;
        }
        let simple = text.len() <= CALLEE_BYTES_MAX && !text.contains(['\n', '(', '{']);
        self.parsed.calls.push(Call {
            name: CompactString::new(name),
            callee: CompactString::new(if simple { text } else { name }),
            symbol: self.frames.last().and_then(|frame| frame.symbol),
            line: self.line_of(node),
        });
    }

    fn export(&mut self, node: Node<'_>) {
        let line = self.line_of(node);
        let mut sink = ExportSink {
            exports: &mut self.parsed.exports,
            line,
            declares: false,
            local_names: &mut self.local_names,
        };
        sink.statement(&self.source, node);
        if sink.declares {
            self.exporting = Some((node.end_byte(), self.frames.len()));
        }
    }

    fn define(&mut self, node: Node<'_>, depth: usize, definition: Definition, scope: bool) {
        let mut kind = definition.kind;
        let start = node.start_byte();
        let inside = self.frames.last();
        if kind == SymbolKind::Constant
            && self
                .frames
                .iter()
                .any(|frame| frame.kind.is_function() && !frame.scope)
        {
            // A local name in capitals is nobody's constant.
            return;
        }
        if kind == SymbolKind::Function
            && (inside.is_some_and(|frame| frame.kind.has_methods()) || definition.within.is_some())
        {
            kind = SymbolKind::Method;
        }
        let mut qualified_name = inside.map_or_else(String::new, |f| f.qualified_name.clone());
        let separators = self.table.separators;
        for part in definition.within.iter().chain([&definition.name]) {
            if !qualified_name.is_empty() {
                qualified_name.push('.');
            }
            let mut part = part.clone();
            for separator in separators {
                part = part.replace(separator, ".");
            }
            qualified_name.push_str(if separators.is_empty() {
                &part
            } else {
                part.trim_start_matches('.')
            });
        }
        let mut parent = self.enclosing();
        if let Some(within) = &definition.within {
            let dotted = separators
                .iter()
                .fold(within.clone(), |within, part| within.replace(part, "."));
            parent = self.symbol_named(&dotted).or(parent);
        }
        let start_row = self.row(node);
        let mut frame = Frame {
            depth,
            symbol: parent,
            scope,
            kind,
            start,
            start_row,
            decorators_end: None,
            body_start: definition.body_start.unwrap_or(usize::MAX),
            name_start: definition.name_start,
            comments: Vec::new(),
            decisions: 0,
            exported: self
                .exporting
                .is_some_and(|(end, frames)| start < end && frames == self.frames.len()),
            qualified_name,
        };
        if scope {
            frame.symbol = self.symbol_named(&frame.qualified_name).or(parent);
            self.frames.push(frame);
            return;
        }
        let at = self
            .pending
            .iter()
            .position(|pending| pending.depth >= depth)
            .unwrap_or(self.pending.len());
        let pending = self.pending.split_off(at);
        let anchor_row = pending
            .first()
            .map_or(start_row, |first| first.start_row)
            .min(self.wrapped_from(start_row));
        let decisions = pending.iter().map(|pending| pending.decisions).sum();
        if kind.is_function() {
            frame.decisions = decisions;
        } else {
            self.decide_in_function(decisions);
        }
        let doc = if self.table.docstrings {
            node.child_by_field_name("body")
                .and_then(|body| docstring(&self.source, body))
        } else {
            self.doc
                .take_if(|doc| {
                    doc.end_row + 1 >= anchor_row.min(start_row) && doc.range.end <= start
                        || doc.end_row + 1 == start_row
                })
                .map(|doc| signature::comment_text(self.source.text.get(doc.range).unwrap_or("")))
                .filter(|doc| !doc.is_empty())
        };
        let number = u32_of(self.parsed.symbols.len());
        self.parsed.symbols.push(Symbol {
            name: definition.name,
            qualified_name: frame.qualified_name.clone(),
            kind,
            signature: String::new(),
            doc,
            decorators: pending.into_iter().map(|pending| pending.text).collect(),
            parent,
            start_line: u32_of(start_row + 1),
            end_line: 0,
            start_byte: u32_of(start),
            end_byte: 0,
            body_byte: definition.body_start.map(u32_of),
            visibility: Visibility::Public,
            complexity: None,
        });
        frame.symbol = Some(number);
        self.frames.push(frame);
    }

    /// Where the statement around a definition begins: `export`, `template <..>`, `const`.
    fn wrapped_from(&self, start_row: usize) -> usize {
        const WRAPPERS: &[&str] = &[
            "ambient_declaration",
            "decorated_definition",
            "export_statement",
            "expression_statement",
            "lexical_declaration",
            "template_declaration",
            "type_declaration",
            "variable_declaration",
        ];
        let mut row = start_row;
        for (levels, start) in self.rows_around.iter().rev().enumerate() {
            match self.source.around(levels) {
                Some(kind) if WRAPPERS.contains(&kind) => row = *start,
                _ => break,
            }
        }
        row
    }

    /// The latest symbol of that qualified name.
    fn symbol_named(&self, qualified_name: &str) -> Option<u32> {
        self.parsed
            .symbols
            .iter()
            .rposition(|symbol| symbol.qualified_name == qualified_name)
            .map(u32_of)
    }

    fn visibility(&self, frame: &Frame) -> Visibility {
        let name = frame
            .symbol
            .and_then(|number| self.parsed.symbols.get(number as usize))
            .map_or("", |symbol| symbol.name.as_str());
        let parent = self.frames.last();
        let word = |words: &[(&str, Visibility)]| {
            let head = self.source.text.get(frame.start..frame.name_start)?;
            words
                .iter()
                .find(|(word, _)| {
                    head.match_indices(word).any(|(at, _)| {
                        let before = head.get(..at).unwrap_or("");
                        let after = head.get(at + word.len()..).unwrap_or("");
                        let part = |c: char| c.is_alphanumeric() || c == '_';
                        !before.ends_with(part) && !after.starts_with(part)
                    })
                })
                .map(|(_, visibility)| *visibility)
        };
        match self.table.visible {
            Visible::Always => Visibility::Public,
            Visible::Underscore => {
                let dunder = name.starts_with("__") && name.ends_with("__");
                if name.starts_with('_') && !dunder {
                    Visibility::Private
                } else {
                    Visibility::Public
                }
            }
            Visible::Capital => {
                if name.chars().next().is_some_and(char::is_uppercase) {
                    Visibility::Public
                } else {
                    Visibility::Internal
                }
            }
            Visible::Words(words) => word(words.words).unwrap_or_else(|| {
                let in_interface = parent.is_some_and(|parent| {
                    matches!(parent.kind, SymbolKind::Interface | SymbolKind::Trait)
                });
                if in_interface {
                    words.in_interface
                } else if parent.is_none_or(|parent| parent.kind == SymbolKind::Module) {
                    if frame.kind == SymbolKind::Module && words.at_top == Visibility::Internal {
                        // Namespaces are open to all.
                        Visibility::Public
                    } else {
                        words.at_top
                    }
                } else {
                    words.default
                }
            }),
            Visible::Exported => {
                if name.starts_with('#') {
                    return Visibility::Private;
                }
                let words = [
                    ("private", Visibility::Private),
                    ("protected", Visibility::Protected),
                ];
                if let Some(visibility) = word(&words) {
                    return visibility;
                }
                let member = parent.is_some_and(|parent| parent.kind.has_methods());
                if member || frame.exported {
                    Visibility::Public
                } else {
                    Visibility::Private
                }
            }
        }
    }
}

/// The documentation string of a body: its first statement, if that is a string.
fn docstring(source: &Source<'_>, body: Node<'_>) -> Option<String> {
    let mut cursor = body.walk();
    let first = body
        .named_children(&mut cursor)
        .find(|child| !child.is_extra())?;
    let literal = match first.kind() {
        "expression_statement" => first.named_child(0)?,
        _ => first,
    };
    if literal.kind() != "string" {
        return None;
    }
    let text = source.text(literal);
    let prefix = text.split(['"', '\'']).next()?;
    if prefix.contains(['b', 'B', 'f', 'F']) {
        return None;
    }
    Some(signature::docstring_text(text)).filter(|doc| !doc.is_empty())
}

/// Offsets and lines of texts within the limits fit.
fn u32_of(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
