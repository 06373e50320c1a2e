//! A block of stored vectors, borrowed.

use std::fmt;
use std::ops::Range;

use crate::Encoding;
use crate::decode;

/// A row-major block of vectors: the little-endian bytes of its elements, at any alignment.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// Exactly `len` times `encoding.row_bytes(dimension)` bytes.
    bytes: &'a [u8],
    len: usize,
    dimension: usize,
    encoding: Encoding,
}

impl<'a> Rows<'a> {
    /// Takes `bytes` as whole rows of `dimension` elements.
    ///
    /// # Errors
    /// [`RowsError`] when the length is not a whole number of rows, or a row not a whole number of bytes. Rows of dimension 0 have no bytes to count, so
    /// only an empty block can be made here; see [`Rows::with_rows`].
    pub fn new(bytes: &'a [u8], dimension: usize, encoding: Encoding) -> Result<Self, RowsError> {
        let rows = match encoding.row_bytes(dimension) {
            None => 0,
            Some(0) => 0,
            Some(stride) => bytes.len() / stride,
        };
        Self::with_rows(bytes, rows, dimension, encoding)
    }

    /// Takes `bytes` as `rows` rows of `dimension` elements.
    ///
    /// # Errors
    /// [`RowsError`] when `bytes` is not exactly that long, or a row not a whole number of bytes.
    pub fn with_rows(
        bytes: &'a [u8],
        rows: usize,
        dimension: usize,
        encoding: Encoding,
    ) -> Result<Self, RowsError> {
        let expected = match encoding {
            Encoding::Bits => encoding
                .row_bytes(dimension)
                .and_then(|row_bytes| rows.checked_mul(row_bytes)),
            // In this order no rows are no bytes, however long a row would be.
            _ => rows
                .checked_mul(dimension)
                .and_then(|elements| elements.checked_mul(encoding.width())),
        };
        if expected != Some(bytes.len()) {
            return Err(RowsError {
                found_bytes: bytes.len(),
                rows,
                dimension,
                element_bytes: encoding.width(),
            });
        }
        Ok(Self {
            bytes,
            len: rows,
            dimension,
            encoding,
        })
    }

    /// Takes a slice of numbers as whole rows of `dimension` elements.
    ///
    /// # Errors
    /// As [`Rows::new`].
    pub fn from_f32(values: &'a [f32], dimension: usize) -> Result<Self, RowsError> {
        Self::new(bytes_of(values), dimension, Encoding::F32)
    }

    /// Takes a slice of numbers as whole rows of `dimension` elements.
    ///
    /// # Errors
    /// As [`Rows::new`].
    pub fn from_f64(values: &'a [f64], dimension: usize) -> Result<Self, RowsError> {
        Self::new(bytes_of(values), dimension, Encoding::F64)
    }

    /// Takes a slice of numbers as whole rows of `dimension` elements.
    ///
    /// # Errors
    /// As [`Rows::new`].
    pub fn from_f16(values: &'a [half::f16], dimension: usize) -> Result<Self, RowsError> {
        Self::new(bytes_of(values), dimension, Encoding::F16)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Elements in a row.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How the elements are stored.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The bytes of all rows.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The rows of a range.
    ///
    /// # Panics
    /// When the range reaches past [`Rows::len`] or is reversed, as slicing does.
    pub fn slice(&self, range: Range<usize>) -> Rows<'a> {
        assert!(
            range.start <= range.end && range.end <= self.len,
            "rows {range:?} of a block of {} rows",
            self.len
        );
        let stride = self.stride();
        Rows {
            bytes: &self.bytes[range.start * stride..range.end * stride],
            len: range.end - range.start,
            ..*self
        }
    }

    /// Widens every element to `f32` as the encoding says, row-major; `F64` is rounded to nearest.
    ///
    /// # Panics
    /// When `out` does not hold exactly [`Rows::len`] times [`Rows::dimension`] numbers.
    pub fn decode_f32(&self, out: &mut [f32]) {
        decode::decode_f32(crate::active_instruction_set(), self, out);
    }

    /// Bytes from one row to the next. The product was checked when the block was made, unless it is empty.
    pub(crate) fn stride(&self) -> usize {
        self.encoding
            .row_bytes(self.dimension)
            .unwrap_or(usize::MAX)
    }

    /// The bytes of row `index`.
    #[inline(always)]
    pub(crate) fn row(&self, index: usize) -> &'a [u8] {
        let stride = self.stride();
        &self.bytes[index * stride..(index + 1) * stride]
    }
}

impl fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("len", &self.len)
            .field("dimension", &self.dimension)
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}

/// Numbers whose every byte is part of their value, so that their memory may be read as bytes.
trait Plain: Copy {}
impl Plain for f32 {}
impl Plain for f64 {}
impl Plain for half::f16 {}

fn bytes_of<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: the pointer and the length in bytes are those of a live slice, whose lifetime the result borrows; `Plain`
    // types have no padding, and any byte is a valid `u8`.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// A block's bytes are not as many as its shape needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowsError {
    /// Bytes that were given.
    pub found_bytes: usize,
    /// Rows that were claimed, or the whole rows that would fit.
    pub rows: usize,
    /// Elements in a row.
    pub dimension: usize,
    /// Bytes in an element; 0 for bits.
    pub element_bytes: usize,
}

impl fmt::Display for RowsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.element_bytes == 0 {
            return write!(
                f,
                "{} bytes are not {} rows of {} bits in whole bytes",
                self.found_bytes, self.rows, self.dimension
            );
        }
        write!(
            f,
            "{} bytes are not {} rows of dimension {} with elements of {} bytes",
            self.found_bytes, self.rows, self.dimension, self.element_bytes
        )
    }
}

impl std::error::Error for RowsError {}
