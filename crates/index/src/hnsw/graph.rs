//! The graph: vectors and links, as they lie in the file.

use ogive_kernels::{dot_f32, l2_squared_f32};

use crate::flat::Measure;

/// More levels than any table has.
pub(super) const LEVELS_MAX: u32 = 31;

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
