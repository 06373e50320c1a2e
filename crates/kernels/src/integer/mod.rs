//! Integer sums over one-byte elements: what a scan screens `I8`, `U8` and `Codes` rows with.
//!
//! A code `c` in 0..=255 is an element's byte XOR `flip`, which lets signed bytes be codes too. The query comes as `i16`
//! (how it is scaled, and what that loses, is the caller's business); the sums themselves are exact in every
//! instruction set.

mod scalar;
mod vector;

use crate::simd::{SHORT_LANES, Simd, Task, run};
use crate::{InstructionSet, Rows};

/// The right-hand side: padded with zeros to whole steps, and within each step the values at even places first, then
/// those at odd places, as [`Simd::short_load_codes`] gives the codes.
#[derive(Debug, Clone)]
pub(crate) struct Padded {
    values: Vec<i16>,
    dimension: usize,
}

/// The longest vector: its sums of squares, and those of [`Sum::L1`], stay within `i32`.
pub(crate) const DIMENSION_MAX: usize = 1 << 15;
const _: () = assert!(DIMENSION_MAX * 255 * 255 <= i32::MAX as usize);
const _: () = assert!(DIMENSION_MAX * (255 << L1_SHIFT) <= i32::MAX as usize);

/// What the magnitudes of a query may add up to: times 255, the largest code, it stays within `i32`, and so does
/// every partial sum of products.
pub(crate) const MAGNITUDE_SUM_MAX: u32 = i32::MAX.cast_unsigned() / 255;

/// The shift that gives [`Sum::L1`] a query finer than the codes.
pub(crate) const L1_SHIFT: u32 = 6;
const _: () = assert!(255 << L1_SHIFT <= i16::MAX as usize);

impl Padded {
    /// At most [`DIMENSION_MAX`] values, none of them `i16::MIN`. For products their magnitudes add up to at most
    /// [`MAGNITUDE_SUM_MAX`]; for [`Sum::L1`] they lie in `0..=255 << L1_SHIFT`. Otherwise sums wrap around.
    pub(crate) fn new(values: impl ExactSizeIterator<Item = i16>) -> Padded {
        let dimension = values.len();
        let mut padded = vec![0; dimension.next_multiple_of(SHORT_LANES)];
        for (index, value) in values.enumerate() {
            padded[place(index)] = value;
        }
        Padded {
            values: padded,
            dimension,
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.values.capacity() * size_of::<i16>()
    }
}

/// Where the value of element `index` stands in a [`Padded`].
fn place(index: usize) -> usize {
    let (step, within) = (index - index % SHORT_LANES, index % SHORT_LANES);
    step + within % 2 * (SHORT_LANES / 2) + within / 2
}

/// What is summed over the codes `c` of a row and the values `q` of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sum {
    /// `c q`
    Dot,
    /// `c q`, and `c²` beside it
    DotAndSquares,
    /// `c q`, and `c²` and `c` beside it
    DotSquaresAndTotal,
    /// `|(c << L1_SHIFT) - q|`
    L1,
}

/// Sums of one row; those that were not asked for are 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) sum: i32,
    pub(crate) squares: i32,
    pub(crate) total: i32,
}

/// Writes the sums over each row to `out`.
pub(crate) fn sums(
    set: InstructionSet,
    sum: Sum,
    rows: &Rows<'_>,
    flip: u8,
    query: &Padded,
    out: &mut [Totals],
) {
    assert_eq!(rows.encoding().width(), 1, "one-byte elements");
    assert_eq!(rows.dimension(), query.dimension, "dimensions");
    assert_eq!(rows.len(), out.len(), "sums for each row");
    let query = &query.values;
    match sum {
        Sum::Dot => run(set, Sums::<DOT>::new(rows, flip, query, out)),
        Sum::DotAndSquares => run(set, Sums::<SQUARES>::new(rows, flip, query, out)),
        Sum::DotSquaresAndTotal => run(set, Sums::<TOTAL>::new(rows, flip, query, out)),
        Sum::L1 => run(set, Sums::<L1>::new(rows, flip, query, out)),
    }
}

/// The values of [`Sum`] as constants that code can be generic over; the first three are cumulative.
const DOT: u8 = 0;
const SQUARES: u8 = 1;
const TOTAL: u8 = 2;
const L1: u8 = 3;

/// The task: `query` is padded to whole steps and `out` is as long as `rows`, whose elements are one byte.
struct Sums<'a, const SUM: u8> {
    rows: Rows<'a>,
    flip: u8,
    query: &'a [i16],
    out: &'a mut [Totals],
}

impl<'a, const SUM: u8> Sums<'a, SUM> {
    const SQUARES: bool = SUM == SQUARES || SUM == TOTAL;
    const TOTAL: bool = SUM == TOTAL;
    const L1: bool = SUM == L1;

    fn new(rows: &Rows<'a>, flip: u8, query: &'a [i16], out: &'a mut [Totals]) -> Self {
        Self {
            rows: *rows,
            flip,
            query,
            out,
        }
    }
}

impl<const SUM: u8> Task for Sums<'_, SUM> {
    type Output = ();

    fn scalar(self) {
        scalar::sums(self);
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(self) {
        // SAFETY: the caller vouches for the instructions.
        unsafe { vector::sums::<S, SUM>(self) }
    }
}
