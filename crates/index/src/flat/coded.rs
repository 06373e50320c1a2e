//! Which rows the codes answer for.

use crate::Bitmap;

/// The rows that a bitmap of a filter and the rows without a code leave, 64 at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coded<'a> {
    pub(super) rows: u64,
    pub(super) filter: Option<&'a Bitmap>,
    pub(super) uncoded: Option<&'a Bitmap>,
}

impl Coded<'_> {
    /// The rows `64 index ..` to look at.
    pub(super) fn word(&self, index: usize) -> u64 {
        let start = index as u64 * 64;
        let mut word = match self.rows.saturating_sub(start) {
            0 => 0,
            left @ 1..64 => (1 << left) - 1,
            _ => u64::MAX,
        };
        if let Some(filter) = self.filter {
            word &= filter.word(index);
        }
        if let Some(uncoded) = self.uncoded {
            word &= !uncoded.word(index);
        }
        word
    }
}
