//! x86-64 with AVX2 and FMA: twelve of the sixteen registers are sums of 6 rows with 16 queries.

use std::arch::x86_64::*;

use super::{Lanes, Tiles};

pub(in crate::batch) const ROWS: usize = 6;
pub(in crate::batch) const LINES: usize = 1;

/// Compiles the tiles with the set's instructions.
///
/// # Safety
/// The lengths are those that [`run`](super::run) asserts.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn enter(tiles: Tiles<'_>, stretch: usize) {
    // SAFETY: this function can only run where the features are present; the caller vouches for the lengths.
    unsafe { super::tiles::<Avx2, ROWS, LINES>(tiles, stretch) }
}

/// The shape of AVX-512 on registers of AVX2, which spill: the one way to test it on machines without AVX-512.
///
/// # Safety
/// The lengths are those that [`run`](super::run) asserts, for that shape.
#[cfg(test)]
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn enter_wide(tiles: Tiles<'_>, stretch: usize) {
    use super::avx512;
    // SAFETY: this function can only run where the features are present; the caller vouches for the lengths.
    unsafe { super::tiles::<Avx2, { avx512::ROWS }, { avx512::LINES }>(tiles, stretch) }
}

pub(in crate::batch) struct Avx2;

impl Lanes for Avx2 {
    type Lanes = [__m256; 2];

    #[inline(always)]
    unsafe fn zero() -> Self::Lanes {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_setzero_ps(); 2] }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Lanes {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::Lanes {
        // SAFETY: the trait's contract: 16 readable numbers, loaded without alignment.
        unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
    }

    #[inline(always)]
    unsafe fn store(a: Self::Lanes, to: *mut f32) {
        // SAFETY: the trait's contract: 16 writable numbers, stored without alignment.
        unsafe {
            _mm256_storeu_ps(to, a[0]);
            _mm256_storeu_ps(to.add(8), a[1]);
        }
    }

    #[inline(always)]
    unsafe fn add(a: Self::Lanes, b: Self::Lanes) -> Self::Lanes {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Lanes, b: Self::Lanes, c: Self::Lanes) -> Self::Lanes {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            [
                _mm256_fmadd_ps(a[0], b[0], c[0]),
                _mm256_fmadd_ps(a[1], b[1], c[1]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn not_less(a: Self::Lanes, b: Self::Lanes) -> u32 {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            let low = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NLT_UQ>(a[0], b[0]));
            let high = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NLT_UQ>(a[1], b[1]));
            low.cast_unsigned() | high.cast_unsigned() << 8
        }
    }
}
