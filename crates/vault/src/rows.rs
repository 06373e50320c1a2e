//! Rows of ordinary tables, by their numbers.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};

use crate::error::{Place, Result};
use crate::sql_text::quoted;

/// A name that SQLite can have in a statement: not empty, without NULs, and not one of its own.
pub(crate) fn check_name(place: &Place, name: &str) -> Result<()> {
    if name.is_empty() || name.contains('\0') {
        return Err(place.bad_request(
            "the name of a table",
            format!("'{}'", name.escape_default()),
            "one character at least, and no NUL",
        ));
    }
    Ok(())
}

/// Deletes rows of a table by their numbers; how many there were. `sql_name` is quoted.
pub(crate) fn delete_rows(
    connection: &Connection,
    place: &Place,
    sql_name: &str,
    rowids: &[i64],
) -> Result<u64> {
    let deleting = |error| place.sqlite("deleting rows", error);
    let mut statement = connection
        .prepare_cached(&format!("DELETE FROM {sql_name} WHERE _rowid_ = ?1"))
        .map_err(deleting)?;
    let mut deleted = 0;
    for rowid in rowids {
        deleted += statement.execute([rowid]).map_err(|error| {
            place
                .at(format!("row {rowid}"))
                .sqlite("deleting rows", error)
        })? as u64;
    }
    Ok(deleted)
}

/// An ordinary table over a connection.
#[derive(Debug)]
pub struct Rows<'a> {
    connection: &'a Connection,
    place: Place,
    sql_name: String,
}

impl<'a> Rows<'a> {
    /// A table of `main`, by its name.
    pub fn new(connection: &'a Connection, file: &str, table: &str) -> Self {
        Self {
            connection,
            place: Place::table(file, "main", table),
            sql_name: quoted(table),
        }
    }

    /// Adds rows: the named columns, and a value for each of them; how many.
    pub fn insert(
        &self,
        columns: &[&str],
        rows: impl IntoIterator<Item = Vec<SqlValue>>,
    ) -> Result<u64> {
        let inserting = |error| self.place.sqlite("inserting rows", error);
        let names: Vec<String> = columns.iter().map(|name| quoted(name)).collect();
        let marks = vec!["?"; columns.len()];
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "INSERT INTO {}({}) VALUES ({})",
                self.sql_name,
                names.join(", "),
                marks.join(", ")
            ))
            .map_err(inserting)?;
        let mut inserted = 0;
        for row in rows {
            inserted += statement
                .execute(params_from_iter(row))
                .map_err(inserting)? as u64;
        }
        Ok(inserted)
    }

    /// Deletes rows by their numbers; how many there were.
    pub fn delete_rows(&self, rowids: &[i64]) -> Result<u64> {
        delete_rows(self.connection, &self.place, &self.sql_name, rowids)
    }

    /// Sets the named columns of rows by their numbers; how many there were.
    pub fn update_rows(
        &self,
        columns: &[&str],
        rows: impl IntoIterator<Item = (i64, Vec<SqlValue>)>,
    ) -> Result<u64> {
        let updating = |error| self.place.sqlite("updating rows", error);
        let sets: Vec<String> = columns
            .iter()
            .map(|name| format!("{} = ?", quoted(name)))
            .collect();
        if sets.is_empty() {
            return Ok(rows.into_iter().count() as u64);
        }
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "UPDATE {} SET {} WHERE _rowid_ = ?",
                self.sql_name,
                sets.join(", ")
            ))
            .map_err(updating)?;
        let mut changed = 0;
        for (rowid, mut values) in rows {
            values.push(SqlValue::Integer(rowid));
            changed += statement
                .execute(params_from_iter(values))
                .map_err(updating)? as u64;
        }
        Ok(changed)
    }
}
