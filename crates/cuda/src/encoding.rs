//! How rows are named to kernels, and which of them they take.

use ogive_kernels::{Encoding, Metric, Query, Rows};

use crate::{Error, Result};

/// The longest vector whose error bounds are proven (`n u` must stay well under 1, see `kernels/search.cu`).
pub(crate) const DIMENSION_MAX: usize = 1 << 16;

/// An encoding of numbers, as kernels know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    pub(crate) encoding: u32,
    pub(crate) scale: f32,
    pub(crate) min: f32,
}

impl Numbers {
    pub(crate) fn new(encoding: Encoding) -> Option<Numbers> {
        let (number, scale, min) = match encoding {
            Encoding::F32 => (0, 1.0, 0.0),
            Encoding::F16 => (1, 1.0, 0.0),
            Encoding::I8 => (2, 1.0, 0.0),
            Encoding::U8 => (3, 1.0, 0.0),
            Encoding::Codes { scale, min } => (4, scale, min),
            Encoding::F64 | Encoding::Bits => return None,
        };
        Some(Numbers {
            encoding: number,
            scale,
            min,
        })
    }
}

/// Whether kernels compare such rows with the query. Rows of double precision are left to the processor.
pub(crate) fn takes(query: &Query, encoding: Encoding, dimension: usize) -> bool {
    (1..=DIMENSION_MAX).contains(&dimension)
        && query.metric().takes(encoding)
        && (encoding == Encoding::Bits || Numbers::new(encoding).is_some())
}

/// Bytes from one row to the next.
pub(crate) fn row_bytes(rows: &Rows<'_>) -> Result<usize> {
    rows.encoding()
        .row_bytes(rows.dimension())
        .ok_or_else(|| Error::Unsupported {
            what: format!("rows of {} bits", rows.dimension()),
        })
}

/// The sum that a metric is made from, as kernels number them; `None` for bits.
pub(crate) fn exact_sum(metric: Metric) -> Option<u32> {
    match metric {
        Metric::L2 | Metric::L2Squared => Some(0),
        Metric::L1 => Some(1),
        Metric::InnerProduct
        | Metric::NegativeInnerProduct
        | Metric::CosineDistance
        | Metric::CosineSimilarity => Some(2),
        Metric::Hamming | Metric::Jaccard => None,
    }
}

/// 1 where a small sum is a good one, -1 where a great one is.
pub(crate) fn sign(metric: Metric, descending: bool) -> f32 {
    let turned = matches!(
        metric,
        Metric::NegativeInnerProduct | Metric::CosineDistance
    );
    if descending != turned { -1.0 } else { 1.0 }
}
