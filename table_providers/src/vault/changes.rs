//! A write transaction on a vault, for the planner of DELETE, UPDATE and DDL.

use arrow::array::RecordBatch;
use datafusion_common::{Result, exec_err, plan_err};
use ogive_vault::{
    BLOCK_BYTES_DEFAULT, Kv, MainKind, MainTable, Metric, Rows, Store, Texts, Vault, Vectors,
    Writer, create_column, create_kv, create_texts, create_vectors, delete_column_rows,
    drop_column, drop_texts, drop_vectors, quoted, update_column_rows,
};

use crate::error::vault_error;
use crate::vault::insert::{bytes, cell, column_rows, floats, insert_batch, strings, text_at};
use crate::vault::target::VaultTarget;

/// A write transaction. All methods block: call them in a blocking task. Dropped without [`commit`](Self::commit), everything
/// is undone. Rows are named by what [`VaultTable::with_rowid`](crate::VaultTable::with_rowid) gives.
#[derive(Debug)]
pub struct VaultTransaction {
    writer: Writer,
    file: Box<str>,
}

impl VaultTransaction {
    pub(super) fn begin(vault: &Vault) -> Result<Self> {
        Ok(Self {
            writer: vault.writer().map_err(vault_error)?,
            file: vault.file().into(),
        })
    }

    /// The connection, for reading what the transaction sees.
    pub(super) fn connection(&self) -> &Writer {
        &self.writer
    }

    /// The id that a row is given next where it has none of its own.
    pub(super) fn next_id(&self, table: &VaultTarget) -> Result<i64> {
        let name = match table.store() {
            Store::Vectors(vec0) => quoted(&format!("{}_rowids", vec0.name)),
            Store::Text(texts) => quoted(&texts.name),
            Store::Main(main) => quoted(&main.name),
            Store::Kv(kv) => quoted(&kv.name),
            Store::Column(column) => {
                return i64::try_from(column.length).map_err(|error| {
                    datafusion_common::exec_datafusion_err!("{}: {error}", table.place())
                });
            }
        };
        self.writer
            .query_row(
                &format!("SELECT coalesce(max(rowid), 0) + 1 FROM {name}"),
                [],
                |row| row.get(0),
            )
            .map_err(|error| vault_error(table.place().sqlite("looking for a free id", error)))
    }

    /// Makes everything durable, all or nothing.
    pub fn commit(self) -> Result<()> {
        self.writer.commit().map_err(vault_error)
    }

    /// Inserts the rows of a batch, whose columns are known by their names: those of the table's schema, any of which but
    /// keys, vectors and values of columns may be left out. How many rows were stored.
    pub fn insert(&self, table: &VaultTarget, batch: &RecordBatch) -> Result<u64> {
        insert_batch(&self.writer, table, batch)
    }

    /// Deletes rows by their numbers; how many there were. Later rows of a typed column move up.
    pub fn delete_rows(&self, table: &VaultTarget, rows: &[i64]) -> Result<u64> {
        let (writer, file) = (&self.writer, &*self.file);
        let deleted = match table.store() {
            Store::Kv(kv) => Kv::new(writer, file, kv).delete_rows(rows),
            Store::Column(column) => {
                let indexes: Vec<u64> = rows
                    .iter()
                    .filter_map(|row| u64::try_from(*row).ok())
                    .collect();
                delete_column_rows(writer, file, column, &indexes)
            }
            Store::Vectors(vec0) => {
                Vectors::new(writer, file, vec0).and_then(|vectors| vectors.delete_rows(rows))
            }
            Store::Text(texts) => Texts::new(writer, file, texts).delete_rows(rows),
            Store::Main(main) => Rows::new(writer, file, writable(table, main)?).delete_rows(rows),
        };
        deleted.map_err(vault_error)
    }

