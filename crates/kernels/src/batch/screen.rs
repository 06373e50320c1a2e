//! Gates: which sums of products leave a row in the running for a query.
//!
//! With `x` a row, `q` a query, `X = |x|²`, `Q = |q|²`, and `d` the single-precision sum of the products `x q` (of `-x q`
//! where small products are the good ones), which is off by at most `g |x||q| + e` (see `approximate`), a row can only
//! be as good as the limit `L` if
//!
//! ```text
//! l2²       X + Q - 2 x·q <= L       d >= (X + Q) (1 - g) / 2 - L / 2 - e       as |x||q| <= (X + Q) / 2
//!           descending:  >= L        d >= L / 2 - (X + Q) (1 + g) / 2 - e
//! products  ±x·q >= L                d >= L - g |q| |x| - e
//! cosine    ±x·q / |x||q| >= L       d >= (L - g) |q| |x| - e
//! ```
//!
//! each of the form `d >= offset + slope term`, offset and slope a query's, term a row's. The lesser errors (the rounding
//! of answers to single precision where a query asks for it, the `f64` sums of both sides' squares, gates in single
//! precision) are covered by [`SLACK`].
//!
//! A row or query whose norm is not below 2^60 (one with an element that is no number among them) is left to the exact
//! sums; inside that, no sum here can overflow and every answer is a number. So is one of almost no length under a cosine.

use crate::approximate;
use crate::{Metric, Order, Rank};

/// Relative to the magnitudes involved: sixteen times what a rounding to single precision loses, where no path takes
/// more than eight such roundings.
const SLACK: f64 = 1.0 / (1 << 20) as f64;

/// `g` is relative to true magnitudes and `n u` stands for `n u / (1 - n u)`: this much more is enough while `n u` is
/// at most 1/16.
const FROM_COMPUTED: f64 = 1.125;

/// The square of 2^60.
const SQUARES_MAX: f64 = (1_u128 << 120) as f64;

/// Times `dimension + 16`: squares below which an absolute error matters to a cosine (2^-96).
const SQUARES_MIN: f64 = 1.0 / (1_u128 << 96) as f64;

/// Cosines beyond which nothing changes.
const COSINE_MAX: f64 = 4.0;

/// What a query asks of a row's sum: `not (sum < offset + slope * term)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gate {
    pub(super) offset: f32,
    pub(super) slope: f32,
}

impl Gate {
    /// Everything passes.
    pub(super) const OPEN: Gate = Gate {
        offset: f32::NEG_INFINITY,
        slope: 0.0,
    };
    /// Only what is unknown passes, as its term is NaN.
    const SHUT: Gate = Gate {
        offset: f32::INFINITY,
        slope: 0.0,
    };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// The answer is the squared distance, or its root.
    L2 { root: bool },
    /// The answer is the sum, or its negative.
    Products,
    /// The answer is the cosine, or one minus it.
    Cosine { distance: bool },
}

/// The gates of one metric and order.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    measure: Measure,
    order: Order,
    /// Whether great products are the good ones.
    great_products: bool,
    /// `g`, with slack.
    relative: f64,
    /// `e`, with as much again for the gates themselves.
    absolute: f64,
    squares_min: f64,
}

impl Screen {
    /// The screen for sums that pass `roundings` roundings, unless the metric is not made of products, or there are
    /// none or too many.
    pub(super) fn new(
        metric: Metric,
        order: Order,
        dimension: usize,
        roundings: usize,
    ) -> Option<Screen> {
        if !(1..=approximate::DIMENSION_MAX).contains(&dimension) {
            return None;
        }
        let descending = order.descending;
        let (measure, great_products) = match metric {
            Metric::L2 => (Measure::L2 { root: true }, !descending),
            Metric::L2Squared => (Measure::L2 { root: false }, !descending),
            Metric::InnerProduct => (Measure::Products, descending),
            Metric::NegativeInnerProduct => (Measure::Products, !descending),
            Metric::CosineSimilarity => (Measure::Cosine { distance: false }, descending),
            Metric::CosineDistance => (Measure::Cosine { distance: true }, !descending),
            Metric::L1 | Metric::Hamming | Metric::Jaccard => return None,
        };
        Some(Screen {
            measure,
            order,
            great_products,
            relative: FROM_COMPUTED * approximate::relative_error(roundings) + SLACK,
            absolute: 2.0 * approximate::absolute_error(dimension),
            squares_min: match measure {
                Measure::Cosine { .. } => (dimension as f64 + 16.0) * SQUARES_MIN,
                Measure::L2 { .. } | Measure::Products => 0.0,
            },
        })
    }

