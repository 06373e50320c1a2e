//! Rows of DataFusion's tables in memory.
//!
//! A row's id is its partition and its number within: rows that others append meanwhile change no
//! id. Batches are never changed; a table that is put back to what it was shares them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Weak};

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch, interleave};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion_catalog::streaming::StreamingTable;
use datafusion_catalog::{MemTable, TableProvider};
use datafusion_common::{Constraints, DataFusionError, Result, exec_err};
use datafusion_datasource::memory::PartitionData;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_expr::SortExpr;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_physical_plan::streaming::PartitionStream;
use futures::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, RwLockWriteGuard};

use super::key_index::check_inserted;
use super::keys::{keys_of, refuse_nulls};
use super::store::{ROW_ID, RestorePoint, RowStore, RowWriter};

/// Bits of an id that number the row within its partition.
const ROW_BITS: u32 = 40;

/// The rows of a table in memory.
#[derive(Debug, Clone)]
pub(super) struct MemoryRows {
    schema: SchemaRef,
    constraints: Constraints,
    partitions: Vec<PartitionData>,
    sort_order: Arc<Mutex<Vec<Vec<SortExpr>>>>,
}

impl MemoryRows {
    pub(super) fn of(table: &Arc<dyn TableProvider>) -> Option<Self> {
        let table = table.downcast_ref::<MemTable>()?;
        Some(Self {
            schema: table.schema(),
            constraints: table.constraints().cloned().unwrap_or_default(),
            partitions: table.batches.clone(),
            sort_order: Arc::clone(&table.sort_order),
        })
    }

    fn schema_with_ids(&self) -> SchemaRef {
        let mut fields = self.schema.fields().to_vec();
        fields.push(Arc::new(Field::new(ROW_ID, DataType::Int64, false)));
        Arc::new(Schema::new_with_metadata(
            fields,
            self.schema.metadata().clone(),
        ))
    }
}

#[async_trait]
impl RowStore for MemoryRows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn constraints(&self) -> Constraints {
        self.constraints.clone()
    }

    fn scan_with_ids(&self) -> Result<Arc<dyn TableProvider>> {
        let schema = self.schema_with_ids();
        let partitions = self
            .partitions
            .iter()
            .enumerate()
            .map(|(number, batches)| {
                Arc::new(PartitionWithIds {
                    schema: Arc::clone(&schema),
                    number: number as i64,
                    batches: Arc::clone(batches),
                }) as Arc<dyn PartitionStream>
            })
            .collect();
        Ok(Arc::new(StreamingTable::try_new(schema, partitions)?))
    }

    async fn writer(&self, name: &str) -> Result<Box<dyn RowWriter>> {
        Ok(Box::new(MemoryWriter {
            name: name.to_string(),
            rows: self.clone(),
            deleted: Vec::new(),
            updates: Vec::new(),
            inserted: Vec::new(),
            _turn: turn_of(self.identity()).lock_owned().await,
        }))
    }

    async fn restore_point(&self) -> Result<Box<dyn RestorePoint>> {
        let mut batches = Vec::with_capacity(self.partitions.len());
        for partition in &self.partitions {
            batches.push(partition.read().await.clone());
        }
        Ok(Box::new(MemoryRestorePoint {
            rows: self.clone(),
            batches,
            sort_order: self.sort_order.lock().clone(),
        }))
    }

    fn identity(&self) -> usize {
        self.partitions
            .first()
            .map_or(0, |partition| Arc::as_ptr(partition) as *const () as usize)
    }
}

/// Who may write to the table of an identity. Tables know nothing of writers, so their turns are kept here.
fn turn_of(identity: usize) -> Arc<AsyncMutex<()>> {
    static TURNS: LazyLock<Mutex<HashMap<usize, Weak<AsyncMutex<()>>>>> =
        LazyLock::new(Mutex::default);
    let mut turns = TURNS.lock();
    if let Some(turn) = turns.get(&identity).and_then(Weak::upgrade) {
        return turn;
    }
    turns.retain(|_, turn| turn.strong_count() > 0);
    let turn = Arc::new(AsyncMutex::new(()));
    turns.insert(identity, Arc::downgrade(&turn));
    turn
}

