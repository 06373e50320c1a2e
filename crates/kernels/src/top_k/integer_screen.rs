//! Bounds from integer sums over one-byte rows.
//!
//! A row's elements decode to about `u = s c + m`, with `c` the code in 0..=255; the decoding rounds, so that each true
//! element `v` lies within `h` of `u` (measured over all codes). The query enters as integers `Q`, of which `δ` is what
//! is lost. As `c` is within 127.5 of 127.5, `Σ c δ` is within `127.5 Σ|δ|` of `127.5 Σ δ`:
//!
//! ```text
//! products   q      = t Q + δ             Σ u q     = s (t Σ c Q + Σ c δ) + m Σ q
//! l2         y      = (q - m) / s = t Q + δ
//!            |u - q|² = s² (Σ c² - 2 (t Σ c Q + Σ c δ) + Σ y²)
//! l1         y clipped to 0..=255 = Q / 64 + δ; what was clipped off adds the same to every row
//!            Σ|u - q| = |s| (Σ|64 c - Q| / 64 + clipped),                   off by at most |s| Σ|δ|
//! |u|²       s² Σ c² + 2 s m Σ c + d m²
//! ```
//!
//! From `u` to `v`: `| |v-q| - |u-q| | <= √d h`, the same for norms, `d h` for l1, and `h Σ|q|` for products. The
//! roundings of the `f64` arithmetic here are allowed for by `roundings` times the magnitudes involved.

use crate::element::{Codes, Element};
use crate::integer::{self, DIMENSION_MAX, L1_SHIFT, MAGNITUDE_SUM_MAX, Padded, Sum, Totals};
use crate::query::BLOCK_ROWS;
use crate::{Encoding, Metric, Order, Query, Rows};

use super::bounds::{Bounded, GATE_ROOM, OUT};
use super::screen_rounding::{outward, roundings};

#[derive(Debug, Clone)]
pub(super) struct IntegerScreen {
    sum: Sum,
    /// What turns a stored byte into a code.
    flip: u8,
    query: Padded,
    /// 1 when badness grows with the answer, -1 when it falls.
    sign: f64,
    roundings: f64,
    formula: Formula,
}

/// How sums become bounds; every `error` is a bound on the distance between the formula's value and the answer.
#[derive(Debug, Clone, Copy)]
enum Formula {
    /// `scale sqrt(Σ c² + by ΣcQ + constant)`, squared if the answer is.
    L2(L2),
    /// `by ΣcQ + constant`, and the same for `l1` over its own sum.
    Linear { by: f64, constant: f64, error: f64 },
    /// `base + sign (by ΣcQ + constant) / (norm query_norm)`, with
    /// `norm² = squares_by Σ c² + total_by Σ c + squares_constant`.
    Cosine {
        base: f64,
        by: f64,
        constant: f64,
        error: f64,
        query_norm: f64,
        squares_by: f64,
        total_by: f64,
        squares_constant: f64,
        squares_error: f64,
        norm_error: f64,
        /// Squared norms outside of which the cosine is unknown.
        squares_min: f64,
        squares_max: f64,
    },
}

/// What [`Formula::L2`] is made of.
#[derive(Debug, Clone, Copy)]
struct L2 {
    squared: bool,
    scale: f64,
    by: f64,
    constant: f64,
    /// Under the root.
    inner_error: f64,
    /// Outside it.
    outer_error: f64,
}

impl L2 {
    /// The bound for what is under the root.
    #[inline(always)]
    fn bound(&self, inner: f64, sign: f64, roundings: f64) -> f64 {
        let inner = inner - sign * self.inner_error;
        let root = self.scale * inner.max(0.0).sqrt() - sign * self.outer_error;
        let root = root.max(0.0);
        outward(
            sign * if self.squared { root * root } else { root },
            roundings,
        )
    }
}

/// The largest code.
const CODE_MAX: f64 = 255.0;
/// Half of it: the middle of the codes, and how far they reach from there.
const CODE_MIDDLE: f64 = CODE_MAX / 2.0;

/// Magnitudes outside 2^±64 are left to the exact sums: inside, no formula here comes near the limits of `f64`.
const MAGNITUDE_MAX: f64 = (1_u128 << 64) as f64;

