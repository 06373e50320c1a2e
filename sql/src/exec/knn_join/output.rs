//! The rows of a block beside their nearest.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Builder, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{JoinType, Result, internal_datafusion_err};
use datafusion::execution::memory_pool::MemoryReservation;
use ogive_kernels::BatchTopK;

use super::block::Block;
use super::winners::{Winners, gather, null_row};

/// Which columns come out, and where they are from.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    order: Vec<Source>,
    /// The columns of the right that are kept, as the right numbers them.
    pub right: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Left(usize),
    /// As [`Columns::right`] numbers them.
    Right(usize),
    Distance,
}

impl Columns {
    pub(super) fn new(columns: &[usize], first_of_right: usize, distance: usize) -> Self {
        let mut right = Vec::new();
        let mut places = HashMap::new();
        let order = columns.iter().map(|&column| {
            if column < first_of_right {
                return Source::Left(column);
            }
            if column == distance {
                return Source::Distance;
            }
            let column = column - first_of_right;
            Source::Right(*places.entry(column).or_insert_with(|| {
                right.push(column);
                right.len() - 1
            }))
        });
        let order = order.collect();
        Self { order, right }
    }
}

/// A block and what was found for it.
pub(super) struct Output {
    pub block: Block,
    pub columns: Columns,
    pub join_type: JoinType,
    pub k: usize,
    pub found: Option<BatchTopK>,
    /// The rows of the right, and among them some for queries that are NULL, to which all are equally near.
    pub winners: Winners,
    pub any: Vec<u64>,
    pub right_schema: SchemaRef,
    /// The memory of `found` and `winners`.
    pub reservation: MemoryReservation,
    /// The row of the block that comes next, and its nearest that have not come out.
    pub next_row: usize,
    pub pending: std::collections::VecDeque<Option<(u64, Option<f64>)>>,
}

impl Output {
    /// The next rows, at most `rows_max`; `None` at the end.
    pub(super) fn next(
        &mut self,
        schema: &SchemaRef,
        rows_max: usize,
    ) -> Result<Option<RecordBatch>> {
        let nulls = null_row(&self.right_schema)?;
        let mut rights: Vec<&RecordBatch> = self.winners.batches().collect();
        let null_part = rights.len();
        rights.push(&nulls);
        let lefts: Vec<&RecordBatch> = self.block.batches.iter().collect();

        let (mut left, mut right) = (Vec::new(), Vec::new());
        let mut distances = Float64Builder::new();
        while left.len() < rows_max.max(1) {
            let Some(nearest) = self.pending.pop_front() else {
                if self.next_row == self.block.query_of.len() {
                    break;
                }
                self.pending = neighbours(
                    &self.block,
                    self.found.as_ref(),
                    &self.any,
                    self.next_row,
                    self.k,
                );
                if self.pending.is_empty() && self.join_type == JoinType::Left {
                    self.pending.push_back(None);
                }
                self.next_row += 1;
                continue;
            };
            let row = self.block.locate(self.next_row - 1);
            left.push(row.ok_or_else(|| internal_datafusion_err!("a query without a row"))?);
            match nearest {
                None => {
                    right.push((null_part, 0));
                    distances.append_null();
                }
                Some((number, distance)) => {
                    let row = self.winners.locate(number);
                    right.push(row.ok_or_else(|| {
                        internal_datafusion_err!("row {number} of the right was not kept")
                    })?);
                    distances.append_option(distance);
                }
            }
        }
        if left.is_empty() {
            return Ok(None);
        }
        let distances: ArrayRef = Arc::new(distances.finish());
        let columns = self.columns.order.iter().map(|source| match source {
            Source::Left(column) => gather(&lefts, *column, &left),
            Source::Right(column) => gather(&rights, *column, &right),
            Source::Distance => Ok(Arc::clone(&distances)),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(left.len()));
        Ok(Some(RecordBatch::try_new_with_options(
            Arc::clone(schema),
            columns,
            &options,
        )?))
    }
}

/// The rows that come first for a row of the block.
fn neighbours(
    block: &Block,
    found: Option<&BatchTopK>,
    any: &[u64],
    row: usize,
    k: usize,
) -> std::collections::VecDeque<Option<(u64, Option<f64>)>> {
    match (block.query_of.get(row).copied().flatten(), found) {
        (Some(query), Some(found)) => found.results(query).into_iter().map(Some).collect(),
        _ => any
            .iter()
            .take(k)
            .map(|number| Some((*number, None)))
            .collect(),
    }
}
