//! The measures that SQL offers between two vectors.

use std::fmt;

use crate::Encoding;

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
    /// Bits that differ, counted.
    Hamming,
    /// One minus the bits set in both over the bits set in either; 1 when none is set in both.
    Jaccard,
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
            Metric::Hamming => "hamming_distance",
            Metric::Jaccard => "jaccard_distance",
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
            Metric::Hamming => "hamming",
            Metric::Jaccard => "jaccard",
        }
    }

    /// Whether the measure is defined between rows of this encoding: [`Metric::Hamming`] and [`Metric::Jaccard`] over
    /// [`Encoding::Bits`] only, and all others over everything else.
    pub fn takes(self, encoding: Encoding) -> bool {
        let of_bits = match self {
            Metric::Hamming | Metric::Jaccard => true,
            Metric::L2
            | Metric::L2Squared
            | Metric::L1
            | Metric::InnerProduct
            | Metric::NegativeInnerProduct
            | Metric::CosineDistance
            | Metric::CosineSimilarity => false,
        };
        of_bits == (encoding == Encoding::Bits)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.short_name())
    }
}