/// What a scaled query's magnitudes may add up to before they are rounded, which adds at most a half to each.
const SCALED_SUM_MAX: f64 = (MAGNITUDE_SUM_MAX as usize - DIMENSION_MAX) as f64;

/// How codes stand for numbers: `s c + m`, within `h`.
struct Decoding {
    flip: u8,
    s: f64,
    m: f64,
    h: f64,
}

impl Decoding {
    fn new(encoding: Encoding) -> Option<Decoding> {
        let (scale, min) = match encoding {
            Encoding::I8 => {
                return Some(Decoding {
                    flip: 0x80,
                    s: 1.0,
                    m: -128.0,
                    h: 0.0,
                });
            }
            Encoding::U8 => (1.0, 0.0),
            Encoding::Codes { scale, min } => (scale, min),
            Encoding::F64 | Encoding::F32 | Encoding::F16 | Encoding::Bits => return None,
        };
        let s = f64::from(scale);
        if !(1.0 / MAGNITUDE_MAX..=MAGNITUDE_MAX).contains(&s.abs())
            || !(-MAGNITUDE_MAX..=MAGNITUDE_MAX).contains(&min.into())
        {
            return None;
        }
        let m = f64::from(min);
        // The products are exact in `f64`, the sums lose what `roundings` more than covers.
        let mut h = 0.0_f64;
        for code in 0..=u8::MAX {
            let stored = f64::from(Codes { scale, min }.single(&[code]));
            let meant = s * f64::from(code) + m;
            h = h.max((stored - meant).abs());
        }
        if h > 0.0 {
            h += roundings(1) * (CODE_MAX * s.abs() + m.abs());
        }
        Some(Decoding { flip: 0, s, m, h })
    }
}

/// A vector as integers: `t Q + δ`.
struct Quantised {
    values: Padded,
    t: f64,
    /// Σ δ
    lost: f64,
    /// Σ|δ|
    lost_magnitude: f64,
}

impl Quantised {
    /// The finest step that keeps every element within `i16` and every sum of products within `i32`.
    fn new(vector: impl ExactSizeIterator<Item = f64> + Clone) -> Quantised {
        let max = vector.clone().fold(0.0, |max: f64, x| max.max(x.abs()));
        let sum: f64 = vector.clone().map(f64::abs).sum();
        let t = (max / f64::from(i16::MAX)).max(sum / SCALED_SUM_MAX);
        Self::with_step(vector, if t > 0.0 { t } else { 1.0 })
    }

    /// No element may exceed `t * i16::MAX`.
    fn with_step(vector: impl ExactSizeIterator<Item = f64>, t: f64) -> Quantised {
        let (mut lost, mut lost_magnitude) = (0.0, 0.0);
        let values = Padded::new(vector.map(|x| {
            let integer = (x / t).round() as i16;
            let delta = x - t * f64::from(integer);
            lost += delta;
            lost_magnitude += delta.abs();
            integer
        }));
        Quantised {
            values,
            t,
            lost,
            lost_magnitude,
        }
    }
}

impl IntegerScreen {
    /// A screen for rows of the encoding, unless it is too long, or its numbers, or the query's, are not finite
    /// or out of all proportion.
    pub(super) fn new(
        query: &Query,
        order: Order,
        encoding: Encoding,
        bounded: Bounded,
    ) -> Option<IntegerScreen> {
        let decoding = Decoding::new(encoding)?;
        let vector = query.narrow().values();
        if !vector.iter().all(|x| f64::from(x.abs()) <= MAGNITUDE_MAX) {
            return None;
        }
        let vector = vector.iter().map(|x| f64::from(*x));
        let Bounded { metric, squares } = bounded;
        let query_norm = query.narrow_norm();
        let sign = if order.descending { -1.0 } else { 1.0 };
        let (sum, values, formula, sign) = match metric {
            Metric::L2 | Metric::L2Squared => {
                let (values, formula) = l2(vector, &decoding, metric == Metric::L2Squared);
                (Sum::DotAndSquares, values, formula, sign)
            }
            Metric::L1 => {
                let (values, formula) = l1(vector, &decoding);
                (Sum::L1, values, formula, sign)
            }
            Metric::InnerProduct => {
                let (values, formula) = products(vector, &decoding);
                (Sum::Dot, values, formula, sign)
            }
            Metric::NegativeInnerProduct => {
                let (values, formula) = products(vector, &decoding);
                (Sum::Dot, values, formula, -sign)
            }
            Metric::CosineDistance => {
                let (values, formula) = cosine(vector, &decoding, query_norm, sign, squares);
                (Sum::DotSquaresAndTotal, values, formula, -sign)
            }
            Metric::CosineSimilarity => {
                let (values, formula) = cosine(vector, &decoding, query_norm, 0.0, squares);
                (Sum::DotSquaresAndTotal, values, formula, sign)
            }
            Metric::Hamming | Metric::Jaccard => return None,
        };
        Some(IntegerScreen {
            sum,
            flip: decoding.flip,
            query: values,
            sign,
            roundings: roundings(query.dimension()),
            formula,
        })
    }

