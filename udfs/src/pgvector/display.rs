//! Whole batches with values of pgvector's types as PostgreSQL prints them.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_common::Result;
use datafusion_expr::ColumnarValue;

use super::value::{Argument, Value};
use crate::vector_types::SqlVectorType;

/// The schema of [`vectors_as_text`].
pub fn schema_as_text(schema: &SchemaRef) -> SchemaRef {
    if schema
        .fields()
        .iter()
        .all(|field| SqlVectorType::of(field).is_none())
    {
        return Arc::clone(schema);
    }
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| match SqlVectorType::of(field) {
            Some(_) => Field::new(field.name(), DataType::Utf8, field.is_nullable()),
            None => field.as_ref().clone(),
        })
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
            if SqlVectorType::of(field).is_none() {
                return Ok(Arc::clone(column));
            }
            let value = ColumnarValue::Array(Arc::clone(column));
            let values = Argument::of("text", &value, field)?;
            let texts: StringArray = (0..column.len())
                .map(|row| values.value(row).as_ref().map(Value::text))
                .collect();
            Ok(Arc::new(texts) as ArrayRef)
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        schema, columns, &options,
    )?)
}
