//! Bounds from integer sums over one-byte rows.
//!
//! A row's elements decode to about `u = s c + m`, with `c` the centred code in -128..=127; the decoding rounds, so
//! that each true element `v` lies within `h` of `u` (measured over all 256 codes). The query enters as integers:
//!
//! ```text
//! products   q      = t Q + δ             Σ u q     = s t Σ c Q + m Σ q,    off by at most |s| 128 Σ|δ|
//! l2         y      = (q - m) / s = t Q + δ
//!            |u - q|² = s² (Σ c² - 2 t Σ c Q + Σ y²),                       off by at most s² 256 Σ|δ|
//! l1         y clipped to -128..=127 = Q / 64 + δ; what was clipped off adds the same to every row
//!            Σ|u - q| = |s| (Σ|64 c - Q| / 64 + clipped),                   off by at most |s| Σ|δ|
//! |u|²       s² Σ c² + 2 s m Σ c + d m²
//! ```
//!
//! From `u` to `v`: `| |v-q| - |u-q| | <= √d h`, the same for norms, `d h` for l1, and `h Σ|q|` for products. The
//! roundings of the `f64` arithmetic here are allowed for by `ROUNDINGS` times the magnitudes involved.

use crate::element::{Codes, Element};
use crate::integer::{self, L1_SHIFT, Padded, Sum, Totals};
use crate::query::BLOCK_ROWS;
use crate::{Encoding, Metric, Order, Query, Rows};

use super::screen_rounding::{ROUNDINGS, outward};

#[derive(Debug, Clone)]
pub(super) struct IntegerScreen {
    sum: Sum,
    /// What turns a stored byte into a centred code.
    flip: u8,
    query: Padded,
    /// 1 when badness grows with the answer, -1 when it falls.
    sign: f64,
    formula: Formula,
}

/// How sums become bounds; every `error` is a bound on the distance between the formula's value and the answer.
#[derive(Debug, Clone, Copy)]
enum Formula {
    /// `scale sqrt(Σ c² + by ΣcQ + constant)`, squared if the answer is.
    L2 {
        squared: bool,
        scale: f64,
        by: f64,
        constant: f64,
        /// Under the root.
        inner_error: f64,
        /// Outside it.
        outer_error: f64,
    },
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
        /// Squared norm below which the cosine is unknown.
        squares_min: f64,
    },
}

/// Codes reach this far from their centre.
const CODE_MAX: f64 = 128.0;

/// Magnitudes outside 2^±64 are left to the exact sums: inside, no formula here comes near the limits of `f64`.
const MAGNITUDE_MAX: f64 = (1_u128 << 64) as f64;

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
                    flip: 0,
                    s: 1.0,
                    m: 0.0,
                    h: 0.0,
                });
            }
            Encoding::U8 => (1.0, 0.0),
            Encoding::Codes { scale, min } => (scale, min),
            Encoding::F64 | Encoding::F32 | Encoding::F16 => return None,
        };
        let s = f64::from(scale);
        if !(1.0 / MAGNITUDE_MAX..=MAGNITUDE_MAX).contains(&s.abs())
            || !(-MAGNITUDE_MAX..=MAGNITUDE_MAX).contains(&min.into())
        {
            return None;
        }
        let m = f64::from(min) + CODE_MAX * s;
        // The products are exact in `f64`, the sums lose what `ROUNDINGS` more than covers.
        let mut h = 0.0_f64;
        for code in 0..=u8::MAX {
            let stored = f64::from(Codes { scale, min }.single(&[code]));
            let meant = s * (f64::from(code) - CODE_MAX) + m;
            h = h.max((stored - meant).abs());
        }
        if h > 0.0 {
            h += ROUNDINGS * (CODE_MAX * s.abs() + m.abs());
        }
        Some(Decoding {
            flip: 0x80,
            s,
            m,
            h,
        })
    }
}

/// A vector as integers: `t Q + δ`.
struct Quantised {
    values: Padded,
    t: f64,
    /// Σ|δ|
    lost: f64,
}

impl Quantised {
    fn new(vector: impl ExactSizeIterator<Item = f64> + Clone) -> Quantised {
        let max = vector.clone().fold(0.0, |max: f64, x| max.max(x.abs()));
        let t = if max > 0.0 {
            max / f64::from(i16::MAX)
        } else {
            1.0
        };
        Self::with_step(vector, t)
    }

    /// No element may exceed `t * i16::MAX`.
    fn with_step(vector: impl ExactSizeIterator<Item = f64>, t: f64) -> Quantised {
        let mut lost = 0.0;
        let values = Padded::new(vector.map(|x| {
            let integer = (x / t).round() as i16;
            lost += (x - t * f64::from(integer)).abs();
            integer
        }));
        Quantised { values, t, lost }
    }
}

