//! Columns of ordinary tables, typed by how they were declared.

use rusqlite::Connection;

use crate::sql_text::quoted;

/// A column of a table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredColumn {
    /// Its name.
    pub name: String,
    /// Its type as it was declared; empty where there is none.
    pub declared: String,
    /// What is read from it.
    pub sql_type: SqlType,
    /// It was declared NOT NULL.
    pub not_null: bool,
    /// Its place in the primary key from 1 on, or 0.
    pub key_part: u32,
    /// What it is in a row that is inserted without it, as SQL; `None` for NULL.
    pub default: Option<String>,
    /// SQLite computes it.
    pub generated: bool,
}

/// What is read from a column of SQLite, in which any row may hold anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SqlType {
    /// Integers of 64 bits.
    Integer,
    /// Double precision.
    Real,
    /// Numbers of either kind, read in double precision.
    Numeric,
    /// 0 and 1.
    Boolean,
    /// Text.
    Text,
    /// Bytes.
    Blob,
    /// No type was declared: read as text whatever it is.
    Any,
}

impl SqlType {
    /// The type of a declaration, by SQLite's rules of affinity; before them, `BOOL..` is a truth value, and dates and times
    /// are the texts that SQLite's functions make of them.
    pub fn of_declaration(declared: &str) -> Self {
        let declared = declared.to_ascii_uppercase();
        let has = |part: &str| declared.contains(part);
        if declared.is_empty() || declared == "ANY" {
            Self::Any
        } else if has("BOOL") {
            Self::Boolean
        } else if has("INT") {
            Self::Integer
        } else if has("CHAR") || has("CLOB") || has("TEXT") || has("DATE") || has("TIME") {
            Self::Text
        } else if has("BLOB") {
            Self::Blob
        } else if has("REAL") || has("FLOA") || has("DOUB") {
            Self::Real
        } else {
            Self::Numeric
        }
    }
}

pub(super) fn columns(
    connection: &Connection,
    table: &str,
) -> rusqlite::Result<Vec<DeclaredColumn>> {
    let mut statement = connection.prepare(&format!("PRAGMA table_xinfo({})", quoted(table)))?;
    let mut rows = statement.query([])?;
    let mut columns = Vec::new();
    while let Some(row) = rows.next()? {
        let hidden: i64 = row.get(6)?;
        // 1 is a hidden column of a virtual table; 2 and 3 are generated ones.
        if hidden == 1 {
            continue;
        }
        let declared: String = row.get::<_, Option<String>>(2)?.unwrap_or_default();
        columns.push(DeclaredColumn {
            name: row.get(1)?,
            sql_type: SqlType::of_declaration(&declared),
            declared,
            not_null: row.get::<_, i64>(3)? != 0,
            default: row.get(4)?,
            key_part: row.get(5)?,
            generated: hidden > 1,
        });
    }
    Ok(columns)
}

/// The columns of each unique index that is not of the primary key.
pub(super) fn unique(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Vec<String>>> {
    let mut statement = connection.prepare(&format!("PRAGMA index_list({})", quoted(table)))?;
    let indexes = statement
        .query_map([], |row| {
            let unique = row.get::<_, i64>(2)? != 0;
            let partial = row.get::<_, i64>(4)? != 0;
            let origin: String = row.get(3)?;
            Ok((
                row.get::<_, String>(1)?,
                unique && !partial && origin != "pk",
            ))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut keys = Vec::new();
    for (index, _) in indexes.into_iter().filter(|(_, wanted)| *wanted) {
        let mut statement =
            connection.prepare(&format!("PRAGMA index_xinfo({})", quoted(&index)))?;
        let columns = statement
            .query_map([], |row| {
                let is_key = row.get::<_, i64>(5)? != 0;
                let name: Option<String> = row.get(2)?;
                let collation: String = row.get(4)?;
                // An expression has no name.
                let known = name.filter(|_| collation.eq_ignore_ascii_case("binary"));
                Ok((is_key, known))
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let key: Option<Vec<String>> = columns
            .into_iter()
            .filter(|(is_key, _)| *is_key)
            .map(|(_, column)| column)
            .collect();
        keys.extend(key);
    }
    Ok(keys)
}
