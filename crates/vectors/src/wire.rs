//! The binary forms of the PostgreSQL protocol, in network byte order.
//!
//! ```text
//! vector      i16 dimensions, i16 0, then f32 each
//! halfvec     i16 dimensions, i16 0, then f16 each
//! sparsevec   i32 dimensions, i32 stored elements, i32 0, then i32 index (from 0) each, then f32 each
//! ```

use half::f16;

use crate::error::sqlstate;
use crate::sparsevec::{check_count, check_index, check_received};
use crate::{Element, SparseVec, VectorError, VectorType, check_dimensions};

/// Appends the binary form of a `vector` to `out`.
///
/// # Errors
/// 22000 for no dimensions, 54000 for more than 16,000; `out` is then as it was.
pub fn encode_vector(elements: &[f32], out: &mut Vec<u8>) -> Result<(), VectorError> {
    encode_head::<f32>(elements.len(), out)?;
    out.extend(elements.iter().flat_map(|x| x.to_be_bytes()));
    Ok(())
}

/// Appends the binary form of a `halfvec` to `out`.
///
/// # Errors
/// As for [`encode_vector`].
pub fn encode_halfvec(elements: &[f16], out: &mut Vec<u8>) -> Result<(), VectorError> {
    encode_head::<f16>(elements.len(), out)?;
    out.extend(elements.iter().flat_map(|x| x.to_be_bytes()));
    Ok(())
}

/// Appends the binary form of a `sparsevec` to `out`.
///
/// # Errors
/// 22000 for no dimensions, 54000 for more dimensions or elements than there can be; `out` is then as it was.
pub fn encode_sparsevec(sparse: &SparseVec, out: &mut Vec<u8>) -> Result<(), VectorError> {
    VectorType::Sparsevec.check_size(usize::try_from(sparse.dimensions).unwrap_or(0))?;
    // One list longer than the other would make a message that nobody can read.
    let count = sparse.indices.len().min(sparse.values.len());
    check_count(count, sparse.dimensions)?;
    out.extend(sparse.dimensions.to_be_bytes());
    out.extend(i32::try_from(count).unwrap_or(i32::MAX).to_be_bytes());
    out.extend(0i32.to_be_bytes());
    let (indices, values) = (sparse.indices.iter(), sparse.values.iter());
    out.extend(indices.take(count).flat_map(|i| i.to_be_bytes()));
    out.extend(values.take(count).flat_map(|x| x.to_be_bytes()));
    Ok(())
}

/// Reads the binary form of a `vector`, which must be all of `bytes`; `expected` is the `n` of `vector(n)`.
///
/// # Errors
/// 22000 and 54000 for dimensions, a reserved field other than 0, NaN and infinities; 08P01 for bytes that end too
/// early, 22P03 for bytes left over.
pub fn decode_vector(bytes: &[u8], expected: Option<usize>) -> Result<Vec<f32>, VectorError> {
    decode_dense(bytes, expected, |bytes: [u8; 4]| f32::from_be_bytes(bytes))
}

/// Reads the binary form of a `halfvec`, as [`decode_vector`] does.
///
/// # Errors
/// As for [`decode_vector`].
pub fn decode_halfvec(bytes: &[u8], expected: Option<usize>) -> Result<Vec<f16>, VectorError> {
    decode_dense(bytes, expected, |bytes: [u8; 2]| f16::from_be_bytes(bytes))
}

/// Reads the binary form of a `sparsevec`, which must be all of `bytes`; `expected` is the `n` of `sparsevec(n)`.
///
/// # Errors
/// As for [`decode_vector`], and for counts and indices that are out of bounds or not ascending, and zeros.
pub fn decode_sparsevec(bytes: &[u8], expected: Option<usize>) -> Result<SparseVec, VectorError> {
    let mut message = Message(bytes);
    let dimensions = i32::from_be_bytes(message.take()?);
    let count = i32::from_be_bytes(message.take()?);
    let unused = i32::from_be_bytes(message.take()?);
    let size = usize::try_from(dimensions).unwrap_or(0);
    VectorType::Sparsevec.check_size(size)?;
    let count = usize::try_from(count)
        .map_err(|_| VectorError::data("sparsevec cannot have negative number of elements"))?;
    check_count(count, dimensions)?;
    check_dimensions(expected, size)?;
    check_unused(unused)?;

    let mut sparse = SparseVec {
        dimensions,
        indices: Vec::with_capacity(count.min(bytes.len() / 4)),
        values: Vec::with_capacity(count.min(bytes.len() / 4)),
    };
    let mut previous = None;
    for _ in 0..count {
        let index = i32::from_be_bytes(message.take()?);
        check_index(index, previous, dimensions)?;
        sparse.indices.push(index);
        previous = Some(index);
    }
    for _ in 0..count {
        let value = f32::from_be_bytes(message.take()?);
        check_received(value)?;
        sparse.values.push(value);
    }
    message.finish()?;
    Ok(sparse)
}

fn encode_head<E: Element>(dimensions: usize, out: &mut Vec<u8>) -> Result<(), VectorError> {
    E::TYPE.check_size(dimensions)?;
    out.reserve(dimensions.saturating_mul(size_of::<E>()).saturating_add(4));
    out.extend(u16::try_from(dimensions).unwrap_or(u16::MAX).to_be_bytes());
    out.extend(0u16.to_be_bytes());
    Ok(())
}

fn decode_dense<E: Element, const N: usize>(
    bytes: &[u8],
    expected: Option<usize>,
    element: impl Fn([u8; N]) -> E,
) -> Result<Vec<E>, VectorError> {
    let mut message = Message(bytes);
    // The protocol's 16-bit integers are read unsigned.
    let dimensions = usize::from(u16::from_be_bytes(message.take()?));
    let unused = u16::from_be_bytes(message.take()?);
    E::TYPE.check_size(dimensions)?;
    check_dimensions(expected, dimensions)?;
    check_unused(unused.into())?;
    let mut elements = Vec::with_capacity(dimensions.min(bytes.len() / N));
    for _ in 0..dimensions {
        let element = element(message.take()?);
        E::TYPE.check_finite(element.to_f32())?;
        elements.push(element);
    }
    message.finish()?;
    Ok(elements)
}

fn check_unused(unused: i32) -> Result<(), VectorError> {
    if unused != 0 {
        return Err(VectorError::data(format!(
            "expected unused to be 0, not {unused}"
        )));
    }
    Ok(())
}

/// The bytes of a message that were not read yet.
struct Message<'a>(&'a [u8]);

impl Message<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], VectorError> {
        let (field, rest) = self.0.split_first_chunk::<N>().ok_or_else(|| {
            VectorError::new(
                sqlstate::PROTOCOL_VIOLATION,
                "insufficient data left in message",
            )
        })?;
        self.0 = rest;
        Ok(*field)
    }

    /// What `COPY` says about bytes left over; for a bind parameter PostgreSQL adds which one it was.
    fn finish(&self) -> Result<(), VectorError> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(VectorError::new(
            sqlstate::INVALID_BINARY_REPRESENTATION,
            "incorrect binary data format",
        ))
    }
}
