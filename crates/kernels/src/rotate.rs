//! Products of many rows with one matrix in single precision: rotations, and sums of squares and products.
//!
//! ```text
//! for each six rows and each sixteen rows of the matrix:       (all sums in registers)
//!     for each 64 elements:
//!         sums += row[element] * matrix[element]               (rounded twice: the same in every instruction set)
//!     out = the 64s added up, first to last
//! ```

use crate::simd::{Simd, Task, run};
use crate::{InstructionSet, active_instruction_set};

/// Rows of the matrix whose elements lie side by side.
const PANEL: usize = 16;

/// Rows taken at a time.
const TILE: usize = 6;

/// Elements summed before the sum is put aside, which keeps roundings few.
const STRETCH: usize = 64;

/// A matrix of `rows` × `dimension`, laid out for [`Matrix::multiply`].
#[derive(Debug, Clone)]
pub struct Matrix {
    set: InstructionSet,
    /// For each panel and each element, the sixteen rows' elements.
    panels: Vec<[f32; PANEL]>,
    rows: usize,
    dimension: usize,
}

impl Matrix {
    /// Takes a row-major matrix.
    ///
    /// # Panics
    /// When `values` are not whole rows of `dimension` elements.
    pub fn new(values: &[f32], dimension: usize) -> Matrix {
        assert!(dimension > 0 && values.len().is_multiple_of(dimension));
        let rows = values.len() / dimension;
        let mut panels = vec![[0.0; PANEL]; rows.div_ceil(PANEL) * dimension];
        for (row, values) in values.chunks_exact(dimension).enumerate() {
            let panel = &mut panels[row / PANEL * dimension..][..dimension];
            for (line, value) in panel.iter_mut().zip(values) {
                line[row % PANEL] = *value;
            }
        }
        Matrix {
            set: active_instruction_set(),
            panels,
            rows,
            dimension,
        }
    }

    /// The same with another instruction set, for comparing them. Results are the same to the last bit.
    pub fn with_instruction_set(mut self, set: InstructionSet) -> Matrix {
        self.set = set;
        self
    }

    /// Rows of the matrix.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Elements of a row.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The most roundings that one term of a sum over `dimension` elements passes through: the sum is off by at most this
    /// many times 2^-24 (for up to 2^18 elements 2 % more, which is included) of the sum of the terms' magnitudes, beside
    /// what underflow loses.
    pub fn roundings(dimension: usize) -> f64 {
        let stretches = dimension.div_ceil(STRETCH);
        1.02 * (STRETCH.min(dimension) + stretches + 1) as f64
    }

    /// Writes the products of each of `rows` (row-major, [`Matrix::dimension`] elements each) with each row of the
    /// matrix: row-major, [`Matrix::rows`] numbers for each of `rows`.
    ///
    /// # Panics
    /// When the lengths do not fit.
    pub fn multiply(&self, rows: &[f32], out: &mut [f32]) {
        assert!(rows.len().is_multiple_of(self.dimension), "whole rows");
        assert_eq!(
            out.len(),
            rows.len() / self.dimension * self.rows,
            "a product for each row of both"
        );
        run(
            self.set,
            Multiply {
                matrix: self,
                rows,
                out,
            },
        );
    }
}

struct Multiply<'a> {
    matrix: &'a Matrix,
    rows: &'a [f32],
    out: &'a mut [f32],
}

impl Task for Multiply<'_> {
    type Output = ();

    fn scalar(self) {
        self.tiles();
    }

    /// The same code: the compiler makes vectors of a panel's sixteen lanes.
    #[inline(always)]
    unsafe fn vector<S: Simd>(self) {
        self.tiles();
    }
}

impl Multiply<'_> {
    #[inline(always)]
    fn tiles(self) {
        let Matrix {
            panels,
            rows: matrix_rows,
            dimension,
            ..
        } = self.matrix;
        if *matrix_rows == 0 {
            return;
        }
        let tiles = self.rows.chunks(TILE * dimension);
        for (rows, out) in tiles.zip(self.out.chunks_mut(TILE * matrix_rows)) {
            let count = rows.len() / dimension;
            // A short tile takes its first row several times over.
            let tile: [&[f32]; TILE] = std::array::from_fn(|index| {
                let index = if index < count { index } else { 0 };
                &rows[index * dimension..][..*dimension]
            });
            for (index, panel) in panels.chunks_exact(*dimension).enumerate() {
                let sums = products(tile, panel);
                let start = index * PANEL;
                let end = (start + PANEL).min(*matrix_rows);
                for (sums, out) in sums.iter().zip(out.chunks_exact_mut(*matrix_rows)) {
                    out[start..end].copy_from_slice(&sums[..end - start]);
                }
            }
        }
    }
}

#[inline(always)]
fn products(tile: [&[f32]; TILE], panel: &[[f32; PANEL]]) -> [[f32; PANEL]; TILE] {
    let mut totals = [[0.0; PANEL]; TILE];
    for (stretch, lines) in panel.chunks(STRETCH).enumerate() {
        let tile = tile.map(|row| &row[stretch * STRETCH..][..lines.len()]);
        let mut sums = [[0.0; PANEL]; TILE];
        for (element, line) in lines.iter().enumerate() {
            for (sums, row) in sums.iter_mut().zip(tile) {
                let x = row[element];
                for (sum, value) in sums.iter_mut().zip(line) {
                    *sum += x * value;
                }
            }
        }
        for (totals, sums) in totals.iter_mut().zip(sums) {
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total += sum;
            }
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{Random, sets};

    #[test]
    fn products_are_near_the_definition_in_every_set() {
        let mut random = Random(7);
        for (rows, matrix_rows, dimension) in [
            (0, 3, 2),
            (1, 1, 1),
            (5, 17, 64),
            (13, 33, 65),
            (7, 0, 3),
            (8, 40, 300),
        ] {
            let mut numbers = |count: usize| {
                (0..count)
                    .map(|_| (random.unit() * 2.0 - 1.0) as f32)
                    .collect::<Vec<f32>>()
            };
            let (x, m) = (numbers(rows * dimension), numbers(matrix_rows * dimension));
            let matrix = Matrix::new(&m, dimension);
            let scan = |set| {
                let mut out = vec![f32::NAN; rows * matrix_rows];
                let matrix = matrix.clone().with_instruction_set(set);
                matrix.multiply(&x, &mut out);
                out
            };
            let expected = scan(InstructionSet::Scalar);
            for set in sets() {
                assert_eq!(scan(set), expected, "{set}");
            }
            for (index, found) in expected.iter().enumerate() {
                let x = &x[index / matrix_rows * dimension..][..dimension];
                let m = &m[index % matrix_rows * dimension..][..dimension];
                let terms = x.iter().zip(m).map(|(x, m)| f64::from(*x) * f64::from(*m));
                let size: f64 = terms.clone().map(f64::abs).sum();
                let error = (f64::from(*found) - terms.sum::<f64>()).abs();
                assert!(error <= Matrix::roundings(dimension) * size / (1 << 24) as f64);
            }
        }
    }
}
