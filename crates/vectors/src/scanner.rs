//! Walks through the text of a value the way the C library's number readers do.

/// Whitespace between the parts of a value: PostgreSQL's, which is ASCII's.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// What became of a number on its way to `f32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// It is the nearest `f32`, or was written as NaN or an infinity.
    Held,
    /// A finite number too large: the value is an infinity.
    Overflow,
    /// A number other than zero too small: the value is a zero.
    Underflow,
}

/// A number at the scanner's place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number<'a> {
    pub(crate) value: f32,
    pub(crate) text: &'a str,
    pub(crate) range: Range,
}

/// A place in a literal.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    pub(crate) fn skip_spaces(&mut self) {
        self.at += self.rest().iter().take_while(|b| is_space(**b)).count();
    }

    /// Steps over `byte` if it is next.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// `strtof`: the longest number that starts here, correctly rounded, or `None` and no step.
    ///
    /// Hexadecimal numbers are not read: of `0x10` only the zero is, and what follows it is then the caller's
    /// syntax error.
    pub(crate) fn float(&mut self) -> Option<Number<'a>> {
        let leading = self.rest().iter().take_while(|b| is_space(**b)).count();
        let rest = self.rest().get(leading..)?;
        let sign = usize::from(matches!(rest.first(), Some(b'+' | b'-')));
        let body = rest.get(sign..)?;
        let (length, is_word) = match word_length(body) {
            Some(length) => (length, true),
            None => (decimal_length(body)?, false),
        };
        let start = self.at + leading;
        let text = self.text.get(start..start + sign + length)?;
        let value: f32 = text.parse().ok()?;
        let range = if is_word {
            Range::Held
        } else if value.is_infinite() {
            Range::Overflow
        } else if value == 0.0 && has_non_zero_digit(text) {
            Range::Underflow
        } else {
            Range::Held
        };
        self.at = start + text.len();
        Some(Number { value, text, range })
    }

    /// `strtol` in base ten: an integer held in the range of `i64`, or `None` and no step.
    pub(crate) fn integer(&mut self) -> Option<i64> {
        let leading = self.rest().iter().take_while(|b| is_space(**b)).count();
        let rest = self.rest().get(leading..)?;
        let negative = rest.first() == Some(&b'-');
        let sign = usize::from(matches!(rest.first(), Some(b'+' | b'-')));
        let digits = rest.get(sign..)?;
        let length = digits_length(digits);
        if length == 0 {
            return None;
        }
        let value = digits.iter().take(length).fold(0i64, |value, digit| {
            let digit = i64::from(digit - b'0');
            let value = value.saturating_mul(10);
            if negative {
                value.saturating_sub(digit)
            } else {
                value.saturating_add(digit)
            }
        });
        self.at += leading + sign + length;
        Some(value)
    }
}

/// The length of `inf`, `infinity` or `nan` at the start, in any case. The `(...)` that C allows after `nan` makes
/// no difference to any caller, for each refuses the NaN before it looks at what follows.
fn word_length(body: &[u8]) -> Option<usize> {
    ["infinity", "inf", "nan"].iter().find_map(|word| {
        let head = body.get(..word.len())?;
        head.eq_ignore_ascii_case(word.as_bytes())
            .then_some(word.len())
    })
}

/// The length of a decimal number at the start: digits with or without a point, at least one, then an exponent if it
/// has a digit.
fn decimal_length(body: &[u8]) -> Option<usize> {
    let whole = digits_length(body);
    let mut length = whole;
    let mut digits = whole;
    if body.get(length) == Some(&b'.') {
        let fraction = digits_length(body.get(length + 1..)?);
        digits += fraction;
        length += 1 + fraction;
    }
    if digits == 0 {
        return None;
    }
    if matches!(body.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(body.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits_length(body.get(length + 1 + sign..).unwrap_or_default());
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    Some(length)
}

fn digits_length(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

/// Whether the digits before an exponent are not all zeros.
fn has_non_zero_digit(number: &str) -> bool {
    number
        .bytes()
        .take_while(|byte| !matches!(byte, b'e' | b'E'))
        .any(|byte| matches!(byte, b'1'..=b'9'))
}
