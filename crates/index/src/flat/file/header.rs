//! The header: what is in the file, and where.

use std::ops::Range;

use super::{Source, read};
use crate::FileError;
use crate::flat::bound::{DIMENSION_MAX, DIRECTIONS_MAX};
use crate::flat::measure::Measure;

const MAGIC: [u8; 8] = *b"OGVFLAT\0";
const VERSION: u32 = 1;
const FIXED_BYTES: usize = 64;
const SECTION_BYTES: usize = 24;
const SECTIONS_MAX: usize = 64;
pub(in crate::flat) const ALIGNMENT: u64 = 64;

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(in crate::flat) enum Kind {
    Coding = 1,
    Blocks = 2,
    Second = 3,
    Exceptions = 4,
    Nulls = 5,
}

impl Kind {
    pub(in crate::flat) const ALL: [Kind; 5] = [
        Kind::Coding,
        Kind::Blocks,
        Kind::Second,
        Kind::Exceptions,
        Kind::Nulls,
    ];

    /// The name in errors.
    pub(in crate::flat) fn name(self) -> &'static str {
        match self {
            Kind::Coding => "the coding",
            Kind::Blocks => "the codes",
            Kind::Second => "the second stage",
            Kind::Exceptions => "the list of exceptions",
            Kind::Nulls => "the list of NULL rows",
        }
    }
}

/// Where a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flat) struct Section {
    pub(in crate::flat) kind: Kind,
    pub(in crate::flat) checksum: u32,
    pub(in crate::flat) offset: u64,
    pub(in crate::flat) bytes: u64,
}

impl Section {
    /// Its bytes in the file.
    pub(in crate::flat) fn range(&self) -> Range<u64> {
        self.offset..self.offset.saturating_add(self.bytes)
    }
}

/// The header.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::flat) struct Header {
    pub(in crate::flat) measure: Measure,
    pub(in crate::flat) double: bool,
    pub(in crate::flat) rows: u64,
    pub(in crate::flat) dimension: usize,
    pub(in crate::flat) exponent: i32,
    pub(in crate::flat) columns: usize,
    pub(in crate::flat) defect: f64,
    pub(in crate::flat) sections: [Section; Kind::ALL.len()],
}

impl Header {
    /// Bytes that are kept for the header.
    pub(in crate::flat) fn bytes() -> u64 {
        (FIXED_BYTES + Kind::ALL.len() * SECTION_BYTES + 4) as u64
    }

    /// Directions that are coded.
    pub(in crate::flat) fn directions(&self) -> usize {
        self.dimension.min(DIRECTIONS_MAX)
    }

    pub(in crate::flat) fn section(&self, kind: Kind) -> Section {
        let found = self.sections.iter().find(|section| section.kind == kind);
        found.copied().unwrap_or(Section {
            kind,
            checksum: 0,
            offset: 0,
            bytes: 0,
        })
    }

