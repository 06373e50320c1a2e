//! How one element of a stored vector is written.

/// How the elements of a block are stored; multi-byte elements are little-endian.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Encoding {
    /// IEEE double precision, 8 bytes.
    F64,
    /// IEEE single precision, 4 bytes.
    F32,
    /// IEEE half precision, 2 bytes.
    F16,
    /// Signed integer, 1 byte.
    I8,
    /// Unsigned integer, 1 byte.
    U8,
    /// Quantised, 1 byte: the code `c` stands for `f32(f32(c) * scale) + min`, rounded to `f32` twice (the value that
    /// a CVC `int8` record decodes to).
    Codes {
        /// Distance between neighbouring codes.
        scale: f32,
        /// What code 0 stands for.
        min: f32,
    },
    /// One bit an element, 0 or 1, eight to a byte, so that only a dimension divisible by 8 makes rows. Where elements
    /// have numbers (decoding, and a query made from numbers) the lowest bit of a byte comes first; counts do not
    /// depend on it.
    Bits,
}

impl Encoding {
    /// Bytes an element takes; 0 for [`Encoding::Bits`], whose rows are measured by [`Encoding::row_bytes`].
    pub fn width(self) -> usize {
        match self {
            Encoding::F64 => 8,
            Encoding::F32 => 4,
            Encoding::F16 => 2,
            Encoding::I8 | Encoding::U8 | Encoding::Codes { .. } => 1,
            Encoding::Bits => 0,
        }
    }

    /// Bytes a row of `dimension` elements takes; `None` when that is not a whole number, or too large for one.
    pub fn row_bytes(self, dimension: usize) -> Option<usize> {
        match self {
            Encoding::Bits => dimension.is_multiple_of(8).then_some(dimension / 8),
            _ => dimension.checked_mul(self.width()),
        }
    }
}
