//! Products of a vector with signed bytes, in integers: what a second look at coded rows costs least.
//!
//! The vector `v` is taken for `step q` with whole numbers `q` of 16 bits. `Σ c q` over a row's bytes `c` is exact, and `v·c`
//! lies within `lost |c|` of `step Σ c q`, where `lost >= |v - step q|` is measured.

use crate::integer::{self, DIMENSION_MAX, MAGNITUDE_SUM_MAX, Padded, Sum, Totals};
use crate::{Encoding, InstructionSet, Rows, active_instruction_set};

/// What turns signed bytes into codes of 0 to 255.
const FLIP: u8 = 128;

/// A vector to multiply rows of signed bytes with.
#[derive(Debug, Clone)]
pub struct ByteProducts {
    set: InstructionSet,
    query: Padded,
    /// `128 Σ q`: codes are bytes plus 128.
    offset: i64,
    step: f64,
    lost: f64,
}

impl ByteProducts {
    /// Takes a vector; `None` when an element is not finite, or it is longer than 2^15 elements.
    pub fn new(vector: &[f64]) -> Option<ByteProducts> {
        let greatest = vector.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        let total: f64 = vector.iter().map(|x| x.abs()).sum();
        if vector.len() > DIMENSION_MAX || !total.is_finite() {
            return None;
        }
        // A rounded number is greater by at most a half.
        let total_max = f64::from(MAGNITUDE_SUM_MAX) - vector.len() as f64;
        let step = (greatest / f64::from(i16::MAX)).max(total / total_max);
        let inverse = if step > f64::MIN_POSITIVE {
            1.0 / step
        } else {
            0.0
        };
        let limit = f64::from(i16::MAX);
        let numbers: Vec<i16> = vector
            .iter()
            .map(|x| (x * inverse).round_ties_even().clamp(-limit, limit) as i16)
            .collect();
        let squares = |x: f64| x * x;
        let lost = vector.iter().zip(&numbers);
        let lost: f64 = lost.map(|(x, q)| squares(x - step * f64::from(*q))).sum();
        let length: f64 = vector.iter().map(|x| squares(*x)).sum();
        let rounding = f64::EPSILON * 8.0;
        Some(ByteProducts {
            set: active_instruction_set(),
            offset: i64::from(FLIP) * numbers.iter().map(|q| i64::from(*q)).sum::<i64>(),
            query: Padded::new(numbers.into_iter()),
            step,
            // Sums of up to 2^15 squares are off by less than 2^-37.
            lost: lost.sqrt() * (1.0 + 1e-9) + length.sqrt() * rounding + f64::MIN_POSITIVE,
        })
    }

    /// The same with another instruction set, for comparing them. Results are the same.
    pub fn with_instruction_set(mut self, set: InstructionSet) -> ByteProducts {
        self.set = set;
        self
    }

    /// What a sum of 1 stands for.
    pub fn step(&self) -> f64 {
        self.step
    }

    /// At least the length of what whole numbers lose of the vector.
    pub fn lost(&self) -> f64 {
        self.lost
    }

    /// `Σ c q` over the signed bytes of a row.
    ///
    /// # Panics
    /// When the row is not as long as the vector.
    pub fn sum(&self, row: &[u8]) -> i64 {
        let mut totals = [Totals::default()];
        if let Ok(rows) = Rows::with_rows(row, 1, row.len(), Encoding::I8) {
            integer::sums(self.set, Sum::Dot, &rows, FLIP, &self.query, &mut totals);
        }
        let [totals] = totals;
        i64::from(totals.sum) - self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{Random, sets};

    #[test]
    fn products_lie_within_what_is_lost() {
        let mut random = Random(17);
        for dimension in [0, 1, 2, 63, 64, 65, 384, 1000] {
            for size in [0.0, 1e-320, 1e-30, 1.0, 1e30] {
                for constant in [false, true] {
                    let vector: Vec<f64> = (0..dimension)
                        .map(|_| size * if constant { 1.0 } else { random.unit() - 0.5 })
                        .collect();
                    let row: Vec<u8> = (0..dimension).map(|_| random.next() as u8).collect();
                    let products = ByteProducts::new(&vector).unwrap();
                    let sum = products.sum(&row);
                    for set in sets() {
                        let products = products.clone().with_instruction_set(set);
                        assert_eq!(products.sum(&row), sum, "{set} {dimension}");
                    }
                    let bytes = row.iter().map(|byte| f64::from(*byte as i8));
                    let exact: f64 = bytes.clone().zip(&vector).map(|(c, v)| c * v).sum();
                    let length = bytes.map(|c| c * c).sum::<f64>().sqrt();
                    let error = (exact - products.step() * sum as f64).abs();
                    let most = products.lost() * length + 1e-12 * exact.abs();
                    assert!(error <= most, "{dimension} {size}: {error} {most}");
                }
            }
        }
        assert!(ByteProducts::new(&[f64::NAN]).is_none());
        assert!(ByteProducts::new(&[f64::INFINITY]).is_none());
    }
}
