//! The gates of all queries as one search last saw them.

use crate::Rank;

use super::queries::{Packed, Queries};
use super::screen::Gate;
use super::tile::{LINE, Line, Shape};

#[derive(Debug)]
pub(super) struct Gates {
    shape: Shape,
    offsets: Vec<Line>,
    slopes: Vec<Line>,
    /// For each query, the rank that its gate was made for.
    limits: Vec<Rank>,
    /// For each panel, a bit for each query that has a gate: one that the screen knows and has not given up.
    gated: Vec<u32>,
}

impl Gates {
    pub(super) fn new(packed: &Packed, queries: usize) -> Gates {
        let shape = packed.shape;
        let lines = packed.panels() * shape.lines;
        let mut gates = Gates {
            shape,
            offsets: vec![Line::ZERO; lines],
            slopes: vec![Line::ZERO; lines],
            limits: vec![Rank::LAST; queries],
            gated: vec![0; packed.panels()],
        };
        for query in 0..queries {
            if packed.squares(query).is_some() {
                gates.gated[query / shape.queries()] |= gates.bit(query);
            }
            gates.set(query, Gate::OPEN);
        }
        gates
    }

    /// Follows the thresholds of a panel's queries; returns which of them have gates.
    pub(super) fn refresh_panel(
        &mut self,
        queries: &Queries,
        packed: &Packed,
        panel: usize,
    ) -> u32 {
        let first = panel * self.shape.queries();
        let end = queries.len().min(first + self.shape.queries());
        for query in first..end {
            self.refresh(queries, packed, query);
        }
        self.gated[panel]
    }

    /// Follows the threshold of a query.
    pub(super) fn refresh(&mut self, queries: &Queries, packed: &Packed, query: usize) {
        let limit = queries.threshold(query).get();
        if limit != self.limits[query] {
            self.limits[query] = limit;
            if let Some(squares) = packed.squares(query) {
                self.set(query, packed.screen.gate(squares, limit));
            }
        }
    }

    /// Has rows be compared with this query in another way.
    pub(super) fn give_up(&mut self, query: usize) {
        let bit = self.bit(query);
        self.gated[query / self.shape.queries()] &= !bit;
    }

    pub(super) fn is_gated(&self, query: usize) -> bool {
        self.gated[query / self.shape.queries()] & self.bit(query) != 0
    }

    /// Offsets and slopes of a panel.
    pub(super) fn panel(&self, panel: usize) -> (&[Line], &[Line]) {
        let lines = panel * self.shape.lines..(panel + 1) * self.shape.lines;
        (&self.offsets[lines.clone()], &self.slopes[lines])
    }

    /// How far above a query's gate a sum is, for a row of this term; a row may be passed over only if below zero.
    pub(super) fn margin(&self, query: usize, sum: f32, term: f32) -> f64 {
        let (line, lane) = (query / LINE, query % LINE);
        let gate = f64::from(self.slopes[line].0[lane]) * f64::from(term);
        f64::from(sum) - (gate + f64::from(self.offsets[line].0[lane]))
    }

    pub(super) fn memory_bytes(&self) -> usize {
        (self.offsets.capacity() + self.slopes.capacity()) * size_of::<Line>()
            + self.limits.capacity() * size_of::<Rank>()
            + self.gated.capacity() * size_of::<u32>()
    }

    fn set(&mut self, query: usize, gate: Gate) {
        let (line, lane) = (query / LINE, query % LINE);
        self.offsets[line].0[lane] = gate.offset;
        self.slopes[line].0[lane] = gate.slope;
    }

    fn bit(&self, query: usize) -> u32 {
        1 << (query % self.shape.queries())
    }
}
