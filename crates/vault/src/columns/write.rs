//! Changes of columns, in layout 3 alone: the older layouts are read, and nothing writes them any more.
//!
//! Blocks are made as the package makes them. Rows of equal size fill blocks of `block_bytes / elem_size` rows, whose bytes
//! are there from the start. Rows of any size go into the last block while it has room for their bytes and their number; a
//! row longer than a block gets one of its own length. Overwriting rows of equal size happens in place; everything else but
//! appending reads the column, and writes it anew.

use rusqlite::{Connection, OptionalExtension, params};

use super::read::ColumnReader;
use super::values::Slices;
use crate::contents::{Column, ColumnSource, Layout};
use crate::dtype::{DType, ROW_BYTES_MAX};
use crate::error::{Place, Result};

/// Bytes of a block where nothing is said: those of the package.
pub const BLOCK_BYTES_DEFAULT: u64 = 1 << 20;

/// Rows in a block of rows of any size: as many as are expected at 16 bytes each, within bounds.
const EXPECTED_ROW_BYTES: u64 = 16;
const BLOCK_ROWS_MAX: u64 = 65_536;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS kvault_col_format (singleton INTEGER PRIMARY KEY CHECK(singleton = 1),
    version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS kvault_col_columns (
    col_id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    dtype TEXT NOT NULL,
    elem_size INTEGER NOT NULL CHECK(elem_size >= 0),
    length INTEGER NOT NULL DEFAULT 0 CHECK(length >= 0),
    block_bytes INTEGER NOT NULL CHECK(block_bytes > 0));
CREATE TABLE IF NOT EXISTS kvault_col_blocks (
    block_id INTEGER PRIMARY KEY,
    col_id INTEGER NOT NULL REFERENCES kvault_col_columns(col_id) ON DELETE CASCADE,
    block_no INTEGER NOT NULL,
    first_row INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    used_bytes INTEGER NOT NULL,
    capacity_bytes INTEGER NOT NULL,
    row_capacity INTEGER NOT NULL,
    UNIQUE(col_id, block_no));
CREATE INDEX IF NOT EXISTS kvault_col_row_index ON kvault_col_blocks(col_id, first_row);
CREATE TABLE IF NOT EXISTS kvault_col_data (
    block_id INTEGER PRIMARY KEY REFERENCES kvault_col_blocks(block_id) ON DELETE CASCADE,
    payload BLOB NOT NULL,
    offsets BLOB);
INSERT OR IGNORE INTO kvault_col_format VALUES (1, 1);
";

/// Makes a column without rows.
pub fn create_column(
    connection: &Connection,
    file: &str,
    name: &str,
    dtype: &str,
    block_bytes: u64,
) -> Result<()> {
    let place = Place::table(file, "columns", name);
    let creating = |error| place.sqlite("creating the column", error);
    if name.is_empty() {
        return Err(place.bad_request("the name of a column", "none", "one character at least"));
    }
    let parsed = DType::parse(dtype).map_err(|error| place.value(error))?;
    let block = i64::try_from(block_bytes)
        .ok()
        .filter(|_| (1..=ROW_BYTES_MAX as u64).contains(&block_bytes))
        .ok_or_else(|| {
            place.bad_request("the size of a block", block_bytes, "1 byte to 512 MiB")
        })?;
    connection.execute_batch(SCHEMA).map_err(creating)?;
    connection
        .execute(
            "INSERT INTO kvault_col_columns(name, dtype, elem_size, block_bytes) VALUES (?1, ?2, ?3, ?4)",
            params![name, dtype, parsed.row_bytes(false).unwrap_or(0) as u64 as i64, block],
        )
        .map_err(creating)?;
    Ok(())
}

/// What a change needs to know of its column.
struct Target<'a> {
    connection: &'a Connection,
    place: Place,
    col_id: i64,
    elem_size: u64,
    block_bytes: u64,
}

impl<'a> Target<'a> {
    fn new(connection: &'a Connection, file: &str, column: &Column) -> Result<Self> {
        let place = Place::table(file, "columns", &column.name);
        if let Err(error) = &column.dtype {
            return Err(place.value(error.clone()));
        }
        match &column.source {
            ColumnSource::Blocks {
                col_id,
                elem_size,
                block_bytes,
            } if column.layout == Layout::Three && *block_bytes > 0 => Ok(Self {
                connection,
                place,
                col_id: *col_id,
                elem_size: *elem_size,
                block_bytes: *block_bytes,
            }),
            _ => Err(place.bad_request(
                "a change of a column",
                format!("layout {}", column.layout.number()),
                "layout 3: copy the column into a new one",
            )),
        }
    }

