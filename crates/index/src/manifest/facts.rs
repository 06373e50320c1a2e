//! What can be known of a source without reading it.

use std::io;
use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::flat::Source;

/// What a source is, or was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceFacts {
    /// Its path or URL.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// When it was changed, in nanoseconds since 1970; of local files.
    pub modified_ns: Option<i64>,
    /// Its tag; of objects.
    pub etag: Option<String>,
    /// Rows of the column.
    pub rows: u64,
    /// [`content_sample`] of its bytes, when they were looked at.
    pub sample: Option<String>,
}

/// Why an index is not of what the source is now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stale {
    /// A fact differs.
    #[error("{what} of the source is {found}, it was {expected} when it was indexed")]
    Differs {
        /// Which.
        what: &'static str,
        /// What it is now.
        found: Box<str>,
        /// What it was.
        expected: Box<str>,
    },
    /// Neither a tag nor a time nor a sample is known on both sides.
    #[error(
        "the source has no tag, no time and no sample to compare with those it had when it was indexed"
    )]
    Unknown,
}

impl SourceFacts {
    /// Compares with what the source is now. The path is not compared: a source may be moved.
    pub(super) fn compare(&self, now: &SourceFacts) -> Result<(), Stale> {
        differs("the size", &now.bytes, &self.bytes)?;
        differs("the number of rows", &now.rows, &self.rows)?;
        let mut known = false;
        if let (Some(now), Some(then)) = (&now.etag, &self.etag) {
            differs("the tag", now, then)?;
            known = true;
        }
        if let (Some(now), Some(then)) = (&now.modified_ns, &self.modified_ns) {
            differs("the time of change", now, then)?;
            known = true;
        }
        if let (Some(now), Some(then)) = (&now.sample, &self.sample) {
            differs("the content", now, then)?;
            known = true;
        }
        if known { Ok(()) } else { Err(Stale::Unknown) }
    }
}

fn differs<T: PartialEq + ToString>(what: &'static str, now: &T, then: &T) -> Result<(), Stale> {
    if now == then {
        return Ok(());
    }
    Err(Stale::Differs {
        what,
        found: now.to_string().into(),
        expected: then.to_string().into(),
    })
}

/// Bytes at both ends that a sample takes.
const END_BYTES: u64 = 64 << 10;

/// Pieces between them, and bytes of each.
const PIECES: u64 = 64;
const PIECE_BYTES: u64 = 4 << 10;

/// A hash of a part of a source's bytes: both ends and evenly spread pieces, 384 KiB at most. Equal sources have
/// equal samples; different ones may have them.
///
/// # Errors
/// When bytes cannot be read.
pub fn content_sample<S: Source + ?Sized>(source: &S) -> io::Result<String> {
    let bytes = source.bytes();
    let mut hasher = Sha256::new();
    hasher.update(bytes.to_le_bytes());
    let mut take = |range: Range<u64>| -> io::Result<()> {
        hasher.update(&*source.read(range)?);
        Ok(())
    };
    if bytes <= 2 * END_BYTES + PIECES * PIECE_BYTES {
        take(0..bytes)?;
    } else {
        take(0..END_BYTES)?;
        let between = bytes - 2 * END_BYTES - PIECE_BYTES;
        for piece in 0..PIECES {
            let share = u128::from(between) * u128::from(piece) / u128::from(PIECES);
            let start = END_BYTES + share as u64;
            take(start..start + PIECE_BYTES)?;
        }
        take(bytes - END_BYTES..bytes)?;
    }
    let digest = hasher.finalize();
    let digits = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    Ok(digits.collect())
}
