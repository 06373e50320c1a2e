//! The shortest decimal by its definition, in big integers: slow, and right for every number.
//!
//! A number `v` and the two points halfway to its neighbours are scaled to integers over one denominator, and digits
//! of `v` are produced until either those so far, or those so far with the last one raised, lie strictly between the
//! halfway points:
//!
//! ```text
//! rest = v, below = v - lower, above = upper - v, all in units of 10^k / scale
//! loop: digit, rest = divide(rest * 10, scale); below *= 10; above *= 10
//!       low  = rest < below            the digits so far are above the lower point
//!       high = rest + above > scale    the digits so far, plus one, are below the upper point
//!       stop when either holds; when both do, take the nearer, and of two as near the even
//! ```

use std::cmp::Ordering;

use super::Decimal;

/// A positive number `mantissa * 2^exponent` and how far the numbers next to it are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// All significant bits, the implied one too; not zero.
    pub(super) mantissa: u64,
    /// The exponent of the lowest bit.
    pub(super) exponent: i32,
    /// Whether the next smaller number is half as far as the next larger one: a power of two.
    pub(super) lower_is_closer: bool,
}

impl Bounds {
    /// Whether a decimal of at most 18 digits can be exactly this number or exactly halfway to a neighbour.
    ///
    /// A binary fraction whose last bit is worth `2^-n` ends in a five at decimal place `n`, so it has more than
    /// `n log10(5)` significant digits, more than 18 from `n = 26` on.
    pub(super) fn may_meet_a_decimal(self) -> bool {
        const LAST_PLACE: i32 = -30;
        let last_bit = self.exponent + self.mantissa.trailing_zeros() as i32;
        // The halfway points lie at most two bits below the number's own last place.
        last_bit > LAST_PLACE || self.exponent - 2 > LAST_PLACE
    }
}

pub(super) fn shortest(bounds: Bounds) -> Decimal {
    // Units of a quarter of the last place: the halfway points are then whole.
    let exponent = bounds.exponent - 2;
    let mut rest = Natural::from(u128::from(bounds.mantissa) << 2);
    let mut scale = Natural::from(1);
    let mut below = Natural::from(if bounds.lower_is_closer { 1 } else { 2 });
    let mut above = Natural::from(2);
    if exponent >= 0 {
        for number in [&mut rest, &mut below, &mut above] {
            number.shift_left(exponent.unsigned_abs());
        }
    } else {
        scale.shift_left(exponent.unsigned_abs());
    }

    // The place above the first digit: the number of bits gives it or up to two less, and it is moved up until the
    // upper halfway point does not lie above it.
    let bits = 64 - bounds.mantissa.leading_zeros() as i32 + bounds.exponent;
    let mut place = (f64::from(bits - 1) * std::f64::consts::LOG10_2).floor() as i32;
    if place >= 0 {
        scale.multiply_power_of_ten(place.unsigned_abs());
    } else {
        for number in [&mut rest, &mut below, &mut above] {
            number.multiply_power_of_ten(place.unsigned_abs());
        }
    }
    while rest.plus(&above).cmp(&scale) == Ordering::Greater {
        scale.multiply(10);
        place += 1;
    }

    let mut digits = 0u64;
    loop {
        for number in [&mut rest, &mut below, &mut above] {
            number.multiply(10);
        }
        place -= 1;
        let digit = rest.take_multiples(&scale);
        digits = digits.wrapping_mul(10).wrapping_add(digit);

        let low = rest.cmp(&below) == Ordering::Less;
        let high = rest.plus(&above).cmp(&scale) == Ordering::Greater;
        let raise = match (low, high) {
            (false, false) => continue,
            (true, false) => false,
            (false, true) => true,
            (true, true) => match rest.plus(&rest).cmp(&scale) {
                Ordering::Less => false,
                Ordering::Greater => true,
                Ordering::Equal => digit % 2 == 1,
            },
        };
        return Decimal {
            digits: digits + u64::from(raise),
            exponent: place,
        };
    }
}

/// A natural number: 32-bit limbs, the lowest first, the last one not zero.
#[derive(Debug, Clone)]
struct Natural(Vec<u32>);

impl From<u128> for Natural {
    fn from(mut value: u128) -> Natural {
        let mut limbs = Vec::with_capacity(40);
        while value > 0 {
            limbs.push(value as u32);
            value >>= 32;
        }
        Natural(limbs)
    }
}

impl Natural {
    fn multiply(&mut self, factor: u32) {
        let mut carry = 0u64;
        for limb in &mut self.0 {
            carry += u64::from(*limb) * u64::from(factor);
            *limb = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    fn multiply_power_of_ten(&mut self, power: u32) {
        for _ in 0..power / 9 {
            self.multiply(1_000_000_000);
        }
        self.multiply(10u32.pow(power % 9));
    }

    fn shift_left(&mut self, bits: u32) {
        self.multiply(1 << (bits % 32));
        if !self.0.is_empty() {
            let zeros = std::iter::repeat_n(0, (bits / 32) as usize);
            self.0.splice(0..0, zeros);
        }
    }

    fn plus(&self, other: &Natural) -> Natural {
        let (long, short) = if self.0.len() >= other.0.len() {
            (self, other)
        } else {
            (other, self)
        };
        let short = short.0.iter().copied().chain(std::iter::repeat(0));
        let mut sum = Vec::with_capacity(long.0.len() + 1);
        let mut carry = 0u64;
        for (a, b) in long.0.iter().zip(short) {
            carry += u64::from(*a) + u64::from(b);
            sum.push(carry as u32);
            carry >>= 32;
        }
        if carry > 0 {
            sum.push(carry as u32);
        }
        Natural(sum)
    }

    fn cmp(&self, other: &Natural) -> Ordering {
        let longer = self.0.len().cmp(&other.0.len());
        longer.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    /// Subtracts `other` as often as it goes, at most nine times here, and says how often that was.
    fn take_multiples(&mut self, other: &Natural) -> u64 {
        let mut count = 0;
        while self.cmp(other) != Ordering::Less {
            self.subtract(other);
            count += 1;
        }
        count
    }

    /// Subtracts `other`, which is not larger.
    fn subtract(&mut self, other: &Natural) {
        let other = other.0.iter().copied().chain(std::iter::repeat(0));
        let mut borrow = 0i64;
        for (limb, b) in self.0.iter_mut().zip(other) {
            borrow += i64::from(*limb) - i64::from(b);
            *limb = borrow as u32;
            borrow >>= 32;
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}
