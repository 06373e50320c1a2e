//! Less text for the same code.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use tree_sitter::Tree;

use crate::error::Error;
use crate::facts::{Parsed, Symbol};
use crate::language::{Grammar, Language};
use crate::languages::Role;
use crate::parse::{ParseLimits, parse_source_within, parse_tree};

/// How much of a file is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// One line: path, language, lines, what it defines and exports.
    Summary,
    /// Signatures alone.
    Signature,
    /// Imports, exports, signatures with the first line of their documentation; no bodies.
    Structural,
    /// All code, without comments and needless blank lines. Documentation strings of Python are code and stay, as do
    /// comments that programs read: `#!`, `//go:`, the encoding of a Python file. The rest reparses to the same tree.
    Full,
}

impl Level {
    /// Every level, the fullest first.
    pub const ALL: [Self; 4] = [Self::Full, Self::Structural, Self::Signature, Self::Summary];

    /// The level's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Structural => "structural",
            Self::Signature => "signature",
            Self::Summary => "summary",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|level| level.name() == name)
            .ok_or_else(|| Error::UnknownName {
                what: "level",
                name: name.to_owned(),
                expected: Self::ALL.map(Self::name).join(", "),
            })
    }
}

/// A text at a level. The path is only named, in summaries.
///
/// ```
/// use ogive_codebase::{Level, compress};
///
/// let text = "# comment\n\n\ndef f(x):  # why\n    return x\n";
/// let python = "python".parse()?;
/// assert_eq!(compress("a.py", text, python, Level::Full), "def f(x):\n    return x\n");
/// assert_eq!(compress("a.py", text, python, Level::Signature), "def f(x)\n");
/// # Ok::<(), ogive_codebase::Error>(())
/// ```
#[must_use]
pub fn compress(path: &str, content: &str, language: Language, level: Level) -> String {
    let limits = ParseLimits::default();
    if level == Level::Full {
        return full(content, language, &limits);
    }
    let parsed = parse_source_within(content, language, &limits);
    compress_parsed(path, language, &parsed, level).unwrap_or_default()
}

/// The same from facts, where the level needs nothing more: none for `full`.
#[must_use]
pub fn compress_parsed(
    path: &str,
    language: Language,
    parsed: &Parsed,
    level: Level,
) -> Option<String> {
    match level {
        Level::Full => None,
        Level::Structural => Some(structural(language, parsed)),
        Level::Signature => Some(outline(language, parsed, false)),
        Level::Summary => Some(summary(path, language, parsed)),
    }
}

/// A file in one line.
fn summary(path: &str, language: Language, parsed: &Parsed) -> String {
    /// More names than this are only counted.
    const NAMES_MAX: usize = 40;
    let mut line = format!("{path}: {language}, {} lines", parsed.lines.total);
    let mut list = |what: &str, names: Vec<&str>| {
        if names.is_empty() {
            return;
        }
        line.push_str("; ");
        line.push_str(what);
        line.push(' ');
        line.push_str(&names.get(..NAMES_MAX).unwrap_or(&names).join(", "));
        if names.len() > NAMES_MAX {
            line.push_str(&format!(" and {} more", names.len() - NAMES_MAX));
        }
    };
    let top = parsed
        .symbols
        .iter()
        .filter(|symbol| symbol.parent.is_none())
        .map(|symbol| symbol.qualified_name.as_str());
    let exports = parsed.exports.iter().map(|export| export.name.as_str());
    let exports = distinct(exports);
    let defines = distinct(top);
    // Most often what is defined is exported; names are said once.
    if exports == defines {
        list("defines and exports", defines);
    } else {
        list("defines", defines);
        list("exports", exports);
    }
    // Names of sections may hold line breaks.
    let mut line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    line.push('\n');
    line
}

/// Names in order, each once.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = std::collections::HashSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

