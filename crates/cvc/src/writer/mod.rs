//! Writing: values in, a header and a spool of records out.

mod buffer;
mod file;
mod header;
mod options;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};

use ogive_codecs::int8;

pub use file::{FileWriter, WholeFile};
pub(crate) use header::with_preamble;
pub use options::{CHUNK_ROWS_DEFAULT, METADATA_DEPTH_MAX, NonFinite, Schema, WriteOptions};
pub use values::ColumnValues;

use crate::error::{Error, Result};
use crate::json::Json;
use crate::layout::Section;
use crate::schema::Column;
use buffer::Buffer;
use options::{bad_schema, check};

/// Records of mmap-optimised files start at multiples of this many bytes.
const PAGE_BYTES: u64 = 4096;

/// Writes one file, keeping one chunk and the header's entries in memory.
///
/// Records go to a spool, a temporary file, as the header that precedes them is known only at the end. The file is
/// [`Finished::header`] followed by the spool. After an error the writer is of no more use.
///
/// ```
/// use ogive_cvc::{ColumnValues, Compression, Schema, WriteOptions, Writer, open_slice, read_all_f32};
///
/// let schema = Schema::Single { dimension: 2, compression: Compression::Lossless };
/// let mut writer = Writer::new(schema, WriteOptions::default(), std::io::Cursor::new(Vec::new()))?;
/// writer.write(&[ColumnValues::F32(&[1.0, 2.0, 3.0, 4.0])])?;
/// let mut file = Vec::new();
/// writer.finish()?.copy_to(&mut file)?;
///
/// let layout = open_slice("example.cvc", &file)?;
/// assert_eq!(read_all_f32(&layout, &file, 0)?, [1.0, 2.0, 3.0, 4.0]);
/// # Ok::<(), ogive_cvc::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<S> {
    /// What errors of reading and writing call the file.
    name: Box<str>,
    columns: Vec<Column>,
    columnar: bool,
    options: WriteOptions,
    spool: S,
    spool_bytes: u64,
    buffers: Vec<Buffer>,
    /// Rows in the buffers.
    buffered: usize,
    /// Rows taken, buffered ones included.
    rows: u64,
    chunks: Vec<ChunkEntry>,
    sections: Vec<Section>,
    metadata: BTreeMap<usize, Json>,
    /// The record being made; kept for its memory.
    record: Vec<u8>,
}

/// What the header will say about a chunk.
#[derive(Debug)]
struct ChunkEntry {
    rows: u64,
    /// Where the record starts in the spool.
    start: u64,
    parts: Vec<Part>,
}

/// What the header will say about one column of a chunk.
#[derive(Debug)]
struct Part {
    offset: u64,
    size: u64,
    parameters: Option<int8::Parameters>,
}

/// A written file in two pieces.
#[derive(Debug)]
pub struct Finished<S> {
    /// The first bytes of the file.
    pub header: Vec<u8>,
    /// The rest of the file, positioned at its start.
    pub spool: S,
    /// Bytes of the spool.
    pub spool_bytes: u64,
    /// Rows written.
    pub rows: u64,
    /// Chunks written.
    pub chunks: usize,
}

impl<S: Read> Finished<S> {
    /// Writes the whole file to `target` and returns its length in bytes.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn copy_to<W: Write>(mut self, target: &mut W) -> Result<u64> {
        let io = |source| Error::Io {
            file: "the written file".into(),
            source,
        };
        target.write_all(&self.header).map_err(io)?;
        let copied = std::io::copy(&mut self.spool, target).map_err(io)?;
        Ok(self.header.len() as u64 + copied)
    }
}

impl<S: Read + Write + Seek> Writer<S> {
    /// Starts a file. `spool` is empty.
    ///
    /// # Errors
    /// [`Error::BadSchema`] for a schema that no file can have: no columns, a blank or repeated name, dimension 0, a
    /// compression that its kind of file lacks, chunks of no rows, mmap-optimised columns.
    pub fn new(schema: Schema, options: WriteOptions, spool: S) -> Result<Self> {
        Self::named("the spooled records".into(), schema, options, spool)
    }

