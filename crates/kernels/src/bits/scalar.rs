//! The portable form: a word of 64 bits at a time.

use super::{Counted, Distances};

pub(super) fn distances<C: Counted>(task: Distances<'_, C>) {
    for (index, out) in task.out.iter_mut().enumerate() {
        let mut counts = [0; 2];
        let row = task.rows.row(index).chunks(8);
        for (x, q) in row.zip(task.query.chunks(8)) {
            let [first, second] = C::scalar(word(x), word(q));
            counts[0] += u64::from(first.count_ones());
            if C::TWO {
                counts[1] += u64::from(second.count_ones());
            }
        }
        *out = C::distance(counts);
    }
}

/// At most eight bytes; what is missing is zero, of which every count is zero.
#[inline(always)]
fn word(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(whole) => u64::from_le_bytes(*whole),
        None => {
            let mut padded = [0; 8];
            for (slot, byte) in padded.iter_mut().zip(bytes) {
                *slot = *byte;
            }
            u64::from_le_bytes(padded)
        }
    }
}
