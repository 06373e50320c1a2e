//! The vector form: 64 bytes at a time, each counted by itself: rows of bits are short, and over them this keeps up with
//! memory (14 GB/s of 1,024-bit rows on Zen 3, where a plain sum reads 11).

use super::{Counted, Distances};
use crate::simd::{BITS_BYTES, Simd};

/// Counts one step. (A function, as a closure would be compiled without the instructions of `S`.)
///
/// # Safety
/// As [`Simd`]; both pointers are valid for reads of [`BITS_BYTES`].
#[inline(always)]
unsafe fn step<S: Simd, C: Counted>(counts: &mut [S::Counts; 2], x: *const u8, q: *const u8) {
    // SAFETY: the caller's promise, passed on.
    unsafe {
        let [first, second] = C::vector::<S>(S::bits_load(x), S::bits_load(q));
        counts[0] = S::counts_add(counts[0], first);
        if C::TWO {
            counts[1] = S::counts_add(counts[1], second);
        }
    }
}

/// # Safety
/// As [`Simd`].
#[inline(always)]
pub(super) unsafe fn distances<S: Simd, C: Counted>(task: Distances<'_, C>) {
    let stride = task.query.len();
    let whole = stride - stride % BITS_BYTES;
    // What the loads below rely on.
    assert_eq!(task.rows.stride(), stride);
    let query = task.query.as_ptr();
    let mut query_tail = [0; BITS_BYTES];
    query_tail[..stride - whole].copy_from_slice(&task.query[whole..]);
    for (index, out) in task.out.iter_mut().enumerate() {
        let row = task.rows.row(index);
        // SAFETY: row and query have `stride` bytes (asserted above), of which the first `whole` are whole steps; the
        // tails are whole steps of their own; the caller vouches for the instructions.
        unsafe {
            let mut counts = [S::counts_zero(); 2];
            for at in (0..whole).step_by(BITS_BYTES) {
                S::prefetch(row.as_ptr().add(at));
                step::<S, C>(&mut counts, row.as_ptr().add(at), query.add(at));
            }
            if whole < stride {
                // Zeros on both sides count for nothing.
                let mut tail = [0; BITS_BYTES];
                tail[..stride - whole].copy_from_slice(&row[whole..]);
                step::<S, C>(&mut counts, tail.as_ptr(), query_tail.as_ptr());
            }
            let second = if C::TWO { S::counts_sum(counts[1]) } else { 0 };
            *out = C::distance([S::counts_sum(counts[0]), second]);
        }
    }
}
