//! Queries to tables, and answers to thresholds. The proof is in [`bound`](super::bound).

use ogive_kernels::{
    ByteProducts, Encoding, LOOKUP_SEGMENT, LOOKUP_WEIGHT_MAX, Lookup, LookupTerms, Metric, Order,
    Precision, Query, Rows,
};

use super::allocation::GROUP;
use super::bound::{LENGTH_MAX, down, half_power, outside, up};
use super::coding::Coding;
use super::encoder::{SECOND_HEADER_BYTES, unit_factor};
use super::levels::{level, nibble_of_eight};

/// A query that codes can be compared with.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) lookup: Lookup,
    /// Products with the codes of the second stage.
    products: ByteProducts,
    /// What their step and their loss make of a row's scale.
    product_step: f64,
    product_lost: f64,
    /// At least `|a|`, times 2 for l2.
    second_factor: f64,
    /// What products are multiplied with: 2 for l2.
    multiple: f64,
    answers: Answers,
}

/// How answers of the exact scan become limits on bounds.
#[derive(Debug, Clone, Copy)]
struct Answers {
    metric: Metric,
    /// What an answer is multiplied with: `f²`, or `g f`.
    factor: f64,
    /// `|a|²` for l2, `-a·μ` otherwise: what is added to a bound.
    constant: f64,
    /// What that may be off by, and what the exact scan may lose of it; what its sums lose to underflow.
    slack: f64,
}

impl Prepared {
    /// `None` when codes prove nothing about this query: farthest first, other metrics, elements that are not finite, a
    /// length past the limits.
    pub(super) fn new(
        coding: &Coding,
        defect: f64,
        query: &Query,
        order: Order,
    ) -> Option<Prepared> {
        let metric = query.metric();
        let farthest_first = match metric {
            Metric::InnerProduct | Metric::CosineSimilarity => !order.descending,
            _ => order.descending,
        };
        if farthest_first || !coding.measure.serves(metric) {
            return None;
        }
        let encoding = if coding.double {
            Encoding::F64
        } else {
            Encoding::F32
        };
        let vector = query.vector(encoding);
        if vector.len() != coding.dimension || vector.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let factor = 2.0_f64.powi(coding.exponent);
        let mean = || coding.mean.iter().map(|x| f64::from(*x));
        let mean_length = coding.mean_length();
        let underflow = match query.precision() {
            Precision::Single => half_power(148),
            Precision::Double => half_power(1050),
        };
        let (a, answers, multiple) = match metric {
            Metric::L2 | Metric::L2Squared => {
                let a: Vec<f64> = vector
                    .iter()
                    .zip(mean())
                    .map(|(q, m)| q * factor - m)
                    .collect();
                let squares: f64 = a.iter().map(|a| a * a).sum();
                let answers = Answers {
                    metric,
                    factor: factor * factor,
                    constant: squares,
                    slack: half_power(38) * (squares + mean_length * mean_length)
                        + underflow * factor * factor,
                };
                (a, answers, 2.0)
            }
            Metric::InnerProduct
            | Metric::NegativeInnerProduct
            | Metric::CosineDistance
            | Metric::CosineSimilarity => {
                let cosine = matches!(metric, Metric::CosineDistance | Metric::CosineSimilarity);
                let size = if cosine {
                    unit_factor(vector)?
                } else {
                    power_near_one(vector)?
                };
                let a: Vec<f64> = vector.iter().map(|q| q * size).collect();
                let product: f64 = a.iter().zip(mean()).map(|(a, m)| a * m).sum();
                let length = a.iter().map(|a| a * a).sum::<f64>().sqrt();
                let answers = Answers {
                    metric,
                    factor: if cosine { 1.0 } else { factor * size },
                    constant: -product,
                    slack: half_power(38) * length * (1.0 + mean_length)
                        + if cosine {
                            0.0
                        } else {
                            underflow * factor * size
                        },
                };
                (a, answers, 1.0)
            }
            Metric::L1 | Metric::Hamming | Metric::Jaccard => return None,
        };
        let length = a.iter().map(|a| a * a).sum::<f64>().sqrt();
        if length.is_nan() || length > LENGTH_MAX {
            return None;
        }
        let rounded: Vec<f64> = a.iter().map(|a| f64::from(*a as f32)).collect();
        let products = ByteProducts::new(&rounded)?;
        Some(Prepared {
            lookup: tables(coding, defect, &rounded, multiple)?,
            product_step: multiple * products.step(),
            // Codes are at most 127.
            product_lost: multiple
                * products.lost()
                * 127.0
                * (rounded.len() as f64).sqrt()
                * (1.0 + half_power(40)),
            products,
            second_factor: multiple * length * (1.0 + half_power(20)),
            multiple,
            answers,
        })
    }

