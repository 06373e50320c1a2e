//! Plain LZ4 blocks, read and written by code of our own.
//!
//! ```text
//! a block is sequences, each
//!    1  token: literals in the upper four bits, match length - 4 in the lower four
//!    *  15 literals and more: bytes of 255 and a last one below it, to be added
//!    n  literals
//!    2  u16, little-endian: how far back the match starts, at least 1
//!    *  a match of 19 and more: bytes of 255 and a last one below it, to be added
//! the last sequence ends after its literals; the last five bytes are always literals, and the last match starts at
//! least twelve bytes before the end
//! ```
//!
//! Source: `lz4_Block_format.md` of the LZ4 project. A block does not say how many bytes it becomes: [`decompress_into`]
//! is told by the length of its output, [`decompressed_bytes`] finds out.
//!
//! The decoder copies 16 bytes where it needs fewer, as long as that stays inside the block and the output, which it
//! knows for most of a page at once; only the ends are copied to the byte. Its slow twin is in `scalar`.

mod compress;
mod decompress;
mod high;
mod scalar;

use super::Backend;
use crate::Error;
pub(super) use compress::Table;
pub(super) use high::Chains;

/// The shortest match.
const MATCH_BYTES_MIN: usize = 4;
/// Bytes at the end that are always literals.
const LAST_LITERALS: usize = 5;
/// The last match starts at least this far before the end.
const LAST_MATCH_START: usize = 12;
/// The farthest that a match can start back.
const DISTANCE_MAX: usize = 65_535;
/// The compressor writes up to this many bytes past the end of what it has made.
const SLACK_BYTES: usize = 32;
/// The most bytes that one byte of a block can become, with which hostile blocks are refused before memory is taken.
const EXPANSION_MAX: usize = 255;

/// Bytes that always suffice for the block of `bytes` bytes, with room to write past its end.
pub fn block_bytes_max(bytes: usize) -> usize {
    bytes + bytes / 255 + 16 + SLACK_BYTES
}

/// The greatest level of [`Compressor::search_into`].
pub const LEVEL_MAX: i32 = 12;

/// Makes blocks; keeps its tables from one call to the next, and nothing else.
#[derive(Debug, Default)]
pub struct Compressor {
    table: Table,
    chains: Option<Box<Chains>>,
}

impl Compressor {
    /// A compressor. It takes memory when it is first used: 16 KiB for pages, half a megabyte for [`Self::search_into`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes the block of `input` to the start of `out`, fast, and returns its length; `None` where it does not fit with
    /// 32 bytes to spare. It fits where `out` has [`block_bytes_max`] bytes.
    pub fn compress_into(&mut self, input: &[u8], out: &mut [u8]) -> Option<usize> {
        compress::compress(&mut self.table, input, out)
    }

    /// As [`Self::compress_into`], but looks for the smallest block: `level` 1 to [`LEVEL_MAX`] says how hard.
    pub fn search_into(&mut self, level: i32, input: &[u8], out: &mut [u8]) -> Option<usize> {
        high::compress(self.chains.get_or_insert_default(), level, input, out)
    }
}

/// Decodes a block that becomes exactly `out.len()` bytes.
///
/// # Errors
/// [`Error::Short`] for a block that is cut, [`Error::Bound`] for a match that starts before the output or runs past its
/// end, [`Error::Length`] for a block that becomes another number of bytes.
pub fn decompress_into(block: &[u8], out: &mut [u8]) -> Result<(), Error> {
    decompress_into_with(Backend::best(), block, out)
}

/// [`decompress_into`] by a back end; by portable code where the machine does not have it.
///
/// # Errors
/// As [`decompress_into`].
pub fn decompress_into_with(backend: Backend, block: &[u8], out: &mut [u8]) -> Result<(), Error> {
    if decompress::decode(backend, block, out) {
        return Ok(());
    }
    // The fast decoder says only that something is wrong; the slow one says what.
    scalar::decode(block, out)
}

/// [`decompress_into`] by the plainest code there is: the oracle of the others.
///
/// # Errors
/// As [`decompress_into`].
pub fn decompress_into_plainly(block: &[u8], out: &mut [u8]) -> Result<(), Error> {
    scalar::decode(block, out)
}

/// How many bytes a block becomes. Looks at lengths only: a block for which this is `Ok` can still be bad.
///
/// # Errors
/// [`Error::Short`] for a block that is cut.
pub fn decompressed_bytes(block: &[u8]) -> Result<usize, Error> {
    let bytes = scalar::decoded_bytes(block)?;
    debug_assert!(bytes <= block.len().saturating_mul(EXPANSION_MAX));
    Ok(bytes)
}
