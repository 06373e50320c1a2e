//! Source code.
#![deny(clippy::panic, clippy::unwrap_used, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod error;
mod facts;
mod language;
mod languages;
mod parse;

pub use error::{Error, FileError, Result, Stage};
pub use facts::{
    Call, ContentHash, Export, File, Import, Lines, Parsed, Problem, Reference, Symbol, SymbolKind,
    Visibility,
};
pub use language::Language;
pub use parse::{ParseLimits, parse_source, parse_source_within, tree_text};
