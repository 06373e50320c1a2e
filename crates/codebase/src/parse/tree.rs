//! Text to syntax tree, within limits.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Instant;

use tree_sitter::{ParseOptions, Parser, Tree};

use super::ParseLimits;
use crate::error::Stage;
use crate::language::{Grammar, Language};

/// Why there is no tree.
pub(crate) struct Failure {
    pub stage: Stage,
    pub message: String,
}

thread_local! {
    /// Parsers are dear to make and cheap to use again.
    static PARSERS: RefCell<HashMap<Language, Parser>> = RefCell::new(HashMap::new());
}

/// The tree of a text; none for languages without a grammar.
pub(crate) fn parse_tree(
    text: &str,
    language: Language,
    limits: &ParseLimits,
) -> Result<Option<(Tree, &'static Grammar)>, Failure> {
    let limit = |message| Failure {
        stage: Stage::Limit,
        message,
    };
    if text.len() > limits.text_bytes_max {
        return Err(limit(format!(
            "not parsed: {} bytes of text, the limit is {}",
            text.len(),
            limits.text_bytes_max
        )));
    }
    let longest = longest_line(text);
    if longest > limits.line_bytes_max {
        return Err(limit(format!(
            "not parsed: a line of {longest} bytes, the limit is {}",
            limits.line_bytes_max
        )));
    }
    let Some(grammar) = language.grammar() else {
        return Ok(None);
    };
    if let Some(why) = language.table().refuse.and_then(|refuse| refuse(text)) {
        return Err(limit(format!("not parsed: {why}")));
    }
    PARSERS.with_borrow_mut(|parsers| {
        let parser = parsers.entry(language).or_default();
        if parser.language().is_none() {
            parser
                .set_language(&grammar.language)
                .map_err(|error| Failure {
                    stage: Stage::Parse,
                    message: format!("the grammar of {language} cannot be used: {error}"),
                })?;
        }
        let started = Instant::now();
        let mut late = |_: &tree_sitter::ParseState| {
            if started.elapsed() > limits.time_max {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let options = ParseOptions::new().progress_callback(&mut late);
        let bytes = text.as_bytes();
        let tree = parser.parse_with_options(
            &mut |byte, _| bytes.get(byte..).unwrap_or(&[]),
            None,
            Some(options),
        );
        match tree {
            Some(tree) => Ok(Some((tree, grammar))),
            None => {
                // What is left of the parse that was stopped must not be taken up by the next.
                parser.reset();
                Err(limit(format!(
                    "not parsed: it took more than {} ms",
                    limits.time_max.as_millis()
                )))
            }
        }
    })
}

/// Bytes of the longest line.
pub(crate) fn longest_line(text: &str) -> usize {
    text.split('\n').map(str::len).max().unwrap_or(0)
}
