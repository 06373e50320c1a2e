//! CVC files: vectors, and columns of vectors and numbers, in compressed chunks.
//!
//! **Reading** does no I/O. [`LayoutReader`] says which bytes it needs and is fed them; the [`Layout`] that comes out knows
//! columns, chunks and sections and where their bytes are. Fetch a record, give it to [`Layout::check_record`], pick a column
//! with [`Layout::column_bytes`] and decode rows with [`Layout::decode_f32`]. For a file in memory [`open_slice`] and
//! [`read_all_f32`] do all of that.
//!
//! **Writing** streams: a [`Writer`] takes rows as they come, spools finished chunks and makes the header at the end;
//! [`FileWriter`] does so for a file on disk, which appears whole or not at all. [`upgrade`] gives files without a version
//! checksums.
//!
//! ```
//! use ogive_cvc::{Column, ColumnValues, Compression, DType, Schema, WriteOptions, Writer};
//! use ogive_cvc::{open_slice, read_all_f32};
//!
//! let column = |name: &str, dtype, dimension, compression| Column {
//!     name: name.to_owned(), dtype, dimension, compression,
//! };
//! let schema = Schema::Columnar(vec![
//!     column("text", DType::Float32, 2, Compression::Fp16),
//!     column("id", DType::Int64, 1, Compression::None),
//! ]);
//! let mut writer = Writer::new(schema, WriteOptions::default(), std::io::Cursor::new(Vec::new()))?;
//! writer.write(&[ColumnValues::F32(&[0.5, 1.0, -2.0, 4.0]), ColumnValues::I64(&[7, 8])])?;
//! let mut file = Vec::new();
//! writer.finish()?.copy_to(&mut file)?;
//!
//! let layout = open_slice("example.cvc", &file)?;
//! assert_eq!((layout.rows(), layout.columns().len()), (2, 2));
//! assert_eq!(read_all_f32(&layout, &file, 0)?, [0.5, 1.0, -2.0, 4.0]);
//! # Ok::<(), ogive_cvc::Error>(())
//! ```
//!
//! Bytes are hostile: every claim of a header is checked against the size of the file before memory is taken for it, and
//! every [`Error`] names the file, the chunk, the offset, what was found and what was expected.
//!
//! Not here: fetching bytes, caching, searching, changing files in place. Nor does this crate know of rows that are missing:
//! the format has no nulls.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod decode;
mod error;
mod header;
mod json;
mod layout;
mod open;
mod schema;
#[cfg(test)]
mod tests;
mod upgrade;
mod walk;
mod writer;

pub use decode::read_all_f32;
pub use error::{ChunkPlace, Error, ErrorKind, Result};
pub use json::{DEPTH_MAX, Json, JsonError};
pub use layout::{Chunk, ChunkColumn, Layout, Section};
pub use ogive_temporary::{TemporaryFile, TemporaryFolder, end_temporaries, remove_temporaries};
pub use open::{LayoutReader, MAGIC, open_slice};
pub use schema::{Column, Compression, DType, SINGLE_COLUMN, UnknownName, Version};
pub use upgrade::upgrade;
pub use walk::{Progress, RecordWalk};
pub use writer::{
    CHUNK_ROWS_DEFAULT, ColumnValues, FileWriter, Finished, METADATA_DEPTH_MAX, NonFinite, Schema,
    WholeFile, WriteOptions, Writer,
};
