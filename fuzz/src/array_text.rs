//! PostgreSQL's text of an array, and of the numbers in it.

use ogive_vectors::{
    VectorError, format_float4, format_float8, parse_array, parse_double, parse_integer,
    parse_real, sqlstate,
};

use crate::vector_readers::SPACES;
use crate::with_memory;

/// Reads any text as an array, and each of its elements as numbers.
pub fn check_array_text(text: &str) {
    // An element takes two bytes of text at least, and then a place in a list that grows, and memory of its own.
    let memory = (1 << 14) + 128 * text.len();
    let found = with_memory("reading an array", memory, || parse_array(text));
    if let Some(expected) = read_plain(text) {
        assert_eq!(found.as_ref().ok(), expected.map(Some).as_ref(), "{text:?}");
    }
    match found {
        Ok(Some(elements)) => {
            assert_eq!(parse_array(&quoted(&elements)), Ok(Some(elements.clone())));
            for element in elements.iter().flatten() {
                check_numbers(element);
            }
        }
        Ok(None) => assert!(text.contains("{"), "an array has braces"),
        Err(error) => assert_eq!(error.sqlstate(), sqlstate::INVALID_TEXT_REPRESENTATION),
    }
    check_numbers(text);
}

/// An array without quotes, escapes and inner braces, cut at its commas; `None` for text that has any of those, and
/// `Some(None)` for text that is no array.
fn read_plain(text: &str) -> Option<Option<Vec<Option<String>>>> {
    let text = text.trim_matches(SPACES);
    let body = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    let body = body.filter(|body| !body.contains(['{', '}', '"', '\\']))?;
    if body.trim_matches(SPACES).is_empty() {
        return Some(Some(Vec::new()));
    }
    let pieces = body.split(',').map(|piece| piece.trim_matches(SPACES));
    let element = |piece: &str| match piece {
        "" => None,
        piece if piece.eq_ignore_ascii_case("null") => Some(None),
        piece => Some(Some(piece.to_owned())),
    };
    Some(pieces.map(element).collect())
}

/// The array with every element in quotes.
fn quoted(elements: &[Option<String>]) -> String {
    let element = |element: &Option<String>| match element {
        Some(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        None => "NULL".to_owned(),
    };
    let elements: Vec<String> = elements.iter().map(element).collect();
    format!("{{{}}}", elements.join(" , "))
}

/// A number is what the standard library reads, unless it became a zero or an infinity on the way.
fn check_numbers(text: &str) {
    let piece = text.trim_matches(SPACES);
    let mantissa = piece.split(['e', 'E']).next().unwrap_or_default();
    let has_digits = mantissa.contains(|digit: char| digit.is_ascii_digit());
    let is_zero = !mantissa.contains(|digit| ('1'..='9').contains(&digit));
    let held = |is_infinite: bool, reads_zero: bool| {
        !(is_infinite && has_digits) && (!reads_zero || is_zero)
    };
    let real: Option<f32> = piece.parse().ok();
    let real = real.filter(|value| held(value.is_infinite(), *value == 0.0));
    assert_eq!(
        shown(parse_real(text), format_float4),
        real.map(format_float4)
    );
    let double: Option<f64> = piece.parse().ok();
    let double = double.filter(|value| held(value.is_infinite(), *value == 0.0));
    assert_eq!(
        shown(parse_double(text), format_float8),
        double.map(format_float8)
    );
    for (name, min, max) in [
        ("smallint", i16::MIN.into(), i16::MAX.into()),
        ("integer", i32::MIN.into(), i32::MAX.into()),
        ("bigint", i64::MIN, i64::MAX),
    ] {
        let expected: Option<i64> = piece.parse().ok();
        let expected = expected.filter(|value| (min..=max).contains(value));
        assert_eq!(
            parse_integer(text, name, min, max).ok(),
            expected,
            "{text:?}"
        );
    }
}

/// The text of a number, which is one for all NaNs and two for zeros.
fn shown<T>(number: Result<T, VectorError>, format: fn(T) -> String) -> Option<String> {
    number.ok().map(format)
}
