//! The header's JSON to a [`Layout`] whose claims have been checked against each other and the size of the file.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{ChunkPlace, Error, Result};
use crate::json::Json;
use crate::layout::{Chunk, ChunkColumn, Layout, Section};
use crate::schema::{Column, Compression, DType, SINGLE_COLUMN, Version};

/// The most numbers in a row. More cannot be stored in a record of 32-bit length with two bytes a number.
pub(crate) const DIMENSION_MAX: usize = i32::MAX as usize;

/// What the preamble says, and the text.
pub(crate) struct Header<'a> {
    pub(crate) file: Arc<str>,
    pub(crate) version: Version,
    pub(crate) file_bytes: u64,
    pub(crate) text: &'a [u8],
}

impl Header<'_> {
    pub(crate) fn json(&self) -> Result<Json> {
        Json::parse(self.text).map_err(|error| Error::BadHeader {
            file: (*self.file).into(),
            place: ChunkPlace::NONE,
            offset: self.version.header_start() + error.offset as u64,
            what: "the JSON text".into(),
            found: error.found.into(),
            expected: error.expected.into(),
        })
    }

    /// The layout with all places that the header alone tells.
    pub(crate) fn layout(&self) -> Result<Layout> {
        let json = self.json()?;
        if json.as_object().is_none() {
            return Err(self.bad(ChunkPlace::NONE, "the header", Some(&json), "an object"));
        }
        let columnar = match json.get("format_type") {
            None => false,
            Some(Json::String(name)) if name == "columnar" => true,
            other => {
                return Err(self.bad(ChunkPlace::NONE, "'format_type'", other, "\"columnar\""));
            }
        };
        let entries = match json.get("chunks") {
            Some(Json::Array(entries)) => entries,
            other => return Err(self.bad(ChunkPlace::NONE, "'chunks'", other, "a list")),
        };
        let columns = if columnar {
            self.columns(&json)?
        } else {
            vec![self.single_column(&json, entries)?]
        };
        let mut chunks = Vec::with_capacity(entries.len());
        let names: HashMap<&str, usize> = columns
            .iter()
            .enumerate()
            .map(|(index, column)| (column.name.as_str(), index))
            .collect();
        let mut first_row = 0_u64;
        for (index, entry) in entries.iter().enumerate() {
            let chunk = self.chunk(index, first_row, entry, columnar, &columns, &names)?;
            first_row = chunk
                .first_row
                .checked_add(chunk.rows)
                .filter(|end| *end <= i64::MAX as u64)
                .ok_or_else(|| {
                    let place = ChunkPlace::new(index, first_row, chunk.rows);
                    self.bad(place, "'rows'", entry.get("rows"), "a sum below 2^63")
                })?;
            chunks.push(chunk);
        }
        let mmap_optimized = json.get("mmap_optimized") == Some(&Json::Bool(true))
            || chunks.first().is_some_and(|chunk| chunk.start.is_some());
        let rows = self.count(ChunkPlace::NONE, &json, "num_vectors")?;
        if rows != first_row {
            let expected = format!("{first_row}, the rows of all chunks");
            return Err(self.bad(
                ChunkPlace::NONE,
                "'num_vectors'",
                json.get("num_vectors"),
                &expected,
            ));
        }
        for (index, chunk) in chunks.iter_mut().enumerate() {
            if !mmap_optimized {
                chunk.start = None;
            } else if chunk.start.is_none() {
                let place = ChunkPlace::new(index, chunk.first_row, chunk.rows);
                return Err(self.bad(
                    place,
                    "'file_offset'",
                    None,
                    "a number, in an mmap-optimised file",
                ));
            }
        }
        let sections = self.sections(&json, rows)?;
        Ok(Layout {
            file: Arc::clone(&self.file),
            version: self.version,
            columnar,
            mmap_optimized,
            columns,
            chunks,
            sections,
            rows,
            header_bytes: self.version.header_start() + self.text.len() as u64,
            file_bytes: self.file_bytes,
            placed: 0,
        })
    }

    fn bad(&self, place: ChunkPlace, what: &str, found: Option<&Json>, expected: &str) -> Error {
        const SHOWN_MAX: usize = 60;
        let mut shown = match found {
            None => "missing".to_owned(),
            Some(Json::Array(_)) => "a list".to_owned(),
            Some(Json::Object(_)) => "an object".to_owned(),
            Some(value) => value.to_sorted_text(),
        };
        if shown.len() > SHOWN_MAX {
            // The text is ASCII: other characters are escaped.
            shown.truncate(SHOWN_MAX);
            shown.push_str("...");
        }
        Error::BadHeader {
            file: (*self.file).into(),
            place,
            offset: self.version.header_start(),
            what: what.into(),
            found: shown.into(),
            expected: expected.into(),
        }
    }

    fn count(&self, place: ChunkPlace, object: &Json, key: &str) -> Result<u64> {
        let value = object.get(key);
        value
            .and_then(Json::as_u64)
            .ok_or_else(|| self.bad(place, &format!("'{key}'"), value, "a number, 0 or more"))
    }

    fn dimension(&self, object: &Json) -> Result<usize> {
        let dimension = self.count(ChunkPlace::NONE, object, "dimension")?;
        usize::try_from(dimension)
            .ok()
            .filter(|dimension| *dimension <= DIMENSION_MAX)
            .ok_or_else(|| {
                let found = object.get("dimension");
                self.bad(
                    ChunkPlace::NONE,
                    "'dimension'",
                    found,
                    "a number below 2^31",
                )
            })
    }

    fn compression(
        &self,
        place: ChunkPlace,
        object: &Json,
        fallback: Option<Compression>,
        allowed: &[Compression],
    ) -> Result<Compression> {
        let value = object.get("compression");
        let named = match value {
            None => fallback,
            Some(value) => value.as_str().and_then(|name| name.parse().ok()),
        };
        named
            .filter(|compression| allowed.contains(compression))
            .ok_or_else(|| {
                let names: Vec<&str> = allowed.iter().map(|one| one.name()).collect();
                self.bad(place, "'compression'", value, &names.join(", "))
            })
    }

    /// Compressions of single-column files.
    const SINGLE: [Compression; 3] = [Compression::Fp16, Compression::Int8, Compression::Lossless];

    fn single_column(&self, json: &Json, entries: &[Json]) -> Result<Column> {
        // Each chunk names its own compression, so a file can do without the overall one.
        let own = entries
            .first()
            .and_then(|entry| entry.get("compression")?.as_str()?.parse().ok());
        Ok(Column {
            name: SINGLE_COLUMN.to_owned(),
            dtype: DType::Float32,
            dimension: self.dimension(json)?,
            compression: self.compression(ChunkPlace::NONE, json, own, &Self::SINGLE)?,
        })
    }

    fn columns(&self, json: &Json) -> Result<Vec<Column>> {
        let none = ChunkPlace::NONE;
        let entries = match json.get("columns") {
            Some(Json::Array(entries)) if !entries.is_empty() => entries,
            other => return Err(self.bad(none, "'columns'", other, "a list that is not empty")),
        };
        let mut columns = Vec::with_capacity(entries.len());
        let mut seen = HashMap::with_capacity(entries.len());
        for entry in entries {
            let name = entry
                .get("name")
                .and_then(Json::as_str)
                .ok_or_else(|| self.bad(none, "a column's 'name'", entry.get("name"), "text"))?;
            if seen.insert(name, ()).is_some() {
                return Err(self.bad(
                    none,
                    "a column's 'name'",
                    entry.get("name"),
                    "a name used once",
                ));
            }
            let dtype = entry.get("dtype");
            let dtype = dtype
                .and_then(|dtype| dtype.as_str()?.parse().ok())
                .ok_or_else(|| {
                    let names = DType::ALL.map(DType::name).join(", ");
                    self.bad(none, "a column's 'dtype'", dtype, &names)
                })?;
            columns.push(Column {
                name: name.to_owned(),
                dtype,
                dimension: self.dimension(entry)?,
                compression: self.compression(none, entry, None, &Compression::ALL)?,
            });
        }
        Ok(columns)
    }

    fn chunk(
        &self,
        index: usize,
        first_row: u64,
        entry: &Json,
        columnar: bool,
        columns: &[Column],
        names: &HashMap<&str, usize>,
    ) -> Result<Chunk> {
        let rows = self.count(ChunkPlace::new(index, first_row, 0), entry, "rows")?;
        let place = ChunkPlace::new(index, first_row, rows);
        let (parts, payload_bytes) = if columnar {
            let (parts, payload_bytes) = self.chunk_columns(place, rows, entry, columns, names)?;
            (parts, Some(payload_bytes))
        } else {
            let column = columns
                .first()
                .ok_or_else(|| self.bad(place, "columns", None, "one"))?;
            let part = self.part(place, rows, entry, column, &Self::SINGLE)?;
            let size = part.size;
            (vec![part], size)
        };
        let start = match entry.get("file_offset") {
            None => None,
            Some(_) => Some(self.count(place, entry, "file_offset")?),
        };
        Ok(Chunk {
            rows,
            first_row,
            columns: parts,
            metadata: entry.get("metadata").cloned(),
            start,
            payload_bytes,
        })
    }

    fn chunk_columns(
        &self,
        place: ChunkPlace,
        rows: u64,
        entry: &Json,
        columns: &[Column],
        names: &HashMap<&str, usize>,
    ) -> Result<(Vec<ChunkColumn>, u64)> {
        let parts = entry.get("columns");
        let Some(Json::Object(entries)) = parts else {
            return Err(self.bad(place, "'columns'", parts, "an object"));
        };
        // Found by name in one pass over the entries, as both lists can be long.
        let mut found: Vec<Option<&Json>> = vec![None; columns.len()];
        for (name, part) in entries {
            match names
                .get(name.as_str())
                .and_then(|index| found.get_mut(*index))
            {
                Some(slot) => *slot = Some(part),
                None => {
                    let name = Json::from(name.as_str());
                    return Err(self.bad(place, "a column", Some(&name), "a name of the schema"));
                }
            }
        }
        let mut payload_bytes = 0;
        let mut placed = Vec::with_capacity(columns.len());
        for (column, entry) in columns.iter().zip(found) {
            let Some(entry) = entry else {
                return Err(self.bad(
                    place,
                    &format!("column '{}'", column.name),
                    None,
                    "an object",
                ));
            };
            let mut part = self.part(place, rows, entry, column, &Compression::ALL)?;
            if (part.compression == Compression::None) != (column.compression == Compression::None)
            {
                let expected = format!("as in the schema, {}", column.compression);
                return Err(self.bad(place, "'compression'", entry.get("compression"), &expected));
            }
            part.offset = self.count(place, entry, "offset")?;
            let size = self.count(place, entry, "size")?;
            match part.size {
                Some(needed) if needed != size => {
                    let expected = format!("{needed}, what {rows} rows need");
                    return Err(self.bad(place, "'size'", entry.get("size"), &expected));
                }
                _ => part.size = Some(size),
            }
            let end = part
                .offset
                .checked_add(size)
                .filter(|end| *end <= u64::from(u32::MAX));
            let Some(end) = end else {
                return Err(self.bad(place, "'offset'", entry.get("offset"), "an end below 2^32"));
            };
            payload_bytes = payload_bytes.max(end);
            placed.push(part);
        }
        Ok((placed, payload_bytes))
    }

    /// Compression, parameters and, where arithmetic tells it, size of one column's part of a chunk.
    fn part(
        &self,
        place: ChunkPlace,
        rows: u64,
        entry: &Json,
        column: &Column,
        allowed: &[Compression],
    ) -> Result<ChunkColumn> {
        let compression = self.compression(place, entry, Some(column.compression), allowed)?;
        let width = match compression {
            Compression::Fp16 => 2,
            Compression::Int8 => 1,
            Compression::Lossless => 0,
            Compression::None => column.dtype.width() as u64,
        };
        // A row of no bytes needs no room, but no writer has more rows than a record could hold bytes.
        let counted = Some(rows).filter(|rows| *rows <= u64::from(u32::MAX));
        let bytes = counted
            .and_then(|rows| rows.checked_mul(column.dimension as u64))
            .and_then(|values| match compression {
                Compression::Lossless if values > ogive_codecs::lossless::VALUES_MAX => None,
                Compression::Lossless => Some(ogive_codecs::lossless::payload_bytes_min(values)),
                _ => values.checked_mul(width),
            })
            .filter(|bytes| *bytes <= u64::from(u32::MAX));
        let Some(bytes) = bytes else {
            let expected = "rows that fit a record of 2^32 bytes";
            return Err(self.bad(
                place,
                "'rows'",
                entry.get("rows").or(Some(&Json::from(rows))),
                expected,
            ));
        };
        let parameter = |key: &str| match entry.get(key).map(|value| (value, value.as_f64())) {
            Some((_, Some(number))) => Ok(Some(number)),
            other => Err(self.bad(
                place,
                &format!("'{key}'"),
                other.map(|found| found.0),
                "a number",
            )),
        };
        let (min, scale) = match compression {
            Compression::Int8 => (parameter("min")?, parameter("scale")?),
            _ => (None, None),
        };
        let prefix = self.version.record_prefix_bytes();
        let header_end = self.version.header_start() + self.text.len() as u64;
        let room = self.file_bytes.saturating_sub(header_end + prefix);
        // Other lengths are known: their records are placed, and checked, one by one.
        if compression == Compression::Lossless && bytes > room {
            return Err(Error::Truncated {
                file: (*self.file).into(),
                place,
                what: "its payload",
                offset: header_end + prefix,
                found: room,
                expected: bytes,
            });
        }
        Ok(ChunkColumn {
            compression,
            offset: 0,
            size: (compression != Compression::Lossless).then_some(bytes),
            min,
            scale,
        })
    }

    fn sections(&self, json: &Json, rows: u64) -> Result<Vec<Section>> {
        let none = ChunkPlace::NONE;
        let entries = match json.get("sections") {
            None => return Ok(Vec::new()),
            Some(Json::Array(entries)) => entries,
            other => return Err(self.bad(none, "'sections'", other, "a list")),
        };
        let mut sections = Vec::with_capacity(entries.len());
        for entry in entries {
            let start = self.count(none, entry, "start_index")?;
            let end = self.count(none, entry, "end_index")?;
            if start > end || end > rows {
                let expected = format!("a row from {start} to {rows}");
                return Err(self.bad(
                    none,
                    "a section's 'end_index'",
                    entry.get("end_index"),
                    &expected,
                ));
            }
            sections.push(Section {
                start,
                end,
                metadata: entry.get("metadata").cloned().unwrap_or_default(),
            });
        }
        Ok(sections)
    }
}
