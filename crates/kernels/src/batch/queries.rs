//! What the searches of one batch share: the queries, packed for tiles, and the best rank that any search knows.

use crate::{Encoding, InstructionSet, Order, Query, SharedThreshold};

use super::coarse;
use super::screen::Screen;
use super::tile::{LINE, Line, Shape};

/// The queries of a batch. Nothing changes after it is made but the thresholds.
#[derive(Debug)]
pub(super) struct Queries {
    queries: Vec<Query>,
    thresholds: Vec<SharedThreshold>,
    pub(super) k: usize,
    pub(super) order: Order,
    /// Unless the metric, the dimension or the number of queries has no use for tiles.
    packed: Option<Packed>,
}

/// Queries as panels.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) set: InstructionSet,
    pub(super) shape: Shape,
    pub(super) screen: Screen,
    dimension: usize,
    /// Panel after panel: for each element, the numbers of the panel's queries; zeros for those that the last one lacks.
    lines: Vec<Line>,
    /// For each query, its sum of squares; NaN for one that the screen knows nothing about.
    squares: Vec<f64>,
    /// The queries once more, where they can be looked at first.
    pub(super) coarse: Option<coarse::Panels>,
}

/// With fewer queries rearranging them, decoding rows and summing their squares costs more than tiles save.
const PACKED_MIN: usize = 6;

impl Queries {
    pub(super) fn new(queries: Vec<Query>, k: usize, order: Order) -> Queries {
        if let Some(first) = queries.first() {
            for query in &queries {
                assert_eq!(query.metric(), first.metric(), "metrics of one batch");
                assert_eq!(
                    query.dimension(),
                    first.dimension(),
                    "dimensions of one batch"
                );
            }
        }
        Queries {
            thresholds: queries.iter().map(|_| SharedThreshold::new()).collect(),
            packed: Packed::new(&queries, order),
            queries,
            k,
            order,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.queries.len()
    }

    /// Elements in a query; `None` when there are none to ask.
    pub(super) fn dimension(&self) -> Option<usize> {
        self.queries.first().map(Query::dimension)
    }

    /// The queries with their thresholds.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Query, &SharedThreshold)> {
        self.queries.iter().zip(&self.thresholds)
    }

    pub(super) fn query(&self, index: usize) -> &Query {
        &self.queries[index]
    }

    pub(super) fn threshold(&self, index: usize) -> &SharedThreshold {
        &self.thresholds[index]
    }

    /// The panels, where rows of this encoding are compared in tiles.
    pub(super) fn packed_for(&self, encoding: Encoding) -> Option<&Packed> {
        match encoding {
            Encoding::F32
            | Encoding::F16
            | Encoding::I8
            | Encoding::U8
            | Encoding::Codes { .. } => self.packed.as_ref(),
            // Sums in single precision say little about rows and queries of double, and nothing about bits.
            Encoding::F64 | Encoding::Bits => None,
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.queries.iter().map(Query::memory_bytes).sum::<usize>()
            + self.thresholds.capacity() * size_of::<SharedThreshold>()
            + self.packed.as_ref().map_or(0, Packed::memory_bytes)
    }
}

impl Packed {
    fn new(queries: &[Query], order: Order) -> Option<Packed> {
        let first = queries.first()?;
        if queries.len() < PACKED_MIN {
            return None;
        }
        let dimension = first.dimension();
        let shape = Shape::new(first.instruction_set());
        // Those of tiles, and of the sums of pairs that codes leave in doubt (see `approximate::relative_error`).
        let roundings = shape.roundings(dimension).max(dimension / 16 + 4);
        let screen = Screen::new(first.metric(), order, dimension, roundings)?;
        let factor = screen.query_factor();
        let panels = queries.len().div_ceil(shape.queries());
        let mut lines = vec![Line::ZERO; panels * shape.lines * dimension];
        let panel_lines = lines.chunks_exact_mut(shape.lines * dimension);
        for (panel, queries) in panel_lines.zip(queries.chunks(shape.queries())) {
            for (lane, query) in queries.iter().enumerate() {
                let elements = panel.chunks_exact_mut(shape.lines);
                for (element, value) in elements.zip(query.narrow().values()) {
                    element[lane / LINE].0[lane % LINE] = factor * value;
                }
            }
        }
        let squares = queries.iter().map(|query| {
            let squares = squares(query.narrow().values());
            if screen.knows(squares) {
                squares
            } else {
                f64::NAN
            }
        });
        let squares: Vec<f64> = squares.collect();
        let mut coarse = coarse::Panels::new(shape, dimension, panels);
        if let Some(coarse) = &mut coarse {
            for (index, (query, squares)) in queries.iter().zip(&squares).enumerate() {
                if !squares.is_nan() {
                    coarse.set(shape, index, query.narrow().values(), factor, *squares);
                }
            }
        }
        Some(Packed {
            set: first.instruction_set(),
            shape,
            dimension,
            lines,
            squares,
            screen,
            coarse,
        })
    }

    pub(super) fn dimension(&self) -> usize {
        self.dimension
    }

    /// Panels, the last of which may not be full.
    pub(super) fn panels(&self) -> usize {
        self.squares.len().div_ceil(self.shape.queries())
    }

    pub(super) fn panel(&self, index: usize) -> &[Line] {
        let lines = self.shape.lines * self.dimension;
        &self.lines[index * lines..(index + 1) * lines]
    }

    /// The sum of squares of a query that the screen knows about.
    pub(super) fn squares(&self, query: usize) -> Option<f64> {
        let squares = self.squares[query];
        (!squares.is_nan()).then_some(squares)
    }

    fn memory_bytes(&self) -> usize {
        self.lines.capacity() * size_of::<Line>()
            + self.squares.capacity() * size_of::<f64>()
            + self.coarse.as_ref().map_or(0, coarse::Panels::memory_bytes)
    }
}

fn squares(values: &[f32]) -> f64 {
    values.iter().map(|x| f64::from(*x) * f64::from(*x)).sum()
}
