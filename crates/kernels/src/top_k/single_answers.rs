//! Bounds on answers that are made from sums rounded to `f32`.
//!
//! A screen bounds the double-precision answer; what is given instead is near it:
//!
//! ```text
//! sums     given = sign r(S), r rounding to f32: it never reverses an order, so a bound may be rounded like the answer
//! l2       given = √r(S): the same, for a bound on S, and √ reverses no order either
//! cosine   given = r(D) / √(r(A) r(B)), clamped. While A and B lie within 2^-100 and 2^126, D cannot overflow, each
//!          rounding is off by at most 2^-24 of its result, and underflow of D by 2^-50 of √(A B): together less than
//!          2^-22, as |D| <= √(A B). The clamp only brings an answer nearer to the double-precision one, which never
//!          leaves [-1, 1] by as much as the slack in that.
//! ```

use crate::{Metric, Precision, Query};

use super::bounds::{Bounded, OUT};

/// How the bounds on a double-precision answer become bounds on the given one.
#[derive(Debug, Clone, Copy)]
pub(super) struct SingleAnswers {
    metric: Metric,
}

/// What a cosine may differ by, 2^-22.
const COSINE_ERROR: f64 = 1.0 / (1 << 22) as f64;

/// Squares of both vectors between which that holds: 2^-100 and 2^126, the latter with a factor of 4 to spare for what
/// a screen's own squares are off by.
const SQUARES: (f64, f64) = (1.0 / (1_u128 << 100) as f64, (1_u128 << 126) as f64);

impl SingleAnswers {
    /// For answers to `query`; `None` where they are not near the double-precision ones.
    pub(super) fn new(query: &Query) -> Option<SingleAnswers> {
        let metric = query.metric();
        if let Metric::CosineDistance | Metric::CosineSimilarity = metric {
            let norm = query.narrow_norm();
            if !(SQUARES.0.sqrt()..=SQUARES.1.sqrt()).contains(&norm) {
                return None;
            }
        }
        Some(SingleAnswers { metric })
    }

    /// What the screen must bound.
    pub(super) fn bounded(&self) -> Bounded {
        Bounded {
            metric: match self.metric {
                Metric::L2 => Metric::L2Squared,
                other => other,
            },
            squares: SQUARES,
        }
    }

    /// About where in terms of the screen a limit on the given answers lies.
    pub(super) fn before_rounding(&self, limit: f64) -> f64 {
        match self.metric {
            Metric::L2 => limit * limit.abs(),
            _ => limit,
        }
    }

    /// Turns the screen's bounds into bounds on the given answers.
    pub(super) fn finish(&self, bounds: &mut [f64]) {
        match self.metric {
            Metric::L2 => {
                for bound in bounds.iter_mut().filter(|bound| **bound != OUT) {
                    let square = rounded(*bound);
                    // Badness is negative when descending.
                    *bound = square.abs().sqrt().copysign(square);
                }
            }
            Metric::CosineDistance | Metric::CosineSimilarity => {
                for bound in bounds {
                    *bound -= COSINE_ERROR;
                }
            }
            _ => {
                for bound in bounds.iter_mut().filter(|bound| **bound != OUT) {
                    *bound = rounded(*bound);
                }
            }
        }
    }
}

/// A bound rounded as the answer is, but never `+inf`, which would not be a bound.
#[inline(always)]
fn rounded(bound: f64) -> f64 {
    let rounded = Precision::Single.round(bound);
    if rounded > f64::from(f32::MAX) {
        f64::from(f32::MAX)
    } else {
        rounded
    }
}
