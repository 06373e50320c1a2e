//! A first look at the pairs of a block and a panel: products of six-bit codes, summed by integer instructions at
//! several times the speed of single precision. What it leaves in doubt is summed in single precision.
//!
//! A vector `v` is taken for `s c`, with `c` whole numbers in -31..=31 and `s` a 31st of its greatest magnitude; what is
//! lost, `v - s c`, has the length `ρ`, which is measured. For a row `x` (`s c`, `ρ`) and a query `q` (`t Q`, `σ`):
//!
//! ```text
//! x·q = s t Σ c Q + (x - s c)·t Q + x·(q - t Q)  <=  s t Σ c Q + ρ |t Q| + |x| σ
//! ```
//!
//! A pair whose bound is below the gate of its query and row (see `screen`) is out. Codes of rows are stored plus 32, as
//! the instructions multiply unsigned with signed numbers: `Σ c Q = Σ (c + 32) Q - 32 Σ Q`.
//!
//! ```text
//! for each few rows:                                              (one tile)
//!     for each 32 elements:                                       (as many as 16-bit sums can hold)
//!         for each 4 elements: sums16[row][query][pair] += codes[row] * panel[query]
//!         sums[row][query] += both pairs
//! for each row: mask[row] = the queries for which not (bound < gate)
//! ```

mod panels;
mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

#[cfg(test)]
mod tests;

use super::tile::{LINE, Line, Shape};
use crate::InstructionSet;

pub(super) use panels::Panels;

/// The greatest code.
const CODE_MAX: i32 = 31;

/// What is added to codes of rows.
const ROW_BIAS: i32 = 32;

/// Elements whose codes lie side by side, as one number of 32 bits.
const FOUR: usize = 4;

/// Elements whose products a sum of 16 bits can hold: each of its 8 steps adds two of at most 63 * 31.
pub(super) const STRETCH: usize = 32;

const _: () = assert!(
    (STRETCH / FOUR) as i32 * 2 * (ROW_BIAS + CODE_MAX) * CODE_MAX <= i16::MAX as i32,
    "sums of a stretch fit in 16 bits"
);

/// Shorter vectors cost more to look at twice than products of single precision cost.
const DIMENSION_MIN: usize = 32;

/// Relative to the lengths involved: sixteen times what a rounding to single precision loses, where a bound passes fewer
/// than eight.
const SLACK: f64 = 1.0 / (1 << 20) as f64;

/// Lengths between which no product here overflows or loses anything to underflow beside [`SLACK`]; and zero.
const LENGTH_MIN: f64 = 1.0 / (1_u64 << 40) as f64;
const LENGTH_MAX: f64 = (1_u64 << 60) as f64;

/// Four codes of each query of a [`Line`]: a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct CodeLine(pub(super) [i8; FOUR * LINE]);

/// A sum for each query of a [`Line`].
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct SumLine(pub(super) [i32; LINE]);

impl SumLine {
    pub(super) const ZERO: SumLine = SumLine([0; LINE]);
}

/// What is known about a vector beside its codes. Bounds are rounded up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Coded {
    /// What a code of 1 stands for.
    pub(super) scale: f32,
    /// At least the length of what codes lose; infinite where nothing is claimed.
    pub(super) lost: f32,
    /// At least the vector's length.
    pub(super) length: f32,
}

/// Writes the codes of a vector of this sum of squares, plus [`ROW_BIAS`], as many as it has elements.
pub(super) fn encode(set: InstructionSet, vector: &[f32], squares: f64, codes: &mut [u8]) -> Coded {
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 | InstructionSet::Avx512 if set.is_available() => {
            // SAFETY: both sets have the instructions of AVX2, and `is_available` has just found them.
            unsafe { avx2::encode(vector, squares, codes) }
        }
        _ => scalar::encode(vector, squares, codes),
    }
}

