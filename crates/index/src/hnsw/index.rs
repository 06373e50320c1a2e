//! A graph that is open.
#![deny(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing
)]

use super::file::{ALIGNMENT, Header, Part, bad, compare, read_header};
use super::graph::Graph;
use crate::FileError;
use crate::flat::Measure;

/// A graph over the rows of a table, ready to be searched.
#[derive(Debug)]
pub struct HnswIndex<S> {
    pub(super) bytes: S,
    pub(super) header: Header,
    /// Rows without a place in the graph that are not NULL, ascending.
    pub(super) exceptions: Vec<u64>,
    /// NULL rows, ascending.
    pub(super) nulls: Vec<u64>,
}

impl<S: AsRef<[u8]>> HnswIndex<S> {
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

    /// Links of a row on each level above the lowest, where it has twice as many.
    pub fn m(&self) -> usize {
        self.header.m
    }

    /// The bytes of a file of it.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    pub(super) fn view(&self) -> Graph<'_> {
        let bytes = self.bytes.as_ref();
        let header = &self.header;
        Graph {
            measure: header.measure,
            dimension: header.dimension,
            m: header.m,
            entry: header.entry,
            levels: header.levels,
            vectors: cast(header.part(bytes, Part::Vectors)),
            base: cast(header.part(bytes, Part::Base)),
            offsets: cast(header.part(bytes, Part::Offsets)),
            upper: cast(header.part(bytes, Part::Upper)),
        }
    }
}

/// Numbers that lie in a file; none where it is not aligned, which opening has excluded.
fn cast<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> &[T] {
    bytemuck::try_cast_slice(bytes).unwrap_or(&[])
}

impl<S: AsRef<[u8]>> HnswIndex<S> {
    /// Opens a graph and verifies all its bytes: a map of a file, or [`AlignedBytes`](super::AlignedBytes).
    ///
    /// # Errors
    /// When it is no graph, of another version, cut short or damaged: what was found, what was expected and where.
    pub fn open(bytes: S) -> Result<Self, FileError> {
        let index = HnswIndex::open_unverified(bytes)?;
        let file = index.bytes.as_ref();
        for (part, place) in Part::ALL.into_iter().zip(index.header.places) {
            compare(part.name(), place, index.header.part(file, part))?;
        }
        Ok(index)
    }

    /// Opens a graph and verifies its header and lists, but not vectors and links. Damaged ones give fewer of the nearest
    /// rows.
    ///
    /// # Errors
    /// As [`HnswIndex::open`].
    pub fn open_unverified(bytes: S) -> Result<Self, FileError> {
        let file = bytes.as_ref();
        let header = read_header(file)?;
        if bytemuck::try_cast_slice::<u8, u64>(file.get(..ALIGNMENT).unwrap_or(&[])).is_err() {
            let address = file.as_ptr().align_offset(8);
            return Err(bad("the place in memory", 0, address, "a multiple of 8"));
        }
        let list = |part: Part| {
            let bytes = header.part(file, part);
            let place = header
                .places
                .get(part as usize)
                .copied()
                .unwrap_or_default();
            compare(part.name(), place, bytes)?;
            let (numbers, _) = bytes.as_chunks::<8>();
            let rows: Vec<u64> = numbers.iter().map(|row| u64::from_le_bytes(*row)).collect();
            let ascending = rows.is_sorted_by(|a, b| a < b);
            match rows.last() {
                Some(last) if !ascending || *last >= header.rows => Err(bad(
                    part.name(),
                    place.offset,
                    last,
                    "ascending rows of the table",
                )),
                _ => Ok(rows),
            }
        };
        let (exceptions, nulls) = (list(Part::Exceptions)?, list(Part::Nulls)?);
        Ok(HnswIndex {
            bytes,
            header,
            exceptions,
            nulls,
        })
    }
}
