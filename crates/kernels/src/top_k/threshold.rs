//! What the partitions of one query tell each other.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Rank;

/// The rank of the `k`-th best row that any partition has found, so that all of them can pass over what is worse.
///
/// It only ever tightens, and takes no lock. All searches that use one must have the same `k` and the same order.
pub struct SharedThreshold(AtomicU64);

impl SharedThreshold {
    /// Nothing found yet.
    pub fn new() -> SharedThreshold {
        SharedThreshold(AtomicU64::new(Rank::LAST.to_bits()))
    }

    /// A row that ranks after this one is not in the result.
    pub fn get(&self) -> Rank {
        // Relaxed: the number stands for itself, nothing else is read on its account.
        Rank::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// States that `k` rows of this rank or better exist.
    pub fn lower_to(&self, rank: Rank) {
        // Read first: most calls change nothing, and a write would take the cache line from the other partitions.
        if rank < self.get() {
            self.0.fetch_min(rank.to_bits(), Ordering::Relaxed);
        }
    }
}

impl Default for SharedThreshold {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SharedThreshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedThreshold").field(&self.get()).finish()
    }
}
