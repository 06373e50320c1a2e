//! Whole batches with values of pgvector's types as PostgreSQL prints them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion_common::Result;
use datafusion_expr::ColumnarValue;

use super::value::{Argument, Value};
use crate::vector_types::SqlVectorType;

/// The schema of [`vectors_as_text`].
pub fn schema_as_text(schema: &SchemaRef) -> SchemaRef {
    if schema
        .fields()
        .iter()
        .all(|field| SqlVectorType::of(field).is_none() && array_of(field).is_none())
    {
        return Arc::clone(schema);
    }
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(
            |field| match SqlVectorType::of(field).is_some() || array_of(field).is_some() {
                true => Field::new(field.name(), DataType::Utf8, field.is_nullable()),
                false => field.as_ref().clone(),
            },
        )
        .collect();
    Arc::new(Schema::new(fields))
}

/// A batch with its columns of pgvector's types as texts; `[1,2,3]`, `{1:1.5}/3`, `101`.
///
/// # Errors
/// When a column does not hold what its mark says.
pub fn vectors_as_text(batch: &RecordBatch) -> Result<RecordBatch> {
    let schema = schema_as_text(&batch.schema());
    if Arc::ptr_eq(&schema, &batch.schema()) {
        return Ok(batch.clone());
    }
    let columns = batch
        .columns()
        .iter()
        .zip(batch.schema().fields())
        .map(|(column, field)| {
            if let Some(element) = array_of(field) {
                return arrays_as_text(column, element);
            }
            if SqlVectorType::of(field).is_none() {
                return Ok(Arc::clone(column));
            }
            Ok(Arc::new(texts(column, field)?) as ArrayRef)
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        schema, columns, &options,
    )?)
}

/// The element of an array of one of pgvector's types.
fn array_of(field: &Field) -> Option<&FieldRef> {
    match field.data_type() {
        DataType::List(element) => SqlVectorType::of(element).map(|_| element),
        _ => None,
    }
}

fn texts(column: &ArrayRef, field: &Field) -> Result<StringArray> {
    let value = ColumnarValue::Array(Arc::clone(column));
    let values = Argument::of("text", &value, field)?;
    Ok((0..column.len())
        .map(|row| values.value(row).as_ref().map(Value::text))
        .collect())
}

/// `{"[1,2,3]",NULL}`, as PostgreSQL prints an array: in quotes what has a comma or a brace.
fn arrays_as_text(column: &ArrayRef, element: &FieldRef) -> Result<ArrayRef> {
    let lists = column.as_list::<i32>();
    let arrays = (0..lists.len()).map(|row| {
        if lists.is_null(row) {
            return Ok(None);
        }
        let texts = texts(&lists.value(row), element)?;
        let elements: Vec<String> = texts
            .iter()
            .map(|text| match text {
                None => "NULL".to_owned(),
                Some(text) if text.contains([',', '{', '}']) => format!("\"{text}\""),
                Some(text) => text.to_owned(),
            })
            .collect();
        Ok(Some(format!("{{{}}}", elements.join(","))))
    });
    Ok(Arc::new(arrays.collect::<Result<StringArray>>()?))
}
