//! One vector to compare with many, and the SQL answer for each.

use crate::approximate;
use crate::exact::{self, Padded, Sum};
use crate::{Encoding, InstructionSet, Metric, Rows, active_instruction_set};

/// Rows whose sums are held on the stack at a time.
pub(crate) const BLOCK_ROWS: usize = 256;

/// A query vector, made ready for a metric.
///
/// `F64` rows are compared with the vector as given, all others with the vector rounded to `f32`, which is what a
/// query becomes when it is cast to the type of the column.
#[derive(Debug, Clone)]
pub struct Query {
    metric: Metric,
    set: InstructionSet,
    /// As given, for `F64` rows.
    full: Side,
    /// Rounded to `f32`, for all others.
    rounded: Side,
    /// The same for single-precision sums.
    narrow: approximate::Padded,
}

/// A vector and its sum of squares.
#[derive(Debug, Clone)]
struct Side {
    vector: Padded,
    squares: f64,
}

impl Side {
    fn new(set: InstructionSet, values: impl ExactSizeIterator<Item = f64>) -> Side {
        let vector = Padded::new(values);
        Side {
            squares: vector.squares(set),
            vector,
        }
    }
}

impl Query {
    /// Prepares `vector` for distances of `metric`.
    pub fn new(metric: Metric, vector: &[f64]) -> Query {
        let set = active_instruction_set();
        Query {
            metric,
            set,
            full: Side::new(set, vector.iter().copied()),
            rounded: Side::new(set, vector.iter().map(|x| f64::from(*x as f32))),
            narrow: approximate::Padded::new(vector.iter().map(|x| *x as f32)),
        }
    }

    /// The same query computed with another instruction set, for comparing them; portable code stands in for a set
    /// that the machine lacks. Distances are the same to the last bit.
    pub fn with_instruction_set(mut self, set: InstructionSet) -> Query {
        self.set = set;
        self
    }

    /// The measure.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// Elements in the vector.
    pub fn dimension(&self) -> usize {
        self.narrow.values().len()
    }

    /// Writes the SQL answer for each row to `out` and returns the indices, ascending, of rows whose answer is
    /// undefined (SQL NULL): with a cosine, those where either vector's squares sum to zero. Their `out` is NaN.
    /// Nothing is allocated unless there are any.
    ///
    /// Elements are decoded to `f32` (`F64` ones are not) and summed in `f64`; every NaN is the positive quiet one.
    ///
    /// # Panics
    /// When the dimensions differ or `out` is not as long as `rows`.
    pub fn distances(&self, rows: &Rows<'_>, out: &mut [f64]) -> Vec<usize> {
        assert_eq!(rows.dimension(), self.dimension(), "dimension of the rows");
        assert_eq!(rows.len(), out.len(), "one distance for each row");
        let side = self.side(rows.encoding());
        let sum = exact_sum(self.metric);
        let mut undefined = Vec::new();
        let mut squares = [0.0; BLOCK_ROWS];
        for start in (0..rows.len()).step_by(BLOCK_ROWS) {
            let end = rows.len().min(start + BLOCK_ROWS);
            let out = &mut out[start..end];
            let squares = &mut squares[..end - start];
            let block = rows.slice(start..end);
            exact::sums(self.set, sum, &block, &side.vector, out, squares);
            for (index, (out, squares)) in out.iter_mut().zip(squares).enumerate() {
                match answer(self.metric, *out, *squares, side.squares) {
                    Some(value) => *out = value,
                    None => {
                        *out = f64::NAN;
                        undefined.push(start + index);
                    }
                }
            }
        }
        undefined
    }

    pub(crate) fn instruction_set(&self) -> InstructionSet {
        self.set
    }

    /// The vector as `f32`, for single-precision sums.
    pub(crate) fn narrow(&self) -> &approximate::Padded {
        &self.narrow
    }

    /// The Euclidean norm of the vector as `f32`.
    pub(crate) fn narrow_norm(&self) -> f64 {
        self.rounded.squares.sqrt()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.full.vector.memory_bytes()
            + self.rounded.vector.memory_bytes()
            + self.narrow.memory_bytes()
    }

    fn side(&self, encoding: Encoding) -> &Side {
        match encoding {
            Encoding::F64 => &self.full,
            Encoding::F32
            | Encoding::F16
            | Encoding::I8
            | Encoding::U8
            | Encoding::Codes { .. } => &self.rounded,
        }
    }
}

/// The sum that a metric's answer is made from.
pub(crate) fn exact_sum(metric: Metric) -> Sum {
    match metric {
        Metric::L2 | Metric::L2Squared => Sum::L2Squared,
        Metric::L1 => Sum::L1,
        Metric::InnerProduct | Metric::NegativeInnerProduct => Sum::Dot,
        Metric::CosineDistance | Metric::CosineSimilarity => Sum::DotAndSquares,
    }
}

/// The answer from the sums over a row, `squares` being those of the row and `query_squares` those of the query.
pub(crate) fn answer(metric: Metric, sum: f64, squares: f64, query_squares: f64) -> Option<f64> {
    let value = match metric {
        Metric::L2 => sum.sqrt(),
        Metric::L2Squared | Metric::L1 | Metric::InnerProduct => sum,
        Metric::NegativeInnerProduct => -sum,
        Metric::CosineDistance | Metric::CosineSimilarity => {
            if squares == 0.0 || query_squares == 0.0 {
                return None;
            }
            let similarity = sum / (squares.sqrt() * query_squares.sqrt());
            if metric == Metric::CosineSimilarity {
                similarity
            } else {
                1.0 - similarity
            }
        }
    };
    // x86 makes negative NaNs, which a bitwise order (DataFusion's sort) would put before every number.
    Some(if value.is_nan() { f64::NAN } else { value })
}
