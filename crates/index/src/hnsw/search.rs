//! Searches of a graph.

use ogive_kernels::{Encoding, Metric, Order, Query, Rank, Rows, SharedThreshold, TopK};

use super::index::HnswIndex;
use super::traversal::{Effort, Near, Seen, Walk};
use crate::bitmap::ranges_of_rows;
use crate::flat::Measure;
use crate::{Bitmap, ExactRows, SearchError};

/// A search for about the `k` nearest rows.
#[derive(Debug, Clone, Copy)]
pub struct HnswSearch<'a> {
    /// The query, with its metric and precision.
    pub query: &'a Query,
    /// How many rows are wanted.
    pub k: usize,
    /// Rows that the walk keeps in view, at least `k`: more find more of the nearest, and take longer.
    pub ef: usize,
    /// The rows that may be found, without those that were deleted; all without.
    pub filter: Option<&'a Bitmap>,
}

impl<'a> HnswSearch<'a> {
    /// With pgvector's `ef_search` of 40.
    pub fn new(query: &'a Query, k: usize) -> HnswSearch<'a> {
        HnswSearch {
            query,
            k,
            ef: 40,
            filter: None,
        }
    }
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct HnswFound {
    /// Row numbers with their exact values (`None` is NULL), nearest first; equal ones by row number. As many as
    /// wanted, or all that match.
    pub rows: Vec<(u64, Option<f64>)>,
    /// Distances computed in the graph.
    pub distances: u64,
    /// Rows read exactly.
    pub read_exactly: u64,
    /// Whether all matching rows were scanned exactly.
    pub scanned_exactly: bool,
}

/// Filters that fewer rows pass for each row in view are scanned exactly.
const MATCHING_FOR_EACH: u64 = 16;

/// A walk that must keep more than one row in so many in view gives way to an exact scan.
const EF_SHARE: u64 = 8;

impl<S: AsRef<[u8]> + Sync> HnswIndex<S> {
    /// Finds about the `k` nearest rows. `rows` are the rows that were indexed.
    ///
    /// # Errors
    /// When the rows or the query do not fit the index, or rows cannot be read.
    pub fn search<R: ExactRows>(
        &self,
        search: &HnswSearch<'_>,
        rows: &R,
    ) -> Result<HnswFound, SearchError<R::Error>> {
        self.check(search.query, rows)?;
        let metric = search.query.metric();
        let order = Order {
            descending: matches!(metric, Metric::InnerProduct | Metric::CosineSimilarity),
            nulls_first: false,
        };
        let mut found = HnswFound {
            rows: Vec::new(),
            distances: 0,
            read_exactly: 0,
            scanned_exactly: false,
        };
        let passes = |row: &u64| search.filter.is_none_or(|filter| filter.contains(*row));
        let walked = self.walk(search, &mut found);
        let numbers = match walked {
            Some(near) => {
                let mut numbers: Vec<u64> = near.iter().map(|near| u64::from(near.row)).collect();
                numbers.extend(self.exceptions.iter().filter(|row| passes(row)));
                numbers.sort_unstable();
                numbers
            }
            None => {
                found.scanned_exactly = true;
                let is_null = |row: &u64| self.nulls.binary_search(row).is_ok();
                (0..self.rows())
                    .filter(|row| passes(row) && !is_null(row))
                    .collect()
            }
        };
        let shared = SharedThreshold::new();
        let mut top = TopK::new(search.query.clone(), search.k, order);
        let ranges = ranges_of_rows(numbers);
        if !ranges.is_empty() {
            rows.read(&ranges, &mut |first, rows: &Rows<'_>| {
                found.read_exactly += rows.len() as u64;
                top.scan(rows, first, None, &shared);
            })
            .map_err(|source| SearchError::Rows { source })?;
        }
        for row in self.nulls.iter().filter(|row| passes(row)).take(search.k) {
            top.offer(*row, None, &shared);
        }
        found.rows = top.results(&shared);
        debug_assert!(
            found
                .rows
                .iter()
                .is_sorted_by_key(|(row, value)| (Rank::new(order, *value), *row))
        );
        Ok(found)
    }

    /// The rows in view at the end of a walk; `None` when all rows had better be scanned.
    fn walk(&self, search: &HnswSearch<'_>, found: &mut HnswFound) -> Option<Vec<Near>> {
        let vector = self.vector(search.query)?;
        let absent = (self.exceptions.len() + self.nulls.len()) as u64;
        let present = self.rows().saturating_sub(absent);
        let in_graph = |row: u64| {
            self.exceptions.binary_search(&row).is_err() && self.nulls.binary_search(&row).is_err()
        };
        let listed = !self.exceptions.is_empty() || !self.nulls.is_empty();
        let wanted = |row: u32| {
            let row = u64::from(row);
            search.filter.is_none_or(|filter| filter.contains(row)) && (!listed || in_graph(row))
        };
        let mut ef = search.ef.max(search.k) as u64;
        if let Some(filter) = search.filter
            && filter.count() < ef.saturating_mul(MATCHING_FOR_EACH)
        {
            return None;
        }
        let graph = self.view();
        let mut seen = Seen::default();
        let mut effort = Effort::default();
        while ef <= present / EF_SHARE {
            let start = [graph.descend(&vector, 0, &mut effort)];
            let walk = Walk {
                start: &start,
                level: 0,
                ef: ef as usize,
            };
            let near = graph.walk(&vector, walk, wanted, &mut seen, &mut effort);
            found.distances = effort.distances;
            if near.len() >= search.k {
                return Some(near);
            }
            // Fewer than were wanted: the rest of the rows cannot be reached so.
            ef *= 4;
        }
        None
    }

    /// The query as the graph's vectors are; `None` when it cannot be compared with them.
    fn vector(&self, query: &Query) -> Option<Vec<f32>> {
        let values = query.vector(Encoding::F32);
        let squares: f64 = values.iter().map(|x| x * x).sum();
        // Also when it is no number.
        let comparable = squares < 1e36 && (self.measure() != Measure::Cosine || squares > 1e-36);
        if !comparable || !self.measure().serves_in_graph(query.metric()) {
            return None;
        }
        let factor = match self.measure() {
            Measure::Cosine => 1.0 / squares.sqrt(),
            Measure::L2 | Measure::InnerProduct => 1.0,
        };
        Some(values.iter().map(|x| (x * factor) as f32).collect())
    }

    fn check<R: ExactRows>(&self, query: &Query, rows: &R) -> Result<(), SearchError<R::Error>> {
        let vector = query.vector(Encoding::F64).len() as u64;
        let dimension = self.dimension() as u64;
        for (what, found, expected) in [
            ("the number", rows.rows(), self.rows()),
            ("the dimension", rows.dimension() as u64, dimension),
            ("the dimension of the query", vector, dimension),
            (
                "double precision",
                rows.is_double().into(),
                self.header.double.into(),
            ),
        ] {
            if found != expected {
                return Err(SearchError::OtherRows {
                    what,
                    found,
                    expected,
                });
            }
        }
        Ok(())
    }
}
