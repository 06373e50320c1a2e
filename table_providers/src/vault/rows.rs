//! Rows of a vault's tables, changed by their numbers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int64Type, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion_catalog::TableProvider;
use datafusion_common::{Constraint, Constraints, Result};
use ogive_vault::{MainKind, MainTable, Store};

use super::block::OpenBlock;
use super::changes::VaultTransaction;
use super::insert::check_writable;
use super::table::VaultTable;
use crate::blocking::blocking;
use crate::changes::{RestorePoint, RowStore, RowWriter};

/// A vault's table as a store of rows.
#[derive(Debug)]
pub struct VaultRows {
    table: VaultTable,
}

impl VaultRows {
    /// The rows of a table, if it is a vault's.
    pub fn of(table: &Arc<dyn TableProvider>) -> Option<Self> {
        let table = table.downcast_ref::<VaultTable>()?.clone();
        Some(Self { table })
    }
}

#[async_trait]
impl RowStore for VaultRows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.table.schema_ref())
    }

    /// Not a primary key, which could not be left out of an `INSERT`.
    fn constraints(&self) -> Constraints {
        let mut keys = vec![self.table.key_columns()];
        keys.extend(self.table.unique_columns());
        keys.retain(|columns| !columns.is_empty());
        Constraints::new_unverified(keys.into_iter().map(Constraint::Unique).collect())
    }

    fn checks_keys(&self) -> bool {
        true
    }

    fn scan_with_ids(&self) -> Result<Arc<dyn TableProvider>> {
        Ok(Arc::new(self.table.with_rowid()?))
    }

    async fn writer(&self, _name: &str) -> Result<Box<dyn RowWriter>> {
        check_writable(&self.table)?;
        let held = match self.table.block().current() {
            Some(open) => Held::Block(open),
            None => {
                let vault = self.table.vault().clone();
                Held::Own(blocking(move || VaultTransaction::begin(&vault)).await?)
            }
        };
        Ok(Box::new(VaultWriter {
            table: self.table.clone(),
            held,
            updates: Vec::new(),
            deleted: Vec::new(),
            inserted: Vec::new(),
            next_id: None,
        }))
    }

    async fn restore_point(&self) -> Result<Box<dyn RestorePoint>> {
        check_writable(&self.table)?;
        self.table.block().begin(self.table.vault()).await
    }

    fn identity(&self) -> usize {
        self.table.block().identity()
    }
}

/// The transaction that changes happen in.
enum Held {
    /// The statement's own.
    Own(VaultTransaction),
    /// That of a block.
    Block(Arc<OpenBlock>),
}

impl Held {
    fn with<T>(&self, work: impl FnOnce(&VaultTransaction) -> Result<T>) -> Result<T> {
        match self {
            Self::Own(transaction) => work(transaction),
            Self::Block(open) => open.with(work),
        }
    }
}

struct VaultWriter {
    table: VaultTable,
    held: Held,
    updates: Vec<(Vec<i64>, RecordBatch)>,
    deleted: Vec<i64>,
    inserted: Vec<RecordBatch>,
    /// The next id that nobody has, once one was wanted.
    next_id: Option<i64>,
}

#[async_trait]
impl RowWriter for VaultWriter {
    fn delete(&mut self, ids: Vec<i64>) {
        self.deleted.extend(ids);
    }

    fn update(&mut self, ids: Vec<i64>, columns: &[usize], values: RecordBatch) {
        let schema = self.table.schema_ref();
        let fields: Vec<_> = columns.iter().map(|c| schema.field(*c).clone()).collect();
        // Columns are known by their names from here on.
        let named = RecordBatch::try_new(Arc::new(Schema::new(fields)), values.columns().to_vec());
        self.updates.push((ids, named.unwrap_or(values)));
    }

    fn insert(&mut self, rows: RecordBatch) -> Result<RecordBatch> {
        let rows = self.with_ids(&rows)?;
        let rows = self.table.as_read(&rows)?;
        self.inserted.push(rows.clone());
        Ok(rows)
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let Self {
            table,
            held,
            updates,
            mut deleted,
            inserted,
            ..
        } = *self;
        blocking(move || {
            let mut apply = |transaction: &VaultTransaction| {
                for (ids, values) in &updates {
                    transaction.update_rows(&table, ids, values)?;
                }
                // All at once: rows of a typed column move when one before them goes.
                deleted.sort_unstable();
                deleted.dedup();
                if !deleted.is_empty() {
                    transaction.delete_rows(&table, &deleted)?;
                }
                if let Some(first) = inserted.first() {
                    let rows = concat_batches(&first.schema(), &inserted)?;
                    transaction.insert(&table, &rows.project(&table.stored_columns())?)?;
                }
                Ok(())
            };
            match held {
                Held::Own(transaction) => {
                    apply(&transaction)?;
                    transaction.commit()
                }
                Held::Block(open) => open.with(apply),
            }
        })
        .await
    }
}

