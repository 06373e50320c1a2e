//! The pages of one vector column: where its numbers lie in the file.
//!
//! A list column whose lists are all of one length and hold no NULL stores its numbers in plain
//! pages exactly as a `.npy` file does; only the levels in front of each page say so. They are
//! read once here. Pages that a writer began with a dictionary are decoded.

use bytes::Bytes;
use ogive_codecs::levels::{self, Run, Runs};
use ogive_kernels::Encoding;
use parquet::basic::{Compression, Encoding as PageEncoding, LogicalType, Type};
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::serialized_reader::SerializedPageReader;
use std::sync::Arc;

/// Bytes decoded from dictionaries at most for one column: writers give a dictionary up after a
/// megabyte or so, and what claims to be more is not worth holding.
const DECODED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A run of vectors of a Parquet column.
#[derive(Debug, Clone)]
pub struct VectorPage {
    /// Offset of the page's bytes in the file.
    pub offset: u64,
    /// Number of its first row in the file.
    pub first_row: u64,
    /// How many rows.
    pub rows: usize,
    /// Their numbers: a slice of the file, or decoded.
    pub values: Bytes,
}

/// All vectors of a column, in row order.
#[derive(Debug, Clone)]
pub struct VectorPages {
    /// Elements of each vector.
    pub dimension: usize,
    /// How they are stored.
    pub encoding: Encoding,
    /// Rows of the file.
    pub rows: u64,
    /// The pages, in row order.
    pub pages: Vec<VectorPage>,
}

/// Finds the pages of leaf column `leaf` in a file; `None` when the column is compressed, encoded
/// otherwise, has NULLs, or has lists of different lengths.
pub fn vector_pages(
    file: &Bytes,
    metadata: &ParquetMetaData,
    leaf: usize,
) -> parquet::errors::Result<Option<VectorPages>> {
    let column = metadata.file_metadata().schema_descr().column(leaf);
    let encoding = match (column.physical_type(), column.logical_type_ref()) {
        (Type::FLOAT, _) => Encoding::F32,
        (Type::DOUBLE, _) => Encoding::F64,
        (Type::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Float16)) => Encoding::F16,
        _ => return Ok(None),
    };
    if column.max_rep_level() != 1 {
        return Ok(None);
    }
    let mut found = Found {
        file,
        encoding,
        max_definition: u32::from(column.max_def_level().unsigned_abs()),
        dimension: None,
        pages: Vec::new(),
        next_row: 0,
        decoded_bytes: 0,
    };
    let mut rows = 0;
    for row_group in metadata.row_groups() {
        let group_rows = row_group.num_rows().unsigned_abs();
        if found.chunk(row_group.column(leaf), group_rows)?.is_none() {
            return Ok(None);
        }
        rows += group_rows;
        if found.next_row != rows {
            return Ok(None);
        }
    }
    Ok(found.dimension.map(|dimension| VectorPages {
        dimension,
        encoding,
        rows,
        pages: found.pages,
    }))
}

struct Found<'a> {
    file: &'a Bytes,
    encoding: Encoding,
    max_definition: u32,
    dimension: Option<usize>,
    pages: Vec<VectorPage>,
    next_row: u64,
    decoded_bytes: usize,
}

