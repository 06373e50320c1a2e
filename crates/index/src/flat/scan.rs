//! The first stage of one search: bounds of all rows, and the best estimates.

use std::ops::Range;

use ogive_kernels::LOOKUP_ROWS;

use super::coded::Coded;
use super::query::Prepared;

/// The first stage of one search.
pub(super) struct Scan<'a> {
    pub(super) prepared: Prepared,
    pub(super) coded: Coded<'a>,
    /// The bound of every row that was scanned.
    pub(super) bounds: Vec<f32>,
    pub(super) best: Estimates,
    pub(super) rows: u64,
    pub(super) blocks: u64,
    /// Whether codes say too little about this query.
    pub(super) hopeless: bool,
}

impl<'a> Scan<'a> {
    pub(super) fn new(
        prepared: Prepared,
        coded: Coded<'a>,
        wanted: usize,
        bounds: Vec<f32>,
    ) -> Scan<'a> {
        Scan {
            prepared,
            coded,
            bounds,
            best: Estimates::new(wanted),
            rows: 0,
            blocks: 0,
            hopeless: false,
        }
    }

    pub(super) fn wants(&self, mut blocks: Range<usize>) -> bool {
        !self.hopeless && blocks.any(|block| self.coded.word(block) != 0)
    }

    /// Scans the runs of blocks of a slab in which there is anything to find.
    pub(super) fn slab(&mut self, slab: Range<usize>, bytes: &[u8], estimates: &mut [f32]) {
        if self.hopeless {
            return;
        }
        let block_bytes = self.prepared.lookup.shape().block_bytes();
        let mut block = slab.start;
        while block < slab.end {
            if self.coded.word(block) == 0 {
                block += 1;
                continue;
            }
            let mut end = block + 1;
            while end < slab.end && self.coded.word(end) != 0 {
                end += 1;
            }
            let run = block..end;
            let estimates = &mut estimates[..run.len() * LOOKUP_ROWS];
            self.prepared.lookup.scan(
                &bytes
                    [(run.start - slab.start) * block_bytes..(run.end - slab.start) * block_bytes],
                estimates,
                &mut self.bounds[run.start * LOOKUP_ROWS..run.end * LOOKUP_ROWS],
            );
            self.blocks += run.len() as u64;
            for (block, estimates) in run.zip(estimates.chunks_exact(LOOKUP_ROWS)) {
                let word = self.coded.word(block);
                self.rows += u64::from(word.count_ones());
                self.best.offer(block, word, estimates);
            }
            block = end;
        }
    }

    /// The rows whose bound is not beyond a limit, ascending; nothing when they are more than `most`.
    pub(super) fn within(&self, limit: f64, most: usize) -> Option<Vec<u32>> {
        let limit = self.prepared.narrow_limit(limit);
        let mut left = Vec::new();
        for (block, bounds) in self.bounds.chunks_exact(LOOKUP_ROWS).enumerate() {
            let mut any = false;
            for bound in bounds {
                // Not `<=`: a bound that is NaN decides nothing.
                let beyond = *bound > limit;
                any |= !beyond;
            }
            if !any {
                continue;
            }
            if left.len() > most {
                return None;
            }
            let word = self.coded.word(block);
            for (index, bound) in bounds.iter().enumerate() {
                let beyond = *bound > limit;
                if word >> index & 1 == 1 && !beyond {
                    left.push((block * LOOKUP_ROWS + index) as u32);
                }
            }
        }
        (left.len() <= most).then_some(left)
    }
}

/// The rows of the best estimates.
pub(super) struct Estimates {
    pub(super) wanted: usize,
    /// Estimates that are not below this are not among them.
    pub(super) limit: f32,
    pub(super) rows: Vec<(f32, u32)>,
}

impl Estimates {
    pub(super) fn new(wanted: usize) -> Estimates {
        Estimates {
            wanted,
            limit: if wanted == 0 {
                f32::NEG_INFINITY
            } else {
                f32::INFINITY
            },
            rows: Vec::new(),
        }
    }

    pub(super) fn offer(&mut self, block: usize, word: u64, estimates: &[f32]) {
        let mut any = false;
        for estimate in estimates {
            any |= *estimate < self.limit;
        }
        if !any {
            return;
        }
        for (index, estimate) in estimates.iter().enumerate() {
            if *estimate < self.limit && word >> index & 1 == 1 {
                self.rows
                    .push((*estimate, (block * LOOKUP_ROWS + index) as u32));
            }
        }
        if self.rows.len() >= 2 * self.wanted + LOOKUP_ROWS {
            self.cut();
        }
    }

    pub(super) fn cut(&mut self) {
        if self.rows.len() > self.wanted && self.wanted > 0 {
            let compare = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            let (_, last, _) = self.rows.select_nth_unstable_by(self.wanted - 1, compare);
            self.limit = last.0;
            self.rows.truncate(self.wanted);
        }
    }

    /// Row numbers, ascending.
    pub(super) fn rows(&self) -> Vec<u32> {
        let mut best = Estimates {
            wanted: self.wanted,
            limit: self.limit,
            rows: self.rows.clone(),
        };
        best.cut();
        let mut rows: Vec<u32> = best.rows.into_iter().map(|(_, row)| row).collect();
        rows.sort_unstable();
        rows
    }
}
