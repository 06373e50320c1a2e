//! The best rows that one search knows, for each query.

use std::collections::BinaryHeap;

use crate::Rank;

use super::queries::Queries;

/// The best rows of each query, the worst of them on top; never more than `k`.
#[derive(Debug)]
pub(super) struct Best(Vec<BinaryHeap<(Rank, u64)>>);

impl Best {
    pub(super) fn new(queries: usize) -> Best {
        Best((0..queries).map(|_| BinaryHeap::new()).collect())
    }

    /// Keeps a row if it is among a query's `k` best, and tells the other searches; says whether it was.
    pub(super) fn keep(&mut self, queries: &Queries, query: usize, rank: Rank, row: u64) -> bool {
        let threshold = queries.threshold(query);
        if queries.k == 0 || rank > threshold.get() {
            return false;
        }
        let best = &mut self.0[query];
        if best.len() < queries.k {
            best.push((rank, row));
        } else if let Some(mut worst) = best.peek_mut() {
            if (rank, row) >= *worst {
                return false;
            }
            *worst = (rank, row);
        }
        if best.len() == queries.k
            && let Some((worst, _)) = best.peek()
        {
            threshold.lower_to(*worst);
        }
        true
    }

    /// The rows of a query, in no order.
    pub(super) fn of(&self, query: usize) -> impl Iterator<Item = (Rank, u64)> {
        self.0[query].iter().copied()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let rows: usize = self.0.iter().map(BinaryHeap::capacity).sum();
        self.0.capacity() * size_of::<BinaryHeap<(Rank, u64)>>() + rows * size_of::<(Rank, u64)>()
    }
}
