//! x86-64 with AVX-512 F and BW: 24 of the 32 registers are sums of 12 rows with 32 queries.

use std::arch::x86_64::*;

use super::super::tile::avx512::{Avx512, LINES, ROWS};
use super::{CodeLanes, Tiles};
use crate::batch::tile::Lanes;

/// Compiles the tiles with the set's instructions.
///
/// # Safety
/// The lengths are those that [`run`](super::run) asserts.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw")]
pub(super) unsafe fn enter(tiles: Tiles<'_>) {
    // SAFETY: this function can only run where the features are present; the caller vouches for the lengths.
    unsafe { super::tiles::<Avx512, ROWS, LINES>(tiles) }
}

impl CodeLanes for Avx512 {
    type Codes = __m512i;

    #[inline(always)]
    unsafe fn splat_codes(from: *const u8) -> Self::Codes {
        // SAFETY: the trait's contract: the instructions are present, four readable bytes.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn load_codes(from: *const i8) -> Self::Codes {
        // SAFETY: the trait's contract: 64 readable bytes, loaded without alignment.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn zero_sums() -> Self::Codes {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    unsafe fn add_products(
        sums: Self::Codes,
        unsigned: Self::Codes,
        signed: Self::Codes,
    ) -> Self::Codes {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_add_epi16(sums, _mm512_maddubs_epi16(unsigned, signed)) }
    }

    #[inline(always)]
    unsafe fn store_sums(sums: Self::Codes, before: *const i32, to: *mut i32) {
        // SAFETY: the trait's contract: lines of 16 readable and writable numbers, without alignment.
        unsafe {
            let pairs = _mm512_madd_epi16(sums, _mm512_set1_epi16(1));
            let before = _mm512_loadu_si512(before.cast());
            _mm512_storeu_si512(to.cast(), _mm512_add_epi32(before, pairs));
        }
    }

    #[inline(always)]
    unsafe fn load_sums(from: *const i32) -> <Self as Lanes>::Lanes {
        // SAFETY: the trait's contract: 16 readable numbers, loaded without alignment.
        unsafe { _mm512_cvtepi32_ps(_mm512_loadu_si512(from.cast())) }
    }
}
