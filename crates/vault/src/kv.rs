//! Key-value tables: ordinary tables whose keys and values are bytes, keys in the order of their bytes.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::{Bound, RangeBounds};

use rusqlite::blob::{Blob, ZeroBlob};
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension, params};

use crate::contents::KvTable;
use crate::error::{Error, Place, Result};
use crate::select::Condition;
use crate::sql_text::quoted;

/// Longest value: what SQLite takes.
pub const VALUE_BYTES_MAX: u64 = 1_000_000_000;

/// The keys that start with a prefix, as a range: from the prefix to the least key that is greater than all of them.
///
/// ```
/// use std::ops::Bound;
/// assert_eq!(
///     ogive_vault::prefix_range(b"user:"),
///     (Bound::Included(b"user:".to_vec()), Bound::Excluded(b"user;".to_vec()))
/// );
/// assert_eq!(ogive_vault::prefix_range(b"\xff").1, Bound::Unbounded);
/// ```
pub fn prefix_range(prefix: &[u8]) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let mut end = prefix.to_vec();
    while let Some(last) = end.last_mut() {
        if let Some(raised) = last.checked_add(1) {
            *last = raised;
            return (Bound::Included(prefix.to_vec()), Bound::Excluded(end));
        }
        end.pop();
    }
    (Bound::Included(prefix.to_vec()), Bound::Unbounded)
}

/// The conditions that a key is in a range.
pub fn key_conditions(range: &impl RangeBounds<Vec<u8>>) -> Vec<Condition> {
    let one = |operator: &str, key: &Vec<u8>| Condition {
        sql: format!("key {operator} ?"),
        parameters: vec![SqlValue::Blob(key.clone())],
    };
    let start = match range.start_bound() {
        Bound::Included(key) => Some(one(">=", key)),
        Bound::Excluded(key) => Some(one(">", key)),
        Bound::Unbounded => None,
    };
    let end = match range.end_bound() {
        Bound::Included(key) => Some(one("<=", key)),
        Bound::Excluded(key) => Some(one("<", key)),
        Bound::Unbounded => None,
    };
    start.into_iter().chain(end).collect()
}

/// A key-value table over a connection. What it writes belongs to the transaction of the connection: that of a
/// [`Writer`](crate::Writer).
#[derive(Debug)]
pub struct Kv<'a> {
    connection: &'a Connection,
    table: &'a KvTable,
    place: Place,
    sql_name: String,
}

/// What becomes of a key that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnConflict {
    /// Its value is replaced, its row keeps its number: what the package does.
    #[default]
    Replace,
    /// The new value is left out.
    Ignore,
    /// It is an error.
    Refuse,
}

impl<'a> Kv<'a> {
    /// A table that [`Contents`](crate::Contents) has listed.
    pub fn new(connection: &'a Connection, file: &str, table: &'a KvTable) -> Self {
        Self {
            connection,
            table,
            place: Place::table(file, "kv", &table.name),
            sql_name: quoted(&table.name),
        }
    }

    fn at(&self, key: &[u8]) -> Place {
        self.place.at(format!("key '{}'", key.escape_ascii()))
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.connection
            .prepare_cached(&format!(
                "SELECT value FROM {} WHERE key = ?1",
                self.sql_name
            ))
            .and_then(|mut statement| {
                statement
                    .query_row([key], |row| {
                        Ok(row.get_ref(0)?.as_bytes().map(<[u8]>::to_vec)?)
                    })
                    .optional()
            })
            .map_err(|error| self.at(key).sqlite("reading a value", error))
    }

    /// Whether a key is there.
    pub fn contains(&self, key: &[u8]) -> Result<bool> {
        Ok(self.rowid(key)?.is_some())
    }

    fn rowid(&self, key: &[u8]) -> Result<Option<i64>> {
        self.connection
            .prepare_cached(&format!(
                "SELECT _rowid_ FROM {} WHERE key = ?1",
                self.sql_name
            ))
            .and_then(|mut statement| statement.query_row([key], |row| row.get(0)).optional())
            .map_err(|error| self.at(key).sqlite("finding a key", error))
    }

