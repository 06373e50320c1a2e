//! The vector form: several rows at a time, each from a part of the block of its own.

use super::{Dot, Sums, Term};
use crate::element::{Element, STEP};
use crate::simd::{STREAMS, Simd, interleaved};

/// Rows taken at once; more would not fit into registers.
const ROWS: usize = 4;

/// The same where a second sum is kept.
const ROWS_WITH_SQUARES: usize = 2;

/// # Safety
/// As [`Simd`].
#[inline(always)]
pub(super) unsafe fn sums<S: Simd, T: Term, E: Element>(mut task: Sums<'_, T, E>) {
    let rows = task.rows.len();
    // SAFETY: the caller's promise, passed on.
    unsafe {
        if T::SQUARES {
            for indices in interleaved::<ROWS_WITH_SQUARES>(rows) {
                together::<S, T, E, ROWS_WITH_SQUARES>(&mut task, indices);
            }
        } else {
            for indices in interleaved::<ROWS>(rows) {
                together::<S, T, E, ROWS>(&mut task, indices);
            }
        }
        for rest in rows - rows % STREAMS..rows {
            together::<S, T, E, 1>(&mut task, [rest]);
        }
    }
}

/// The sums of some rows, each in its own registers.
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
unsafe fn together<S: Simd, T: Term, E: Element, const N: usize>(
    task: &mut Sums<'_, T, E>,
    indices: [usize; N],
) {
    let dimension = task.rows.dimension();
    let whole = dimension - dimension % STEP;
    // What the loads below rely on; the query need not be padded, as its tail is copied too.
    assert!(task.query.len() >= dimension);
    let query = task.query.as_ptr();
    let rows = indices.map(|index| task.rows.row(index));
    // SAFETY: rows and query have `dimension` elements (asserted above), of which the first `whole` are whole steps;
    // the tails are whole steps of their own; the caller vouches for the instructions.
    unsafe {
        let (mut sums, mut squares) = ([S::narrow_zero(); N], [S::narrow_zero(); N]);
        let mut add = |nth: usize, x: S::Narrow, q: S::Narrow| {
            sums[nth] = T::vector::<S>(sums[nth], x, q);
            if T::SQUARES {
                squares[nth] = Dot::vector::<S>(squares[nth], x, x);
            }
        };
        for at in (0..whole).step_by(STEP) {
            let q = S::narrow_load_f32(query.add(at).cast());
            for (nth, row) in rows.iter().enumerate() {
                let x = task
                    .element
                    .load_narrow::<S>(row.as_ptr().add(at * E::WIDTH));
                add(nth, x, q);
            }
        }
        if whole < dimension {
            let mut query_tail = [0.0_f32; STEP];
            for (slot, value) in query_tail.iter_mut().zip(&task.query[whole..dimension]) {
                *slot = *value;
            }
            let q = S::narrow_load_f32(query_tail.as_ptr().cast());
            for (nth, row) in rows.iter().enumerate() {
                let mut tail = [0.0_f32; STEP];
                let rest = row[whole * E::WIDTH..].chunks_exact(E::WIDTH);
                for (slot, bytes) in tail.iter_mut().zip(rest) {
                    *slot = task.element.single(bytes);
                }
                add(nth, S::narrow_load_f32(tail.as_ptr().cast()), q);
            }
        }
        for (nth, index) in indices.into_iter().enumerate() {
            task.out[index] = S::narrow_sum(sums[nth]);
            if T::SQUARES
                && let Some(slot) = task.squares.get_mut(index)
            {
                *slot = S::narrow_sum(squares[nth]);
            }
        }
    }
}
