//! Text to syntax tree, within limits.

use std::cell::RefCell;
use std::collections::HashMap;
use std::num::NonZero;
use std::ops::{ControlFlow, Deref};
use std::time::{Duration, Instant};

use parking_lot::{ReentrantMutex, ReentrantMutexGuard};
use tree_sitter::{ParseOptions, Parser, Tree};

use super::{ParseLimits, memory};
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

/// A tree. If it is a large one, no other thread has one as long as it lives.
pub(crate) struct SyntaxTree {
    tree: Tree,
    _alone: Option<Alone>,
}

impl Deref for SyntaxTree {
    type Target = Tree;

    fn deref(&self) -> &Tree {
        &self.tree
    }
}

/// What all threads together may take for trees at once; a tree that does not fit its thread's part is made alone.
const TREES_BYTES: usize = 128 << 20;

/// Held as long as a large tree is made and lives. What it took goes back to the system then: else the free memory of one
/// thread would lie beside what the next takes.
struct Alone {
    _held: ReentrantMutexGuard<'static, ()>,
}

impl Alone {
    fn wait() -> Self {
        static HELD: ReentrantMutex<()> = ReentrantMutex::new(());
        Self { _held: HELD.lock() }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        memory::trim();
    }
}

/// The tree of a text; none for languages without a grammar.
pub(crate) fn parse_tree(
    text: &str,
    language: Language,
    limits: &ParseLimits,
) -> Result<Option<(SyntaxTree, &'static Grammar)>, Failure> {
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
    memory::install();
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
        let part = TREES_BYTES / std::thread::available_parallelism().map_or(1, NonZero::get);
        let part = part.clamp(4 << 20, limits.memory_bytes_max.max(1));
        let mut parse = |memory| parse_within(parser, text, memory, limits.time_max);
        let mut alone = None;
        let tree = match parse(part) {
            Err(Beyond::Memory) if part < limits.memory_bytes_max => {
                alone = Some(Alone::wait());
                parse(limits.memory_bytes_max)
            }
            tree => tree,
        };
        match tree {
            Ok(tree) => Ok(Some((
                SyntaxTree {
                    tree,
                    _alone: alone,
                },
                grammar,
            ))),
            Err(Beyond::Time) => Err(limit(format!(
                "not parsed: it took more than {} ms",
                limits.time_max.as_millis()
            ))),
            Err(Beyond::Memory) => Err(limit(format!(
                "not parsed: it took more than {} MiB of memory",
                limits.memory_bytes_max >> 20
            ))),
        }
    })
}

/// What a parse took too much of.
enum Beyond {
    Time,
    Memory,
}

/// Parses with at most so much memory and time.
fn parse_within(
    parser: &mut Parser,
    text: &str,
    memory_max: usize,
    time_max: Duration,
) -> Result<Tree, Beyond> {
    let started = Instant::now();
    let before = memory::live();
    let memory_max = isize::try_from(memory_max).unwrap_or(isize::MAX);
    let mut beyond = Beyond::Time;
    let mut watch = |_: &tree_sitter::ParseState| {
        if memory::live().saturating_sub(before) > memory_max {
            beyond = Beyond::Memory;
            return ControlFlow::Break(());
        }
        if started.elapsed() > time_max {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    let options = ParseOptions::new().progress_callback(&mut watch);
    let bytes = text.as_bytes();
    let tree = parser.parse_with_options(
        &mut |byte, _| bytes.get(byte..).unwrap_or(&[]),
        None,
        Some(options),
    );
    tree.ok_or_else(|| {
        // What is left of the parse that was stopped must not be taken up by the next.
        parser.reset();
        beyond
    })
}

/// Bytes of the longest line.
pub(crate) fn longest_line(text: &str) -> usize {
    text.split('\n').map(str::len).max().unwrap_or(0)
}
