//! Source code.
#![deny(clippy::panic, clippy::unwrap_used, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod cache;
mod checkout;
mod chunk;
mod compress;
mod decode;
mod dedup;
mod error;
mod facts;
mod graph;
mod language;
mod languages;
mod pack;
mod parse;
mod secrets;
mod tokens;
mod walk;

pub use cache::{Cache, CacheInfo, CacheOptions};
pub use checkout::{Checkout, FileFacts, Scan, ScanOptions, ScanStats, Scanned};
pub use chunk::{Chunk, chunks};
pub use compress::{Level, compress, summary};
pub use dedup::{Dedup, Duplicate, Sketch};
pub use error::{Error, FileError, Result, Stage};
pub use facts::{
    Call, ContentHash, Export, File, Import, Lines, Parsed, Problem, Reference, Symbol, SymbolKind,
    Visibility,
};
pub use graph::{Edge, Graph, Resolver};
pub use language::Language;
pub use pack::{
    Chunking, Format, LeftOut, PackLevel, PackOptions, Packed, PackedChunk, PackedFile, Reason, Selected, pack,
    pack_each,
};
pub use parse::{ParseLimits, parse_source, parse_source_within, tree_text};
pub use secrets::{Secret, secret, secret_by_name};
pub use tokens::{Encoding, Tokenizer};
pub use walk::{Entry, Found, WalkOptions, walk};