/// Imports, exports and the outline with documentation.
fn structural(language: Language, parsed: &Parsed) -> String {
    let mut out = String::new();
    for statement in &parsed.import_statements {
        out.push_str(statement);
        out.push('\n');
    }
    let exports = distinct(parsed.exports.iter().map(|export| export.name.as_str()));
    if !exports.is_empty() {
        out.push_str(&format!(
            "{} exports {}\n",
            language.table().line_comment,
            exports.join(", ")
        ));
    }
    out.push_str(&outline(language, parsed, true));
    out
}

/// Signatures, indented by what they are in.
fn outline(language: Language, parsed: &Parsed, docs: bool) -> String {
    /// Deeper than this nothing is indented further.
    const INDENT_MAX: usize = 12;
    let mut out = String::new();
    let mut depths: Vec<usize> = Vec::with_capacity(parsed.symbols.len());
    for symbol in &parsed.symbols {
        let depth = symbol
            .parent
            .and_then(|parent| depths.get(parent as usize))
            .map_or(0, |depth| depth + 1);
        depths.push(depth);
        let indent = "  ".repeat(depth.min(INDENT_MAX));
        if docs && let Some(line) = first_line(symbol) {
            out.push_str(&indent);
            out.push_str(language.table().line_comment);
            out.push(' ');
            out.push_str(line);
            out.push('\n');
        }
        out.push_str(&indent);
        out.push_str(&symbol.signature);
        out.push('\n');
    }
    out
}

fn first_line(symbol: &Symbol) -> Option<&str> {
    let line = symbol.doc.as_deref()?.lines().next()?.trim();
    (!line.is_empty()).then_some(line)
}

/// The text without comments and needless blank lines.
fn full(text: &str, language: Language, limits: &ParseLimits) -> String {
    // Blank lines are what parts paragraphs.
    if language.name() == "markdown" {
        return text.to_owned();
    }
    let Ok(Some((tree, grammar))) = parse_tree(text, language, limits) else {
        return text.to_owned();
    };
    let (comments, protected) = spans(text, &tree, grammar);
    // The second drops no blank lines: some languages see them.
    for drop_blanks in [true, false] {
        let shorter = without(text, &comments, &protected, drop_blanks);
        if shorter == text {
            return shorter;
        }
        if let Ok(Some((again, _))) = parse_tree(&shorter, language, limits)
            && same_tree(text, &tree, &shorter, &again, grammar)
        {
            return shorter;
        }
    }
    text.to_owned()
}

/// Comments that can go, and texts whose blank lines mean something; both in order.
fn spans(text: &str, tree: &Tree, grammar: &Grammar) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    /// What kinds of nodes that hold text are called.
    const TEXTS: &[&str] = &[
        "string", "template", "heredoc", "nowdoc", "literal", "regex", "content", "text", "scalar",
        "raw", "xml",
    ];
    let mut comments = Vec::new();
    let mut protected: Vec<Range<usize>> = Vec::new();
    let mut cursor = tree.walk();
    'nodes: loop {
        let node = cursor.node();
        let range = node.byte_range();
        let comment = is_comment(grammar, node.kind_id());
        if comment {
            let trimmed = text.get(range.clone()).unwrap_or("").trim_end();
            if !is_read(trimmed, range.start) {
                comments.push(range.start..range.start + trimmed.len());
            }
        } else if node.start_position().row < node.end_position().row
            && (node.child_count() == 0
                || node.is_error()
                || TEXTS.iter().any(|part| node.kind().contains(part)))
            && protected.last().is_none_or(|last| last.end < range.end)
        {
            protected.push(range);
        }
        // Code inside a text may have comments; they go like others.
        if !comment && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                break 'nodes;
            }
        }
    }
    (comments, protected)
}

fn is_comment(grammar: &Grammar, kind: u16) -> bool {
    grammar
        .roles(kind)
        .iter()
        .any(|role| matches!(role, Role::Comment))
}

/// Whether programs read a comment.
fn is_read(comment: &str, start: usize) -> bool {
    /// How far into a Python file its encoding may be said.
    const HEAD_BYTES: usize = 300;
    comment.starts_with("//go:")
        || comment.starts_with("// +build")
        || start == 0 && comment.starts_with("#!")
        || start < HEAD_BYTES && comment.starts_with('#') && comment.contains("coding")
}

