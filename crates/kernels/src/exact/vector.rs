//! The vector form: one row at a time, four or more independent additions in flight, which is enough to keep up with
//! memory; taking several rows at once would only run out of registers.

use super::{Squares, Sums, Term};
use crate::element::{Element, STEP};
use crate::simd::Simd;

/// # Safety
/// As [`Simd`].
#[inline(always)]
pub(super) unsafe fn sums<S: Simd, T: Term, E: Element>(task: Sums<'_, T, E>) {
    let dimension = task.rows.dimension();
    let whole = dimension - dimension % STEP;
    // What the loads below rely on.
    assert!(task.query.len() >= dimension.next_multiple_of(STEP));
    for (index, out) in task.out.iter_mut().enumerate() {
        let row = task.rows.row(index);
        // SAFETY: a row has `dimension` elements, of which the first `whole` are whole steps, and the query is padded
        // to whole steps (asserted above); the caller vouches for the instructions.
        unsafe {
            let mut sum = S::wide_zero();
            let mut squares = S::wide_zero();
            for at in (0..whole).step_by(STEP) {
                let x = task.element.load_wide::<S>(row.as_ptr().add(at * E::WIDTH));
                let q = S::wide_load(task.query.as_ptr().add(at).cast());
                sum = S::wide_add(sum, T::vector::<S>(x, q));
                if T::SQUARES {
                    squares = S::wide_add(squares, Squares::vector::<S>(x, q));
                }
            }
            if whole < dimension {
                let mut tail = [0.0; STEP];
                let rest = row[whole * E::WIDTH..].chunks_exact(E::WIDTH);
                for (slot, bytes) in tail.iter_mut().zip(rest) {
                    *slot = task.element.double(bytes);
                }
                let x = S::wide_load(tail.as_ptr().cast());
                let q = S::wide_load(task.query.as_ptr().add(whole).cast());
                sum = S::wide_add(sum, T::vector::<S>(x, q));
                if T::SQUARES {
                    squares = S::wide_add(squares, Squares::vector::<S>(x, q));
                }
            }
            *out = S::wide_sum(sum);
            if T::SQUARES
                && let Some(slot) = task.squares.get_mut(index)
            {
                *slot = S::wide_sum(squares);
            }
        }
    }
}