    /// A value of the formula under which a row may have any bound, and over which every bound is `beyond` the limit.
    pub(super) fn gate(&self, limit: f64, beyond: impl Fn(f64) -> bool) -> f64 {
        let Formula::L2(l2) = &self.formula else {
            return f64::INFINITY;
        };
        if self.sign < 0.0 || !(0.0..f64::INFINITY).contains(&limit) {
            return f64::INFINITY;
        }
        let root = if l2.squared { limit.sqrt() } else { limit };
        let root = (root + l2.outer_error) / l2.scale;
        let gate = root * root * GATE_ROOM + l2.inner_error;
        // Nothing here reverses an order, so what is so of the gate is so of everything over it.
        if beyond(l2.bound(gate, self.sign, self.roundings)) {
            gate
        } else {
            f64::INFINITY
        }
    }

    /// Bounds of rows; of those over the [gate](Self::gate), [`OUT`].
    pub(super) fn bounds(&self, query: &Query, rows: &Rows<'_>, gate: f64, bounds: &mut [f64]) {
        let mut totals = [Totals::default(); BLOCK_ROWS];
        let totals = &mut totals[..rows.len()];
        let set = query.instruction_set();
        integer::sums(set, self.sum, rows, self.flip, &self.query, totals);
        let (sign, roundings) = (self.sign, self.roundings);
        let rows = bounds.iter_mut().zip(totals.iter());
        match self.formula {
            Formula::L2(l2) => {
                for (bound, totals) in rows {
                    let inner =
                        f64::from(totals.squares) + l2.by * f64::from(totals.sum) + l2.constant;
                    *bound = if inner > gate {
                        OUT
                    } else {
                        l2.bound(inner, sign, roundings)
                    };
                }
            }
            Formula::Linear {
                by,
                constant,
                error,
            } => {
                for (bound, totals) in rows {
                    *bound = outward(
                        sign * (by * f64::from(totals.sum) + constant) - error,
                        roundings,
                    );
                }
            }
            Formula::Cosine {
                base,
                by,
                constant,
                error,
                query_norm,
                squares_by,
                total_by,
                squares_constant,
                squares_error,
                norm_error,
                squares_min,
                squares_max,
            } => {
                for (bound, totals) in rows {
                    let dot = by * f64::from(totals.sum) + constant;
                    let squares = squares_by * f64::from(totals.squares)
                        + total_by * f64::from(totals.total)
                        + squares_constant;
                    let norm = if squares >= squares_min && squares <= squares_max {
                        squares.sqrt()
                    } else {
                        f64::NAN
                    };
                    // D/N - D'/N' = (D - D')/N' + D (N' - N)/(N N'), with the true N' at least `least`.
                    let norm_error = norm_error + squares_error / norm;
                    let least = (norm - norm_error) * query_norm;
                    let error = (error + dot.abs() * norm_error / norm) / least + roundings;
                    *bound = outward(base + sign * (dot / (norm * query_norm)) - error, roundings);
                }
            }
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.query.memory_bytes()
    }
}

fn products(
    vector: impl ExactSizeIterator<Item = f64> + Clone,
    decoding: &Decoding,
) -> (Padded, Formula) {
    let Decoding { s, m, h, .. } = *decoding;
    let roundings = roundings(vector.len());
    let sum: f64 = vector.clone().sum();
    let magnitude: f64 = vector.clone().map(f64::abs).sum();
    let quantised = Quantised::new(vector);
    let reach = CODE_MAX * s.abs();
    let formula = Formula::Linear {
        by: s * quantised.t,
        constant: s * CODE_MIDDLE * quantised.lost + m * sum,
        error: s.abs() * CODE_MIDDLE * quantised.lost_magnitude
            + h * magnitude
            + roundings * (reach + m.abs()) * magnitude,
    };
    (quantised.values, formula)
}

fn l2(
    vector: impl ExactSizeIterator<Item = f64> + Clone,
    decoding: &Decoding,
    squared: bool,
) -> (Padded, Formula) {
    let Decoding { s, m, h, .. } = *decoding;
    let roundings = roundings(vector.len());
    let dimension = vector.len() as f64;
    let codes = vector.clone().map(move |q| (q - m) / s);
    let squares: f64 = codes.clone().map(|y| y * y).sum();
    // What y was computed from may be far larger than y itself.
    let parts = vector.map(|q| (q.abs() + m.abs()) / s.abs());
    let magnitude: f64 = parts.clone().sum();
    let square_magnitude: f64 = parts.map(|y| y * y).sum();
    let quantised = Quantised::new(codes);
    let all = CODE_MAX * CODE_MAX * dimension + 2.0 * CODE_MAX * magnitude + square_magnitude;
    let formula = Formula::L2(L2 {
        squared,
        scale: s.abs(),
        by: -2.0 * quantised.t,
        constant: squares - 2.0 * CODE_MIDDLE * quantised.lost,
        inner_error: 2.0 * CODE_MIDDLE * quantised.lost_magnitude + roundings * all,
        outer_error: dimension.sqrt() * h,
    });
    (quantised.values, formula)
}

fn l1(
    vector: impl ExactSizeIterator<Item = f64> + Clone,
    decoding: &Decoding,
) -> (Padded, Formula) {
    let Decoding { s, m, h, .. } = *decoding;
    let roundings = roundings(vector.len());
    let dimension = vector.len() as f64;
    let codes = vector.clone().map(move |q| (q - m) / s);
    let clip = |y: f64| y.clamp(0.0, CODE_MAX);
    let clipped: f64 = codes.clone().map(|y| (y - clip(y)).abs()).sum();
    let magnitude: f64 = vector.map(|q| (q.abs() + m.abs()) / s.abs()).sum();
    let step = 1.0 / f64::from(1_u16 << L1_SHIFT);
    let quantised = Quantised::with_step(codes.map(clip), step);
    let formula = Formula::Linear {
        by: s.abs() * step,
        constant: s.abs() * clipped,
        error: s.abs() * quantised.lost_magnitude
            + dimension * h
            + roundings * s.abs() * (2.0 * CODE_MAX * dimension + magnitude),
    };
    (quantised.values, formula)
}

/// `base` is what the bound starts from, already signed.
fn cosine(
    vector: impl ExactSizeIterator<Item = f64> + Clone,
    decoding: &Decoding,
    query_norm: f64,
    base: f64,
    (squares_min, squares_max): (f64, f64),
) -> (Padded, Formula) {
    let Decoding { s, m, h, .. } = *decoding;
    let roundings = roundings(vector.len());
    let dimension = vector.len() as f64;
    let (values, products) = products(vector, decoding);
    let (by, constant, error) = match products {
        Formula::Linear {
            by,
            constant,
            error,
        } => (by, constant, error),
        // Products are linear; a bound of NaN would only make the scan slow.
        Formula::L2(_) | Formula::Cosine { .. } => (f64::NAN, f64::NAN, f64::NAN),
    };
    let reach = CODE_MAX * s.abs();
    let squares_error = roundings * dimension * (reach * reach + 2.0 * reach * m.abs() + m * m);
    let norm_error = dimension.sqrt() * h;
    // From here on both errors of the norm are below a thousandth of it.
    let squares_min = squares_min
        .max(squares_error * 1024.0 * 1024.0)
        .max((norm_error * 2048.0) * (norm_error * 2048.0))
        .max(f64::MIN_POSITIVE);
    let formula = Formula::Cosine {
        base,
        by,
        constant,
        error,
        query_norm,
        squares_by: s * s,
        total_by: 2.0 * s * m,
        squares_constant: dimension * m * m,
        squares_error,
        norm_error,
        squares_min,
        squares_max,
    };
    (values, formula)
}
