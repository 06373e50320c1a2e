//! The vector operations that every kernel is written in, one file an instruction set, and the one door to them.
//!
//! A kernel is a [`Task`]: a portable body, which is the oracle, and a body generic over [`Simd`]. [`run`] picks one
//! for a whole block and enters it with the instructions enabled, so everything below it inlines into straight vector
//! code and nothing is dispatched inside a loop.

use crate::InstructionSet;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;

/// Work on a block that exists in portable and in vector form; both give the same answer, except where the kernel says
/// by how much they may differ.
pub(crate) trait Task {
    type Output;

    /// The portable form.
    fn scalar(self) -> Self::Output;

    /// The vector form. Implementations are `#[inline(always)]`, as is all they call: only then is the code compiled
    /// with the instructions of `S`.
    ///
    /// # Safety
    /// The processor has the instructions of `S`.
    unsafe fn vector<S: Simd>(self) -> Self::Output;
}

/// Runs `task` with `set`, or in portable form where the machine lacks the set.
pub(crate) fn run<T: Task>(set: InstructionSet, task: T) -> T::Output {
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 if set.is_available() => {
            // SAFETY: `is_available` has just found every feature that `enter` enables.
            unsafe { avx2::enter(task) }
        }
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 if set.is_available() => {
            // SAFETY: `is_available` has just found every feature that `enter` enables.
            unsafe { avx512::enter(task) }
        }
        #[cfg(target_arch = "aarch64")]
        InstructionSet::Neon if set.is_available() => {
            // SAFETY: `is_available` has just found every feature that `enter` enables.
            unsafe { neon::enter(task) }
        }
        _ => task.scalar(),
    }
}

/// Vector operations. Every shape has the same number of lanes in every set, which keeps tails and rounding alike:
/// [`STEP`](crate::element::STEP) elements for numbers, [`SHORT_LANES`] for codes.
///
/// # Safety
/// Every function requires that the processor has the set's instructions. Those that take a pointer require it to be
/// valid for reads (writes for `store`) of all lanes at the element's width; no alignment is required.
pub(crate) trait Simd: Copy {
    /// 16 lanes of `f64`.
    type Wide: Copy;
    /// 16 lanes of `f32`.
    type Narrow: Copy;
    /// 64 lanes of `i16`.
    type Short: Copy;
    /// Lanes of `i32` in which products of [`Simd::Short`] are summed, wrapping around.
    type Totals: Copy;
    /// [`BITS_BYTES`] bytes whose bits count one by one.
    type Bits: Copy;
    /// Lanes of `u64` in which bits are counted.
    type Counts: Copy;

    /// Asks for the cache line [`PREFETCH_BYTES`] after `from`, which need not be readable.
    unsafe fn prefetch(from: *const u8);

    unsafe fn wide_zero() -> Self::Wide;
    unsafe fn wide_load(from: *const u8) -> Self::Wide;
    unsafe fn wide_add(a: Self::Wide, b: Self::Wide) -> Self::Wide;
    unsafe fn wide_sub(a: Self::Wide, b: Self::Wide) -> Self::Wide;
    unsafe fn wide_mul(a: Self::Wide, b: Self::Wide) -> Self::Wide;
    unsafe fn wide_abs(a: Self::Wide) -> Self::Wide;
    /// Folds the upper half of the lanes onto the lower half until one is left, in this order in every set.
    unsafe fn wide_sum(a: Self::Wide) -> f64;
    /// The same lanes as `f64`.
    unsafe fn widen(a: Self::Narrow) -> Self::Wide;

    unsafe fn narrow_zero() -> Self::Narrow;
    unsafe fn narrow_splat(value: f32) -> Self::Narrow;
    unsafe fn narrow_load_f64(from: *const u8) -> Self::Narrow;
    unsafe fn narrow_load_f32(from: *const u8) -> Self::Narrow;
    unsafe fn narrow_load_f16(from: *const u8) -> Self::Narrow;
    unsafe fn narrow_load_i8(from: *const u8) -> Self::Narrow;
    unsafe fn narrow_load_u8(from: *const u8) -> Self::Narrow;
    unsafe fn narrow_store(a: Self::Narrow, to: *mut f32);
    unsafe fn narrow_add(a: Self::Narrow, b: Self::Narrow) -> Self::Narrow;
    unsafe fn narrow_sub(a: Self::Narrow, b: Self::Narrow) -> Self::Narrow;
    unsafe fn narrow_mul(a: Self::Narrow, b: Self::Narrow) -> Self::Narrow;
    /// `a * b + c`, rounded once.
    unsafe fn narrow_mul_add(a: Self::Narrow, b: Self::Narrow, c: Self::Narrow) -> Self::Narrow;
    unsafe fn narrow_abs(a: Self::Narrow) -> Self::Narrow;
    /// The sum of the lanes, in any order.
    unsafe fn narrow_sum(a: Self::Narrow) -> f32;

