//! Where everything in a file is, as far as header and record prefixes tell.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{ChunkPlace, Error, Result};
use crate::json::Json;
use crate::schema::{Column, Compression, Version};

/// One file: its columns, chunks and sections, and where the bytes are.
///
/// Made by [`LayoutReader`](crate::LayoutReader). Everything is checked against the size of the file.
#[derive(Debug, Clone)]
pub struct Layout {
    pub(crate) file: Arc<str>,
    pub(crate) version: Version,
    pub(crate) columnar: bool,
    pub(crate) mmap_optimized: bool,
    pub(crate) columns: Vec<Column>,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) sections: Vec<Section>,
    pub(crate) rows: u64,
    pub(crate) header_bytes: u64,
    pub(crate) file_bytes: u64,
    /// Chunks before this one have been placed: their records' starts and lengths are known and checked.
    pub(crate) placed: usize,
}

/// A run of rows that is stored as one record.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Rows in the chunk.
    pub rows: u64,
    /// Number, in the file, of the first of them.
    pub first_row: u64,
    /// One entry for each column of the file, in that order.
    pub columns: Vec<ChunkColumn>,
    /// What the writer said about the chunk.
    pub metadata: Option<Json>,
    /// Where the record starts, once known.
    pub(crate) start: Option<u64>,
    /// Bytes of the payload, once known.
    pub(crate) payload_bytes: Option<u64>,
}

/// One column's part of a chunk.
#[derive(Debug, Clone, PartialEq)]
pub struct ChunkColumn {
    /// How the values are stored here.
    pub compression: Compression,
    /// Where they start, in bytes from the start of the payload.
    pub offset: u64,
    /// Their length in bytes; `None` for `lossless` until the record's length is known.
    pub size: Option<u64>,
    /// The smallest value, for `int8`.
    pub min: Option<f64>,
    /// The step between bytes, for `int8`.
    pub scale: Option<f64>,
}

/// Rows that the writer described together.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// First row, in the file.
    pub start: u64,
    /// One past the last row; equal to `start` for an empty section.
    pub end: u64,
    /// The description.
    pub metadata: Json,
}

impl Section {
    /// Whether the section's `key` equals `value` as Python compares: `1`, `1.0` and `true` are one value, and a missing key
    /// is `null`.
    pub fn matches(&self, key: &str, value: &Json) -> bool {
        self.metadata.get(key).unwrap_or(&Json::Null).equals(value)
    }
}

impl Layout {
    /// The name that errors use for the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// File version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Rows of all chunks.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether columns have names and types; if not there is one column,
    /// [`SINGLE_COLUMN`](crate::SINGLE_COLUMN), of `float32`.
    pub fn is_columnar(&self) -> bool {
        self.columnar
    }

    /// The columns, in file order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The chunks, in file order.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The sections, in file order; empty for files without.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Whether records start at stored, page-aligned places.
    pub fn mmap_optimized(&self) -> bool {
        self.mmap_optimized
    }

    /// Where the header ends.
    pub fn header_bytes(&self) -> u64 {
        self.header_bytes
    }

    /// Bytes of the whole file.
    pub fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// Whether every record's place is known. If not, a [`RecordWalk`](crate::RecordWalk) finds out: this is so for `lossless`
    /// chunks, whose length only the record tells.
    pub fn records_known(&self) -> bool {
        self.placed == self.chunks.len()
    }

    /// Bytes of a chunk's record, prefix included; `None` when not known yet or when there is no such chunk.
    pub fn record_range(&self, chunk: usize) -> Option<Range<u64>> {
        let payload = self.payload_range(chunk)?;
        Some(self.chunks.get(chunk)?.start?..payload.end)
    }

    /// Bytes of a chunk's payload.
    pub fn payload_range(&self, chunk: usize) -> Option<Range<u64>> {
        if chunk >= self.placed {
            return None;
        }
        let chunk = self.chunks.get(chunk)?;
        let start = chunk
            .start?
            .checked_add(self.version.record_prefix_bytes())?;
        Some(start..start.checked_add(chunk.payload_bytes?)?)
    }

    /// Bytes of one column in one chunk.
    pub fn column_range(&self, chunk: usize, column: usize) -> Option<Range<u64>> {
        let payload = self.payload_range(chunk)?;
        let part = self.chunks.get(chunk)?.columns.get(column)?;
        let start = payload.start.checked_add(part.offset)?;
        Some(start..start.checked_add(part.size?)?)
    }

    /// The chunk that holds a row of the file.
    pub fn chunk_of_row(&self, row: u64) -> Option<usize> {
        if row >= self.rows {
            return None;
        }
        // The last chunk that starts at or before the row; empty chunks start where the next one does.
        self.chunks
            .partition_point(|chunk| chunk.first_row <= row)
            .checked_sub(1)
    }

    /// Memory that this value uses, in bytes, for caches that count.
    pub fn memory_bytes(&self) -> usize {
        let columns = self.columns.capacity() * size_of::<Column>()
            + self
                .columns
                .iter()
                .map(|column| column.name.capacity())
                .sum::<usize>();
        let chunks = self.chunks.capacity() * size_of::<Chunk>()
            + self
                .chunks
                .iter()
                .map(|chunk| {
                    chunk.columns.capacity() * size_of::<ChunkColumn>()
                        + chunk.metadata.as_ref().map_or(0, Json::heap_bytes)
                })
                .sum::<usize>();
        let sections = self.sections.capacity() * size_of::<Section>()
            + self
                .sections
                .iter()
                .map(|section| section.metadata.heap_bytes())
                .sum::<usize>();
        size_of::<Self>() + self.file.len() + columns + chunks + sections
    }

    /// The chunk, for messages.
    pub(crate) fn place(&self, chunk: usize) -> ChunkPlace {
        match self.chunks.get(chunk) {
            Some(entry) => ChunkPlace::new(chunk, entry.first_row, entry.rows),
            None => ChunkPlace::NONE,
        }
    }

    pub(crate) fn chunk(&self, chunk: usize) -> Result<&Chunk> {
        self.chunks.get(chunk).ok_or_else(|| Error::BadRequest {
            file: (*self.file).into(),
            what: "number of a chunk",
            found: chunk.to_string().into(),
            expected: format!("a number below {}", self.chunks.len()).into(),
        })
    }

    pub(crate) fn column(&self, column: usize) -> Result<&Column> {
        self.columns.get(column).ok_or_else(|| Error::BadRequest {
            file: (*self.file).into(),
            what: "number of a column",
            found: column.to_string().into(),
            expected: format!("a number below {}", self.columns.len()).into(),
        })
    }
}
