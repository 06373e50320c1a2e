//! Bit strings: PostgreSQL's `bit` and `bit varying`, and pgvector's distances between them.

use crate::VectorError;
use crate::error::sqlstate;

/// The most bits that a bit string in text may have: PostgreSQL's limit, not that of `bit(n)`.
const TEXT_BITS_MAX: usize = 2_147_483_640;

/// Reads the text of a `bit(n)`: binary digits, also after a `b`, or hexadecimal digits after an `x`; `expected` is
/// `n`, and `None` takes any length.
///
/// A literal in SQL is read with `None` and cast then; `COPY` and parameters give the length at once, and it is
/// checked before the digits are.
///
/// # Errors
/// Those of [`check_bit_length`], 22P02 for anything but digits, 54000 for more bits than PostgreSQL has room for.
pub fn parse_bits(literal: &str, expected: Option<usize>) -> Result<Vec<bool>, VectorError> {
    let digits = Digits::of(literal)?;
    check_bit_length(expected, digits.bits)?;
    digits.read()
}

/// Reads the text of a `bit varying(n)`, as [`parse_bits`] does; `length_max` is `n`.
///
/// # Errors
/// Those of [`check_varbit_length`], else as for [`parse_bits`].
pub fn parse_varbits(literal: &str, length_max: Option<usize>) -> Result<Vec<bool>, VectorError> {
    let digits = Digits::of(literal)?;
    check_varbit_length(length_max, digits.bits)?;
    digits.read()
}

/// Checks a length against that of a `bit(n)`, which is all that an assignment's cast does; `None` takes any.
///
/// # Errors
/// 22026, `bit string length 3 does not match type bit(4)`.
pub fn check_bit_length(expected: Option<usize>, length: usize) -> Result<(), VectorError> {
    match expected {
        Some(expected) if length != expected => Err(VectorError::new(
            sqlstate::STRING_DATA_LENGTH_MISMATCH,
            format!("bit string length {length} does not match type bit({expected})"),
        )),
        _ => Ok(()),
    }
}

/// Checks a length against that of a `bit varying(n)`, which is all that an assignment's cast does; `None` takes any.
///
/// # Errors
/// 22001, `bit string too long for type bit varying(4)`.
pub fn check_varbit_length(length_max: Option<usize>, length: usize) -> Result<(), VectorError> {
    match length_max {
        Some(max) if length > max => Err(VectorError::new(
            sqlstate::STRING_DATA_RIGHT_TRUNCATION,
            format!("bit string too long for type bit varying({max})"),
        )),
        _ => Ok(()),
    }
}

/// The explicit cast to `bit(n)`: bits beyond `length` are cut off, and zeros are added up to it.
///
/// The explicit cast to `bit varying(n)` only cuts.
pub fn resize_bits(bits: &[bool], length: usize) -> Vec<bool> {
    let mut resized = bits.get(..length).unwrap_or(bits).to_vec();
    resized.resize(length, false);
    resized
}

/// The text of a bit string: its binary digits.
pub fn format_bits(bits: &[bool]) -> String {
    bits.iter()
        .map(|bit| if *bit { '1' } else { '0' })
        .collect()
}

/// The number of places in which two bit strings differ.
///
/// # Errors
/// 22000, `different bit lengths 3 and 2`.
pub fn hamming_distance(left: &[bool], right: &[bool]) -> Result<f64, VectorError> {
    check_same_length(left.len(), right.len())?;
    let different = left.iter().zip(right).filter(|(a, b)| a != b).count();
    Ok(different as f64)
}

/// One minus the bits set in both over the bits set in either; 1 when no bit is set in both.
///
/// # Errors
/// 22000, `different bit lengths 3 and 2`.
pub fn jaccard_distance(left: &[bool], right: &[bool]) -> Result<f64, VectorError> {
    check_same_length(left.len(), right.len())?;
    let both = left.iter().zip(right).filter(|(a, b)| **a && **b).count();
    if both == 0 {
        return Ok(1.0);
    }
    let either = left.iter().zip(right).filter(|(a, b)| **a || **b).count();
    Ok(1.0 - both as f64 / either as f64)
}

/// Checks that two bit strings have the same length, in bits.
///
/// # Errors
/// 22000, `different bit lengths 3 and 2`.
pub fn check_same_length(left: usize, right: usize) -> Result<(), VectorError> {
    if left != right {
        return Err(VectorError::data(format!(
            "different bit lengths {left} and {right}"
        )));
    }
    Ok(())
}

/// The digits of a bit string and the number of bits they stand for.
///
/// Every byte counts as a digit before they are read, as it does in PostgreSQL.
struct Digits<'a> {
    text: &'a str,
    bits_each: usize,
    bits: usize,
}

impl<'a> Digits<'a> {
    fn of(literal: &'a str) -> Result<Digits<'a>, VectorError> {
        let (text, bits_each) = if let Some(text) = literal.strip_prefix(['b', 'B']) {
            (text, 1)
        } else if let Some(text) = literal.strip_prefix(['x', 'X']) {
            (text, 4)
        } else {
            (literal, 1)
        };
        if text.len() > TEXT_BITS_MAX / bits_each {
            return Err(VectorError::limit(format!(
                "bit string length exceeds the maximum allowed ({TEXT_BITS_MAX})"
            )));
        }
        Ok(Digits {
            text,
            bits_each,
            bits: text.len() * bits_each,
        })
    }

    fn read(&self) -> Result<Vec<bool>, VectorError> {
        let (radix, name) = match self.bits_each {
            1 => (2, "binary"),
            _ => (16, "hexadecimal"),
        };
        // Digits are checked before memory is taken for their bits.
        if let Some(wrong) = self.text.chars().find(|digit| !digit.is_digit(radix)) {
            return Err(VectorError::new(
                sqlstate::INVALID_TEXT_REPRESENTATION,
                format!("\"{wrong}\" is not a valid {name} digit"),
            ));
        }
        let mut bits = Vec::with_capacity(self.bits);
        for digit in self.text.chars().filter_map(|digit| digit.to_digit(radix)) {
            bits.extend(
                (0..self.bits_each)
                    .rev()
                    .map(|place| digit >> place & 1 == 1),
            );
        }
        Ok(bits)
    }
}
