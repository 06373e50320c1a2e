//! Files of graphs.
//!
//! # Layout, version 1
//!
//! Little-endian.
//!
//! | bytes | what |
//! |--:|---|
//! | 0..8 | `"OGVHNSW\0"` |
//! | 8..12 | version, 1 |
//! | 12..16 | measure: 0 l2, 1 inner product, 2 cosine |
//! | 16..20 | 1 when rows are `f64`, otherwise 0 |
//! | 20..24 | dimension |
//! | 24..32 | rows |
//! | 32..36 | m |
//! | 36..40 | the row where traversals start |
//! | 40..44 | levels above the lowest |
//! | 44..48 | 0 |
//! | 48.. | for each part, in this order: offset (8), bytes (8), CRC-32 (4), 0 (4) |
//! | 192..196 | CRC-32 of the header before it |
//!
//! Parts start at multiples of 64: vectors (`f32`, row-major, at unit length under cosine); lists of links of the lowest level, a
//! count and room for `2 m` rows for each row; the first upper list of each row, and the end; upper lists, a count and room for
//! `m`, level 1 first; rows without a place in the graph, ascending (8 bytes each); NULL rows in the same way.
#![deny(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing
)]

use super::graph::{Graph, LEVELS_MAX};
use crate::FileError;
use crate::flat::{DIMENSION_MAX, Measure};

const MAGIC: [u8; 8] = *b"OGVHNSW\0";
const VERSION: u32 = 1;
const PARTS: usize = 6;
const PARTS_AT: usize = 48;
const PART_BYTES: usize = 24;
const CHECKSUM_AT: usize = PARTS_AT + PARTS * PART_BYTES;
const HEADER_BYTES: usize = CHECKSUM_AT + 4;
pub(super) const ALIGNMENT: usize = 64;

/// What a part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Vectors,
    Base,
    Offsets,
    Upper,
    Exceptions,
    Nulls,
}

impl Part {
    pub(super) const ALL: [Part; PARTS] = [
        Part::Vectors,
        Part::Base,
        Part::Offsets,
        Part::Upper,
        Part::Exceptions,
        Part::Nulls,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Part::Vectors => "the vectors",
            Part::Base => "the links",
            Part::Offsets => "the places of upper links",
            Part::Upper => "the upper links",
            Part::Exceptions => "the list of exceptions",
            Part::Nulls => "the list of NULL rows",
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    pub(super) offset: usize,
    bytes: usize,
    checksum: u32,
}

/// The header.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) measure: Measure,
    pub(super) double: bool,
    pub(super) dimension: usize,
    pub(super) rows: u64,
    pub(super) m: usize,
    pub(super) entry: u32,
    pub(super) levels: u32,
    pub(super) places: [Place; PARTS],
}

impl Header {
    /// The bytes of a part of the file.
    pub(super) fn part<'a>(&self, file: &'a [u8], part: Part) -> &'a [u8] {
        let place = self.places.get(part as usize).copied().unwrap_or_default();
        let end = place.offset.saturating_add(place.bytes);
        file.get(place.offset..end).unwrap_or(&[])
    }
}

/// Bytes in memory that numbers can be read from in place.
#[derive(Debug, Clone, Default)]
pub struct AlignedBytes {
    words: Vec<u64>,
    bytes: usize,
}

impl AlignedBytes {
    /// A copy of `bytes`.
    pub fn new(bytes: &[u8]) -> AlignedBytes {
        let mut words = vec![0_u64; bytes.len().div_ceil(8)];
        let place: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        if let Some(place) = place.get_mut(..bytes.len()) {
            place.copy_from_slice(bytes);
        }
        AlignedBytes {
            words,
            bytes: bytes.len(),
        }
    }
}

impl AsRef<[u8]> for AlignedBytes {
    fn as_ref(&self) -> &[u8] {
        let bytes: &[u8] = bytemuck::cast_slice(&self.words);
        bytes.get(..self.bytes).unwrap_or(bytes)
    }
}

pub(super) fn write(
    graph: &Graph<'_>,
    double: bool,
    rows: u64,
    exceptions: &[u64],
    nulls: &[u64],
) -> AlignedBytes {
    let parts: [&[u8]; PARTS] = [
        bytemuck::cast_slice(graph.vectors),
        bytemuck::cast_slice(graph.base),
        bytemuck::cast_slice(graph.offsets),
        bytemuck::cast_slice(graph.upper),
        bytemuck::cast_slice(exceptions),
        bytemuck::cast_slice(nulls),
    ];
    let measure: u32 = match graph.measure {
        Measure::L2 => 0,
        Measure::InnerProduct => 1,
        Measure::Cosine => 2,
    };
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend(MAGIC);
    for number in [VERSION, measure, double.into(), graph.dimension as u32] {
        header.extend(number.to_le_bytes());
    }
    header.extend(rows.to_le_bytes());
    for number in [graph.m as u32, graph.entry, graph.levels, 0] {
        header.extend(number.to_le_bytes());
    }
    let mut end = HEADER_BYTES;
    let mut offsets = [0; PARTS];
    for (part, offset) in parts.iter().zip(&mut offsets) {
        *offset = end.next_multiple_of(ALIGNMENT);
        end = *offset + part.len();
        header.extend((*offset as u64).to_le_bytes());
        header.extend((part.len() as u64).to_le_bytes());
        header.extend(crc32fast::hash(part).to_le_bytes());
        header.extend(0_u32.to_le_bytes());
    }
    header.extend(crc32fast::hash(&header).to_le_bytes());
    let mut file = AlignedBytes {
        words: vec![0; end.div_ceil(8)],
        bytes: end,
    };
    let place: &mut [u8] = bytemuck::cast_slice_mut(&mut file.words);
    let all = std::iter::once((&0, header.as_slice())).chain(offsets.iter().zip(parts));
    for (offset, part) in all {
        if let Some(place) = place.get_mut(*offset..*offset + part.len()) {
            place.copy_from_slice(part);
        }
    }
    file
}

