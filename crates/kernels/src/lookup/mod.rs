//! Scans of packed codes by table look-up: sixteen values a table, a nibble of code a look-up, 64 rows at a time.
//!
//! A block of [`LOOKUP_ROWS`] rows, little-endian (`blocks` below is a whole number of them):
//!
//! ```text
//! scale    64 bf16   s
//! spread   64 bf16   r
//! norm     64 f32    n, where the shape has norms; n is 0 otherwise, and where the query does not want it
//! codes    for each column 64 bytes: of row i the tables 2c (low nibble) and 2c + 1 (high nibble)
//! ```
//!
//! A query gives each table sixteen numbers of 8 bits; the tables of four columns are a *segment* and share a weight.
//! With `S = Σ weight Σ table[nibble]`, an integer that every instruction set computes exactly,
//!
//! ```text
//! value    = S unit + base
//! estimate = n - s value
//! bound    = n - (s (value + error) + r factor)
//! ```
//!
//! in `f32`, each operation rounded, so that all sets agree to the last bit. What the numbers mean, and what rounding
//! must be allowed for, is the caller's business.
//!
//! ```text
//! for each two segments:
//!     for each nibble: v = shuffle(table, nibbles); all += v as u16; odd += v >> 8      (rows lie in bytes)
//!     even = all - (odd << 8)
//!     totals += products of both segments' (even, odd) with both weights                (rows widen to 32 bits)
//! ```

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;

#[cfg(test)]
mod tests;

use crate::{InstructionSet, active_instruction_set};

/// Rows of a block.
pub const LOOKUP_ROWS: usize = 64;

/// The most columns a row may have: 1,024 bits, whose sums fit in 32 bits.
pub const LOOKUP_COLUMNS_MAX: usize = 128;

/// Columns that share a weight.
pub const LOOKUP_SEGMENT: usize = 4;

/// The greatest weight.
pub const LOOKUP_WEIGHT_MAX: u16 = i16::MAX as u16;

const _: () = assert!(
    (LOOKUP_COLUMNS_MAX * 2 * 255) as u64 * LOOKUP_WEIGHT_MAX as u64 <= i32::MAX as u64,
    "sums fit in 32 bits"
);
const _: () = assert!(
    LOOKUP_SEGMENT * 2 * 255 <= i16::MAX as usize,
    "sums of a segment fit in 16 bits, signed"
);

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookupShape {
    /// Bytes of code a row has.
    pub columns: usize,
    /// Whether rows have a norm.
    pub norms: bool,
}

impl LookupShape {
    /// Bytes of a block.
    pub fn block_bytes(&self) -> usize {
        LOOKUP_ROWS * self.row_bytes()
    }

    /// Bytes of a row in a block.
    pub fn row_bytes(&self) -> usize {
        4 + if self.norms { 4 } else { 0 } + self.columns
    }

    fn codes_offset(&self) -> usize {
        LOOKUP_ROWS * if self.norms { 8 } else { 4 }
    }
}

/// The numbers of a query beside its tables.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LookupTerms {
    /// What a sum of 1 stands for.
    pub unit: f32,
    /// What a sum of 0 stands for.
    pub base: f32,
    /// What is added to a row's value in its bound.
    pub error: f32,
    /// What a row's spread is multiplied with in its bound.
    pub factor: f32,
    /// Whether norms, where the shape has them, are added; otherwise they are passed over.
    pub norms: bool,
}

/// A query, as tables.
#[derive(Debug, Clone)]
pub struct Lookup {
    set: InstructionSet,
    shape: LookupShape,
    terms: LookupTerms,
    /// Two for each column.
    tables: Vec<[u8; 16]>,
    /// One for each segment.
    weights: Vec<u16>,
}

impl Lookup {
    /// Takes the tables of a query: two for each column of `shape`, and a weight for each segment of
    /// [`LOOKUP_SEGMENT`] columns, the last of which may have fewer.
    ///
    /// # Panics
    /// When there are not as many, there are more than [`LOOKUP_COLUMNS_MAX`] columns, or a weight is greater than
    /// [`LOOKUP_WEIGHT_MAX`].
    pub fn new(
        shape: LookupShape,
        terms: LookupTerms,
        tables: Vec<[u8; 16]>,
        weights: Vec<u16>,
    ) -> Lookup {
        assert!(shape.columns <= LOOKUP_COLUMNS_MAX, "columns");
        assert_eq!(tables.len(), 2 * shape.columns, "tables");
        let segments = shape.columns.div_ceil(LOOKUP_SEGMENT);
        assert_eq!(weights.len(), segments, "weights");
        assert!(
            weights.iter().all(|weight| *weight <= LOOKUP_WEIGHT_MAX),
            "weights"
        );
        Lookup {
            set: active_instruction_set(),
            shape,
            terms,
            tables,
            weights,
        }
    }

