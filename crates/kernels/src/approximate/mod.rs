//! Single-precision sums: what a scan screens `f32` and `f16` rows with, and the single-pair functions that want speed
//! rather than the SQL answer.
//!
//! The order of additions differs between instruction sets, so results agree only within the error bound that
//! [`relative_error`] states.

mod scalar;
mod vector;

use std::marker::PhantomData;

use crate::element::{Element, F16, F32, STEP};
use crate::simd::{Simd, Task, run};
use crate::{Encoding, InstructionSet, Rows, active_instruction_set};

/// The sums of one block; see [`Sum`](crate::exact::Sum) for what each adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sum {
    L2Squared,
    L1,
    DotAndSquares,
}

/// The longest vector whose error bound is proven (below, `n u` must stay well under 1).
pub(crate) const DIMENSION_MAX: usize = 1 << 20;

/// Half a unit in the last place of `f32`: what one rounding may lose, relative to its result.
const UNIT_ROUNDOFF: f64 = 1.0 / (1 << 24) as f64;

/// A bound on the error of a sum over `dimension` elements, relative to the sum of its terms' magnitudes, as long as
/// nothing overflows; [`absolute_error`] comes on top.
///
/// A term passes at most `dimension / 16 + 1` additions in its lane (portable code has sixteen lanes as well), at most
/// `min(dimension, 16)` that are not additions of zero when the lanes are folded, and 3 roundings before them (the
/// difference, once more for its square, the product). `n` roundings lose at most `n u / (1 - n u)`. This claims
/// `dimension + 16`, which is always more, and also covers what the exact sum's own `f64` roundings lose.
pub(crate) fn relative_error(dimension: usize) -> f64 {
    (dimension as f64 + 16.0) * UNIT_ROUNDOFF
}

/// What underflow may add to the error of a sum: each rounding to a subnormal loses at most 2^-150.
pub(crate) fn absolute_error(dimension: usize) -> f64 {
    (dimension as f64 + 16.0) * f64::from(f32::MIN_POSITIVE)
}

/// The right-hand side of single-precision sums, padded with zeros to whole steps.
#[derive(Debug, Clone)]
pub(crate) struct Padded {
    values: Vec<f32>,
    dimension: usize,
}

impl Padded {
    pub(crate) fn new(values: impl ExactSizeIterator<Item = f32>) -> Padded {
        let dimension = values.len();
        let mut values: Vec<f32> = values.collect();
        values.resize(dimension.next_multiple_of(STEP), 0.0);
        Padded { values, dimension }
    }

    pub(crate) fn values(&self) -> &[f32] {
        &self.values[..self.dimension]
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.values.capacity() * size_of::<f32>()
    }
}

/// Writes the sum over each row to `out`, and for [`Sum::DotAndSquares`] the sum of squares to `squares` (otherwise
/// left alone, and may be empty). Says whether it did: only `F32` and `F16` rows have single-precision sums.
pub(crate) fn sums(
    set: InstructionSet,
    sum: Sum,
    rows: &Rows<'_>,
    query: &Padded,
    out: &mut [f32],
    squares: &mut [f32],
) -> bool {
    assert_eq!(rows.dimension(), query.dimension, "dimensions");
    assert_eq!(rows.len(), out.len(), "one sum for each row");
    match sum {
        Sum::L2Squared => by_encoding::<L2Squared>(set, rows, query, out, squares),
        Sum::L1 => by_encoding::<L1>(set, rows, query, out, squares),
        Sum::DotAndSquares => {
            assert_eq!(rows.len(), squares.len(), "one sum of squares for each row");
            by_encoding::<DotAndSquares>(set, rows, query, out, squares)
        }
    }
}

fn by_encoding<T: Term>(
    set: InstructionSet,
    rows: &Rows<'_>,
    query: &Padded,
    out: &mut [f32],
    squares: &mut [f32],
) -> bool {
    match rows.encoding() {
        Encoding::F32 => enter::<T, _>(set, F32, rows, &query.values, out, squares),
        Encoding::F16 => enter::<T, _>(set, F16, rows, &query.values, out, squares),
        Encoding::F64 | Encoding::I8 | Encoding::U8 | Encoding::Codes { .. } | Encoding::Bits => {
            return false;
        }
    }
    true
}