/// A partition's rows with their ids, as they are when the stream is polled first.
#[derive(Debug)]
struct PartitionWithIds {
    schema: SchemaRef,
    number: i64,
    batches: PartitionData,
}

impl PartitionStream for PartitionWithIds {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (schema, batches) = (Arc::clone(&self.schema), Arc::clone(&self.batches));
        let first = self.number << ROW_BITS;
        let stream = stream::once(async move {
            let batches = batches.read().await.clone();
            let mut next = first;
            let with_ids = batches.into_iter().map(move |batch| {
                let ids = Int64Array::from_iter_values(next..next + batch.num_rows() as i64);
                next += batch.num_rows() as i64;
                let mut columns = batch.columns().to_vec();
                columns.push(Arc::new(ids));
                Ok(RecordBatch::try_new(Arc::clone(&schema), columns)?)
            });
            Ok::<_, DataFusionError>(stream::iter(with_ids))
        })
        .try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            stream.boxed(),
        ))
    }
}

#[derive(Debug)]
struct MemoryRestorePoint {
    rows: MemoryRows,
    batches: Vec<Vec<RecordBatch>>,
    sort_order: Vec<Vec<SortExpr>>,
}

#[async_trait]
impl RestorePoint for MemoryRestorePoint {
    async fn restore(&self) {
        let _turn = turn_of(self.rows.identity()).lock_owned().await;
        for (partition, batches) in self.rows.partitions.iter().zip(&self.batches) {
            *partition.write().await = batches.clone();
        }
        *self.rows.sort_order.lock() = self.sort_order.clone();
    }
}

struct MemoryWriter {
    name: String,
    rows: MemoryRows,
    deleted: Vec<i64>,
    updates: Vec<Update>,
    inserted: Vec<RecordBatch>,
    _turn: OwnedMutexGuard<()>,
}

struct Update {
    ids: Vec<i64>,
    columns: Vec<usize>,
    values: RecordBatch,
}

/// The new values of a row of a batch: row `source` of an update.
struct NewValues {
    row: usize,
    update: usize,
    source: usize,
}

#[async_trait]
impl RowWriter for MemoryWriter {
    fn delete(&mut self, ids: Vec<i64>) {
        self.deleted.extend(ids);
    }

    fn update(&mut self, ids: Vec<i64>, columns: &[usize], values: RecordBatch) {
        self.updates.push(Update {
            ids,
            columns: columns.to_vec(),
            values,
        });
    }

    fn insert(&mut self, rows: RecordBatch) -> Result<RecordBatch> {
        self.inserted.push(rows.clone());
        Ok(rows)
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        // All partitions are locked before the first is changed.
        let mut partitions = Vec::with_capacity(self.rows.partitions.len());
        for partition in &self.rows.partitions {
            partitions.push(partition.write().await);
        }
        if self.deleted.is_empty() && self.updates.is_empty() {
            return self.append(&mut partitions);
        }
        let mut changed = partitions
            .iter()
            .enumerate()
            .map(|(number, batches)| self.changed(number, batches))
            .collect::<Result<Vec<_>>>()?;
        let count = |batches: &Vec<RecordBatch>| batches.iter().map(RecordBatch::num_rows).sum();
        let mut counts: Vec<usize> = changed.iter().map(count).collect();
        for rows in &self.inserted {
            let rows = self.checked(rows.columns().to_vec())?;
            if rows.num_rows() == 0 {
                continue;
            }
            // The shortest takes it, so that partitions stay of one size.
            let shortest = counts.iter().enumerate().min_by_key(|(_, count)| **count);
            let Some((shortest, _)) = shortest else {
                return exec_err!("table \"{}\" has no partition for rows", self.name);
            };
            counts[shortest] += rows.num_rows();
            changed[shortest].push(rows);
        }
        for key in keys_of(&self.rows.constraints, &self.rows.schema)? {
            let touched =
                |update: &Update| update.columns.iter().any(|c| key.columns().contains(c));
            if !self.inserted.is_empty() || self.updates.iter().any(touched) {
                key.check(&self.name, changed.iter().flatten())?;
            }
        }
        for (partition, batches) in partitions.iter_mut().zip(changed) {
            **partition = batches;
        }
        self.rows.sort_order.lock().clear();
        Ok(())
    }
}

