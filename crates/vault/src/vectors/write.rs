//! Changes of the package's vector tables, written as sqlite-vec 0.1.6 itself writes them.
//!
//! A new row takes the first free slot of the newest chunk, or the first of a new chunk. Its bit in the validity map, its
//! rowid, its vector and its reference are written in place, and a row of `t_rowids` says where it is. A deleted row loses
//! its bit, its reference and its row of `t_rowids`; its vector and rowid stay in the slot.

use rusqlite::{Connection, OptionalExtension, params};

use crate::contents::{Metric, Vec0Table};
use crate::error::{Place, Result};
use crate::rows::check_name;
use crate::sql_text::quoted;

/// A row to be inserted.
#[derive(Debug, Clone, Copy)]
pub struct NewVector<'a> {
    /// Its id; the next one where there is none. A taken one is an error.
    pub id: Option<i64>,
    /// Its vector, as long as the table's.
    pub vector: &'a [f32],
    /// Its value, as it is to be stored.
    pub value: &'a [u8],
}

/// Slots of a chunk in new tables.
const CHUNK_SIZE: usize = 1024;
/// Most dimensions that sqlite-vec allows.
const DIMENSIONS_MAX: usize = 8192;

/// Makes a vector table as the package and sqlite-vec do. SQLite is asked to list the virtual table without making it, as
/// that would need the extension.
pub fn create_vectors(
    connection: &Connection,
    file: &str,
    name: &str,
    dimensions: usize,
    metric: Metric,
) -> Result<()> {
    let place = Place::table(file, "vectors", name);
    check_name(&place, name)?;
    if !(1..=DIMENSIONS_MAX).contains(&dimensions) {
        return Err(place.bad_request("the dimensions of its vectors", dimensions, "1 to 8192"));
    }
    let metric = match metric {
        Metric::L2 => "L2",
        Metric::L1 => "L1",
        Metric::Cosine => "cosine",
        Metric::Hamming => return Err(place.bad_request("its metric", metric, "l2, l1 or cosine")),
    };
    let creating = |error| place.sqlite("creating the table", error);
    let table = |suffix: &str| quoted(&format!("{name}_{suffix}"));
    let taken: Option<String> = connection
        .query_row(
            "SELECT name FROM sqlite_master WHERE lower(name) = lower(?1)",
            [name],
            |row| row.get(0),
        )
        .optional()
        .map_err(creating)?;
    if taken.is_some() {
        return Err(place.bad_request(
            "the name of a table",
            format!("'{name}', which is taken"),
            "another",
        ));
    }
    let definition = format!(
        "CREATE VIRTUAL TABLE {} USING vec0(value_ref INTEGER, vector float[{dimensions}] distance_metric={metric})",
        quoted(name)
    );
    connection
        .execute_batch(&format!(
            "CREATE TABLE {info} (key text primary key, value any);
             INSERT INTO {info} VALUES ('CREATE_VERSION', 'v0.1.6'), ('CREATE_VERSION_MAJOR', 0),
                 ('CREATE_VERSION_MINOR', 1), ('CREATE_VERSION_PATCH', 6);
             CREATE TABLE {chunks}(chunk_id INTEGER PRIMARY KEY AUTOINCREMENT,size INTEGER NOT NULL,validity BLOB NOT NULL,rowids BLOB NOT NULL);
             CREATE TABLE {rowids}(rowid INTEGER PRIMARY KEY AUTOINCREMENT,id,chunk_id INTEGER,chunk_offset INTEGER);
             CREATE TABLE {vectors}(rowid PRIMARY KEY,vectors BLOB NOT NULL);
             CREATE TABLE {metadata}(rowid PRIMARY KEY, data BLOB NOT NULL);
             CREATE TABLE {values} (id INTEGER PRIMARY KEY AUTOINCREMENT, value BLOB NOT NULL);",
            info = table("info"),
            chunks = table("chunks"),
            rowids = table("rowids"),
            vectors = table("vector_chunks00"),
            metadata = table("metadatachunks00"),
            values = table("values"),
        ))
        .map_err(creating)?;
    list_virtual_table(connection, name, Some(&definition)).map_err(creating)
}

