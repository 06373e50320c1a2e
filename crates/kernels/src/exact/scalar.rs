//! The portable form: the definition of every exact sum.

use super::{Squares, Sums, Term};
use crate::element::{Element, STEP};

pub(super) fn sums<T: Term, E: Element>(task: Sums<'_, T, E>) {
    for (index, out) in task.out.iter_mut().enumerate() {
        let row = task.rows.row(index);
        *out = sum::<T, E>(task.element, row, task.query);
        if T::SQUARES
            && let Some(squares) = task.squares.get_mut(index)
        {
            *squares = sum::<Squares, E>(task.element, row, task.query);
        }
    }
}

fn sum<T: Term, E: Element>(element: E, row: &[u8], query: &[f64]) -> f64 {
    let mut lanes = [0.0; STEP];
    for (bytes, query) in row.chunks(STEP * E::WIDTH).zip(query.chunks_exact(STEP)) {
        for ((lane, x), q) in lanes
            .iter_mut()
            .zip(bytes.chunks_exact(E::WIDTH))
            .zip(query)
        {
            *lane += T::scalar(element.double(x), *q);
        }
    }
    fold(lanes)
}

/// Adds the upper half of the lanes to the lower half until one is left.
fn fold(mut lanes: [f64; STEP]) -> f64 {
    let mut half = STEP / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}