fn enter<T: Term, E: Element>(
    set: InstructionSet,
    element: E,
    rows: &Rows<'_>,
    query: &[f32],
    out: &mut [f32],
    squares: &mut [f32],
) {
    run(
        set,
        Sums::<T, E> {
            element,
            rows: *rows,
            query,
            out,
            squares,
            term: PhantomData,
        },
    );
}

/// The squared Euclidean distance of two vectors of the same length, summed in single precision.
///
/// # Panics
/// When the lengths differ.
pub fn l2_squared_f32(a: &[f32], b: &[f32]) -> f32 {
    single::<L2Squared>(a, b)
}

/// The sum of absolute differences of two vectors of the same length, in single precision.
///
/// # Panics
/// When the lengths differ.
pub fn l1_f32(a: &[f32], b: &[f32]) -> f32 {
    single::<L1>(a, b)
}

/// The inner product of two vectors of the same length, summed in single precision.
///
/// # Panics
/// When the lengths differ.
pub fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    single::<Dot>(a, b)
}

fn single<T: Term>(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "vectors of the same length");
    let mut out = [0.0];
    if let Ok(row) = Rows::from_f32(a, a.len())
        && row.len() == 1
    {
        enter::<T, _>(active_instruction_set(), F32, &row, b, &mut out, &mut []);
    }
    out[0]
}

/// The task: `query` has at least the rows' dimension, `out` is as long as `rows`, and so is `squares` where the term
/// has them.
struct Sums<'a, T, E> {
    element: E,
    rows: Rows<'a>,
    query: &'a [f32],
    out: &'a mut [f32],
    squares: &'a mut [f32],
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

/// One term of a [`Sum`], added to what has been summed so far.
trait Term {
    /// Whether the second sum is kept.
    const SQUARES: bool = false;

    fn scalar(sum: f32, x: f32, q: f32) -> f32;

    /// # Safety
    /// As [`Simd`].
    unsafe fn vector<S: Simd>(sum: S::Narrow, x: S::Narrow, q: S::Narrow) -> S::Narrow;
}

struct L2Squared;
struct L1;
struct Dot;
struct DotAndSquares;

impl Term for L2Squared {
    #[inline(always)]
    fn scalar(sum: f32, x: f32, q: f32) -> f32 {
        sum + (x - q) * (x - q)
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(sum: S::Narrow, x: S::Narrow, q: S::Narrow) -> S::Narrow {
        // SAFETY: the caller's promise, passed on.
        unsafe {
            let difference = S::narrow_sub(x, q);
            S::narrow_mul_add(difference, difference, sum)
        }
    }
}

impl Term for L1 {
    #[inline(always)]
    fn scalar(sum: f32, x: f32, q: f32) -> f32 {
        sum + (x - q).abs()
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(sum: S::Narrow, x: S::Narrow, q: S::Narrow) -> S::Narrow {
        // SAFETY: the caller's promise, passed on.
        unsafe { S::narrow_add(sum, S::narrow_abs(S::narrow_sub(x, q))) }
    }
}

impl Term for Dot {
    #[inline(always)]
    fn scalar(sum: f32, x: f32, q: f32) -> f32 {
        sum + x * q
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(sum: S::Narrow, x: S::Narrow, q: S::Narrow) -> S::Narrow {
        // SAFETY: the caller's promise, passed on.
        unsafe { S::narrow_mul_add(x, q, sum) }
    }
}

impl Term for DotAndSquares {
    const SQUARES: bool = true;

    #[inline(always)]
    fn scalar(sum: f32, x: f32, q: f32) -> f32 {
        Dot::scalar(sum, x, q)
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(sum: S::Narrow, x: S::Narrow, q: S::Narrow) -> S::Narrow {
        // SAFETY: the caller's promise, passed on.
        unsafe { Dot::vector::<S>(sum, x, q) }
    }
}