/// Puts the entry of a virtual table into SQLite's list of tables, or takes it out, without its module.
fn list_virtual_table(
    connection: &Connection,
    name: &str,
    definition: Option<&str>,
) -> rusqlite::Result<()> {
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
    connection.execute_batch("PRAGMA writable_schema = ON")?;
    let changed = match definition {
        Some(sql) => connection.execute(
            "INSERT INTO sqlite_master(type, name, tbl_name, rootpage, sql) VALUES ('table', ?1, ?1, 0, ?2)",
            params![name, sql],
        ),
        None => connection.execute(
            "DELETE FROM sqlite_master WHERE type = 'table' AND name = ?1 AND rootpage = 0",
            [name],
        ),
    };
    // Other connections look at the list again when its version changes.
    let bumped = connection
        .query_row("PRAGMA schema_version", [], |row| row.get::<_, i64>(0))
        .and_then(|version| {
            connection.execute_batch(&format!("PRAGMA schema_version = {}", version + 1))
        });
    connection.execute_batch("PRAGMA writable_schema = RESET")?;
    changed.map(|_| ()).and(bumped)
}

/// Takes a vector table and its values away.
pub fn drop_vectors(connection: &Connection, file: &str, table: &Vec0Table) -> Result<()> {
    let place = Place::table(file, "vectors", &table.name);
    let dropping = |error| place.sqlite("dropping the table", error);
    let mut names = table.shadow_tables();
    if table.is_of_package() {
        names.push(format!("{}_values", table.name));
    }
    let drops: String = names
        .iter()
        .map(|name| format!("DROP TABLE IF EXISTS {};", quoted(name)))
        .collect();
    connection.execute_batch(&drops).map_err(dropping)?;
    list_virtual_table(connection, &table.name, None).map_err(dropping)
}

/// Changes of one of the package's vector tables, in the transaction of the connection.
#[derive(Debug)]
pub struct Vectors<'a> {
    connection: &'a Connection,
    table: &'a Vec0Table,
    dimensions: usize,
    metric: Metric,
    place: Place,
}

/// Where a row is.
struct Slot {
    chunk: i64,
    offset: usize,
}

impl<'a> Vectors<'a> {
    /// A table that [`Contents`](crate::Contents) has listed among `vectors`.
    pub fn new(connection: &'a Connection, file: &str, table: &'a Vec0Table) -> Result<Self> {
        let place = Place::table(file, "vectors", &table.name);
        match table.vector() {
            Some((_, dimensions, metric)) if table.is_of_package() => Ok(Self {
                connection,
                table,
                dimensions,
                metric,
                place,
            }),
            _ => Err(place.bad_request(
                "a table to write",
                "a vec0 table with other columns",
                "value_ref INTEGER and vector float[n]; write others through sqlite-vec",
            )),
        }
    }

    fn name(&self, suffix: &str) -> String {
        quoted(&format!("{}_{suffix}", self.table.name))
    }

    /// Adds a row; its id.
    pub fn insert(&self, new: NewVector<'_>) -> Result<i64> {
        let inserting = |error| self.place.sqlite("inserting a vector", error);
        let bytes = self.stored(new.vector)?;
        if let Some(id) = new.id
            && self.slot(id)?.is_some()
        {
            return Err(self.place.at(format!("row {id}")).bad_request(
                "an id",
                "one that is taken",
                "a new one",
            ));
        }
        self.connection
            .prepare_cached(&format!(
                "INSERT INTO {}(value) VALUES (?1)",
                self.name("values")
            ))
            .and_then(|mut statement| statement.execute([new.value]))
            .map_err(inserting)?;
        let reference = self.connection.last_insert_rowid();
        self.connection
            .prepare_cached(&format!(
                "INSERT INTO {}(rowid, id) VALUES (?1, NULL)",
                self.name("rowids")
            ))
            .and_then(|mut statement| statement.execute([new.id]))
            .map_err(inserting)?;
        let id = self.connection.last_insert_rowid();
        let slot = self.free_slot()?;
        let bit = self.validity(&slot)?;
        self.write(
            "chunks",
            "validity",
            &slot,
            slot.offset / 8,
            &[bit | 1 << (slot.offset % 8)],
        )?;
        self.write(
            "chunks",
            "rowids",
            &slot,
            slot.offset * 8,
            &id.to_le_bytes(),
        )?;
        self.write(
            "vector_chunks00",
            "vectors",
            &slot,
            slot.offset * bytes.len(),
            &bytes,
        )?;
        self.write(
            "metadatachunks00",
            "data",
            &slot,
            slot.offset * 8,
            &reference.to_le_bytes(),
        )?;
        self.connection
            .prepare_cached(&format!(
                "UPDATE {} SET chunk_id = ?2, chunk_offset = ?3 WHERE rowid = ?1",
                self.name("rowids")
            ))
            .and_then(|mut statement| {
                statement.execute(params![
                    id,
                    slot.chunk,
                    i64::try_from(slot.offset).unwrap_or(i64::MAX)
                ])
            })
            .map_err(inserting)?;
        Ok(id)
    }

