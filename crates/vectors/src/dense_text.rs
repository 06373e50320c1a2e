//! `[1,2,3]`: the text of `vector` and `halfvec`.

use std::fmt;

use half::f16;

use crate::element::from_literal;
use crate::float_text::append_float4;
use crate::scanner::Scanner;
use crate::{Element, VectorError, check_dimensions};

/// Reads the text of a `vector`; `expected` is the `n` of `vector(n)`.
///
/// Elements are decimal numbers as C's `strtof` takes them, correctly rounded; one too small for `f32` becomes a zero.
/// Hexadecimal floating-point numbers, which pgvector takes from the C library, are syntax errors here.
/// Reading stops at element 16,001, so that memory is bounded whatever the text.
///
/// # Errors
/// 22P02 for anything but a bracketed list, 22003 for a number too large, 22000 for NaN, an infinity, no element or
/// the wrong number of them, 54000 for more than 16,000.
pub fn parse_vector(literal: &str, expected: Option<usize>) -> Result<Vec<f32>, VectorError> {
    parse_dense(literal, expected)
}

/// Reads the text of a `halfvec`, as [`parse_vector`] does; elements are rounded to `f32` first and to `f16` then.
///
/// # Errors
/// As for [`parse_vector`].
pub fn parse_halfvec(literal: &str, expected: Option<usize>) -> Result<Vec<f16>, VectorError> {
    parse_dense(literal, expected)
}

/// Reads the text of a dense vector of either type; see [`parse_vector`].
///
/// # Errors
/// As for [`parse_vector`].
pub fn parse_dense<E: Element>(
    literal: &str,
    expected: Option<usize>,
) -> Result<Vec<E>, VectorError> {
    let kind = E::TYPE;
    let syntax = || VectorError::syntax(kind.name(), literal);
    let mut scanner = Scanner::new(literal);

    scanner.skip_spaces();
    if !scanner.take(b'[') {
        return Err(syntax().with_detail("Vector contents must start with \"[\"."));
    }
    scanner.skip_spaces();
    if scanner.peek() == Some(b']') {
        kind.check_size(0)?;
    }

    // An element takes two bytes of text at least.
    let mut elements = Vec::with_capacity((literal.len() / 2).min(kind.dimensions_max()));
    loop {
        if elements.len() == kind.dimensions_max() {
            return Err(kind.too_many_dimensions());
        }
        let number = scanner.float().ok_or_else(syntax)?;
        elements.push(from_literal(number)?);
        scanner.skip_spaces();
        if scanner.take(b']') {
            break;
        }
        if !scanner.take(b',') {
            return Err(syntax());
        }
    }

    scanner.skip_spaces();
    if scanner.peek().is_some() {
        return Err(syntax().with_detail("Junk after closing right brace."));
    }
    check_dimensions(expected, elements.len())?;
    Ok(elements)
}

/// The text of a `vector`: `[1,0.5,1e-05]`, without spaces, elements as [`format_float4`](crate::format_float4)
/// writes them.
pub fn format_vector(elements: &[f32]) -> String {
    format_dense(elements)
}

/// The text of a `halfvec`: each element as its `f32` is written.
pub fn format_halfvec(elements: &[f16]) -> String {
    format_dense(elements)
}

/// The text of a dense vector of either type; see [`format_vector`].
pub fn format_dense<E: Element>(elements: &[E]) -> String {
    let mut text = String::with_capacity(elements.len().saturating_mul(8).saturating_add(2));
    text.push('[');
    for (i, element) in elements.iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        append_float4(&mut text, element.to_f32());
    }
    text.push(']');
    text
}

/// Writes what [`format_dense`] gives, an element at a time.
///
/// # Errors
/// Those of the writer.
pub fn write_dense<E: Element>(out: &mut impl fmt::Write, elements: &[E]) -> fmt::Result {
    out.write_char('[')?;
    for (i, element) in elements.iter().enumerate() {
        if i > 0 {
            out.write_char(',')?;
        }
        crate::write_float4(out, element.to_f32())?;
    }
    out.write_char(']')
}
