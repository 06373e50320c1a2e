//! Some rows, decoded for tiles.

use crate::Rows;
use crate::decode;
use crate::exact::{self, Padded, Sum};

use super::coarse::{self, Coded, STRETCH, SumLine};
use super::gates::Gates;
use super::queries::Packed;
use super::tile::{self, LINE, Line, Shape, Tiles};

/// Bytes of decoded rows that stay in the second-level cache (512 KiB where this was measured) while queries pass.
const BLOCK_BYTES: usize = 192 * 1024;

/// The same where codes are looked at first and stay there instead, and the rows themselves are seldom needed. More
/// rows make less of what a panel costs whatever the rows.
const BLOCK_BYTES_BESIDE_CODES: usize = 384 * 1024;

/// Rows of a block of long vectors, which does not fit there: with fewer, queries come from memory too often.
const BLOCK_ROWS_MIN: usize = 48;

/// Rows of a block of short vectors: more would only make gates older.
const BLOCK_ROWS_MAX: usize = 240;

/// Rows are counted in multiples of this, which is one of every shape's.
const ROWS_STEP: usize = 24;

const _: () =
    assert!(BLOCK_ROWS_MIN.is_multiple_of(ROWS_STEP) && BLOCK_ROWS_MAX.is_multiple_of(ROWS_STEP));

/// The rows of a block that are asked for, and room for their sums with one panel.
#[derive(Debug)]
pub(super) struct Block {
    dimension: usize,
    capacity: usize,
    stride: usize,
    /// Decoded rows, one every `stride` numbers; what lies behind the last is left over from earlier ones.
    values: Vec<f32>,
    /// The sums of squares take no query, but the kernel's shape has one.
    none: Padded,
    /// Where each row was.
    rows: Vec<usize>,
    terms: Vec<f32>,
    sums: Vec<Line>,
    masks: Vec<u32>,
    /// Where queries have codes, the rows' as well.
    codes: Option<Codes>,
}

#[derive(Debug)]
struct Codes {
    stride: usize,
    /// The rows' codes, one row every `stride` bytes; zeros behind its last.
    codes: Vec<u8>,
    coded: Vec<Coded>,
    sums: Vec<SumLine>,
}

impl Codes {
    fn new(panels: &coarse::Panels, shape: Shape, capacity: usize) -> Codes {
        // As for the numbers: an odd number of cache lines.
        let stride = ((panels.stretches() * STRETCH).div_ceil(64) | 1) * 64;
        Codes {
            stride,
            codes: vec![0; capacity * stride],
            coded: Vec::with_capacity(capacity),
            sums: vec![SumLine::ZERO; capacity * shape.lines],
        }
    }

    fn memory_bytes(&self) -> usize {
        self.codes.capacity()
            + self.coded.capacity() * size_of::<Coded>()
            + self.sums.capacity() * size_of::<SumLine>()
    }
}

impl Block {
    pub(super) fn new(packed: &Packed) -> Block {
        let (dimension, shape) = (packed.dimension(), packed.shape);
        // An odd number of cache lines, so that rows do not fall on the same sets of the cache.
        let stride = (dimension.div_ceil(LINE) | 1) * LINE;
        let bytes = match packed.coarse {
            Some(_) => BLOCK_BYTES_BESIDE_CODES,
            None => BLOCK_BYTES,
        };
        let rows = bytes / (stride * size_of::<f32>());
        let capacity = rows.clamp(BLOCK_ROWS_MIN, BLOCK_ROWS_MAX) / ROWS_STEP * ROWS_STEP;
        Block {
            dimension,
            capacity,
            stride,
            values: vec![0.0; capacity * stride],
            none: Padded::new(std::iter::repeat_n(0.0, dimension)),
            rows: Vec::with_capacity(capacity),
            terms: Vec::with_capacity(capacity),
            sums: vec![Line::ZERO; capacity * shape.lines],
            masks: Vec::with_capacity(capacity),
            codes: packed
                .coarse
                .as_ref()
                .map(|panels| Codes::new(panels, shape, capacity)),
        }
    }