impl IntegerScreen {
    /// A screen for rows of the encoding, unless its numbers, or the query's, are not finite or out of all proportion.
    pub(super) fn new(query: &Query, order: Order, encoding: Encoding) -> Option<IntegerScreen> {
        let decoding = Decoding::new(encoding)?;
        let vector = query.narrow().values();
        if !vector
            .iter()
            .all(|x| f64::from(x.abs()) <= MAGNITUDE_MAX)
        {
            return None;
        }
        let vector = vector.iter().map(|x| f64::from(*x));
        let metric = query.metric();
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
                let (values, formula) = cosine(vector, &decoding, query.narrow_norm(), sign);
                (Sum::DotSquaresAndTotal, values, formula, -sign)
            }
            Metric::CosineSimilarity => {
                let (values, formula) = cosine(vector, &decoding, query.narrow_norm(), 0.0);
                (Sum::DotSquaresAndTotal, values, formula, sign)
            }
        };
        Some(IntegerScreen {
            sum,
            flip: decoding.flip,
            query: values,
            sign,
            formula,
        })
    }

    pub(super) fn bounds(&self, query: &Query, rows: &Rows<'_>, bounds: &mut [f64]) {
        let mut totals = [Totals::default(); BLOCK_ROWS];
        let totals = &mut totals[..rows.len()];
        let set = query.instruction_set();
        integer::sums(set, self.sum, rows, self.flip, &self.query, totals);
        let sign = self.sign;
        let rows = bounds.iter_mut().zip(totals.iter());
        match self.formula {
            Formula::L2 {
                squared,
                scale,
                by,
                constant,
                inner_error,
                outer_error,
            } => {
                for (bound, totals) in rows {
                    let inner = totals.squares as f64 + by * totals.sum as f64 + constant;
                    let inner = inner - sign * inner_error;
                    let root = scale * inner.max(0.0).sqrt() - sign * outer_error;
                    let root = root.max(0.0);
                    *bound = outward(sign * if squared { root * root } else { root });
                }
            }
            Formula::Linear {
                by,
                constant,
                error,
            } => {
                for (bound, totals) in rows {
                    *bound = outward(sign * (by * totals.sum as f64 + constant) - error);
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
            } => {
                for (bound, totals) in rows {
                    let dot = by * totals.sum as f64 + constant;
                    let squares = squares_by * totals.squares as f64
                        + total_by * totals.total as f64
                        + squares_constant;
                    let norm = if squares >= squares_min {
                        squares.sqrt()
                    } else {
                        f64::NAN
                    };
                    // D/N - D'/N' = (D - D')/N' + D (N' - N)/(N N'), with the true N' at least `least`.
                    let norm_error = norm_error + squares_error / norm;
                    let least = (norm - norm_error) * query_norm;
                    let error = (error + dot.abs() * norm_error / norm) / least + ROUNDINGS;
                    *bound = outward(base + sign * (dot / (norm * query_norm)) - error);
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
    let sum: f64 = vector.clone().sum();
    let magnitude: f64 = vector.clone().map(f64::abs).sum();
    let quantised = Quantised::new(vector);
    let reach = CODE_MAX * s.abs();
    let formula = Formula::Linear {
        by: s * quantised.t,
        constant: m * sum,
        error: reach * quantised.lost
            + h * magnitude
            + ROUNDINGS * (reach + m.abs()) * magnitude,
    };
    (quantised.values, formula)
}

fn l2(
    vector: impl ExactSizeIterator<Item = f64> + Clone,
    decoding: &Decoding,
    squared: bool,
) -> (Padded, Formula) {
    let Decoding { s, m, h, .. } = *decoding;
    let dimension = vector.len() as f64;
    let codes = vector.clone().map(move |q| (q - m) / s);
    let squares: f64 = codes.clone().map(|y| y * y).sum();
    // What y was computed from may be far larger than y itself.
    let parts = vector.map(|q| (q.abs() + m.abs()) / s.abs());
    let magnitude: f64 = parts.clone().sum();
    let square_magnitude: f64 = parts.map(|y| y * y).sum();
    let quantised = Quantised::new(codes);
    let all = CODE_MAX * CODE_MAX * dimension + 2.0 * CODE_MAX * magnitude + square_magnitude;
    let formula = Formula::L2 {
        squared,
        scale: s.abs(),
        by: -2.0 * quantised.t,
        constant: squares,
        inner_error: 2.0 * CODE_MAX * quantised.lost + ROUNDINGS * all,
        outer_error: dimension.sqrt() * h,
    };
    (quantised.values, formula)
}

fn l1(
    vector: impl ExactSizeIterator<Item = f64> + Clone,
    decoding: &Decoding,
) -> (Padded, Formula) {
    let Decoding { s, m, h, .. } = *decoding;
    let dimension = vector.len() as f64;
    let codes = vector.clone().map(move |q| (q - m) / s);
    let clip = |y: f64| y.clamp(-CODE_MAX, CODE_MAX - 1.0);
    let clipped: f64 = codes.clone().map(|y| (y - clip(y)).abs()).sum();
    let magnitude: f64 = vector.map(|q| (q.abs() + m.abs()) / s.abs()).sum();
    let step = 1.0 / f64::from(1_u16 << L1_SHIFT);
    let quantised = Quantised::with_step(codes.map(clip), step);
    let formula = Formula::Linear {
        by: s.abs() * step,
        constant: s.abs() * clipped,
        error: s.abs() * quantised.lost
            + dimension * h
            + ROUNDINGS * s.abs() * (2.0 * CODE_MAX * dimension + magnitude),
    };
    (quantised.values, formula)
}

/// `base` is what the bound starts from, already signed.
fn cosine(
    vector: impl ExactSizeIterator<Item = f64> + Clone,
    decoding: &Decoding,
    query_norm: f64,
    base: f64,
) -> (Padded, Formula) {
    let Decoding { s, m, h, .. } = *decoding;
    let dimension = vector.len() as f64;
    let (values, products) = products(vector, decoding);
    let (by, constant, error) = match products {
        Formula::Linear {
            by,
            constant,
            error,
        } => (by, constant, error),
        // Products are linear; a bound of NaN would only make the scan slow.
        Formula::L2 { .. } | Formula::Cosine { .. } => (f64::NAN, f64::NAN, f64::NAN),
    };
    let reach = CODE_MAX * s.abs();
    let squares_error =
        ROUNDINGS * dimension * (reach * reach + 2.0 * reach * m.abs() + m * m);
    let norm_error = dimension.sqrt() * h;
    // From here on both errors of the norm are below a thousandth of it.
    let squares_min = (squares_error * 1024.0 * 1024.0)
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
    };
    (values, formula)
}
