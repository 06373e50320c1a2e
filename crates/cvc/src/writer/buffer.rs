//! The rows of the chunk being filled, one column at a time.

use std::ops::Range;

use ogive_codecs::{fp16, int8, lossless};

use super::ColumnValues;
use crate::schema::{Column, Compression};

/// Values in the form that takes least room and from which the column's bytes can still be made.
#[derive(Debug)]
pub(super) enum Buffer {
    /// Final bytes: of halves, or of numbers as they are.
    Bytes { bytes: Vec<u8>, halves: bool },
    /// `int8` has to see the whole chunk, `lossless` its dictionaries.
    Floats { values: Vec<f32>, lossless: bool },
}

impl Buffer {
    pub(super) fn new(column: &Column) -> Self {
        match column.compression {
            Compression::Fp16 | Compression::None => Buffer::Bytes {
                bytes: Vec::new(),
                halves: column.compression == Compression::Fp16,
            },
            Compression::Int8 | Compression::Lossless => Buffer::Floats {
                values: Vec::new(),
                lossless: column.compression == Compression::Lossless,
            },
        }
    }

    /// Takes the values with these numbers.
    pub(super) fn append(&mut self, values: &ColumnValues<'_>, range: Range<usize>) {
        match self {
            Buffer::Bytes {
                bytes,
                halves: true,
            } => append_halves(values, range, bytes),
            Buffer::Bytes { bytes, .. } => append_raw(values, range, bytes),
            Buffer::Floats { values: floats, .. } => append_floats(values, range, floats),
        }
    }

    /// Appends the column's bytes to a record and empties the buffer.
    pub(super) fn drain_into(
        &mut self,
        record: &mut Vec<u8>,
    ) -> Result<Option<int8::Parameters>, ogive_codecs::Error> {
        match self {
            Buffer::Bytes { bytes, .. } => {
                record.append(bytes);
                Ok(None)
            }
            Buffer::Floats { values, lossless } => {
                let parameters = if *lossless {
                    lossless::encode(values, record)?;
                    None
                } else {
                    Some(int8::encode(values, record))
                };
                values.clear();
                Ok(parameters)
            }
        }
    }
}

/// The wanted part of a list; the range was checked against its length before.
fn part<T>(values: &[T], range: Range<usize>) -> &[T] {
    values.get(range).unwrap_or_default()
}

fn append_halves(values: &ColumnValues<'_>, range: Range<usize>, bytes: &mut Vec<u8>) {
    // Integers below 65520 are exact in `f32`, and larger ones are infinite as halves: going through `f32` is safe for them.
    let floats = |values: Vec<f32>, bytes: &mut Vec<u8>| fp16::encode_f32(&values, bytes);
    match values {
        ColumnValues::F32(values) => fp16::encode_f32(part(values, range), bytes),
        ColumnValues::F64(values) => fp16::encode_f64(part(values, range), bytes),
        ColumnValues::F16(values) => {
            bytes.extend(
                part(values, range)
                    .iter()
                    .flat_map(|half| half.to_le_bytes()),
            );
        }
        other => {
            let mut wide = Vec::with_capacity(range.len());
            append_floats(other, range, &mut wide);
            floats(wide, bytes);
        }
    }
}

fn append_floats(values: &ColumnValues<'_>, range: Range<usize>, floats: &mut Vec<f32>) {
    match values {
        ColumnValues::F32(values) => floats.extend_from_slice(part(values, range)),
        ColumnValues::F64(values) => floats.extend(part(values, range).iter().map(|x| *x as f32)),
        ColumnValues::F16(values) => floats.extend(part(values, range).iter().map(|x| x.to_f32())),
        ColumnValues::I32(values) => floats.extend(part(values, range).iter().map(|x| *x as f32)),
        ColumnValues::I64(values) => floats.extend(part(values, range).iter().map(|x| *x as f32)),
        ColumnValues::I8(values) => {
            floats.extend(part(values, range).iter().map(|x| f32::from(*x)))
        }
        ColumnValues::U8(values) => {
            floats.extend(part(values, range).iter().map(|x| f32::from(*x)))
        }
    }
}

fn append_raw(values: &ColumnValues<'_>, range: Range<usize>, bytes: &mut Vec<u8>) {
    match values {
        ColumnValues::F32(values) => {
            bytes.extend(part(values, range).iter().flat_map(|x| x.to_le_bytes()))
        }
        // There are no columns of 64-bit floats: those are for columns of 32 bits.
        ColumnValues::F64(values) => bytes.extend(
            part(values, range)
                .iter()
                .flat_map(|x| (*x as f32).to_le_bytes()),
        ),
        ColumnValues::F16(values) => {
            bytes.extend(part(values, range).iter().flat_map(|x| x.to_le_bytes()))
        }
        ColumnValues::I32(values) => {
            bytes.extend(part(values, range).iter().flat_map(|x| x.to_le_bytes()))
        }
        ColumnValues::I64(values) => {
            bytes.extend(part(values, range).iter().flat_map(|x| x.to_le_bytes()))
        }
        ColumnValues::I8(values) => {
            bytes.extend(part(values, range).iter().flat_map(|x| x.to_le_bytes()))
        }
        ColumnValues::U8(values) => bytes.extend_from_slice(part(values, range)),
    }
}