    unsafe fn short_load(from: *const i16) -> Self::Short;
    unsafe fn short_splat(value: i16) -> Self::Short;
    /// 64 one-byte codes, each XORed with `flip`: those at even places in the first half of the lanes, those at odd
    /// places in the second. Taking bytes apart this way is two operations on whole registers; keeping their order
    /// would need twice as many, across halves of registers.
    unsafe fn short_load_codes(from: *const u8, flip: u8) -> Self::Short;
    /// `|(a << 6) - b|`; the caller keeps it within `i16`.
    unsafe fn short_distance(a: Self::Short, b: Self::Short) -> Self::Short;
    unsafe fn totals_zero() -> Self::Totals;
    /// Adds the products of `a` and `b` to the totals.
    unsafe fn totals_add(totals: Self::Totals, a: Self::Short, b: Self::Short) -> Self::Totals;
    /// The sum of the lanes, wrapping around.
    unsafe fn totals_sum(totals: Self::Totals) -> i32;

    unsafe fn bits_load(from: *const u8) -> Self::Bits;
    unsafe fn bits_xor(a: Self::Bits, b: Self::Bits) -> Self::Bits;
    unsafe fn bits_and(a: Self::Bits, b: Self::Bits) -> Self::Bits;
    unsafe fn bits_or(a: Self::Bits, b: Self::Bits) -> Self::Bits;
    unsafe fn counts_zero() -> Self::Counts;
    /// Adds how many bits are set.
    unsafe fn counts_add(counts: Self::Counts, bits: Self::Bits) -> Self::Counts;
    /// The sum of the lanes.
    unsafe fn counts_sum(counts: Self::Counts) -> u64;
}

/// Places of a block that are read at once: its rows are taken in turn from as many parts of equal length, and the
/// processor fetches ahead in every one of them. On Zen 3, 200,000 x 384 of `f32`, l2, one thread: 10 GB/s one row after
/// the other, 21 so, beside 14 to 16 of a plain sum (`cargo run --release -p ogive-kernels --example bandwidth`).
pub(crate) const STREAMS: usize = 4;

/// The rows of a block, `N` at a time and each time from as many parts of it, but for the last `rows % STREAMS`.
#[inline(always)]
pub(crate) fn interleaved<const N: usize>(rows: usize) -> impl Iterator<Item = [usize; N]> {
    const { assert!(N > 0 && STREAMS.is_multiple_of(N)) };
    let part = rows / STREAMS;
    (0..part).flat_map(move |first| {
        (0..STREAMS / N)
            .map(move |group| std::array::from_fn(|nth| first + (group * N + nth) * part))
    })
}

/// How far ahead of its reads a scan asks for memory: one page, because the processor's own prefetching stops at page
/// ends. Measured on Zen 3 over 77 MB of codes: 1 and 2 KiB gain 5 %, 4 KiB 45 %, 8 KiB 25 %.
#[cfg_attr(
    not(target_arch = "x86_64"),
    allow(dead_code, reason = "only x86 has a way to ask")
)]
pub(crate) const PREFETCH_BYTES: usize = 4096;

/// Bytes of bits taken in one step.
pub(crate) const BITS_BYTES: usize = 64;

/// Codes taken in one step.
pub(crate) const SHORT_LANES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_taken_once() {
        for rows in 0..=33 {
            let rest = rows - rows % STREAMS..rows;
            let singles = interleaved::<1>(rows).flatten().chain(rest.clone());
            let pairs = interleaved::<2>(rows).flatten().chain(rest.clone());
            let fours = interleaved::<4>(rows).flatten().chain(rest);
            for mut taken in [
                singles.collect(),
                pairs.collect(),
                fours.collect::<Vec<_>>(),
            ] {
                taken.sort_unstable();
                assert_eq!(taken, (0..rows).collect::<Vec<_>>(), "{rows} rows");
            }
        }
    }
}
