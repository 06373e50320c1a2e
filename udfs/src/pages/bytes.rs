//! Binary columns: which types are taken, how they are read and made.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryViewArray, GenericBinaryArray, LargeBinaryArray,
    OffsetSizeTrait,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use datafusion_common::{Result, exec_err, internal_err, plan_err};
use ogive_codecs::pages::Values;

/// The type that bytes are read in. Text is its UTF-8, as PostgreSQL reads a literal for `bytea`.
pub(super) fn bytes_type(name: &str, number: usize, found: &DataType) -> Result<DataType> {
    Ok(match found {
        DataType::Utf8 => DataType::Binary,
        DataType::LargeUtf8 => DataType::LargeBinary,
        DataType::Utf8View => DataType::BinaryView,
        DataType::Dictionary(_, values)
            if matches!(
                values.as_ref(),
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
            ) =>
        {
            bytes_type(name, number, values)?
        }
        other => frame_type(name, number, other)?,
    })
}

/// The type that compressed bytes are read in; text is none.
pub(super) fn frame_type(name: &str, number: usize, found: &DataType) -> Result<DataType> {
    Ok(match found {
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => found.clone(),
        DataType::FixedSizeBinary(_) | DataType::Null => DataType::Binary,
        DataType::Dictionary(_, values) => frame_type(name, number, values)?,
        other => return plan_err!("{name}: argument {number} is binary, not {other}"),
    })
}

/// The type of a word among the arguments.
pub(super) fn text_type(name: &str, number: usize, found: &DataType) -> Result<DataType> {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
            Ok(DataType::Utf8)
        }
        other => plan_err!("{name}: argument {number} is text, not {other}"),
    }
}

/// The type of a number among the arguments.
pub(super) fn integer_type(name: &str, number: usize, found: &DataType) -> Result<DataType> {
    match found {
        found if found.is_integer() || *found == DataType::Null => Ok(DataType::Int64),
        other => plan_err!("{name}: argument {number} is an integer, not {other}"),
    }
}

/// The rows of a binary column.
pub(super) fn rows(column: &dyn Array) -> Result<Vec<Option<&[u8]>>> {
    Ok(match column.data_type() {
        DataType::Binary => column.as_binary::<i32>().iter().collect(),
        DataType::LargeBinary => column.as_binary::<i64>().iter().collect(),
        DataType::BinaryView => column.as_binary_view().iter().collect(),
        other => return internal_err!("a column of {other} instead of bytes"),
    })
}

/// A column of `data_type` with NULL where `rows` have none, and the values in order elsewhere.
pub(super) fn column<T>(
    name: &str,
    data_type: &DataType,
    rows: &[Option<T>],
    values: Values,
) -> Result<ArrayRef> {
    let (bytes, ends) = values.into_parts();
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect();
    let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
    let mut ends = ends.into_iter();
    let mut end = 0;
    let offsets = std::iter::once(0).chain(rows.iter().map(move |row| {
        if row.is_some() {
            end = ends.next().unwrap_or(end);
        }
        end
    }));
    Ok(match data_type {
        DataType::Binary if bytes.len() > i32::MAX as usize => {
            return exec_err!(
                "{name}: {} bytes in one batch are too many for Binary; cast the argument to LargeBinary or BinaryView",
                bytes.len()
            );
        }
        DataType::Binary => {
            let offsets = offsets.map(|offset| offset as i32).collect();
            Arc::new(array(offsets, bytes, nulls)?) as ArrayRef
        }
        DataType::LargeBinary => {
            let offsets = offsets.map(|offset| offset as i64).collect();
            Arc::new(array(offsets, bytes, nulls)?)
        }
        DataType::BinaryView => {
            let offsets = offsets.map(|offset| offset as i64).collect();
            let large: LargeBinaryArray = array(offsets, bytes, nulls)?;
            Arc::new(BinaryViewArray::from(&large))
        }
        other => return internal_err!("{name}: answers of {other}"),
    })
}

fn array<O: OffsetSizeTrait>(
    offsets: Vec<O>,
    bytes: Vec<u8>,
    nulls: Option<NullBuffer>,
) -> Result<GenericBinaryArray<O>> {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(GenericBinaryArray::try_new(
        offsets,
        Buffer::from_vec(bytes),
        nulls,
    )?)
}

/// A column of `data_type` from rows made one by one.
pub(super) fn column_of_rows(data_type: &DataType, rows: &[Option<Vec<u8>>]) -> Result<ArrayRef> {
    let rows = rows.iter().map(Option::as_deref);
    Ok(match data_type {
        DataType::Binary => Arc::new(rows.collect::<BinaryArray>()) as ArrayRef,
        DataType::LargeBinary => Arc::new(rows.collect::<LargeBinaryArray>()),
        DataType::BinaryView => Arc::new(rows.collect::<BinaryViewArray>()),
        other => return internal_err!("answers of {other}"),
    })
}
