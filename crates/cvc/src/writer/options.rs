//! What to write and how, and which of that no file can have.

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::header::DIMENSION_MAX;
use crate::json::DEPTH_MAX;
use crate::schema::{Column, Compression, DType, SINGLE_COLUMN};

/// Rows of a chunk unless told otherwise; what other writers of the format use.
pub const CHUNK_ROWS_DEFAULT: usize = 100_000;

/// How deep lists and objects may nest in the description of a section or a chunk. A header nests no deeper than
/// [`DEPTH_MAX`], and a section's description also stands in the entry of every chunk that it shares rows with: five levels
/// down, in the header's object, the list of chunks, the chunk, its list of sections and the section.
pub const METADATA_DEPTH_MAX: usize = DEPTH_MAX - 5;

/// What a file is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schema {
    /// One column without a name: a v1.0 file.
    Single {
        /// Numbers in a row, 1 or more.
        dimension: usize,
        /// `Fp16`, `Int8` or `Lossless`.
        compression: Compression,
    },
    /// Named columns, at least one: a v2.0 file. Their compressions are `Fp16`, `Int8` or `None`.
    Columnar(Vec<Column>),
}

/// What to do with values that `int8` cannot hold, and with finite ones that would be stored as infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NonFinite {
    /// Refuse them, naming the row.
    #[default]
    Refuse,
    /// Write them. In an `int8` column every value of their chunk will read back as NaN, unless all are the same infinity;
    /// in others they alone read back as infinite.
    Allow,
}

/// How a file is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOptions {
    /// Rows of each chunk but the last. Bounds the memory of the writer.
    pub chunk_rows: usize,
    /// Start every record at a page, and store where. Single-column files only.
    pub mmap_optimized: bool,
    /// What to do with NaN, infinities and too wide ranges in `int8` columns, and with finite values that are too large.
    pub non_finite: NonFinite,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            chunk_rows: CHUNK_ROWS_DEFAULT,
            mmap_optimized: false,
            non_finite: NonFinite::Refuse,
        }
    }
}

pub(super) fn bad_schema(what: &'static str, found: &str, expected: &str) -> Error {
    Error::BadSchema {
        what,
        found: found.into(),
        expected: expected.into(),
    }
}

/// The columns of a schema that a file can have, and whether they have names.
pub(super) fn check(schema: Schema, options: &WriteOptions) -> Result<(Vec<Column>, bool)> {
    if options.chunk_rows == 0 {
        return Err(bad_schema("rows of a chunk", "0", "1 or more"));
    }
    let (columns, columnar) = match schema {
        Schema::Single {
            dimension,
            compression,
        } => (
            vec![Column {
                name: SINGLE_COLUMN.to_owned(),
                dtype: DType::Float32,
                dimension,
                compression,
            }],
            false,
        ),
        Schema::Columnar(columns) => (columns, true),
    };
    if columnar && options.mmap_optimized {
        return Err(bad_schema(
            "an mmap-optimised file",
            "columnar",
            "a single column",
        ));
    }
    if columns.is_empty() {
        return Err(bad_schema("number of columns", "0", "1 or more"));
    }
    let mut names = HashSet::with_capacity(columns.len());
    for column in &columns {
        if column.name.trim().is_empty() {
            return Err(bad_schema(
                "name of a column",
                &format!("'{}'", column.name),
                "a name that is not blank",
            ));
        }
        if !names.insert(column.name.as_str()) {
            return Err(bad_schema(
                "name of a column",
                &format!("'{}' twice", column.name),
                "unique names",
            ));
        }
        if column.dimension == 0 || column.dimension > DIMENSION_MAX {
            return Err(bad_schema(
                "dimension",
                &column.dimension.to_string(),
                "1 to 2^31 - 1",
            ));
        }
        let missing = if columnar {
            Compression::Lossless
        } else {
            Compression::None
        };
        if column.compression == missing {
            let kind = if columnar {
                "fp16, int8 or none in a columnar file"
            } else {
                "fp16, int8 or lossless in a single-column file"
            };
            return Err(bad_schema("compression", column.compression.name(), kind));
        }
    }
    Ok((columns, columnar))
}
