//! Rows of the left, as many as are searched for at once.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::SendableRecordBatchStream;
use futures::TryStreamExt;
use ogive_kernels::{InstructionSet, Precision, Query};
use ogive_udfs::constant_vector;

use super::join::KnnJoin;

/// Some rows of the left, and what to search for.
pub(super) struct Block {
    /// The rows, in order.
    pub batches: Vec<RecordBatch>,
    /// The number of each batch's first row.
    starts: Vec<usize>,
    /// For each row, its query's number among `queries`; none where the query vector is NULL or has a NULL element.
    pub query_of: Vec<Option<usize>>,
    /// Vectors of one dimension.
    pub queries: Vec<Query>,
    /// A row whose vector is of another dimension than the first one's.
    pub odd: Option<usize>,
    /// The memory of all this; given back with the block.
    pub reservation: MemoryReservation,
}

impl Block {
    /// The batch of a row and its place in there.
    pub(super) fn locate(&self, row: usize) -> Option<(usize, usize)> {
        let after = self.starts.partition_point(|start| *start <= row);
        let batch = after.checked_sub(1)?;
        Some((batch, row - self.starts.get(batch)?))
    }
}

/// Reads the left in blocks.
pub(super) struct BlockReader {
    input: SendableRecordBatchStream,
    join: Arc<KnnJoin>,
    precision: Precision,
    instructions: InstructionSet,
    /// Searches that run at once, each with results of its own.
    partitions: usize,
    budget_bytes: usize,
    reservation: MemoryReservation,
    /// Rows that did not fit into the last block.
    rest: Option<RecordBatch>,
}

impl BlockReader {
    pub(super) fn new(
        input: SendableRecordBatchStream,
        join: Arc<KnnJoin>,
        (precision, instructions): (Precision, InstructionSet),
        partitions: usize,
        budget_bytes: usize,
        reservation: MemoryReservation,
    ) -> Self {
        Self {
            input,
            join,
            precision,
            instructions,
            partitions,
            budget_bytes,
            reservation,
            rest: None,
        }
    }

    /// The next block, which has a row at least; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Block>> {
        let mut block = Block {
            batches: Vec::new(),
            starts: Vec::new(),
            query_of: Vec::new(),
            queries: Vec::new(),
            odd: None,
            reservation: self.reservation.new_empty(),
        };
        loop {
            let batch = match self.rest.take() {
                Some(batch) => batch,
                None => match self.input.try_next().await? {
                    Some(batch) => batch,
                    None => break,
                },
            };
            let start = block.query_of.len();
            let taken = self.fill(&mut block, &batch)?;
            if taken > 0 {
                block.starts.push(start);
                block.batches.push(batch.slice(0, taken));
            }
            if taken < batch.num_rows() {
                self.rest = Some(batch.slice(taken, batch.num_rows() - taken));
                break;
            }
        }
        Ok((!block.query_of.is_empty()).then_some(block))
    }

    /// Takes rows of a batch until the block is full; returns how many.
    fn fill(&self, block: &mut Block, batch: &RecordBatch) -> Result<usize> {
        let rows = batch.num_rows();
        if rows == 0 {
            return Ok(0);
        }
        let vectors: ArrayRef = self.join.query.evaluate(batch)?.into_array(rows)?;
        let row_bytes = batch.get_array_memory_size() / rows;
        for row in 0..rows {
            let vector = match vectors.is_null(row) {
                true => None,
                false => constant_vector(&ScalarValue::try_from_array(&vectors, row)?)?,
            };
            let bytes = row_bytes + self.query_bytes(vector.as_ref().map_or(0, Vec::len));
            let size = block.reservation.size() + bytes;
            if !block.query_of.is_empty() && size > self.budget_bytes {
                return Ok(row);
            }
            match block.reservation.try_grow(bytes) {
                Ok(()) => {}
                // Others hold the memory: search for what there is.
                Err(_) if !block.query_of.is_empty() => return Ok(row),
                Err(error) => return Err(error),
            }
            self.push(block, vector);
        }
        Ok(rows)
    }

    fn push(&self, block: &mut Block, vector: Option<Vec<f64>>) {
        let dimension = block.queries.first().map(Query::dimension);
        let row = block.query_of.len();
        block.query_of.push(match vector {
            None => None,
            Some(vector) if dimension.is_some_and(|dimension| dimension != vector.len()) => {
                block.odd.get_or_insert(row);
                None
            }
            Some(vector) => {
                let query = Query::new(self.join.metric, &vector)
                    .with_precision(self.precision)
                    .with_instruction_set(self.instructions);
                block.queries.push(query);
                Some(block.queries.len() - 1)
            }
        });
    }

    /// What a query takes: its vector in both precisions and in tiles, and its best rows in each search.
    fn query_bytes(&self, dimension: usize) -> usize {
        const VECTOR_BYTES: usize = 2 * size_of::<f64>() + 2 * size_of::<f32>();
        const RESULT_BYTES: usize = 2 * size_of::<u64>();
        let results = self
            .join
            .k
            .saturating_mul(RESULT_BYTES * (self.partitions + 1));
        size_of::<Query>() + dimension * VECTOR_BYTES + results
    }
}
