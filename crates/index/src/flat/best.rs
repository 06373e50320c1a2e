//! The rows that a search has found so far.

use ogive_kernels::{Order, Rank};

use super::request::Found;
use super::statistics::Statistics;

/// The rows found so far.
pub(super) struct Best {
    pub(super) order: Order,
    pub(super) k: usize,
    /// Rows that rank after this are not wanted.
    pub(super) farthest: Rank,
    /// While `k` is finite a heap: the last of them on top.
    pub(super) rows: Vec<(Rank, u64)>,
}

impl Best {
    pub(super) fn new(order: Order, k: usize) -> Best {
        Best {
            order,
            k,
            farthest: Rank::new(
                Order {
                    nulls_first: false,
                    ..order
                },
                None,
            ),
            rows: Vec::new(),
        }
    }

    pub(super) fn offer(&mut self, value: Option<f64>, row: u64) {
        let rank = Rank::new(self.order, value);
        if rank > self.farthest || self.k == 0 {
            return;
        }
        self.rows.push((rank, row));
        // Cut now and then: cheaper than a heap, and it need not be exact before the end.
        if self.k != usize::MAX && self.rows.len() >= self.k.saturating_mul(2) + 64 {
            self.cut();
        }
    }

    pub(super) fn cut(&mut self) {
        if self.rows.len() > self.k && self.k > 0 {
            self.rows.select_nth_unstable(self.k - 1);
            self.rows.truncate(self.k);
        }
    }

    /// The rank of the `k`-th row; `None` before there are as many.
    pub(super) fn kth_rank(&mut self) -> Option<Rank> {
        if self.rows.len() < self.k || self.k == 0 {
            return None;
        }
        self.cut();
        self.rows.iter().max().map(|(rank, _)| *rank)
    }

    /// The value of the `k`-th row; `None` before there are as many, and when it is NULL.
    pub(super) fn kth_value(&mut self) -> Option<f64> {
        self.kth_rank()?.value(self.order)
    }

    pub(super) fn found(mut self, statistics: Statistics) -> Found {
        self.cut();
        self.rows.sort_unstable();
        let rows = self.rows.iter();
        Found {
            rows: rows
                .map(|(rank, row)| (*row, rank.value(self.order)))
                .collect(),
            statistics,
        }
    }
}
