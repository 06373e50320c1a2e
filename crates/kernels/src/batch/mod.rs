//! The `k` rows that come first for each of many queries, exactly, at the speed of a matrix product.
//!
//! ```text
//! for each block of rows, decoded once, that stays in the second-level cache:
//!     for each panel of 16 or 32 queries:
//!         the pairs whose sum of products may not be below the gate of the query and the row   (screen)
//!             by bounds from six-bit codes, while they decide nearly all pairs                 (coarse)
//!             by sums of products of every row with every query of the panel                   (tile)
//!         for each of them, best first:
//!             answer it exactly, and move the query's gate if it is kept
//! ```
//!
//! One query at a time reads all rows from memory for each; here a row is read once for all of them, and arithmetic is
//! what takes the time. Gates are conservative, so the result is that of a [`TopK`] for each query.
//!
//! What products say nothing about goes to a [`TopK`] for each query, block by block: other metrics, `F64` rows, queries
//! with elements that are no numbers, and l2 between vectors far from zero and close to each other.

mod best;
mod block;
mod coarse;
mod gates;
mod looks;
mod queries;
mod screen;
mod tile;
mod tiled;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use crate::{Order, Query, Rank, Rows, TopK};

use best::Best;
use queries::Queries;
use tiled::Tiled;

/// A search for the `k` rows that come first, for each of many queries of one metric and dimension.
///
/// Rows of equal value are kept by row number, lowest first, as [`TopK`] keeps them: the result does not depend on how
/// rows were cut into blocks or shared between threads.
///
/// ```
/// use ogive_kernels::{BatchTopK, Metric, Order, Query, Rows};
///
/// let queries = [[0.0, 0.0], [4.0, 4.0]].map(|q| Query::new(Metric::L2, &q));
/// let order = Order { descending: false, nulls_first: false };
/// let mut left = BatchTopK::new(queries.to_vec(), 1, order);
/// let mut right = left.sibling();
///
/// // Each of these may be on a thread of its own.
/// left.scan(&Rows::from_f32(&[1.0, 0.0, 0.0, 2.0], 2)?, 0, None);
/// right.scan(&Rows::from_f32(&[3.0, 4.0], 2)?, 2, None);
///
/// left.merge(right);
/// assert_eq!(left.results(0), [(0, Some(1.0))]);
/// assert_eq!(left.results(1), [(2, Some(1.0))]);
/// # Ok::<(), ogive_kernels::RowsError>(())
/// ```
pub struct BatchTopK {
    queries: Arc<Queries>,
    best: Best,
    /// Made for the first rows that are compared in tiles.
    tiled: Option<Tiled>,
    /// For each query that was compared on its own, its search; empty until one is.
    singles: Vec<Option<Box<TopK>>>,
    pairs_scanned: u64,
    /// By siblings that were merged.
    pairs_answered_elsewhere: u64,
}

/// Bytes of rows that stay in cache while queries that are compared on their own take turns.
const SINGLES_BYTES: usize = 192 * 1024;

impl BatchTopK {
    /// A search that has seen no rows.
    ///
    /// # Panics
    /// When the queries differ in metric or dimension.
    pub fn new(queries: Vec<Query>, k: usize, order: Order) -> BatchTopK {
        Self::over(Arc::new(Queries::new(queries, k, order)))
    }

    /// A search for the same queries over other rows, to be [merged](BatchTopK::merge) with this one. Both share the
    /// queries, and at all times the best that either has found, so that each can pass over what is worse.
    pub fn sibling(&self) -> BatchTopK {
        Self::over(Arc::clone(&self.queries))
    }

    fn over(queries: Arc<Queries>) -> BatchTopK {
        BatchTopK {
            best: Best::new(queries.len()),
            tiled: None,
            singles: Vec::new(),
            pairs_scanned: 0,
            pairs_answered_elsewhere: 0,
            queries,
        }
    }

    /// Searches a block whose first row has the number `first_row`; rows that `selected` says `false` to are passed
    /// over. No row may be given to a search or its siblings twice.
    ///
    /// # Panics
    /// When the dimensions differ, the metric does not take the rows, or `selected` is not as long as `rows`.
    pub fn scan(&mut self, rows: &Rows<'_>, first_row: u64, selected: Option<&[bool]>) {
        let queries = Arc::clone(&self.queries);
        let Some(dimension) = queries.dimension() else {
            return;
        };
        assert_eq!(rows.dimension(), dimension, "dimension of the rows");
        if let Some(selected) = selected {
            assert_eq!(rows.len(), selected.len(), "one selection for each row");
        }
        let scanned = selected.map_or(rows.len(), |selected| {
            selected.iter().filter(|selected| **selected).count()
        });
        self.pairs_scanned += (scanned as u64).saturating_mul(queries.len() as u64);
        if queries.k == 0 {
            return;
        }
        let Some(packed) = queries.packed_for(rows.encoding()) else {
            return self.scan_singly(rows, first_row, selected);
        };
        let mut tiled = self
            .tiled
            .take()
            .unwrap_or_else(|| Tiled::new(packed, queries.len()));
        let mut start = 0;
        while start < rows.len() {
            let end = tiled.fill(packed, rows, selected, start);
            tiled.search(&queries, packed, &mut self.best, rows, first_row);
            let part = Part {
                rows: rows.slice(start..end),
                first_row: first_row.saturating_add(start as u64),
                selected: selected.map(|selected| &selected[start..end]),
            };
            self.scan_part(&part, |query| tiled.leaves_out(query));
            tiled.give_up_useless(packed);
            start = end;
        }
        self.tiled = Some(tiled);
    }

