//! What a kind of table does whose rows can be changed.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion_catalog::TableProvider;
use datafusion_common::{Constraints, Result};

/// The column of row ids (BIGINT) in [`RowStore::scan_with_ids`], the last one.
pub const ROW_ID: &str = "__row_id";

/// A table whose rows can be deleted and changed by id.
#[async_trait]
pub trait RowStore: Debug + Send + Sync {
    /// The columns of the table, without the row id.
    fn schema(&self) -> SchemaRef;

    /// The keys that rows must not share.
    fn constraints(&self) -> Constraints;

    /// Whether the table's own `INSERT` keeps its keys, so that one that says nothing of conflicts can go there.
    fn checks_keys(&self) -> bool {
        false
    }

    /// The table with [`ROW_ID`] as a last column. Its scans read what the table holds when they
    /// run; ids hold until the writer that was made before is committed or dropped.
    fn scan_with_ids(&self) -> Result<Arc<dyn TableProvider>>;

    /// The one writer: another waits until this one is committed or dropped. `name` is the
    /// table's in errors.
    async fn writer(&self, name: &str) -> Result<Box<dyn RowWriter>>;

    /// What the table holds now, to go back to when a transaction is rolled back.
    async fn restore_point(&self) -> Result<Box<dyn RestorePoint>>;

    /// Equal for two stores over one table.
    fn identity(&self) -> usize;
}

/// Changes to a table, which all happen at [`RowWriter::commit`] or not at all.
#[async_trait]
pub trait RowWriter: Send {
    /// Deletes rows.
    fn delete(&mut self, ids: Vec<i64>);

    /// Gives rows new values: row `i` of `values` is for `ids[i]`, column `j` of it is column
    /// `columns[j]` of the table, of that column's type.
    fn update(&mut self, ids: Vec<i64>, columns: &[usize], values: RecordBatch);

    /// Adds rows with all columns of the table, in its order and types. Returns them as they will be stored, with ids
    /// that were left out.
    ///
    /// # Errors
    /// What the table has to be asked for.
    fn insert(&mut self, rows: RecordBatch) -> Result<RecordBatch>;

    /// Does it.
    ///
    /// # Errors
    /// A NULL where there must be none (23502), a key that is there already (23505). Then nothing
    /// is changed.
    async fn commit(self: Box<Self>) -> Result<()>;
}

/// What a table held at a moment.
#[async_trait]
pub trait RestorePoint: Debug + Send + Sync {
    /// Makes the table hold it again.
    async fn restore(&self);

    /// Makes what was done since durable, where that is not done yet.
    ///
    /// # Errors
    /// It cannot be; then nothing of it is.
    async fn keep(&self) -> Result<()> {
        Ok(())
    }

    /// Whether it is of a file, of which a block changes one: two could not be committed together.
    fn is_file(&self) -> bool {
        false
    }
}
