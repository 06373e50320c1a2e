//! `{1:1.5,3:2}/5`: the text of `sparsevec`, whose indices count from 1.

use std::fmt::{self, Write};

use crate::scanner::{Range, Scanner};
use crate::{SPARSEVEC_NON_ZERO_MAX, SparseVec, VectorError, VectorType, check_dimensions};

use super::{check_index, too_many_elements};

/// Reads the text of a `sparsevec`; `expected` is the `n` of `sparsevec(n)`.
///
/// Elements may come in any order, and zeros are not stored. Unlike in the dense types a number too small for `f32`
/// is an error. Text with 16,000 commas is refused before it is read, so that memory is bounded whatever the text.
///
/// # Errors
/// 22P02 for text of another form, 22003 for a number too large or too small, 22000 for NaN, infinities, indices out
/// of bounds or repeated, no dimensions or not those expected, 54000 for more dimensions or elements than there can
/// be.
pub fn parse_sparsevec(literal: &str, expected: Option<usize>) -> Result<SparseVec, VectorError> {
    let kind = VectorType::Sparsevec;
    let syntax = || VectorError::syntax(kind.name(), literal);
    if literal.bytes().filter(|byte| *byte == b',').count() >= SPARSEVEC_NON_ZERO_MAX {
        return Err(too_many_elements());
    }
    let mut scanner = Scanner::new(literal);

    scanner.skip_spaces();
    if !scanner.take(b'{') {
        return Err(syntax().with_detail("Vector contents must start with \"{\"."));
    }
    scanner.skip_spaces();
    let mut elements = Vec::new();
    if !scanner.take(b'}') {
        read_elements(&mut scanner, &mut elements, syntax)?;
    }

    scanner.skip_spaces();
    if !scanner.take(b'/') {
        return Err(syntax().with_detail("Unexpected end of input."));
    }
    let dimensions = scanner.integer().ok_or_else(syntax)?;
    scanner.skip_spaces();
    if scanner.peek().is_some() {
        return Err(syntax().with_detail("Junk after closing."));
    }
    let size = usize::try_from(dimensions.max(0)).unwrap_or(usize::MAX);
    kind.check_size(size)?;
    check_dimensions(expected, size)?;
    let dimensions = i32::try_from(dimensions).unwrap_or(i32::MAX);

    elements.sort_by_key(|(index, _)| *index);
    let mut previous = None;
    for (index, _) in &elements {
        check_index(*index, previous, dimensions)?;
        previous = Some(*index);
    }
    let (indices, values) = elements.into_iter().unzip();
    Ok(SparseVec {
        dimensions,
        indices,
        values,
    })
}

/// Reads `1:1.5,3:2}` into 0-based indices and values other than zero.
fn read_elements(
    scanner: &mut Scanner<'_>,
    elements: &mut Vec<(i32, f32)>,
    syntax: impl Fn() -> VectorError,
) -> Result<(), VectorError> {
    let kind = VectorType::Sparsevec;
    loop {
        let index = scanner.integer().ok_or_else(&syntax)?;
        scanner.skip_spaces();
        if !scanner.take(b':') {
            return Err(syntax());
        }
        let number = scanner.float().ok_or_else(&syntax)?;
        if number.range != Range::Held {
            return Err(VectorError::out_of_range(kind.name(), number.text));
        }
        kind.check_finite(number.value)?;
        if number.value != 0.0 {
            // What does not fit is out of bounds like the nearest that does.
            let index = index.saturating_sub(1);
            let index = index.clamp(i32::MIN.into(), i32::MAX.into());
            elements.push((index as i32, number.value));
        }
        scanner.skip_spaces();
        if scanner.take(b'}') {
            return Ok(());
        }
        if !scanner.take(b',') {
            return Err(syntax());
        }
    }
}

/// The text of a `sparsevec`: `{1:1.5,3:2}/5`, without spaces.
pub fn format_sparsevec(sparse: &SparseVec) -> String {
    let mut text = String::new();
    // A string takes everything that is written to it.
    let _ = write_sparsevec(&mut text, sparse);
    text
}

/// Writes what [`format_sparsevec`] gives.
///
/// # Errors
/// Those of the writer.
pub fn write_sparsevec(out: &mut impl Write, sparse: &SparseVec) -> fmt::Result {
    out.write_char('{')?;
    for (i, (index, value)) in sparse.elements().enumerate() {
        if i > 0 {
            out.write_char(',')?;
        }
        write!(out, "{}:", i64::from(index) + 1)?;
        crate::write_float4(out, value)?;
    }
    write!(out, "}}/{}", sparse.dimensions)
}
