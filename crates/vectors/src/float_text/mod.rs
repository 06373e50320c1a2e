//! Floating-point numbers as PostgreSQL writes them: the shortest decimal that reads back as the same number.
//!
//! PostgreSQL's choice differs from the one Rust's `{:e}` makes in two ways, both visible only where decimal and
//! binary fractions meet exactly. A decimal that lies exactly halfway to the next number is not taken, although
//! reading would round it back; and of two equally short, equally near decimals the even one is taken:
//! `0.00024414062`, not `0.00024414063`.
//!
//! [`exact`] is that definition in big integers. `f32` has a fast path of its own in [`single`]; `f64` takes Rust's
//! digits where no such meeting is possible. Tests compare both with [`exact`].

mod exact;
mod layout;
mod single;

#[cfg(test)]
mod tests;

use std::fmt;

use exact::Bounds;
use layout::Text;

/// The digits and the place of a positive number: `digits * 10^exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decimal {
    digits: u64,
    exponent: i32,
}

/// PostgreSQL's `real` output with `extra_float_digits` of 1, its default.
///
/// Fixed notation for decimal exponents from -4 to 5, else scientific with at least two digits in the exponent:
/// `123456`, `1e+06`, `0.0001`, `1e-05`, `-0`, `Infinity`, `-Infinity`, `NaN`.
pub fn format_float4(value: f32) -> String {
    let mut text = String::new();
    append_float4(&mut text, value);
    text
}

/// Writes what [`format_float4`] gives.
///
/// # Errors
/// Those of the writer.
pub fn write_float4(out: &mut impl fmt::Write, value: f32) -> fmt::Result {
    out.write_str(float4_text(value).as_str())
}

/// PostgreSQL's `double precision` output with `extra_float_digits` of 1, its default.
///
/// As [`format_float4`], with fixed notation for decimal exponents up to 14: `123456789012345`, `1e+15`.
pub fn format_float8(value: f64) -> String {
    float8_text(value).as_str().to_owned()
}

/// Writes what [`format_float8`] gives.
///
/// # Errors
/// Those of the writer.
pub fn write_float8(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    out.write_str(float8_text(value).as_str())
}

pub(crate) fn append_float4(text: &mut String, value: f32) {
    text.push_str(float4_text(value).as_str());
}

fn float4_text(value: f32) -> Text {
    const FIXED_BELOW: i32 = 6;
    let negative = value.is_sign_negative();
    let bits = value.to_bits();
    let (exponent, mantissa) = (bits >> 23 & 0xff, bits & 0x7f_ffff);
    match (exponent, mantissa) {
        (0xff, _) | (0, 0) => Text::special(value.into()),
        _ => Text::new(negative, single::shortest(exponent, mantissa), FIXED_BELOW),
    }
}

fn float8_text(value: f64) -> Text {
    const FIXED_BELOW: i32 = 15;
    if value == 0.0 || !value.is_finite() {
        return Text::special(value);
    }
    let bounds = bounds_f64(value);
    let decimal = if bounds.may_meet_a_decimal() {
        exact::shortest(bounds)
    } else {
        standard_digits(value.abs()).unwrap_or_else(|| exact::shortest(bounds))
    };
    Text::new(value.is_sign_negative(), decimal, FIXED_BELOW)
}

fn bounds_f64(value: f64) -> Bounds {
    let bits = value.to_bits();
    let mantissa = bits & 0xf_ffff_ffff_ffff;
    match (bits >> 52 & 0x7ff) as i32 {
        0 => Bounds {
            mantissa,
            exponent: -1074,
            lower_is_closer: false,
        },
        exponent => Bounds {
            mantissa: mantissa | 1 << 52,
            exponent: exponent - 1075,
            lower_is_closer: mantissa == 0 && exponent > 1,
        },
    }
}

/// The digits that Rust's `{:e}` gives: the shortest and nearest that read back as a positive `value`.
fn standard_digits(value: f64) -> Option<Decimal> {
    use fmt::Write;

    let mut text = Text::empty();
    write!(text, "{value:e}").ok()?;
    let (mantissa, exponent) = text.as_str().split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (mut digits, mut count) = (0u64, 0i32);
    for digit in mantissa.bytes().filter(u8::is_ascii_digit) {
        digits = digits.checked_mul(10)?.checked_add((digit - b'0').into())?;
        count += 1;
    }
    Some(Decimal {
        digits,
        exponent: exponent + 1 - count,
    })
}
