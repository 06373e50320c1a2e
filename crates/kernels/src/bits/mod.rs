//! Counts of bits: exact in every instruction set, so that a row's answer needs no screen.

mod scalar;
mod vector;

use crate::simd::{Simd, Task, run};
use crate::{Encoding, InstructionSet, Rows};

/// What is made of the bits `x` of a row and `q` of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// `|x ^ q|`
    Hamming,
    /// `1 - |x & q| / |x | q|`, and 1 where the numerator is 0
    Jaccard,
}

/// The elements of some bytes, the lowest bit first.
pub(crate) fn elements(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1))
}

/// Elements eight to a byte, the lowest bit first; a last byte that is not full ends in zeros.
pub(crate) fn pack(elements: impl ExactSizeIterator<Item = bool>) -> Vec<u8> {
    let mut bytes = vec![0; elements.len().div_ceil(8)];
    for (index, element) in elements.enumerate() {
        bytes[index / 8] |= u8::from(element) << (index % 8);
    }
    bytes
}

/// The answer from counts of bits that differ, are set in both, and are set in either.
pub(crate) fn answer(measure: Measure, differing: u64, both: u64, either: u64) -> f64 {
    match measure {
        Measure::Hamming => Hamming::distance([differing, 0]),
        Measure::Jaccard => Jaccard::distance([both, either]),
    }
}

/// Writes the answer for each row to `out`.
pub(crate) fn distances(
    set: InstructionSet,
    measure: Measure,
    rows: &Rows<'_>,
    query: &[u8],
    out: &mut [f64],
) {
    assert_eq!(rows.encoding(), Encoding::Bits, "bits");
    assert_eq!(rows.stride(), query.len(), "bytes in a row");
    assert_eq!(rows.len(), out.len(), "one distance for each row");
    match measure {
        Measure::Hamming => enter::<Hamming>(set, rows, query, out),
        Measure::Jaccard => enter::<Jaccard>(set, rows, query, out),
    }
}

fn enter<C: Counted>(set: InstructionSet, rows: &Rows<'_>, query: &[u8], out: &mut [f64]) {
    run(
        set,
        Distances::<C> {
            rows: *rows,
            query,
            out,
            counted: std::marker::PhantomData,
        },
    );
}

/// The task: rows and `query` have as many bytes, and `out` is as long as `rows`.
struct Distances<'a, C> {
    rows: Rows<'a>,
    query: &'a [u8],
    out: &'a mut [f64],
    counted: std::marker::PhantomData<C>,
}

impl<C: Counted> Task for Distances<'_, C> {
    type Output = ();

    fn scalar(self) {
        scalar::distances(self);
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(self) {
        // SAFETY: the caller vouches for the instructions.
        unsafe { vector::distances::<S, C>(self) }
    }
}

/// A [`Measure`]: one or two words whose bits are counted, for each word of a row, and what the counts make.
trait Counted {
    /// Whether the second word is counted.
    const TWO: bool;

    fn scalar(x: u64, q: u64) -> [u64; 2];

    /// # Safety
    /// As [`Simd`].
    unsafe fn vector<S: Simd>(x: S::Bits, q: S::Bits) -> [S::Bits; 2];

    fn distance(counts: [u64; 2]) -> f64;
}

struct Hamming;
struct Jaccard;

impl Counted for Hamming {
    const TWO: bool = false;

    #[inline(always)]
    fn scalar(x: u64, q: u64) -> [u64; 2] {
        [x ^ q, 0]
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(x: S::Bits, q: S::Bits) -> [S::Bits; 2] {
        // SAFETY: the caller's promise, passed on.
        let differing = unsafe { S::bits_xor(x, q) };
        [differing, differing]
    }

    #[inline(always)]
    fn distance([differing, _]: [u64; 2]) -> f64 {
        differing as f64
    }
}

impl Counted for Jaccard {
    const TWO: bool = true;

    #[inline(always)]
    fn scalar(x: u64, q: u64) -> [u64; 2] {
        [x & q, x | q]
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(x: S::Bits, q: S::Bits) -> [S::Bits; 2] {
        // SAFETY: the caller's promise, passed on.
        unsafe { [S::bits_and(x, q), S::bits_or(x, q)] }
    }

    #[inline(always)]
    fn distance([both, either]: [u64; 2]) -> f64 {
        if both == 0 {
            1.0
        } else {
            1.0 - both as f64 / either as f64
        }
    }
}