    /// The column's length now, which other statements of the transaction may have changed.
    fn length(&self) -> Result<u64> {
        self.connection
            .prepare_cached("SELECT length FROM kvault_col_columns WHERE col_id = ?1")
            .and_then(|mut statement| {
                statement.query_row([self.col_id], |row| row.get::<_, i64>(0))
            })
            .map(|length| u64::try_from(length).unwrap_or(0))
            .map_err(|error| self.place.sqlite("reading the column's length", error))
    }

    fn set_length(&self, length: u64) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE kvault_col_columns SET length = ?2 WHERE col_id = ?1")
            .and_then(|mut statement| statement.execute(params![self.col_id, signed(length)]))
            .map(|_| ())
            .map_err(|error| self.place.sqlite("setting the column's length", error))
    }

    fn remove_blocks(&self) -> Result<()> {
        // Not left to the cascade, which works only where foreign keys are on.
        self.connection
            .execute(
                "DELETE FROM kvault_col_data WHERE block_id IN (SELECT block_id FROM kvault_col_blocks WHERE col_id = ?1)",
                [self.col_id],
            )
            .and_then(|_| {
                self.connection
                    .execute("DELETE FROM kvault_col_blocks WHERE col_id = ?1", [self.col_id])
            })
            .map(|_| ())
            .map_err(|error| self.place.sqlite("removing the column's blocks", error))
    }

    fn last_block(&self) -> Result<Option<LastBlock>> {
        self.connection
            .prepare_cached(
                "SELECT block_id, block_no, row_count, used_bytes, capacity_bytes, row_capacity
                 FROM kvault_col_blocks WHERE col_id = ?1 ORDER BY block_no DESC LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([self.col_id], |row| {
                        let size = |at: usize| {
                            row.get::<_, i64>(at)
                                .map(|size| u64::try_from(size).unwrap_or(0))
                        };
                        Ok(LastBlock {
                            id: row.get(0)?,
                            number: row.get(1)?,
                            rows: size(2)?,
                            used_bytes: size(3)?,
                            capacity_bytes: size(4)?,
                            row_capacity: size(5)?,
                        })
                    })
                    .optional()
            })
            .map_err(|error| self.place.sqlite("reading the column's blocks", error))
    }

    fn add_block(
        &self,
        number: i64,
        first_row: u64,
        capacity_bytes: u64,
        row_capacity: u64,
    ) -> Result<LastBlock> {
        let adding = |error| self.place.sqlite("adding a block", error);
        self.connection
            .prepare_cached(
                "INSERT INTO kvault_col_blocks(col_id, block_no, first_row, row_count, used_bytes, capacity_bytes, row_capacity)
                 VALUES (?1, ?2, ?3, 0, 0, ?4, ?5)",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    self.col_id,
                    number,
                    signed(first_row),
                    signed(capacity_bytes),
                    signed(row_capacity)
                ])
            })
            .map_err(adding)?;
        let id = self.connection.last_insert_rowid();
        let offsets = (self.elem_size == 0).then(|| signed((row_capacity + 1).saturating_mul(8)));
        self.connection
            .prepare_cached(
                "INSERT INTO kvault_col_data(block_id, payload, offsets)
                 VALUES (?1, zeroblob(?2), CASE WHEN ?3 IS NULL THEN NULL ELSE zeroblob(?3) END)",
            )
            .and_then(|mut statement| {
                statement.execute(params![id, signed(capacity_bytes), offsets])
            })
            .map_err(adding)?;
        Ok(LastBlock {
            id,
            number,
            rows: 0,
            used_bytes: 0,
            capacity_bytes,
            row_capacity,
        })
    }

    fn write(&self, block: &LastBlock, column: &'static str, bytes: &[u8], at: u64) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let place = self.place.at(format!("block {}", block.number));
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        self.connection
            .blob_open("main", "kvault_col_data", column, block.id, false)
            .and_then(|mut blob| blob.write_all_at(bytes, start))
            .map_err(|error| place.sqlite("writing a block", error))
    }

    fn save(&self, block: &LastBlock) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE kvault_col_blocks SET row_count = ?2, used_bytes = ?3 WHERE block_id = ?1",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    block.id,
                    signed(block.rows),
                    signed(block.used_bytes)
                ])
            })
            .map(|_| ())
            .map_err(|error| self.place.sqlite("writing a block", error))
    }

    /// Appends rows after `length` ones.
    fn append(&self, rows: &Slices, length: u64) -> Result<()> {
        if self.elem_size > 0 {
            self.append_fixed(rows, length)?;
        } else {
            self.append_variable(rows, length)?;
        }
        self.set_length(length + rows.len() as u64)
    }

    fn append_fixed(&self, rows: &Slices, length: u64) -> Result<()> {
        if let Some(row) = rows
            .iter()
            .position(|row| row.len() as u64 != self.elem_size)
        {
            return Err(self.place.at(format!("new row {row}")).bad_request(
                "a row",
                format!("{} bytes", rows.get(row).len()),
                format!("{} bytes", self.elem_size),
            ));
        }
        let capacity = (self.block_bytes / self.elem_size).max(1);
        let mut block = self.last_block()?;
        let mut rest = rows.data.as_slice();
        let mut next_row = length;
        while !rest.is_empty() {
            let mut open = match block.take() {
                Some(block) if block.rows < block.row_capacity => block,
                full => self.add_block(
                    full.map_or(0, |full| full.number + 1),
                    next_row,
                    capacity.saturating_mul(self.elem_size),
                    capacity,
                )?,
            };
            let room = (open.row_capacity - open.rows).saturating_mul(self.elem_size);
            let bytes = usize::try_from(room).unwrap_or(usize::MAX).min(rest.len());
            let Some((now, later)) = rest.split_at_checked(bytes) else {
                break;
            };
            self.write(
                &open,
                "payload",
                now,
                open.rows.saturating_mul(self.elem_size),
            )?;
            let added = bytes as u64 / self.elem_size;
            open.rows += added;
            open.used_bytes += bytes as u64;
            next_row += added;
            self.save(&open)?;
            rest = later;
            block = Some(open);
        }
        Ok(())
    }

    fn append_variable(&self, rows: &Slices, length: u64) -> Result<()> {
        let mut block = self.last_block()?;
        let mut row = 0;
        let mut next_row = length;
        while row < rows.len() {
            let bytes = rows.get(row).len() as u64;
            if bytes > ROW_BYTES_MAX as u64 {
                return Err(self.place.at(format!("new row {row}")).bad_request(
                    "a row",
                    format!("{bytes} bytes"),
                    "512 MiB at most",
                ));
            }
            let fits = |block: &LastBlock| {
                block.rows < block.row_capacity
                    && block.used_bytes.saturating_add(bytes) <= block.capacity_bytes
            };
            let mut open = match block.take() {
                Some(block) if fits(&block) => block,
                full => {
                    let (capacity, row_capacity) = if bytes > self.block_bytes {
                        (bytes, 1)
                    } else {
                        let rows = (self.block_bytes / EXPECTED_ROW_BYTES).clamp(1, BLOCK_ROWS_MAX);
                        (self.block_bytes, rows)
                    };
                    let number = full.map_or(0, |full| full.number + 1);
                    self.add_block(number, next_row, capacity, row_capacity)?
                }
            };
            // As many rows as fit, written together.
            let (start_bytes, start_rows, first) = (open.used_bytes, open.rows, row);
            let mut ends = Vec::new();
            while row < rows.len() {
                let bytes = rows.get(row).len() as u64;
                if open.rows >= open.row_capacity
                    || open.used_bytes.saturating_add(bytes) > open.capacity_bytes
                {
                    break;
                }
                open.used_bytes += bytes;
                open.rows += 1;
                ends.extend_from_slice(&open.used_bytes.to_le_bytes());
                row += 1;
            }
            let bound = |at: usize| {
                rows.offsets
                    .get(at)
                    .and_then(|offset| usize::try_from(*offset).ok())
                    .unwrap_or(0)
            };
            let bytes = rows.data.get(bound(first)..bound(row)).unwrap_or_default();
            self.write(&open, "payload", bytes, start_bytes)?;
            self.write(&open, "offsets", &ends, (start_rows + 1) * 8)?;
            next_row += (row - first) as u64;
            self.save(&open)?;
            block = Some(open);
        }
        Ok(())
    }

    /// Writes all rows anew.
    fn rewrite(&self, rows: &Slices) -> Result<()> {
        self.remove_blocks()?;
        self.append(rows, 0)
    }
}