    /// Takes the rows asked for from `start` on, at most `rows_max` (at least one) rounded up to whole steps or as many
    /// as there is room for, and returns where it stopped.
    pub(super) fn fill(
        &mut self,
        packed: &Packed,
        rows: &Rows<'_>,
        selected: Option<&[bool]>,
        start: usize,
        rows_max: u64,
    ) -> usize {
        let room = usize::try_from(rows_max).map_or(self.capacity, |rows| {
            self.capacity
                .min(rows.div_ceil(ROWS_STEP).max(1) * ROWS_STEP)
        });
        self.rows.clear();
        self.terms.clear();
        if let Some(codes) = &mut self.codes {
            codes.coded.clear();
        }
        let mut end = start;
        while end < rows.len() && self.rows.len() < room {
            if selected.is_none_or(|selected| selected[end]) {
                self.take(packed, rows, end);
            }
            end += 1;
        }
        self.masks.clear();
        self.masks.resize(self.rows.len(), 0);
        end
    }

    fn take(&mut self, packed: &Packed, rows: &Rows<'_>, index: usize) {
        let set = packed.set;
        let row = rows.slice(index..index + 1);
        let at = self.rows.len() * self.stride;
        let values = &mut self.values[at..at + rows.dimension()];
        decode::decode_f32(set, &row, values);
        let mut squares = [0.0];
        exact::sums(set, Sum::Squares, &row, &self.none, &mut squares, &mut []);
        if let Some(codes) = &mut self.codes {
            let at = self.rows.len() * codes.stride;
            let place = &mut codes.codes[at..at + values.len()];
            codes
                .coded
                .push(coarse::encode(set, values, squares[0], place));
        }
        self.rows.push(index);
        self.terms.push(packed.screen.term(squares[0]));
    }

    /// Sums the products of every row with a panel, and compares them with the panel's gates.
    pub(super) fn multiply(&mut self, packed: &Packed, panel: usize, gates: &Gates) {
        let (offsets, slopes) = gates.panel(panel);
        tile::run(
            packed.shape,
            Tiles {
                panel: packed.panel(panel),
                dimension: packed.dimension(),
                values: &self.values,
                stride: self.stride,
                terms: &self.terms,
                offsets,
                slopes,
                sums: &mut self.sums,
                masks: &mut self.masks,
            },
        );
    }

    /// Compares bounds of the sums of every row with a panel with the panel's gates; `false` where there are none.
    pub(super) fn multiply_codes(&mut self, packed: &Packed, panel: usize, gates: &Gates) -> bool {
        let (Some(panels), Some(codes)) = (&packed.coarse, &mut self.codes) else {
            return false;
        };
        if !panels.knows(panel) {
            return false;
        }
        let (offsets, slopes) = gates.panel(panel);
        coarse::run(
            packed.shape,
            coarse::Tiles {
                panel: panels.codes(panel),
                stretches: panels.stretches(),
                codes: &codes.codes,
                stride: codes.stride,
                coded: &codes.coded,
                terms: &self.terms,
                queries: panels.queries(panel),
                offsets,
                slopes,
                sums: &mut codes.sums,
                masks: &mut self.masks,
            },
        );
        true
    }

    /// For each row, a bit for each query of the last panel whose gate it passed.
    pub(super) fn masks(&self) -> &[u32] {
        &self.masks
    }

    /// The sum of products of a row with a query of the last panel that was multiplied.
    pub(super) fn sum(&self, shape: Shape, row: usize, lane: usize) -> f32 {
        self.sums[row * shape.lines + lane / LINE].0[lane % LINE]
    }

    /// A row, decoded.
    pub(super) fn values(&self, row: usize) -> &[f32] {
        &self.values[row * self.stride..][..self.dimension]
    }

    pub(super) fn term(&self, row: usize) -> f32 {
        self.terms[row]
    }

    /// Where a row was in what the block was filled from.
    pub(super) fn source(&self, row: usize) -> usize {
        self.rows[row]
    }

    /// Rows that were asked for.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.values.capacity() * size_of::<f32>()
            + self.none.memory_bytes()
            + self.rows.capacity() * size_of::<usize>()
            + self.terms.capacity() * size_of::<f32>()
            + self.sums.capacity() * size_of::<Line>()
            + self.masks.capacity() * size_of::<u32>()
            + self.codes.as_ref().map_or(0, Codes::memory_bytes)
    }
}
