//! One vector to compare with many, and the SQL answer for each.

use crate::approximate;
use crate::bits::{self, Measure};
use crate::exact::{self, Padded, Sum};
use crate::{Encoding, InstructionSet, Metric, Precision, Rows, active_instruction_set};

/// Rows whose sums are held on the stack at a time.
pub(crate) const BLOCK_ROWS: usize = 256;

/// A query vector, made ready for a metric.
///
/// `F64` rows are compared with the vector as given, all others with the vector rounded to `f32`, which is what a
/// query becomes when it is cast to the type of the column. For [`Metric::Hamming`] and [`Metric::Jaccard`] it is bits.
#[derive(Debug, Clone)]
pub struct Query {
    metric: Metric,
    precision: Precision,
    set: InstructionSet,
    dimension: usize,
    /// For `Bits` rows; empty unless the metric takes those, and the rest is empty if it does.
    bits: Vec<u8>,
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
    /// Prepares `vector` for distances of `metric`. Where that takes bits, an element is a 1 unless it is zero, and the
    /// first one is the lowest bit of the first byte.
    pub fn new(metric: Metric, vector: &[f64]) -> Query {
        match comparison(metric) {
            Comparison::Sum(_) => Query::with_parts(metric, vector, Vec::new(), vector.len()),
            Comparison::Bits(_) => {
                let bits = bits::pack(vector.iter().map(|x| *x != 0.0));
                Query::with_parts(metric, &[], bits, vector.len())
            }
        }
    }

    /// Prepares eight elements a byte for distances of `metric`. Where that takes bits, any order of bits will do that
    /// the rows have too; otherwise the elements are the numbers 0 and 1, the lowest bit first.
    pub fn from_bits(metric: Metric, bytes: &[u8]) -> Query {
        match comparison(metric) {
            Comparison::Sum(_) => {
                let vector: Vec<f64> = bits::elements(bytes).map(f64::from).collect();
                Query::new(metric, &vector)
            }
            Comparison::Bits(_) => {
                Query::with_parts(metric, &[], bytes.to_vec(), bytes.len().saturating_mul(8))
            }
        }
    }

    fn with_parts(metric: Metric, vector: &[f64], bits: Vec<u8>, dimension: usize) -> Query {
        let set = active_instruction_set();
        Query {
            metric,
            precision: Precision::Double,
            set,
            dimension,
            bits,
            full: Side::new(set, vector.iter().copied()),
            rounded: Side::new(set, vector.iter().map(|x| f64::from(*x as f32))),
            narrow: approximate::Padded::new(vector.iter().map(|x| *x as f32)),
        }
    }

