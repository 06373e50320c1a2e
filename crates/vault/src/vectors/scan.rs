//! Rows of a `vec0` table, chunk by chunk.
//!
//! ```text
//! t_chunks(chunk_id, size, .. validity, rowids)   slot s is live if bit s % 8 (least significant first) of validity[s / 8] is set
//!                                                 its rowid is the s-th i64 of rowids
//! t_vector_chunksNN(rowid = chunk_id, vectors)    size vectors, one after the other
//! t_metadatachunksNN(rowid = chunk_id, data)      size values: i64, f64, a bit, or 16 bytes of a text:
//!                                                 u32 length, then the text itself up to 12 bytes; longer ones whole in
//!                                                 t_metadatatextNN(rowid, data)
//! t_auxiliary(rowid, valueNN ..), t_rowids(rowid, id, chunk_id, chunk_offset)
//! ```
//!
//! The columns `rowid` of the chunk tables are columns of their own, not the numbers that SQLite gives rows.

use std::ops::{Range, RangeInclusive};

use rusqlite::blob::Blob;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use crate::columns::Numbers;
use crate::contents::{ScalarType, Vec0Role, Vec0Table, VectorElement};
use crate::element::Element;
use crate::error::{Place, Result};
use crate::select::{ReadAs, RowColumn};
use crate::sql_text::quoted;

/// What to read of a `vec0` table.
#[derive(Debug, Clone)]
pub struct Vec0Scan<'a> {
    /// The table.
    pub table: &'a Vec0Table,
    /// The columns wanted, by their place in the definition.
    pub columns: Vec<usize>,
    /// Besides, the package's values: column `value` of the table `t_values`, by the column `value_ref`.
    pub values: bool,
    /// Rowids wanted.
    pub ids: RangeInclusive<i64>,
    /// Chunks wanted, by their number.
    pub chunks: RangeInclusive<i64>,
}

/// Rows of a chunk.
#[derive(Debug, Clone)]
pub struct Vec0Batch {
    /// The rowids.
    pub ids: Vec<i64>,
    /// The columns wanted, in their order.
    pub columns: Vec<Vec0BatchColumn>,
    /// The package's values, where they are wanted.
    pub values: Option<RowColumn>,
}

/// A column of a batch.
#[derive(Debug, Clone)]
pub enum Vec0BatchColumn {
    /// Vectors: all numbers, row after row. Bits are one byte each.
    Vectors {
        /// The numbers.
        numbers: Numbers,
        /// Numbers of a vector.
        dimensions: usize,
    },
    /// Anything else.
    Scalars(RowColumn),
}

/// Bytes of a short text, its length included.
const TEXT_VIEW_BYTES: usize = 16;
const TEXT_INLINE_MAX: usize = 12;

impl ScalarType {
    /// What a column of this type is read as.
    pub fn read_as(self) -> ReadAs {
        match self {
            Self::Boolean => ReadAs::Boolean,
            Self::Integer => ReadAs::Integer,
            Self::Float => ReadAs::Float,
            Self::Text => ReadAs::Text,
            Self::Blob => ReadAs::Bytes,
        }
    }
}

