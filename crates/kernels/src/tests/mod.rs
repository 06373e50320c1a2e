//! Tests over the crate: what they share is here. Seeds are fixed; a failing case names its own.

mod answers;
mod bits;
mod shapes;
mod single;
mod sums;
mod top_k;

pub(crate) use answers::METRICS;

use half::f16;

use crate::{Encoding, InstructionSet, Precision, Rows, available_instruction_sets};

pub(crate) const ENCODINGS: [Encoding; 7] = [
    Encoding::F64,
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

pub(crate) const PRECISIONS: [Precision; 2] = [Precision::Double, Precision::Single];

/// Every set, those that the machine lacks named aloud.
pub(crate) fn sets() -> Vec<InstructionSet> {
    let available = available_instruction_sets();
    for set in [
        InstructionSet::Avx2,
        InstructionSet::Avx512,
        InstructionSet::Neon,
    ] {
        if !available.contains(&set) {
            println!("skipped: {set} not available on this machine");
        }
    }
    available
}

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
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// What generated numbers look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Between -3 and 3.
    Plain,
    /// Between -3 and 3, so coarse that ties abound.
    Coarse,
    Zeros,
    /// Up to 3e38, where sums of squares overflow single precision and products of halves are infinite.
    Huge,
    /// Down to subnormals.
    Tiny,
    /// Plain, with an infinity, a NaN or a zero now and then.
    Odd,
    /// Magnitudes all over the range of `f32`.
    Mixed,
}

pub(crate) const FLAVOURS: [Flavour; 7] = [
    Flavour::Plain,
    Flavour::Coarse,
    Flavour::Zeros,
    Flavour::Huge,
    Flavour::Tiny,
    Flavour::Odd,
    Flavour::Mixed,
];

impl Flavour {
    pub(crate) fn number(self, random: &mut Random) -> f64 {
        let plain = random.unit() * 6.0 - 3.0;
        match self {
            Flavour::Plain => plain,
            Flavour::Coarse => plain.round(),
            Flavour::Zeros => 0.0,
            Flavour::Huge => plain * 1e38,
            Flavour::Tiny => plain * random.pick(&[1e-20, 1e-38, 1e-44]),
            Flavour::Mixed => plain * 10_f64.powi(random.below(76) as i32 - 38),
            Flavour::Odd => match random.below(60) {
                0 => f64::INFINITY,
                1 => f64::NEG_INFINITY,
                2 => f64::NAN,
                3 => 0.0,
                4 => -0.0,
                _ => plain,
            },
        }
    }

    pub(crate) fn vector(self, random: &mut Random, len: usize) -> Vec<f64> {
        (0..len).map(|_| self.number(random)).collect()
    }
}

/// Stored rows that lie at an odd address.
pub(crate) struct Stored {
    bytes: Vec<u8>,
    offset: usize,
    rows: usize,
    dimension: usize,
    encoding: Encoding,
}

impl Stored {
    pub(crate) fn new(values: &[f64], rows: usize, dimension: usize, encoding: Encoding) -> Stored {
        assert_eq!(values.len(), rows * dimension);
        // Room to put the first byte at an odd address wherever the allocation lies.
        let mut bytes = vec![0xa5; 2];
        let offset = 1 - bytes.as_ptr() as usize % 2;
        bytes.truncate(offset);
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
        Stored {
            bytes,
            offset,
            rows,
            dimension,
            encoding,
        }
    }

    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows::with_rows(
            &self.bytes[self.offset..],
            self.rows,
            self.dimension,
            self.encoding,
        )
        .unwrap()
    }
}

/// The elements by the plainest reading of the encoding: `F64` as it is, all others through `f32`.
pub(crate) fn decoded(rows: &Rows<'_>) -> Vec<f64> {
    if rows.encoding() == Encoding::Bits {
        return (0..rows.bytes().len() * 8)
            .map(|index| f64::from(rows.bytes()[index / 8] >> (index % 8) & 1))
            .collect();
    }
    rows.bytes()
        .chunks(rows.encoding().width())
        .map(|bytes| match rows.encoding() {
            Encoding::F64 => f64::from_le_bytes(bytes.try_into().unwrap()),
            Encoding::F32 => f32::from_le_bytes(bytes.try_into().unwrap()).into(),
            Encoding::F16 => f16::from_le_bytes(bytes.try_into().unwrap()).into(),
            Encoding::I8 => (bytes[0] as i8).into(),
            Encoding::U8 => bytes[0].into(),
            Encoding::Codes { scale, min } => {
                let scaled = f32::from(bytes[0]) * scale;
                (scaled + min).into()
            }
            Encoding::Bits => unreachable!("read above"),
        })
        .collect()
}

/// The same bits, or NaN on both sides.
pub(crate) fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}
