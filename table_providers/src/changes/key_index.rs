//! The keys of tables in memory, kept from one `INSERT` to the next.
//!
//! Without them each `INSERT` would read the key of every row that is there. They belong to the columns that they were read from, as
//! they were then: what changed a table in another way left other columns, and its keys are read anew.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, Weak};

use arrow::array::{Array, RecordBatch};
use arrow::row::OwnedRow;
use datafusion_common::Result;
use datafusion_datasource::memory::PartitionData;
use parking_lot::Mutex;

use super::keys::KeyColumns;

/// The values of one key in a table's batches.
#[derive(Debug, Default)]
pub(super) struct KeyIndex {
    values: HashSet<OwnedRow>,
    /// The key's columns of each batch. A place in memory is not given to others while there is one of these.
    read: Vec<Vec<Weak<dyn Array>>>,
}

impl KeyIndex {
    /// The values in batches that are there; no error where some are the same.
    fn build<'a>(key: &KeyColumns, batches: impl Iterator<Item = &'a RecordBatch>) -> Result<Self> {
        let mut index = Self::default();
        for batch in batches {
            index
                .values
                .extend(key.values(batch)?.into_iter().flatten());
            index.read.push(columns(key, batch));
        }
        Ok(index)
    }

    fn is_of<'a>(
        &self,
        key: &KeyColumns,
        mut batches: impl Iterator<Item = &'a RecordBatch>,
    ) -> bool {
        let same = |read: &Vec<Weak<dyn Array>>| {
            let Some(batch) = batches.next() else {
                return false;
            };
            let mut columns = key.columns().iter().zip(read);
            columns.all(|(column, read)| {
                std::ptr::addr_eq(Arc::as_ptr(batch.column(*column)), read.as_ptr())
            })
        };
        self.read.iter().all(same) && batches.next().is_none()
    }

    /// Adds the values of new rows.
    ///
    /// # Errors
    /// 23505 about the first that is there already; then none is added.
    fn add(&mut self, key: &KeyColumns, table: &str, inserted: &[RecordBatch]) -> Result<()> {
        let mut added = Vec::new();
        for batch in inserted {
            for (row, value) in key.values(batch)?.into_iter().enumerate() {
                let Some(value) = value else {
                    continue;
                };
                if self.values.insert(value.clone()) {
                    added.push(value);
                    continue;
                }
                for value in &added {
                    self.values.remove(value);
                }
                return Err(key.duplicate(table, batch, row));
            }
        }
        Ok(())
    }
}

fn columns(key: &KeyColumns, batch: &RecordBatch) -> Vec<Weak<dyn Array>> {
    let columns = key.columns().iter();
    columns
        .map(|column| Arc::downgrade(batch.column(*column)))
        .collect()
}

/// The indexes of a table's keys, in the order of the keys.
struct OfTable {
    table: Weak<dyn Send + Sync>,
    indexes: Vec<KeyIndex>,
}

static INDEXES: LazyLock<Mutex<HashMap<usize, OfTable>>> = LazyLock::new(Mutex::default);

/// The indexes of the table of an identity, taken out: whoever writes puts them back. Those of tables that are gone go too.
fn take(identity: usize) -> Vec<KeyIndex> {
    let mut all = INDEXES.lock();
    all.retain(|_, of_table| of_table.table.strong_count() > 0);
    all.remove(&identity)
        .map_or_else(Vec::new, |of_table| of_table.indexes)
}

/// Checks the keys of new rows against `batches` and each other.
///
/// # Errors
/// 23505 about the first that is there already.
pub(super) fn check_inserted(
    keys: &[KeyColumns],
    name: &str,
    (identity, table): (usize, &PartitionData),
    batches: &[&[RecordBatch]],
    inserted: &[RecordBatch],
) -> Result<Checked> {
    let mut kept = take(identity).into_iter();
    let mut indexes = Vec::with_capacity(keys.len());
    let all = || batches.iter().copied().flatten();
    for key in keys {
        let mut index = match kept.next() {
            Some(index) if index.is_of(key, all()) => index,
            _ => KeyIndex::build(key, all())?,
        };
        index.add(key, name, inserted)?;
        indexes.push(index);
    }
    let table: Arc<dyn Send + Sync> = Arc::clone(table) as _;
    Ok(Checked {
        identity,
        table: Arc::downgrade(&table),
        indexes,
    })
}

/// Indexes with the keys of rows that are about to be there.
pub(super) struct Checked {
    identity: usize,
    table: Weak<dyn Send + Sync>,
    indexes: Vec<KeyIndex>,
}

impl Checked {
    /// Keeps them, for the batches that the table has now.
    pub(super) fn keep<'a>(
        mut self,
        keys: &[KeyColumns],
        batches: impl Iterator<Item = &'a RecordBatch> + Clone,
    ) {
        for (index, key) in self.indexes.iter_mut().zip(keys) {
            index.read = batches.clone().map(|batch| columns(key, batch)).collect();
        }
        let of_table = OfTable {
            table: self.table,
            indexes: self.indexes,
        };
        INDEXES.lock().insert(self.identity, of_table);
    }
}
