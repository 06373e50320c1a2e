//! The engine's buffers as Arrow arrays, taken over as they are.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, FixedSizeListArray,
    Float64Array, Int64Array, ListArray, StringArray, StringBuilder,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, exec_datafusion_err};
use ogive_udfs::{element_type, number_array};
use ogive_vault::{ColumnValues, Numbers, Place, RowColumn, RowValues, Slices, decode_to_json};

use crate::error::vault_error;

/// The element of lists.
pub fn list_field(element: DataType) -> FieldRef {
    Arc::new(Field::new_list_field(element, true))
}

/// Vectors of one length as an array.
pub fn fixed_vectors(values: Numbers, dimensions: usize, rows: usize) -> Result<ArrayRef> {
    let size = i32::try_from(dimensions)
        .map_err(|_| exec_datafusion_err!("vectors of {dimensions} dimensions"))?;
    let field = list_field(element_type(values.element()));
    Ok(Arc::new(FixedSizeListArray::try_new_with_length(
        field,
        size,
        number_array(values, None),
        None,
        rows,
    )?))
}

fn offsets(offsets: Vec<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::new(offsets.into())
}

fn binary(rows: Slices, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    Ok(Arc::new(BinaryArray::try_new(
        offsets(rows.offsets),
        Buffer::from_vec(rows.data),
        nulls,
    )?))
}

fn strings(rows: Slices, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    Ok(Arc::new(StringArray::try_new(
        offsets(rows.offsets),
        Buffer::from_vec(rows.data),
        nulls,
    )?))
}

/// Rows of a typed column as an array.
pub fn column_values(values: ColumnValues) -> Result<ArrayRef> {
    let rows = values.rows();
    match values {
        ColumnValues::Numbers(values) => Ok(number_array(values, None)),
        ColumnValues::FixedVectors {
            numbers,
            dimensions,
        } => fixed_vectors(numbers, dimensions, rows),
        ColumnValues::Vectors {
            offsets: bounds,
            numbers: values,
        } => {
            let field = list_field(element_type(values.element()));
            Ok(Arc::new(ListArray::try_new(
                field,
                offsets(bounds),
                number_array(values, None),
                None,
            )?))
        }
        ColumnValues::FixedBytes { data, size } => {
            let size =
                i32::try_from(size).map_err(|_| exec_datafusion_err!("rows of {size} bytes"))?;
            Ok(Arc::new(FixedSizeBinaryArray::try_new(
                size,
                Buffer::from_vec(data),
                None,
            )?))
        }
        ColumnValues::Bytes(rows) => binary(rows, None),
        ColumnValues::Texts(rows) | ColumnValues::Json(rows) => strings(rows, None),
    }
}

/// A column of rows as an array.
pub fn row_column(column: RowColumn) -> Result<ArrayRef> {
    let nulls = column.valid.map(NullBuffer::from);
    Ok(match column.values {
        RowValues::Integers(values) => Arc::new(Int64Array::new(values.into(), nulls)),
        RowValues::Floats(values) => Arc::new(Float64Array::new(values.into(), nulls)),
        RowValues::Booleans(values) => {
            Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
        }
        RowValues::Texts(rows) => strings(rows, nulls)?,
        RowValues::Bytes(rows) => binary(rows, nulls)?,
    })
}

/// Stored values as JSON text. `name` says which row a value is of, for the error.
pub fn decoded(
    values: &dyn Array,
    place: &Place,
    name: impl Fn(usize) -> String,
) -> Result<ArrayRef> {
    let values = values
        .as_any()
        .downcast_ref::<BinaryArray>()
        .ok_or_else(|| exec_datafusion_err!("stored values are {}", values.data_type()))?;
    let mut texts = StringBuilder::with_capacity(values.len(), values.value_data().len());
    for (row, value) in values.iter().enumerate() {
        let Some(value) = value else {
            texts.append_null();
            continue;
        };
        match decode_to_json(value) {
            Ok(text) => texts.append_option(text),
            Err(error) => return Err(vault_error(place.at(name(row)).value(error))),
        }
    }
    Ok(Arc::new(texts.finish()))
}
