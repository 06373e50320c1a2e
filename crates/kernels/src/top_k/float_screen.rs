//! Bounds from single-precision sums.
//!
//! With `g` the relative and `e` the absolute error of a sum (see `approximate`), `x` a row and `q` the query:
//!
//! ```text
//! l2², l1     |sum - true| <= g true + e                              (the terms are not negative)
//! products    |dot - true| <= g Σ|x q| + e <= g |x| |q| + e
//! cosine      the dot's error over |x| |q|, and that of |x|, which is half the error of |x|²: under 3 g together
//! ```
//!
//! A sum that is not finite (an element was not, or it overflowed) bounds nothing, nor does a cosine whose norms are
//! so small that the absolute error matters.

use crate::approximate::{self, Sum};
use crate::query::BLOCK_ROWS;
use crate::{Metric, Order, Query, Rows};

use super::bounds::{Bounded, GATE_ROOM, OUT};
use super::screen_rounding::{outward, roundings};

#[derive(Debug, Clone)]
pub(super) struct FloatScreen {
    metric: Metric,
    /// 1 when badness grows with the answer, -1 when it falls.
    sign: f64,
    relative: f64,
    absolute: f64,
    query_norm: f64,
    /// For `outward`.
    roundings: f64,
    /// Squares of a row outside of which its cosine is unknown.
    squares: (f64, f64),
}

/// `g` bounds errors relative to the true value; relative to the computed one, and for the norm of a computed sum of
/// squares, this much more is enough while `g` is at most 1/16 (which `approximate::DIMENSION_MAX` ensures).
const FROM_COMPUTED: f64 = 1.125;

/// Below `dimension` times this (2^-96), the absolute error of a sum of squares is no longer negligible (2^-30) beside
/// the sum itself.
const SQUARES_MIN: f64 = 1.0 / (1_u128 << 96) as f64;

impl FloatScreen {
    pub(super) fn new(query: &Query, order: Order, bounded: Bounded) -> FloatScreen {
        let (squares_min, squares_max) = bounded.squares;
        let dimension = query.dimension();
        FloatScreen {
            metric: bounded.metric,
            sign: if order.descending { -1.0 } else { 1.0 },
            relative: FROM_COMPUTED * approximate::relative_error(dimension),
            absolute: approximate::absolute_error(dimension),
            query_norm: query.narrow_norm(),
            roundings: roundings(dimension),
            squares: (
                squares_min.max((dimension as f64 + 16.0) * SQUARES_MIN),
                squares_max,
            ),
        }
    }

    /// A sum under which a row may have any bound, and over which every bound is `beyond` the limit.
    pub(super) fn gate(&self, limit: f64, beyond: impl Fn(f64) -> bool) -> f64 {
        if self.sign < 0.0 || !(0.0..f64::INFINITY).contains(&limit) {
            return f64::INFINITY;
        }
        let least = match self.metric {
            Metric::L2 => limit * limit,
            Metric::L2Squared | Metric::L1 => limit,
            _ => return f64::INFINITY,
        };
        let gate = (least + self.absolute) / (1.0 - self.relative) * GATE_ROOM;
        // Nothing here reverses an order, so what is so of the gate is so of everything over it.
        if beyond(self.bound(gate)) {
            gate
        } else {
            f64::INFINITY
        }
    }

    /// The bound on a distance whose terms are not negative.
    #[inline(always)]
    fn bound(&self, sum: f64) -> f64 {
        let best = self.toward_better(sum);
        let best = match self.metric {
            Metric::L2 => best.sqrt(),
            _ => best,
        };
        outward(self.sign * best, self.roundings)
    }

    /// Bounds of rows; of those whose sum is a number over the [gate](Self::gate), [`OUT`].
    pub(super) fn bounds(&self, query: &Query, rows: &Rows<'_>, gate: f64, bounds: &mut [f64]) {
        let mut sums = [0.0_f32; BLOCK_ROWS];
        let mut squares = [0.0_f32; BLOCK_ROWS];
        let sums = &mut sums[..rows.len()];
        let squares = &mut squares[..rows.len()];
        let sum = match self.metric {
            Metric::L2 | Metric::L2Squared => Sum::L2Squared,
            Metric::L1 => Sum::L1,
            Metric::InnerProduct
            | Metric::NegativeInnerProduct
            | Metric::CosineDistance
            | Metric::CosineSimilarity
            | Metric::Hamming
            | Metric::Jaccard => Sum::DotAndSquares,
        };
        let set = query.instruction_set();
        if !approximate::sums(set, sum, rows, query.narrow(), sums, squares) {
            bounds.fill(f64::NAN);
            return;
        }
        let sums = sums.iter().map(|sum| f64::from(*sum));
        let squares = squares.iter().map(|sum| f64::from(*sum));
        let (sign, roundings) = (self.sign, self.roundings);
        match self.metric {
            Metric::L2 | Metric::L2Squared | Metric::L1 => {
                for (bound, sum) in bounds.iter_mut().zip(sums) {
                    // A sum that overflowed says nothing.
                    *bound = if sum > gate && sum < f64::INFINITY {
                        OUT
                    } else {
                        self.bound(sum)
                    };
                }
            }
            Metric::InnerProduct | Metric::NegativeInnerProduct => {
                let sign = if self.metric == Metric::InnerProduct {
                    sign
                } else {
                    -sign
                };
                for ((bound, dot), squares) in bounds.iter_mut().zip(sums).zip(squares) {
                    let norms = (squares + self.absolute).sqrt() * self.query_norm;
                    let error = self.relative * norms + self.absolute;
                    *bound = outward(sign * dot - error, roundings);
                }
            }
            Metric::CosineDistance | Metric::CosineSimilarity => {
                let (base, sign) = if self.metric == Metric::CosineDistance {
                    (sign, -sign)
                } else {
                    (0.0, sign)
                };
                let (squares_min, squares_max) = self.squares;
                for ((bound, dot), squares) in bounds.iter_mut().zip(sums).zip(squares) {
                    let unknown = if squares >= squares_min && squares <= squares_max {
                        0.0
                    } else {
                        f64::NAN
                    };
                    let norms = squares.sqrt() * self.query_norm;
                    let error = 3.0 * self.relative + 2.0 * self.absolute / norms + unknown;
                    *bound = outward(base + sign * (dot / norms) - error, roundings);
                }
            }
            // Never over numbers, of which nothing would be known.
            Metric::Hamming | Metric::Jaccard => bounds.fill(f64::NAN),
        }
    }

    /// The least (or, descending, the greatest) true sum of terms that are not negative; not finite unless `sum` is.
    #[inline(always)]
    fn toward_better(&self, sum: f64) -> f64 {
        let error = self.relative * sum + self.absolute;
        let bound = sum - self.sign * error;
        // Not `max`, which would turn NaN into zero.
        if bound < 0.0 { 0.0 } else { bound }
    }
}
