//! Text to facts: one parse and one walk of the tree.

mod exports;
mod lines;
mod memory;
mod signature;
mod tree;
mod walk;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::time::Duration;

use crate::checkout::Wanted;
use crate::error::Stage;
use crate::facts::{Parsed, Problem};
use crate::language::{Grammar, Language};
use crate::languages::Table;

use tree::SyntaxTree;
pub(crate) use tree::{Failure, parse_tree};

/// Limits of a parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseLimits {
    /// The longest text that is parsed.
    pub text_bytes_max: usize,
    /// The longest line of a text that is parsed. Beyond it are data and generated code, which parsers take minutes for.
    pub line_bytes_max: usize,
    /// The longest that a parse may take.
    pub time_max: Duration,
    /// The deepest nesting that is looked into.
    pub depth_max: usize,
    /// The most memory that a syntax tree and the work on it may take. Trees take 20 to 60 times the text; where a grammar
    /// is in doubt about all of a text, more. (Memory is counted on Linux.)
    pub memory_bytes_max: usize,
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self {
            text_bytes_max: 16 << 20,
            line_bytes_max: 1 << 20,
            time_max: Duration::from_secs(10),
            // People nest tens deep, generators hundreds; long chains of `+` and `else if` are the deepest in earnest.
            depth_max: 5000,
            memory_bytes_max: 256 << 20,
        }
    }
}

/// Parses a text, with the usual limits.
///
/// Errors are in [`Parsed::problems`]: a text with mistakes gives what can be read in spite of them.
///
/// ```
/// use ogive_codebase::{Language, SymbolKind, parse_source};
///
/// let parsed = parse_source("def f(x):\n    return x if x else 0\n", "python".parse()?);
/// assert_eq!(parsed.symbols[0].kind, SymbolKind::Function);
/// assert_eq!(parsed.symbols[0].complexity, Some(2));
/// # Ok::<(), ogive_codebase::Error>(())
/// ```
#[must_use]
pub fn parse_source(content: &str, language: Language) -> Parsed {
    parse_source_within(content, language, &ParseLimits::default())
}

/// Where things are that facts do not keep.
#[derive(Default)]
struct Spans {
    /// Comments, in order.
    comments: Vec<Range<usize>>,
    /// Import statements, in order.
    imports: Vec<Range<usize>>,
}

/// A text with its tree.
struct Syntax<'a> {
    text: &'a str,
    tree: SyntaxTree,
    /// Whether the tree is of a text with other line breaks.
    mended: bool,
    grammar: &'static Grammar,
    table: &'static Table,
}

/// Parses a text within limits.
#[must_use]
pub fn parse_source_within(content: &str, language: Language, limits: &ParseLimits) -> Parsed {
    parse_wanted(content, language, limits, Wanted::All)
}

/// The same, with the facts that are wanted.
pub(crate) fn parse_wanted(
    content: &str,
    language: Language,
    limits: &ParseLimits,
    wanted: Wanted,
) -> Parsed {
    let mut parsed = Parsed {
        complexity: 1,
        ..Parsed::default()
    };
    let mut spans = Spans::default();
    match parse_tree(content, language, limits) {
        Ok(Some((tree, grammar))) => {
            let mut syntax = Syntax {
                text: content,
                tree,
                mended: false,
                grammar,
                table: language.table(),
            };
            if syntax.tree.root_node().has_error()
                && let Some(mended) = syntax.table.mend.and_then(|mend| mend(content))
                && let Ok(Some((tree, _))) = parse_tree(&mended.text, language, limits)
                && !tree.root_node().has_error()
            {
                syntax.tree = tree;
                syntax.mended = true;
                spans.comments = mended.comments;
            }
            walk::walk(&syntax, limits, wanted, &mut parsed, &mut spans);
            spans.comments.sort_unstable_by_key(|range| range.start);
            exports::complete(content, syntax.table, &mut parsed);
            parsed.import_statements = statements(content, &spans.imports);
        }
        Ok(None) => {}
        Err(Failure { stage, message }) => parsed.problems.push(Problem { stage, message }),
    }
    parsed.lines = lines::count(content, &spans.comments);
    parsed
}

/// Statements that import, each on one line; one that is part of a line is shown with the line.
fn statements(text: &str, spans: &[Range<usize>]) -> Vec<String> {
    /// A longer line is not shown for what it imports.
    const LINE_BYTES_MAX: usize = 200;
    /// A statement that imports more names than fit is cut.
    const STATEMENT_BYTES_MAX: usize = 4000;
    let mut statements: Vec<String> = Vec::new();
    let mut shown_until = 0;
    for span in spans {
        // Two imports of a line are shown once.
        if span.start < shown_until {
            continue;
        }
        let before = text.get(..span.start).unwrap_or("");
        let after = text.get(span.end..).unwrap_or("");
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let end = after.find('\n').map_or(text.len(), |at| span.end + at);
        let line = text.get(start..end).unwrap_or("");
        let shown = if line.len() <= LINE_BYTES_MAX {
            shown_until = end;
            line
        } else {
            text.get(span.clone()).unwrap_or("")
        };
        let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        statements.push(signature::cut(&words, STATEMENT_BYTES_MAX).to_owned());
    }
    statements
}

impl Problem {
    fn limit(message: String) -> Self {
        Self {
            stage: Stage::Limit,
            message,
        }
    }
}

/// The syntax tree of a text, a line for each node, for those who write a language's table; empty where there is none.
#[must_use]
pub fn tree_text(content: &str, language: Language) -> String {
    /// What is shown of a node's text.
    const SHOWN_CHARS: usize = 40;
    let mut out = String::new();
    let Ok(Some((tree, _))) = parse_tree(content, language, &ParseLimits::default()) else {
        return out;
    };
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        out.push_str(&"  ".repeat(cursor.depth() as usize));
        if let Some(field) = cursor.field_name() {
            out.push_str(&format!("{field}: "));
        }
        out.push_str(node.kind());
        if node.child_count() == 0 && node.is_named() {
            let text = content.get(node.byte_range()).unwrap_or("");
            let text: String = text.chars().take(SHOWN_CHARS).collect();
            out.push_str(&format!(" {text:?}"));
        }
        out.push('\n');
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return out;
            }
        }
    }
}