    /// Offers a query a row whose value is known (`None` is NULL): how NULL vectors, which have no bytes, take part.
    ///
    /// # Panics
    /// When there are not so many queries.
    pub fn offer(&mut self, query: usize, row: u64, value: Option<f64>) {
        self.pairs_scanned += 1;
        let rank = Rank::new(self.queries.order, value);
        self.best.keep(&self.queries, query, rank, row);
    }

    /// Takes over what a sibling has found.
    ///
    /// # Panics
    /// When `other` is not a [sibling](BatchTopK::sibling).
    pub fn merge(&mut self, other: BatchTopK) {
        assert!(
            Arc::ptr_eq(&self.queries, &other.queries),
            "only siblings can be merged"
        );
        for query in 0..self.queries.len() {
            for (rank, row) in other.ranked(query) {
                self.best.keep(&self.queries, query, rank, row);
            }
        }
        self.pairs_scanned += other.pairs_scanned;
        self.pairs_answered_elsewhere += other.pairs_answered();
    }

    /// Queries of the batch.
    pub fn queries(&self) -> usize {
        self.queries.len()
    }

    /// The rows that come first for a query with their exact values (`None` is NULL), first in the result first: at
    /// most `k`. Of a search whose siblings are not merged yet, the rows it has found that may still be among them.
    ///
    /// # Panics
    /// When there are not so many queries.
    pub fn results(&self, query: usize) -> Vec<(u64, Option<f64>)> {
        let order = self.queries.order;
        let mut ranked = self.ranked(query);
        ranked.sort_unstable();
        ranked.truncate(self.queries.k);
        ranked
            .into_iter()
            .map(|(rank, row)| (row, rank.value(order)))
            .collect()
    }

    /// Pairs of a query and a row seen, not counting rows passed over.
    pub fn pairs_scanned(&self) -> u64 {
        self.pairs_scanned
    }

    /// Pairs that the screens could not decide and that were answered exactly.
    pub fn pairs_answered(&self) -> u64 {
        let singles = self.singles.iter().flatten();
        self.pairs_answered_elsewhere
            + self.tiled.as_ref().map_or(0, Tiled::pairs_answered)
            + singles.map(|single| single.rows_answered()).sum::<u64>()
    }

    /// Memory held, in bytes, without what siblings share.
    pub fn memory_bytes(&self) -> usize {
        let singles = self.singles.iter().flatten();
        size_of::<Self>()
            + self.best.memory_bytes()
            + self.tiled.as_ref().map_or(0, Tiled::memory_bytes)
            + self.singles.capacity() * size_of::<Option<Box<TopK>>>()
            + singles.map(|single| single.memory_bytes()).sum::<usize>()
    }

    /// Memory that this search and its siblings share, in bytes: mostly the queries.
    pub fn shared_memory_bytes(&self) -> usize {
        self.queries.memory_bytes()
    }

    /// The rows found for a query, in no order; more than `k` when it was searched in both ways.
    fn ranked(&self, query: usize) -> Vec<(Rank, u64)> {
        let queries = &self.queries;
        let limit = queries.threshold(query).get();
        let mut ranked: Vec<(Rank, u64)> = self.best.of(query).collect();
        ranked.retain(|(rank, _)| *rank <= limit);
        if let Some(Some(single)) = self.singles.get(query) {
            let results = single.results(queries.threshold(query));
            let results = results.into_iter();
            ranked.extend(results.map(|(row, value)| (Rank::new(queries.order, value), row)));
        }
        ranked
    }

    /// Searches a block without tiles: a part that stays in cache for all queries, then the next.
    fn scan_singly(&mut self, rows: &Rows<'_>, first_row: u64, selected: Option<&[bool]>) {
        let step = (SINGLES_BYTES / rows.stride().max(1)).max(1);
        for start in (0..rows.len()).step_by(step) {
            let end = rows.len().min(start.saturating_add(step));
            let part = Part {
                rows: rows.slice(start..end),
                first_row: first_row.saturating_add(start as u64),
                selected: selected.map(|selected| &selected[start..end]),
            };
            self.scan_part(&part, |_| true);
        }
    }

    /// Searches a part for each query of those that `wanted` names.
    fn scan_part(&mut self, part: &Part<'_>, wanted: impl Fn(usize) -> bool) {
        let queries = Arc::clone(&self.queries);
        for (index, (query, threshold)) in queries.iter().enumerate() {
            if !wanted(index) {
                continue;
            }
            if self.singles.is_empty() {
                self.singles.resize_with(queries.len(), || None);
            }
            let single = self.singles[index].get_or_insert_with(|| {
                Box::new(TopK::new(query.clone(), queries.k, queries.order))
            });
            single.scan(&part.rows, part.first_row, part.selected, threshold);
        }
    }
}

/// A part of what is scanned.
struct Part<'a> {
    rows: Rows<'a>,
    first_row: u64,
    selected: Option<&'a [bool]>,
}

impl fmt::Debug for BatchTopK {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchTopK")
            .field("queries", &self.queries.len())
            .field("k", &self.queries.k)
            .field("order", &self.queries.order)
            .field("pairs_scanned", &self.pairs_scanned)
            .finish_non_exhaustive()
    }
}
