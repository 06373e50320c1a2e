//! Whether looking at codes first is worth it.

/// When a panel's codes are looked at: always, until they leave too much in doubt; then every now and then, as gates
/// close and what lies further on may be easier.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Looks {
    /// Blocks to pass before the next look.
    wait: u32,
    /// Blocks that were passed before the last one.
    waited: u32,
}

/// Codes that leave more than one pair in this many in doubt cost more than they save: a pair in doubt is summed on its
/// own, which takes longer than a pair of a tile.
const DOUBTS_SHARE: usize = 3;

/// The most blocks between two looks.
const WAIT_MAX: u32 = 31;

impl Looks {
    /// Whether to look at the next block.
    pub(super) fn is_due(&mut self) -> bool {
        let due = self.wait == 0;
        self.wait = self.wait.saturating_sub(1);
        due
    }

    /// Takes note of how many pairs of a block a look left in doubt.
    pub(super) fn note(&mut self, doubts: usize, pairs: usize) {
        self.waited = if doubts.saturating_mul(DOUBTS_SHARE) > pairs {
            WAIT_MAX.min(self.waited * 2 + 1)
        } else {
            0
        };
        self.wait = self.waited;
    }
}
