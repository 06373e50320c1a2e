//! Rows that may still be in a result, kept out of batches that have passed.

use datafusion::arrow::array::UInt64Array;
use datafusion::arrow::compute::{concat_batches, take_record_batch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::memory_pool::MemoryReservation;

/// Rows beyond `k` that are kept before the ones that have dropped out are let go of.
const SLACK_ROWS: usize = 1024;

/// Rows by number, ascending.
pub(super) struct HeldRows {
    schema: SchemaRef,
    parts: Vec<Part>,
    rows: usize,
    reservation: MemoryReservation,
}

struct Part {
    numbers: Vec<u64>,
    batch: RecordBatch,
}

impl HeldRows {
    pub(super) fn new(schema: SchemaRef, reservation: MemoryReservation) -> Self {
        Self {
            schema,
            parts: Vec::new(),
            rows: 0,
            reservation,
        }
    }

    /// Keeps those of `candidates` (ascending) that lie in a batch whose first row has the number
    /// `first`, and lets go of rows that are no candidates once they are many.
    pub(super) fn keep(
        &mut self,
        batch: &RecordBatch,
        first: u64,
        candidates: &[u64],
    ) -> Result<()> {
        let start = candidates.partition_point(|number| *number < first);
        let numbers = candidates.get(start..).unwrap_or_default().to_vec();
        if !numbers.is_empty() {
            let indices: UInt64Array = numbers.iter().map(|number| number - first).collect();
            let batch = take_record_batch(batch, &indices)?;
            self.reservation.try_grow(batch.get_array_memory_size())?;
            self.rows += numbers.len();
            self.parts.push(Part { numbers, batch });
        }
        if self.rows > 2 * candidates.len() + SLACK_ROWS {
            let batch = self.take(candidates)?;
            self.rows = batch.num_rows();
            self.reservation.try_resize(batch.get_array_memory_size())?;
            self.parts.push(Part {
                numbers: candidates.to_vec(),
                batch,
            });
        }
        Ok(())
    }

    /// The rows of `candidates` (ascending, all of them kept), leaving nothing behind.
    pub(super) fn take(&mut self, candidates: &[u64]) -> Result<RecordBatch> {
        let mut parts = Vec::with_capacity(self.parts.len());
        for part in self.parts.drain(..) {
            let indices: UInt64Array = part
                .numbers
                .iter()
                .enumerate()
                .filter(|(_, number)| candidates.binary_search(number).is_ok())
                .map(|(index, _)| index as u64)
                .collect();
            if !indices.is_empty() {
                parts.push(take_record_batch(&part.batch, &indices)?);
            }
        }
        self.rows = 0;
        Ok(concat_batches(&self.schema, &parts)?)
    }
}
