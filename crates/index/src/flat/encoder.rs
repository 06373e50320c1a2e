//! Rows to codes.

use ogive_kernels::{Encoding, LOOKUP_ROWS, Matrix, Rows};

use super::allocation::GROUP;
use super::bound::{
    LENGTH_MAX, Length, Rotation, half_power, near_bf16, of_bf16, spread, up, up_bf16,
};
use super::coding::Coding;
use super::levels::{Quantiser, level};
use super::measure::Measure;
use crate::Bitmap;

/// Bytes of a row in the second stage beside its codes: scale, residual and norm.
pub(super) const SECOND_HEADER_BYTES: usize = 12;

/// Codes of neighbouring rows.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    /// Whole blocks of the first stage; the last one may be filled up with zeros.
    pub(super) blocks: Vec<u8>,
    /// Rows of the second stage: `dimension` codes, scale, residual, norm.
    pub(super) second: Vec<u8>,
    /// Rows that have no code.
    pub(super) exceptions: Vec<u64>,
}

/// Encodes rows; shared by threads.
#[derive(Debug)]
pub(super) struct Encoder<'a> {
    coding: &'a Coding,
    matrix: Matrix,
    proof: Rotation,
    quantiser: Quantiser,
    mean_length: f64,
    /// One over the deviations; 0 for those of 0.
    sharpness: Vec<f32>,
    /// One over `v`.
    inverse_weights: Vec<f64>,
    /// For each direction, the numbers of its codes.
    numbers: Vec<Vec<f64>>,
    /// One over the expected square of a row.
    inverse_variance: f64,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(coding: &'a Coding) -> Encoder<'a> {
        let deviations = coding.deviations.iter();
        let variance: f64 = deviations.clone().map(|s| f64::from(*s).powi(2)).sum();
        let bits = |index: usize| coding.bits[index / GROUP];
        Encoder {
            coding,
            matrix: Matrix::new(&coding.rotation, coding.dimension),
            proof: coding.proof(coding.defect()),
            quantiser: Quantiser::new(),
            mean_length: coding.mean_length(),
            sharpness: deviations
                .clone()
                .map(|s| if *s > f32::MIN_POSITIVE { 1.0 / s } else { 0.0 })
                .collect(),
            inverse_weights: coding.weights().into_iter().map(|v| 1.0 / v).collect(),
            numbers: deviations
                .enumerate()
                .map(|(index, s)| {
                    let codes = 0..=((1_u16 << bits(index)) - 1) as u8;
                    codes
                        .map(|code| level(bits(index), code) * f64::from(*s))
                        .collect()
                })
                .collect(),
            inverse_variance: if variance > 0.0 { 1.0 / variance } else { 0.0 },
        }
    }

    /// Encodes rows (row-major values) of which the first, a multiple of 64, has the number `first`.
    pub(super) fn encode(&self, first: u64, values: &[f64], nulls: Option<&Bitmap>) -> Encoded {
        let shape = self.coding.shape();
        let mut encoded = Encoded::default();
        let rows = values.len() / self.coding.dimension;
        let second_bytes = rows * (self.coding.dimension + SECOND_HEADER_BYTES);
        encoded.second.reserve(second_bytes);
        let blocks = values.chunks(LOOKUP_ROWS * self.coding.dimension);
        for (index, block) in blocks.enumerate() {
            let at = encoded.blocks.len();
            encoded.blocks.resize(at + shape.block_bytes(), 0);
            let first = first + (index * LOOKUP_ROWS) as u64;
            self.encode_block(first, block, nulls, at, &mut encoded);
        }
        encoded
    }

    fn encode_block(
        &self,
        first: u64,
        values: &[f64],
        nulls: Option<&Bitmap>,
        at: usize,
        encoded: &mut Encoded,
    ) {
        let dimension = self.coding.dimension;
        let shape = self.coding.shape();
        let rows = values.len() / dimension;
        let mut centred = vec![0.0; values.len()];
        let (measure, exponent) = (self.coding.measure, self.coding.exponent);
        let has_code = centre(measure, exponent, &self.coding.mean, values, &mut centred);
        let mut rotated = vec![0.0; rows * self.matrix.rows()];
        self.matrix.multiply(&centred, &mut rotated);
        let mut row = Coded::new(self.coding.deviations.len());
        for (index, has_code) in has_code.into_iter().enumerate() {
            let number = first + index as u64;
            let is_null = nulls.is_some_and(|nulls| nulls.contains(number));
            let centred = &centred[index * dimension..][..dimension];
            let length = Length::new(squares(centred), self.mean_length, dimension);
            let rotated = &rotated[index * self.matrix.rows()..][..self.matrix.rows()];
            let coded = !is_null && has_code && length.most <= LENGTH_MAX;
            if coded && self.encode_row(rotated, &length, &mut row) {
                self.write_row(&mut encoded.blocks[at..], index, &length, &row);
                encode_second(centred, &length, shape.norms, &mut encoded.second);
            } else {
                let bytes = dimension + SECOND_HEADER_BYTES;
                encoded.second.resize(encoded.second.len() + bytes, 0);
                if !is_null {
                    encoded.exceptions.push(number);
                }
            }
        }
    }

    /// Chooses the codes of a row; `false` when nothing finite bounds it.
    fn encode_row(&self, rotated: &[f32], length: &Length, row: &mut Coded) -> bool {
        let size: f64 = squares(rotated);
        // Rows longer than the sample's are coded at its length.
        let relative = (size * self.inverse_variance).sqrt();
        let shrink = if relative > 0.0 && relative.is_finite() {
            (1.0 / relative) as f32
        } else {
            0.0
        };
        let (mut dot, mut own) = (0.0, 0.0);
        for (index, z) in rotated.iter().enumerate() {
            let bits = self.coding.bits[index / GROUP];
            let code = self
                .quantiser
                .code(bits, z * shrink * self.sharpness[index]);
            let number = self.numbers[index][usize::from(code)];
            let weighted = number * self.inverse_weights[index] * self.inverse_weights[index];
            dot += f64::from(*z) * weighted;
            own += number * weighted;
            row.codes[index] = code;
            row.numbers[index] = number;
        }
        let scale = dot / own;
        row.scale = if scale > 0.0 && scale <= 2.0 * LENGTH_MAX {
            near_bf16(scale)
        } else {
            0
        };
        let scale = f64::from(of_bf16(row.scale));
        let mut residual = 0.0;
        for (index, z) in rotated.iter().enumerate() {
            let lost = (f64::from(*z) - scale * row.numbers[index]) * self.inverse_weights[index];
            residual += lost * lost;
        }
        let spread = spread(&self.proof, length, residual, size);
        row.spread = up_bf16(spread);
        of_bf16(row.spread).is_finite()
    }

    fn write_row(&self, block: &mut [u8], index: usize, length: &Length, row: &Coded) {
        let shape = self.coding.shape();
        block[2 * index..][..2].copy_from_slice(&row.scale.to_le_bytes());
        block[2 * (LOOKUP_ROWS + index)..][..2].copy_from_slice(&row.spread.to_le_bytes());
        let mut at = 4 * LOOKUP_ROWS;
        if shape.norms {
            block[at + 4 * index..][..4].copy_from_slice(&length.norm().to_le_bytes());
            at += 4 * LOOKUP_ROWS;
        }
        let mut column = at + index;
        for (bits, codes) in self.coding.bits.iter().zip(row.codes.chunks_exact(GROUP)) {
            let packed = pack(*bits, codes);
            for byte in packed.to_le_bytes().iter().take(usize::from(*bits)) {
                block[column] = *byte;
                column += LOOKUP_ROWS;
            }
        }
    }
}

