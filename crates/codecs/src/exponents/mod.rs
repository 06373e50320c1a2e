//! Exponents, entropy-coded, and every other bit as it is: every bit of every `f32` comes back.
//!
//! The mantissas of embeddings are noise, their signs are coins, and their exponents take few values that are far from equally
//! frequent: about 2.6 bits of entropy in eight. So a value is rotated left by one bit, which puts the exponent into the top byte and
//! the sign at the end; the plane of top bytes is compressed by Zstd, which codes bytes by Huffman where there is nothing to match, and
//! the three other planes are stored as they are. The bound for such data is near 1.2.
//!
//! ```text
//! 0  4  u32 V, number of values                 (integers are little-endian)
//! 4  1  version, 1
//! 5  3  zero
//! then for each block of 65,536 values, the last with what is left, n:
//!    4  u32: bytes of the stored exponents, E; the highest bit is set where they are a Zstd frame, else E is n
//!    E  exponents: the top byte of each value rotated left by one, or the Zstd frame of those bytes
//!    n  bits 0 to 7 of each value rotated left by one
//!    n  bits 8 to 15
//!    n  bits 16 to 23
//! and nothing after the last block
//! ```
//!
//! Introduced with version 1. [`lossless`](crate::lossless) is what CVC files have; it packs all four planes without entropy coding, so
//! that any value can be read alone.

#[cfg(test)]
mod tests;

use crate::Error;
use crate::pages::zstd::{self, Contexts};

/// The most values that one payload can hold.
pub const VALUES_MAX: u64 = u32::MAX as u64;
/// Values of a block: its planes stay in the second-level cache.
const BLOCK_VALUES: usize = 1 << 16;
const HEADER_BYTES: usize = 8;
const VERSION: u8 = 1;
/// Of the length of stored exponents: they are a Zstd frame.
const IS_FRAME: u32 = 1 << 31;
/// There is nothing to search for among exponents but their frequencies.
const LEVEL: i32 = 1;

/// The most bytes that a payload of `values` values can have.
pub fn payload_bytes_max(values: u64) -> u64 {
    let blocks = values.div_ceil(BLOCK_VALUES as u64);
    values
        .saturating_mul(4)
        .saturating_add(blocks.saturating_mul(4))
        .saturating_add(HEADER_BYTES as u64)
}

/// The fewest bytes that a payload of `values` values can have. A reader that is told a number of values compares this with the
/// bytes that are there, before it allocates.
pub fn payload_bytes_min(values: u64) -> u64 {
    let blocks = values.div_ceil(BLOCK_VALUES as u64);
    values
        .saturating_mul(3)
        .saturating_add(blocks.saturating_mul(5))
        .saturating_add(HEADER_BYTES as u64)
}

/// Number of values in a payload, as its first four bytes say it.
///
/// # Errors
/// [`Error::Short`] when there are fewer than four bytes.
pub fn value_count(bytes: &[u8]) -> Result<u32, Error> {
    let mut reader = Reader { bytes, offset: 0 };
    reader.number("number of values")
}

/// Appends the payload of `values`.
///
/// # Errors
/// [`Error::TooMany`] for more than [`VALUES_MAX`] values, [`Error::Memory`].
pub fn encode(values: &[f32], out: &mut Vec<u8>) -> Result<(), Error> {
    let Ok(count) = u32::try_from(values.len()) else {
        return Err(Error::TooMany {
            found: values.len() as u64,
            expected: VALUES_MAX,
        });
    };
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&[VERSION, 0, 0, 0]);
    let mut contexts = Contexts::default();
    let mut exponents = Vec::with_capacity(BLOCK_VALUES.min(values.len()));
    let mut frame = vec![0; zstd::frame_bytes_max(BLOCK_VALUES.min(values.len()))];
    for block in values.chunks(BLOCK_VALUES) {
        exponents.clear();
        exponents.extend(block.iter().map(|value| (rotated(*value) >> 24) as u8));
        let made = contexts.compress_into(LEVEL, None, &exponents, &mut frame)?;
        let smaller = made
            .filter(|bytes| *bytes < block.len())
            .and_then(|bytes| frame.get(..bytes));
        let (stored, flag) = match smaller {
            Some(frame) => (frame, IS_FRAME),
            None => (exponents.as_slice(), 0),
        };
        out.extend_from_slice(&(stored.len() as u32 | flag).to_le_bytes());
        out.extend_from_slice(stored);
        for shift in [0, 8, 16] {
            out.extend(block.iter().map(|value| (rotated(*value) >> shift) as u8));
        }
    }
    Ok(())
}

