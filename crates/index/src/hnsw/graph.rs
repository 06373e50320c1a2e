//! The graph: vectors and links, as they lie in the file.

use ogive_kernels::{dot_f32, l2_squared_f32};

use super::file::{Header, Part};
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

/// A borrowed graph. Links are lists: how many there are, then as many rows, then room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Graph<'a> {
    pub(super) measure: Measure,
    pub(super) dimension: usize,
    pub(super) m: usize,
    /// Where traversals start, and the number of levels above the lowest that it has.
    pub(super) entry: u32,
    pub(super) levels: u32,
    pub(super) vectors: &'a [f32],
    /// A list of at most `2 m` for each row.
    pub(super) base: &'a [u32],
    /// The first list of each row among those of the upper levels, and the end.
    pub(super) offsets: &'a [u32],
    /// Lists of at most `m`, level 1 first.
    pub(super) upper: &'a [u32],
}

impl<'a> Graph<'a> {
    pub(super) fn vector(&self, row: u32) -> &'a [f32] {
        let start = row as usize * self.dimension;
        self.vectors
            .get(start..start + self.dimension)
            .unwrap_or(&[])
    }

    /// The links of a row on a level; none where a file lies.
    pub(super) fn links(&self, row: u32, level: u32) -> &'a [u32] {
        let (lists, room, index) = if level == 0 {
            (self.base, 2 * self.m, row as usize)
        } else {
            let first = self.offsets.get(row as usize).copied().unwrap_or(u32::MAX);
            let end = self.offsets.get(row as usize + 1).copied().unwrap_or(0);
            let index = first.saturating_add(level - 1);
            if index >= end {
                return &[];
            }
            (self.upper, self.m, index as usize)
        };
        let list = lists.get(index * (room + 1)..(index + 1) * (room + 1));
        let Some((count, links)) = list.and_then(<[u32]>::split_first) else {
            return &[];
        };
        links.get(..*count as usize).unwrap_or(&[])
    }
}

/// How far apart two vectors are in the graph: smaller is nearer. Infinite when their lengths differ.
#[inline]
pub(super) fn distance(measure: Measure, a: &[f32], b: &[f32]) -> f32 {
    if a.len() != b.len() {
        return f32::INFINITY;
    }
    match measure {
        Measure::L2 => l2_squared_f32(a, b),
        Measure::InnerProduct | Measure::Cosine => -dot_f32(a, b),
    }
}
