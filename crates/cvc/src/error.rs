//! What can be wrong with a file, or with what is asked of this crate.

use std::fmt;

use crate::schema::{Compression, Version};

/// Result of everything fallible here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a file cannot be read or written.
///
/// Offsets are absolute bytes of the file. [`Error::kind`] is stable and coarse; the accessors give the facts that a variant
/// has, whichever it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The first four bytes are not the magic.
    #[error("{file}: not a CVC file: it starts with {found}, expected \"CVCF\"")]
    NotCvc {
        /// Name of the file.
        file: Box<str>,
        /// The first bytes, printable.
        found: Box<str>,
    },
    /// A version that this crate does not know.
    #[error(
        "{file}: byte 4: file version {major}.{minor} is not supported, expected 0.x, 1.x or 2.x"
    )]
    UnsupportedVersion {
        /// Name of the file.
        file: Box<str>,
        /// Major version found.
        major: u16,
        /// Minor version found.
        minor: u16,
    },
    /// The file ends too early.
    #[error(
        "{file}: {place}{what} needs {expected} bytes at byte {offset}, the file has {found} there; it is cut short"
    )]
    Truncated {
        /// Name of the file.
        file: Box<str>,
        /// Chunk whose record is cut, if it is one.
        place: ChunkPlace,
        /// What does not fit.
        what: &'static str,
        /// Where it starts.
        offset: u64,
        /// Bytes there are from `offset` on.
        found: u64,
        /// Bytes needed from `offset` on.
        expected: u64,
    },
    /// The header is not JSON, lacks something or contradicts itself.
    #[error("{file}: {place}header at byte {offset}: {what} is {found}, expected {expected}")]
    BadHeader {
        /// Name of the file.
        file: Box<str>,
        /// Chunk whose entry is bad, if it is one.
        place: ChunkPlace,
        /// Where the bad text is, or where the header starts.
        offset: u64,
        /// What is bad.
        what: Box<str>,
        /// What it says.
        found: Box<str>,
        /// What it should say.
        expected: Box<str>,
    },
    /// The header of an mmap-optimised file, or a record, lies over the start of a record.
    #[error(
        "{file}: {place}record at byte {offset}: the bytes before it reach to byte {found}, expected {expected} at most; its data is lost"
    )]
    Overlap {
        /// Name of the file.
        file: Box<str>,
        /// Chunk that is lost.
        place: ChunkPlace,
        /// Where its record starts.
        offset: u64,
        /// Where the header or the previous record ends.
        found: u64,
        /// Where it may end at most.
        expected: u64,
    },
    /// A record's length is not what its rows need.
    #[error(
        "{file}: {place}record at byte {offset}: {what} is {found} bytes, expected {expected}; the file is damaged"
    )]
    BadRecord {
        /// Name of the file.
        file: Box<str>,
        /// The chunk.
        place: ChunkPlace,
        /// What is bad.
        what: &'static str,
        /// Where the record starts.
        offset: u64,
        /// What it is.
        found: u64,
        /// What it should be (the nearest bound, where there is a range).
        expected: u64,
    },
    /// The payload is not the one that was written.
    #[error(
        "{file}: {place}record at byte {offset}: CRC-32 of the payload is {found:#010x}, the record says {expected:#010x}; the file is damaged; read the rest with on_corruption 'skip'"
    )]
    ChecksumMismatch {
        /// Name of the file.
        file: Box<str>,
        /// The chunk.
        place: ChunkPlace,
        /// Where the record starts.
        offset: u64,
        /// CRC-32 of the bytes.
        found: u32,
        /// CRC-32 that the record states.
        expected: u32,
    },
    /// The payload cannot be decoded.
    #[error("{file}: {place}column '{column}' at byte {offset}: {source}")]
    BadPayload {
        /// Name of the file.
        file: Box<str>,
        /// The chunk.
        place: ChunkPlace,
        /// The column.
        column: Box<str>,
        /// Where the column's bytes start.
        offset: u64,
        /// What the codec says; its offsets count from `offset`.
        source: ogive_codecs::Error,
    },
    /// A chunk, column or range was asked for that is not there, or bytes were fed that were not wanted.
    #[error("{file}: {what}: found {found}, expected {expected}")]
    BadRequest {
        /// Name of the file.
        file: Box<str>,
        /// What is wrong with the call.
        what: &'static str,
        /// What was given.
        found: Box<str>,
        /// What would have been right.
        expected: Box<str>,
    },
    /// The records' places are not known yet: run a `RecordWalk` first.
    #[error(
        "{file}: {place}the place of its record is not known before the records have been walked"
    )]
    RecordUnknown {
        /// Name of the file.
        file: Box<str>,
        /// The chunk.
        place: ChunkPlace,
    },
    /// A schema that no file can have.
    #[error("the schema: {what} is {found}, expected {expected}")]
    BadSchema {
        /// What is wrong.
        what: &'static str,
        /// What was given.
        found: Box<str>,
        /// What would have been right.
        expected: Box<str>,
    },
    /// Values that do not fit the schema.
    #[error("row {row}: {what}: found {found}, expected {expected}")]
    BadInput {
        /// First row of the values, in the file.
        row: u64,
        /// What is wrong.
        what: &'static str,
        /// What was given.
        found: Box<str>,
        /// What would have been right.
        expected: Box<str>,
    },
    /// `int8` cannot hold the value, and would lose all other values of its chunk as well.
    #[error(
        "row {row}, column '{column}': {found} cannot be stored with compression 'int8': every value of its chunk would read back as NaN; choose 'fp16' or 'lossless', or leave the row out"
    )]
    NonFinite {
        /// Row in the file.
        row: u64,
        /// The column.
        column: Box<str>,
        /// The value, or the range of the chunk.
        found: Box<str>,
    },
    /// A finite number that would be stored as an infinite one.
    #[error(
        "row {row}, column '{column}': {found} is too large for compression '{compression}' and would read back as infinite: {}",
        remedy(*.compression)
    )]
    Overflow {
        /// Row in the file.
        row: u64,
        /// The column.
        column: Box<str>,
        /// The value.
        found: Box<str>,
        /// What it was to be stored with.
        compression: Compression,
    },
    /// A header or a record does not fit the format's 32-bit lengths.
    #[error(
        "{what} is {found} bytes, the format allows {expected}; write fewer rows to a chunk, or less metadata"
    )]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        found: u64,
        /// How large it may be.
        expected: u64,
    },
    /// A version that needs no upgrade.
    #[error("{file}: file version {found} has nothing to upgrade, expected 0.x")]
    NothingToUpgrade {
        /// Name of the file.
        file: Box<str>,
        /// Version found.
        found: Version,
    },
    /// Reading or writing failed.
    #[error("{file}: {source}")]
    Io {
        /// Name of the file, or of what was being written.
        file: Box<str>,
        /// Why.
        source: std::io::Error,
    },
}

