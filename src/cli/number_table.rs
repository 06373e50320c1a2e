//! Rows as lines of text in which a vector takes one field for each of its numbers.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::csv::{Writer, WriterBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use indicatif::ProgressBar;

use crate::cli::error::{Failure, Result};
use crate::cli::interrupt::Interrupt;
use crate::cli::vectors::{element_count, element_type};

/// Writes all rows with a header line; gives how many there were. `name` is what errors call the input.
pub async fn write_csv(
    mut stream: SendableRecordBatchStream,
    file: &mut File,
    name: &str,
    progress: &ProgressBar,
    interrupt: &Interrupt,
) -> Result<u64> {
    let mut writer = WriterBuilder::new()
        .with_header(true)
        .build(BufWriter::new(file));
    let mut dimensions: Option<Vec<Option<usize>>> = None;
    let mut rows = 0;
    while let Some(batch) = interrupt.guard(stream.next()).await? {
        let batch = batch?;
        if batch.num_rows() == 0 {
            continue;
        }
        let dimensions =
            dimensions.get_or_insert_with(|| batch.columns().iter().map(dimension_of).collect());
        writer.write(&spread(&batch, dimensions, name, rows)?)?;
        rows += batch.num_rows() as u64;
        progress.set_position(rows);
    }
    if dimensions.is_none() {
        write_header(&mut writer, &RecordBatch::new_empty(stream.schema()))?;
    }
    writer.into_inner().flush()?;
    Ok(rows)
}

/// A table without rows still has names, though not of the numbers of vectors whose length only rows tell.
fn write_header<W: Write>(writer: &mut Writer<W>, empty: &RecordBatch) -> Result<()> {
    let dimensions: Vec<_> = empty.columns().iter().map(dimension_of).collect();
    Ok(writer.write(&spread(empty, &dimensions, "", 0)?)?)
}

/// Numbers in each row of a column of lists, as far as its type or its first vector tell.
fn dimension_of(column: &ArrayRef) -> Option<usize> {
    if let DataType::FixedSizeList(_, length) = column.data_type() {
        return usize::try_from(*length).ok();
    }
    element_type(column.data_type()).map(|_| {
        (0..column.len())
            .find_map(|row| element_count(column, row))
            .unwrap_or(0)
    })
}

/// The batch with each vector column as `name_0`, `name_1`, ...; a NULL vector leaves all its fields empty.
fn spread(
    batch: &RecordBatch,
    dimensions: &[Option<usize>],
    name: &str,
    first_row: u64,
) -> Result<RecordBatch> {
    let schema = batch.schema();
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for ((field, column), dimension) in schema.fields().iter().zip(batch.columns()).zip(dimensions)
    {
        let Some(dimension) = *dimension else {
            fields.push(Field::clone(field));
            columns.push(Arc::clone(column));
            continue;
        };
        let (elements, starts) = parts(column);
        for (row, start) in starts.iter().enumerate() {
            let found = element_count(column, row);
            if start.is_some() && found != Some(dimension) {
                let row = first_row + row as u64;
                let found = found.unwrap_or(0);
                let problem = format!(
                    "row {row}: found {found} number(s) in '{}', expected {dimension}",
                    field.name()
                );
                return Err(Failure::about(name, problem));
            }
        }
        for element in 0..dimension as u64 {
            let places: UInt64Array = starts
                .iter()
                .map(|start| start.map(|start| start + element))
                .collect();
            columns.push(take(&elements, &places, None)?);
            fields.push(Field::new(
                format!("{}_{element}", field.name()),
                elements.data_type().clone(),
                true,
            ));
        }
    }
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns,
    )?)
}

/// The elements of all rows, and where each row's begin; `None` for a NULL row.
fn parts(column: &ArrayRef) -> (ArrayRef, Vec<Option<u64>>) {
    let starts = |start: &dyn Fn(usize) -> Option<u64>| {
        (0..column.len())
            .map(|row| {
                if column.is_null(row) {
                    None
                } else {
                    start(row)
                }
            })
            .collect()
    };
    match column.data_type() {
        DataType::LargeList(_) => {
            let lists = column.as_list::<i64>();
            let offsets = lists.value_offsets();
            let start = |row: usize| {
                offsets
                    .get(row)
                    .and_then(|offset| u64::try_from(*offset).ok())
            };
            (Arc::clone(lists.values()), starts(&start))
        }
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            let offsets = lists.value_offsets();
            let start = |row: usize| {
                offsets
                    .get(row)
                    .and_then(|offset| u64::try_from(*offset).ok())
            };
            (Arc::clone(lists.values()), starts(&start))
        }
        DataType::FixedSizeList(..) => {
            let lists = column.as_fixed_size_list();
            let start = |row: usize| u64::try_from(lists.value_offset(row)).ok();
            (Arc::clone(lists.values()), starts(&start))
        }
        _ => (Arc::clone(column), starts(&|row| Some(row as u64))),
    }
}
