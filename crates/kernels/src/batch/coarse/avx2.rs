//! x86-64 with AVX2: twelve of the sixteen registers are sums of 6 rows with 16 queries.

use std::arch::x86_64::*;

use super::super::tile::avx2::{Avx2, LINES, ROWS};
use super::{CodeLanes, Coded, Tiles};
use crate::batch::tile::Lanes;

/// Compiles the tiles with the set's instructions.
///
/// # Safety
/// The lengths are those that [`run`](super::run) asserts.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn enter(tiles: Tiles<'_>) {
    // SAFETY: this function can only run where the features are present; the caller vouches for the lengths.
    unsafe { super::tiles::<Avx2, ROWS, LINES>(tiles) }
}

/// Compiles the portable form with the set's instructions.
#[target_feature(enable = "avx2,fma")]
pub(super) fn encode(vector: &[f32], squares: f64, codes: &mut [u8]) -> Coded {
    super::scalar::encode(vector, squares, codes)
}

impl CodeLanes for Avx2 {
    type Codes = [__m256i; 2];

    #[inline(always)]
    unsafe fn splat_codes(from: *const u8) -> Self::Codes {
        // SAFETY: the trait's contract: the instructions are present, four readable bytes.
        unsafe { [_mm256_set1_epi32(from.cast::<i32>().read_unaligned()); 2] }
    }

    #[inline(always)]
    unsafe fn load_codes(from: *const i8) -> Self::Codes {
        // SAFETY: the trait's contract: 64 readable bytes, loaded without alignment.
        unsafe {
            [
                _mm256_loadu_si256(from.cast()),
                _mm256_loadu_si256(from.add(32).cast()),
            ]
        }
    }

    #[inline(always)]
    unsafe fn zero_sums() -> Self::Codes {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_setzero_si256(); 2] }
    }

    #[inline(always)]
    unsafe fn add_products(
        sums: Self::Codes,
        unsigned: Self::Codes,
        signed: Self::Codes,
    ) -> Self::Codes {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            [
                _mm256_add_epi16(sums[0], _mm256_maddubs_epi16(unsigned[0], signed[0])),
                _mm256_add_epi16(sums[1], _mm256_maddubs_epi16(unsigned[1], signed[1])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store_sums(sums: Self::Codes, before: *const i32, to: *mut i32) {
        // SAFETY: the trait's contract: lines of 16 readable and writable numbers, without alignment.
        unsafe {
            let ones = _mm256_set1_epi16(1);
            let low = _mm256_loadu_si256(before.cast());
            let high = _mm256_loadu_si256(before.add(8).cast());
            let low = _mm256_add_epi32(low, _mm256_madd_epi16(sums[0], ones));
            let high = _mm256_add_epi32(high, _mm256_madd_epi16(sums[1], ones));
            _mm256_storeu_si256(to.cast(), low);
            _mm256_storeu_si256(to.add(8).cast(), high);
        }
    }

    #[inline(always)]
    unsafe fn load_sums(from: *const i32) -> <Self as Lanes>::Lanes {
        // SAFETY: the trait's contract: 16 readable numbers, loaded without alignment.
        unsafe {
            [
                _mm256_cvtepi32_ps(_mm256_loadu_si256(from.cast())),
                _mm256_cvtepi32_ps(_mm256_loadu_si256(from.add(8).cast())),
            ]
        }
    }
}
