//! Arrow arrays out of little-endian bytes.

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray, Int64Array, PrimitiveArray};
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use bytes::Bytes;
use datafusion_common::{Result, exec_err, internal_datafusion_err};
use std::ops::Range;

use crate::scan::file::FileColumn;

/// A primitive array over packed little-endian values: no copy where the bytes are aligned for
/// the type, one copy otherwise.
pub fn primitive_array(element: &DataType, bytes: &Bytes) -> Result<ArrayRef> {
    Ok(match element {
        DataType::Float64 => typed::<Float64Type>(bytes)?,
        DataType::Float32 => typed::<Float32Type>(bytes)?,
        DataType::Float16 => typed::<Float16Type>(bytes)?,
        DataType::Int8 => typed::<Int8Type>(bytes)?,
        DataType::Int16 => typed::<Int16Type>(bytes)?,
        DataType::Int32 => typed::<Int32Type>(bytes)?,
        DataType::Int64 => typed::<Int64Type>(bytes)?,
        DataType::UInt8 => typed::<UInt8Type>(bytes)?,
        DataType::UInt16 => typed::<UInt16Type>(bytes)?,
        DataType::UInt32 => typed::<UInt32Type>(bytes)?,
        DataType::UInt64 => typed::<UInt64Type>(bytes)?,
        other => return exec_err!("no vector file holds values of type {other}"),
    })
}

fn typed<T: ArrowPrimitiveType>(bytes: &Bytes) -> Result<ArrayRef> {
    let width = size_of::<T::Native>();
    if !bytes.len().is_multiple_of(width) {
        return exec_err!(
            "{} bytes are no whole number of {width}-byte values",
            bytes.len()
        );
    }
    let aligned = bytes.as_ptr().align_offset(align_of::<T::Native>()) == 0;
    let buffer = if aligned {
        Buffer::from(bytes.clone())
    } else {
        Buffer::from(bytes.as_ref())
    };
    let count = bytes.len() / width;
    Ok(Arc::new(PrimitiveArray::<T>::new(
        ScalarBuffer::new(buffer, 0, count),
        None,
    )))
}

/// Elements become the column's array: lists of the column's dimension, or the values as they
/// are.
pub fn column_array(column: &FileColumn, elements: ArrayRef, rows: usize) -> Result<ArrayRef> {
    if !column.is_vector {
        return Ok(elements);
    }
    let size = i32::try_from(column.dimension)
        .map_err(|_| internal_datafusion_err!("dimension {}", column.dimension))?;
    Ok(Arc::new(FixedSizeListArray::try_new_with_length(
        column.element_field(),
        size,
        elements,
        None,
        rows,
    )?))
}

/// The `_row` column of a run of rows.
pub fn row_numbers(rows: Range<u64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(
        rows.map(|row| row.cast_signed()),
    ))
}