impl Found<'_> {
    fn chunk(
        &mut self,
        chunk: &ColumnChunkMetaData,
        rows: u64,
    ) -> parquet::errors::Result<Option<()>> {
        if chunk.compression() != Compression::UNCOMPRESSED {
            return Ok(None);
        }
        let rows = usize::try_from(rows)?;
        let mut reader = SerializedPageReader::new(Arc::new(self.file.clone()), chunk, rows, None)?;
        let mut dictionary: Option<Bytes> = None;
        while let Some(page) = reader.get_next_page()? {
            let taken = match page {
                Page::DictionaryPage { buf, .. } => {
                    dictionary = Some(buf);
                    Some(())
                }
                Page::DataPage {
                    buf,
                    num_values,
                    encoding,
                    def_level_encoding,
                    rep_level_encoding,
                    ..
                } if def_level_encoding == PageEncoding::RLE
                    && rep_level_encoding == PageEncoding::RLE =>
                {
                    prefixed(&buf).and_then(|(repetition, rest)| {
                        let (definition, values) = prefixed(&rest)?;
                        let levels = (repetition, definition);
                        self.page(
                            &buf,
                            levels,
                            values,
                            num_values,
                            encoding,
                            dictionary.as_ref(),
                        )
                    })
                }
                Page::DataPageV2 {
                    buf,
                    num_values,
                    encoding,
                    def_levels_byte_len,
                    rep_levels_byte_len,
                    ..
                } => {
                    let (repetition, definition) =
                        (rep_levels_byte_len as usize, def_levels_byte_len as usize);
                    let values = repetition + definition;
                    (values <= buf.len())
                        .then(|| {
                            let levels = (buf.slice(..repetition), buf.slice(repetition..values));
                            let rest = buf.slice(values..);
                            let dictionary = dictionary.as_ref();
                            self.page(&buf, levels, rest, num_values, encoding, dictionary)
                        })
                        .flatten()
                }
                Page::DataPage { .. } => None,
            };
            if taken.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    fn page(
        &mut self,
        page: &Bytes,
        (repetition, definition): (Bytes, Bytes),
        values: Bytes,
        count: u32,
        encoding: PageEncoding,
        dictionary: Option<&Bytes>,
    ) -> Option<()> {
        let count = count as usize;
        if count == 0 {
            return Some(());
        }
        let definition_bits = u32::BITS - self.max_definition.leading_zeros();
        if !levels::all_are(&definition, definition_bits, count, self.max_definition) {
            return None;
        }
        let dimension = levels::list_length(&repetition, count)?;
        if *self.dimension.get_or_insert(dimension) != dimension {
            return None;
        }
        let bytes = count.checked_mul(self.encoding.width())?;
        let values = match encoding {
            PageEncoding::PLAIN => (values.len() >= bytes).then(|| values.slice(..bytes))?,
            PageEncoding::RLE_DICTIONARY | PageEncoding::PLAIN_DICTIONARY => {
                self.decoded_bytes = self.decoded_bytes.checked_add(bytes)?;
                if self.decoded_bytes > DECODED_BYTES_MAX {
                    return None;
                }
                from_dictionary(&values, dictionary?, self.encoding.width(), count)?
            }
            _ => return None,
        };
        let rows = count / dimension;
        let offset = (page.as_ptr() as usize).checked_sub(self.file.as_ptr() as usize)?;
        self.pages.push(VectorPage {
            offset: offset as u64,
            first_row: self.next_row,
            rows,
            values,
        });
        self.next_row += rows as u64;
        Some(())
    }
}

/// Levels behind their length, and what follows.
fn prefixed(bytes: &Bytes) -> Option<(Bytes, Bytes)> {
    let length = u32::from_le_bytes(*bytes.first_chunk::<4>()?) as usize;
    let end = length.checked_add(4)?;
    (end <= bytes.len()).then(|| (bytes.slice(4..end), bytes.slice(end..)))
}

fn from_dictionary(indices: &[u8], dictionary: &[u8], width: usize, count: usize) -> Option<Bytes> {
    let (bit_width, indices) = indices.split_first()?;
    let bit_width = u32::from(*bit_width);
    let mut values = Vec::with_capacity(count.checked_mul(width)?);
    let entry = |index: u32| {
        let start = (index as usize).checked_mul(width)?;
        dictionary.get(start..start.checked_add(width)?)
    };
    let mut left = count;
    for run in Runs::new(indices, bit_width) {
        match run {
            Run::Repeated { count, value } => {
                let some = count.min(left);
                let entry = entry(value)?;
                for _ in 0..some {
                    values.extend_from_slice(entry);
                }
                left -= some;
            }
            Run::Packed { bytes, count } => {
                let some = count.min(left);
                for index in 0..some {
                    values.extend_from_slice(entry(levels::unpack(bytes, bit_width, index)?)?);
                }
                left -= some;
            }
        }
        if left == 0 {
            break;
        }
    }
    (left == 0).then(|| Bytes::from(values))
}
