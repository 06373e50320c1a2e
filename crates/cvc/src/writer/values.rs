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
    /// 64-bit floating point; for compressed columns only
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
            ColumnValues::F32(values) => values
                .iter()
                .position(|value| !value.is_finite())
                .and_then(|at| Some((at, f64::from(*values.get(at)?)))),
            ColumnValues::F64(values) => values
                .iter()
                .position(|value| !(*value as f32).is_finite())
                .and_then(|at| Some((at, *values.get(at)?))),
            ColumnValues::F16(values) => values
                .iter()
                .position(|value| !value.is_finite())
                .and_then(|at| Some((at, f64::from(*values.get(at)?)))),
            _ => None,
        }
    }
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
        if column.compression == Compression::None && values.dtype() != Some(column.dtype) {
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
    }
    Ok(rows.unwrap_or(0))
}
