//! One pass over the right, for one block of queries.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt64Array};
use datafusion::arrow::compute::{concat, filter, not, take_record_batch};
use datafusion::arrow::datatypes::Schema;
use datafusion::common::cast::as_float64_array;
use datafusion::common::{Result, exec_err, internal_datafusion_err};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use datafusion_common_runtime::JoinSet;
use futures::TryStreamExt;
use ogive_kernels::{BatchTopK, Query, Rows};
use ogive_udfs::{rows_of, vector_nulls};

use super::block::Block;
use super::join::{Counts, KnnJoin};
use super::output::{Columns, Output};
use super::winners::Winners;

/// What is searched.
pub(super) struct RightSide {
    pub plan: Arc<dyn ExecutionPlan>,
    pub context: Arc<TaskContext>,
    pub join: Arc<KnnJoin>,
    pub columns: Columns,
    pub counts: Counts,
}

/// Bits of a row's number within its partition; those above are the partition's.
const ROW_BITS: u32 = 40;

/// Pairs of a query and a row between two looks at whether the search is still wanted: some milliseconds.
const PAIRS_BETWEEN_YIELDS: usize = 4 * 1024 * 1024;

/// Rows of a step at least: less would not fill the kernel's blocks.
const STEP_ROWS_MIN: usize = 192;

/// Searches the right for a block.
pub(super) async fn search(right: &RightSide, mut block: Block) -> Result<Output> {
    let join = &right.join;
    let queries = std::mem::take(&mut block.queries);
    let searched = block.query_of.iter().flatten().count();
    debug_assert_eq!(searched, queries.len());
    let dimension = queries.first().map(Query::dimension);
    let top_k = dimension.map(|_| BatchTopK::new(queries, join.k, join.order));
    let mut output = Output {
        columns: right.columns.clone(),
        join_type: join.join_type,
        k: join.k,
        found: None,
        winners: Winners::default(),
        any: Vec::new(),
        right_schema: Arc::new(right.plan.schema().project(&right.columns.right)?),
        reservation: MemoryConsumer::new("KnnJoinExec[found]")
            .register(right.context.memory_pool()),
        next_row: 0,
        pending: Default::default(),
        block,
    };
    if join.k == 0 {
        return Ok(output);
    }
    let asked = Arc::new(Asked {
        join: Arc::clone(join),
        queries: searched,
        dimension,
        odd: odd_row(&output.block, output.block.odd),
        first: odd_row(
            &output.block,
            output.block.query_of.iter().position(Option::is_some),
        ),
        any_wanted: searched < output.block.query_of.len(),
        counts: right.counts.clone(),
        columns: right.columns.right.clone(),
        schema: Arc::new(joined_schema(right, &output.block)),
    });
    let mut searches = JoinSet::new();
    let partitions = right
        .plan
        .properties()
        .output_partitioning()
        .partition_count();
    for partition in 0..partitions {
        let search = PartitionSearch {
            asked: Arc::clone(&asked),
            top_k: top_k.as_ref().map(BatchTopK::sibling),
            winners: Winners::default(),
            any: Vec::new(),
            nulls_offered: 0,
            next: (partition as u64) << ROW_BITS,
            reservation: MemoryConsumer::new(format!("KnnJoinExec[{partition}]"))
                .register(right.context.memory_pool()),
        };
        let input = right.plan.execute(partition, Arc::clone(&right.context))?;
        searches.spawn(search.run(input));
    }
    output.found = top_k;
    while let Some(joined) = searches.join_next().await {
        let part = match joined {
            Ok(part) => part?,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(error) => return Err(DataFusionError::ExecutionJoin(Box::new(error))),
        };
        if let (Some(found), Some(top_k)) = (&mut output.found, part.top_k) {
            right.counts.pairs_scanned.add(count(top_k.pairs_scanned()));
            right
                .counts
                .pairs_answered
                .add(count(top_k.pairs_answered()));
            found.merge(top_k);
        }
        output.winners.extend(part.winners);
        output.any.extend(part.any);
        let held = part.reservation.size();
        drop(part.reservation);
        output.reservation.try_grow(held)?;
    }
    output.any.sort_unstable();
    output.winners.sort();
    Ok(output)
}

