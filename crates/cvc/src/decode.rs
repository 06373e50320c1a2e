//! Records to values.

use std::ops::Range;

use half::f16;
use ogive_codecs::{fp16, int8, lossless};

use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::schema::{Column, Compression, DType};
use crate::walk::{Window, u32_at};

impl Layout {
    /// Checks a whole record, prefix and payload: its stated length and, from v1.0 on, the CRC-32. Returns the payload.
    ///
    /// # Errors
    /// [`Error::BadRecord`] and [`Error::ChecksumMismatch`]; [`Error::BadRequest`] when there is no such chunk,
    /// [`Error::RecordUnknown`] when the records have not been walked.
    pub fn check_record<'a>(&self, chunk: usize, record: &'a [u8]) -> Result<&'a [u8]> {
        let entry = self.chunk(chunk)?;
        let place = self.place(chunk);
        let (Some(start), Some(expected)) = (entry.start, entry.payload_bytes) else {
            return Err(Error::RecordUnknown {
                file: (*self.file).into(),
                place,
            });
        };
        let bad = |what, found, expected| Error::BadRecord {
            file: (*self.file).into(),
            place,
            what,
            offset: start,
            found,
            expected,
        };
        let prefix = self.version.record_prefix_bytes();
        let length = record.len() as u64;
        if length != prefix + expected {
            return Err(bad("the record given", length, prefix + expected));
        }
        let stored = u32_at(record, 0).map_or(0, u64::from);
        if stored != expected {
            return Err(bad("the payload, as the record says,", stored, expected));
        }
        let payload = record.get(prefix as usize..).unwrap_or_default();
        if self.version.has_checksums() {
            let stated = u32_at(record, 4).unwrap_or(0);
            let found = crc32fast::hash(payload);
            if found != stated {
                return Err(Error::ChecksumMismatch {
                    file: (*self.file).into(),
                    place,
                    offset: start,
                    found,
                    expected: stated,
                });
            }
        }
        Ok(payload)
    }

    /// One column's bytes in a payload.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when there is no such chunk or column, [`Error::BadRecord`] when the payload is too short.
    pub fn column_bytes<'a>(
        &self,
        chunk: usize,
        column: usize,
        payload: &'a [u8],
    ) -> Result<&'a [u8]> {
        let entry = self.chunk(chunk)?;
        self.column(column)?;
        let part = entry.columns.get(column);
        let range = part.map(|part| {
            let end = part.size.map_or(payload.len() as u64, |size| {
                part.offset.saturating_add(size)
            });
            part.offset..end
        });
        let window = Window {
            start: 0,
            bytes: payload,
        };
        let needed = range.as_ref().map_or(0, |range| range.end);
        range
            .and_then(|range| window.get(range))
            .ok_or_else(|| Error::BadRecord {
                file: (*self.file).into(),
                place: self.place(chunk),
                what: "the payload given",
                offset: entry.start.unwrap_or(self.header_bytes),
                found: payload.len() as u64,
                expected: needed,
            })
    }

    /// Decodes some rows of one column of one chunk.
    ///
    /// `bytes` are the column's bytes of the whole chunk, `rows` count from the chunk's first row, `out` has
    /// `rows.len() * dimension` places and is filled row by row. Only the bytes of those rows are looked at. Columns without
    /// compression are decoded when their type is `float32` or `float16`; other types are the caller's to reinterpret
    /// (little-endian, `width * dimension` bytes a row).
    ///
    /// # Errors
    /// [`Error::BadPayload`] for bytes that do not decode or are too few or many; [`Error::BadRequest`] when there is no such
    /// chunk, column or row, `out` is of another length, or the column holds integers.
    pub fn decode_f32(
        &self,
        chunk: usize,
        column: usize,
        bytes: &[u8],
        rows: Range<usize>,
        out: &mut [f32],
    ) -> Result<()> {
        let entry = self.chunk(chunk)?;
        let schema = self.column(column)?;
        let request = |what, found: String, expected: String| Error::BadRequest {
            file: (*self.file).into(),
            what,
            found: found.into(),
            expected: expected.into(),
        };
        let Some(part) = entry.columns.get(column) else {
            return Err(request(
                "column",
                column.to_string(),
                "one of the chunk".to_owned(),
            ));
        };
        if rows.start > rows.end || rows.end as u64 > entry.rows {
            let found = format!("{}..{}", rows.start, rows.end);
            return Err(request(
                "rows of a chunk",
                found,
                format!("rows in 0..{}", entry.rows),
            ));
        }
        // Rows of a chunk times its dimension were found to fit a record when the header was read.
        let first = rows.start.saturating_mul(schema.dimension);
        let count = rows.len().saturating_mul(schema.dimension);
        if out.len() != count {
            return Err(request(
                "places for values",
                out.len().to_string(),
                count.to_string(),
            ));
        }
        let values = (entry.rows as usize).saturating_mul(schema.dimension);
        let decoded = match part.compression {
            Compression::Fp16 => slice(bytes, values, first, count, fp16::BYTES_PER_VALUE)
                .and_then(|bytes| fp16::decode(bytes, out)),
            Compression::Int8 => {
                let parameters = int8::Parameters {
                    min: part.min.unwrap_or(f64::NAN),
                    scale: part.scale.unwrap_or(f64::NAN),
                };
                slice(bytes, values, first, count, 1)
                    .and_then(|bytes| int8::decode(bytes, parameters, out))
            }
            Compression::Lossless => decode_lossless(bytes, values, first, out),
            Compression::None => match schema.dtype {
                DType::Float32 => slice(bytes, values, first, count, 4).map(|bytes| {
                    for (value, raw) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                        *value = f32::from_le_bytes(*raw);
                    }
                }),
                DType::Float16 => slice(bytes, values, first, count, 2).map(|bytes| {
                    for (value, raw) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                        *value = f16::from_le_bytes(*raw).to_f32();
                    }
                }),
                other => {
                    let expected = "float32 or float16, or compressed values".to_owned();
                    return Err(request(
                        "type of a column to decode",
                        other.to_string(),
                        expected,
                    ));
                }
            },
        };
        decoded.map_err(|source| self.bad_payload(chunk, column, schema, source))
    }

    fn bad_payload(
        &self,
        chunk: usize,
        column: usize,
        schema: &Column,
        source: ogive_codecs::Error,
    ) -> Error {
        Error::BadPayload {
            file: (*self.file).into(),
            place: self.place(chunk),
            column: schema.name.as_str().into(),
            offset: self
                .column_range(chunk, column)
                .map_or(self.header_bytes, |range| range.start),
            source,
        }
    }
}

