//! 64-bit Arm: 24 of the 32 registers are sums of 6 rows with 16 queries.

use std::arch::aarch64::*;
use std::array::from_fn;

use super::{Lanes, Tiles};

pub(super) const ROWS: usize = 6;
pub(super) const LINES: usize = 1;

/// Compiles the tiles with the set's instructions.
///
/// # Safety
/// The lengths are those that [`run`](super::run) asserts.
#[target_feature(enable = "neon")]
pub(super) unsafe fn enter(tiles: Tiles<'_>, stretch: usize) {
    // SAFETY: this function can only run where the feature is present; the caller vouches for the lengths.
    unsafe { super::tiles::<Neon, ROWS, LINES>(tiles, stretch) }
}

struct Neon;

impl Lanes for Neon {
    type Lanes = [float32x4_t; 4];

    #[inline(always)]
    unsafe fn zero() -> Self::Lanes {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [vdupq_n_f32(0.0); 4] }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Lanes {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [vdupq_n_f32(value); 4] }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::Lanes {
        // SAFETY: the trait's contract: 16 readable numbers; `vld1q_f32` needs them aligned no further.
        from_fn(|i| unsafe { vld1q_f32(from.add(4 * i)) })
    }

    #[inline(always)]
    unsafe fn store(a: Self::Lanes, to: *mut f32) {
        for (i, lanes) in a.into_iter().enumerate() {
            // SAFETY: the trait's contract: 16 writable numbers.
            unsafe { vst1q_f32(to.add(4 * i), lanes) }
        }
    }

    #[inline(always)]
    unsafe fn add(a: Self::Lanes, b: Self::Lanes) -> Self::Lanes {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { vaddq_f32(a[i], b[i]) })
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Lanes, b: Self::Lanes, c: Self::Lanes) -> Self::Lanes {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { vfmaq_f32(c[i], a[i], b[i]) })
    }

    #[inline(always)]
    unsafe fn not_less(a: Self::Lanes, b: Self::Lanes) -> u32 {
        let bits = [1, 2, 4, 8];
        let mut mask = 0;
        for i in 0..4 {
            // SAFETY: the trait's contract: the instructions are present; `bits` holds four numbers.
            let part = unsafe {
                let less = vcltq_f32(a[i], b[i]);
                vaddvq_u32(vbicq_u32(vld1q_u32(bits.as_ptr()), less))
            };
            mask |= part << (4 * i);
        }
        mask
    }
}
