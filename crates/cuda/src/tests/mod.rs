//! Tests of all of the crate on the kernels' twins: what they share is here. Seeds are fixed; a failing case names its own.

mod decode;
mod discover;
mod distances;
mod join;
mod pages;
mod ptx;
mod top_k;

use half::f16;
use ogive_kernels::{Encoding, Metric, Rows};

use crate::Device;
use crate::driver::emulated;

/// A device with room for everything.
fn device() -> Option<Device> {
    emulated::device(1 << 32)
}

/// SplitMix64.
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Numbers of every kind: ordinary, so coarse that ties abound, zeros, at both ends of the range, none at all.
const FLAVOURS: [&str; 7] = ["plain", "coarse", "zeros", "huge", "tiny", "odd", "mixed"];

fn number(flavour: &str, random: &mut Random) -> f64 {
    let plain = random.unit() * 6.0 - 3.0;
    match flavour {
        "coarse" => plain.round(),
        "zeros" => 0.0,
        "huge" => plain * 1e38,
        "tiny" => plain * random.pick(&[1e-20, 1e-38, 1e-44]),
        "mixed" => plain * 10_f64.powi(random.below(76) as i32 - 38),
        "odd" => match random.below(60) {
            0 => f64::INFINITY,
            1 => f64::NEG_INFINITY,
            2 => f64::NAN,
            3 => 0.0,
            4 => -0.0,
            _ => plain,
        },
        _ => plain,
    }
}

const ENCODINGS: [Encoding; 6] = [
    Encoding::F32,
    Encoding::F16,
    Encoding::I8,
    Encoding::U8,
    Encoding::Codes {
        scale: 0.031_25,
        min: -4.0,
    },
    Encoding::Codes {
        scale: -0.001_7,
        min: 0.213,
    },
];

const METRICS: [Metric; 7] = [
    Metric::L2,
    Metric::L2Squared,
    Metric::L1,
    Metric::InnerProduct,
    Metric::NegativeInnerProduct,
    Metric::CosineDistance,
    Metric::CosineSimilarity,
];

/// The bytes of rows.
fn stored(values: &[f64], encoding: Encoding) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, value) in values.iter().enumerate() {
        match encoding {
            Encoding::F64 => bytes.extend(value.to_le_bytes()),
            Encoding::F32 => bytes.extend((*value as f32).to_le_bytes()),
            Encoding::F16 => bytes.extend(f16::from_f64(*value).to_le_bytes()),
            Encoding::I8 => bytes.extend(((*value * 40.0) as i8).to_le_bytes()),
            Encoding::U8 => bytes.push((*value * 40.0 + 128.0) as u8),
            Encoding::Codes { scale, min } => {
                bytes.push(((*value - f64::from(min)) / f64::from(scale)) as u8);
            }
            Encoding::Bits => {
                if index % 8 == 0 {
                    bytes.push(0);
                }
                *bytes.last_mut().unwrap() |= u8::from(*value > 0.0) << (index % 8);
            }
        }
    }
    bytes
}

fn rows(bytes: &[u8], count: usize, dimension: usize, encoding: Encoding) -> Rows<'_> {
    Rows::with_rows(bytes, count, dimension, encoding).unwrap()
}

/// The same bits, or NaN on both sides.
fn same(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        (None, None) => true,
        _ => false,
    }
}

fn assert_same(found: &[(u64, Option<f64>)], expected: &[(u64, Option<f64>)], case: &str) {
    let equal = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(a, b)| a.0 == b.0 && same(a.1, b.1));
    assert!(equal, "{case}: found {found:?}, expected {expected:?}");
}
