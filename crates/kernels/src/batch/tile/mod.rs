//! Products of a block of rows with a panel of queries, and which of them pass the queries' gates.
//!
//! ```text
//! for each stretch of elements short enough that the panel's part of it stays in the first-level cache:
//!     for each few rows:                                              (one tile: all its sums in registers)
//!         for each element: sums[row][query] += row[element] * panel[element][query]
//! for each row: mask[row] = the queries for which not (sums < offset[query] + slope[query] * term[row])
//! ```
//!
//! A row's element is one number, spread over a register; a query has a lane. So rows are read as they lie, and only
//! the queries, which are the same for every block, were ever rearranged.

mod scalar;

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;

#[cfg(test)]
mod tests;

use crate::InstructionSet;

/// Queries whose numbers lie side by side.
pub(super) const LINE: usize = 16;

/// One number for each of [`LINE`] queries: a cache line, so that no load crosses two.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [f32; LINE]);

impl Line {
    pub(super) const ZERO: Line = Line([0.0; LINE]);
}

/// The bytes of a panel that a stretch of elements may take: half of a first-level cache of 32 KiB, which leaves room
/// for the rows and the sums.
const STRETCH_BYTES: usize = 16 * 1024;

/// Elements taken between two looks at the end of a stretch.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const UNROLLED: usize = 4;

/// What an instruction set works on at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    set: InstructionSet,
    /// Rows of a tile; room for rows is given in multiples of this.
    pub(super) rows: usize,
    /// Lines of a panel.
    pub(super) lines: usize,
}

impl Shape {
    /// The shape for a set, or for portable code where the machine lacks the set.
    pub(super) fn new(set: InstructionSet) -> Shape {
        let (rows, lines) = match set {
            _ if !set.is_available() => (scalar::ROWS, scalar::LINES),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => (avx2::ROWS, avx2::LINES),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => (avx512::ROWS, avx512::LINES),
            #[cfg(target_arch = "aarch64")]
            InstructionSet::Neon => (neon::ROWS, neon::LINES),
            _ => (scalar::ROWS, scalar::LINES),
        };
        Shape { set, rows, lines }
    }

    /// The instructions, which the machine may lack.
    pub(super) fn set(self) -> InstructionSet {
        self.set
    }

    /// Queries of a panel: at most 32, the bits of a mask.
    pub(super) fn queries(self) -> usize {
        self.lines * LINE
    }

    /// Elements summed before the sum is added to those of earlier stretches, which keeps rounding errors small as well.
    pub(super) fn stretch(self, dimension: usize) -> usize {
        let most = STRETCH_BYTES / (self.lines * size_of::<Line>());
        dimension.div_ceil(dimension.div_ceil(most).max(1)).max(1)
    }

    /// The most roundings that a sum of products over `dimension` elements passes, as `approximate::relative_error`
    /// counts dimensions.
    pub(super) fn roundings(self, dimension: usize) -> usize {
        let stretch = self.stretch(dimension);
        stretch + dimension.div_ceil(stretch)
    }
}

/// The work. Lengths, with `rows` the length of `terms`: `panel` `dimension` times the shape's lines; `values` at least
/// `stride` times `rows` rounded up to the shape's rows, `sums` that many times its lines; `offsets` and `slopes` its
/// lines; `masks` `rows`.
pub(super) struct Tiles<'a> {
    /// For each element, the queries' numbers.
    pub(super) panel: &'a [Line],
    pub(super) dimension: usize,
    /// The rows, one every `stride` numbers.
    pub(super) values: &'a [f32],
    pub(super) stride: usize,
    /// For each row, what slopes are multiplied with.
    pub(super) terms: &'a [f32],
    /// For each query, its gate.
    pub(super) offsets: &'a [Line],
    pub(super) slopes: &'a [Line],
    /// For each row, the queries' sums.
    pub(super) sums: &'a mut [Line],
    /// For each row, a bit for each query whose gate it passes. A NaN on either side passes.
    pub(super) masks: &'a mut [u32],
}

/// Does the work with the instructions of the shape.
pub(super) fn run(shape: Shape, tiles: Tiles<'_>) {
    let rows = tiles.terms.len();
    let padded = rows.next_multiple_of(shape.rows);
    // What the unchecked loads and stores of the vector form rely on.
    assert!(tiles.stride >= tiles.dimension, "stride");
    assert!(
        tiles.values.len() >= padded.saturating_mul(tiles.stride),
        "values"
    );
    assert!(
        tiles.panel.len() >= tiles.dimension.saturating_mul(shape.lines),
        "panel"
    );
    assert!(tiles.sums.len() >= padded * shape.lines, "sums");
    assert!(tiles.offsets.len() >= shape.lines, "offsets");
    assert!(tiles.slopes.len() >= shape.lines, "slopes");
    assert_eq!(tiles.masks.len(), rows, "masks");
    let stretch = shape.stretch(tiles.dimension);
    match shape.set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 if shape.set.is_available() => {
            // SAFETY: `is_available` has just found every feature that `enter` enables; lengths were asserted above.
            unsafe { avx2::enter(tiles, stretch) }
        }
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 if shape.set.is_available() => {
            // SAFETY: `is_available` has just found every feature that `enter` enables; lengths were asserted above.
            unsafe { avx512::enter(tiles, stretch) }
        }
        #[cfg(target_arch = "aarch64")]
        InstructionSet::Neon if shape.set.is_available() => {
            // SAFETY: `is_available` has just found every feature that `enter` enables; lengths were asserted above.
            unsafe { neon::enter(tiles, stretch) }
        }
        _ => scalar::tiles(tiles, stretch),
    }
}