/// What to do about a number that is too large.
fn remedy(compression: Compression) -> &'static str {
    match compression {
        Compression::Fp16 => {
            "choose 'none', 'lossless' or 'int8', scale the values to 65504 at most, or leave the row out"
        }
        _ => "scale the values to 3.4e38 at most, or leave the row out",
    }
}

/// A chunk in a message; nothing where the message is about the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChunkPlace(Option<(usize, u64, u64)>);

impl ChunkPlace {
    pub(crate) const NONE: Self = Self(None);

    pub(crate) fn new(chunk: usize, first_row: u64, rows: u64) -> Self {
        Self(Some((chunk, first_row, rows)))
    }

    /// Number of the chunk.
    pub fn chunk(self) -> Option<usize> {
        self.0.map(|place| place.0)
    }

    /// Its rows in the file.
    pub fn rows(self) -> Option<std::ops::Range<u64>> {
        self.0
            .map(|(_, first, rows)| first..first.saturating_add(rows))
    }
}

impl fmt::Display for ChunkPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.chunk(), self.rows()) {
            (Some(chunk), Some(rows)) => {
                write!(
                    formatter,
                    "chunk {chunk} (rows {}..{}): ",
                    rows.start, rows.end
                )
            }
            _ => Ok(()),
        }
    }
}

