//! What can be wrong with an array file, or with a call about one.

use std::ops::Range;

/// An error that names the file, the byte where it was seen, what was found there and what was expected.
///
/// Offsets count from the start of the file; found and expected sizes are in bytes unless the field says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file does not begin as a `.npy` file does.
    #[error(
        "{file}: not a .npy file: byte {offset} starts with \"{found}\", expected \"{expected}\""
    )]
    NotNpy {
        /// The file's name.
        file: String,
        /// Where the magic bytes belong.
        offset: u64,
        /// The bytes there, escaped.
        found: String,
        /// The magic bytes, escaped.
        expected: &'static str,
    },
    /// The `.npy` format version is not one of those that exist.
    #[error("{file}: .npy version {found} at byte {offset} is not known, expected {expected}")]
    UnsupportedVersion {
        /// The file's name.
        file: String,
        /// Where the version is.
        offset: u64,
        /// The version, `major.minor`.
        found: String,
        /// The versions that are read.
        expected: &'static str,
    },
    /// The `.npy` header claims to be longer than any header of an array that could be read here.
    #[error(
        "{file}: the .npy header at byte {offset} claims {found} bytes, expected at most {expected}"
    )]
    HeaderTooLong {
        /// The file's name.
        file: String,
        /// Where the header's length is.
        offset: u64,
        /// The claimed length.
        found: u64,
        /// The longest header that is read.
        expected: u64,
    },
    /// The `.npy` header is not the Python dictionary that it has to be.
    #[error("{file}: bad .npy header at byte {offset}: found {found}, expected {expected}")]
    BadHeader {
        /// The file's name.
        file: String,
        /// Where the header stops making sense.
        offset: u64,
        /// The text there, escaped and shortened.
        found: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// The values are of a type that is not read.
    #[error("{file}: the array at byte {offset} holds {meaning} ({found}), expected {expected}")]
    UnsupportedDType {
        /// The file's name.
        file: String,
        /// Where the type is named.
        offset: u64,
        /// The type as the header names it.
        found: String,
        /// What that type is, in words.
        meaning: &'static str,
        /// The types that are read.
        expected: &'static str,
    },
    /// The array has a shape that is not a list of values or of vectors.
    #[error(
        "{file}: the array's shape {found} at byte {offset} is not supported, expected {expected}"
    )]
    UnsupportedShape {
        /// The file's name.
        file: String,
        /// Where the shape is.
        offset: u64,
        /// The shape as the header gives it.
        found: String,
        /// The shapes that are read.
        expected: &'static str,
    },
    /// The array lies column by column, so that no row's values are together.
    #[error(
        "{file}: the array of shape {found} is in Fortran order (byte {offset}), expected {expected}; \
         save it again with numpy.ascontiguousarray, or read it in SQL"
    )]
    FortranOrder {
        /// The file's name.
        file: String,
        /// Where the order is named.
        offset: u64,
        /// The array's shape.
        found: String,
        /// The order that is read.
        expected: &'static str,
    },
    /// The file ends before what its header promises.
    #[error(
        "{file}: the file ends at byte {found}, expected {expected} bytes to hold {what} from byte {offset}; it is cut short"
    )]
    Truncated {
        /// The file's name.
        file: String,
        /// What is cut short.
        what: &'static str,
        /// Where it begins.
        offset: u64,
        /// The file's size.
        found: u64,
        /// The size that the file needs at least. Wider than a file size, because headers can claim anything.
        expected: u128,
    },
    /// A file of `.fvecs` kind does not end where a row ends.
    #[error(
        "{file}: row {row} at byte {offset} has {found} bytes, expected {expected}; \
         the file is cut short, or its rows are not all of the first row's dimension"
    )]
    PartialRow {
        /// The file's name.
        file: String,
        /// The last, incomplete row.
        row: u64,
        /// Where it begins.
        offset: u64,
        /// Bytes left for it.
        found: u64,
        /// Bytes of a whole row, or of its dimension field where even that is cut.
        expected: u64,
    },
    /// The first row of a file of `.fvecs` kind has a dimension below zero.
    #[error("{file}: the first row, at byte {offset}, claims {found} values, expected {expected}")]
    BadDimension {
        /// The file's name.
        file: String,
        /// Where the dimension is.
        offset: u64,
        /// The dimension.
        found: i32,
        /// The dimensions that make sense.
        expected: &'static str,
    },
    /// A row of a file of `.fvecs` kind has another dimension than the first row.
    #[error(
        "{file}: row {row} at byte {offset} claims {found} values, expected {expected} as in the first row"
    )]
    RowDimension {
        /// The file's name.
        file: String,
        /// The row.
        row: u64,
        /// Where the row begins.
        offset: u64,
        /// The row's dimension.
        found: i32,
        /// The file's dimension.
        expected: usize,
    },
    /// The caller asked for rows that the array does not have.
    #[error("{file}: rows {}..{} (byte {offset}) were asked for, expected them within 0..{expected}", found.start, found.end)]
    RowsOutOfRange {
        /// The file's name.
        file: String,
        /// Where the array's rows end.
        offset: u64,
        /// The rows asked for.
        found: Range<u64>,
        /// How many rows there are.
        expected: u64,
    },
    /// The caller gave a slice whose length does not fit the rows or the range it is for.
    #[error("{file}: {what} from byte {offset} has {found} bytes, expected {expected}")]
    WrongLength {
        /// The file's name.
        file: String,
        /// Which slice.
        what: &'static str,
        /// Where in the file its bytes begin.
        offset: u64,
        /// Its length.
        found: u64,
        /// The length that fits. Wider than a length, because row counts can claim anything.
        expected: u128,
    },
    /// The caller fed bytes that do not cover the range last asked for.
    #[error(
        "{file}: bytes {}..{} were fed, expected {}..{} (from byte {offset})",
        found.start, found.end, expected.start, expected.end
    )]
    WrongRange {
        /// The file's name.
        file: String,
        /// Where the missing bytes begin.
        offset: u64,
        /// The range fed.
        found: Range<u64>,
        /// The range asked for.
        expected: Range<u64>,
    },
}

/// Text from a file, for a message: escaped, so that it cannot steer a terminal, and shortened.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 60;
    let shown = bytes.get(..SHOWN_BYTES_MAX).unwrap_or(bytes);
    let mut text = String::from('"');
    for &byte in shown {
        match byte {
            // Python's quotes would drown in backslashes.
            b'\'' => text.push('\''),
            _ => text.extend(byte.escape_ascii().map(char::from)),
        }
    }
    text.push_str(if shown.len() < bytes.len() {
        "...\""
    } else {
        "\""
    });
    text
}
