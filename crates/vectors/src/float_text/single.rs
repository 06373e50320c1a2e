//! The shortest decimal of an `f32` in 64-bit arithmetic: Ulf Adams, "Ryu: fast float-to-string conversion" (PLDI
//! 2018), with open bounds.
//!
//! The number and its two halfway points are multiplied by one power of ten, taken from a table of rounded powers of
//! five precise enough that the whole parts come out right; digits are then dropped from all three as long as a whole
//! number is left between the halfway points.

use super::Decimal;

const POW5_BITS: i32 = 61;
const INVERSE_BITS: i32 = 59;

/// The top 61 bits of `5^i`; for the smallest `f32`, `i` goes to 47.
const POW5: [u64; 48] = {
    let mut table = [0; 48];
    let mut power: u128 = 1;
    let mut i = 0;
    while i < table.len() {
        let bits = 128 - power.leading_zeros() as i32;
        table[i] = if bits > POW5_BITS {
            (power >> (bits - POW5_BITS)) as u64
        } else {
            (power << (POW5_BITS - bits)) as u64
        };
        power *= 5;
        i += 1;
    }
    table
};

/// `2^(bits + 58) / 5^i` rounded up, where `bits` is the length of `5^i`; for the largest `f32`, `i` goes to 30.
const INVERSE_POW5: [u64; 31] = {
    let mut table = [0; 31];
    let mut power: u128 = 1;
    let mut i = 0;
    while i < table.len() {
        let bits = 128 - power.leading_zeros() as i32;
        let shift = bits - 1 + INVERSE_BITS;
        // 2^128 does not fit, and 5^i divides no power of two but 1: one less gives the same quotient.
        let numerator = if shift >= 128 { u128::MAX } else { 1 << shift };
        table[i] = (numerator / power) as u64 + 1;
        power *= 5;
        i += 1;
    }
    table
};

/// The number whose `f32` has these exponent and mantissa fields; it is finite and not zero.
pub(super) fn shortest(exponent: u32, mantissa: u32) -> Decimal {
    let (m2, e2) = if exponent == 0 {
        (mantissa, 1 - 127 - 23 - 2)
    } else {
        (mantissa | 1 << 23, exponent as i32 - 127 - 23 - 2)
    };
    let lower_is_closer = mantissa == 0 && exponent > 1;
    let middle = 4 * m2;
    let upper = middle + 2;
    let lower = middle - if lower_is_closer { 1 } else { 2 };

    let mut number = if e2 >= 0 {
        scale_down(lower, middle, upper, e2)
    } else {
        scale_up(lower, middle, upper, e2)
    };
    number.shorten();

    // Exactly halfway between two decimals: the even one.
    let tie = number.exact && number.dropped == 5;
    let raise = if tie {
        number.middle % 2 == 1
    } else {
        number.dropped >= 5
    };
    let raise = raise || number.middle == number.lower;
    Decimal {
        digits: (number.middle + u32::from(raise)).into(),
        exponent: number.exponent,
    }
}

/// Whole parts in units of `10^exponent`.
struct Scaled {
    lower: u32,
    middle: u32,
    /// The upper halfway point, or one less if it is a whole number that could end in zeros.
    upper: u32,
    exponent: i32,
    /// The digit of the number after `middle`.
    dropped: u32,
    /// Whether nothing but zeros follows that digit.
    exact: bool,
}

impl Scaled {
    fn shorten(&mut self) {
        while self.upper / 10 > self.lower / 10 {
            self.exact &= self.dropped == 0;
            self.dropped = self.middle % 10;
            self.lower /= 10;
            self.middle /= 10;
            self.upper /= 10;
            self.exponent += 1;
        }
    }
}

/// Whether digits will not be dropped, so that the one after the whole part has to be computed.
fn is_short(lower: u32, upper: u32) -> bool {
    upper.saturating_sub(1) / 10 <= lower / 10
}

fn scale_down(lower: u32, middle: u32, upper: u32, e2: i32) -> Scaled {
    let q = log10_pow2(e2);
    let scaled = |m: u32, q: i32| {
        let factor = INVERSE_POW5.get(q as usize).copied().unwrap_or_default();
        multiply_shift(m, factor, -e2 + q + INVERSE_BITS + pow5_bits(q) - 1)
    };
    let mut number = Scaled {
        lower: scaled(lower, q),
        middle: scaled(middle, q),
        upper: scaled(upper, q),
        exponent: q,
        dropped: 0,
        exact: is_multiple_of_pow5(middle, q),
    };
    if q != 0 && is_short(number.lower, number.upper) {
        number.dropped = scaled(middle, q - 1) % 10;
    }
    if is_multiple_of_pow5(upper, q) {
        number.upper -= 1;
    }
    number
}

fn scale_up(lower: u32, middle: u32, upper: u32, e2: i32) -> Scaled {
    let q = log10_pow5(-e2);
    let i = -e2 - q;
    let scaled = |m: u32, q: i32, i: i32| {
        let factor = POW5.get(i as usize).copied().unwrap_or_default();
        multiply_shift(m, factor, q - (pow5_bits(i) - POW5_BITS))
    };
    let mut number = Scaled {
        lower: scaled(lower, q, i),
        middle: scaled(middle, q, i),
        upper: scaled(upper, q, i),
        exponent: q + e2,
        dropped: 0,
        exact: is_multiple_of_pow2(middle, q - 1),
    };
    // The upper halfway point is a whole decimal only for `e2` of -1 and -2, and there it is an odd number or a whole
    // and a half: no multiple of ten that dropping digits could end at, so it need not be kept out.
    if q != 0 && is_short(number.lower, number.upper) {
        number.dropped = scaled(middle, q - 1, i + 1) % 10;
    }
    number
}

fn multiply_shift(m: u32, factor: u64, shift: i32) -> u32 {
    ((u128::from(m) * u128::from(factor)) >> shift) as u32
}

/// The number of bits of `5^e`.
fn pow5_bits(e: i32) -> i32 {
    ((e as u32 * 1_217_359) >> 19) as i32 + 1
}

/// `floor(log10(2^e))`.
fn log10_pow2(e: i32) -> i32 {
    ((e as u32 * 78_913) >> 18) as i32
}

/// `floor(log10(5^e))`.
fn log10_pow5(e: i32) -> i32 {
    ((e as u32 * 732_923) >> 20) as i32
}

fn is_multiple_of_pow5(number: u32, power: i32) -> bool {
    u32::try_from(power)
        .ok()
        .and_then(|power| 5u32.checked_pow(power))
        .is_some_and(|divisor| number.is_multiple_of(divisor))
}

fn is_multiple_of_pow2(number: u32, power: i32) -> bool {
    power <= 0 || number.trailing_zeros() >= power.unsigned_abs()
}
