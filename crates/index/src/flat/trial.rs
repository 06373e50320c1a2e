//! Trying sizes of codes on a sample.
//!
//! Rows of the sample are coded, others are held out as queries. What codes leave in doubt depends on how wide their bound
//! is beside the distance of the `k`-th row, and that on the number of rows; so the trial asks which rows of the sample
//! could not be excluded by the threshold that the whole table is likely to have.
//!
//! ```text
//! width    = mean over pairs of (bound of the dot product - dot product)
//! left(n)  = rows of a table of n whose estimate is within a width of the k-th best
//!          = n times the share of sample pairs with dot product >= quantile(1 - k / n) - width
//! cost     = n row_bytes + left(n) LOOK_BYTES
//! ```

use ogive_kernels::{Metric, Order, Query};

use super::coding::Learnt;
use super::encoder::Encoder;
use super::query::Prepared;

/// Rows and queries of a trial.
const ROWS: usize = 1_984;
const QUERIES: usize = 64;

/// Rows that searches want.
const K: f64 = 10.0;

/// What looking at a row again costs, in bytes of a scan: its second stage comes from somewhere in memory.
const LOOK_BYTES: f64 = 4_096.0;

/// The size that costs least for queries like the rows; `None` when the sample is too small.
pub(super) fn choose(learnt: &Learnt, sample: &[f32], rows: u64, sizes: &[usize]) -> Option<usize> {
    let dimension = learnt.dimension();
    let step = sample.len() / dimension / (ROWS + QUERIES);
    if step == 0 {
        return None;
    }
    let chosen: Vec<f64> = sample
        .chunks_exact(dimension)
        .step_by(step)
        .take(ROWS + QUERIES)
        .flatten()
        .map(|x| f64::from(*x))
        .collect();
    let (coded, held_out) = chosen.split_at_checked(ROWS * dimension)?;
    let mut best: Option<(f64, usize)> = None;
    for bits in sizes {
        let cost = cost(learnt, coded, held_out, rows as f64, *bits)?;
        if best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, *bits));
        }
    }
    best.map(|(_, bits)| bits)
}

fn cost(learnt: &Learnt, rows: &[f64], queries: &[f64], count: f64, bits: usize) -> Option<f64> {
    let coding = learnt.of_sample(bits);
    let encoded = Encoder::new(&coding).encode(0, rows, None);
    let order = Order {
        descending: true,
        nulls_first: false,
    };
    let defect = coding.defect();
    let mut left = 0.0;
    for query in queries.chunks_exact(learnt.dimension()) {
        let query = Query::new(Metric::InnerProduct, query);
        let prepared = Prepared::new(&coding, defect, &query, order)?;
        let (mut estimates, mut bounds) = (vec![0.0; ROWS], vec![0.0; ROWS]);
        prepared
            .lookup
            .scan(&encoded.blocks, &mut estimates, &mut bounds);
        let widths = estimates.iter().zip(&bounds);
        let width = widths.map(|(e, b)| f64::from(e - b)).sum::<f64>() / ROWS as f64;
        left += count * share_left(&estimates, width, K / count);
    }
    let queries = (queries.len() / learnt.dimension()) as f64;
    let row_bytes = coding.shape().row_bytes() as f64;
    Some(count * row_bytes + left / queries * LOOK_BYTES)
}

/// The share of rows within `width` of the `best` share of them, for estimates of which the smaller is the nearer: their
/// lower tail is taken for exponential, which the nearest of many rows are about.
fn share_left(estimates: &[f32], width: f64, best: f64) -> f64 {
    let mut sorted: Vec<f64> = estimates.iter().map(|x| f64::from(*x)).collect();
    sorted.sort_by(f64::total_cmp);
    // The tail: from the best hundredth down.
    let tail = sorted.len() / 100;
    let (Some(edge), Some(inner)) = (sorted.get(tail), sorted.get(tail / 3)) else {
        return 1.0;
    };
    let scale = (edge - inner).max(f64::MIN_POSITIVE) / 3.0_f64.ln();
    let at_edge = tail as f64 / sorted.len() as f64;
    let threshold = edge - scale * (at_edge / best).ln().max(0.0);
    let limit = threshold + width;
    if limit <= *edge {
        return at_edge * ((limit - edge) / scale).exp();
    }
    sorted.partition_point(|estimate| *estimate <= limit) as f64 / sorted.len() as f64
}
