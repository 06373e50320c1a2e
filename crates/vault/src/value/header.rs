//! The header of values.
//!
//! ```text
//! 0  2  89 4B
//! 2  1  version, 01
//! 3  1  encoding
//! 4  1  flags: 01 compressed, 02 encrypted; reserved, 00
//! 5  3  00 00 00
//! 8  2  56 4B
//! 10    payload
//! ```
//!
//! Bytes that are shorter or start differently are raw: they have no header.

use std::fmt;

use crate::error::ValueError;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 10;

const START: [u8; 2] = [0x89, 0x4B];
const END: [u8; 2] = [0x56, 0x4B];
const VERSION: u8 = 1;

/// What a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// The bytes themselves; written without a header.
    Raw,
    /// A Python pickle.
    Pickle,
    /// An integer, a float or an array, without a mark which.
    Packed,
    /// JSON text.
    Json,
    /// MessagePack.
    MsgPack,
    /// CBOR.
    Cbor,
    /// UTF-8 text.
    Text,
}

impl Encoding {
    fn byte(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Pickle => 1,
            Self::Packed => 2,
            Self::Json => 3,
            Self::MsgPack => 4,
            Self::Cbor => 5,
            Self::Text => 6,
        }
    }

    fn of_byte(byte: u8) -> Option<Self> {
        [
            Self::Raw,
            Self::Pickle,
            Self::Packed,
            Self::Json,
            Self::MsgPack,
            Self::Cbor,
            Self::Text,
        ]
        .into_iter()
        .find(|encoding| encoding.byte() == byte)
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Pickle => "pickle",
            Self::Packed => "packed",
            Self::Json => "json",
            Self::MsgPack => "msgpack",
            Self::Cbor => "cbor",
            Self::Text => "str",
        })
    }
}

/// A stored value taken apart; raw bytes are their own payload.
pub fn split_header(stored: &[u8]) -> Result<(Encoding, &[u8]), ValueError> {
    let Some((header, payload)) = stored.split_first_chunk::<HEADER_BYTES>() else {
        return Ok((Encoding::Raw, stored));
    };
    let [a, b, version, encoding, _flags, r0, r1, r2, y, z] = *header;
    if [a, b] != START {
        return Ok((Encoding::Raw, stored));
    }
    let bad = |what, found: String, expected: &str| {
        ValueError::new(
            what,
            found,
            format!(
                "{expected}; if the value is raw bytes that only look like a header, read them as they are"
            ),
        )
    };
    if [y, z] != END {
        return Err(bad(
            "the end of the value's header",
            format!("{y:02x} {z:02x}"),
            "56 4b",
        ));
    }
    if version != VERSION {
        return Err(bad(
            "the version in the value's header",
            version.to_string(),
            "1",
        ));
    }
    if [r0, r1, r2] != [0; 3] {
        return Err(bad(
            "a reserved byte of the value's header",
            format!("{r0:02x} {r1:02x} {r2:02x}"),
            "00 00 00",
        ));
    }
    let encoding = Encoding::of_byte(encoding).ok_or_else(|| {
        bad(
            "the encoding in the value's header",
            format!("{encoding:02x}"),
            "00 to 06",
        )
    })?;
    Ok((encoding, payload))
}

/// Appends the header of an encoding; nothing for raw bytes.
pub fn write_header(encoding: Encoding, out: &mut Vec<u8>) {
    if encoding != Encoding::Raw {
        out.extend_from_slice(&START);
        out.extend_from_slice(&[VERSION, encoding.byte(), 0, 0, 0, 0]);
        out.extend_from_slice(&END);
    }
}