impl MemoryWriter {
    /// Adds rows, where nothing else is done. What that takes depends on the new rows, not on those that are there.
    fn append(&self, partitions: &mut [RwLockWriteGuard<'_, Vec<RecordBatch>>]) -> Result<()> {
        let mut inserted = Vec::with_capacity(self.inserted.len());
        for rows in &self.inserted {
            let rows = self.checked(rows.columns().to_vec())?;
            if rows.num_rows() > 0 {
                inserted.push(rows);
            }
        }
        let (false, Some(table)) = (inserted.is_empty(), self.rows.partitions.first()) else {
            return match inserted.is_empty() {
                true => Ok(()),
                false => exec_err!("table \"{}\" has no partition for rows", self.name),
            };
        };
        let keys = keys_of(&self.rows.constraints, &self.rows.schema)?;
        let checked = match keys.is_empty() {
            true => None,
            false => {
                let table = (self.rows.identity(), table);
                let batches: Vec<&[RecordBatch]> = partitions
                    .iter()
                    .map(|batches| batches.as_slice())
                    .collect();
                let checked = check_inserted(&keys, &self.name, table, &batches, &inserted)?;
                Some(checked)
            }
        };
        let count = |batches: &Vec<RecordBatch>| batches.iter().map(RecordBatch::num_rows).sum();
        let mut counts: Vec<usize> = partitions.iter().map(|batches| count(batches)).collect();
        // All that can fail is done before the first partition is changed.
        let mut added: Vec<Vec<RecordBatch>> = vec![Vec::new(); counts.len()];
        for rows in inserted {
            // The shortest takes it, so that partitions stay of one size.
            let shortest = (0..counts.len()).min_by_key(|number| counts[*number]);
            let shortest = shortest.unwrap_or_default();
            counts[shortest] += rows.num_rows();
            added[shortest].push(rows);
        }
        let mut ends = Vec::with_capacity(added.len());
        for (batches, added) in partitions.iter().zip(added) {
            ends.push(joined(&self.rows.schema, batches, added)?);
        }
        for (batches, (kept, end)) in partitions.iter_mut().zip(ends) {
            batches.truncate(kept);
            batches.extend(end);
        }
        if let Some(checked) = checked {
            checked.keep(&keys, partitions.iter().flat_map(|batches| batches.iter()));
        }
        self.rows.sort_order.lock().clear();
        Ok(())
    }

    /// A partition's batches after the changes. Batches without a changed row are the same.
    fn changed(&self, partition: usize, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>> {
        let rows_before = Offsets::new(partition, batches);
        let mut keep: HashMap<usize, Vec<bool>> = HashMap::new();
        for (batch, row) in self.deleted.iter().filter_map(|id| rows_before.place(*id)) {
            let rows = batches[batch].num_rows();
            keep.entry(batch).or_insert_with(|| vec![true; rows])[row] = false;
        }
        let mut changed = batches.to_vec();
        let mut of_batch: HashMap<usize, Vec<NewValues>> = HashMap::new();
        for (update, values) in self.updates.iter().enumerate() {
            for (source, id) in values.ids.iter().enumerate() {
                if let Some((batch, row)) = rows_before.place(*id) {
                    let values = NewValues {
                        row,
                        update,
                        source,
                    };
                    of_batch.entry(batch).or_default().push(values);
                }
            }
        }
        for (batch, values) in of_batch {
            changed[batch] = self.updated(&batches[batch], &values)?;
        }
        for (batch, keep) in keep {
            changed[batch] = filter_record_batch(&changed[batch], &BooleanArray::from(keep))?;
        }
        changed.retain(|batch| batch.num_rows() > 0);
        Ok(changed)
    }

    /// A batch with new values in some rows, built once however many updates they come from.
    fn updated(&self, batch: &RecordBatch, values: &[NewValues]) -> Result<RecordBatch> {
        let mut columns = batch.columns().to_vec();
        for (number, column) in columns.iter_mut().enumerate() {
            let mut places: Vec<(usize, usize)> = (0..batch.num_rows()).map(|r| (0, r)).collect();
            let mut sources: Vec<&dyn Array> = vec![column.as_ref()];
            let mut source_of: HashMap<usize, Option<usize>> = HashMap::new();
            for new in values {
                let source = source_of.entry(new.update).or_insert_with(|| {
                    let update = &self.updates[new.update];
                    let value = update.columns.iter().position(|c| *c == number)?;
                    sources.push(update.values.column(value).as_ref());
                    Some(sources.len() - 1)
                });
                if let Some(source) = source {
                    places[new.row] = (*source, new.source);
                }
            }
            if sources.len() > 1 {
                *column = interleave(&sources, &places)?;
            }
        }
        self.checked(columns)
    }

    /// The columns as rows of the table.
    fn checked(&self, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
        let schema = &self.rows.schema;
        refuse_nulls(&self.name, schema, &self.rows.constraints, &columns)?;
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }
}

/// Rows of a batch that others are added to, at most.
const JOINED_ROWS_MAX: usize = 8192;

/// How many of a partition's batches stay as they are when rows are added, and what comes after them. Small batches at the end are
/// joined, each with one of half its size or more, so that a row is copied a few times and a thousand statements leave a few batches.
fn joined(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    added: Vec<RecordBatch>,
) -> Result<(usize, Vec<RecordBatch>)> {
    let mut kept = batches.len();
    let mut end: Vec<RecordBatch> = Vec::new();
    for rows in added {
        let mut parts = vec![rows];
        let mut count = parts.iter().map(RecordBatch::num_rows).sum::<usize>();
        loop {
            let before = match end.last() {
                Some(last) => last,
                None if kept > 0 => &batches[kept - 1],
                None => break,
            };
            let together = count + before.num_rows();
            if before.num_rows() > 2 * count || together > JOINED_ROWS_MAX {
                break;
            }
            count = together;
            match end.pop() {
                Some(last) => parts.push(last),
                None => {
                    kept -= 1;
                    parts.push(batches[kept].clone());
                }
            }
        }
        parts.reverse();
        end.push(match parts.as_slice() {
            [one] => one.clone(),
            several => concat_batches(schema, several)?,
        });
    }
    Ok((kept, end))
}

/// Where each batch of a partition begins.
struct Offsets {
    partition: i64,
    starts: Vec<usize>,
}

impl Offsets {
    fn new(partition: usize, batches: &[RecordBatch]) -> Self {
        let starts = batches.iter().scan(0, |next, batch| {
            *next += batch.num_rows();
            Some(*next - batch.num_rows())
        });
        Self {
            partition: partition as i64,
            starts: starts.collect(),
        }
    }

    /// The batch and the row within it of an id, if the partition is this one.
    fn place(&self, id: i64) -> Option<(usize, usize)> {
        if id >> ROW_BITS != self.partition {
            return None;
        }
        let row = (id & ((1 << ROW_BITS) - 1)) as usize;
        let batch = self.starts.partition_point(|start| *start <= row) - 1;
        Some((batch, row - self.starts[batch]))
    }
}