/// The work. Lengths, with `rows` the length of `terms`: `panel` the shape's lines for every four elements of whole
/// stretches; `codes` `stride` times `rows` rounded up to the shape's rows, `sums` that many times its lines; `coded`
/// and `masks` `rows`; the rest its lines.
pub(super) struct Tiles<'a> {
    /// For every four elements, the queries' codes.
    pub(super) panel: &'a [CodeLine],
    /// Of 32 elements; a vector's last one may be filled up with codes of zero.
    pub(super) stretches: usize,
    /// The rows' codes plus [`ROW_BIAS`], a row every `stride` bytes.
    pub(super) codes: &'a [u8],
    pub(super) stride: usize,
    pub(super) coded: &'a [Coded],
    /// For each row, what slopes are multiplied with.
    pub(super) terms: &'a [f32],
    pub(super) queries: PanelQueries<'a>,
    /// For each query, its gate.
    pub(super) offsets: &'a [Line],
    pub(super) slopes: &'a [Line],
    /// For each row, the queries' sums of products of codes.
    pub(super) sums: &'a mut [SumLine],
    /// For each row, a bit for each query whose gate it may pass. A NaN on either side passes.
    pub(super) masks: &'a mut [u32],
}

/// What is known about the queries of a panel: [`Coded`], with what sums start with and the length of `t Q`.
#[derive(Debug, Clone, Copy)]
pub(super) struct PanelQueries<'a> {
    pub(super) starts: &'a [SumLine],
    pub(super) scales: &'a [Line],
    pub(super) lost: &'a [Line],
    pub(super) coded_lengths: &'a [Line],
}

/// Does the work with the instructions of the shape.
pub(super) fn run(shape: Shape, tiles: Tiles<'_>) {
    let rows = tiles.terms.len();
    let padded = rows.next_multiple_of(shape.rows);
    // What the unchecked loads and stores of the vector form rely on.
    let bytes = tiles.stretches.saturating_mul(STRETCH);
    assert!(tiles.stride >= bytes, "stride");
    assert!(
        tiles.codes.len() >= padded.saturating_mul(tiles.stride),
        "codes"
    );
    assert!(
        tiles.panel.len() >= (bytes / FOUR).saturating_mul(shape.lines),
        "panel"
    );
    assert!(tiles.sums.len() >= padded * shape.lines, "sums");
    let PanelQueries {
        starts,
        scales,
        lost,
        coded_lengths,
    } = tiles.queries;
    assert!(starts.len() >= shape.lines, "starts");
    for lines in [scales, lost, coded_lengths, tiles.offsets, tiles.slopes] {
        assert!(lines.len() >= shape.lines, "lines");
    }
    assert_eq!(tiles.coded.len(), rows, "rows");
    assert_eq!(tiles.masks.len(), rows, "masks");
    match shape.set() {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 if shape.set().is_available() => {
            // SAFETY: `is_available` has just found every feature that `enter` enables; lengths were asserted above.
            unsafe { avx2::enter(tiles) }
        }
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 if shape.set().is_available() => {
            // SAFETY: `is_available` has just found every feature that `enter` enables; lengths were asserted above.
            unsafe { avx512::enter(tiles) }
        }
        _ => scalar::tiles(tiles, shape.lines),
    }
}

/// The operations that tiles of codes need, over the [`LINE`] queries of a line.
///
/// # Safety
/// Every function requires that the processor has the set's instructions. Pointers are valid for a whole line and need
/// no alignment, but for `splat`'s, which is valid for four bytes.
#[cfg(target_arch = "x86_64")]
trait CodeLanes: super::tile::Lanes {
    /// 64 bytes, 32 numbers of 16 bits or 16 of 32.
    type Codes: Copy;

    /// Four codes, for every query.
    unsafe fn splat_codes(from: *const u8) -> Self::Codes;
    unsafe fn load_codes(from: *const i8) -> Self::Codes;
    unsafe fn zero_sums() -> Self::Codes;
    /// Adds to sums of 16 bits the products of unsigned codes with signed ones, two products to each.
    unsafe fn add_products(
        sums: Self::Codes,
        unsigned: Self::Codes,
        signed: Self::Codes,
    ) -> Self::Codes;
    /// Adds the two sums of 16 bits that each query has to 32-bit sums `before`, and stores them.
    unsafe fn store_sums(sums: Self::Codes, before: *const i32, to: *mut i32);
    /// Sums as numbers.
    unsafe fn load_sums(from: *const i32) -> Self::Lanes;
}