fn count(pairs: u64) -> usize {
    usize::try_from(pairs).unwrap_or(usize::MAX)
}

/// A row of the block alone.
fn odd_row(block: &Block, row: Option<usize>) -> Option<RecordBatch> {
    let (batch, row) = block.locate(row?)?;
    Some(block.batches.get(batch)?.slice(row, 1))
}

/// Columns of the left, then of the right, as the distance takes them.
fn joined_schema(right: &RightSide, block: &Block) -> Schema {
    let mut fields = Vec::new();
    if let Some(batch) = block.batches.first() {
        fields.extend(batch.schema().fields().iter().map(Arc::clone));
    }
    fields.extend(right.plan.schema().fields().iter().map(Arc::clone));
    Schema::new(fields)
}

/// What all partitions are asked.
struct Asked {
    join: Arc<KnnJoin>,
    queries: usize,
    /// Of the queries; none when all are NULL.
    dimension: Option<usize>,
    /// The row of a query that has another dimension than the others.
    odd: Option<RecordBatch>,
    /// The row of the first query.
    first: Option<RecordBatch>,
    /// Some query is NULL: any `k` rows are its nearest.
    any_wanted: bool,
    counts: Counts,
    /// The columns to keep.
    columns: Vec<usize>,
    schema: Arc<Schema>,
}

/// The search of one partition.
struct PartitionSearch {
    asked: Arc<Asked>,
    top_k: Option<BatchTopK>,
    winners: Winners,
    /// The first rows, at most `k`.
    any: Vec<u64>,
    /// Rows without a vector that were offered. All are equally far, so `k` of them will do.
    nulls_offered: usize,
    /// The number of the next row.
    next: u64,
    reservation: MemoryReservation,
}

impl PartitionSearch {
    async fn run(mut self, mut input: SendableRecordBatchStream) -> Result<Self> {
        while let Some(batch) = input.try_next().await? {
            if batch.num_rows() > 0 {
                self.take_in(batch).await?;
            }
        }
        Ok(self)
    }

    async fn take_in(&mut self, mut batch: RecordBatch) -> Result<()> {
        let asked = Arc::clone(&self.asked);
        let rows = batch.num_rows();
        let first = self.next;
        self.next += rows as u64;
        asked.counts.rows_scanned.add(rows);
        if asked.any_wanted {
            let missing = asked.join.k.saturating_sub(self.any.len()).min(rows);
            self.any.extend(first..first + missing as u64);
        }
        let mut vectors = asked.join.vector.evaluate(&batch)?.into_array(rows)?;
        let valid = valid_rows(&vectors);
        asked.check_odd(&batch, valid.as_ref())?;
        if let Some(dimension) = asked.dimension {
            let whole = rows_of(vectors.as_ref()).filter(|rows| rows.dimension() == dimension);
            match (whole, valid) {
                (Some(whole), None) => self.scan(&whole, first, None).await,
                (Some(whole), Some(valid)) => {
                    let selected: Vec<bool> = valid.values().iter().collect();
                    self.scan(&whole, first, Some(&selected)).await;
                    let nulls = (first..).zip(&selected);
                    let nulls = nulls.filter(|(_, valid)| !**valid);
                    self.offer_nulls(nulls.map(|(row, _)| row));
                }
                (None, valid) => {
                    // NULL lists have no elements: without them the others may be a block. They go behind it.
                    let mut present = rows;
                    if let Some(valid) = valid {
                        batch = present_first(&batch, &valid)?;
                        vectors = filter(vectors.as_ref(), &valid)?;
                        present = vectors.len();
                    }
                    if present > 0 {
                        match rows_of(vectors.as_ref()).filter(|rows| rows.dimension() == dimension)
                        {
                            Some(block) => self.scan(&block, first, None).await,
                            None => return asked.refuse(&batch.slice(0, present)),
                        }
                    }
                    self.offer_nulls(first + present as u64..first + rows as u64);
                }
            }
        }
        self.winners.push(first, batch.project(&asked.columns)?);
        if self.winners.is_worth_compacting() {
            self.compact()?;
        }
        self.account()
    }

