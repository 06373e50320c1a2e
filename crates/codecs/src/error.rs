//! What can be wrong with a payload, or with what is asked of it.

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
}
