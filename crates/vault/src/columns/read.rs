//! Rows of a column, whatever its layout.

use std::ops::Range;

use rusqlite::Connection;

use super::blocks::Blocks;
use super::decode::{decode_rows, from_fixed_rows};
use super::streams::{Chunks, read_ends, read_triples};
use super::values::{ColumnValues, Numbers, Slices};
use crate::contents::{Column, ColumnSource};
use crate::dtype::DType;
use crate::error::{Place, Result};

/// About as many bytes are decoded at a time: a batch is then still in cache when it is read.
const BATCH_BYTES: u64 = 1 << 20;
/// Bytes that are taken at once on the word of a header; for more, the file has to be as large.
const TRUSTED_BYTES: u64 = 16 << 20;

/// Reads rows of a column over a connection.
#[derive(Debug)]
pub struct ColumnReader<'a> {
    connection: &'a Connection,
    column: &'a Column,
    dtype: &'a DType,
    place: Place,
    /// Bytes of the whole file: no value is longer.
    file_bytes: u64,
}

/// The rows of a range as one set of buffers.
pub fn read_column(
    connection: &Connection,
    file: &str,
    column: &Column,
    rows: Range<u64>,
) -> Result<ColumnValues> {
    let reader = ColumnReader::new(connection, file, column)?;
    reader.read(rows)
}

impl<'a> ColumnReader<'a> {
    /// Prepares to read; fails where the dtype is not understood.
    pub fn new(connection: &'a Connection, file: &str, column: &'a Column) -> Result<Self> {
        let place = Place::table(file, "columns", &column.name);
        let dtype = match &column.dtype {
            Ok(dtype) => dtype,
            Err(error) => return Err(place.value(error.clone())),
        };
        let file_bytes = connection
            .query_row(
                "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
                [],
                |row| row.get::<_, i64>(0),
            )
            .map_err(|error| place.sqlite("reading the size of the file", error))?;
        Ok(Self {
            connection,
            column,
            dtype,
            place,
            file_bytes: u64::try_from(file_bytes).unwrap_or(0),
        })
    }

    /// Rows that make a batch of about a mebibyte.
    pub fn batch_rows(&self) -> u64 {
        match self.row_bytes() {
            Some(bytes) => (BATCH_BYTES / bytes.max(1)).max(1),
            None => 8192,
        }
    }

    /// Decodes the rows of a range, a batch at a time, until `on_batch` returns `false`.
    pub fn scan(
        &self,
        rows: Range<u64>,
        mut on_batch: impl FnMut(u64, ColumnValues) -> bool,
    ) -> Result<()> {
        let end = rows.end.min(self.column.length);
        let mut first = rows.start;
        while first < end {
            let batch = first..end.min(first.saturating_add(self.batch_rows()));
            let values = self.read_some(batch)?;
            let read = values.rows() as u64;
            if read == 0 {
                return Err(self.place.at(format!("row {first}")).damaged(
                    "the number of rows",
                    first,
                    self.column.length,
                ));
            }
            if !on_batch(first, values) {
                return Ok(());
            }
            first += read;
        }
        Ok(())
    }

    /// Decodes the rows of a range into one set of buffers. Rows past the end are left out.
    pub fn read(&self, rows: Range<u64>) -> Result<ColumnValues> {
        let rows = rows.start.min(self.column.length)..rows.end.min(self.column.length);
        if self.column.is_fixed() {
            return self.read_some(rows);
        }
        let raw = self.raw(rows.clone())?;
        decode_rows(self.dtype, raw, &self.place, rows.start)
    }

    /// The rows as they are stored; all of a range, in one buffer.
    pub(super) fn raw(&self, rows: Range<u64>) -> Result<Slices> {
        let mut raw = Slices::default();
        let mut first = rows.start;
        while first < rows.end {
            let before = raw.len();
            self.append_raw(first..rows.end, u64::MAX, &mut raw)?;
            let read = (raw.len() - before) as u64;
            if read == 0 {
                return Err(self.place.at(format!("row {first}")).damaged(
                    "the number of rows",
                    first,
                    self.column.length,
                ));
            }
            first += read;
        }
        Ok(raw)
    }

    fn row_bytes(&self) -> Option<u64> {
        match &self.column.source {
            ColumnSource::Blocks { elem_size, .. } if *elem_size > 0 => Some(*elem_size),
            ColumnSource::Stream(stream) => Some(stream.elem_size),
            _ => None,
        }
    }