    /// The limit that belongs to an answer of the exact scan (`None` is NULL): a row whose bound is greater has an answer that
    /// comes strictly later.
    pub(super) fn limit(&self, answer: Option<f64>) -> f64 {
        let answers = &self.answers;
        let Some(answer) = answer.filter(|answer| answer.is_finite()) else {
            return f64::INFINITY;
        };
        let (value, room) = match answers.metric {
            Metric::L2 => {
                let value = answer * answer * answers.factor;
                (value, half_power(21) * value)
            }
            Metric::L2Squared => (
                answer * answers.factor,
                half_power(21) * answer * answers.factor,
            ),
            Metric::InnerProduct => {
                let value = -answer * answers.factor;
                (value, half_power(21) * value.abs())
            }
            Metric::NegativeInnerProduct => {
                let value = answer * answers.factor;
                (value, half_power(21) * value.abs())
            }
            Metric::CosineDistance => (answer - 1.0, half_power(20)),
            _ => (-answer, half_power(20)),
        };
        let limit = value - answers.constant
            + room
            + answers.slack
            + half_power(38) * value.abs()
            + half_power(90);
        if limit.is_nan() { f64::INFINITY } else { limit }
    }

    /// The least `f32` limit that excludes no more.
    pub(super) fn narrow_limit(&self, limit: f64) -> f32 {
        up(limit)
    }

    /// The bound of a row of the second stage: its `dimension` codes, scale, residual and norm.
    pub(super) fn second_bound(&self, row: &[u8]) -> f64 {
        let Some((codes, header)) = row.split_last_chunk::<SECOND_HEADER_BYTES>() else {
            return f64::NAN;
        };
        let (numbers, _) = header.as_chunks::<4>();
        let mut numbers = numbers.iter().map(|x| f64::from(f32::from_le_bytes(*x)));
        let mut number = || numbers.next().unwrap_or(f64::NAN);
        let (scale, residual, norm) = (number(), number(), number());
        let sum = self.products.sum(codes) as f64;
        let product =
            scale * (sum * self.product_step + self.product_lost) + residual * self.second_factor;
        if self.multiple == 2.0 {
            norm - product
        } else {
            0.0 - product
        }
    }
}

/// A power of two that brings a vector's length near 1; 1 for a vector of zeros.
fn power_near_one(vector: &[f64]) -> Option<f64> {
    let greatest = vector.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    if greatest == 0.0 {
        return Some(1.0);
    }
    let exponent = greatest.log2().round();
    (exponent.abs() <= 300.0).then(|| 2.0_f64.powi(-exponent as i32))
}