    /// What queries are multiplied with before the products are summed.
    pub(super) fn query_factor(&self) -> f32 {
        if self.great_products { 1.0 } else { -1.0 }
    }

    /// Whether gates can tell anything about a vector of this sum of squares.
    pub(super) fn knows(&self, squares: f64) -> bool {
        (self.squares_min..=SQUARES_MAX).contains(&squares)
    }

    /// Whether a finer screen could decide what this one cannot: differences are small where products cancel.
    pub(super) fn cancels(&self) -> bool {
        matches!(self.measure, Measure::L2 { .. })
    }

    /// The term of a row of this sum of squares.
    pub(super) fn term(&self, squares: f64) -> f32 {
        if !self.knows(squares) {
            return f32::NAN;
        }
        match self.measure {
            Measure::L2 { .. } => down(self.half(squares)),
            // Up: the slope is not positive.
            Measure::Products => -down(-squares.sqrt()),
            Measure::Cosine { .. } => squares.sqrt() as f32,
        }
    }

    /// The greater, the better a row probably is than other rows for the same query; only as good as the sum is.
    pub(super) fn goodness(&self, sum: f32, term: f32) -> f32 {
        match self.measure {
            Measure::L2 { .. } => sum - term,
            Measure::Products => sum,
            Measure::Cosine { .. } => sum / term,
        }
    }

    /// The gate of a known query of this sum of squares for rows that rank no later than `limit`.
    pub(super) fn gate(&self, squares: f64, limit: Rank) -> Gate {
        let badness = limit.badness_limit(self.order);
        if badness == f64::INFINITY {
            return Gate::OPEN;
        }
        if badness == f64::NEG_INFINITY {
            return Gate::SHUT;
        }
        match self.measure {
            Measure::L2 { root } => {
                let sign = self.sign();
                let answer = sign * badness;
                if answer < 0.0 {
                    // No distance is negative: ascending nothing is as good, descending everything is.
                    return if self.order.descending {
                        Gate::OPEN
                    } else {
                        Gate::SHUT
                    };
                }
                let sum = if root { answer * answer } else { answer };
                let sum = sign * sum * (1.0 + sign * 2.0 * SLACK) / 2.0;
                Gate {
                    offset: down(self.half(squares) - sum - self.absolute),
                    slope: 1.0,
                }
            }
            Measure::Products => Gate {
                offset: down(-badness - badness.abs() * SLACK - self.absolute),
                slope: down(-(self.relative + SLACK) * squares.sqrt()),
            },
            Measure::Cosine { distance } => {
                let goodness = match (distance, self.order.descending) {
                    (false, _) => -badness,
                    (true, false) => 1.0 - badness,
                    (true, true) => -1.0 - badness,
                };
                let goodness = goodness.clamp(-COSINE_MAX, COSINE_MAX);
                Gate {
                    // The absolute error is below 2^-30 of the norms, which `squares_min` ensures.
                    offset: 0.0,
                    slope: down((goodness - self.relative - SLACK) * squares.sqrt()),
                }
            }
        }
    }

    /// A side's part of an l2 gate.
    fn half(&self, squares: f64) -> f64 {
        let sign = self.sign();
        sign * squares * (1.0 - sign * self.relative) / 2.0
    }

    /// 1 when badness grows with the answer, -1 when it falls.
    fn sign(&self) -> f64 {
        if self.order.descending { -1.0 } else { 1.0 }
    }
}

/// The greatest `f32` that is not above; infinities stay.
fn down(value: f64) -> f32 {
    let near = value as f32;
    if f64::from(near) > value {
        near.next_down()
    } else {
        near
    }
}