pub(super) fn read_header(file: &[u8]) -> Result<Header, FileError> {
    let magic = file.get(..8.min(file.len())).unwrap_or(&[]);
    if magic != MAGIC {
        return Err(FileError::NotAnIndex {
            found: magic.escape_ascii().to_string().into(),
            expected: "OGVHNSW",
        });
    }
    let Some((header, _)) = file.split_at_checked(HEADER_BYTES) else {
        return Err(FileError::Truncated {
            what: "the header",
            offset: 0,
            found: file.len() as u64,
            expected: HEADER_BYTES as u64,
        });
    };
    let number = |at: usize| -> u32 {
        let bytes = header.get(at..).and_then(|rest| rest.first_chunk::<4>());
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    let long = |at: usize| u64::from(number(at)) | u64::from(number(at + 4)) << 32;
    if number(8) != VERSION {
        return Err(FileError::UnsupportedVersion {
            found: number(8),
            expected: VERSION,
        });
    }
    let place = Place {
        checksum: number(CHECKSUM_AT),
        ..Place::default()
    };
    compare(
        "the header",
        place,
        header.get(..CHECKSUM_AT).unwrap_or(&[]),
    )?;
    let measure = match number(12) {
        0 => Measure::L2,
        1 => Measure::InnerProduct,
        2 => Measure::Cosine,
        other => return Err(bad("the measure", 12, other, "0, 1 or 2")),
    };
    let (dimension, rows, m) = (number(20) as usize, long(24), number(32) as usize);
    if !(1..=DIMENSION_MAX).contains(&dimension) {
        return Err(bad("the dimension", 20, dimension, "1 to 4096"));
    }
    if rows > u64::from(u32::MAX) {
        return Err(bad("rows", 24, rows, "at most 4294967295"));
    }
    if !(2..=100).contains(&m) {
        return Err(bad("m", 32, m, "2 to 100"));
    }
    if number(40) > LEVELS_MAX {
        return Err(bad("levels", 40, number(40), "at most 31"));
    }
    let mut places = [Place::default(); PARTS];
    for ((place, part), index) in places.iter_mut().zip(Part::ALL).zip(0..) {
        let at = PARTS_AT + index * PART_BYTES;
        let (offset, bytes) = (long(at), long(at + 8));
        let end = offset.checked_add(bytes);
        if end.is_none_or(|end| end > file.len() as u64) {
            return Err(FileError::Truncated {
                what: part.name(),
                offset,
                found: (file.len() as u64).saturating_sub(offset),
                expected: bytes,
            });
        }
        let expected = match part {
            Part::Vectors => Some(rows * dimension as u64 * 4),
            Part::Base => Some(rows * (2 * m as u64 + 1) * 4),
            Part::Offsets => Some((rows + 1) * 4),
            Part::Upper | Part::Exceptions | Part::Nulls => None,
        };
        if offset % ALIGNMENT as u64 != 0 || expected.is_some_and(|expected| expected != bytes) {
            let expected = expected.unwrap_or(bytes);
            return Err(bad(
                part.name(),
                at,
                format!("{bytes} bytes at {offset}"),
                &format!("{expected} bytes at a multiple of 64"),
            ));
        }
        *place = Place {
            offset: offset as usize,
            bytes: bytes as usize,
            checksum: number(at + 16),
        };
    }
    Ok(Header {
        measure,
        double: number(16) != 0,
        dimension,
        rows,
        m,
        entry: number(36),
        levels: number(40),
        places,
    })
}

pub(super) fn compare(what: &'static str, place: Place, bytes: &[u8]) -> Result<(), FileError> {
    let found = crc32fast::hash(bytes);
    if found == place.checksum {
        return Ok(());
    }
    Err(FileError::Checksum {
        what,
        offset: place.offset as u64,
        found,
        expected: place.checksum,
    })
}

pub(super) fn bad(
    what: &'static str,
    offset: usize,
    found: impl ToString,
    expected: &str,
) -> FileError {
    FileError::BadValue {
        what,
        offset: offset as u64,
        found: found.to_string().into(),
        expected: expected.into(),
    }
}