/// The tables of `multiple` times the rotated `a`; `None` when a number of the kernel would not be finite.
fn tables(coding: &Coding, defect: f64, a: &[f64], multiple: f64) -> Option<Lookup> {
    let shape = coding.shape();
    let directions = coding.directions();
    let mut p = vec![0.0; directions];
    let rotation = Rows::from_f32(&coding.rotation, coding.dimension).ok()?;
    // Elements of `a` are `f32`, so they are not rounded again.
    Query::new(Metric::InnerProduct, a).distances(&rotation, &mut p);
    let squares: f64 = a.iter().map(|a| a * a).sum();
    let length = squares.sqrt();
    let mut weighted: f64 = p
        .iter()
        .zip(coding.weights())
        .map(|(p, v)| (p * v) * (p * v))
        .sum();
    if directions < coding.dimension {
        let own: f64 = p.iter().map(|p| p * p).sum();
        weighted += outside(length, own.sqrt() * (1.0 - half_power(36)), defect);
    }
    let factor = multiple * (weighted.sqrt() + half_power(36) * length) * (1.0 + half_power(19));

    p.resize(coding.deviations.len(), 0.0);
    let numbers = p.iter().zip(&coding.deviations);
    let scaled: Vec<f64> = numbers.map(|(p, s)| p * multiple * f64::from(*s)).collect();
    let mut exact: Vec<[f64; 16]> = Vec::with_capacity(2 * shape.columns);
    for (bits, group) in coding.bits.iter().zip(scaled.chunks_exact(GROUP)) {
        push_tables(*bits, group, &mut exact);
    }
    let ranges: Vec<(f64, f64)> = exact.iter().map(least_and_range).collect();
    let steps: Vec<f64> = ranges
        .chunks(2 * LOOKUP_SEGMENT)
        .map(|ranges| {
            ranges
                .iter()
                .fold(0.0_f64, |most, (_, range)| most.max(*range))
                / 255.0
        })
        .collect();
    let greatest = steps.iter().fold(0.0_f64, |most, step| most.max(*step));
    let unit = up(greatest / f64::from(LOOKUP_WEIGHT_MAX)).max(f32::MIN_POSITIVE);
    let weights: Vec<u16> = steps
        .iter()
        .map(|step| {
            (step / f64::from(unit))
                .ceil()
                .min(f64::from(LOOKUP_WEIGHT_MAX)) as u16
        })
        .collect();
    let (mut base, mut error, mut size) = (0.0, 0.0, 0.0);
    let mut rounded = Vec::with_capacity(exact.len());
    for (index, (table, (least, range))) in exact.iter().zip(&ranges).enumerate() {
        let step = f64::from(weights[index / (2 * LOOKUP_SEGMENT)]) * f64::from(unit);
        let inverse = if step > 0.0 { 1.0 / step } else { 0.0 };
        let mut worst = 0.0_f64;
        let codes = table.map(|value| {
            // Casts saturate.
            let code = ((value - least) * inverse + 0.5) as u8;
            worst = worst.max(value - (least + step * f64::from(code)));
            code
        });
        rounded.push(codes);
        base += least;
        error += worst;
        size += least.abs() + range;
    }
    // What `p` itself is off by, times the greatest numbers that codes stand for.
    let reach: f64 = coding.deviations.iter().map(|s| 4.0 * f64::from(*s)).sum();
    let dimension = coding.dimension as f64;
    error += (dimension + 8.0) * half_power(52) * 1.02 * length * multiple * reach;
    error += half_power(20) * size + half_power(100);
    let terms = LookupTerms {
        unit,
        base: base as f32,
        error: up(error),
        factor: up(factor),
        norms: multiple == 2.0,
    };
    let finite = [terms.unit, terms.base, terms.error, terms.factor];
    let finite = finite.iter().all(|x| x.is_finite()) && down(size).is_finite();
    finite.then(|| Lookup::new(shape, terms, rounded, weights))
}

/// Appends the two tables of each byte of a group's code.
fn push_tables(bits: u8, group: &[f64], tables: &mut Vec<[f64; 16]>) {
    match bits {
        0 => {}
        8 => {
            for high in [true, false] {
                for number in group {
                    tables.push(std::array::from_fn(|nibble| {
                        number * nibble_of_eight(high, nibble as u8)
                    }));
                }
            }
        }
        bits => {
            let mask = (1_u8 << bits) - 1;
            for numbers in group.chunks_exact(usize::from(4 / bits)) {
                tables.push(std::array::from_fn(|nibble| {
                    let codes = (0..).step_by(usize::from(bits));
                    let terms = numbers.iter().zip(codes).map(|(number, shift)| {
                        number * level(bits, (nibble as u8 >> shift) & mask)
                    });
                    terms.sum()
                }));
            }
        }
    }
}

fn least_and_range(table: &[f64; 16]) -> (f64, f64) {
    let least = table.iter().fold(f64::INFINITY, |least, x| least.min(*x));
    let most = table.iter().fold(f64::NEG_INFINITY, |most, x| most.max(*x));
    (least, most - least)
}
