//! Quantisers of one direction: the numbers that a code stands for, for a direction of standard deviation 1.
//!
//! Up to 4 bits the levels are those that lose least of a normal distribution (Lloyd 1957, Max 1960). With 8 bits they
//! are equally spaced, so that the two nibbles of a code add up.

/// What a direction may have, in bits.
pub(super) const BITS: [u8; 5] = [0, 1, 2, 4, 8];

/// The share of the standard deviation that codes of so many bits lose.
pub(super) fn lost(bits: u8) -> f64 {
    match bits {
        0 => 1.0,
        1 => 0.603,
        2 => 0.343,
        4 => 0.0975,
        _ => 0.0095,
    }
}

const ONE: [f32; 2] = [-0.797_9, 0.797_9];
const TWO: [f32; 4] = [-1.510, -0.452_8, 0.452_8, 1.510];
const FOUR: [f32; 16] = [
    -2.733, -2.069, -1.618, -1.256, -0.942_4, -0.656_8, -0.388_1, -0.128_4, 0.128_4, 0.388_1,
    0.656_8, 0.942_4, 1.256, 1.618, 2.069, 2.733,
];

/// Steps of 8-bit codes, from -3.984375 to 3.984375.
const EIGHT_STEP: f64 = 1.0 / 32.0;
const EIGHT_FIRST: f64 = -127.5 * EIGHT_STEP;

/// The level of a code: a multiple of 2^-30 below 4, so that its product with an `f32` is exact in `f64`.
pub(super) fn level(bits: u8, code: u8) -> f64 {
    let of = |levels: &[f32]| {
        let index = usize::from(code) % levels.len();
        f64::from(levels.get(index).copied().unwrap_or(0.0))
    };
    match bits {
        0 => 0.0,
        1 => of(&ONE),
        2 => of(&TWO),
        4 => of(&FOUR),
        _ => EIGHT_FIRST + f64::from(code) * EIGHT_STEP,
    }
}

/// What a nibble of an 8-bit code adds to its level.
pub(super) fn nibble_of_eight(high: bool, nibble: u8) -> f64 {
    if high {
        EIGHT_FIRST + f64::from(nibble) * (16.0 * EIGHT_STEP)
    } else {
        f64::from(nibble) * EIGHT_STEP
    }
}

/// Codes of 2 and 4 bits by a fine grid over -4 to 4; near the border of two levels it may give the other one, which
/// costs nothing: what codes lose is measured.
#[derive(Debug)]
pub(super) struct Quantiser {
    two: [u8; GRID],
    four: [u8; GRID],
}

const GRID: usize = 256;

impl Quantiser {
    pub(super) fn new() -> Quantiser {
        let nearest = |levels: &[f32], cell: usize| {
            let at = (cell as f32 + 0.5) / 32.0 - 4.0;
            let passed = levels.windows(2).filter(|two| at > (two[0] + two[1]) / 2.0);
            passed.count() as u8
        };
        Quantiser {
            two: std::array::from_fn(|cell| nearest(&TWO, cell)),
            four: std::array::from_fn(|cell| nearest(&FOUR, cell)),
        }
    }

    /// The code of a number in standard deviations.
    #[inline(always)]
    pub(super) fn code(&self, bits: u8, value: f32) -> u8 {
        // Casts from `f32` saturate, and take NaN for 0.
        let cell = usize::from(((value + 4.0) * 32.0) as u8);
        match bits {
            0 => 0,
            1 => u8::from(value >= 0.0),
            2 => self.two[cell],
            4 => self.four[cell],
            _ => cell as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_near_their_number() {
        let quantiser = Quantiser::new();
        for bits in BITS {
            for step in -130..=130 {
                let value = step as f32 / 32.0;
                let code = quantiser.code(bits, value);
                let levels = 0..=(1_u16 << bits).wrapping_sub(1).min(255) as u8;
                let best = levels
                    .map(|code| (level(bits, code) - f64::from(value)).abs())
                    .fold(f64::INFINITY, f64::min);
                let found = (level(bits, code) - f64::from(value)).abs();
                assert!(found <= best + 0.032, "{bits} bits, {value}");
            }
            assert_eq!(quantiser.code(bits, f32::NEG_INFINITY), 0);
        }
        for code in 0..=255_u8 {
            let parts = nibble_of_eight(true, code >> 4) + nibble_of_eight(false, code & 15);
            assert_eq!(parts, level(8, code));
        }
    }
}
