//! What can go wrong.

use std::io;

/// Why an index could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError<E: std::error::Error + 'static> {
    /// Rows could not be read.
    #[error("the rows to index could not be read: {source}")]
    Rows {
        /// Why.
        source: E,
    },
    /// The index could not be written.
    #[error("the index could not be written: {source}")]
    Write {
        /// Why.
        source: io::Error,
    },
    /// The rows cannot be indexed so.
    #[error("{what} is {found}, expected {expected}")]
    Unsupported {
        /// What does not fit.
        what: &'static str,
        /// What it is.
        found: u64,
        /// What it may be.
        expected: &'static str,
    },
    /// The build was stopped.
    #[error("the build was cancelled")]
    Cancelled,
    /// What was just written does not read back.
    #[error("the index that was written is damaged: {source}")]
    Damaged {
        /// Why.
        source: FileError,
    },
}

impl<E: std::error::Error + 'static> From<io::Error> for BuildError<E> {
    fn from(source: io::Error) -> Self {
        BuildError::Write { source }
    }
}

/// Why a search failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError<E: std::error::Error + 'static> {
    /// Exact rows could not be read.
    #[error("rows could not be read: {source}")]
    Rows {
        /// Why.
        source: E,
    },
    /// The index's own bytes could not be read.
    #[error("{source}")]
    Index {
        /// Why.
        #[from]
        source: FileError,
    },
    /// The rows are not those that were indexed.
    #[error("{what} of the rows is {found}, the index has {expected}")]
    OtherRows {
        /// What differs.
        what: &'static str,
        /// What the rows or the query have.
        found: u64,
        /// What the index has.
        expected: u64,
    },
}

/// Why a file is not an index, or not one that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Bytes could not be read.
    #[error("index: bytes {start}..{end} could not be read: {source}")]
    Read {
        /// The first byte.
        start: u64,
        /// Past the last byte.
        end: u64,
        /// Why.
        source: io::Error,
    },
    /// It starts with something else.
    #[error("not such an ogive index: it starts with {found}, expected {expected}")]
    NotAnIndex {
        /// The first bytes, printable.
        found: Box<str>,
        /// What they should be.
        expected: &'static str,
    },
    /// Written by another version.
    #[error(
        "index: byte 8: format version {found} is not supported, expected {expected}; build the index again"
    )]
    UnsupportedVersion {
        /// Version found.
        found: u32,
        /// Version that this crate reads.
        expected: u32,
    },
    /// The file ends too early.
    #[error(
        "index: {what} needs {expected} bytes at byte {offset}, the file has {found} there; it is cut short"
    )]
    Truncated {
        /// What does not fit.
        what: &'static str,
        /// Where it starts.
        offset: u64,
        /// Bytes there are from `offset` on.
        found: u64,
        /// Bytes needed from `offset` on.
        expected: u64,
    },
    /// A number that cannot be.
    #[error("index: byte {offset}: {what} is {found}, expected {expected}")]
    BadValue {
        /// What is wrong.
        what: &'static str,
        /// Where it is.
        offset: u64,
        /// What it is.
        found: Box<str>,
        /// What it should be.
        expected: Box<str>,
    },
    /// Bytes have changed since they were written.
    #[error(
        "index: {what} at byte {offset}: checksum {found:08x}, expected {expected:08x}; it is damaged, build the index again"
    )]
    Checksum {
        /// What is damaged.
        what: &'static str,
        /// Where it starts.
        offset: u64,
        /// Checksum of the bytes.
        found: u32,
        /// Checksum that is written.
        expected: u32,
    },
}