/// Decodes a whole payload of `out.len()` values.
///
/// # Errors
/// [`Error::Field`] when the payload holds another number of values or is of another version, [`Error::Bound`] for a length of
/// exponents that a block cannot have, [`Error::Zstd`] and [`Error::Length`] for a frame that is damaged or becomes another number of
/// exponents, [`Error::Short`] for a payload that is cut, [`Error::Length`] where bytes are left over. `out` may have been written
/// to.
pub fn decode(bytes: &[u8], out: &mut [f32]) -> Result<(), Error> {
    let mut reader = Reader { bytes, offset: 0 };
    let count = reader.number("number of values")?;
    check("number of values", 0, count.into(), out.len() as u64)?;
    let version = reader.number("version")?;
    check("version", 4, version.into(), VERSION.into())?;
    let mut contexts = Contexts::default();
    let mut decoded = vec![0; BLOCK_VALUES.min(out.len())];
    for block in out.chunks_mut(BLOCK_VALUES) {
        let offset = reader.offset as u64;
        let length = reader.number("length of exponents")?;
        let (stored, is_frame) = (length & !IS_FRAME, length & IS_FRAME != 0);
        let (least, most) = match is_frame {
            true => (1, block.len() as u64 - 1),
            false => (block.len() as u64, block.len() as u64),
        };
        if !(least..=most).contains(&stored.into()) {
            return Err(Error::Bound {
                what: "length of exponents",
                offset,
                found: stored.into(),
                expected: Box::new(least..=most),
            });
        }
        let offset = reader.offset as u64;
        let stored = reader.take("exponents", stored as usize)?;
        let exponents = if is_frame {
            let decoded = decoded.get_mut(..block.len()).unwrap_or_default();
            contexts
                .decompress_into(None, stored, decoded)
                .map_err(|error| at(error, offset))?;
            &*decoded
        } else {
            stored
        };
        let low = reader.take("bits 0 to 7", block.len())?;
        let middle = reader.take("bits 8 to 15", block.len())?;
        let high = reader.take("bits 16 to 23", block.len())?;
        let mantissas = low.iter().zip(middle).zip(high);
        for ((value, exponent), ((low, middle), high)) in
            block.iter_mut().zip(exponents).zip(mantissas)
        {
            let rotated = u32::from_le_bytes([*low, *middle, *high, *exponent]);
            *value = f32::from_bits(rotated.rotate_right(1));
        }
    }
    if reader.offset != bytes.len() {
        return Err(Error::Length {
            found: bytes.len() as u64,
            expected: reader.offset as u64,
        });
    }
    Ok(())
}

/// The bits with the sign at the end and the exponent in the top byte.
fn rotated(value: f32) -> u32 {
    value.to_bits().rotate_left(1)
}

/// An error of a frame that starts at `offset`.
fn at(error: Error, offset: u64) -> Error {
    match error {
        Error::Zstd { message, .. } => Error::Zstd { offset, message },
        other => other,
    }
}

fn check(what: &'static str, offset: u64, found: u64, expected: u64) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Field {
        what,
        offset,
        found,
        expected,
    })
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, what: &'static str, length: usize) -> Result<&'a [u8], Error> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let taken = rest.get(..length).ok_or(Error::Short {
            what,
            offset: self.offset as u64,
            found: rest.len() as u64,
            expected: length as u64,
        })?;
        self.offset += length;
        Ok(taken)
    }

    fn number(&mut self, what: &'static str) -> Result<u32, Error> {
        let bytes = self.take(what, 4)?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }
}
