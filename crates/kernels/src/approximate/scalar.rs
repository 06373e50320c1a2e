//! The portable form.

use super::{Dot, Sums, Term};
use crate::element::{Element, STEP};

pub(super) fn sums<T: Term, E: Element>(task: Sums<'_, T, E>) {
    for (index, out) in task.out.iter_mut().enumerate() {
        let row = task.rows.row(index);
        // The lanes are part of the contract: they are what keeps the error bound small.
        let mut sums = [0.0_f32; STEP];
        let mut squares = [0.0_f32; STEP];
        for (bytes, query) in row.chunks(STEP * E::WIDTH).zip(task.query.chunks(STEP)) {
            let elements = bytes.chunks_exact(E::WIDTH).zip(query);
            for ((sum, square), (x, q)) in sums.iter_mut().zip(&mut squares).zip(elements) {
                let x = task.element.single(x);
                *sum = T::scalar(*sum, x, *q);
                if T::SQUARES {
                    *square = Dot::scalar(*square, x, x);
                }
            }
        }
        *out = sums.iter().sum();
        if T::SQUARES
            && let Some(slot) = task.squares.get_mut(index)
        {
            *slot = squares.iter().sum();
        }
    }
}