    /// How many keys there are.
    pub fn len(&self) -> Result<u64> {
        self.connection
            .query_row(
                &format!("SELECT count(*) FROM {}", self.sql_name),
                [],
                |row| row.get::<_, i64>(0),
            )
            .map(|rows| u64::try_from(rows).unwrap_or(0))
            .map_err(|error| self.place.sqlite("counting its rows", error))
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Keys of a range and their values, in order, until `on_entry` returns `false`.
    pub fn range(
        &self,
        range: &impl RangeBounds<Vec<u8>>,
        mut on_entry: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        let reading = |error| self.place.sqlite("reading a range of keys", error);
        let conditions = key_conditions(range);
        let mut sql = format!("SELECT key, value FROM {}", self.sql_name);
        for (index, condition) in conditions.iter().enumerate() {
            sql.push_str(if index == 0 { " WHERE " } else { " AND " });
            sql.push_str(&condition.sql);
        }
        sql.push_str(" ORDER BY key");
        let parameters = conditions
            .iter()
            .flat_map(|condition| &condition.parameters);
        let mut statement = self.connection.prepare_cached(&sql).map_err(reading)?;
        let mut rows = statement
            .query(rusqlite::params_from_iter(parameters))
            .map_err(reading)?;
        while let Some(row) = rows.next().map_err(reading)? {
            let bytes = |at: usize| {
                row.get_ref(at)
                    .and_then(|value| Ok(value.as_bytes()?))
                    .map_err(reading)
            };
            if !on_entry(bytes(0)?, bytes(1)?) {
                break;
            }
        }
        Ok(())
    }

    /// Keys that start with a prefix and their values, in order.
    pub fn prefix(&self, prefix: &[u8], on_entry: impl FnMut(&[u8], &[u8]) -> bool) -> Result<()> {
        self.range(&prefix_range(prefix), on_entry)
    }

    /// Stores a value; `false` where [`OnConflict::Ignore`] left it out.
    pub fn put(&self, key: &[u8], value: &[u8], on_conflict: OnConflict) -> Result<bool> {
        let conflict = match on_conflict {
            OnConflict::Replace if self.table.sized => {
                " ON CONFLICT(key) DO UPDATE SET value = excluded.value, size = excluded.size"
            }
            OnConflict::Replace => " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
            OnConflict::Ignore => " ON CONFLICT(key) DO NOTHING",
            OnConflict::Refuse => "",
        };
        let sql = if self.table.sized {
            format!(
                "INSERT INTO {}(key, value, size) VALUES (?1, ?2, length(?2)){conflict}",
                self.sql_name
            )
        } else {
            format!(
                "INSERT INTO {}(key, value) VALUES (?1, ?2){conflict}",
                self.sql_name
            )
        };
        self.connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.execute(params![key, value]))
            .map(|rows| rows > 0)
            .map_err(|error| self.at(key).sqlite("storing a value", error))
    }

