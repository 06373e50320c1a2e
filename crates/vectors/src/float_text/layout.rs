//! Where the point and the exponent go.

use std::fmt;

use super::Decimal;

/// Bytes enough for the longest text of an `f64`, `-2.2250738585072014e-308`.
const TEXT_BYTES_MAX: usize = 32;

/// A short ASCII text on the stack.
pub(super) struct Text {
    bytes: [u8; TEXT_BYTES_MAX],
    length: usize,
}

impl Text {
    pub(super) fn empty() -> Text {
        Text {
            bytes: [0; TEXT_BYTES_MAX],
            length: 0,
        }
    }

    /// A zero, an infinity or NaN.
    pub(super) fn special(value: f64) -> Text {
        let mut text = Text::empty();
        if value.is_nan() {
            text.push_all(b"NaN");
            return text;
        }
        if value.is_sign_negative() {
            text.push(b'-');
        }
        text.push_all(if value == 0.0 { b"0" } else { b"Infinity" });
        text
    }

    /// Fixed notation for decimal exponents from -4 up to but not including `fixed_below`, else scientific.
    pub(super) fn new(negative: bool, decimal: Decimal, fixed_below: i32) -> Text {
        let mut digits = [0u8; 20];
        let digits = digits_of(decimal.digits, &mut digits);
        let length = digits.len() as i32;
        let exponent = decimal.exponent + length - 1;

        let mut text = Text::empty();
        if negative {
            text.push(b'-');
        }
        if (-4..fixed_below).contains(&exponent) {
            text.push_fixed(digits, decimal.exponent);
        } else {
            text.push_scientific(digits, exponent);
        }
        text
    }

    pub(super) fn as_str(&self) -> &str {
        let written = self.bytes.get(..self.length).unwrap_or_default();
        std::str::from_utf8(written).unwrap_or_default()
    }

    fn push_fixed(&mut self, digits: &[u8], exponent: i32) {
        let whole = digits.len() as i32 + exponent;
        if whole <= 0 {
            self.push_all(b"0.");
            (whole..0).for_each(|_| self.push(b'0'));
            self.push_all(digits);
        } else if exponent < 0 {
            let (before, after) = digits.split_at(whole as usize);
            self.push_all(before);
            self.push(b'.');
            self.push_all(after);
        } else {
            self.push_all(digits);
            (0..exponent).for_each(|_| self.push(b'0'));
        }
    }

    fn push_scientific(&mut self, digits: &[u8], exponent: i32) {
        if let [first, rest @ ..] = digits {
            self.push(*first);
            // A whole number may come with zeros at its end, which the exponent says already.
            let kept = rest.iter().rposition(|d| *d != b'0').map_or(0, |i| i + 1);
            if let Some(rest) = rest.get(..kept).filter(|rest| !rest.is_empty()) {
                self.push(b'.');
                self.push_all(rest);
            }
        }
        self.push_all(if exponent < 0 { b"e-" } else { b"e+" });
        let mut buffer = [0u8; 20];
        let exponent = digits_of(exponent.unsigned_abs().into(), &mut buffer);
        if exponent.len() < 2 {
            self.push(b'0');
        }
        self.push_all(exponent);
    }

    fn push_all(&mut self, bytes: &[u8]) {
        let room = self
            .bytes
            .get_mut(self.length..self.length.saturating_add(bytes.len()));
        debug_assert!(room.is_some(), "a number longer than any number");
        if let Some(room) = room {
            room.copy_from_slice(bytes);
            self.length += bytes.len();
        }
    }

    fn push(&mut self, byte: u8) {
        self.push_all(&[byte]);
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_all(text.as_bytes());
        Ok(())
    }
}

/// The decimal digits of `number`, written at the end of `buffer`.
fn digits_of(mut number: u64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut start = buffer.len();
    for (i, place) in buffer.iter_mut().enumerate().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
        start = i;
        if number == 0 {
            break;
        }
    }
    buffer.get(start..).unwrap_or_default()
}
