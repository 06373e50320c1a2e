//! The beginnings of the files: what they must hold, how long they are, and what they say about the array.
//!
//! ```text
//! .npy   0  "\x93NUMPY"            magic
//!        6  u8, u8                 version: 1.0, 2.0 (longer headers) or 3.0 (UTF-8 headers)
//!        8  u16 or, from 2.0, u32  header length, little-endian
//!  10 / 12  text                   Python dictionary, padded with spaces, ends in a newline; see `literal`
//!        ..  values                rows one after another
//!
//! .fvecs 0  i32                    dimension d, little-endian      } one row of 4 + d * width bytes;
//!        4  d values               little-endian                   } the file is nothing but rows
//! ```

use crate::dtype::DType;
use crate::error::{Error, quoted};
use crate::layout::ArrayLayout;
use crate::literal::{self, EXPECTED_DTYPES, Shape};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The longest `.npy` header that is read, in bytes: all that version 1.0 can say. Only structured types need more,
/// and NumPy itself stops at 10,000 unless told otherwise.
const HEADER_BYTES_MAX: u64 = 65_535;

/// The largest dimension, in values: what the `.fvecs` family and Arrow's fixed-size lists can say.
const DIMENSION_MAX: u64 = i32::MAX as u64;

/// The most rows: row numbers are signed 64-bit integers in SQL.
const ROWS_MAX: u64 = i64::MAX as u64;

/// What the bytes read so far amount to.
pub(crate) enum Parsed {
    /// The file must be read up to this byte.
    NeedUpTo(u64),
    /// The array's layout.
    Layout(ArrayLayout),
}

/// Reads as much of a `.npy` file's header as `head`, the file's first bytes, holds.
pub(crate) fn npy(file: &str, head: &[u8], file_bytes: u64) -> Result<Parsed, Error> {
    let magic = head.get(..MAGIC.len()).unwrap_or(head);
    if !MAGIC.starts_with(magic) {
        return Err(Error::NotNpy {
            file: file.to_owned(),
            offset: 0,
            found: magic.escape_ascii().to_string(),
            expected: "\\x93NUMPY",
        });
    }
    // The shortest prelude is 10 bytes; which of the two it is takes 8 bytes to know.
    let Some(&[_, _, _, _, _, _, major, minor, ..]) = head.first_chunk::<10>() else {
        return need(file, "the start of the .npy header", 10, file_bytes);
    };
    let (header_start, length) = match (major, minor) {
        (1, 0) => {
            let field = head.get(8..).and_then(|bytes| bytes.first_chunk());
            (10, field.map(|field| u64::from(u16::from_le_bytes(*field))))
        }
        (2 | 3, 0) => {
            let field = head.get(8..).and_then(|bytes| bytes.first_chunk());
            (12, field.map(|field| u64::from(u32::from_le_bytes(*field))))
        }
        _ => {
            return Err(Error::UnsupportedVersion {
                file: file.to_owned(),
                offset: MAGIC.len() as u64,
                found: format!("{major}.{minor}"),
                expected: "1.0, 2.0 or 3.0",
            });
        }
    };
    let Some(length) = length else {
        return need(
            file,
            "the start of the .npy header",
            header_start,
            file_bytes,
        );
    };
    if length > HEADER_BYTES_MAX {
        return Err(Error::HeaderTooLong {
            file: file.to_owned(),
            offset: 8,
            found: length,
            expected: HEADER_BYTES_MAX,
        });
    }
    let data_offset = header_start + length;
    let text = usize::try_from(header_start)
        .ok()
        .zip(usize::try_from(data_offset).ok())
        .and_then(|(start, end)| head.get(start..end));
    match text {
        Some(text) => {
            npy_layout(file, text, header_start, data_offset, file_bytes).map(Parsed::Layout)
        }
        None => need(file, "the .npy header", data_offset, file_bytes),
    }
}