    /// Stores values, the last of equal keys; how many.
    pub fn put_many<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
        on_conflict: OnConflict,
    ) -> Result<u64> {
        let mut stored = 0;
        for (key, value) in entries {
            stored += u64::from(self.put(key.as_ref(), value.as_ref(), on_conflict)?);
        }
        Ok(stored)
    }

    /// Takes a key away; whether it was there.
    pub fn delete(&self, key: &[u8]) -> Result<bool> {
        self.connection
            .prepare_cached(&format!("DELETE FROM {} WHERE key = ?1", self.sql_name))
            .and_then(|mut statement| statement.execute([key]))
            .map(|rows| rows > 0)
            .map_err(|error| self.at(key).sqlite("deleting a key", error))
    }

    /// A stored value to be read piece by piece, in constant memory; `None` where the key is not there.
    pub fn reader(&self, key: &[u8]) -> Result<Option<ValueReader<'a>>> {
        let Some(rowid) = self.rowid(key)? else {
            return Ok(None);
        };
        let blob = self
            .connection
            .blob_open("main", self.table.name.as_str(), "value", rowid, true)
            .map_err(|error| self.at(key).sqlite("opening a value", error))?;
        Ok(Some(ValueReader { blob }))
    }

    /// Part of a stored value: up to `length` bytes from `offset` on, fewer at its end.
    pub fn read_at(&self, key: &[u8], offset: u64, length: u64) -> Result<Option<Vec<u8>>> {
        let Some(reader) = self.reader(key)? else {
            return Ok(None);
        };
        let rest = reader.len().saturating_sub(offset);
        let mut bytes = vec![0; usize::try_from(length.min(rest)).unwrap_or(0)];
        if !bytes.is_empty() {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            reader
                .blob
                .read_at_exact(&mut bytes, start)
                .map_err(|error| self.at(key).sqlite("reading a value", error))?;
        }
        Ok(Some(bytes))
    }

    /// Stores a value of a known length, which is read piece by piece, in constant memory.
    pub fn put_from(&self, key: &[u8], length: u64, from: &mut dyn Read) -> Result<()> {
        let length_as_sql = i64::try_from(length)
            .ok()
            .filter(|_| length <= VALUE_BYTES_MAX)
            .ok_or_else(|| {
                self.at(key).bad_request(
                    "a value",
                    format!("{length} bytes"),
                    format!("{VALUE_BYTES_MAX} bytes at most"),
                )
            })?;
        let sql = if self.table.sized {
            format!(
                "INSERT INTO {}(key, value, size) VALUES (?1, ?2, ?3) ON CONFLICT(key) DO UPDATE SET value = excluded.value, size = excluded.size",
                self.sql_name
            )
        } else {
            format!(
                "INSERT INTO {}(key, value) VALUES (?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                self.sql_name
            )
        };
        let storing = |error| self.at(key).sqlite("storing a value", error);
        let mut statement = self.connection.prepare_cached(&sql).map_err(storing)?;
        if self.table.sized {
            statement.execute(params![key, ZeroBlob(length), length_as_sql])
        } else {
            statement.execute(params![key, ZeroBlob(length)])
        }
        .map_err(storing)?;
        let Some(rowid) = self.rowid(key)? else {
            return Err(self
                .at(key)
                .bad_request("a key", "missing", "there after it was stored"));
        };
        let mut blob = self
            .connection
            .blob_open("main", self.table.name.as_str(), "value", rowid, false)
            .map_err(storing)?;
        let copied =
            io::copy(&mut from.take(length), &mut blob).map_err(|source| Error::Stream {
                place: self.at(key),
                source,
            })?;
        if copied != length {
            return Err(self.at(key).bad_request(
                "a streamed value",
                format!("{copied} bytes"),
                format!("{length} bytes as announced"),
            ));
        }
        Ok(())
    }

    /// Deletes rows by their numbers; how many.
    pub fn delete_rows(&self, rowids: &[i64]) -> Result<u64> {
        crate::rows::delete_rows(self.connection, &self.place, &self.sql_name, rowids)
    }

    /// Sets key, value or both of rows by their numbers.
    pub fn update_rows<'v>(
        &self,
        rows: impl IntoIterator<Item = (i64, Option<&'v [u8]>, Option<&'v [u8]>)>,
    ) -> Result<u64> {
        let size = if self.table.sized {
            ", size = length(coalesce(?3, value))"
        } else {
            ""
        };
        let sql = format!(
            "UPDATE {} SET key = coalesce(?2, key), value = coalesce(?3, value){size} WHERE _rowid_ = ?1",
            self.sql_name
        );
        let mut changed = 0;
        for (rowid, key, value) in rows {
            let updating = |error| {
                self.place
                    .at(format!("row {rowid}"))
                    .sqlite("updating a row", error)
            };
            let mut statement = self.connection.prepare_cached(&sql).map_err(updating)?;
            changed += statement
                .execute(params![rowid, key, value])
                .map_err(updating)? as u64;
        }
        Ok(changed)
    }
}

/// Makes a key-value table as the package does.
pub fn create_kv(connection: &Connection, file: &str, name: &str) -> Result<()> {
    let place = Place::table(file, "kv", name);
    crate::rows::check_name(&place, name)?;
    connection
        .execute_batch(&format!(
            "CREATE TABLE {} (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL)",
            quoted(name)
        ))
        .map_err(|error| place.sqlite("creating the table", error))
}

/// A stored value, header included, read from the file piece by piece.
pub struct ValueReader<'a> {
    blob: Blob<'a>,
}

impl std::fmt::Debug for ValueReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ValueReader({} bytes)", self.len())
    }
}

impl ValueReader<'_> {
    /// Bytes of the value.
    pub fn len(&self) -> u64 {
        self.blob.len() as u64
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.blob.is_empty()
    }
}

impl Read for ValueReader<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.blob.read(to)
    }
}

impl Seek for ValueReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.blob.seek(to)
    }
}

/// Writes what a reader gives to a writer, as [`Kv::reader`] and standard output need it.
pub fn copy_value(from: &mut ValueReader<'_>, to: &mut dyn Write, place: &Place) -> Result<u64> {
    io::copy(from, to).map_err(|source| Error::Stream {
        place: place.clone(),
        source,
    })
}