impl Vec0Scan<'_> {
    /// Gives the rows batch by batch, until `on_batch` returns `false`.
    pub fn run(
        &self,
        connection: &Connection,
        place: &Place,
        mut on_batch: impl FnMut(Vec0Batch) -> bool,
    ) -> Result<()> {
        for chunk in self.chunks(connection, place)? {
            let slots = self.slots(connection, place, chunk)?;
            if !slots.is_empty() && !on_batch(self.read(connection, place, chunk, &slots)?) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The chunks with wanted rows, in order.
    pub fn chunks(&self, connection: &Connection, place: &Place) -> Result<Vec<i64>> {
        let reading = |error| place.sqlite("reading its list of chunks", error);
        let name = &self.table.name;
        let chunks = quoted(&format!("{name}_chunks"));
        let rowids = quoted(&format!("{name}_rowids"));
        let (first, last) = (self.chunks.start(), self.chunks.end());
        let all = self.ids == (i64::MIN..=i64::MAX);
        let sql = if all {
            format!(
                "SELECT chunk_id FROM {chunks} WHERE chunk_id BETWEEN ?1 AND ?2 ORDER BY chunk_id"
            )
        } else {
            format!(
                "SELECT DISTINCT chunk_id FROM {rowids} WHERE chunk_id BETWEEN ?1 AND ?2 AND rowid BETWEEN ?3 AND ?4 ORDER BY chunk_id"
            )
        };
        let mut statement = connection.prepare_cached(&sql).map_err(reading)?;
        let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let rows = if all {
            statement.query_map([first, last], read)
        } else {
            statement.query_map([first, last, self.ids.start(), self.ids.end()], read)
        };
        rows.and_then(Iterator::collect).map_err(reading)
    }

    /// The slots of a chunk that hold wanted rows, and their rowids; in order.
    pub fn slots(
        &self,
        connection: &Connection,
        place: &Place,
        chunk: i64,
    ) -> Result<Vec<(usize, i64)>> {
        let place = place.at(format!("chunk {chunk}"));
        let reading = |error| place.sqlite("reading the chunk", error);
        let slots = self.table.chunk_size;
        let mut statement = connection
            .prepare_cached(&format!(
                "SELECT size, validity, rowids FROM {} WHERE chunk_id = ?1",
                quoted(&format!("{}_chunks", self.table.name))
            ))
            .map_err(reading)?;
        let mut rows = statement.query([chunk]).map_err(reading)?;
        let Some(row) = rows.next().map_err(reading)? else {
            return Err(place.damaged("the chunk", "missing", "there"));
        };
        let size: i64 = row.get(0).map_err(reading)?;
        if usize::try_from(size) != Ok(slots) {
            return Err(place.damaged("its number of slots", size, slots));
        }
        let blob = |at: usize, what: &'static str, expected: usize| -> Result<&[u8]> {
            match row.get_ref(at).map_err(reading)? {
                ValueRef::Blob(bytes) if bytes.len() == expected => Ok(bytes),
                ValueRef::Blob(bytes) => Err(place.damaged(
                    what,
                    format!("{} bytes", bytes.len()),
                    format!("{expected} bytes"),
                )),
                other => Err(place.damaged(what, other.data_type(), format!("{expected} bytes"))),
            }
        };
        let validity = blob(1, "its validity map", slots / 8)?;
        let rowids = blob(2, "its list of rowids", slots * 8)?;
        Ok(rowids
            .chunks_exact(8)
            .enumerate()
            .filter(|(slot, _)| {
                validity
                    .get(slot / 8)
                    .is_some_and(|byte| byte & (1 << (slot % 8)) != 0)
            })
            .map(|(slot, id)| (slot, bytemuck::pod_read_unaligned::<i64>(id)))
            .filter(|(_, id)| self.ids.contains(id))
            .collect())
    }

    /// The vectors of a column in some slots of a chunk, as they are stored; those of slots without a row are of no meaning.
    /// `column` is the column's place in the definition.
    pub fn vectors_of(
        &self,
        connection: &Connection,
        place: &Place,
        chunk: i64,
        column: usize,
        slots: Range<usize>,
        to: &mut Vec<u8>,
    ) -> Result<()> {
        let Some(Vec0Role::Vector {
            index,
            element,
            dimensions,
            ..
        }) = self.table.columns.get(column).map(|column| column.role)
        else {
            return Err(place.bad_request("a column to search", column, "one of vectors"));
        };
        let place = place.at(format!("chunk {chunk}"));
        let read = ChunkColumn {
            connection,
            place: &place,
            table: self.table,
            chunk,
            live: &[],
        };
        let vector_bytes = element.vector_bytes(dimensions);
        let blob = read.vector_blob(index, vector_bytes)?;
        if slots.end > self.table.chunk_size {
            return Err(place.bad_request("a slot", slots.end, self.table.chunk_size));
        }
        to.resize(slots.len() * vector_bytes, 0);
        blob.read_at_exact(to, slots.start * vector_bytes)
            .map_err(|error| place.sqlite("reading the chunk", error))
    }

    /// The rows in some slots of a chunk, which [`Self::slots`] has named.
    pub fn read(
        &self,
        connection: &Connection,
        place: &Place,
        chunk: i64,
        live: &[(usize, i64)],
    ) -> Result<Vec0Batch> {
        let place = place.at(format!("chunk {chunk}"));
        let name = &self.table.name;
        let mut batch = Vec0Batch {
            ids: live.iter().map(|(_, id)| *id).collect(),
            columns: Vec::with_capacity(self.columns.len()),
            values: None,
        };
        let read = ChunkColumn {
            connection,
            place: &place,
            table: self.table,
            chunk,
            live,
        };
        for &column in &self.columns {
            let Some(column) = self.table.columns.get(column) else {
                return Err(place.bad_request("a column", column, self.table.columns.len()));
            };
            batch.columns.push(match column.role {
                Vec0Role::Vector {
                    index,
                    element,
                    dimensions,
                    ..
                } => read.vectors(index, element, dimensions)?,
                Vec0Role::Metadata { index, scalar } => {
                    Vec0BatchColumn::Scalars(read.metadata(index, scalar)?)
                }
                Vec0Role::Partition { index, scalar } => {
                    Vec0BatchColumn::Scalars(read.partition(index, scalar)?)
                }
                Vec0Role::PrimaryKey(ScalarType::Text) => Vec0BatchColumn::Scalars(read.beside(
                    &format!("{name}_rowids"),
                    "id",
                    ScalarType::Text,
                )?),
                Vec0Role::PrimaryKey(_) => {
                    let mut ids = RowColumn::empty(ReadAs::Integer);
                    for (_, id) in live {
                        read.push(&mut ids, ScalarType::Integer, ValueRef::Integer(*id))?;
                    }
                    Vec0BatchColumn::Scalars(ids)
                }
                Vec0Role::Auxiliary { index, scalar } => Vec0BatchColumn::Scalars(read.beside(
                    &format!("{name}_auxiliary"),
                    &format!("value{index:02}"),
                    scalar,
                )?),
            });
        }
        if self.values {
            batch.values = Some(read.package_values()?);
        }
        Ok(batch)
    }
}

