//! The `k` rows that come first, exactly, at the speed of a screen.
//!
//! ```text
//! for each block of 256 rows:
//!     limit = the rank of the k-th best row known, here or in another partition
//!     bound = for each row, the best answer it could possibly have      (screen: single precision or integers)
//!     for each row whose bound is not beyond the limit:
//!         answer it exactly, and keep it if it is among the k best      (its bytes are still in cache)
//! ```
//!
//! In rows that come in no particular order only about `k ln(n / k)` of `n` pass the screen. When they come worst
//! first, every one does, and the scan costs one exact pass on top of the screen. Keeping intervals and settling them
//! later was the alternative: it needs the bytes again, and ties make it keep everything.

mod bounds;
mod float_screen;
mod integer_screen;
mod screen;
mod screen_rounding;
mod single_answers;
mod threshold;

#[cfg(test)]
mod tests;

use std::collections::BinaryHeap;

use crate::query::{BLOCK_ROWS, assert_takes};
use crate::{Order, Query, Rank, Rows};

use screen::Screen;
pub use threshold::SharedThreshold;

/// A search for the `k` rows that come first when rows are sorted by their distance to a query.
///
/// Rows of equal value are kept by row number, lowest first, so the result does not depend on how rows were cut into
/// blocks.
#[derive(Debug, Clone)]
pub struct TopK {
    query: Query,
    k: usize,
    order: Order,
    /// The best rows so far, the worst of them on top; never more than `k`.
    best: BinaryHeap<(Rank, u64)>,
    screen: Screen,
    rows_scanned: u64,
    rows_answered: u64,
}

impl TopK {
    /// A search that has seen no rows.
    pub fn new(query: Query, k: usize, order: Order) -> TopK {
        TopK {
            query,
            k,
            order,
            best: BinaryHeap::new(),
            screen: Screen::unprepared(),
            rows_scanned: 0,
            rows_answered: 0,
        }
    }

    /// Searches a block whose first row has the number `first_row`; rows that `selected` says `false` to are passed
    /// over. `shared` connects the searches of one query over several partitions.
    ///
    /// # Panics
    /// When the dimensions differ, `selected` is not as long as `rows`, or the metric does not take their encoding
    /// ([`Metric::takes`](crate::Metric::takes)).
    pub fn scan(
        &mut self,
        rows: &Rows<'_>,
        first_row: u64,
        selected: Option<&[bool]>,
        shared: &SharedThreshold,
    ) {
        assert_eq!(
            rows.dimension(),
            self.query.dimension(),
            "dimension of the rows"
        );
        assert_takes(self.query.metric(), rows);
        if let Some(selected) = selected {
            assert_eq!(rows.len(), selected.len(), "one selection for each row");
        }
        if self.k == 0 {
            let scanned = selected.map_or(rows.len(), count);
            self.rows_scanned += scanned as u64;
            return;
        }
        self.screen.prepare(&self.query, self.order, rows);
        for start in (0..rows.len()).step_by(BLOCK_ROWS) {
            let end = rows.len().min(start + BLOCK_ROWS);
            let block = rows.slice(start..end);
            let first_row = first_row.saturating_add(start as u64);
            let Some(selected) = selected.map(|selected| &selected[start..end]) else {
                self.scan_block(&block, first_row, None, shared);
                continue;
            };
            let wanted = count(selected);
            if wanted * SPARSE >= selected.len() {
                self.scan_block(&block, first_row, Some(selected), shared);
            } else if wanted > 0 {
                self.scan_runs(&block, first_row, selected, shared);
            }
        }
    }

    /// Offers a row whose value is known (`None` is NULL): how NULL vectors, which have no bytes, take part.
    pub fn offer(&mut self, row: u64, value: Option<f64>, shared: &SharedThreshold) {
        self.rows_scanned += 1;
        self.keep(Rank::new(self.order, value), row, shared);
    }

    /// The rows that can still be among the first `k` of the whole query, by number, ascending: no others of those
    /// scanned can. Never more than `k`.
    pub fn candidates(&self, shared: &SharedThreshold) -> Vec<u64> {
        let mut rows: Vec<u64> = self.within(shared).map(|(_, row)| row).collect();
        rows.sort_unstable();
        rows
    }

    /// The rows of [`TopK::candidates`] with their exact values (`None` is NULL), first in the result first.
    pub fn results(&self, shared: &SharedThreshold) -> Vec<(u64, Option<f64>)> {
        let mut best: Vec<(Rank, u64)> = self.within(shared).collect();
        best.sort_unstable();
        best.into_iter()
            .map(|(rank, row)| (row, rank.value(self.order)))
            .collect()
    }

    /// The rows of [`TopK::candidates`] that lie in a range, with their exact values (`None` is NULL), in no order: what a search
    /// for somebody else has found, for his [`TopK::offer`].
    pub fn results_in(
        &self,
        rows: std::ops::Range<u64>,
        shared: &SharedThreshold,
    ) -> Vec<(u64, Option<f64>)> {
        self.within(shared)
            .filter(|(_, row)| rows.contains(row))
            .map(|(rank, row)| (row, rank.value(self.order)))
            .collect()
    }