    /// Deletes rows and their values by their ids; how many were there.
    pub fn delete_rows(&self, ids: &[i64]) -> Result<u64> {
        let mut deleted = 0;
        for id in ids {
            let Some(slot) = self.slot(*id)? else {
                continue;
            };
            let deleting = |error| {
                self.place
                    .at(format!("row {id}"))
                    .sqlite("deleting a vector", error)
            };
            let reference = self.reference(&slot)?;
            let bits = self.validity(&slot)?;
            self.write(
                "chunks",
                "validity",
                &slot,
                slot.offset / 8,
                &[bits & !(1 << (slot.offset % 8))],
            )?;
            self.write("metadatachunks00", "data", &slot, slot.offset * 8, &[0; 8])?;
            self.connection
                .prepare_cached(&format!(
                    "DELETE FROM {} WHERE rowid = ?1",
                    self.name("rowids")
                ))
                .and_then(|mut statement| statement.execute([id]))
                .map_err(deleting)?;
            self.connection
                .prepare_cached(&format!(
                    "DELETE FROM {} WHERE id = ?1",
                    self.name("values")
                ))
                .and_then(|mut statement| statement.execute([reference]))
                .map_err(deleting)?;
            deleted += 1;
        }
        Ok(deleted)
    }

    /// Sets the vector, the value, or both, of a row; whether it was there.
    pub fn update(&self, id: i64, vector: Option<&[f32]>, value: Option<&[u8]>) -> Result<bool> {
        let Some(slot) = self.slot(id)? else {
            return Ok(false);
        };
        if let Some(vector) = vector {
            let bytes = self.stored(vector)?;
            self.write(
                "vector_chunks00",
                "vectors",
                &slot,
                slot.offset * bytes.len(),
                &bytes,
            )?;
        }
        if let Some(value) = value {
            let reference = self.reference(&slot)?;
            self.connection
                .prepare_cached(&format!(
                    "UPDATE {} SET value = ?2 WHERE id = ?1",
                    self.name("values")
                ))
                .and_then(|mut statement| statement.execute(params![reference, value]))
                .map_err(|error| {
                    self.place
                        .at(format!("row {id}"))
                        .sqlite("updating a value", error)
                })?;
        }
        Ok(true)
    }

    /// A vector's bytes as they are stored: of unit length in tables of the cosine. The sum goes from left to right in single
    /// precision, as in the package.
    fn stored(&self, vector: &[f32]) -> Result<Vec<u8>> {
        if vector.len() != self.dimensions {
            return Err(self.place.bad_request(
                "the dimensions of a vector",
                vector.len(),
                self.dimensions,
            ));
        }
        let scale = match self.metric {
            Metric::Cosine => vector.iter().fold(0.0_f32, |sum, x| sum + x * x).sqrt(),
            _ => 0.0,
        };
        Ok(vector
            .iter()
            .map(|x| if scale > 0.0 { x / scale } else { *x })
            .flat_map(f32::to_le_bytes)
            .collect())
    }

