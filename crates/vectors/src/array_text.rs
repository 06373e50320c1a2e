//! PostgreSQL's text of an array, `{1,NULL,"2"}`, and of the numbers in it.

use crate::VectorError;
use crate::error::{Quoted, sqlstate};
use crate::scanner::{Range, Scanner};

/// The elements of an array of one dimension, `None` for NULL; `None` for an array of more dimensions, which is not read
/// any further than to its end.
///
/// Bounds before the array, as in `[1:2]={1,2}`, are not read.
///
/// # Errors
/// 22P02, `malformed array literal`, with PostgreSQL's details.
pub fn parse_array(literal: &str) -> Result<Option<Vec<Option<String>>>, VectorError> {
    let malformed = |detail: &str| {
        VectorError::new(
            sqlstate::INVALID_TEXT_REPRESENTATION,
            format!("malformed array literal: \"{}\"", Quoted(literal)),
        )
        .with_detail(detail)
    };
    let unexpected = |what: char| malformed(&format!("Unexpected \"{what}\" character."));
    let mut rest = literal.trim_start_matches(is_space).chars().peekable();
    if rest.peek() != Some(&'{') {
        return Err(malformed(
            "Array value must start with \"{\" or dimension information.",
        ));
    }
    let mut elements = Vec::new();
    let (mut depth, mut nested) = (0_usize, false);
    // What stands before the place: nothing in this pair of braces, a comma, or an element.
    let mut before = Before::Opening;
    loop {
        while rest.next_if(|next| is_space(*next)).is_some() {}
        match rest.next() {
            None => return Err(malformed("Unexpected end of input.")),
            Some('{') if before == Before::Element => return Err(unexpected('{')),
            Some('{') => {
                depth += 1;
                nested |= depth > 1;
                before = Before::Opening;
            }
            Some('}') if before == Before::Comma => return Err(unexpected('}')),
            Some('}') => {
                depth -= 1;
                before = Before::Element;
                if depth == 0 {
                    break;
                }
            }
            Some(',') if before != Before::Element => return Err(unexpected(',')),
            Some(',') => before = Before::Comma,
            Some(_) if before == Before::Element => {
                return Err(malformed("Incorrectly quoted array element."));
            }
            Some('"') => {
                let mut text = String::new();
                loop {
                    match rest.next() {
                        Some('"') => break,
                        Some('\\') => text.extend(rest.next()),
                        Some(other) => text.push(other),
                        None => return Err(malformed("Unexpected end of input.")),
                    }
                }
                elements.push(Some(text));
                before = Before::Element;
            }
            Some(first) => {
                let mut text = String::new();
                let mut escaped = first == '\\';
                text.extend(if escaped { rest.next() } else { Some(first) });
                while let Some(next) = rest.next_if(|next| !matches!(next, ',' | '}' | '{' | '"')) {
                    if next == '\\' {
                        escaped = true;
                        text.extend(rest.next());
                    } else {
                        text.push(next);
                    }
                }
                match rest.peek() {
                    None => return Err(malformed("Unexpected end of input.")),
                    Some('{') => return Err(unexpected('{')),
                    Some('"') => return Err(malformed("Incorrectly quoted array element.")),
                    Some(_) => {}
                }
                let text = text.trim_end_matches(is_space);
                let is_null = !escaped && text.eq_ignore_ascii_case("null");
                elements.push((!is_null).then(|| text.to_owned()));
                before = Before::Element;
            }
        }
    }
    if rest.any(|next| !is_space(next)) {
        return Err(malformed("Junk after closing right brace."));
    }
    Ok((!nested).then_some(elements))
}

#[derive(Clone, Copy, PartialEq)]
enum Before {
    Opening,
    Comma,
    Element,
}

fn is_space(next: char) -> bool {
    matches!(next, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// A `real` from its text.
///
/// # Errors
/// 22P02 for anything but a number, 22003 for one too large, or too small and not zero.
pub fn parse_real(text: &str) -> Result<f32, VectorError> {
    let trimmed = text.trim_matches(is_space);
    let number = Scanner::new(trimmed)
        .float()
        .filter(|number| number.text.len() == trimmed.len())
        .ok_or_else(|| VectorError::syntax("real", text))?;
    match number.range {
        Range::Held => Ok(number.value),
        Range::Overflow | Range::Underflow => Err(VectorError::out_of_range("real", number.text)),
    }
}

/// A `double precision` from its text.
///
/// # Errors
/// As for [`parse_real`].
pub fn parse_double(text: &str) -> Result<f64, VectorError> {
    const NAME: &str = "double precision";
    let trimmed = text.trim_matches(is_space);
    let value: f64 = trimmed
        .parse()
        .map_err(|_| VectorError::syntax(NAME, text))?;
    let mantissa = trimmed.split(['e', 'E']).next().unwrap_or_default();
    let overflows = value.is_infinite() && mantissa.contains(|digit: char| digit.is_ascii_digit());
    let underflows = value == 0.0 && mantissa.contains(|digit| matches!(digit, '1'..='9'));
    if overflows || underflows {
        return Err(VectorError::out_of_range(NAME, trimmed));
    }
    Ok(value)
}

/// An integer of the type `name`, between `min` and `max`, from its decimal digits.
///
/// # Errors
/// 22P02 for anything but an integer, 22003 for one out of bounds.
pub fn parse_integer(text: &str, name: &str, min: i64, max: i64) -> Result<i64, VectorError> {
    let number = text.trim_matches(is_space);
    let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(VectorError::syntax(name, text));
    }
    // Digits alone can only fail to parse by being too many.
    number
        .parse()
        .ok()
        .filter(|value| (min..=max).contains(value))
        .ok_or_else(|| {
            VectorError::new(
                sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
                format!("value \"{}\" is out of range for type {name}", Quoted(text)),
            )
        })
}
