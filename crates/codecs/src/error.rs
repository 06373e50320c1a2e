//! What can be wrong with a payload, or with what is asked of it.

use std::ops::RangeInclusive;

/// Why bytes could not be decoded, or values not encoded.
///
/// Offsets count bytes from the start of the payload handed to the decoder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The payload has not the number of bytes that the values asked for need.
    #[error("the payload has {found} bytes, {expected} are needed")]
    Length {
        /// Bytes in hand.
        found: u64,
        /// Bytes needed.
        expected: u64,
    },
    /// The payload ends in the middle of something.
    #[error("{what} at byte {offset} needs {expected} bytes, {found} are left")]
    Short {
        /// What was being read.
        what: &'static str,
        /// Where it starts.
        offset: u64,
        /// Bytes left there.
        found: u64,
        /// Bytes needed there.
        expected: u64,
    },
    /// A field of the payload contradicts another one or the caller.
    #[error("{what} at byte {offset} is {found}, expected {expected}")]
    Field {
        /// Which field.
        what: &'static str,
        /// Where it is.
        offset: u64,
        /// What it says.
        found: u64,
        /// What it must say.
        expected: u64,
    },
    /// A code points outside its dictionary.
    #[error(
        "plane {plane}: the code of value {value} at byte {offset} is {found}, the dictionary has {expected} entries"
    )]
    Code {
        /// Byte plane, 0 (least significant) to 3.
        plane: usize,
        /// Index of the value.
        value: u64,
        /// Byte in which the code starts.
        offset: u64,
        /// The code.
        found: u64,
        /// Number of dictionary entries; codes must be below.
        expected: u64,
    },
    /// The values asked for reach past the values there are.
    #[error("values {first}..{end} were asked for, the payload holds {expected}")]
    Range {
        /// First value asked for.
        first: u64,
        /// One past the last value asked for.
        end: u64,
        /// Values in the payload.
        expected: u64,
    },
    /// More values than the format can count.
    #[error("{found} values do not fit one payload, the most is {expected}")]
    TooMany {
        /// Values given.
        found: u64,
        /// The most that fit.
        expected: u64,
    },
    /// A field is outside the values that it may have.
    #[error("{what} at byte {offset} is {found}, expected {} to {}", expected.start(), expected.end())]
    Bound {
        /// Which field.
        what: &'static str,
        /// Where it is.
        offset: u64,
        /// What it says.
        found: u64,
        /// What it may say. Boxed, as are the other large parts: results carry this type around.
        expected: Box<RangeInclusive<u64>>,
    },
    /// Bytes are not those that were written.
    #[error("the checksum at byte {offset} is {found:08x}, the bytes have {expected:08x}")]
    Checksum {
        /// Where the checksum is.
        offset: u64,
        /// What it says.
        found: u32,
        /// The checksum of the bytes in hand.
        expected: u32,
    },
    /// A page was compressed with a dictionary that is not in hand.
    #[error("the dictionary named at byte {offset} is {expected:08x}, {}", in_hand(*found))]
    Dictionary {
        /// Where the name is.
        offset: u64,
        /// The dictionary in hand.
        found: Option<u32>,
        /// The dictionary that the page was compressed with.
        expected: u32,
    },
    /// Zstd refuses the bytes.
    #[error("the Zstd frame at byte {offset}: {message}")]
    Zstd {
        /// Where the frame starts.
        offset: u64,
        /// What the Zstd library says.
        message: &'static str,
    },
    /// Something about one page of many.
    #[error("page {page} at byte {offset}: {source}")]
    Page {
        /// The page, from 0.
        page: u64,
        /// Where its stored bytes start. Offsets of `source` count from there.
        offset: u64,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// A setting that an algorithm does not take.
    #[error("{algorithm} takes {message}")]
    Setting {
        /// The algorithm.
        algorithm: &'static str,
        /// What it takes, and what it was given.
        message: Box<str>,
    },
    /// There is no memory for a context of the Zstd library.
    #[error("no memory for a Zstd context")]
    Memory,
}

fn in_hand(dictionary: Option<u32>) -> String {
    match dictionary {
        Some(id) => format!("{id:08x} was given"),
        None => "none was given".to_string(),
    }
}
