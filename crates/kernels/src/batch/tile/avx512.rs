//! x86-64 with AVX-512 F: 24 of the 32 registers are sums of 12 rows with 32 queries.

use std::arch::x86_64::*;

use super::{Lanes, Tiles};

pub(in crate::batch) const ROWS: usize = 12;
pub(in crate::batch) const LINES: usize = 2;

/// Compiles the tiles with the set's instructions.
///
/// # Safety
/// The lengths are those that [`run`](super::run) asserts.
#[target_feature(enable = "avx2,fma,avx512f")]
pub(super) unsafe fn enter(tiles: Tiles<'_>, stretch: usize) {
    // SAFETY: this function can only run where the features are present; the caller vouches for the lengths.
    unsafe { super::tiles::<Avx512, ROWS, LINES>(tiles, stretch) }
}

pub(in crate::batch) struct Avx512;

impl Lanes for Avx512 {
    type Lanes = __m512;

    #[inline(always)]
    unsafe fn zero() -> Self::Lanes {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Lanes {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::Lanes {
        // SAFETY: the trait's contract: 16 readable numbers, loaded without alignment.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(a: Self::Lanes, to: *mut f32) {
        // SAFETY: the trait's contract: 16 writable numbers, stored without alignment.
        unsafe { _mm512_storeu_ps(to, a) }
    }

    #[inline(always)]
    unsafe fn add(a: Self::Lanes, b: Self::Lanes) -> Self::Lanes {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Lanes, b: Self::Lanes, c: Self::Lanes) -> Self::Lanes {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn not_less(a: Self::Lanes, b: Self::Lanes) -> u32 {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(a, b).into() }
    }
}
