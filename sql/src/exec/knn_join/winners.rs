//! Rows of the right that may be in the result, kept out of batches that have passed.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use datafusion::arrow::compute::{interleave, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::Result;
use std::sync::Arc;

/// Rows by number, ascending: whole batches at first, of which [`Winners::compact`] leaves what is wanted.
#[derive(Default)]
pub(super) struct Winners {
    parts: Vec<Part>,
    bytes: usize,
    /// What was left of all bytes the last time.
    bytes_wanted: usize,
}

struct Part {
    first: u64,
    /// The rows' numbers, unless they are consecutive from `first`.
    numbers: Option<Vec<u64>>,
    batch: RecordBatch,
}

/// Bytes that are not worth looking through.
const COMPACT_BYTES_MIN: usize = 16 * 1024 * 1024;

impl Winners {
    /// Keeps all rows of a batch, the first of which has the number `first`.
    pub(super) fn push(&mut self, first: u64, batch: RecordBatch) {
        self.bytes += bytes_of(&batch);
        self.parts.push(Part {
            first,
            numbers: None,
            batch,
        });
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether so much came since the last time that much of it may go.
    pub(super) fn is_worth_compacting(&self) -> bool {
        self.bytes > COMPACT_BYTES_MIN.max(2 * self.bytes_wanted)
    }

    /// Leaves the rows of `wanted` (ascending).
    pub(super) fn compact(&mut self, wanted: &[u64]) -> Result<()> {
        let mut parts = Vec::new();
        for part in self.parts.drain(..) {
            let end = part.end();
            let from = wanted.partition_point(|number| *number < part.first);
            let to = wanted.partition_point(|number| *number < end);
            let numbers = wanted.get(from..to).unwrap_or_default();
            let numbers: Vec<u64> = numbers
                .iter()
                .copied()
                .filter(|number| part.find(*number).is_some())
                .collect();
            let Some(&first) = numbers.first() else {
                continue;
            };
            let indices: UInt64Array = numbers
                .iter()
                .map(|number| part.find(*number).map(|index| index as u64))
                .collect();
            parts.push(Part {
                first,
                batch: owned(&take_record_batch(&part.batch, &indices)?)?,
                numbers: Some(numbers),
            });
        }
        self.parts = parts;
        self.bytes = self.parts.iter().map(|part| bytes_of(&part.batch)).sum();
        self.bytes_wanted = self.bytes;
        Ok(())
    }

    /// Takes over the rows of others, whose numbers are all different.
    pub(super) fn extend(&mut self, others: Winners) {
        self.parts.extend(others.parts);
        self.bytes += others.bytes;
    }

    /// Puts parts in order, so that rows can be [found](Winners::locate).
    pub(super) fn sort(&mut self) {
        self.parts.sort_unstable_by_key(|part| part.first);
    }

    /// The part of a row and its place in there.
    pub(super) fn locate(&self, number: u64) -> Option<(usize, usize)> {
        let after = self.parts.partition_point(|part| part.first <= number);
        let index = after.checked_sub(1)?;
        Some((index, self.parts.get(index)?.find(number)?))
    }

    pub(super) fn batches(&self) -> impl Iterator<Item = &RecordBatch> {
        self.parts.iter().map(|part| &part.batch)
    }
}

impl Part {
    fn end(&self) -> u64 {
        match self.numbers.as_ref().and_then(|numbers| numbers.last()) {
            Some(last) => last + 1,
            None => self.first + self.batch.num_rows() as u64,
        }
    }

    fn find(&self, number: u64) -> Option<usize> {
        match &self.numbers {
            Some(numbers) => numbers.binary_search(&number).ok(),
            None => usize::try_from(number.checked_sub(self.first)?)
                .ok()
                .filter(|index| *index < self.batch.num_rows()),
        }
    }
}

/// What a batch would take on its own.
fn bytes_of(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter();
    columns
        .map(|column| {
            let data = column.to_data();
            data.get_slice_memory_size()
                .unwrap_or_else(|_| column.get_array_memory_size())
        })
        .sum()
}

/// The batch without the buffers of strings that it shares with the batch it was taken from.
fn owned(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()) as ArrayRef,
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()) as ArrayRef,
            _ => Arc::clone(column),
        });
    let options =
        datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        batch.schema(),
        columns.collect(),
        &options,
    )?)
}

/// Rows of several batches as columns: `(batch, row)` for each.
pub(super) fn gather(
    batches: &[&RecordBatch],
    column: usize,
    rows: &[(usize, usize)],
) -> Result<ArrayRef> {
    let arrays: Vec<&dyn Array> = batches
        .iter()
        .map(|batch| batch.column(column).as_ref())
        .collect();
    Ok(interleave(&arrays, rows)?)
}

/// A row of NULLs.
pub(super) fn null_row(schema: &SchemaRef) -> Result<RecordBatch> {
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true))
        .collect();
    let columns = schema
        .fields()
        .iter()
        .map(|field| datafusion::arrow::array::new_null_array(field.data_type(), 1));
    let options = datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(1));
    Ok(RecordBatch::try_new_with_options(
        Arc::new(Schema::new(fields)),
        columns.collect(),
        &options,
    )?)
}
