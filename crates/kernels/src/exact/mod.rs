//! The sums behind SQL answers: sixteen `f64` lanes, the same result to the last bit in every instruction set.
//!
//! Element `i` goes to lane `i % 16`; a product is rounded before it is added (no fused operations, which portable
//! code could match only at great cost); the lanes are folded upper half onto lower half until one is left. Lanes
//! start at +0, to which adding a padding term of 0 changes nothing, so a tail may be padded with zeros.

mod scalar;
mod vector;

use std::marker::PhantomData;

use crate::element::{Codes, Element, F16, F32, F64, I8, STEP, U8};
use crate::simd::{Simd, Task, run};
use crate::{Encoding, InstructionSet, Rows};

/// What is summed over the elements `x` of a row and `q` of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sum {
    /// `(x - q)²`
    L2Squared,
    /// `|x - q|`
    L1,
    /// `x q`
    Dot,
    /// `x²`, whatever the query
    Squares,
    /// `x q`, and `x²` beside it
    DotAndSquares,
}

/// The right-hand side of exact sums: `f64`, padded with zeros to whole steps.
#[derive(Debug, Clone)]
pub(crate) struct Padded {
    values: Vec<f64>,
    dimension: usize,
}

impl Padded {
    pub(crate) fn new(values: impl ExactSizeIterator<Item = f64>) -> Padded {
        let mut padded = Padded {
            values: Vec::new(),
            dimension: 0,
        };
        padded.fill(values);
        padded
    }

    /// Takes other values, keeping the memory.
    pub(crate) fn fill(&mut self, values: impl ExactSizeIterator<Item = f64>) {
        self.dimension = values.len();
        self.values.clear();
        self.values.extend(values);
        self.values
            .resize(self.dimension.next_multiple_of(STEP), 0.0);
    }

    pub(crate) fn values(&self) -> &[f64] {
        &self.values[..self.dimension]
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.values.capacity() * size_of::<f64>()
    }

    /// The sum of squares, as [`sums`] would give it for this vector as a row.
    pub(crate) fn squares(&self, set: InstructionSet) -> f64 {
        let mut out = [0.0];
        if let Ok(row) = Rows::from_f64(self.values(), self.dimension)
            && row.len() == 1
        {
            sums(set, Sum::Squares, &row, self, &mut out, &mut []);
        }
        out[0]
    }
}

/// Writes the sum over each row to `out`, and for [`Sum::DotAndSquares`] the sum of squares to `squares` (otherwise
/// left alone, and may be empty).
pub(crate) fn sums(
    set: InstructionSet,
    sum: Sum,
    rows: &Rows<'_>,
    query: &Padded,
    out: &mut [f64],
    squares: &mut [f64],
) {
    assert_eq!(rows.dimension(), query.dimension, "dimensions");
    assert_eq!(rows.len(), out.len(), "one sum for each row");
    match sum {
        Sum::L2Squared => by_encoding::<L2Squared>(set, rows, query, out, squares),
        Sum::L1 => by_encoding::<L1>(set, rows, query, out, squares),
        Sum::Dot => by_encoding::<Dot>(set, rows, query, out, squares),
        Sum::Squares => by_encoding::<Squares>(set, rows, query, out, squares),
        Sum::DotAndSquares => {
            assert_eq!(rows.len(), squares.len(), "one sum of squares for each row");
            by_encoding::<DotAndSquares>(set, rows, query, out, squares);
        }
    }
}

fn by_encoding<T: Term>(
    set: InstructionSet,
    rows: &Rows<'_>,
    query: &Padded,
    out: &mut [f64],
    squares: &mut [f64],
) {
    match rows.encoding() {
        Encoding::F64 => enter::<T, _>(set, F64, rows, query, out, squares),
        Encoding::F32 => enter::<T, _>(set, F32, rows, query, out, squares),
        Encoding::F16 => enter::<T, _>(set, F16, rows, query, out, squares),
        Encoding::I8 => enter::<T, _>(set, I8, rows, query, out, squares),
        Encoding::U8 => enter::<T, _>(set, U8, rows, query, out, squares),
        Encoding::Codes { scale, min } => {
            enter::<T, _>(set, Codes { scale, min }, rows, query, out, squares);
        }
        Encoding::Bits => unreachable!("no sums are asked of bits: see `Metric::takes`"),
    }
}

fn enter<T: Term, E: Element>(
    set: InstructionSet,
    element: E,
    rows: &Rows<'_>,
    query: &Padded,
    out: &mut [f64],
    squares: &mut [f64],
) {
    run(
        set,
        Sums::<T, E> {
            element,
            rows: *rows,
            query: &query.values,
            out,
            squares,
            term: PhantomData,
        },
    );
}

/// The task: `query` is padded to whole steps, `out` is as long as `rows`, and so is `squares` where the term has them.
struct Sums<'a, T, E> {
    element: E,
    rows: Rows<'a>,
    query: &'a [f64],
    out: &'a mut [f64],
    squares: &'a mut [f64],
    term: PhantomData<T>,
}

impl<T: Term, E: Element> Task for Sums<'_, T, E> {
    type Output = ();

    fn scalar(self) {
        scalar::sums(self);
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(self) {
        // SAFETY: the caller vouches for the instructions.
        unsafe { vector::sums::<S, T, E>(self) }
    }
}

/// One term of a [`Sum`], for one element and for a step of them.
trait Term {
    /// Whether the second sum is kept.
    const SQUARES: bool = false;

    fn scalar(x: f64, q: f64) -> f64;

    /// # Safety
    /// As [`Simd`].
    unsafe fn vector<S: Simd>(x: S::Wide, q: S::Wide) -> S::Wide;
}

struct L2Squared;
struct L1;
struct Dot;
struct Squares;
struct DotAndSquares;

impl Term for L2Squared {
    #[inline(always)]
    fn scalar(x: f64, q: f64) -> f64 {
        (x - q) * (x - q)
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(x: S::Wide, q: S::Wide) -> S::Wide {
        // SAFETY: the caller's promise, passed on.
        unsafe {
            let difference = S::wide_sub(x, q);
            S::wide_mul(difference, difference)
        }
    }
}

impl Term for L1 {
    #[inline(always)]
    fn scalar(x: f64, q: f64) -> f64 {
        (x - q).abs()
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(x: S::Wide, q: S::Wide) -> S::Wide {
        // SAFETY: the caller's promise, passed on.
        unsafe { S::wide_abs(S::wide_sub(x, q)) }
    }
}

impl Term for Dot {
    #[inline(always)]
    fn scalar(x: f64, q: f64) -> f64 {
        x * q
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(x: S::Wide, q: S::Wide) -> S::Wide {
        // SAFETY: the caller's promise, passed on.
        unsafe { S::wide_mul(x, q) }
    }
}

impl Term for Squares {
    #[inline(always)]
    fn scalar(x: f64, _: f64) -> f64 {
        x * x
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(x: S::Wide, _: S::Wide) -> S::Wide {
        // SAFETY: the caller's promise, passed on.
        unsafe { S::wide_mul(x, x) }
    }
}

impl Term for DotAndSquares {
    const SQUARES: bool = true;

    #[inline(always)]
    fn scalar(x: f64, q: f64) -> f64 {
        Dot::scalar(x, q)
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(x: S::Wide, q: S::Wide) -> S::Wide {
        // SAFETY: the caller's promise, passed on.
        unsafe { Dot::vector::<S>(x, q) }
    }
}
