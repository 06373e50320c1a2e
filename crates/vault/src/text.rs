//! Text tables of the package: an FTS5 table, and the values beside it.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use crate::contents::TextTable;
use crate::error::{Place, Result};
use crate::rows::check_name;
use crate::select::Query;
use crate::sql_text::quoted;

/// The FROM of a text table: `t` is the FTS5 table with its `rowid` and text columns, `v.value` the value.
pub fn text_query(table: &TextTable) -> Query {
    Query {
        from: format!(
            "{} AS t LEFT JOIN {} AS v ON v.id = t.value_ref",
            quoted(&table.name),
            quoted(&format!("{}_values", table.name))
        ),
        ..Query::default()
    }
}

/// Makes a text table as the package does.
pub fn create_texts(
    connection: &Connection,
    file: &str,
    name: &str,
    columns: &[&str],
) -> Result<()> {
    let place = Place::table(file, "text", name);
    check_name(&place, name)?;
    if columns.is_empty() {
        return Err(place.bad_request("its text columns", "none", "one at least"));
    }
    let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    connection
        .execute_batch(&format!(
            "CREATE VIRTUAL TABLE {} USING fts5({}, value_ref UNINDEXED);
             CREATE TABLE {} (id INTEGER PRIMARY KEY AUTOINCREMENT, value BLOB NOT NULL)",
            quoted(name),
            columns.join(", "),
            quoted(&format!("{name}_values")),
        ))
        .map_err(|error| place.sqlite("creating the table", error))
}

/// Takes a text table and its values away.
pub fn drop_texts(connection: &Connection, file: &str, table: &TextTable) -> Result<()> {
    connection
        .execute_batch(&format!(
            "DROP TABLE {}; DROP TABLE {}",
            quoted(&table.name),
            quoted(&format!("{}_values", table.name))
        ))
        .map_err(|error| {
            Place::table(file, "text", &table.name).sqlite("dropping the table", error)
        })
}

/// Changes of a text table, in the transaction of the connection: document and value together.
#[derive(Debug)]
pub struct Texts<'a> {
    connection: &'a Connection,
    table: &'a TextTable,
    place: Place,
    name: String,
    values: String,
}

impl<'a> Texts<'a> {
    /// A table that [`Contents`](crate::Contents) has listed.
    pub fn new(connection: &'a Connection, file: &str, table: &'a TextTable) -> Self {
        Self {
            connection,
            table,
            place: Place::table(file, "text", &table.name),
            name: quoted(&table.name),
            values: quoted(&format!("{}_values", table.name)),
        }
    }

    /// Adds a document with a text for each text column; its id, given or the next one. An id that is taken is an error.
    pub fn insert(&self, id: Option<i64>, texts: &[Option<&str>], value: &[u8]) -> Result<i64> {
        let inserting = |error| self.place.sqlite("inserting a document", error);
        if texts.len() != self.table.columns.len() {
            return Err(self.place.bad_request(
                "the texts of a document",
                texts.len(),
                self.table.columns.len(),
            ));
        }
        self.connection
            .prepare_cached(&format!("INSERT INTO {}(value) VALUES (?1)", self.values))
            .and_then(|mut statement| statement.execute([value]))
            .map_err(inserting)?;
        let reference = self.connection.last_insert_rowid();
        let columns: Vec<String> = self
            .table
            .columns
            .iter()
            .map(|column| quoted(column))
            .collect();
        let marks = vec!["?"; texts.len()];
        let mut parameters: Vec<SqlValue> = vec![id.map_or(SqlValue::Null, SqlValue::Integer)];
        parameters.extend(texts.iter().map(|text| match text {
            Some(text) => SqlValue::Text((*text).to_owned()),
            None => SqlValue::Null,
        }));
        parameters.push(SqlValue::Integer(reference));
        self.connection
            .prepare_cached(&format!(
                "INSERT INTO {}(rowid, {}, value_ref) VALUES (?, {}, ?)",
                self.name,
                columns.join(", "),
                marks.join(", ")
            ))
            .and_then(|mut statement| statement.execute(params_from_iter(parameters)))
            .map_err(inserting)?;
        Ok(self.connection.last_insert_rowid())
    }

    fn reference(&self, id: i64) -> Result<Option<Option<i64>>> {
        self.connection
            .prepare_cached(&format!(
                "SELECT value_ref FROM {} WHERE rowid = ?1",
                self.name
            ))
            .and_then(|mut statement| statement.query_row([id], |row| row.get(0)).optional())
            .map_err(|error| {
                self.place
                    .at(format!("row {id}"))
                    .sqlite("finding a document", error)
            })
    }

    /// Deletes documents and their values by their ids; how many were there.
    pub fn delete_rows(&self, ids: &[i64]) -> Result<u64> {
        let mut deleted = 0;
        for id in ids {
            let Some(reference) = self.reference(*id)? else {
                continue;
            };
            let deleting = |error| {
                self.place
                    .at(format!("row {id}"))
                    .sqlite("deleting a document", error)
            };
            self.connection
                .prepare_cached(&format!("DELETE FROM {} WHERE rowid = ?1", self.name))
                .and_then(|mut statement| statement.execute([id]))
                .map_err(deleting)?;
            self.connection
                .prepare_cached(&format!("DELETE FROM {} WHERE id = ?1", self.values))
                .and_then(|mut statement| statement.execute([reference]))
                .map_err(deleting)?;
            deleted += 1;
        }
        Ok(deleted)
    }

    /// Sets text columns (by their place), the value, or both, of a document; whether it was there.
    pub fn update(
        &self,
        id: i64,
        texts: &[(usize, Option<&str>)],
        value: Option<&[u8]>,
    ) -> Result<bool> {
        let Some(reference) = self.reference(id)? else {
            return Ok(false);
        };
        let updating = |error| {
            self.place
                .at(format!("row {id}"))
                .sqlite("updating a document", error)
        };
        if let Some(value) = value {
            self.connection
                .prepare_cached(&format!(
                    "UPDATE {} SET value = ?2 WHERE id = ?1",
                    self.values
                ))
                .and_then(|mut statement| statement.execute(params![reference, value]))
                .map_err(updating)?;
        }
        if !texts.is_empty() {
            let mut sets = Vec::new();
            let mut parameters: Vec<SqlValue> = Vec::new();
            for (column, text) in texts {
                let Some(name) = self.table.columns.get(*column) else {
                    return Err(self.place.bad_request(
                        "a text column",
                        column,
                        self.table.columns.len(),
                    ));
                };
                sets.push(format!("{} = ?", quoted(name)));
                parameters
                    .push(text.map_or(SqlValue::Null, |text| SqlValue::Text(text.to_owned())));
            }
            parameters.push(SqlValue::Integer(id));
            self.connection
                .prepare_cached(&format!(
                    "UPDATE {} SET {} WHERE rowid = ?",
                    self.name,
                    sets.join(", ")
                ))
                .and_then(|mut statement| statement.execute(params_from_iter(parameters)))
                .map_err(updating)?;
        }
        Ok(true)
    }
}
