//! Generated tables.

use half::f16;
use ogive_kernels::Encoding;

use super::Table;
use crate::Bitmap;

/// SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..6).map(|_| self.unit()).sum::<f64>() - 3.0
    }
}

/// What generated rows look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Variance falls with the element.
    Falling,
    /// The same in all directions.
    Isotropic,
    /// At unit length.
    Unit,
    /// Rows of few kinds, many of them equal, some but for one bit.
    Duplicates,
    /// One of a hundred rows is a million times longer.
    Outliers,
    /// Elements that are the same in all rows, large beside the others.
    Constant,
    /// Up to 1e30, where squares overflow single precision.
    Huge,
    /// Down to denormals.
    Tiny,
    /// Zero rows, infinities and NaN among plain ones.
    Odd,
    /// Magnitudes all over the range of `f32`.
    Mixed,
    /// All rows equal.
    Same,
    /// Whole numbers from -2 to 2, so that ties abound.
    Coarse,
}

pub(crate) const FLAVOURS: [Flavour; 12] = [
    Flavour::Falling,
    Flavour::Isotropic,
    Flavour::Unit,
    Flavour::Duplicates,
    Flavour::Outliers,
    Flavour::Constant,
    Flavour::Huge,
    Flavour::Tiny,
    Flavour::Odd,
    Flavour::Mixed,
    Flavour::Same,
    Flavour::Coarse,
];

/// `count` rows, row-major.
pub(crate) fn values(
    flavour: Flavour,
    count: usize,
    dimension: usize,
    random: &mut Random,
) -> Vec<f64> {
    let mut out: Vec<f64> = Vec::with_capacity(count * dimension);
    // A property of the table, not of the rows made now: queries are made like the rows.
    let mut of_table = Random(dimension as u64);
    let offsets: Vec<f64> = (0..dimension).map(|_| of_table.normal() * 100.0).collect();
    let kinds: Vec<f64> = (0..7 * dimension).map(|_| of_table.normal()).collect();
    for _ in 0..count {
        let mut row: Vec<f64> = (0..dimension).map(|_| random.normal()).collect();
        match flavour {
            Flavour::Isotropic => {}
            Flavour::Falling => {
                for (index, x) in row.iter_mut().enumerate() {
                    *x /= 1.0 + index as f64 * 0.1;
                }
            }
            Flavour::Unit => {
                let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
                row.iter_mut().for_each(|x| *x /= length);
            }
            Flavour::Duplicates => {
                let kind = random.below(7) * dimension;
                row.copy_from_slice(&kinds[kind..kind + dimension]);
                if random.below(5) == 0 {
                    let at = random.below(dimension);
                    row[at] = f64::from((row[at] as f32).next_up());
                }
            }
            Flavour::Outliers => {
                if random.below(100) == 0 {
                    row.iter_mut().for_each(|x| *x *= 1e6);
                }
            }
            Flavour::Constant => {
                for (index, (x, offset)) in row.iter_mut().zip(&offsets).enumerate() {
                    *x = if index % 3 == 0 {
                        *offset
                    } else {
                        *x * 0.1 + offset
                    };
                }
            }
            Flavour::Huge => row.iter_mut().for_each(|x| *x *= 1e30),
            Flavour::Tiny => row.iter_mut().for_each(|x| *x *= 1e-42),
            Flavour::Odd => match random.below(12) {
                0 => row.fill(0.0),
                1 => row[0] = f64::NAN,
                2 => row[dimension - 1] = f64::INFINITY,
                3 => row[0] = -0.0,
                _ => {}
            },
            Flavour::Mixed => {
                let power = random.below(76) as i32 - 38;
                row.iter_mut().for_each(|x| *x *= 10_f64.powi(power));
            }
            Flavour::Same => row.copy_from_slice(&kinds[..dimension]),
            Flavour::Coarse => row.iter_mut().for_each(|x| *x = x.round()),
        }
        out.extend(row);
    }
    out
}

/// Values as a table.
pub(crate) fn table(
    values: &[f64],
    dimension: usize,
    encoding: Encoding,
    nulls: Option<Bitmap>,
) -> Table {
    let mut bytes = Vec::new();
    for x in values {
        match encoding {
            Encoding::F64 => bytes.extend(x.to_le_bytes()),
            Encoding::F16 => bytes.extend(f16::from_f64(*x).to_le_bytes()),
            Encoding::I8 => bytes.push((*x * 30.0) as i8 as u8),
            Encoding::U8 => bytes.push((*x * 30.0 + 128.0) as u8),
            Encoding::Codes { scale, min } => {
                bytes.push(((*x as f32 - min) / scale) as u8);
            }
            _ => bytes.extend((*x as f32).to_le_bytes()),
        }
    }
    Table {
        bytes,
        dimension,
        encoding,
        nulls,
    }
}
