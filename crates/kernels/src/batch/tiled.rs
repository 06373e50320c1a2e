//! The search of blocks of rows, panel by panel.

use crate::{Rank, Rows, dot_f32};

use super::best::Best;
use super::block::Block;
use super::gates::Gates;
use super::looks::Looks;
use super::queries::{Packed, Queries};

#[derive(Debug)]
pub(super) struct Tiled {
    block: Block,
    gates: Gates,
    hits: Vec<Hit>,
    /// For each panel, whether codes are of use.
    looks: Vec<Looks>,
    /// For each query, rows answered exactly and not kept.
    wasted: Vec<u32>,
    rows_seen: u64,
    pairs_answered: u64,
}

/// A row that passed a query's gate.
#[derive(Debug, Clone, Copy)]
struct Hit {
    query: usize,
    row: usize,
    sum: f32,
    goodness: f32,
}

fn hit(packed: &Packed, block: &Block, row: usize, query: usize, sum: f32) -> Hit {
    Hit {
        query,
        row,
        sum,
        goodness: packed.screen.goodness(sum, block.term(row)),
    }
}

/// The rows and lanes of a panel that passed their gates.
fn passed(masks: &[u32], gated: u32) -> impl Iterator<Item = (usize, usize)> + '_ {
    let rows = masks.iter().enumerate();
    let rows = rows.filter(move |(_, mask)| *mask & gated != 0);
    rows.flat_map(move |(row, mask)| {
        let lanes = (0..u32::BITS as usize).filter(move |lane| mask & gated & (1 << lane) != 0);
        lanes.map(move |lane| (row, lane))
    })
}

/// A query is given up when more than one row in this many was answered in vain ...
const WASTED_SHARE: u64 = 16;

/// ... and more rows than this: a search wastes some at its start.
const WASTED_MIN: u64 = 64;

impl Tiled {
    pub(super) fn new(packed: &Packed, queries: usize) -> Tiled {
        Tiled {
            block: Block::new(packed),
            gates: Gates::new(packed, queries),
            hits: Vec::new(),
            looks: vec![Looks::default(); packed.panels()],
            wasted: vec![0; queries],
            rows_seen: 0,
            pairs_answered: 0,
        }
    }

    /// Takes up rows from `start` on; returns where it stopped. Blocks grow with what has been seen, because the gates
    /// of the first rows stand open.
    pub(super) fn fill(
        &mut self,
        packed: &Packed,
        rows: &Rows<'_>,
        selected: Option<&[bool]>,
        start: usize,
    ) -> usize {
        let seen = self.rows_seen;
        self.block.fill(packed, rows, selected, start, seen)
    }

    /// Searches the rows taken up from `rows`, whose first has the number `first_row`, for every query that has a gate.
    pub(super) fn search(
        &mut self,
        queries: &Queries,
        packed: &Packed,
        best: &mut Best,
        rows: &Rows<'_>,
        first_row: u64,
    ) {
        for panel in 0..packed.panels() {
            let gated = self.gates.refresh_panel(queries, packed, panel);
            if gated == 0 {
                continue;
            }
            let due = self.looks[panel].is_due();
            if due && self.block.multiply_codes(packed, panel, &self.gates) {
                let doubts = self.decide_doubts(queries, packed, panel, gated);
                let pairs = self.block.len() * gated.count_ones() as usize;
                self.looks[panel].note(doubts, pairs);
            } else {
                self.block.multiply(packed, panel, &self.gates);
                self.collect_hits(packed, panel, gated);
            }
            self.answer_hits(queries, packed, best, rows, first_row);
        }
        self.rows_seen += self.block.len() as u64;
    }

    /// Whether rows must be compared with this query in another way.
    pub(super) fn leaves_out(&self, query: usize) -> bool {
        !self.gates.is_gated(query)
    }

    /// Gives up queries whose gates are of no use: those whose distances are small beside the vectors, where what
    /// cancels is all that products say. Not to be called before other ways have seen the last block.
    pub(super) fn give_up_useless(&mut self, packed: &Packed) {
        if !packed.screen.cancels() {
            return;
        }
        for (query, wasted) in self.wasted.iter().enumerate() {
            let wasted = u64::from(*wasted);
            if wasted > WASTED_MIN && wasted * WASTED_SHARE > self.rows_seen {
                self.gates.give_up(query);
            }
        }
    }

    pub(super) fn pairs_answered(&self) -> u64 {
        self.pairs_answered
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.block.memory_bytes()
            + self.gates.memory_bytes()
            + self.hits.capacity() * size_of::<Hit>()
            + self.looks.capacity() * size_of::<Looks>()
            + self.wasted.capacity() * size_of::<u32>()
    }

    /// The pairs of the last panel that passed their gates.
    fn collect_hits(&mut self, packed: &Packed, panel: usize, gated: u32) {
        self.hits.clear();
        for (row, lane) in passed(self.block.masks(), gated) {
            let sum = self.block.sum(packed.shape, row, lane);
            let query = panel * packed.shape.queries() + lane;
            self.hits.push(hit(packed, &self.block, row, query, sum));
        }
    }

    /// The same of a panel whose codes were looked at: sums the products of the pairs in doubt, and returns how many
    /// there were.
    fn decide_doubts(
        &mut self,
        queries: &Queries,
        packed: &Packed,
        panel: usize,
        gated: u32,
    ) -> usize {
        self.hits.clear();
        let mut doubts = 0;
        for (row, lane) in passed(self.block.masks(), gated) {
            doubts += 1;
            let query = panel * packed.shape.queries() + lane;
            let vector = queries.query(query).narrow().values();
            let sum = packed.screen.query_factor() * dot_f32(self.block.values(row), vector);
            let margin = self.gates.margin(query, sum, self.block.term(row));
            // A margin that is NaN decides nothing.
            if margin < 0.0 {
                continue;
            }
            self.hits.push(hit(packed, &self.block, row, query, sum));
        }
        doubts
    }

    fn answer_hits(
        &mut self,
        queries: &Queries,
        packed: &Packed,
        best: &mut Best,
        rows: &Rows<'_>,
        first_row: u64,
    ) {
        // The best of a query's rows first, so that the gate closes on the others, in whatever order they lie.
        self.hits.sort_unstable_by(|a, b| {
            let best_first = || b.goodness.total_cmp(&a.goodness);
            a.query.cmp(&b.query).then_with(best_first)
        });
        for hit in &self.hits {
            // Again, as the gate may have moved. A margin that is NaN decides nothing.
            let margin = self
                .gates
                .margin(hit.query, hit.sum, self.block.term(hit.row));
            if margin < 0.0 {
                continue;
            }
            let source = self.block.source(hit.row);
            let mut value = [0.0];
            let row = rows.slice(source..source + 1);
            let undefined = queries.query(hit.query).distances(&row, &mut value);
            self.pairs_answered += 1;
            let value = undefined.is_empty().then_some(value[0]);
            let rank = Rank::new(queries.order, value);
            let number = first_row.saturating_add(source as u64);
            if best.keep(queries, hit.query, rank, number) {
                self.gates.refresh(queries, packed, hit.query);
            } else {
                let wasted = &mut self.wasted[hit.query];
                *wasted = wasted.saturating_add(1);
            }
        }
    }
}
