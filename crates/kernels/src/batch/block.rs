//! Some rows, decoded for tiles.

use crate::Rows;
use crate::decode;
use crate::exact::{self, Padded, Sum};

use super::gates::Gates;
use super::queries::Packed;
use super::tile::{self, LINE, Line, Shape, Tiles};

/// Bytes of decoded rows that stay in the second-level cache (512 KiB where this was measured) while queries pass.
const BLOCK_BYTES: usize = 192 * 1024;

/// Rows of a block of long vectors, which does not fit there: with fewer, queries come from memory too often.
const BLOCK_ROWS_MIN: usize = 48;

/// Rows of a block of short vectors: more would only make gates older.
const BLOCK_ROWS_MAX: usize = 192;

/// Rows are counted in multiples of this, which is one of every shape's.
const ROWS_STEP: usize = 24;

const _: () =
    assert!(BLOCK_ROWS_MIN.is_multiple_of(ROWS_STEP) && BLOCK_ROWS_MAX.is_multiple_of(ROWS_STEP));

/// The rows of a block that are asked for, and room for their sums with one panel.
#[derive(Debug)]
pub(super) struct Block {
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
}

impl Block {
    pub(super) fn new(dimension: usize, shape: Shape) -> Block {
        // An odd number of cache lines, so that rows do not fall on the same sets of the cache.
        let stride = (dimension.div_ceil(LINE) | 1) * LINE;
        let rows = BLOCK_BYTES / (stride * size_of::<f32>());
        let capacity = rows.clamp(BLOCK_ROWS_MIN, BLOCK_ROWS_MAX) / ROWS_STEP * ROWS_STEP;
        Block {
            capacity,
            stride,
            values: vec![0.0; capacity * stride],
            none: Padded::new(std::iter::repeat_n(0.0, dimension)),
            rows: Vec::with_capacity(capacity),
            terms: Vec::with_capacity(capacity),
            sums: vec![Line::ZERO; capacity * shape.lines],
            masks: Vec::with_capacity(capacity),
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
        decode::decode_f32(set, &row, &mut self.values[at..at + rows.dimension()]);
        let mut squares = [0.0];
        exact::sums(set, Sum::Squares, &row, &self.none, &mut squares, &mut []);
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

    /// For each row, a bit for each query of the last panel whose gate it passed.
    pub(super) fn masks(&self) -> &[u32] {
        &self.masks
    }

    /// The sum of products of a row with a query of the last panel.
    pub(super) fn sum(&self, shape: Shape, row: usize, lane: usize) -> f32 {
        self.sums[row * shape.lines + lane / LINE].0[lane % LINE]
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
    }
}
