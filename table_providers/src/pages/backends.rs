//! `ogive_backends()`: what distances and codecs can run on here, and what they do.

use std::sync::Arc;

use arrow::array::{BooleanArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion_common::Result;
use datafusion_common::config::ConfigOptions;
use ogive_udfs::{BackendRow, Execution};

pub(super) fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let flag = |name: &str| Field::new(name, DataType::Boolean, true);
    Arc::new(Schema::new(vec![
        text("name"),
        text("kind"),
        flag("available"),
        flag("chosen"),
        text("why_not"),
        text("device"),
        Field::new("memory_bytes", DataType::Int64, true),
        text("driver"),
    ]))
}

/// The rows, as a session with these settings has them.
pub(super) fn backends(options: &ConfigOptions) -> Result<RecordBatch> {
    let rows = ogive_udfs::backends(&Execution::of(options));
    let texts =
        |of: fn(&BackendRow) -> Option<&str>| -> StringArray { rows.iter().map(of).collect() };
    let flags = |of: fn(&BackendRow) -> bool| -> BooleanArray {
        rows.iter().map(|row| Some(of(row))).collect()
    };
    let memory: Int64Array = rows
        .iter()
        .map(|row| row.memory_bytes.map(|bytes| bytes as i64))
        .collect();
    Ok(RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(texts(|row| Some(row.name))),
            Arc::new(texts(|row| Some(row.kind))),
            Arc::new(flags(|row| row.available)),
            Arc::new(flags(|row| row.chosen)),
            Arc::new(texts(|row| row.why_not.as_deref())),
            Arc::new(texts(|row| row.device.as_deref())),
            Arc::new(memory),
            Arc::new(texts(|row| row.driver.as_deref())),
        ],
    )?)
}