/// The codes of a group, one after the other from the lowest bit on; those of 8 bits as the high nibbles of all and then the
/// low ones, so that the tables of a segment have about the same range.
fn pack(bits: u8, codes: &[u8]) -> u64 {
    let joined = |bits: u8, code: &dyn Fn(u8) -> u8| {
        codes.iter().rev().fold(0_u64, |packed, next| {
            packed << bits | u64::from(code(*next))
        })
    };
    match bits {
        8 => joined(4, &|code| code >> 4) | joined(4, &|code| code & 15) << 32,
        bits => joined(bits, &|code| code),
    }
}

/// The codes of one row, kept from row to row.
struct Coded {
    codes: Vec<u8>,
    numbers: Vec<f64>,
    scale: u16,
    spread: u16,
}

impl Coded {
    fn new(directions: usize) -> Coded {
        Coded {
            codes: vec![0; directions],
            numbers: vec![0.0; directions],
            scale: 0,
            spread: 0,
        }
    }
}

/// The nearest whole number, the even one of two, of a number below 2^22: an addition loses what is behind the point. Without
/// SSE4.1 the function of the standard library is a call.
#[inline(always)]
fn nearest(x: f32) -> f32 {
    const SHIFT: f32 = 1.5 * (1 << 23) as f32;
    (x + SHIFT) - SHIFT
}

