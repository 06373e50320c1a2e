//! Integer sums over one-byte elements: what a scan screens `I8`, `U8` and `Codes` rows with.
//!
//! An element is first centred: its byte XOR `flip`, read as `i8`, gives `c` in -128..=127. The query comes as `i16`
//! (how it is scaled, and what that loses, is the caller's business); the sums themselves are exact in every
//! instruction set.

mod scalar;
mod vector;

use crate::element::STEP;
use crate::simd::{SHORT_LANES, Simd, Task, run};
use crate::{InstructionSet, Rows};

/// The right-hand side, padded with zeros to whole steps.
#[derive(Debug, Clone)]
pub(crate) struct Padded {
    values: Vec<i16>,
    dimension: usize,
}

/// The shift that gives [`Sum::L1`] a query finer than the codes: both sides stay within ±2^13, their difference
/// within `i16`.
pub(crate) const L1_SHIFT: u32 = 6;

impl Padded {
    /// No value may be `i16::MIN`; for [`Sum::L1`] none may exceed `±128 << L1_SHIFT`.
    pub(crate) fn new(values: impl ExactSizeIterator<Item = i16>) -> Padded {
        let dimension = values.len();
        let mut values: Vec<i16> = values.collect();
        values.resize(dimension.next_multiple_of(SHORT_LANES), 0);
        Padded { values, dimension }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.values.capacity() * size_of::<i16>()
    }
}

/// What is summed over the centred elements `c` of a row and `q` of the query.
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
    pub(crate) sum: i64,
    pub(crate) squares: i64,
    pub(crate) total: i64,
}

/// Elements after which `i32` lanes are emptied into `i64`. A lane takes two products of at most 2^7 * 2^15 from each
/// 32 elements: after this many they come to at most 2^30.
const EMPTY_EVERY: usize = 4096;
const _: () = assert!(EMPTY_EVERY.is_multiple_of(SHORT_LANES));
const _: () = assert!(EMPTY_EVERY / SHORT_LANES * 2 * (1 << 22) <= 1 << 30);
const _: () = assert!(SHORT_LANES == 2 * STEP);

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