struct LastBlock {
    id: i64,
    number: i64,
    rows: u64,
    used_bytes: u64,
    capacity_bytes: u64,
    row_capacity: u64,
}

/// Counts are far below 2^63: they fit a file.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Appends rows, each as [`pack`](crate::pack) makes it for the column's dtype, without type bytes. Returns the index of the
/// first of them.
pub fn append_rows(
    connection: &Connection,
    file: &str,
    column: &Column,
    rows: &Slices,
) -> Result<u64> {
    let target = Target::new(connection, file, column)?;
    let length = target.length()?;
    target.append(rows, length)?;
    Ok(length)
}

/// The rows of the column now.
fn current_rows(
    connection: &Connection,
    file: &str,
    column: &Column,
    length: u64,
) -> Result<Slices> {
    let column = Column {
        length,
        ..column.clone()
    };
    ColumnReader::new(connection, file, &column)?.raw(0..length)
}

/// Deletes rows by their index; later rows move up. Indexes that are not there are passed over; how many were there.
pub fn delete_column_rows(
    connection: &Connection,
    file: &str,
    column: &Column,
    indexes: &[u64],
) -> Result<u64> {
    let target = Target::new(connection, file, column)?;
    let length = target.length()?;
    let deleted: std::collections::BTreeSet<u64> = indexes
        .iter()
        .copied()
        .filter(|index| *index < length)
        .collect();
    if deleted.is_empty() {
        return Ok(0);
    }
    let rows = current_rows(connection, file, column, length)?;
    let mut kept = Slices::default();
    for (index, row) in rows.iter().enumerate() {
        // What fitted one buffer does so with rows less.
        if !deleted.contains(&(index as u64)) && !kept.push(row) {
            return Err(super::read::too_long(&target.place, index as u64));
        }
    }
    target.rewrite(&kept)?;
    Ok(deleted.len() as u64)
}

