//! Typed columns of a file, in the three layouts that releases have written.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::Master;
use crate::dtype::DType;
use crate::error::{Place, Result, ValueError};

/// How a column lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layout {
    /// Releases 0.2 to 0.3: one stream of bytes, rows across its chunks.
    One,
    /// Releases 0.4 to 0.9: chunks of whole rows.
    Two,
    /// Releases from 1.0 on: blocks.
    Three,
}

impl Layout {
    /// The number that pages about the format use.
    pub fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
        }
    }
}

/// A typed column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name in SQL: as in the file, or with the layout where a newer layout has a column of that name.
    pub name: String,
    /// Its name in the file.
    pub stored_name: String,
    /// How it lies in the file.
    pub layout: Layout,
    /// Its dtype as the file has it.
    pub dtype_name: String,
    /// The same, understood.
    pub dtype: Result<DType, ValueError>,
    /// Rows.
    pub length: u64,
    /// Where its bytes are.
    pub source: ColumnSource,
}

/// Where a column's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnSource {
    /// Layout 3.
    Blocks {
        /// Its id.
        col_id: i64,
        /// Bytes of a row, 0 where they differ.
        elem_size: u64,
        /// Bytes of a block.
        block_bytes: u64,
    },
    /// Layouts 1 and 2, rows of equal size: one stream of bytes.
    Stream(Stream),
    /// Layout 2, rows of any size: triples of chunk, start and end.
    Triples {
        /// The triples.
        index: Stream,
        /// Id of the column of the bytes.
        data_id: i64,
    },
    /// Layout 1, rows of any size: where each ends in a stream.
    Ends {
        /// The ends.
        index: Stream,
        /// The bytes.
        data: Stream,
        /// Bytes of all rows.
        data_bytes: u64,
    },
}

/// A stream of bytes in chunks of `max_chunk_bytes`, of which only the last may be shorter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Id of its column.
    pub col_id: i64,
    /// Bytes of a row.
    pub elem_size: u64,
    /// Bytes of a chunk.
    pub max_chunk_bytes: u64,
}

impl Column {
    /// Arrays of a fixed shape start with their type byte.
    pub fn is_tagged(&self) -> bool {
        self.layout < Layout::Three
    }

    /// Its rows are all of one size in the file.
    pub fn is_fixed(&self) -> bool {
        match &self.source {
            ColumnSource::Blocks { elem_size, .. } => *elem_size > 0,
            ColumnSource::Stream(_) => true,
            ColumnSource::Triples { .. } | ColumnSource::Ends { .. } => false,
        }
    }
}

pub(super) fn columns(
    connection: &Connection,
    file: &Place,
    master: &Master,
    hidden: &mut BTreeSet<String>,
) -> Result<Vec<Column>> {
    let mut columns = blocks(connection, file, master, hidden)?;
    let older = streams(connection, file, master, hidden)?;
    let mut taken: BTreeSet<String> = columns.iter().map(|column| column.name.clone()).collect();
    for mut column in older {
        if !taken.insert(column.name.clone()) {
            column.name = format!("{} (layout {})", column.name, column.layout.number());
            taken.insert(column.name.clone());
        }
        columns.push(column);
    }
    Ok(columns)
}

/// The only version of layout 3.
const FORMAT_VERSION: i64 = 1;

fn blocks(
    connection: &Connection,
    file: &Place,
    master: &Master,
    hidden: &mut BTreeSet<String>,
) -> Result<Vec<Column>> {
    let complete = master.has_columns("kvault_col_format", &["version"])
        && master.has_columns(
            "kvault_col_columns",
            &[
                "col_id",
                "name",
                "dtype",
                "elem_size",
                "length",
                "block_bytes",
            ],
        )
        && master.has_columns(
            "kvault_col_blocks",
            &[
                "block_id",
                "col_id",
                "block_no",
                "first_row",
                "row_count",
                "used_bytes",
                "row_capacity",
            ],
        )
        && master.has_columns("kvault_col_data", &["block_id", "payload", "offsets"]);
    if !complete {
        return Ok(Vec::new());
    }
    hidden
        .extend(["format", "columns", "blocks", "data"].map(|table| format!("kvault_col_{table}")));
    let reading = |error| file.sqlite("reading the list of columns", error);
    let version: Option<i64> = connection
        .query_row("SELECT max(version) FROM kvault_col_format", [], |row| {
            row.get(0)
        })
        .map_err(reading)?;
    let mut columns = Vec::new();
    let mut statement = connection
        .prepare("SELECT col_id, name, dtype, elem_size, length, block_bytes FROM kvault_col_columns ORDER BY col_id")
        .map_err(reading)?;
    let mut rows = statement.query([]).map_err(reading)?;
    while let Some(row) = rows.next().map_err(reading)? {
        let (Ok(col_id), Ok(name), Ok(dtype_name)) = (
            row.get::<_, i64>(0),
            row.get::<_, String>(1),
            row.get::<_, String>(2),
        ) else {
            continue;
        };
        let size = |at: usize| {
            row.get::<_, i64>(at)
                .ok()
                .and_then(|size| u64::try_from(size).ok())
        };
        let (elem_size, length, block_bytes) = (size(3), size(4), size(5));
        let dtype = if version == Some(FORMAT_VERSION) {
            checked_dtype(&dtype_name, elem_size, false)
        } else {
            Err(ValueError::new(
                "the version of the column tables",
                version.map_or("missing".to_owned(), |version| version.to_string()),
                FORMAT_VERSION,
            ))
        };
        columns.push(Column {
            stored_name: name.clone(),
            name,
            layout: Layout::Three,
            dtype,
            dtype_name,
            length: length.unwrap_or(0),
            source: ColumnSource::Blocks {
                col_id,
                elem_size: elem_size.unwrap_or(0),
                block_bytes: block_bytes.unwrap_or(0),
            },
        });
    }
    Ok(columns)
}

