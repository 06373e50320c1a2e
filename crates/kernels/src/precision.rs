//! How precisely an answer is given.

/// Which numbers an answer is made from; both add elements up in the same exact order, in `f64`. Cosines are kept between -1 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// From the sums as they are, which is what DataFusion's own list functions give.
    #[default]
    Double,
    /// From sums rounded to `f32`, as pgvector gives for `vector` and `halfvec`: a sum past the range of `f32` is
    /// infinite. The cosine of a zero vector is NaN rather than undefined.
    Single,
}

impl Precision {
    /// A sum as answers are made from it.
    #[inline(always)]
    pub(crate) fn round(self, sum: f64) -> f64 {
        match self {
            Precision::Double => sum,
            Precision::Single => f64::from(sum as f32),
        }
    }
}