/// The bytes of values `first..first + count`, once the whole has the right length.
fn slice(
    bytes: &[u8],
    values: usize,
    first: usize,
    count: usize,
    width: usize,
) -> Result<&[u8], ogive_codecs::Error> {
    let wrong = ogive_codecs::Error::Length {
        found: bytes.len() as u64,
        expected: (values as u64).saturating_mul(width as u64),
    };
    if Some(bytes.len()) != values.checked_mul(width) {
        return Err(wrong);
    }
    bytes
        .get(first * width..(first + count) * width)
        .ok_or(wrong)
}

fn decode_lossless(
    bytes: &[u8],
    values: usize,
    first: usize,
    out: &mut [f32],
) -> Result<(), ogive_codecs::Error> {
    let stored = u64::from(lossless::value_count(bytes)?);
    if stored != values as u64 {
        return Err(ogive_codecs::Error::Field {
            what: "number of values",
            offset: 0,
            found: stored,
            expected: values as u64,
        });
    }
    if out.len() == values {
        return lossless::decode(bytes, out);
    }
    lossless::decode_range(bytes, first, out)
}

/// All rows of one column of a file that is in memory, every record checked.
///
/// # Errors
/// As [`Layout::check_record`], [`Layout::column_bytes`] and [`Layout::decode_f32`], and [`Error::RecordUnknown`] for a layout
/// whose records have not been walked.
pub fn read_all_f32(layout: &Layout, file: &[u8], column: usize) -> Result<Vec<f32>> {
    let dimension = layout.column(column)?.dimension;
    let window = Window {
        start: 0,
        bytes: file,
    };
    let mut values = Vec::new();
    for (index, chunk) in layout.chunks().iter().enumerate() {
        let range = layout
            .record_range(index)
            .ok_or_else(|| Error::RecordUnknown {
                file: layout.file().into(),
                place: layout.place(index),
            })?;
        let record = window.get(range).ok_or_else(|| Error::BadRequest {
            file: layout.file().into(),
            what: "bytes of the file",
            found: file.len().to_string().into(),
            expected: layout.file_bytes().to_string().into(),
        })?;
        let payload = layout.check_record(index, record)?;
        let bytes = layout.column_bytes(index, column, payload)?;
        // The record is there in full, so its rows are no more than its bytes justify.
        let rows = chunk.rows as usize;
        let start = values.len();
        values.resize(start + rows.saturating_mul(dimension), 0.0);
        let out = values.get_mut(start..).unwrap_or_default();
        layout.decode_f32(index, column, bytes, 0..rows, out)?;
    }
    Ok(values)
}