/// The dtype, if the size of its rows is the one that the file states.
fn checked_dtype(name: &str, elem_size: Option<u64>, tagged: bool) -> Result<DType, ValueError> {
    let dtype = DType::parse(name)?;
    let expected = dtype.row_bytes(tagged).unwrap_or(0) as u64;
    if elem_size == Some(expected) {
        return Ok(dtype);
    }
    Err(ValueError::new(
        "the size of a column's rows",
        elem_size.map_or("negative or not a number".to_owned(), |size| {
            size.to_string()
        }),
        format!("{expected} for {name}"),
    ))
}

struct Meta {
    name: String,
    dtype: String,
    length: u64,
    stream: Stream,
}

/// Dtype of the index of a column in layout 2.
const TRIPLES: &str = "adaptive_idx";
const TRIPLE_BYTES: u64 = 12;
/// Dtype of the index of a column in layout 1.
const ENDS: &str = "i64";

fn streams(
    connection: &Connection,
    file: &Place,
    master: &Master,
    hidden: &mut BTreeSet<String>,
) -> Result<Vec<Column>> {
    let complete = master.has_columns(
        "col_meta",
        &[
            "col_id",
            "name",
            "dtype",
            "elem_size",
            "length",
            "max_chunk_bytes",
        ],
    ) && master.has_columns(
        "col_chunks",
        &["col_id", "chunk_idx", "data", "actual_size"],
    );
    if !complete {
        return Ok(Vec::new());
    }
    hidden.extend(["col_meta", "col_chunks"].map(str::to_owned));
    let layout = if master.has_columns("col_chunks", &["bytes_used"]) {
        Layout::Two
    } else {
        Layout::One
    };
    let reading = |error| file.sqlite("reading the list of columns", error);
    let mut statement = connection
        .prepare("SELECT col_id, name, dtype, elem_size, length, max_chunk_bytes FROM col_meta ORDER BY col_id")
        .map_err(reading)?;
    let mut rows = statement.query([]).map_err(reading)?;
    let mut metas = Vec::new();
    while let Some(row) = rows.next().map_err(reading)? {
        let (Ok(col_id), Ok(name), Ok(dtype)) = (
            row.get::<_, i64>(0),
            row.get::<_, String>(1),
            row.get::<_, String>(2),
        ) else {
            continue;
        };
        let size = |at: usize| {
            row.get::<_, i64>(at)
                .ok()
                .and_then(|size| u64::try_from(size).ok())
                .unwrap_or(0)
        };
        metas.push(Meta {
            name,
            dtype,
            length: size(4),
            stream: Stream {
                col_id,
                elem_size: size(3),
                max_chunk_bytes: size(5),
            },
        });
    }
    let by_name: BTreeMap<&str, &Meta> = metas
        .iter()
        .map(|meta| (meta.name.as_str(), meta))
        .collect();
    let mut columns = Vec::new();
    for meta in &metas {
        let partner = |suffix: &str, other: &str| {
            let base = meta.name.strip_suffix(suffix)?;
            by_name.get(format!("{base}{other}").as_str()).copied()
        };
        if let Some(data) = partner("_idx", "_data")
            && pair(data, meta).is_some()
        {
            continue;
        }
        let pair = partner("_data", "_idx").and_then(|index| Some((index, pair(meta, index)?)));
        let column = match pair {
            Some((index, layout)) => Column {
                name: meta
                    .name
                    .strip_suffix("_data")
                    .unwrap_or(&meta.name)
                    .to_owned(),
                stored_name: meta
                    .name
                    .strip_suffix("_data")
                    .unwrap_or(&meta.name)
                    .to_owned(),
                layout,
                dtype_name: meta.dtype.clone(),
                // A size on these was kept in the name and had no effect in layout 1.
                dtype: DType::parse(&meta.dtype).map(|dtype| match dtype {
                    DType::MsgPack(_) => DType::MsgPack(None),
                    DType::Cbor(_) => DType::Cbor(None),
                    other => other,
                }),
                length: index.length,
                source: if layout == Layout::Two {
                    ColumnSource::Triples {
                        index: index.stream.clone(),
                        data_id: meta.stream.col_id,
                    }
                } else {
                    ColumnSource::Ends {
                        index: index.stream.clone(),
                        data: meta.stream.clone(),
                        data_bytes: meta.length,
                    }
                },
            },
            None => Column {
                name: meta.name.clone(),
                stored_name: meta.name.clone(),
                layout,
                dtype_name: meta.dtype.clone(),
                dtype: checked_dtype(&meta.dtype, Some(meta.stream.elem_size), true).and_then(
                    |dtype| match dtype.row_bytes(true) {
                        Some(_) => Ok(dtype),
                        None => Err(ValueError::new(
                            "a column of rows of any size",
                            "its bytes alone",
                            "its index as well",
                        )),
                    },
                ),
                length: meta.length,
                source: ColumnSource::Stream(meta.stream.clone()),
            },
        };
        columns.push(column);
    }
    Ok(columns)
}

/// Two entries are the bytes and the index of one column; the layout of its index.
fn pair(data: &Meta, index: &Meta) -> Option<Layout> {
    let dtype = DType::parse(&data.dtype).ok()?;
    if data.stream.elem_size != 1 {
        return None;
    }
    let variable = dtype.row_bytes(true).is_none();
    match (index.dtype.as_str(), index.stream.elem_size) {
        (TRIPLES, TRIPLE_BYTES) if variable => Some(Layout::Two),
        (ENDS, 8) if variable || matches!(dtype, DType::MsgPack(_) | DType::Cbor(_)) => {
            Some(Layout::One)
        }
        _ => None,
    }
}