impl VaultWriter {
    /// New rows with the ids that are left out.
    fn with_ids(&mut self, rows: &RecordBatch) -> Result<RecordBatch> {
        let Some(column) = self.table.id_column() else {
            return Ok(rows.clone());
        };
        let given = rows.column(column).as_primitive::<Int64Type>();
        if given.null_count() == 0 {
            return Ok(rows.clone());
        }
        let mut next = match self.next_id {
            Some(next) => next,
            None => {
                let table = self.table.clone();
                self.held.with(|transaction| transaction.next_id(&table))?
            }
        };
        let largest = given.iter().flatten().max();
        next = largest.map_or(next, |largest| next.max(largest.saturating_add(1)));
        let mut ids = Vec::with_capacity(given.len());
        for id in given {
            ids.push(id.unwrap_or(next));
            next += i64::from(id.is_none());
        }
        self.next_id = Some(next);
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        columns[column] = Arc::new(Int64Array::from(ids));
        Ok(RecordBatch::try_new(rows.schema(), columns)?)
    }
}

impl VaultTable {
    /// The columns of the key that rows of the table do not share.
    pub(super) fn key_columns(&self) -> Vec<usize> {
        let place = |name: &str| self.schema_ref().index_of(name).ok();
        match self.store() {
            Store::Kv(_) => place("key").into_iter().collect(),
            Store::Column(_) => Vec::new(),
            Store::Vectors(_) | Store::Text(_) => place("id").into_iter().collect(),
            Store::Main(MainTable {
                kind: MainKind::Table { columns, .. },
                ..
            }) => {
                let mut keys: Vec<_> = columns.iter().filter(|c| c.key_part > 0).collect();
                keys.sort_by_key(|column| column.key_part);
                keys.iter().filter_map(|c| place(&c.name)).collect()
            }
            Store::Main(_) => Vec::new(),
        }
    }

    /// The columns of each further key that rows do not share.
    fn unique_columns(&self) -> Vec<Vec<usize>> {
        let Store::Main(MainTable {
            kind: MainKind::Table { unique, .. },
            ..
        }) = self.store()
        else {
            return Vec::new();
        };
        let places = |key: &Vec<String>| {
            let place = |name: &String| self.schema_ref().index_of(name).ok();
            key.iter().map(place).collect::<Option<Vec<_>>>()
        };
        unique.iter().filter_map(places).collect()
    }

    /// The column of ids that are assigned where they are left out.
    pub(super) fn id_column(&self) -> Option<usize> {
        let name = match self.store() {
            Store::Vectors(_) | Store::Text(_) => "id",
            Store::Main(MainTable {
                kind: MainKind::Fts5 { .. },
                ..
            }) => "rowid",
            _ => self.rowid_alias()?,
        };
        let column = self.schema_ref().index_of(name).ok()?;
        let is_number = self.schema_ref().field(column).data_type().is_integer();
        is_number.then_some(column)
    }

    /// The columns that rows are stored with; the others are computed.
    pub(super) fn stored_columns(&self) -> Vec<usize> {
        let fields = self.schema_ref().fields();
        (0..fields.len())
            .filter(|column| self.is_stored(fields[*column].name()))
            .collect()
    }

    fn is_stored(&self, name: &str) -> bool {
        match self.store() {
            Store::Kv(_) | Store::Vectors(_) => name != "decoded",
            Store::Column(_) => name == "value",
            Store::Text(_) => name != "decoded" && name != "rank",
            Store::Main(MainTable {
                kind: MainKind::Fts5 { .. },
                ..
            }) => name != "rank",
            Store::Main(MainTable {
                kind: MainKind::Table { columns, .. },
                ..
            }) => !columns.iter().any(|c| c.name == name && c.generated),
            Store::Main(_) => true,
        }
    }

    /// The columns that an `INSERT` without a list of them gives values for.
    pub(crate) fn insert_columns(&self) -> Vec<String> {
        let fields = self.schema_ref().fields();
        self.stored_columns()
            .into_iter()
            .map(|column| fields[column].name().clone())
            .filter(|name| {
                !matches!(self.store(), Store::Main(MainTable { kind: MainKind::Fts5 { .. }, .. }) if name == "rowid")
            })
            .collect()
    }

    /// New rows with what is computed of them, as a query would read them.
    fn as_read(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let (Ok(decoded), Ok(value)) = (
            rows.schema().index_of("decoded"),
            rows.schema().index_of("value"),
        ) else {
            return Ok(rows.clone());
        };
        if matches!(self.store(), Store::Main(_) | Store::Column(_)) {
            return Ok(rows.clone());
        }
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        columns[decoded] = super::arrays::decoded(rows.column(value), self.place(), |row| {
            format!("row {row} of the input")
        })?;
        Ok(RecordBatch::try_new(rows.schema(), columns)?)
    }
}