/// The vector form, for a shape of `ROWS` and `LINES`.
///
/// # Safety
/// The processor has the instructions of `L`, and the lengths are those that [`run`] asserts.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn tiles<L: CodeLanes, const ROWS: usize, const LINES: usize>(tiles: Tiles<'_>) {
    let panel: *const i8 = tiles.panel.as_ptr().cast();
    let starts: *const i32 = tiles.queries.starts.as_ptr().cast();
    let sums: *mut i32 = tiles.sums.as_mut_ptr().cast();
    for row in (0..tiles.terms.len()).step_by(ROWS) {
        // SAFETY: the lengths asserted by `run` cover `ROWS` rows from `row` on and a panel of as many stretches; the
        // lines are arrays of numbers without padding; the caller vouches for the instructions.
        unsafe {
            tile::<L, ROWS, LINES>(
                panel,
                tiles.stretches,
                tiles.codes.as_ptr().add(row * tiles.stride),
                tiles.stride,
                starts,
                sums.add(row * LINES * LINE),
            );
        }
    }
    let PanelQueries {
        scales,
        lost,
        coded_lengths,
        ..
    } = tiles.queries;
    let rows = tiles.terms.iter().zip(tiles.coded).zip(tiles.masks);
    for (row, ((term, coded), mask)) in rows.enumerate() {
        *mask = 0;
        for line in 0..LINES {
            // SAFETY: as above: `LINES` lines for each row and of what there is for queries.
            unsafe {
                let of = |lines: &[Line]| L::load(lines.as_ptr().add(line).cast());
                let sum = L::load_sums(sums.add((row * LINES + line) * LINE));
                let lost = L::mul_add(L::splat(coded.length), of(lost), L::zero());
                let lost = L::mul_add(L::splat(coded.lost), of(coded_lengths), lost);
                let sum = L::mul_add(sum, of(scales), L::zero());
                let bound = L::mul_add(sum, L::splat(coded.scale), lost);
                let gate = L::mul_add(L::splat(*term), of(tiles.slopes), of(tiles.offsets));
                *mask |= L::not_less(bound, gate) << (line * LINE);
            }
        }
    }
}

/// One tile: the sums over all stretches.
///
/// # Safety
/// As [`tiles`]: `panel` is valid for reads of `stretches` times 8 times `LINES` lines of codes, `codes` for as many
/// bytes of codes at each of `ROWS` strides, `starts` for `LINES` lines, `sums` for reads and writes of `ROWS * LINES`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn tile<L: CodeLanes, const ROWS: usize, const LINES: usize>(
    panel: *const i8,
    stretches: usize,
    codes: *const u8,
    stride: usize,
    starts: *const i32,
    sums: *mut i32,
) {
    for stretch in 0..stretches {
        // SAFETY: the caller's promises, passed on.
        unsafe {
            let panel = panel.add(stretch * STRETCH * LINES * LINE);
            let codes = codes.add(stretch * STRETCH);
            let mut totals = [[L::zero_sums(); LINES]; ROWS];
            for four in 0..STRETCH / FOUR {
                let queries: [L::Codes; LINES] = std::array::from_fn(|line| {
                    L::load_codes(panel.add((four * LINES + line) * FOUR * LINE))
                });
                for (row, totals) in totals.iter_mut().enumerate() {
                    let x = L::splat_codes(codes.add(row * stride + four * FOUR));
                    for (total, query) in totals.iter_mut().zip(queries) {
                        *total = L::add_products(*total, x, query);
                    }
                }
            }
            for (row, totals) in totals.into_iter().enumerate() {
                for (line, total) in totals.into_iter().enumerate() {
                    let to = sums.add((row * LINES + line) * LINE);
                    let before = if stretch == 0 {
                        starts.add(line * LINE)
                    } else {
                        to.cast_const()
                    };
                    L::store_sums(total, before, to);
                }
            }
        }
    }
}

/// The least `f32` that is not below; infinities and what is no number stay.
fn up(value: f64) -> f32 {
    let near = value as f32;
    if f64::from(near) < value {
        near.next_up()
    } else {
        near
    }
}
