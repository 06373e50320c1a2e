//! `ogive info`: what a file holds.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt64Array};
use datafusion::arrow::datatypes::Schema;
use datafusion::arrow::error::ArrowError;
use ogive_cvc::Layout;
use ogive_npy::{ArrayLayout, Format as ArrayFormat};

use crate::cli::arguments::InfoArguments;
use crate::cli::bytes::{FileBytes, extension_of};
use crate::cli::error::Result;
use crate::cli::interrupt::Interrupt;
use crate::cli::render::{facts, print};
use crate::cli::sql::{ROW_COLUMN, open_in_order, quote_text};

/// Named facts, of which `None` means that the file has none.
type Facts = Vec<(&'static str, Fact)>;

enum Fact {
    Text(Option<String>),
    Number(Option<u64>),
    Flag(bool),
}

/// Runs the command.
pub async fn run(arguments: InfoArguments, interrupt: Interrupt) -> Result<()> {
    let name = arguments.file.as_str();
    let extension = extension_of(name);
    let found = if extension == "cvc" {
        interrupt.guard(cvc_facts(name)).await??
    } else if let Some(format) = ArrayFormat::from_extension(&extension) {
        interrupt.guard(array_facts(name, format)).await??
    } else {
        interrupt.guard(table_facts(name, extension)).await??
    };
    print(&facts(&as_row(found)?, arguments.format)?)
}

async fn cvc_facts(name: &str) -> Result<Facts> {
    let mut bytes = FileBytes::open(name).await?;
    let layout = bytes.cvc_layout().await?;
    let chunk_rows = layout.chunks().iter().map(|chunk| chunk.rows).max();
    Ok(vec![
        ("file", text(name)),
        ("format", text(format!("CVC {}", layout.version()))),
        ("rows", Fact::Number(Some(layout.rows()))),
        ("columns", text(cvc_columns(&layout))),
        ("chunks", Fact::Number(Some(layout.chunks().len() as u64))),
        ("chunk_rows", Fact::Number(chunk_rows)),
        (
            "sections",
            Fact::Number(Some(layout.sections().len() as u64)),
        ),
        ("checksums", Fact::Flag(layout.version().has_checksums())),
        ("mmap_optimized", Fact::Flag(layout.mmap_optimized())),
        ("header_bytes", Fact::Number(Some(layout.header_bytes()))),
        ("file_bytes", Fact::Number(Some(layout.file_bytes()))),
        ("float32_bytes", Fact::Number(plain_bytes(&layout))),
    ])
}

/// `vector float32[384] int8, id int64 none`.
fn cvc_columns(layout: &Layout) -> String {
    let columns: Vec<String> = layout
        .columns()
        .iter()
        .map(|column| {
            format!(
                "{} {}[{}] {}",
                column.name, column.dtype, column.dimension, column.compression
            )
        })
        .collect();
    columns.join(", ")
}

/// What the same values would take without compression.
fn plain_bytes(layout: &Layout) -> Option<u64> {
    let row = layout.columns().iter().try_fold(0u64, |sum, column| {
        let bytes = (column.dimension as u64).checked_mul(column.stored_dtype().width() as u64)?;
        sum.checked_add(bytes)
    })?;
    row.checked_mul(layout.rows())
}

async fn array_facts(name: &str, format: ArrayFormat) -> Result<Facts> {
    let mut bytes = FileBytes::open(name).await?;
    let ArrayLayout {
        dtype,
        big_endian,
        rows,
        dimension,
        ..
    } = bytes.array_layout(format).await?;
    Ok(vec![
        ("file", text(name)),
        ("format", text(format.to_string())),
        ("rows", Fact::Number(Some(rows))),
        ("columns", text(format!("vector {dtype}[{dimension}]"))),
        ("big_endian", Fact::Flag(big_endian)),
        ("file_bytes", Fact::Number(Some(bytes.size()))),
    ])
}

async fn table_facts(name: &str, format: String) -> Result<Facts> {
    let (session, schema) = open_in_order(name).await?;
    let frame = session
        .sql(&format!("SELECT * FROM {}", quote_text(name)))
        .await?;
    let rows = frame.count().await? as u64;
    let format = if format.is_empty() {
        None
    } else {
        Some(format)
    };
    Ok(vec![
        ("file", text(name)),
        ("format", Fact::Text(format)),
        ("rows", Fact::Number(Some(rows))),
        ("columns", text(table_columns(&schema))),
    ])
}

fn table_columns(schema: &Schema) -> String {
    let columns: Vec<String> = schema
        .fields()
        .iter()
        .filter(|field| field.name() != ROW_COLUMN)
        .map(|field| format!("{} {}", field.name(), field.data_type()))
        .collect();
    columns.join(", ")
}

fn text(value: impl Into<String>) -> Fact {
    Fact::Text(Some(value.into()))
}

fn as_row(found: Facts) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_from_iter_with_nullable(found.into_iter().map(|(name, fact)| {
        let column: ArrayRef = match fact {
            Fact::Text(value) => Arc::new(StringArray::from(vec![value])),
            Fact::Number(value) => Arc::new(UInt64Array::from(vec![value])),
            Fact::Flag(value) => Arc::new(BooleanArray::from(vec![value])),
        };
        (name, column, true)
    }))
}
