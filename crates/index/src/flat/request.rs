//! What is asked of an index, and what is found.

use ogive_kernels::{Metric, Order, Query};

use super::statistics::Statistics;
use crate::Bitmap;

/// A search for the `k` nearest rows.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// The query, with its metric and precision.
    pub query: &'a Query,
    /// How many rows are wanted.
    pub k: usize,
    /// How rows are sorted by their distance.
    pub order: Order,
    /// The rows that may be found; all without.
    pub filter: Option<&'a Bitmap>,
}

impl<'a> Search<'a> {
    /// Nearest first, NULLs last, no filter.
    pub fn new(query: &'a Query, k: usize) -> Search<'a> {
        Search {
            query,
            k,
            order: nearest_first(query.metric()),
            filter: None,
        }
    }

    /// The same among the rows of a filter.
    pub fn with_filter(mut self, filter: &'a Bitmap) -> Search<'a> {
        self.filter = Some(filter);
        self
    }
}

/// A search for all rows that are as near as a distance, or nearer.
#[derive(Debug, Clone, Copy)]
pub struct RangeSearch<'a> {
    /// The query, with its metric and precision.
    pub query: &'a Query,
    /// The distance (for similarities, the similarity), itself included.
    pub distance: f64,
    /// The rows that may be found; all without.
    pub filter: Option<&'a Bitmap>,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Row numbers with their exact values (`None` is NULL), first in the order first; equal ones by row number.
    pub rows: Vec<(u64, Option<f64>)>,
    /// What was done.
    pub statistics: Statistics,
}

/// Memory of searches, kept from one to the next: four bytes for each row.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) bounds: Vec<Vec<f32>>,
}

pub(super) fn nearest_first(metric: Metric) -> Order {
    Order {
        descending: matches!(metric, Metric::InnerProduct | Metric::CosineSimilarity),
        nulls_first: false,
    }
}
