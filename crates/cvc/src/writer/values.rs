//! Rows given to a writer.

use half::f16;

use super::NonFinite;
use crate::error::{Error, Result};
use crate::schema::{Column, Compression, DType};

/// Values of some rows of one column, row after row.
#[derive(Debug, Clone, Copy)]
pub enum ColumnValues<'a> {
    /// `float32`
    F32(&'a [f32]),
    /// 64-bit floating point; rounded wherever it is stored
    F64(&'a [f64]),
    /// `float16`
    F16(&'a [f16]),
    /// `int32`
    I32(&'a [i32]),
    /// `int64`
    I64(&'a [i64]),
    /// `int8`
    I8(&'a [i8]),
    /// `uint8`
    U8(&'a [u8]),
}

impl ColumnValues<'_> {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        match self {
            ColumnValues::F32(values) => values.len(),
            ColumnValues::F64(values) => values.len(),
            ColumnValues::F16(values) => values.len(),
            ColumnValues::I32(values) => values.len(),
            ColumnValues::I64(values) => values.len(),
            ColumnValues::I8(values) => values.len(),
            ColumnValues::U8(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The column type that stores these numbers as they are; `None` for 64-bit floating point, which has none.
    pub fn dtype(&self) -> Option<DType> {
        match self {
            ColumnValues::F32(_) => Some(DType::Float32),
            ColumnValues::F64(_) => None,
            ColumnValues::F16(_) => Some(DType::Float16),
            ColumnValues::I32(_) => Some(DType::Int32),
            ColumnValues::I64(_) => Some(DType::Int64),
            ColumnValues::I8(_) => Some(DType::Int8),
            ColumnValues::U8(_) => Some(DType::UInt8),
        }
    }

    /// The first number that is not finite once it is an `f32`, and where.
    fn first_non_finite(&self) -> Option<(usize, f64)> {
        match self {
            ColumnValues::F32(values) => first(values, |value| !value.is_finite(), f64::from),
            ColumnValues::F64(values) => {
                first(values, |value| !(value as f32).is_finite(), |value| value)
            }
            ColumnValues::F16(values) => first(values, |value| !value.is_finite(), f64::from),
            _ => None,
        }
    }

    /// The first finite number that becomes infinite under a compression, and where.
    fn first_overflow(&self, compression: Compression) -> Option<(usize, f64)> {
        let halves = compression == Compression::Fp16;
        match self {
            ColumnValues::F32(values) if halves => first(
                values,
                |value| value.abs() >= HALF_OVERFLOW as f32 && value.is_finite(),
                f64::from,
            ),
            ColumnValues::F64(values) if halves => first(
                values,
                |value| value.abs() >= f64::from(HALF_OVERFLOW) && value.is_finite(),
                |value| value,
            ),
            ColumnValues::I32(values) if halves => first(
                values,
                |value| value.unsigned_abs() >= HALF_OVERFLOW,
                f64::from,
            ),
            ColumnValues::I64(values) if halves => first(
                values,
                |value| value.unsigned_abs() >= u64::from(HALF_OVERFLOW),
                |value| value as f64,
            ),
            ColumnValues::F64(values) => first(
                values,
                |value| value.is_finite() && (value as f32).is_infinite(),
                |value| value,
            ),
            _ => None,
        }
    }
}

/// Numbers from here on become infinite as halves: half-way between the largest, 65504, and what would come next.
const HALF_OVERFLOW: u32 = 65_520;
/// Values looked at together: a loop without a way out in its middle is one of vector instructions.
const BLOCK: usize = 1024;

/// The first value that is wanted, and where.
fn first<T: Copy>(
    values: &[T],
    wanted: impl Fn(T) -> bool,
    as_f64: impl Fn(T) -> f64,
) -> Option<(usize, f64)> {
    let block = values
        .chunks(BLOCK)
        .position(|block| block.iter().fold(false, |any, value| any | wanted(*value)))?;
    let start = block * BLOCK;
    let (at, value) = values
        .iter()
        .enumerate()
        .skip(start)
        .find(|(_, value)| wanted(**value))?;
    Some((at, as_f64(*value)))
}

/// The number of rows, once everything fits the columns. `row` is the file's row that the values start at.
pub(super) fn check(
    columns: &[Column],
    values: &[ColumnValues<'_>],
    row: u64,
    non_finite: NonFinite,
) -> Result<usize> {
    let bad = |what, found: String, expected: String| Error::BadInput {
        row,
        what,
        found: found.into(),
        expected: expected.into(),
    };
    if values.len() != columns.len() {
        let (found, expected) = (values.len().to_string(), columns.len().to_string());
        return Err(bad("number of columns", found, expected));
    }
    let mut rows = None;
    for (column, values) in columns.iter().zip(values) {
        let width = column.dimension.max(1);
        if values.len() % width != 0 {
            let expected = format!("a multiple of {width} for column '{}'", column.name);
            return Err(bad("number of values", values.len().to_string(), expected));
        }
        let own = values.len() / width;
        let all = *rows.get_or_insert(own);
        if own != all {
            let expected = format!("{all} for column '{}'", column.name);
            return Err(bad("number of rows", own.to_string(), expected));
        }
        let own_type = values.dtype().unwrap_or(DType::Float32);
        if column.compression == Compression::None && own_type != column.dtype {
            let found = values.dtype().map_or("float64", DType::name).to_owned();
            let expected = format!("{} for column '{}'", column.dtype, column.name);
            return Err(bad("type of the values", found, expected));
        }
        if column.compression == Compression::Int8
            && non_finite == NonFinite::Refuse
            && let Some((at, value)) = values.first_non_finite()
        {
            return Err(Error::NonFinite {
                row: row + (at / width) as u64,
                column: column.name.as_str().into(),
                found: value.to_string().into(),
            });
        }
        if non_finite == NonFinite::Refuse
            && let Some((at, value)) = values.first_overflow(column.compression)
        {
            return Err(Error::Overflow {
                row: row + (at / width) as u64,
                column: column.name.as_str().into(),
                found: format!("{value:?}").into(),
                compression: column.compression,
            });
        }
    }
    Ok(rows.unwrap_or(0))
}