    fn named(name: Box<str>, schema: Schema, options: WriteOptions, spool: S) -> Result<Self> {
        let (columns, columnar) = check(schema, &options)?;
        Ok(Self {
            name,
            buffers: columns.iter().map(Buffer::new).collect(),
            columns,
            columnar,
            options,
            spool,
            spool_bytes: 0,
            buffered: 0,
            rows: 0,
            chunks: Vec::new(),
            sections: Vec::new(),
            metadata: BTreeMap::new(),
            record: Vec::new(),
        })
    }

    /// The columns being written.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Rows taken so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes rows: one list of values a column, row after row, all with the same number of rows, which can be any.
    ///
    /// Compressed columns take numbers of every type: `fp16` rounds once from the type given, `int8` and `lossless` round
    /// to `f32` first. Columns without compression take their own type only; those of `float32` take 64-bit floats as well.
    ///
    /// # Errors
    /// [`Error::BadInput`] when lists are missing, of uneven lengths or of the wrong type, [`Error::NonFinite`] and
    /// [`Error::Overflow`] as [`WriteOptions::non_finite`] says, [`Error::TooLarge`] when a record exceeds 4 GiB, [`Error::Io`].
    pub fn write(&mut self, values: &[ColumnValues<'_>]) -> Result<()> {
        let rows = values::check(&self.columns, values, self.rows, self.options.non_finite)?;
        let mut done = 0;
        while done < rows {
            let room = self.options.chunk_rows.saturating_sub(self.buffered);
            let count = room.min(rows - done);
            for ((column, buffer), values) in self.columns.iter().zip(&mut self.buffers).zip(values)
            {
                let width = column.dimension;
                buffer.append(values, done * width..(done + count) * width);
            }
            self.buffered += count;
            self.rows += count as u64;
            done += count;
            if self.buffered >= self.options.chunk_rows {
                self.flush_chunk()?;
            }
        }
        Ok(())
    }

    /// Ends the section that rows were put in and starts one with this description. Rows before the first call are in no
    /// section. Chunks do not care for sections.
    pub fn next_section(&mut self, metadata: Json) {
        if let Some(last) = self.sections.last_mut() {
            last.end = self.rows;
        }
        self.sections.push(Section {
            start: self.rows,
            end: self.rows,
            metadata,
        });
    }

    /// Describes a chunk, written already or not, by its number. Single-column files only.
    ///
    /// # Errors
    /// [`Error::BadSchema`] for columnar files.
    pub fn set_chunk_metadata(&mut self, chunk: usize, metadata: Json) -> Result<()> {
        if self.columnar {
            return Err(bad_schema(
                "metadata of a chunk",
                "given",
                "none in a columnar file",
            ));
        }
        self.metadata.insert(chunk, metadata);
        Ok(())
    }

    /// Writes what is buffered and makes the header.
    ///
    /// # Errors
    /// As [`write`](Self::write); [`Error::BadInput`] when a chunk was described that there is not, or a description nests
    /// deeper than [`METADATA_DEPTH_MAX`], [`Error::TooLarge`] when the header exceeds 4 GiB.
    pub fn finish(mut self) -> Result<Finished<S>> {
        if self.buffered > 0 {
            self.flush_chunk()?;
        }
        if let Some(last) = self.sections.last_mut() {
            last.end = self.rows;
        }
        if let Some((chunk, _)) = self.metadata.range(self.chunks.len()..).next() {
            return Err(Error::BadInput {
                row: self.rows,
                what: "number of a described chunk",
                found: chunk.to_string().into(),
                expected: format!("a number below {}", self.chunks.len()).into(),
            });
        }
        self.check_metadata_depth()?;
        let header = self.header()?;
        self.spool
            .flush()
            .and_then(|()| self.spool.seek(SeekFrom::Start(0)))
            .map_err(|source| Error::Io {
                file: self.name.clone(),
                source,
            })?;
        Ok(Finished {
            header,
            spool: self.spool,
            spool_bytes: self.spool_bytes,
            rows: self.rows,
            chunks: self.chunks.len(),
        })
    }

    /// Refuses descriptions that would make a header which cannot be read back.
    fn check_metadata_depth(&self) -> Result<()> {
        let sections = self
            .sections
            .iter()
            .map(|section| (section.start, &section.metadata));
        let chunk_rows = self.options.chunk_rows as u64;
        let chunks = self
            .metadata
            .iter()
            .map(|(chunk, metadata)| (chunk_rows.saturating_mul(*chunk as u64), metadata));
        for (row, metadata) in sections.chain(chunks) {
            let depth = metadata.depth();
            if depth > METADATA_DEPTH_MAX {
                return Err(Error::BadInput {
                    row,
                    what: "levels of lists and objects in a description",
                    found: depth.to_string().into(),
                    expected: format!("{METADATA_DEPTH_MAX} at most").into(),
                });
            }
        }
        Ok(())
    }

    /// Turns the buffers into a record.
    fn flush_chunk(&mut self) -> Result<()> {
        const PREFIX_BYTES: usize = 8;
        let padding = match self.options.mmap_optimized {
            true => (self.spool_bytes.next_multiple_of(PAGE_BYTES) - self.spool_bytes) as usize,
            false => 0,
        };
        self.record.clear();
        self.record.resize(padding + PREFIX_BYTES, 0);
        let first_row = self.rows - self.buffered as u64;
        let mut parts = Vec::with_capacity(self.columns.len());
        for (column, buffer) in self.columns.iter().zip(&mut self.buffers) {
            let start = self.record.len();
            let parameters = buffer
                .drain_into(&mut self.record)
                .map_err(|error| too_large(&error))?;
            if let Some(parameters) = parameters
                && !parameters.is_finite()
                && self.options.non_finite == NonFinite::Refuse
            {
                // Single values were looked at when they came: it is their range that is too wide.
                return Err(Error::NonFinite {
                    row: first_row,
                    column: column.name.as_str().into(),
                    found: format!(
                        "the chunk of {} rows that starts here, whose values span more than 3.4e38,",
                        self.buffered
                    )
                    .into(),
                });
            }
            parts.push(Part {
                offset: (start - padding - PREFIX_BYTES) as u64,
                size: (self.record.len() - start) as u64,
                parameters,
            });
        }
        let payload = self
            .record
            .get(padding + PREFIX_BYTES..)
            .unwrap_or_default();
        let Ok(length) = u32::try_from(payload.len()) else {
            return Err(Error::TooLarge {
                what: "the record of a chunk",
                found: payload.len() as u64,
                expected: u64::from(u32::MAX),
            });
        };
        let checksum = crc32fast::hash(payload);
        let prefix = self.record.iter_mut().skip(padding);
        for (slot, byte) in prefix.zip(
            length
                .to_le_bytes()
                .into_iter()
                .chain(checksum.to_le_bytes()),
        ) {
            *slot = byte;
        }
        self.spool
            .write_all(&self.record)
            .map_err(|source| Error::Io {
                file: self.name.clone(),
                source,
            })?;
        self.chunks.push(ChunkEntry {
            rows: self.buffered as u64,
            start: self.spool_bytes + padding as u64,
            parts,
        });
        self.spool_bytes += self.record.len() as u64;
        self.buffered = 0;
        Ok(())
    }
}

fn too_large(error: &ogive_codecs::Error) -> Error {
    let found = match error {
        ogive_codecs::Error::TooMany { found, .. } => found.saturating_mul(4),
        _ => u64::MAX,
    };
    Error::TooLarge {
        what: "the record of a chunk",
        found,
        expected: u64::from(u32::MAX),
    }
}
