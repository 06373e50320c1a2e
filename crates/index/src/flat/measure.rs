//! What an index is built for.

use ogive_kernels::Metric;

/// The measures that an index proves distances of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Euclidean distance; serves inner products as well.
    L2,
    /// Inner product.
    InnerProduct,
    /// Cosine: rows are coded at unit length.
    Cosine,
}

impl Measure {
    /// The measure to build for searches by a metric; `None` for those that only an exact scan serves.
    pub fn of(metric: Metric) -> Option<Measure> {
        match metric {
            Metric::L2 | Metric::L2Squared => Some(Measure::L2),
            Metric::InnerProduct | Metric::NegativeInnerProduct => Some(Measure::InnerProduct),
            Metric::CosineDistance | Metric::CosineSimilarity => Some(Measure::Cosine),
            Metric::L1 | Metric::Hamming | Metric::Jaccard => None,
        }
    }

    /// Whether an index built for this measure serves searches by a metric.
    pub fn serves(self, metric: Metric) -> bool {
        match Measure::of(metric) {
            Some(Measure::InnerProduct) => self != Measure::Cosine,
            wanted => wanted == Some(self),
        }
    }

    /// Whether a graph built for this measure leads to the nearest rows by a metric: only by its own.
    pub(crate) fn serves_in_graph(self, metric: Metric) -> bool {
        Measure::of(metric) == Some(self)
    }

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Measure::L2 => "l2",
            Measure::InnerProduct => "inner_product",
            Measure::Cosine => "cosine",
        }
    }

    /// The measure of a name in files.
    pub fn from_name(name: &str) -> Option<Measure> {
        [Measure::L2, Measure::InnerProduct, Measure::Cosine]
            .into_iter()
            .find(|measure| measure.name() == name)
    }
}
