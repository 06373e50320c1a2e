//! Two blocks compared row by row, and the norms of one.

use crate::bits::{self, Measure};
use crate::element::{Codes, Element, F16, F32, F64, I8, U8};
use crate::exact::{self, Padded, Sum};
use crate::query::{BLOCK_ROWS, Comparison, answer, assert_takes, comparison};
use crate::{Encoding, InstructionSet, Metric, Precision, Rows, active_instruction_set};

/// Writes the SQL answer of row `i` of `a` against row `i` of `b` to `out[i]`, and returns the indices, ascending, of
/// those that are undefined, as [`Query::distances`](crate::Query::distances) does. The encodings may differ: each side
/// is decoded by its own and summed in `f64`.
///
/// # Panics
/// When the blocks differ in length or dimension, `out` is not as long as they are, or the metric does not take an
/// encoding ([`Metric::takes`]).
pub fn pairwise(metric: Metric, a: &Rows<'_>, b: &Rows<'_>, out: &mut [f64]) -> Vec<usize> {
    pairwise_with_precision(Precision::Double, metric, a, b, out)
}

/// [`pairwise`] with answers of a chosen precision.
///
/// # Panics
/// As [`pairwise`].
pub fn pairwise_with_precision(
    precision: Precision,
    metric: Metric,
    a: &Rows<'_>,
    b: &Rows<'_>,
    out: &mut [f64],
) -> Vec<usize> {
    pairwise_with(active_instruction_set(), precision, metric, a, b, out)
}

/// [`pairwise_with_precision`] by another instruction set; portable code stands in for a set that the machine lacks.
/// Distances are the same to the last bit.
///
/// # Panics
/// As [`pairwise`].
pub fn pairwise_with(
    set: InstructionSet,
    precision: Precision,
    metric: Metric,
    a: &Rows<'_>,
    b: &Rows<'_>,
    out: &mut [f64],
) -> Vec<usize> {
    assert_eq!(a.len(), b.len(), "rows on both sides");
    assert_eq!(a.dimension(), b.dimension(), "dimension on both sides");
    assert_eq!(a.len(), out.len(), "one distance for each pair");
    assert_takes(metric, a);
    assert_takes(metric, b);
    let sum = match comparison(metric) {
        Comparison::Sum(sum) => sum,
        Comparison::Bits(measure) => {
            for (index, out) in out.iter_mut().enumerate() {
                let row = a.slice(index..index + 1);
                bits::distances(set, measure, &row, b.row(index), std::slice::from_mut(out));
            }
            return Vec::new();
        }
    };
    let mut right = Padded::new(std::iter::empty());
    let mut undefined = Vec::new();
    for (index, out) in out.iter_mut().enumerate() {
        fill(&mut right, b, index);
        let row = a.slice(index..index + 1);
        let (mut value, mut squares) = ([0.0], [0.0]);
        exact::sums(set, sum, &row, &right, &mut value, &mut squares);
        let right_squares = if sum == Sum::DotAndSquares {
            right.squares(set)
        } else {
            0.0
        };
        *out =
            answer(precision, metric, value[0], squares[0], right_squares).unwrap_or_else(|| {
                undefined.push(index);
                f64::NAN
            });
    }
    undefined
}

/// Writes the Euclidean norm of each row to `out`, summed in `f64`. There is no single-precision form, as pgvector's
/// own norms are sums of doubles.
///
/// # Panics
/// When `out` is not as long as `rows`.
pub fn norms(rows: &Rows<'_>, out: &mut [f64]) {
    norms_with(active_instruction_set(), rows, out);
}

pub(crate) fn norms_with(set: InstructionSet, rows: &Rows<'_>, out: &mut [f64]) {
    assert_eq!(rows.len(), out.len(), "one norm for each row");
    if rows.encoding() == Encoding::Bits {
        // Squares of bits are the bits, and add up to their distance from none.
        let none = vec![0; rows.stride()];
        bits::distances(set, Measure::Hamming, rows, &none, out);
        for value in out {
            *value = value.sqrt();
        }
        return;
    }
    // The sum of squares takes no query, but the kernel's shape has one.
    let none = Padded::new(std::iter::repeat_n(0.0, rows.dimension()));
    for start in (0..rows.len()).step_by(BLOCK_ROWS) {
        let end = rows.len().min(start + BLOCK_ROWS);
        let out = &mut out[start..end];
        exact::sums(
            set,
            Sum::Squares,
            &rows.slice(start..end),
            &none,
            out,
            &mut [],
        );
        for value in out {
            let norm = value.sqrt();
            *value = if norm.is_nan() { f64::NAN } else { norm };
        }
    }
}

/// Decodes one row to the right-hand side.
fn fill(right: &mut Padded, rows: &Rows<'_>, index: usize) {
    let row = rows.row(index);
    match rows.encoding() {
        Encoding::F64 => decode(right, F64, row),
        Encoding::F32 => decode(right, F32, row),
        Encoding::F16 => decode(right, F16, row),
        Encoding::I8 => decode(right, I8, row),
        Encoding::U8 => decode(right, U8, row),
        Encoding::Codes { scale, min } => decode(right, Codes { scale, min }, row),
        Encoding::Bits => unreachable!("bits are compared as they are: see `Metric::takes`"),
    }
}

fn decode<E: Element>(right: &mut Padded, element: E, row: &[u8]) {
    right.fill(
        row.chunks_exact(E::WIDTH)
            .map(|bytes| element.double(bytes)),
    );
}