fn encode_second(centred: &[f32], length: &Length, norms: bool, out: &mut Vec<u8>) {
    let greatest = centred.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    let scale = greatest / 127.0;
    let inverse = if scale > f32::MIN_POSITIVE {
        1.0 / scale
    } else {
        0.0
    };
    let mut residual = 0.0;
    for x in centred {
        let code = nearest(x * inverse).clamp(-127.0, 127.0);
        let lost = f64::from(*x) - f64::from(scale) * f64::from(code);
        residual += lost * lost;
        out.push(code as i8 as u8);
    }
    let residual =
        residual.sqrt() * (1.0 + half_power(40)) + length.rounding + half_power(22) * length.most;
    out.extend(scale.to_le_bytes());
    out.extend(up(residual).to_le_bytes());
    let norm = if norms { length.norm() } else { 0.0 };
    out.extend(norm.to_le_bytes());
}

/// Writes `û` of each row, zeros for those without a code; says which have one.
pub(super) fn centre(
    measure: Measure,
    exponent: i32,
    mean: &[f32],
    values: &[f64],
    out: &mut [f32],
) -> Vec<bool> {
    let factor = 2.0_f64.powi(exponent);
    let rows = values.chunks_exact(mean.len());
    rows.zip(out.chunks_exact_mut(mean.len()))
        .map(|(row, out)| {
            let factor = match measure {
                Measure::L2 | Measure::InnerProduct => Some(factor),
                Measure::Cosine => unit_factor(row),
            };
            let coded = factor.is_some_and(|factor| {
                let mut greatest = 0.0_f64;
                for ((out, x), mean) in out.iter_mut().zip(row).zip(mean) {
                    let centred = x * factor - f64::from(*mean);
                    // `max` passes over NaN, which then is its own test.
                    greatest = if centred.is_nan() {
                        f64::INFINITY
                    } else {
                        greatest.max(centred.abs())
                    };
                    *out = centred as f32;
                }
                greatest <= LENGTH_MAX
            });
            if !coded {
                out.fill(0.0);
            }
            coded
        })
        .collect()
}

/// One over the length of a row, where that lies within the limits for cosines.
pub(super) fn unit_factor(row: &[f64]) -> Option<f64> {
    let squares: f64 = row.iter().map(|x| x * x).sum();
    (half_power(99)..=2.0_f64.powi(124))
        .contains(&squares)
        .then(|| 1.0 / squares.sqrt())
}

/// Appends the elements of rows.
pub(super) fn decode(rows: &Rows<'_>, out: &mut Vec<f64>) {
    if rows.encoding() == Encoding::F64 {
        let (elements, _) = rows.bytes().as_chunks::<8>();
        out.extend(elements.iter().map(|x| f64::from_le_bytes(*x)));
        return;
    }
    let mut values = vec![0.0_f32; rows.len() * rows.dimension()];
    rows.decode_f32(&mut values);
    out.extend(values.into_iter().map(f64::from));
}

/// A sum of squares in eight lanes.
pub(super) fn squares(values: &[f32]) -> f64 {
    let mut lanes = [0.0; 8];
    let (whole, rest) = values.as_chunks::<8>();
    for values in whole {
        for (lane, x) in lanes.iter_mut().zip(values) {
            *lane += f64::from(*x) * f64::from(*x);
        }
    }
    let rest: f64 = rest.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_the_nearest() {
        for step in -1024..=1024 {
            let x = step as f32 / 8.0;
            assert_eq!(nearest(x), x.round_ties_even());
            assert_eq!(nearest(x + 1e-3), (x + 1e-3).round_ties_even());
        }
    }
}
