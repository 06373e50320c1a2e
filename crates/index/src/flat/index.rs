//! An index that is open.

use ogive_kernels::{LookupShape, Metric};

use super::build::{BuildOptions, build};
use super::coding::Coding;
use super::encoder::SECOND_HEADER_BYTES;
use super::file::{Header, Kind, Source, read, read_coding, read_rows};
use super::measure::Measure;
use crate::{Bitmap, BuildError, ExactRows, FileError};

/// Certified codes of the rows of a table, ready to be searched.
#[derive(Debug)]
pub struct FlatIndex<S> {
    pub(super) source: S,
    pub(super) header: Header,
    pub(super) coding: Coding,
    /// Rows without a code that are not NULL, ascending.
    pub(super) exceptions: Vec<u64>,
    /// NULL rows, ascending.
    pub(super) nulls: Vec<u64>,
    /// NULL rows, if there are any, as a set.
    pub(super) null_set: Option<Bitmap>,
    /// NULL rows and exceptions, if there are any.
    pub(super) uncoded: Option<Bitmap>,
}

impl FlatIndex<Vec<u8>> {
    /// Builds an index in memory. Its source is what a file of it holds.
    ///
    /// # Errors
    /// As [`build`].
    pub fn build<R: ExactRows>(
        rows: &R,
        options: &BuildOptions<'_>,
    ) -> Result<Self, BuildError<R::Error>> {
        let mut bytes = Vec::new();
        build(rows, options, &mut bytes)?;
        FlatIndex::open_unverified(bytes).map_err(|source| BuildError::Damaged { source })
    }
}

impl<S: Source> FlatIndex<S> {
    /// Opens an index and verifies all its bytes.
    ///
    /// # Errors
    /// When it is no index, of another version, cut short or damaged: what was found, what was expected and where.
    pub fn open(source: S) -> Result<Self, FileError> {
        let index = FlatIndex::open_unverified(source)?;
        index.verify()?;
        Ok(index)
    }

    /// Opens an index and verifies its header, coding and lists, but not the codes: for sources whose bytes are verified
    /// elsewhere, or that [`FlatIndex::verify`] is called for later. Damaged codes give wrong answers.
    ///
    /// # Errors
    /// As [`FlatIndex::open`].
    pub fn open_unverified(source: S) -> Result<Self, FileError> {
        let header = Header::read(&source)?;
        let coding = read_coding(&header, &checked(&source, &header, Kind::Coding)?)?;
        let list = |kind| read_rows(&header, kind, &checked(&source, &header, kind)?);
        let (exceptions, nulls) = (list(Kind::Exceptions)?, list(Kind::Nulls)?);
        let blocks = header.rows.div_ceil(64) * coding.shape().block_bytes() as u64;
        let second = header.rows * (header.dimension + SECOND_HEADER_BYTES) as u64;
        for (kind, expected) in [(Kind::Blocks, blocks), (Kind::Second, second)] {
            let section = header.section(kind);
            if section.bytes != expected {
                return Err(FileError::BadValue {
                    what: kind.name(),
                    offset: section.offset,
                    found: format!("{} bytes", section.bytes).into(),
                    expected: format!("{expected} bytes").into(),
                });
            }
        }
        let set = |rows: &mut dyn Iterator<Item = &u64>| {
            let mut rows = rows.peekable();
            rows.peek()?;
            let mut bitmap = Bitmap::empty(header.rows);
            rows.for_each(|row| bitmap.insert(*row));
            Some(bitmap)
        };
        let null_set = set(&mut nulls.iter());
        let uncoded = set(&mut exceptions.iter().chain(&nulls));
        Ok(FlatIndex {
            source,
            header,
            coding,
            exceptions,
            nulls,
            null_set,
            uncoded,
        })
    }

    /// Reads all codes and compares their checksums.
    ///
    /// # Errors
    /// When they differ, or bytes cannot be read.
    pub fn verify(&self) -> Result<(), FileError> {
        for kind in [Kind::Blocks, Kind::Second] {
            checked_in_parts(&self.source, &self.header, kind)?;
        }
        Ok(())
    }

    /// The bytes that the index is made of.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Rows that were indexed.
    pub fn rows(&self) -> u64 {
        self.header.rows
    }

    /// Elements of a row.
    pub fn dimension(&self) -> usize {
        self.header.dimension
    }

    /// What the index was built for.
    pub fn measure(&self) -> Measure {
        self.header.measure
    }

    /// Whether searches by a metric can use it.
    pub fn serves(&self, metric: Metric) -> bool {
        self.header.measure.serves(metric)
    }

    /// Bits of a row's code in the first stage.
    pub fn bits(&self) -> usize {
        self.coding.code_bits()
    }

    /// Bytes of a row in the first stage, its header included.
    pub fn code_bytes(&self) -> usize {
        self.coding.shape().row_bytes()
    }

    /// Rows that every search reads exactly.
    pub fn exceptions(&self) -> &[u64] {
        &self.exceptions
    }

    /// Memory held beside the source, in bytes.
    pub fn memory_bytes(&self) -> usize {
        let coding = &self.coding;
        let numbers = coding.mean.len() + coding.rotation.len() + coding.deviations.len();
        let lists = self.exceptions.len() + self.nulls.len();
        size_of::<Self>() + 4 * numbers + coding.bits.len() + 8 * lists + self.rows() as usize / 4
    }

    pub(super) fn shape(&self) -> LookupShape {
        self.coding.shape()
    }
}

/// A whole section whose checksum is right.
fn checked<'a, S: Source>(
    source: &'a S,
    header: &Header,
    kind: Kind,
) -> Result<std::borrow::Cow<'a, [u8]>, FileError> {
    let section = header.section(kind);
    let bytes = read(source, kind.name(), section.range())?;
    compare(header, kind, crc32fast::hash(&bytes))?;
    Ok(bytes)
}

/// The same, a part at a time.
fn checked_in_parts<S: Source>(source: &S, header: &Header, kind: Kind) -> Result<(), FileError> {
    const PART: u64 = 1 << 20;
    let range = header.section(kind).range();
    let mut hasher = crc32fast::Hasher::new();
    let mut start = range.start;
    while start < range.end {
        let end = range.end.min(start + PART);
        hasher.update(&read(source, kind.name(), start..end)?);
        start = end;
    }
    compare(header, kind, hasher.finalize())
}

fn compare(header: &Header, kind: Kind, found: u32) -> Result<(), FileError> {
    let section = header.section(kind);
    if found == section.checksum {
        return Ok(());
    }
    Err(FileError::Checksum {
        what: kind.name(),
        offset: section.offset,
        found,
        expected: section.checksum,
    })
}