    /// The same query with answers of another precision than [`Precision::Double`]. Bits are counted, and have one.
    pub fn with_precision(mut self, precision: Precision) -> Query {
        self.precision = precision;
        self
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

    /// The vector that rows of an encoding are compared with: as given for `F64`, otherwise rounded to `f32`. Empty where
    /// the metric takes bits.
    pub fn vector(&self, encoding: Encoding) -> &[f64] {
        self.side(encoding).vector.values()
    }

    /// The bits that rows are compared with, eight to a byte; empty unless the metric takes bits.
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// The answer that [`Query::distances`] gives for a row of an encoding, made from sums that something else added up in
    /// the same order (element `i` in lane `i % 16`; see the crate's page): `sum` is that of the metric, `squares` those of
    /// the row, used by cosines. `None` is SQL NULL.
    ///
    /// # Panics
    /// When the metric takes bits.
    pub fn answer_from_sums(&self, encoding: Encoding, sum: f64, squares: f64) -> Option<f64> {
        assert!(
            matches!(comparison(self.metric), Comparison::Sum(_)),
            "{} is made from counts",
            self.metric
        );
        let query_squares = self.side(encoding).squares;
        answer(self.precision, self.metric, sum, squares, query_squares)
    }

    /// The answer for a row of bits from how many differ, are set in both, and are set in either.
    ///
    /// # Panics
    /// When the metric does not take bits.
    pub fn answer_from_counts(&self, differing: u64, both: u64, either: u64) -> f64 {
        match comparison(self.metric) {
            Comparison::Bits(measure) => bits::answer(measure, differing, both, either),
            Comparison::Sum(_) => unreachable!("{} is made from sums", self.metric),
        }
    }

    /// The precision of answers.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Elements in the vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Writes the SQL answer for each row to `out` and returns the indices, ascending, of rows whose answer is
    /// undefined (SQL NULL): with a cosine of [`Precision::Double`], those where either vector's squares sum to zero.
    /// Their `out` is NaN.
    /// Nothing is allocated unless there are any.
    ///
    /// Elements are decoded to `f32` (`F64` ones are not) and summed in `f64`; every NaN is the positive quiet one.
    ///
    /// # Panics
    /// When the dimensions differ, `out` is not as long as `rows`, or the metric does not take their encoding
    /// ([`Metric::takes`]).
    pub fn distances(&self, rows: &Rows<'_>, out: &mut [f64]) -> Vec<usize> {
        assert_eq!(rows.dimension(), self.dimension(), "dimension of the rows");
        assert_eq!(rows.len(), out.len(), "one distance for each row");
        assert_takes(self.metric, rows);
        let sum = match comparison(self.metric) {
            Comparison::Sum(sum) => sum,
            Comparison::Bits(measure) => {
                bits::distances(self.set, measure, rows, &self.bits, out);
                return Vec::new();
            }
        };
        let side = self.side(rows.encoding());
        let mut undefined = Vec::new();
        let mut squares = [0.0; BLOCK_ROWS];
        for start in (0..rows.len()).step_by(BLOCK_ROWS) {
            let end = rows.len().min(start + BLOCK_ROWS);
            let out = &mut out[start..end];
            let squares = &mut squares[..end - start];
            let block = rows.slice(start..end);
            exact::sums(self.set, sum, &block, &side.vector, out, squares);
            for (index, (out, squares)) in out.iter_mut().zip(squares).enumerate() {
                match answer(self.precision, self.metric, *out, *squares, side.squares) {
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
            + self.bits.capacity()
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
            | Encoding::Codes { .. }
            | Encoding::Bits => &self.rounded,
        }
    }
}

/// What a metric's answer is made from.
pub(crate) enum Comparison {
    /// A sum over numbers, which [`answer`] turns into the answer.
    Sum(Sum),
    /// Counts of bits, which are turned into the answer where they are counted.
    Bits(Measure),
}

pub(crate) fn comparison(metric: Metric) -> Comparison {
    Comparison::Sum(match metric {
        Metric::L2 | Metric::L2Squared => Sum::L2Squared,
        Metric::L1 => Sum::L1,
        Metric::InnerProduct | Metric::NegativeInnerProduct => Sum::Dot,
        Metric::CosineDistance | Metric::CosineSimilarity => Sum::DotAndSquares,
        Metric::Hamming => return Comparison::Bits(Measure::Hamming),
        Metric::Jaccard => return Comparison::Bits(Measure::Jaccard),
    })
}

/// The documented panic of everything that compares.
pub(crate) fn assert_takes(metric: Metric, rows: &Rows<'_>) {
    assert!(
        metric.takes(rows.encoding()),
        "{metric} does not take {:?}",
        rows.encoding()
    );
}

/// The answer from the sums over a row, `squares` being those of the row and `query_squares` those of the query.
pub(crate) fn answer(
    precision: Precision,
    metric: Metric,
    sum: f64,
    squares: f64,
    query_squares: f64,
) -> Option<f64> {
    let sum = precision.round(sum);
    let value = match metric {
        Metric::L2 => sum.sqrt(),
        Metric::L2Squared | Metric::L1 | Metric::InnerProduct => sum,
        Metric::NegativeInnerProduct => -sum,
        Metric::CosineDistance | Metric::CosineSimilarity => {
            let similarity = match precision {
                Precision::Double if squares == 0.0 || query_squares == 0.0 => return None,
                Precision::Double => sum / (squares.sqrt() * query_squares.sqrt()),
                Precision::Single => {
                    let norms = (precision.round(squares) * precision.round(query_squares)).sqrt();
                    sum / norms
                }
            };
            // Rounding takes it past 1, and the distance of a vector from itself below 0.
            let similarity = similarity.clamp(-1.0, 1.0);
            if metric == Metric::CosineSimilarity {
                similarity
            } else {
                1.0 - similarity
            }
        }
        Metric::Hamming | Metric::Jaccard => unreachable!("made from counts, not from sums"),
    };
    // x86 makes negative NaNs, which a bitwise order (DataFusion's sort) would put before every number.
    Some(if value.is_nan() { f64::NAN } else { value })
}
