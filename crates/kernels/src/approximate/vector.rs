//! The vector form: one row at a time, two steps in flight.

use super::{Dot, Sums, Term};
use crate::element::{Element, STEP};
use crate::simd::Simd;

/// # Safety
/// As [`Simd`].
#[inline(always)]
pub(super) unsafe fn sums<S: Simd, T: Term, E: Element>(task: Sums<'_, T, E>) {
    let dimension = task.rows.dimension();
    let whole = dimension - dimension % STEP;
    let pairs = dimension - dimension % (2 * STEP);
    // What the loads below rely on; the query need not be padded, as its tail is copied too.
    assert!(task.query.len() >= dimension);
    let query = task.query.as_ptr();
    let mut query_tail = [0.0_f32; STEP];
    for (slot, value) in query_tail.iter_mut().zip(&task.query[whole..dimension]) {
        *slot = *value;
    }
    for (index, out) in task.out.iter_mut().enumerate() {
        let row = task.rows.row(index);
        // SAFETY: row and query have `dimension` elements (asserted above), of which the first `whole` are whole
        // steps; the tails are whole steps of their own; the caller vouches for the instructions.
        unsafe {
            let zero = S::narrow_zero();
            let (mut sums, mut squares) = ([zero; 2], [zero; 2]);
            for at in (0..pairs).step_by(2 * STEP) {
                // The next page of a mapped file: the processor's own prefetching stops at its edge.
                S::prefetch(row.as_ptr().add(at * E::WIDTH));
                let x = [
                    task.element
                        .load_narrow::<S>(row.as_ptr().add(at * E::WIDTH)),
                    task.element
                        .load_narrow::<S>(row.as_ptr().add((at + STEP) * E::WIDTH)),
                ];
                let q = [
                    S::narrow_load_f32(query.add(at).cast()),
                    S::narrow_load_f32(query.add(at + STEP).cast()),
                ];
                sums[0] = T::vector::<S>(sums[0], x[0], q[0]);
                sums[1] = T::vector::<S>(sums[1], x[1], q[1]);
                if T::SQUARES {
                    squares[0] = Dot::vector::<S>(squares[0], x[0], x[0]);
                    squares[1] = Dot::vector::<S>(squares[1], x[1], x[1]);
                }
            }
            if pairs < whole {
                let x = task
                    .element
                    .load_narrow::<S>(row.as_ptr().add(pairs * E::WIDTH));
                let q = S::narrow_load_f32(query.add(pairs).cast());
                sums[0] = T::vector::<S>(sums[0], x, q);
                if T::SQUARES {
                    squares[0] = Dot::vector::<S>(squares[0], x, x);
                }
            }
            if whole < dimension {
                let mut tail = [0.0_f32; STEP];
                let rest = row[whole * E::WIDTH..].chunks_exact(E::WIDTH);
                for (slot, bytes) in tail.iter_mut().zip(rest) {
                    *slot = task.element.single(bytes);
                }
                let x = S::narrow_load_f32(tail.as_ptr().cast());
                let q = S::narrow_load_f32(query_tail.as_ptr().cast());
                sums[1] = T::vector::<S>(sums[1], x, q);
                if T::SQUARES {
                    squares[1] = Dot::vector::<S>(squares[1], x, x);
                }
            }
            *out = S::narrow_sum(S::narrow_add(sums[0], sums[1]));
            if T::SQUARES
                && let Some(slot) = task.squares.get_mut(index)
            {
                *slot = S::narrow_sum(S::narrow_add(squares[0], squares[1]));
            }
        }
    }
}