    async fn scan(&mut self, rows: &Rows<'_>, first: u64, selected: Option<&[bool]>) {
        let Some(top_k) = &mut self.top_k else {
            return;
        };
        let step = (PAIRS_BETWEEN_YIELDS / self.asked.queries.max(1)).max(STEP_ROWS_MIN);
        let mut start = 0;
        while start < rows.len() {
            let end = rows.len().min(start.saturating_add(step));
            let selected = selected.and_then(|selected| selected.get(start..end));
            top_k.scan(&rows.slice(start..end), first + start as u64, selected);
            start = end;
            tokio::task::yield_now().await;
        }
    }

    fn offer_nulls(&mut self, rows: impl Iterator<Item = u64>) {
        let Some(top_k) = &mut self.top_k else {
            return;
        };
        let wanted = self.asked.join.k.saturating_sub(self.nulls_offered);
        for row in rows.take(wanted) {
            self.nulls_offered += 1;
            for query in 0..self.asked.queries {
                top_k.offer(query, row, None);
            }
        }
    }

    /// Lets go of rows that are in no query's result.
    fn compact(&mut self) -> Result<()> {
        let mut wanted = self.any.clone();
        if let Some(top_k) = &self.top_k {
            for query in 0..self.asked.queries {
                wanted.extend(top_k.results(query).into_iter().map(|(row, _)| row));
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        self.winners.compact(&wanted)
    }

    fn account(&mut self) -> Result<()> {
        let found = self.top_k.as_ref().map_or(0, BatchTopK::memory_bytes);
        if self
            .reservation
            .try_resize(found + self.winners.bytes())
            .is_ok()
        {
            return Ok(());
        }
        self.compact()?;
        self.reservation.try_resize(found + self.winners.bytes())
    }
}

impl Asked {
    /// A query whose dimension differs from the others' cannot be compared with a row that can be with those: one of the
    /// two is an error.
    fn check_odd(&self, batch: &RecordBatch, valid: Option<&BooleanArray>) -> Result<()> {
        let Some(odd) = &self.odd else {
            return Ok(());
        };
        let rows = match valid {
            Some(valid) => present_first(batch, valid)?.slice(0, valid.true_count()),
            None => batch.clone(),
        };
        if rows.num_rows() == 0 {
            return Ok(());
        }
        self.evaluate(odd, &rows)?;
        self.refuse(&rows)
    }

    /// The error that the distance gives for rows that cannot be compared with the first query.
    fn refuse(&self, rows: &RecordBatch) -> Result<()> {
        if let Some(first) = &self.first {
            self.evaluate(first, rows)?;
        }
        exec_err!("vectors of a kNN join that have different dimensions")
    }

    /// The distance of one row of the left from rows of the right.
    fn evaluate(&self, left: &RecordBatch, right: &RecordBatch) -> Result<()> {
        let rows = right.num_rows();
        let same = UInt64Array::from(vec![0; rows]);
        let left = take_record_batch(left, &same)?;
        let columns = left.columns().iter().chain(right.columns());
        let columns = columns.map(Arc::clone).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        let distances = self.join.distance.evaluate(&batch)?.into_array(rows)?;
        as_float64_array(&distances)?;
        Ok(())
    }
}

/// Rows that have a vector; `None` when all do.
fn valid_rows(vectors: &ArrayRef) -> Option<BooleanArray> {
    let nulls = vector_nulls(vectors.as_ref())?;
    Some(BooleanArray::new(nulls.into_inner(), None))
}

/// The batch with rows that have a vector before those that have none.
fn present_first(batch: &RecordBatch, valid: &BooleanArray) -> Result<RecordBatch> {
    let numbers: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..batch.num_rows() as u64));
    let present = filter(&numbers, valid)?;
    let absent = filter(&numbers, &not(valid)?)?;
    let order = concat(&[present.as_ref(), absent.as_ref()])?;
    let order = order
        .as_any()
        .downcast_ref::<UInt64Array>()
        .ok_or_else(|| internal_datafusion_err!("row numbers of another type"))?;
    Ok(take_record_batch(batch, order)?)
}
