//! Source code as facts: what is in a checkout, how it hangs together, and how it fits a model's context window.
//!
//! [`Checkout::open`] opens a folder, [`Checkout::scan`] reads and parses its files on all threads and gives their
//! [`FileFacts`] in order of their paths: symbols, imports, exports, references, calls, complexity, lines and tokens.
//! [`parse_source`] does the same for one text. [`Graph`] resolves imports to files and ranks files by who uses whose names,
//! [`compress`] makes a text shorter, and [`pack`] writes a checkout, or what of it fits a budget of tokens.
//!
//! ```
//! use ogive_codebase::{Checkout, ScanOptions, Scanned};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # std::fs::write(folder.path().join("shapes.py"), "class Circle:\n    def area(self):\n        return 3 * self.r\n").unwrap();
//! # std::fs::write(folder.path().join("broken.py"), "def f(:\n").unwrap();
//! let checkout = Checkout::open(folder.path(), ScanOptions::default())?;
//! for scanned in checkout.scan()? {
//!     match scanned {
//!         Scanned::File(facts) => {
//!             for symbol in &facts.parsed.symbols {
//!                 println!("{}:{} {}", facts.file.path, symbol.start_line, symbol.qualified_name);
//!             }
//!             for error in facts.errors() {
//!                 println!("{}: {}", error.path, error.message);
//!             }
//!         }
//!         Scanned::Failed(error) => println!("{}: {}", error.path, error.message),
//!     }
//! }
//! # Ok::<(), ogive_codebase::Error>(())
//! ```
//!
//! Nothing that is wrong with a file ends a scan: it is a [`FileError`]. Parses are bounded in time, size and depth
//! ([`ParseLimits`]), and trees are walked without recursion.
//!
//! # What is counted
//!
//! - **Cyclomatic complexity** is 1 and every `if`, `elif`, loop, `except` or `catch`, `case` or arm that is not the wildcard,
//!   ternary, `for` and `if` of comprehensions, and every `and` and `or`. Functions in a function count for themselves,
//!   lambdas for the function they are in. A file's is 1 and every decision in it.
//! - **Lines** are code, comment or blank; documentation strings are code.
//! - **References** are names in use, definitions and imports left out; no scopes are resolved.
//!
//! # What it is not
//!
//! It is no compiler: types are not known, and a call is the name that is called. It reads no build files, runs nothing, and
//! knows neither SQL nor Arrow.
//!
//! # A new language
//!
//! is a file in `src/languages` with its table of node kinds, a line in `src/languages/mod.rs`, and a sample in
//! `tests/languages`. The example `tree` prints what a grammar calls things.

#![deny(clippy::panic, clippy::unwrap_used, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod archive;
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
mod lookup;
mod pack;
mod parse;
mod secrets;
mod tokens;
mod walk;

pub use archive::is_archive;
pub use cache::{Cache, CacheInfo, CacheOptions};
pub use checkout::{Checkout, FileFacts, Progress, Scan, ScanOptions, ScanStats, Scanned, Wanted};
pub use chunk::{Chunk, chunks};
pub use compress::{Level, compress, compress_parsed};
pub use dedup::{Dedup, Duplicate, Sketch};
pub use error::{Error, FileError, Result, Stage};
pub use facts::{
    Call, ContentHash, Export, File, Import, Lines, Parsed, Problem, Reference, Symbol, SymbolKind,
    Visibility,
};
pub use graph::{Edge, Graph, Resolver};
pub use language::Language;
pub use lookup::{Lookup, NameRole, PathTest};
pub use pack::{
    Chunking, Format, LeftOut, PackLevel, PackOptions, Packed, PackedChunk, PackedFile, Reason,
    Selected, Template, pack, pack_each, selection_from_text, selection_to_text,
};
pub use parse::{ParseLimits, parse_source, parse_source_within, tree_text};
pub use secrets::{Secret, secret, secret_by_name};
pub use tokens::{Encoding, Tokenizer};
pub use walk::{Entry, Found, WalkOptions, walk};
