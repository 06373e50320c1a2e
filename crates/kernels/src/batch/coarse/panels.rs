//! The codes of a batch of queries, panel by panel.

use super::super::tile::{LINE, Line, Shape};
use super::{CodeLine, DIMENSION_MIN, FOUR, PanelQueries, ROW_BIAS, STRETCH, SumLine, encode};
use crate::InstructionSet;

#[derive(Debug)]
pub(in crate::batch) struct Panels {
    lines: usize,
    stretches: usize,
    codes: Vec<CodeLine>,
    starts: Vec<SumLine>,
    scales: Vec<Line>,
    lost: Vec<Line>,
    coded_lengths: Vec<Line>,
    /// For each panel, whether something is claimed about each of its queries.
    known: Vec<bool>,
}

impl Panels {
    /// Panels without queries, unless the instructions or the dimension have no use for codes.
    pub(in crate::batch) fn new(shape: Shape, dimension: usize, panels: usize) -> Option<Panels> {
        let fast = matches!(shape.set(), InstructionSet::Avx2 | InstructionSet::Avx512);
        if dimension < DIMENSION_MIN || !fast || !shape.set().is_available() {
            return None;
        }
        let stretches = dimension.div_ceil(STRETCH);
        let fours = stretches * (STRETCH / FOUR);
        let lines = shape.lines * panels;
        Some(Panels {
            lines: shape.lines,
            stretches,
            codes: vec![CodeLine([0; FOUR * LINE]); lines * fours],
            starts: vec![SumLine::ZERO; lines],
            scales: vec![Line::ZERO; lines],
            lost: vec![Line::ZERO; lines],
            coded_lengths: vec![Line::ZERO; lines],
            known: vec![true; panels],
        })
    }

    /// Puts a query, multiplied with `factor` (1 or -1), of this sum of squares in its place.
    pub(in crate::batch) fn set(
        &mut self,
        shape: Shape,
        query: usize,
        vector: &[f32],
        factor: f32,
        squares: f64,
    ) {
        let (line, lane) = (query / LINE, query % LINE);
        let panel = line / self.lines;
        let mut codes = vec![0; vector.len()];
        let coded = encode(shape.set(), vector, squares, &mut codes);
        let fours = self.stretches * (STRETCH / FOUR);
        let first = panel * self.lines * fours + line % self.lines;
        let mut total = 0;
        for (four, codes) in codes.chunks(FOUR).enumerate() {
            let CodeLine(place) = &mut self.codes[first + four * self.lines];
            for (place, code) in place[lane * FOUR..].iter_mut().zip(codes) {
                let code = (i32::from(*code) - ROW_BIAS) * factor as i32;
                *place = code as i8;
                total += code;
            }
        }
        self.starts[line].0[lane] = -ROW_BIAS * total;
        self.scales[line].0[lane] = coded.scale;
        self.lost[line].0[lane] = coded.lost;
        // `|t Q| <= |q| + |q - t Q|`, and one more rounding.
        self.coded_lengths[line].0[lane] = (coded.length + coded.lost).next_up();
        self.known[panel] &= coded.lost.is_finite();
    }

    /// Whether a panel can be looked at.
    pub(in crate::batch) fn knows(&self, panel: usize) -> bool {
        self.known[panel]
    }

    pub(in crate::batch) fn stretches(&self) -> usize {
        self.stretches
    }

    /// The codes of a panel.
    pub(in crate::batch) fn codes(&self, panel: usize) -> &[CodeLine] {
        let lines = self.stretches * (STRETCH / FOUR) * self.lines;
        &self.codes[panel * lines..(panel + 1) * lines]
    }

    pub(in crate::batch) fn queries(&self, panel: usize) -> PanelQueries<'_> {
        let lines = panel * self.lines..(panel + 1) * self.lines;
        PanelQueries {
            starts: &self.starts[lines.clone()],
            scales: &self.scales[lines.clone()],
            lost: &self.lost[lines.clone()],
            coded_lengths: &self.coded_lengths[lines],
        }
    }

    pub(in crate::batch) fn memory_bytes(&self) -> usize {
        let lines = self.scales.capacity() + self.lost.capacity() + self.coded_lengths.capacity();
        size_of::<Self>()
            + self.codes.capacity() * size_of::<CodeLine>()
            + self.starts.capacity() * size_of::<SumLine>()
            + lines * size_of::<Line>()
            + self.known.capacity()
    }
}
