//! Walking the graph towards a vector.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::graph::{Graph, distance};

/// A row and how far it is: ordered by distance, then by row, so that every walk is the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    pub(super) distance: f32,
    pub(super) row: u32,
}

impl Eq for Near {}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.distance
            .total_cmp(&other.distance)
            .then(self.row.cmp(&other.row))
    }
}

/// Which rows a walk has seen; cleared in no time.
#[derive(Debug, Default)]
pub(super) struct Seen {
    marks: Vec<u32>,
    mark: u32,
}

impl Seen {
    fn clear(&mut self, rows: usize) {
        self.marks.resize(rows, 0);
        self.mark = self.mark.wrapping_add(1);
        if self.mark == 0 {
            self.marks.fill(0);
            self.mark = 1;
        }
    }

    /// Whether a row is seen for the first time; never for one that is not in the table.
    fn first(&mut self, row: u32) -> bool {
        match self.marks.get_mut(row as usize) {
            Some(mark) if *mark != self.mark => {
                *mark = self.mark;
                true
            }
            _ => false,
        }
    }
}

/// What a walk looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Effort {
    /// Distances that were computed.
    pub(super) distances: u64,
}

/// Where a walk starts, on which level, and how many rows it keeps in view.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk<'a> {
    pub(super) start: &'a [Near],
    pub(super) level: u32,
    pub(super) ef: usize,
}

impl Graph<'_> {
    fn near(&self, vector: &[f32], row: u32, effort: &mut Effort) -> Near {
        effort.distances += 1;
        Near {
            distance: distance(self.measure, vector, self.vector(row)),
            row,
        }
    }

    /// The nearest row of the levels above `level`, one step after the other.
    pub(super) fn descend(&self, vector: &[f32], level: u32, effort: &mut Effort) -> Near {
        let mut at = self.near(vector, self.entry, effort);
        for level in (level + 1..=self.levels).rev() {
            loop {
                let links = self.links(at.row, level).iter();
                let best = links.map(|row| self.near(vector, *row, effort)).min();
                match best {
                    Some(best) if best < at => at = best,
                    _ => break,
                }
            }
        }
        at
    }

    /// The nearest rows of a level that a walk finds among those that are `wanted`, nearest first.
    pub(super) fn walk(
        &self,
        vector: &[f32],
        Walk { start, level, ef }: Walk<'_>,
        wanted: impl Fn(u32) -> bool,
        seen: &mut Seen,
        effort: &mut Effort,
    ) -> Vec<Near> {
        seen.clear(self.vectors.len() / self.dimension.max(1));
        let mut open = BinaryHeap::new();
        let mut best = BinaryHeap::with_capacity(ef + 1);
        for near in start {
            if seen.first(near.row) {
                open.push(Reverse(*near));
                if wanted(near.row) {
                    best.push(*near);
                }
            }
        }
        while let Some(Reverse(near)) = open.pop() {
            let full = best.len() >= ef;
            if full && best.peek().is_some_and(|worst| near > *worst) {
                break;
            }
            for row in self.links(near.row, level) {
                if !seen.first(*row) {
                    continue;
                }
                let next = self.near(vector, *row, effort);
                if best.len() < ef || best.peek().is_some_and(|worst| next < *worst) {
                    open.push(Reverse(next));
                    if wanted(*row) {
                        best.push(next);
                        if best.len() > ef {
                            best.pop();
                        }
                    }
                }
            }
        }
        best.into_sorted_vec()
    }
}