/// The text without `comments`, and without the lines that are blank then, unless they are in `protected`.
fn without(
    text: &str,
    comments: &[Range<usize>],
    protected: &[Range<usize>],
    drop_blanks: bool,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut comments = comments.iter().peekable();
    let mut protected = protected.iter().peekable();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let break_at = start + line.trim_end_matches(['\n', '\r']).len();
        while protected.peek().is_some_and(|range| range.end <= start) {
            protected.next();
        }
        // A line that begins inside a text, and a line whose break is inside one.
        let begins_inside = protected
            .peek()
            .is_some_and(|range| range.start < start && start < range.end);
        let breaks_inside = protected
            .clone()
            .take_while(|range| range.start <= break_at)
            .any(|range| range.start <= break_at && break_at < range.end);
        let mut kept = String::new();
        let mut removed = false;
        let mut at = start;
        while let Some(comment) = comments.peek() {
            if comment.start >= end {
                break;
            }
            kept.push_str(text.get(at..comment.start.max(at)).unwrap_or(""));
            removed = true;
            let after = text.get(comment.end..).and_then(|rest| rest.chars().next());
            // Two words, or two operators, must not become one.
            let apart = |c: char| c.is_whitespace() || "()[]{},;".contains(c);
            if kept.chars().next_back().is_some_and(|c| !apart(c))
                && after.is_some_and(|c| !apart(c))
            {
                kept.push(' ');
            }
            at = comment.end.min(end).max(at);
            if comment.end <= end {
                comments.next();
            } else {
                break;
            }
        }
        kept.push_str(text.get(at..end).unwrap_or(""));
        start = end;
        if begins_inside && breaks_inside {
            out.push_str(&kept);
            continue;
        }
        let bare = kept.trim_end();
        if bare.is_empty() {
            if !begins_inside && (drop_blanks || removed) {
                continue;
            }
            out.push_str(&kept);
            continue;
        }
        if breaks_inside {
            out.push_str(&kept);
        } else {
            out.push_str(bare);
            if kept.ends_with('\n') {
                out.push('\n');
            }
        }
    }
    out
}

/// Whether two trees are the same but for comments and white space between tokens.
fn same_tree(a_text: &str, a: &Tree, b_text: &str, b: &Tree, grammar: &'static Grammar) -> bool {
    let mut a = Tokens::new(a_text, a, grammar);
    let mut b = Tokens::new(b_text, b, grammar);
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (x, y) if x != y => return false,
            _ => {}
        }
    }
}

/// Nodes in order, without comments: how deep, what kind, and the text of those that have nothing in them.
struct Tokens<'t> {
    text: &'t str,
    cursor: tree_sitter::TreeCursor<'t>,
    grammar: &'static Grammar,
    depth: usize,
    done: bool,
}

impl<'t> Tokens<'t> {
    fn new(text: &'t str, tree: &'t Tree, grammar: &'static Grammar) -> Self {
        Self {
            text,
            cursor: tree.walk(),
            grammar,
            depth: 0,
            done: false,
        }
    }

    /// Goes on to the next node, past what is in this one unless `into`.
    fn step(&mut self, into: bool) {
        if into && self.cursor.goto_first_child() {
            self.depth += 1;
            return;
        }
        while !self.cursor.goto_next_sibling() {
            if !self.cursor.goto_parent() {
                self.done = true;
                return;
            }
            self.depth -= 1;
        }
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = (usize, u16, &'t str);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            let node = self.cursor.node();
            if is_comment(self.grammar, node.kind_id()) {
                self.step(false);
                continue;
            }
            let depth = self.depth;
            let leaf = node.child_count() == 0 && depth > 0;
            let text = if leaf {
                self.text.get(node.byte_range()).unwrap_or("").trim()
            } else {
                ""
            };
            self.step(true);
            return Some((depth, node.kind_id(), text));
        }
        None
    }
}