    /// What the search keeps that is not beyond the limit of the whole query.
    fn within(&self, shared: &SharedThreshold) -> impl Iterator<Item = (Rank, u64)> {
        let limit = shared.get();
        let best = self.best.iter().copied();
        best.filter(move |(rank, _)| *rank <= limit)
    }

    /// Rows seen, not counting those passed over.
    pub fn rows_scanned(&self) -> u64 {
        self.rows_scanned
    }

    /// Rows that the screen could not decide and that were answered exactly.
    pub fn rows_answered(&self) -> u64 {
        self.rows_answered
    }

    /// Memory held, in bytes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.best.capacity() * size_of::<(Rank, u64)>()
            + self.query.memory_bytes()
            + self.screen.memory_bytes()
    }

    /// Searches the selected rows of a block in which they are few: run by run, so that the others are not touched.
    fn scan_runs(
        &mut self,
        block: &Rows<'_>,
        first_row: u64,
        selected: &[bool],
        shared: &SharedThreshold,
    ) {
        let mut start = 0;
        for run in selected.chunk_by(|a, b| a == b) {
            let end = start + run.len();
            if run.first() == Some(&true) {
                let first_row = first_row.saturating_add(start as u64);
                self.scan_block(&block.slice(start..end), first_row, None, shared);
            }
            start = end;
        }
    }

    /// Searches at most [`BLOCK_ROWS`] rows.
    fn scan_block(
        &mut self,
        block: &Rows<'_>,
        first_row: u64,
        selected: Option<&[bool]>,
        shared: &SharedThreshold,
    ) {
        let wanted = |index: usize| selected.is_none_or(|selected| selected[index]);
        self.rows_scanned += selected.map_or(block.len(), count) as u64;
        let mut limit = self.badness_limit(shared);
        let mut bounds = [0.0; BLOCK_ROWS];
        let bounds = &mut bounds[..block.len()];
        // Without a limit nothing could be screened out.
        if limit == f64::INFINITY || !self.screen.bounds(&self.query, block, limit, bounds) {
            self.answer_block(block, first_row, wanted, shared);
            return;
        }
        for (index, bound) in bounds.iter().enumerate() {
            // Not `<=`: a bound that is NaN decides nothing.
            let beyond = *bound > limit;
            if beyond || !wanted(index) {
                continue;
            }
            let mut value = [0.0];
            let row = block.slice(index..index + 1);
            let undefined = self.query.distances(&row, &mut value);
            self.rows_answered += 1;
            let value = undefined.is_empty().then_some(value[0]);
            let number = first_row.saturating_add(index as u64);
            if self.keep(Rank::new(self.order, value), number, shared) {
                limit = self.badness_limit(shared);
            }
        }
    }

    /// Answers a whole block exactly.
    fn answer_block(
        &mut self,
        block: &Rows<'_>,
        first_row: u64,
        wanted: impl Fn(usize) -> bool,
        shared: &SharedThreshold,
    ) {
        let mut values = [0.0; BLOCK_ROWS];
        let values = &mut values[..block.len()];
        let undefined = self.query.distances(block, values);
        self.rows_answered += block.len() as u64;
        let mut undefined = undefined.into_iter().peekable();
        for (index, value) in values.iter().enumerate() {
            let value = undefined.next_if_eq(&index).is_none().then_some(*value);
            if wanted(index) {
                let number = first_row.saturating_add(index as u64);
                self.keep(Rank::new(self.order, value), number, shared);
            }
        }
    }

    /// Keeps a row if it is among the `k` best; says whether it was.
    fn keep(&mut self, rank: Rank, row: u64, shared: &SharedThreshold) -> bool {
        if self.k == 0 || rank > shared.get() {
            return false;
        }
        if self.best.len() < self.k {
            self.best.push((rank, row));
        } else if let Some(mut worst) = self.best.peek_mut() {
            if (rank, row) >= *worst {
                return false;
            }
            *worst = (rank, row);
        }
        if self.best.len() == self.k
            && let Some((worst, _)) = self.best.peek()
        {
            shared.lower_to(*worst);
        }
        true
    }

    /// The badness beyond which a row certainly is not among the `k` best.
    fn badness_limit(&self, shared: &SharedThreshold) -> f64 {
        let mut limit = shared.get();
        if self.best.len() == self.k
            && let Some((worst, _)) = self.best.peek()
        {
            limit = limit.min(*worst);
        }
        limit.badness_limit(self.order)
    }
}

/// A block is taken whole, and its other rows thrown away, when at least one row in this many is selected: rows lie in
/// sequence, so the memory between them comes at little cost.
const SPARSE: usize = 4;

fn count(selected: &[bool]) -> usize {
    selected.iter().filter(|selected| **selected).count()
}