    fn slot(&self, id: i64) -> Result<Option<Slot>> {
        let place = self.place.at(format!("row {id}"));
        let found: Option<(Option<i64>, Option<i64>)> = self
            .connection
            .prepare_cached(&format!(
                "SELECT chunk_id, chunk_offset FROM {} WHERE rowid = ?1",
                self.name("rowids")
            ))
            .and_then(|mut statement| {
                statement
                    .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(|error| place.sqlite("finding a vector", error))?;
        match found {
            None => Ok(None),
            Some((Some(chunk), Some(offset))) => {
                let offset = usize::try_from(offset)
                    .ok()
                    .filter(|offset| *offset < self.table.chunk_size)
                    .ok_or_else(|| {
                        place.damaged(
                            "its slot",
                            offset,
                            format!("below {}", self.table.chunk_size),
                        )
                    })?;
                Ok(Some(Slot { chunk, offset }))
            }
            Some(_) => Err(place.damaged("its slot", "missing", "there")),
        }
    }

    /// The first free slot of the newest chunk, or of a new one.
    fn free_slot(&self) -> Result<Slot> {
        let finding = |error| self.place.sqlite("finding a free slot", error);
        let newest: Option<(i64, Vec<u8>)> = self
            .connection
            .prepare_cached(&format!(
                "SELECT chunk_id, validity FROM {} ORDER BY chunk_id DESC LIMIT 1",
                self.name("chunks")
            ))
            .and_then(|mut statement| {
                statement
                    .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(finding)?;
        if let Some((chunk, validity)) = newest {
            let free = validity.iter().position(|byte| *byte != 0xFF);
            if let Some(byte) = free {
                let bits = validity.get(byte).copied().unwrap_or(0);
                let offset = byte * 8 + usize::try_from(bits.trailing_ones()).unwrap_or(0);
                if offset < self.table.chunk_size {
                    return Ok(Slot { chunk, offset });
                }
            }
        }
        let slots = if self.table.chunk_size == 0 {
            CHUNK_SIZE
        } else {
            self.table.chunk_size
        };
        let size = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.connection
            .execute(
                &format!(
                    "INSERT INTO {}(size, validity, rowids) VALUES (?1, zeroblob(?2), zeroblob(?3))",
                    self.name("chunks")
                ),
                params![size(slots), size(slots / 8), size(slots * 8)],
            )
            .map_err(finding)?;
        let chunk = self.connection.last_insert_rowid();
        for (table, column, bytes) in [
            ("vector_chunks00", "vectors", slots * self.dimensions * 4),
            ("metadatachunks00", "data", slots * 8),
        ] {
            self.connection
                .execute(
                    &format!(
                        "INSERT INTO {}(rowid, {column}) VALUES (?1, zeroblob(?2))",
                        self.name(table)
                    ),
                    params![chunk, size(bytes)],
                )
                .map_err(finding)?;
        }
        Ok(Slot { chunk, offset: 0 })
    }

    /// The number of a chunk's row in one of the tables: in `chunks` its id, in the others that of the row whose column
    /// `rowid` has it.
    fn row_number(&self, table: &str, chunk: i64) -> Result<i64> {
        if table == "chunks" {
            return Ok(chunk);
        }
        self.connection
            .prepare_cached(&format!(
                "SELECT oid FROM {} WHERE rowid = ?1",
                self.name(table)
            ))
            .and_then(|mut statement| statement.query_row([chunk], |row| row.get(0)))
            .map_err(|error| {
                self.place
                    .at(format!("chunk {chunk}"))
                    .sqlite("finding a chunk", error)
            })
    }

    fn write(&self, table: &str, column: &str, slot: &Slot, at: usize, bytes: &[u8]) -> Result<()> {
        let number = self.row_number(table, slot.chunk)?;
        let name = format!("{}_{table}", self.table.name);
        self.connection
            .blob_open("main", name.as_str(), column, number, false)
            .and_then(|mut blob| blob.write_all_at(bytes, at))
            .map_err(|error| {
                self.place
                    .at(format!("chunk {}", slot.chunk))
                    .sqlite("writing to a chunk", error)
            })
    }

    fn read<const N: usize>(
        &self,
        table: &str,
        column: &str,
        slot: &Slot,
        at: usize,
    ) -> Result<[u8; N]> {
        let number = self.row_number(table, slot.chunk)?;
        let name = format!("{}_{table}", self.table.name);
        let mut bytes = [0; N];
        self.connection
            .blob_open("main", name.as_str(), column, number, true)
            .and_then(|blob| blob.read_at_exact(&mut bytes, at))
            .map_err(|error| {
                self.place
                    .at(format!("chunk {}", slot.chunk))
                    .sqlite("reading a chunk", error)
            })?;
        Ok(bytes)
    }

    fn validity(&self, slot: &Slot) -> Result<u8> {
        self.read::<1>("chunks", "validity", slot, slot.offset / 8)
            .map(|[bits]| bits)
    }

    fn reference(&self, slot: &Slot) -> Result<i64> {
        self.read("metadatachunks00", "data", slot, slot.offset * 8)
            .map(i64::from_le_bytes)
    }
}