    /// The same with another instruction set, for comparing them; portable code stands in for a set that the machine
    /// lacks. Results are the same to the last bit.
    pub fn with_instruction_set(mut self, set: InstructionSet) -> Lookup {
        self.set = set;
        self
    }

    /// The shape of blocks that this can scan.
    pub fn shape(&self) -> LookupShape {
        self.shape
    }

    /// Writes the estimate and the bound of each row of whole blocks.
    ///
    /// # Panics
    /// When `blocks` are not whole blocks, or `estimates` or `bounds` not as many as their rows.
    pub fn scan(&self, blocks: &[u8], estimates: &mut [f32], bounds: &mut [f32]) {
        let block_bytes = self.shape.block_bytes();
        assert!(blocks.len().is_multiple_of(block_bytes), "whole blocks");
        let rows = blocks.len() / block_bytes * LOOKUP_ROWS;
        assert_eq!(estimates.len(), rows, "estimates");
        assert_eq!(bounds.len(), rows, "bounds");
        let scan = Scan {
            shape: self.shape,
            terms: self.terms,
            tables: &self.tables,
            weights: &self.weights,
            blocks,
            estimates,
            bounds,
        };
        match self.set {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 if self.set.is_available() => {
                // SAFETY: `is_available` has just found every feature that `enter` enables; lengths were asserted above
                // and in `new`.
                unsafe { avx2::enter(scan) }
            }
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 if self.set.is_available() => {
                // SAFETY: as above.
                unsafe { avx512::enter(scan) }
            }
            #[cfg(target_arch = "aarch64")]
            InstructionSet::Neon if self.set.is_available() => {
                // SAFETY: as above.
                unsafe { neon::enter(scan) }
            }
            _ => scalar::enter(scan),
        }
    }
}

/// The work: whole `blocks` of `shape`, as many `estimates` and `bounds` as their rows, two tables a column, a weight
/// a segment.
struct Scan<'a> {
    shape: LookupShape,
    terms: LookupTerms,
    tables: &'a [[u8; 16]],
    weights: &'a [u16],
    blocks: &'a [u8],
    estimates: &'a mut [f32],
    bounds: &'a mut [f32],
}

/// Runs `sums` over each block and finishes its rows; compiled once for each set.
#[inline(always)]
fn scan_blocks(scan: Scan<'_>, mut sums: impl FnMut(&[u8], &mut [i32; LOOKUP_ROWS])) {
    let codes_offset = scan.shape.codes_offset();
    let blocks = scan.blocks.chunks_exact(scan.shape.block_bytes());
    let (estimates, _) = scan.estimates.as_chunks_mut::<LOOKUP_ROWS>();
    let (bounds, _) = scan.bounds.as_chunks_mut::<LOOKUP_ROWS>();
    let mut totals = [0; LOOKUP_ROWS];
    for ((block, estimates), bounds) in blocks.zip(estimates).zip(bounds) {
        let (header, codes) = block.split_at(codes_offset);
        sums(codes, &mut totals);
        finish(scan.terms, header, &totals, estimates, bounds);
    }
}

#[inline(always)]
fn finish(
    terms: LookupTerms,
    header: &[u8],
    totals: &[i32; LOOKUP_ROWS],
    estimates: &mut [f32; LOOKUP_ROWS],
    bounds: &mut [f32; LOOKUP_ROWS],
) {
    let Some((scales, rest)) = header.split_first_chunk::<{ 2 * LOOKUP_ROWS }>() else {
        return;
    };
    let Some((spreads, norms)) = rest.split_first_chunk::<{ 2 * LOOKUP_ROWS }>() else {
        return;
    };
    let (scales, _) = scales.as_chunks::<2>();
    let (spreads, _) = spreads.as_chunks::<2>();
    for row in 0..LOOKUP_ROWS {
        let scale = bf16(scales[row]);
        let spread = bf16(spreads[row]);
        let value = totals[row] as f32 * terms.unit + terms.base;
        estimates[row] = 0.0 - scale * value;
        bounds[row] = 0.0 - (scale * (value + terms.error) + spread * terms.factor);
    }
    if terms.norms
        && let Some(norms) = norms.first_chunk::<{ 4 * LOOKUP_ROWS }>()
    {
        let (norms, _) = norms.as_chunks::<4>();
        for row in 0..LOOKUP_ROWS {
            let norm = f32::from_le_bytes(norms[row]);
            // `n - x` and `n + (0 - x)` are the same number.
            estimates[row] += norm;
            bounds[row] += norm;
        }
    }
}

/// A number of the form that keeps the upper half of an `f32`.
#[inline(always)]
fn bf16(bytes: [u8; 2]) -> f32 {
    f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16)
}