/// The few operations that tiles need, over the lanes of a [`Line`].
///
/// # Safety
/// Every function requires that the processor has the set's instructions. Pointers are valid for [`LINE`] numbers and
/// need no alignment.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) trait Lanes {
    type Lanes: Copy;

    unsafe fn zero() -> Self::Lanes;
    unsafe fn splat(value: f32) -> Self::Lanes;
    unsafe fn load(from: *const f32) -> Self::Lanes;
    unsafe fn store(a: Self::Lanes, to: *mut f32);
    unsafe fn add(a: Self::Lanes, b: Self::Lanes) -> Self::Lanes;
    /// `a * b + c`, rounded once.
    unsafe fn mul_add(a: Self::Lanes, b: Self::Lanes, c: Self::Lanes) -> Self::Lanes;
    /// A bit for each lane: `not (a < b)`, which a NaN makes true.
    unsafe fn not_less(a: Self::Lanes, b: Self::Lanes) -> u32;
}

/// The vector form, for a shape of `ROWS` and `LINES`.
///
/// # Safety
/// The processor has the instructions of `L`, and the lengths are those that [`run`] asserts.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline(always)]
unsafe fn tiles<L: Lanes, const ROWS: usize, const LINES: usize>(tiles: Tiles<'_>, stretch: usize) {
    let rows = tiles.terms.len();
    let panel: *const f32 = tiles.panel.as_ptr().cast();
    let values = tiles.values.as_ptr();
    let sums: *mut f32 = tiles.sums.as_mut_ptr().cast();
    for from in (0..tiles.dimension).step_by(stretch) {
        let elements = stretch.min(tiles.dimension - from);
        for row in (0..rows).step_by(ROWS) {
            // SAFETY: the lengths asserted by `run` cover `ROWS` rows from `row` on, and `elements` elements from
            // `from` on; a `Line` is `LINE` numbers without padding; the caller vouches for the instructions.
            unsafe {
                tile::<L, ROWS, LINES>(
                    panel.add(from * LINES * LINE),
                    elements,
                    values.add(row * tiles.stride + from),
                    tiles.stride,
                    sums.add(row * LINES * LINE),
                    from > 0,
                );
            }
        }
    }
    for (row, (term, mask)) in tiles.terms.iter().zip(tiles.masks).enumerate() {
        *mask = 0;
        for line in 0..LINES {
            // SAFETY: as above: `LINES` lines for each row and of gates.
            unsafe {
                let sum = L::load(sums.add((row * LINES + line) * LINE));
                let slope = L::load(tiles.slopes.as_ptr().add(line).cast());
                let offset = L::load(tiles.offsets.as_ptr().add(line).cast());
                let gate = L::mul_add(L::splat(*term), slope, offset);
                *mask |= L::not_less(sum, gate) << (line * LINE);
            }
        }
    }
}

/// One tile: the sums over one stretch.
///
/// # Safety
/// As [`tiles`]: `panel` is valid for reads of `elements * LINES` lines, `values` for `elements` numbers at each of
/// `ROWS` strides, `sums` for reads and writes of `ROWS * LINES` lines.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline(always)]
unsafe fn tile<L: Lanes, const ROWS: usize, const LINES: usize>(
    panel: *const f32,
    elements: usize,
    values: *const f32,
    stride: usize,
    sums: *mut f32,
    add: bool,
) {
    // SAFETY: the caller's promises, passed on.
    unsafe {
        let mut totals = [[L::zero(); LINES]; ROWS];
        let mut at = 0;
        while at + UNROLLED <= elements {
            for at in at..at + UNROLLED {
                step::<L, ROWS, LINES>(panel, values, stride, at, &mut totals);
            }
            at += UNROLLED;
        }
        for at in at..elements {
            step::<L, ROWS, LINES>(panel, values, stride, at, &mut totals);
        }
        for (row, totals) in totals.into_iter().enumerate() {
            for (line, total) in totals.into_iter().enumerate() {
                let to = sums.add((row * LINES + line) * LINE);
                let total = if add {
                    L::add(L::load(to), total)
                } else {
                    total
                };
                L::store(total, to);
            }
        }
    }
}

/// Adds the products of one element, read as in [`tile`].
///
/// # Safety
/// As [`tile`], with `at` below its `elements`.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline(always)]
unsafe fn step<L: Lanes, const ROWS: usize, const LINES: usize>(
    panel: *const f32,
    values: *const f32,
    stride: usize,
    at: usize,
    totals: &mut [[L::Lanes; LINES]; ROWS],
) {
    // SAFETY: the caller's promises, passed on.
    unsafe {
        let mut queries = [L::zero(); LINES];
        for (line, lanes) in queries.iter_mut().enumerate() {
            *lanes = L::load(panel.add((at * LINES + line) * LINE));
        }
        for (row, totals) in totals.iter_mut().enumerate() {
            let x = L::splat(*values.add(row * stride + at));
            for (total, query) in totals.iter_mut().zip(queries) {
                *total = L::mul_add(x, query, *total);
            }
        }
    }
}
