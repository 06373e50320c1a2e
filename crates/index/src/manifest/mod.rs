//! Manifests: which source an index belongs to, and whether it still does.
//!
//! A manifest is a small JSON file beside the index files that it names:
//!
//! ```json
//! {"checksum":"9b0f6d41","manifest":{"format":"ogive-index","version":1,"name":"docs_embedding_idx",
//!  "source":{"path":"docs.npy","bytes":76800128,"modified_ns":1764000000000000000,"etag":null,"rows":100000,
//!            "sample":"5d0c.."},
//!  "column":"embedding","method":"flat","measure":"cosine","parameters":{"bits":768},
//!  "rows_at":{"offset":128,"stride":768},
//!  "file":{"name":"0f3c..flat","bytes":50639360},"build_milliseconds":820}}
//! ```
//!
//! The checksum is the CRC-32 of the text of `manifest` as it stands in the file. Another version, or a text that is not
//! intact, is an error that says so; the index is then not used.
#![deny(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing
)]

mod facts;
mod json;

#[cfg(test)]
mod tests;

pub use facts::{SourceFacts, Stale, content_sample};
pub use json::ManifestError;

use crate::flat::Measure;

/// What an index is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The index's name in SQL; the files of one table have manifests of one name.
    pub name: String,
    /// What the source was when it was indexed.
    pub source: SourceFacts,
    /// The column that is indexed; empty where the source is one array.
    pub column: String,
    /// The kind of index: `flat`.
    pub method: String,
    /// What distances it proves.
    pub measure: Measure,
    /// Parameters by name, sorted.
    pub parameters: Vec<(String, u64)>,
    /// Where rows lie in the source, when they all have one distance.
    pub rows_at: Option<RowsAt>,
    /// The index file's name, in the manifest's folder.
    pub file: String,
    /// The index file's size.
    pub file_bytes: u64,
    /// How long the build took.
    pub build_milliseconds: u64,
}

/// Where rows lie in their source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsAt {
    /// Byte of the first element of row 0.
    pub offset: u64,
    /// Bytes from one row to the next.
    pub stride: u64,
}

impl Manifest {
    /// The version that is written and read.
    pub const VERSION: u64 = 1;

    /// The text of the file.
    pub fn write(&self) -> String {
        json::write(self)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// When it is no manifest, of another version, or damaged: what was found and what was expected.
    pub fn read(text: &[u8]) -> Result<Manifest, ManifestError> {
        json::read(text)
    }

    /// Whether the index is of what the source is now.
    ///
    /// # Errors
    /// The first fact that differs, or that there is nothing to tell by.
    pub fn is_current(&self, source: &SourceFacts) -> Result<(), Stale> {
        self.source.compare(source)
    }
}