/// A column of a chunk, of whose slots some are wanted.
struct ChunkColumn<'a> {
    connection: &'a Connection,
    place: &'a Place,
    table: &'a Vec0Table,
    chunk: i64,
    /// Wanted slots and their rowids.
    live: &'a [(usize, i64)],
}

impl<'a> ChunkColumn<'a> {
    fn push(&self, column: &mut RowColumn, scalar: ScalarType, value: ValueRef<'_>) -> Result<()> {
        column
            .push(scalar.read_as(), value)
            .map_err(|found| self.place.damaged("a value", found, format!("{scalar:?}")))
    }

    /// The chunk's blob in one of the tables, of exactly the length that its slots need.
    fn blob(&self, table: &str, column: &str, expected: usize) -> Result<Blob<'a>> {
        let reading = |error| self.place.sqlite("reading the chunk", error);
        // `rowid` is a column there: the number of the row is `oid`.
        let number: Option<i64> = self
            .connection
            .prepare_cached(&format!(
                "SELECT oid FROM {} WHERE rowid = ?1",
                quoted(table)
            ))
            .and_then(|mut statement| {
                statement
                    .query_row([self.chunk], |row| row.get(0))
                    .optional()
            })
            .map_err(reading)?;
        let Some(number) = number else {
            return Err(self
                .place
                .damaged("its part", format!("missing in {table}"), "there"));
        };
        let blob = self
            .connection
            .blob_open("main", table, column, number, true)
            .map_err(reading)?;
        if blob.len() != expected {
            return Err(self
                .place
                .at(format!("chunk {} of {table}", self.chunk))
                .damaged(
                    "its length",
                    format!("{} bytes", blob.len()),
                    format!("{expected} bytes"),
                ));
        }
        Ok(blob)
    }

    fn vector_blob(&self, index: usize, vector_bytes: usize) -> Result<Blob<'a>> {
        let table = format!("{}_vector_chunks{index:02}", self.table.name);
        self.blob(&table, "vectors", self.table.chunk_size * vector_bytes)
    }

    /// The chunk's value of a partition column, once for each row.
    fn partition(&self, index: usize, scalar: ScalarType) -> Result<RowColumn> {
        let reading = |error| self.place.sqlite("reading the chunk", error);
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "SELECT partition{index:02} FROM {} WHERE chunk_id = ?1",
                quoted(&format!("{}_chunks", self.table.name))
            ))
            .map_err(reading)?;
        let mut rows = statement.query([self.chunk]).map_err(reading)?;
        let Some(row) = rows.next().map_err(reading)? else {
            return Err(self.place.damaged("the chunk", "missing", "there"));
        };
        let value = row.get_ref(0).map_err(reading)?;
        let mut values = RowColumn::empty(scalar.read_as());
        for _ in self.live {
            self.push(&mut values, scalar, value)?;
        }
        Ok(values)
    }

    fn vectors(
        &self,
        index: usize,
        element: VectorElement,
        dimensions: usize,
    ) -> Result<Vec0BatchColumn> {
        let vector_bytes = element.vector_bytes(dimensions);
        let blob = self.vector_blob(index, vector_bytes)?;
        let bytes = self.live.len() * vector_bytes;
        let mut numbers = match element {
            VectorElement::Float32 => Numbers::zeroed(Element::F32, bytes / 4),
            VectorElement::Int8 => Numbers::zeroed(Element::I8, bytes),
            VectorElement::Bit => Numbers::zeroed(Element::U8, bytes),
        };
        self.read_slots(&blob, vector_bytes, numbers.as_bytes_mut())?;
        if element == VectorElement::Bit {
            let bits = numbers
                .as_bytes()
                .chunks_exact(vector_bytes)
                .flat_map(|vector| {
                    (0..dimensions)
                        .map(|bit| vector.get(bit / 8).map_or(0, |byte| byte >> (bit % 8) & 1))
                })
                .collect();
            numbers = Numbers::Bool(bits);
        }
        Ok(Vec0BatchColumn::Vectors {
            numbers,
            dimensions,
        })
    }

    /// Wanted slots to a buffer: neighbours at once, straight from the pages of the file.
    fn read_slots(&self, blob: &Blob<'_>, slot_bytes: usize, to: &mut [u8]) -> Result<()> {
        let mut rest = to;
        let neighbours = self.live.chunk_by(|(a, _), (b, _)| a + 1 == *b);
        for run in neighbours {
            let first = run.first().map_or(0, |(slot, _)| *slot);
            let Some((now, later)) =
                std::mem::take(&mut rest).split_at_mut_checked(run.len() * slot_bytes)
            else {
                break;
            };
            rest = later;
            blob.read_at_exact(now, first * slot_bytes)
                .map_err(|error| self.place.sqlite("reading the chunk", error))?;
        }
        Ok(())
    }

    fn metadata(&self, index: usize, scalar: ScalarType) -> Result<RowColumn> {
        let slots = self.table.chunk_size;
        let name = &self.table.name;
        let (total, slot_bytes) = match scalar {
            ScalarType::Boolean => (slots / 8, 0),
            ScalarType::Text => (slots * TEXT_VIEW_BYTES, TEXT_VIEW_BYTES),
            _ => (slots * 8, 8),
        };
        let blob = self.blob(&format!("{name}_metadatachunks{index:02}"), "data", total)?;
        let mut column = RowColumn::empty(scalar.read_as());
        if scalar == ScalarType::Boolean {
            let mut bits = vec![0; total];
            blob.read_at_exact(&mut bits, 0)
                .map_err(|error| self.place.sqlite("reading the chunk", error))?;
            for (slot, _) in self.live {
                let bit = bits.get(slot / 8).map_or(0, |byte| byte >> (slot % 8) & 1);
                self.push(&mut column, scalar, ValueRef::Integer(bit.into()))?;
            }
            return Ok(column);
        }
        let mut bytes = vec![0; self.live.len() * slot_bytes];
        self.read_slots(&blob, slot_bytes, &mut bytes)?;
        for (slot, (_, id)) in bytes.chunks_exact(slot_bytes).zip(self.live) {
            match scalar {
                ScalarType::Integer => {
                    let number = bytemuck::pod_read_unaligned::<i64>(slot);
                    self.push(&mut column, scalar, ValueRef::Integer(number))?;
                }
                ScalarType::Float => {
                    let number = bytemuck::pod_read_unaligned::<f64>(slot);
                    self.push(&mut column, scalar, ValueRef::Real(number))?;
                }
                _ => self.metadata_text(&mut column, index, slot, *id)?,
            }
        }
        Ok(column)
    }

    fn metadata_text(
        &self,
        column: &mut RowColumn,
        index: usize,
        view: &[u8],
        id: i64,
    ) -> Result<()> {
        let length = view
            .first_chunk()
            .map_or(0, |length: &[u8; 4]| i32::from_le_bytes(*length));
        let inline = usize::try_from(length)
            .ok()
            .filter(|length| *length <= TEXT_INLINE_MAX);
        if let Some(text) = inline.and_then(|length| view.get(4..4 + length)) {
            return self.push(column, ScalarType::Text, ValueRef::Text(text));
        }
        let table = quoted(&format!("{}_metadatatext{index:02}", self.table.name));
        self.push_by_id(
            column,
            &format!("SELECT data FROM {table} WHERE rowid = ?1"),
            id,
            ScalarType::Text,
        )
    }

    /// A column of a table that has a row for each rowid.
    fn beside(&self, table: &str, column: &str, scalar: ScalarType) -> Result<RowColumn> {
        let sql = format!(
            "SELECT {} FROM {} WHERE rowid = ?1",
            quoted(column),
            quoted(table)
        );
        let mut values = RowColumn::empty(scalar.read_as());
        for (_, id) in self.live {
            self.push_by_id(&mut values, &sql, *id, scalar)?;
        }
        Ok(values)
    }

    fn push_by_id(
        &self,
        column: &mut RowColumn,
        sql: &str,
        id: i64,
        scalar: ScalarType,
    ) -> Result<()> {
        let reading = |error| {
            self.place
                .at(format!("row {id}"))
                .sqlite("reading the row", error)
        };
        let mut statement = self.connection.prepare_cached(sql).map_err(reading)?;
        let mut rows = statement.query([id]).map_err(reading)?;
        match rows.next().map_err(reading)? {
            Some(row) => {
                let value = row.get_ref(0).map_err(reading)?;
                self.push(column, scalar, value)
            }
            None => {
                column.push_null();
                Ok(())
            }
        }
    }

    fn package_values(&self) -> Result<RowColumn> {
        let references = self.metadata(0, ScalarType::Integer)?;
        let crate::select::RowValues::Integers(references) = references.values else {
            return Err(self
                .place
                .damaged("its references", "not integers", "integers"));
        };
        let sql = format!(
            "SELECT value FROM {} WHERE id = ?1",
            quoted(&format!("{}_values", self.table.name))
        );
        let mut values = RowColumn::empty(ReadAs::Bytes);
        for reference in references {
            self.push_by_id(&mut values, &sql, reference, ScalarType::Blob)?;
        }
        Ok(values)
    }
}