    /// Sets columns of rows by their numbers: row `k` of the batch has the new values of `rows[k]`, in columns of the table's
    /// names and types. How many rows there were.
    pub fn update_rows(
        &self,
        table: &VaultTarget,
        rows: &[i64],
        values: &RecordBatch,
    ) -> Result<u64> {
        let (writer, file) = (&self.writer, &*self.file);
        let place = table.place();
        if values.num_rows() != rows.len() {
            return exec_err!(
                "{place}: {} rows of new values for {} rows",
                values.num_rows(),
                rows.len()
            );
        }
        let schema = values.schema();
        let refused = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .find(|name| match table.store() {
                Store::Kv(_) => !matches!(*name, "key" | "value"),
                Store::Column(_) => *name != "value",
                Store::Vectors(_) => !matches!(*name, "vector" | "value"),
                Store::Text(texts) => {
                    *name != "value" && !texts.columns.iter().any(|column| column == name)
                }
                Store::Main(_) => false,
            });
        if let Some(name) = refused {
            return plan_err!("{place}: column {name} cannot be set");
        }
        let mut changed = 0;
        match table.store() {
            Store::Kv(kv) => {
                let (keys, new) = (bytes(values, "key", place)?, bytes(values, "value", place)?);
                let changes = rows
                    .iter()
                    .enumerate()
                    .map(|(at, row)| (*row, keys.get(at), new.get(at)));
                changed = Kv::new(writer, file, kv)
                    .update_rows(changes)
                    .map_err(vault_error)?;
            }
            Store::Column(column) => {
                let new = column_rows(column, values, place)?;
                let mut changes = Vec::with_capacity(rows.len());
                for (row, bytes) in rows.iter().zip(new.iter()) {
                    match u64::try_from(*row) {
                        Ok(index) => changes.push((index, bytes.to_vec())),
                        Err(_) => return exec_err!("{place}: idx is {row}, expected 0 at least"),
                    }
                }
                changed =
                    update_column_rows(writer, file, column, &changes).map_err(vault_error)?;
            }
            Store::Vectors(vec0) => {
                let target = Vectors::new(writer, file, vec0).map_err(vault_error)?;
                let new_values = bytes(values, "value", place)?;
                let vectors = match values.column_by_name("vector") {
                    Some(_) => Some(floats(values, "vector", place)?),
                    None => None,
                };
                for (at, row) in rows.iter().enumerate() {
                    let vector = match &vectors {
                        Some(vectors) => match vectors.get(at) {
                            Some(vector) => Some(vector),
                            None => return exec_err!("{place}: row {row}: the new vector is NULL"),
                        },
                        None => None,
                    };
                    let updated = target
                        .update(*row, vector, new_values.get(at))
                        .map_err(vault_error)?;
                    changed += u64::from(updated);
                }
            }
            Store::Text(texts) => {
                let target = Texts::new(writer, file, texts);
                let new_values = bytes(values, "value", place)?;
                for (at, row) in rows.iter().enumerate() {
                    let new: Vec<(usize, Option<&str>)> = texts
                        .columns
                        .iter()
                        .enumerate()
                        .filter(|(_, name)| values.column_by_name(name).is_some())
                        .map(|(index, name)| (index, text_at(strings(values, name), at)))
                        .collect();
                    let updated = target
                        .update(*row, &new, new_values.get(at))
                        .map_err(vault_error)?;
                    changed += u64::from(updated);
                }
            }
            Store::Main(main) => {
                let name = writable(table, main)?;
                let names: Vec<&str> = schema
                    .fields()
                    .iter()
                    .map(|field| field.name().as_str())
                    .collect();
                let changes = rows
                    .iter()
                    .enumerate()
                    .map(|(at, row)| {
                        let cells = values
                            .columns()
                            .iter()
                            .map(|array| cell(array, at))
                            .collect::<Result<Vec<_>>>()?;
                        Ok((*row, cells))
                    })
                    .collect::<Result<Vec<_>>>()?;
                changed = Rows::new(writer, file, name)
                    .update_rows(&names, changes)
                    .map_err(vault_error)?;
            }
        }
        Ok(changed)
    }

    /// Makes a key-value table.
    pub fn create_kv(&self, name: &str) -> Result<()> {
        create_kv(&self.writer, &self.file, name).map_err(vault_error)
    }

    /// Makes a typed column of a dtype such as `f64` or `vec:f32:3`.
    pub fn create_column(&self, name: &str, dtype: &str) -> Result<()> {
        create_column(&self.writer, &self.file, name, dtype, BLOCK_BYTES_DEFAULT)
            .map_err(vault_error)
    }

    /// Makes a vector table; the metric is `l2`, `l1` or `cosine`.
    pub fn create_vectors(&self, name: &str, dimensions: usize, metric: &str) -> Result<()> {
        let metric = match metric.to_ascii_lowercase().as_str() {
            "l2" => Metric::L2,
            "l1" => Metric::L1,
            "cosine" => Metric::Cosine,
            other => {
                return plan_err!(
                    "{}: vectors.{name}: metric is '{other}', expected 'l2', 'cosine' or 'l1'",
                    self.file
                );
            }
        };
        create_vectors(&self.writer, &self.file, name, dimensions, metric).map_err(vault_error)
    }

    /// Makes a text table.
    pub fn create_texts(&self, name: &str, columns: &[&str]) -> Result<()> {
        create_texts(&self.writer, &self.file, name, columns).map_err(vault_error)
    }

    /// Drops a table of any schema.
    pub fn drop_table(&self, table: &VaultTarget) -> Result<()> {
        let (writer, file) = (&self.writer, &*self.file);
        match table.store() {
            Store::Column(column) => drop_column(writer, file, column),
            Store::Vectors(vec0) => drop_vectors(writer, file, vec0),
            Store::Text(texts) => drop_texts(writer, file, texts),
            Store::Kv(kv) => return self.execute(&format!("DROP TABLE {}", quoted(&kv.name))),
            Store::Main(MainTable { name, kind }) => match kind {
                MainKind::View { .. } => {
                    return self.execute(&format!("DROP VIEW {}", quoted(name)));
                }
                MainKind::Vec0(vec0) => drop_vectors(writer, file, vec0),
                _ => return self.execute(&format!("DROP TABLE {}", quoted(name))),
            },
        }
        .map_err(vault_error)
    }

    /// Runs statements of SQLite's own: `CREATE TABLE` of `main`.
    pub fn execute(&self, sql: &str) -> Result<()> {
        self.writer
            .execute_batch(sql)
            .map_err(|error| vault_error(self.writer.place().sqlite("running a statement", error)))
    }
}

/// The name of a table of `main` whose rows can be changed.
fn writable<'a>(table: &VaultTarget, main: &'a MainTable) -> Result<&'a str> {
    match &main.kind {
        MainKind::Table {
            has_rowid: true, ..
        }
        | MainKind::Fts5 { .. } => Ok(&main.name),
        other => plan_err!(
            "{}: rows of a {} cannot be changed by number",
            table.place(),
            other.name()
        ),
    }
}
