//! Byte planes with dictionaries: every bit of every `f32` comes back.
//!
//! Plane 0 holds the least significant byte of every value, plane 3 the most significant one. Neighbouring embeddings share
//! exponents, and small integers share most of their bytes, so a plane often has few distinct bytes.
//!
//! ```text
//! 0  4  u32 V, number of values                 (integers are little-endian)
//! 4  4  bits per code of planes 0..3, one byte each
//! then for each plane 0..3:
//!    2  u16 K, number of dictionary bytes, 1..=256
//!    K  dictionary: the distinct byte values, ascending
//!    ceil(V * bits / 8)  codes, packed, the first code in the most significant bits
//! ```
//!
//! `bits` is 1 where K is 1, else the smallest number with `2^bits >= K`. A code is an index into the dictionary.

mod header;
mod pack;
#[cfg(test)]
mod scalar;
#[cfg(test)]
mod tests;
mod unpack;

use crate::Error;

/// The most values one payload can hold.
pub const VALUES_MAX: u64 = u32::MAX as u64;

/// The fewest bytes that a payload of `values` values can have.
///
/// A reader that is told a number of values by somebody else compares this with the bytes that are there, before it
/// allocates.
pub fn payload_bytes_min(values: u64) -> u64 {
    // Without values a dictionary may be empty.
    let dictionary = u64::from(values > 0);
    8 + 4 * (2 + dictionary + values.div_ceil(8))
}

/// The most bytes that a payload of `values` values can have.
pub fn payload_bytes_max(values: u64) -> u64 {
    values.saturating_mul(4).saturating_add(8 + 4 * (2 + 256))
}

/// Number of values in a payload, as its first four bytes say it.
///
/// # Errors
/// [`Error::Short`] when there are fewer than four bytes.
pub fn value_count(bytes: &[u8]) -> Result<u32, Error> {
    header::value_count(bytes)
}

/// Appends the payload of `values`.
///
/// # Errors
/// [`Error::TooMany`] for more than [`VALUES_MAX`] values.
pub fn encode(values: &[f32], out: &mut Vec<u8>) -> Result<(), Error> {
    pack::encode(values, out)
}

/// Decodes a whole payload of `out.len()` values.
///
/// # Errors
/// [`Error::Field`] when the payload holds another number of values or a bad dictionary size or code width,
/// [`Error::Short`] or [`Error::Length`] when planes are cut or bytes are left over, [`Error::Code`] for a code outside its
/// dictionary.
pub fn decode(bytes: &[u8], out: &mut [f32]) -> Result<(), Error> {
    let planes = header::Planes::parse(bytes)?;
    if planes.values != out.len() as u64 {
        return Err(Error::Field {
            what: "number of values",
            offset: 0,
            found: planes.values,
            expected: out.len() as u64,
        });
    }
    unpack::decode(&planes, 0, out)
}

/// Where a plane of a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneLayout {
    /// Byte of the payload at which its dictionary starts.
    pub dictionary_offset: usize,
    /// Bytes of the dictionary; codes must be below.
    pub entries: usize,
    /// Byte of the payload at which its codes start.
    pub codes_offset: usize,
    /// Bits of a code, 1 to 8.
    pub bits: u32,
}

/// Where everything in a payload is, for those who decode it elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Number of values.
    pub values: u64,
    /// The planes, the least significant byte first.
    pub planes: [PlaneLayout; 4],
}

/// The layout of a payload whose lengths add up: all codes of all values lie in it. Codes themselves are not looked at.
///
/// # Errors
/// As [`decode`], but for [`Error::Code`].
pub fn layout(bytes: &[u8]) -> Result<Layout, Error> {
    let planes = header::Planes::parse(bytes)?;
    Ok(Layout {
        values: planes.values,
        planes: planes.planes.map(|plane| PlaneLayout {
            dictionary_offset: plane.offset as usize - plane.dictionary.len(),
            entries: plane.dictionary.len(),
            codes_offset: plane.offset as usize,
            bits: plane.bits,
        }),
    })
}

/// Decodes values `first..first + out.len()` of a payload, touching only the codes of those.
///
/// # Errors
/// As [`decode`], and [`Error::Range`] when the payload holds fewer values; codes outside the range are not looked at.
pub fn decode_range(bytes: &[u8], first: usize, out: &mut [f32]) -> Result<(), Error> {
    let planes = header::Planes::parse(bytes)?;
    let end = (first as u64).saturating_add(out.len() as u64);
    if end > planes.values {
        return Err(Error::Range {
            first: first as u64,
            end,
            expected: planes.values,
        });
    }
    unpack::decode(&planes, first, out)
}