    pub(in crate::flat) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::bytes() as usize);
        out.extend(MAGIC);
        let measure: u32 = match self.measure {
            Measure::L2 => 0,
            Measure::InnerProduct => 1,
            Measure::Cosine => 2,
        };
        for number in [VERSION, Self::bytes() as u32, measure, self.double.into()] {
            out.extend(number.to_le_bytes());
        }
        out.extend(self.rows.to_le_bytes());
        out.extend((self.dimension as u32).to_le_bytes());
        out.extend((self.directions() as u32).to_le_bytes());
        out.extend(self.exponent.to_le_bytes());
        out.extend((self.columns as u32).to_le_bytes());
        out.extend(self.defect.to_le_bytes());
        out.extend((self.sections.len() as u32).to_le_bytes());
        out.extend(0_u32.to_le_bytes());
        for section in &self.sections {
            out.extend((section.kind as u32).to_le_bytes());
            out.extend(section.checksum.to_le_bytes());
            out.extend(section.offset.to_le_bytes());
            out.extend(section.bytes.to_le_bytes());
        }
        out.extend(crc32fast::hash(&out).to_le_bytes());
        out
    }

    pub(in crate::flat) fn read<S: Source + ?Sized>(source: &S) -> Result<Header, FileError> {
        let start = read(source, "the magic", 0..source.bytes().min(8))?;
        if *start != MAGIC {
            return Err(FileError::NotAnIndex {
                found: start.escape_ascii().to_string().into(),
                expected: "OGVFLAT",
            });
        }
        let fixed = read(source, "the header", 0..FIXED_BYTES as u64)?;
        let mut fields = Fields::new(&fixed, 8);
        let version = fields.u32();
        if version != VERSION {
            return Err(FileError::UnsupportedVersion {
                found: version,
                expected: VERSION,
            });
        }
        let header_bytes = fields.u32() as usize;
        let least = FIXED_BYTES + 4;
        if header_bytes < least || header_bytes > least + SECTIONS_MAX * SECTION_BYTES {
            let expected = format!("{least} to {}", least + SECTIONS_MAX * SECTION_BYTES);
            return Err(bad("bytes of the header", 12, header_bytes, &expected));
        }
        let whole = read(source, "the header", 0..header_bytes as u64)?;
        let (body, checksum) = whole.split_at(whole.len().saturating_sub(4));
        let expected = u32::from_le_bytes(checksum.try_into().unwrap_or_default());
        let found = crc32fast::hash(body);
        if found != expected {
            return Err(FileError::Checksum {
                what: "the header",
                offset: 0,
                found,
                expected,
            });
        }
        let measure = match fields.u32() {
            0 => Measure::L2,
            1 => Measure::InnerProduct,
            2 => Measure::Cosine,
            other => return Err(bad("the measure", 16, other, "0, 1 or 2")),
        };
        let double = match fields.u32() {
            0 => false,
            1 => true,
            other => return Err(bad("whether rows are f64", 20, other, "0 or 1")),
        };
        let rows = fields.u64();
        if rows > u64::from(u32::MAX) {
            return Err(bad("rows", 24, rows, "at most 4294967295"));
        }
        let dimension = fields.u32() as usize;
        if !(1..=DIMENSION_MAX).contains(&dimension) {
            return Err(bad("the dimension", 32, dimension, "1 to 4096"));
        }
        let directions = fields.u32() as usize;
        if directions != dimension.min(DIRECTIONS_MAX) {
            let expected = dimension.min(DIRECTIONS_MAX).to_string();
            return Err(bad("directions", 36, directions, &expected));
        }
        let exponent = fields.u32() as i32;
        let columns = fields.u32() as usize;
        let defect = f64::from_bits(fields.u64());
        let count = fields.u32() as usize;
        let expected = (header_bytes - least) / SECTION_BYTES;
        if count != expected {
            return Err(bad("sections", 56, count, &expected.to_string()));
        }
        let header = Header {
            measure,
            double,
            rows,
            dimension,
            exponent,
            columns,
            defect,
            sections: sections(body, count)?,
        };
        header.check(source.bytes())?;
        Ok(header)
    }

    fn check(&self, file_bytes: u64) -> Result<(), FileError> {
        if !(-200..=200).contains(&self.exponent) {
            return Err(bad("the exponent", 40, self.exponent, "-200 to 200"));
        }
        if !(0.0..crate::flat::bound::DEFECT_MAX).contains(&self.defect) {
            return Err(bad("the rotation's defect", 48, self.defect, "0 to 0.01"));
        }
        for section in &self.sections {
            let end = section.offset.checked_add(section.bytes);
            if end.is_none_or(|end| end > file_bytes) {
                return Err(FileError::Truncated {
                    what: section.kind.name(),
                    offset: section.offset,
                    found: file_bytes.saturating_sub(section.offset),
                    expected: section.bytes,
                });
            }
        }
        Ok(())
    }
}

fn sections(body: &[u8], count: usize) -> Result<[Section; Kind::ALL.len()], FileError> {
    let mut found = [None; Kind::ALL.len()];
    for index in 0..count {
        let offset = FIXED_BYTES + index * SECTION_BYTES;
        let mut fields = Fields::new(body, offset);
        let (kind, checksum) = (fields.u32(), fields.u32());
        let section = Kind::ALL.into_iter().position(|k| k as u32 == kind);
        let Some(position) = section else {
            continue;
        };
        if let (Some(slot), Some(kind)) = (found.get_mut(position), Kind::ALL.get(position)) {
            if slot.is_some() {
                return Err(bad(
                    "a second section of one kind",
                    offset,
                    position + 1,
                    "one",
                ));
            }
            *slot = Some(Section {
                kind: *kind,
                checksum,
                offset: fields.u64(),
                bytes: fields.u64(),
            });
        }
    }
    match found {
        [Some(a), Some(b), Some(c), Some(d), Some(e)] => Ok([a, b, c, d, e]),
        _ => Err(bad(
            "known kinds of sections",
            56,
            found.iter().flatten().count(),
            "5",
        )),
    }
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

/// Numbers one after the other; zeros past the end, which is checked before.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Fields<'a> {
        Fields { bytes, at }
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let bytes = self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.first_chunk());
        self.at += N;
        bytes.copied().unwrap_or([0; N])
    }
}