/// What a caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It is another kind of file.
    NotCvc,
    /// A newer reader is needed.
    UnsupportedVersion,
    /// The file is cut short: fetch it again.
    Truncated,
    /// The header is unusable: so is the file.
    BadHeader,
    /// One record is unusable; others may be fine.
    BadRecord,
    /// One record's bytes have changed; others may be fine.
    ChecksumMismatch,
    /// The call was wrong.
    BadRequest,
    /// The values given cannot be written so.
    BadInput,
    /// Reading or writing failed.
    Io,
}

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::NotCvc { .. } => ErrorKind::NotCvc,
            Error::UnsupportedVersion { .. } => ErrorKind::UnsupportedVersion,
            Error::Truncated { .. } => ErrorKind::Truncated,
            Error::BadHeader { .. } | Error::Overlap { .. } => ErrorKind::BadHeader,
            Error::BadRecord { .. } | Error::BadPayload { .. } => ErrorKind::BadRecord,
            Error::ChecksumMismatch { .. } => ErrorKind::ChecksumMismatch,
            Error::BadRequest { .. }
            | Error::RecordUnknown { .. }
            | Error::NothingToUpgrade { .. } => ErrorKind::BadRequest,
            Error::BadSchema { .. }
            | Error::BadInput { .. }
            | Error::NonFinite { .. }
            | Error::Overflow { .. }
            | Error::TooLarge { .. } => ErrorKind::BadInput,
            Error::Io { .. } => ErrorKind::Io,
        }
    }

    /// Name of the file, where the error is about one.
    pub fn file(&self) -> Option<&str> {
        match self {
            Error::NotCvc { file, .. }
            | Error::UnsupportedVersion { file, .. }
            | Error::Truncated { file, .. }
            | Error::BadHeader { file, .. }
            | Error::Overlap { file, .. }
            | Error::BadRecord { file, .. }
            | Error::ChecksumMismatch { file, .. }
            | Error::BadPayload { file, .. }
            | Error::BadRequest { file, .. }
            | Error::RecordUnknown { file, .. }
            | Error::NothingToUpgrade { file, .. }
            | Error::Io { file, .. } => Some(file),
            _ => None,
        }
    }

    /// Number of the chunk, where the error is about one.
    pub fn chunk(&self) -> Option<usize> {
        match self {
            Error::Truncated { place, .. }
            | Error::BadHeader { place, .. }
            | Error::Overlap { place, .. }
            | Error::BadRecord { place, .. }
            | Error::ChecksumMismatch { place, .. }
            | Error::BadPayload { place, .. }
            | Error::RecordUnknown { place, .. } => place.chunk(),
            _ => None,
        }
    }

    /// Where in the file, where the error is about bytes.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Error::NotCvc { .. } => Some(0),
            Error::UnsupportedVersion { .. } => Some(4),
            Error::Truncated { offset, .. }
            | Error::BadHeader { offset, .. }
            | Error::Overlap { offset, .. }
            | Error::BadRecord { offset, .. }
            | Error::ChecksumMismatch { offset, .. }
            | Error::BadPayload { offset, .. } => Some(*offset),
            _ => None,
        }
    }

    /// What is there, as text.
    pub fn found(&self) -> Option<String> {
        match self {
            Error::NotCvc { found, .. }
            | Error::BadHeader { found, .. }
            | Error::BadRequest { found, .. }
            | Error::BadSchema { found, .. }
            | Error::BadInput { found, .. }
            | Error::NonFinite { found, .. }
            | Error::Overflow { found, .. } => Some(found.to_string()),
            Error::UnsupportedVersion { major, minor, .. } => Some(format!("{major}.{minor}")),
            Error::Truncated { found, .. }
            | Error::Overlap { found, .. }
            | Error::BadRecord { found, .. }
            | Error::TooLarge { found, .. } => Some(found.to_string()),
            Error::ChecksumMismatch { found, .. } => Some(format!("{found:#010x}")),
            Error::NothingToUpgrade { found, .. } => Some(found.to_string()),
            Error::BadPayload { source, .. } => Some(source.to_string()),
            _ => None,
        }
    }

    /// What should be there, as text.
    pub fn expected(&self) -> Option<String> {
        match self {
            Error::NotCvc { .. } => Some("CVCF".to_owned()),
            Error::UnsupportedVersion { .. } => Some("0.x, 1.x or 2.x".to_owned()),
            Error::BadHeader { expected, .. }
            | Error::BadRequest { expected, .. }
            | Error::BadSchema { expected, .. }
            | Error::BadInput { expected, .. } => Some(expected.to_string()),
            Error::Truncated { expected, .. }
            | Error::Overlap { expected, .. }
            | Error::BadRecord { expected, .. }
            | Error::TooLarge { expected, .. } => Some(expected.to_string()),
            Error::ChecksumMismatch { expected, .. } => Some(format!("{expected:#010x}")),
            Error::NothingToUpgrade { .. } => Some("0.x".to_owned()),
            Error::NonFinite { .. } => Some("a finite number".to_owned()),
            Error::Overflow { compression, .. } => Some(
                match compression {
                    Compression::Fp16 => "65504 at most",
                    _ => "3.4028235e38 at most",
                }
                .to_owned(),
            ),
            _ => None,
        }
    }
}