/// Asks for the file's bytes up to `end`, if the file has them.
fn need(file: &str, what: &'static str, end: u64, file_bytes: u64) -> Result<Parsed, Error> {
    if end <= file_bytes {
        return Ok(Parsed::NeedUpTo(end));
    }
    Err(Error::Truncated {
        file: file.to_owned(),
        what,
        offset: 0,
        found: file_bytes,
        expected: u128::from(end),
    })
}

fn npy_layout(
    file: &str,
    text: &[u8],
    header_start: u64,
    data_offset: u64,
    file_bytes: u64,
) -> Result<ArrayLayout, Error> {
    let header = literal::parse(file, text, header_start)?;
    let word = String::from_utf8_lossy(header.descr.text);
    let (dtype, big_endian) =
        DType::from_descr(&word).map_err(|meaning| Error::UnsupportedDType {
            file: file.to_owned(),
            offset: header.descr.offset,
            found: quoted(header.descr.text),
            meaning,
            expected: EXPECTED_DTYPES,
        })?;

    let Shape {
        axes,
        lengths: [rows, columns],
        span,
    } = header.shape;
    let bad_shape = |expected| Error::UnsupportedShape {
        file: file.to_owned(),
        offset: span.offset,
        found: quoted(span.text),
        expected,
    };
    let (dimension, is_vector) = match axes {
        1 => (1, false),
        2 => (columns, true),
        _ => return Err(bad_shape("one axis (values) or two (vectors)")),
    };
    if rows > ROWS_MAX {
        return Err(bad_shape("at most 9223372036854775807 rows"));
    }
    let dimension = usize::try_from(dimension)
        .ok()
        .filter(|&dimension| dimension as u64 <= DIMENSION_MAX)
        .ok_or_else(|| bad_shape("at most 2147483647 values in a row"))?;
    // With one row, or one value in each, both orders put the same bytes in the same places.
    let fortran = (header.fortran_order && rows > 1 && dimension > 1)
        .then(|| (header.fortran_order_offset, quoted(span.text)));

    // At most 2^63 rows of 2^31 values of 8 bytes, and a header: far from the ends of 128 bits.
    let row_stride = dimension as u64 * dtype.width() as u64;
    let expected = u128::from(data_offset) + u128::from(rows) * u128::from(row_stride);
    if u128::from(file_bytes) < expected {
        return Err(Error::Truncated {
            file: file.to_owned(),
            what: "the array's values",
            offset: data_offset,
            found: file_bytes,
            expected,
        });
    }
    Ok(ArrayLayout {
        dtype,
        big_endian,
        rows,
        dimension,
        is_vector,
        data_offset,
        row_stride,
        row_header_bytes: 0,
        fortran,
        file: file.into(),
    })
}

/// Reads the layout of a file of rows of `dtype` from the first row's dimension.
pub(crate) fn rows(
    file: &str,
    dtype: DType,
    head: &[u8],
    file_bytes: u64,
) -> Result<Parsed, Error> {
    const FIELD_BYTES: u64 = 4;
    let partial = |row: u64, offset, expected| Error::PartialRow {
        file: file.to_owned(),
        row,
        offset,
        found: file_bytes - offset,
        expected,
    };
    let field = match head.first_chunk() {
        Some(field) => i32::from_le_bytes(*field),
        // Without a byte there is no dimension; and a copy that was cut short looks so.
        None if file_bytes < FIELD_BYTES => return Err(partial(0, 0, FIELD_BYTES)),
        None => return Ok(Parsed::NeedUpTo(FIELD_BYTES)),
    };
    let dimension = usize::try_from(field).map_err(|_| Error::BadDimension {
        file: file.to_owned(),
        offset: 0,
        found: field,
        expected: "zero or more",
    })?;
    let row_stride = FIELD_BYTES + dimension as u64 * dtype.width() as u64;
    let rows = file_bytes / row_stride;
    let end = rows * row_stride;
    if end != file_bytes {
        return Err(partial(rows, end, row_stride));
    }
    Ok(Parsed::Layout(ArrayLayout {
        dtype,
        big_endian: false,
        rows,
        dimension,
        is_vector: true,
        data_offset: 0,
        row_stride,
        row_header_bytes: FIELD_BYTES,
        fortran: None,
        file: file.into(),
    }))
}