    /// Some of the rows, from the first on; for columns of equal rows all of them.
    fn read_some(&self, rows: Range<u64>) -> Result<ColumnValues> {
        if let Some(row_bytes) = self.row_bytes() {
            let count = rows.end.saturating_sub(rows.start);
            let bytes = self.take(count, row_bytes, rows.start)?;
            let (DType::Scalar(element) | DType::FixedVector { element, .. }) = self.dtype else {
                let mut data = vec![0; bytes];
                self.fill(rows.start, row_bytes, &mut data)?;
                return from_fixed_rows(self.dtype, data, row_bytes, &self.place, rows.start);
            };
            if let DType::FixedVector { shape, .. } = self.dtype {
                let dimensions: usize = shape.iter().product();
                if self.column.is_tagged() {
                    let mut data = vec![0; bytes];
                    self.fill(rows.start, row_bytes, &mut data)?;
                    return super::decode::untag(
                        *element,
                        dimensions,
                        &data,
                        row_bytes,
                        &self.place,
                        rows.start,
                    );
                }
                let mut numbers = Numbers::zeroed(*element, bytes / element.size());
                self.fill(rows.start, row_bytes, numbers.as_bytes_mut())?;
                return Ok(ColumnValues::FixedVectors {
                    numbers,
                    dimensions,
                });
            }
            let mut numbers = Numbers::zeroed(*element, bytes / element.size());
            self.fill(rows.start, row_bytes, numbers.as_bytes_mut())?;
            return Ok(ColumnValues::Numbers(numbers));
        }
        let mut raw = Slices::default();
        self.append_raw(rows.clone(), BATCH_BYTES, &mut raw)?;
        decode_rows(self.dtype, raw, &self.place, rows.start)
    }

    /// Bytes of that many rows, if the file can hold them.
    fn take(&self, count: u64, row_bytes: u64, first: u64) -> Result<usize> {
        let limit = self.file_bytes.max(TRUSTED_BYTES);
        count
            .checked_mul(row_bytes)
            .filter(|bytes| *bytes <= limit)
            .and_then(|bytes| usize::try_from(bytes).ok())
            .ok_or_else(|| {
                self.place.at(format!("row {first}")).damaged(
                    "the size of its rows",
                    format!("{count} of {row_bytes} bytes"),
                    format!("{limit} bytes at most, as the file is no larger"),
                )
            })
    }

    /// Fills a buffer with rows of equal size.
    fn fill(&self, first: u64, row_bytes: u64, to: &mut [u8]) -> Result<()> {
        match &self.column.source {
            ColumnSource::Blocks { col_id, .. } => {
                Blocks::new(self.connection, &self.place, *col_id).fill(first, row_bytes, to)
            }
            ColumnSource::Stream(stream) => {
                let mut chunks = Chunks::new(self.connection, &self.place, stream.col_id);
                chunks.fill(stream.max_chunk_bytes, first.saturating_mul(row_bytes), to)
            }
            ColumnSource::Triples { .. } | ColumnSource::Ends { .. } => Ok(()),
        }
    }

    /// Appends rows as they are stored, until about `bytes_max` are there.
    fn append_raw(&self, rows: Range<u64>, bytes_max: u64, out: &mut Slices) -> Result<()> {
        match &self.column.source {
            ColumnSource::Blocks {
                col_id, elem_size, ..
            } => {
                let mut blocks = Blocks::new(self.connection, &self.place, *col_id);
                if *elem_size > 0 {
                    let count = rows.end.saturating_sub(rows.start).min(self.batch_rows());
                    let mut data = vec![0; self.take(count, *elem_size, rows.start)?];
                    blocks.fill(rows.start, *elem_size, &mut data)?;
                    let size = usize::try_from(*elem_size).unwrap_or(usize::MAX);
                    return push_all(data.chunks_exact(size), out, &self.place, rows.start);
                }
                blocks.append(rows, bytes_max, out)
            }
            ColumnSource::Stream(stream) => {
                let count = rows.end.saturating_sub(rows.start).min(self.batch_rows());
                let mut data = vec![0; self.take(count, stream.elem_size, rows.start)?];
                self.fill(rows.start, stream.elem_size, &mut data)?;
                let size = usize::try_from(stream.elem_size).unwrap_or(usize::MAX);
                push_all(data.chunks_exact(size.max(1)), out, &self.place, rows.start)
            }
            ColumnSource::Triples { index, data_id } => read_triples(
                self.connection,
                &self.place,
                index,
                *data_id,
                rows,
                bytes_max,
                out,
            ),
            ColumnSource::Ends {
                index,
                data,
                data_bytes,
            } => read_ends(
                self.connection,
                &self.place,
                (index, data, *data_bytes),
                rows,
                bytes_max,
                out,
            ),
        }
    }
}

fn push_all<'b>(
    rows: impl Iterator<Item = &'b [u8]>,
    out: &mut Slices,
    place: &Place,
    first: u64,
) -> Result<()> {
    for (row, bytes) in rows.enumerate() {
        if !out.push(bytes) {
            return Err(too_long(place, first + row as u64));
        }
    }
    Ok(())
}

/// The error that rows do not fit one buffer.
pub(super) fn too_long(place: &Place, row: u64) -> crate::Error {
    place.at(format!("row {row}")).bad_request(
        "rows read at once",
        "more than 2 GiB",
        "a smaller range of rows",
    )
}
