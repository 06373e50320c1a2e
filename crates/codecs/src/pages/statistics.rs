//! What compressing pages comes to.

use super::{Codec, Stored};

/// Counts over pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Pages.
    pub pages: u64,
    /// Bytes of the pages.
    pub bytes_in: u64,
    /// Bytes that would be stored for them, without headers.
    pub bytes_out: u64,
    /// Pages by codec, in the order of [`Codec::ALL`].
    pub by_codec: [u64; Codec::ALL.len()],
}

impl Statistics {
    /// Counts a page of `bytes` bytes.
    pub fn add(&mut self, bytes: usize, stored: Stored) {
        self.pages += 1;
        self.bytes_in += bytes as u64;
        self.bytes_out += stored.bytes as u64;
        self.by_codec[stored.codec as usize] += 1;
    }

    /// Counts other pages, too. Counts that no memory could hold stop at the greatest number.
    pub fn merge(&mut self, other: &Self) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.pages, other.pages);
        add(&mut self.bytes_in, other.bytes_in);
        add(&mut self.bytes_out, other.bytes_out);
        for (sum, more) in self.by_codec.iter_mut().zip(other.by_codec) {
            add(sum, more);
        }
    }

    /// Bytes before over bytes after; `None` without bytes.
    pub fn ratio(&self) -> Option<f64> {
        (self.bytes_out > 0).then(|| self.bytes_in as f64 / self.bytes_out as f64)
    }

    /// Pages stored by a codec.
    pub fn pages_by(&self, codec: Codec) -> u64 {
        self.by_codec[codec as usize]
    }
}