/// Sets rows by their index; how many. An index that is not there is an error.
pub fn update_column_rows(
    connection: &Connection,
    file: &str,
    column: &Column,
    changes: &[(u64, Vec<u8>)],
) -> Result<u64> {
    let target = Target::new(connection, file, column)?;
    let length = target.length()?;
    for (index, row) in changes {
        let place = target.place.at(format!("row {index}"));
        if *index >= length {
            return Err(place.bad_request(
                "an index",
                index,
                format!("0 to {}", length.saturating_sub(1)),
            ));
        }
        if target.elem_size > 0 && row.len() as u64 != target.elem_size {
            return Err(place.bad_request(
                "a row",
                format!("{} bytes", row.len()),
                format!("{} bytes", target.elem_size),
            ));
        }
    }
    if let Some(capacity) = target.block_bytes.checked_div(target.elem_size) {
        let capacity = capacity.max(1);
        for (index, row) in changes {
            let place = target.place.at(format!("row {index}"));
            let writing = |error| place.sqlite("overwriting a row", error);
            let id: i64 = connection
                .prepare_cached(
                    "SELECT block_id FROM kvault_col_blocks WHERE col_id = ?1 AND block_no = ?2",
                )
                .and_then(|mut statement| {
                    statement.query_row(params![target.col_id, signed(index / capacity)], |row| {
                        row.get(0)
                    })
                })
                .map_err(writing)?;
            let offset = (index % capacity).saturating_mul(target.elem_size);
            connection
                .blob_open("main", "kvault_col_data", "payload", id, false)
                .and_then(|mut blob| {
                    blob.write_all_at(row, usize::try_from(offset).unwrap_or(usize::MAX))
                })
                .map_err(writing)?;
        }
        return Ok(changes.len() as u64);
    }
    let new: std::collections::BTreeMap<u64, &[u8]> = changes
        .iter()
        .map(|(index, row)| (*index, row.as_slice()))
        .collect();
    let rows = current_rows(connection, file, column, length)?;
    let mut changed = Slices::default();
    for (index, row) in rows.iter().enumerate() {
        if !changed.push(new.get(&(index as u64)).copied().unwrap_or(row)) {
            return Err(super::read::too_long(&target.place, index as u64));
        }
    }
    target.rewrite(&changed)?;
    Ok(new.len() as u64)
}

/// Inserts rows before an index; later rows move down.
pub fn insert_column_rows(
    connection: &Connection,
    file: &str,
    column: &Column,
    index: u64,
    rows: &Slices,
) -> Result<()> {
    let target = Target::new(connection, file, column)?;
    let length = target.length()?;
    if index > length {
        return Err(target
            .place
            .bad_request("an index", index, format!("0 to {length}")));
    }
    if index == length {
        return target.append(rows, length);
    }
    let old = current_rows(connection, file, column, length)?;
    let at = usize::try_from(index).unwrap_or(usize::MAX);
    let mut all = Slices::default();
    let sequence = old
        .iter()
        .take(at)
        .chain(rows.iter())
        .chain(old.iter().skip(at));
    for (row, bytes) in sequence.enumerate() {
        if !all.push(bytes) {
            return Err(super::read::too_long(&target.place, row as u64));
        }
    }
    target.rewrite(&all)
}

/// Takes all rows away.
pub fn clear_column(connection: &Connection, file: &str, column: &Column) -> Result<u64> {
    let target = Target::new(connection, file, column)?;
    let length = target.length()?;
    target.remove_blocks()?;
    target.set_length(0)?;
    Ok(length)
}

/// Takes a column away.
pub fn drop_column(connection: &Connection, file: &str, column: &Column) -> Result<()> {
    let target = Target::new(connection, file, column)?;
    target.remove_blocks()?;
    connection
        .execute(
            "DELETE FROM kvault_col_columns WHERE col_id = ?1",
            [target.col_id],
        )
        .map(|_| ())
        .map_err(|error| target.place.sqlite("dropping the column", error))
}
