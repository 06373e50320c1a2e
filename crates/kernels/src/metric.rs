//! The measures that SQL offers between two vectors.

use std::fmt;

/// A measure between two vectors, as its SQL function computes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Euclidean distance.
    L2,
    /// Euclidean distance, squared.
    L2Squared,
    /// Sum of absolute differences.
    L1,
    /// Sum of products.
    InnerProduct,
    /// Sum of products, negated, so that smaller is closer.
    NegativeInnerProduct,
    /// One minus the cosine of the angle; undefined when either vector is zero.
    CosineDistance,
    /// Cosine of the angle; undefined when either vector is zero.
    CosineSimilarity,
}

impl Metric {
    /// The SQL function's name.
    pub fn function_name(self) -> &'static str {
        match self {
            Metric::L2 => "l2_distance",
            Metric::L2Squared => "l2_squared_distance",
            Metric::L1 => "l1_distance",
            Metric::InnerProduct => "inner_product",
            Metric::NegativeInnerProduct => "negative_inner_product",
            Metric::CosineDistance => "cosine_distance",
            Metric::CosineSimilarity => "cosine_similarity",
        }
    }

    /// The short name that plans show.
    pub fn short_name(self) -> &'static str {
        match self {
            Metric::L2 => "l2",
            Metric::L2Squared => "l2sq",
            Metric::L1 => "l1",
            Metric::InnerProduct => "ip",
            Metric::NegativeInnerProduct => "neg_ip",
            Metric::CosineDistance => "cosine",
            Metric::CosineSimilarity => "cosine_sim",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.short_name())
    }
}
