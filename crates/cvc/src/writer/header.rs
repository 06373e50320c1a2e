//! The header of a finished file.

use super::{ChunkEntry, PAGE_BYTES, Writer};
use crate::error::{Error, Result};
use crate::json::Json;
use crate::layout::Section;
use crate::open::MAGIC;
use crate::schema::{Column, Compression, Version};

/// Bytes before the JSON.
const PREAMBLE_BYTES: u64 = 12;

/// The preamble and the text of a versioned file.
pub(crate) fn with_preamble(version: Version, text: &str) -> Result<Vec<u8>> {
    let Ok(length) = u32::try_from(text.len()) else {
        return Err(Error::TooLarge {
            what: "the header",
            found: text.len() as u64,
            expected: u64::from(u32::MAX),
        });
    };
    let (major, minor) = match version {
        Version::V0 => (0_u16, 0),
        Version::V1 { minor } => (1, minor),
        Version::V2 { minor } => (2, minor),
    };
    let mut header = Vec::with_capacity(PREAMBLE_BYTES as usize + text.len());
    header.extend_from_slice(&MAGIC);
    header.extend_from_slice(&major.to_le_bytes());
    header.extend_from_slice(&minor.to_le_bytes());
    header.extend_from_slice(&length.to_le_bytes());
    header.extend_from_slice(text.as_bytes());
    Ok(header)
}

impl<S> Writer<S> {
    /// Everything that comes before the first record.
    pub(super) fn header(&self) -> Result<Vec<u8>> {
        if !self.options.mmap_optimized {
            let version = match self.columnar {
                true => Version::V2 { minor: 0 },
                false => Version::V1 { minor: 0 },
            };
            return with_preamble(version, &self.text(None));
        }
        // Other writers choose the first record's place from the header without places, and write the longer final header
        // over whatever it reaches. Where that does no harm the same place is taken, so that files are the same byte for
        // byte. Else the place moves on, a page at a time, until the header, which names it, fits before it.
        let end = |text: &str| PREAMBLE_BYTES + text.len() as u64;
        let mut first = end(&self.text(None)).next_multiple_of(PAGE_BYTES);
        let mut text = self.text(Some(first));
        while end(&text) > first {
            first = end(&text).next_multiple_of(PAGE_BYTES);
            text = self.text(Some(first));
        }
        let mut header = with_preamble(Version::V1 { minor: 0 }, &text)?;
        header.resize(usize::try_from(first).unwrap_or(header.len()), 0);
        Ok(header)
    }

    /// The JSON; with the place of the first record in the file where records have stored places.
    fn text(&self, first_record: Option<u64>) -> String {
        // "chunks" sorts before the other keys, so its entries, which can be many, are written one by one and dropped.
        let mut text = "{\"chunks\":[".to_owned();
        let mut first_section = 0;
        let mut first_row = 0;
        for (index, chunk) in self.chunks.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            let rows = first_row..first_row + chunk.rows;
            first_row = rows.end;
            let mut entry = self.chunk(chunk);
            if let Some(first) = first_record {
                entry.push(("file_offset".to_owned(), Json::from(first + chunk.start)));
            }
            if let Some(metadata) = self.metadata.get(&index) {
                entry.push(("metadata".to_owned(), metadata.clone()));
            }
            if !self.sections.is_empty() {
                let ended = |section: &&Section| section.end <= rows.start;
                let later = self.sections.get(first_section..).unwrap_or_default();
                first_section += later.iter().take_while(ended).count();
                let later = self.sections.get(first_section..).unwrap_or_default();
                let overlapping = Self::overlapping(later, &rows);
                if !(self.columnar && overlapping.is_empty()) {
                    entry.push(("sections".to_owned(), Json::Array(overlapping)));
                }
            }
            Json::Object(entry).push_sorted(&mut text);
        }
        text.push_str("],");
        let rest = self.overall(first_record.is_some()).to_sorted_text();
        text.push_str(rest.strip_prefix('{').unwrap_or(&rest));
        text
    }

    fn overall(&self, mmap_optimized: bool) -> Json {
        let mut entries = vec![("num_vectors".to_owned(), Json::from(self.rows))];
        if self.columnar {
            entries.push(("format_type".to_owned(), Json::from("columnar")));
            let columns = self.columns.iter().map(column).collect();
            entries.push(("columns".to_owned(), Json::Array(columns)));
        } else if let Some(column) = self.columns.first() {
            entries.push((
                "compression".to_owned(),
                Json::from(column.compression.name()),
            ));
            entries.push(("dimension".to_owned(), Json::from(column.dimension as u64)));
        }
        if mmap_optimized {
            entries.push(("mmap_optimized".to_owned(), Json::Bool(true)));
        }
        if !self.sections.is_empty() {
            let sections = self.sections.iter().map(section).collect();
            entries.push(("sections".to_owned(), Json::Array(sections)));
        }
        Json::Object(entries)
    }

    fn chunk(&self, chunk: &ChunkEntry) -> Vec<(String, Json)> {
        let mut entry = vec![("rows".to_owned(), Json::from(chunk.rows))];
        let mut columns = Vec::new();
        for (column, part) in self.columns.iter().zip(&chunk.parts) {
            let mut facts = vec![(
                "compression".to_owned(),
                Json::from(column.compression.name()),
            )];
            if let Some(parameters) = part.parameters {
                facts.push(("min".to_owned(), Json::Float(parameters.min)));
                facts.push(("scale".to_owned(), Json::Float(parameters.scale)));
            }
            if self.columnar {
                facts.push(("offset".to_owned(), Json::from(part.offset)));
                facts.push(("size".to_owned(), Json::from(part.size)));
                columns.push((column.name.clone(), Json::Object(facts)));
            } else {
                entry.append(&mut facts);
            }
        }
        if self.columnar {
            entry.push(("columns".to_owned(), Json::Object(columns)));
        }
        entry
    }

    /// Entries for the sections that share rows with a chunk. As other writers do, an empty section is listed as well when it
    /// lies inside the chunk, though not at its edge.
    fn overlapping(sections: &[Section], rows: &std::ops::Range<u64>) -> Vec<Json> {
        sections
            .iter()
            .take_while(|section| section.start < rows.end)
            .filter(|section| section.end > rows.start)
            .map(|section| {
                let start = section.start.max(rows.start) - rows.start;
                let end = section.end.min(rows.end) - rows.start;
                Json::Object(vec![
                    ("metadata".to_owned(), section.metadata.clone()),
                    ("start_in_chunk".to_owned(), Json::from(start)),
                    ("end_in_chunk".to_owned(), Json::from(end)),
                    ("section_start".to_owned(), Json::from(section.start)),
                    ("section_end".to_owned(), Json::from(section.end)),
                ])
            })
            .collect()
    }
}

fn column(column: &Column) -> Json {
    debug_assert_ne!(column.compression, Compression::Lossless);
    Json::Object(vec![
        ("name".to_owned(), Json::from(column.name.as_str())),
        ("dtype".to_owned(), Json::from(column.dtype.name())),
        ("dimension".to_owned(), Json::from(column.dimension as u64)),
        (
            "compression".to_owned(),
            Json::from(column.compression.name()),
        ),
    ])
}

fn section(section: &Section) -> Json {
    Json::Object(vec![
        ("start_index".to_owned(), Json::from(section.start)),
        ("end_index".to_owned(), Json::from(section.end)),
        (
            "num_vectors".to_owned(),
            Json::from(section.end - section.start),
        ),
        ("metadata".to_owned(), section.metadata.clone()),
    ])
}
