//! 64-bit Arm: registers of 128 bits, so sixteen lanes are a small array and every operation a loop over it.

use std::arch::aarch64::*;
use std::array::from_fn;

use half::f16;

use super::{Simd, Task};

/// The set, as a type.
#[derive(Clone, Copy)]
pub(super) struct Neon;

/// Compiles the task with the set's instructions.
#[target_feature(enable = "neon")]
pub(super) fn enter<T: Task>(task: T) -> T::Output {
    // SAFETY: this function can only run where the feature is present.
    unsafe { task.vector::<Neon>() }
}

impl Simd for Neon {
    type Wide = [float64x2_t; 8];
    type Narrow = [float32x4_t; 4];
    type Short = [int16x8_t; 8];
    type Totals = [int32x4_t; 4];
    type Bits = [uint8x16_t; 4];
    type Counts = uint64x2_t;

    /// There is no stable way to ask.
    #[inline(always)]
    unsafe fn prefetch(_: *const u8) {}

    #[inline(always)]
    unsafe fn wide_zero() -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [vdupq_n_f64(0.0); 8] }
    }

    #[inline(always)]
    unsafe fn wide_load(from: *const u8) -> Self::Wide {
        // SAFETY: the trait's contract: 128 readable bytes, loaded as bytes and so without alignment.
        from_fn(|i| unsafe { vreinterpretq_f64_u8(vld1q_u8(from.add(16 * i))) })
    }

    #[inline(always)]
    unsafe fn wide_add(a: Self::Wide, b: Self::Wide) -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { vaddq_f64(a[i], b[i]) })
    }

    #[inline(always)]
    unsafe fn wide_sub(a: Self::Wide, b: Self::Wide) -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { vsubq_f64(a[i], b[i]) })
    }

    #[inline(always)]
    unsafe fn wide_mul(a: Self::Wide, b: Self::Wide) -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { vmulq_f64(a[i], b[i]) })
    }

    #[inline(always)]
    unsafe fn wide_abs(a: Self::Wide) -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { vabsq_f64(a[i]) })
    }

    #[inline(always)]
    unsafe fn wide_sum(a: Self::Wide) -> f64 {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            let eight: [float64x2_t; 4] = from_fn(|i| vaddq_f64(a[i], a[i + 4]));
            let four = [vaddq_f64(eight[0], eight[2]), vaddq_f64(eight[1], eight[3])];
            let two = vaddq_f64(four[0], four[1]);
            vgetq_lane_f64::<0>(two) + vgetq_lane_f64::<1>(two)
        }
    }

    #[inline(always)]
    unsafe fn widen(a: Self::Narrow) -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe {
            if i % 2 == 0 {
                vcvt_f64_f32(vget_low_f32(a[i / 2]))
            } else {
                vcvt_high_f64_f32(a[i / 2])
            }
        })
    }

    #[inline(always)]
    unsafe fn narrow_zero() -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [vdupq_n_f32(0.0); 4] }
    }

    #[inline(always)]
    unsafe fn narrow_splat(value: f32) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [vdupq_n_f32(value); 4] }
    }

    #[inline(always)]
    unsafe fn narrow_load_f64(from: *const u8) -> Self::Narrow {
        // SAFETY: the trait's contract: 128 readable bytes, which is what `wide_load` needs.
        unsafe {
            let wide = Self::wide_load(from);
            from_fn(|i| vcombine_f32(vcvt_f32_f64(wide[2 * i]), vcvt_f32_f64(wide[2 * i + 1])))
        }
    }

    #[inline(always)]
    unsafe fn narrow_load_f32(from: *const u8) -> Self::Narrow {
        // SAFETY: the trait's contract: 64 readable bytes, loaded as bytes and so without alignment.
        from_fn(|i| unsafe { vreinterpretq_f32_u8(vld1q_u8(from.add(16 * i))) })
    }

    #[inline(always)]
    unsafe fn narrow_load_f16(from: *const u8) -> Self::Narrow {
        // SAFETY: the trait's contract: 32 readable bytes, which are 16 pairs without alignment.
        let halves = unsafe { from.cast::<[[u8; 2]; 16]>().read_unaligned() };
        let singles: [f32; 16] = from_fn(|i| f16::from_le_bytes(halves[i]).to_f32());
        // SAFETY: the array holds the 64 bytes that are loaded.
        unsafe { Self::narrow_load_f32(singles.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn narrow_load_i8(from: *const u8) -> Self::Narrow {
        // SAFETY: the trait's contract: 16 readable bytes.
        unsafe {
            let bytes = vreinterpretq_s8_u8(vld1q_u8(from));
            let shorts = [vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes)];
            from_fn(|i| {
                vcvtq_f32_s32(if i % 2 == 0 {
                    vmovl_s16(vget_low_s16(shorts[i / 2]))
                } else {
                    vmovl_high_s16(shorts[i / 2])
                })
            })
        }
    }

    #[inline(always)]
    unsafe fn narrow_load_u8(from: *const u8) -> Self::Narrow {
        // SAFETY: the trait's contract: 16 readable bytes.
        unsafe {
            let bytes = vld1q_u8(from);
            let shorts = [vmovl_u8(vget_low_u8(bytes)), vmovl_high_u8(bytes)];
            from_fn(|i| {
                vcvtq_f32_u32(if i % 2 == 0 {
                    vmovl_u16(vget_low_u16(shorts[i / 2]))
                } else {
                    vmovl_high_u16(shorts[i / 2])
                })
            })
        }
    }

    #[inline(always)]
    unsafe fn narrow_store(a: Self::Narrow, to: *mut f32) {
        for (i, lanes) in a.into_iter().enumerate() {
            // SAFETY: the trait's contract: 16 writable numbers.
            unsafe { vst1q_f32(to.add(4 * i), lanes) };
        }
    }

    #[inline(always)]
    unsafe fn narrow_add(a: Self::Narrow, b: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { vaddq_f32(a[i], b[i]) })
    }

    #[inline(always)]
    unsafe fn narrow_sub(a: Self::Narrow, b: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { vsubq_f32(a[i], b[i]) })
    }

    #[inline(always)]
    unsafe fn narrow_mul(a: Self::Narrow, b: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { vmulq_f32(a[i], b[i]) })
    }

    #[inline(always)]
    unsafe fn narrow_mul_add(a: Self::Narrow, b: Self::Narrow, c: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { vfmaq_f32(c[i], a[i], b[i]) })
    }

    #[inline(always)]
    unsafe fn narrow_abs(a: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { vabsq_f32(a[i]) })
    }

    #[inline(always)]
    unsafe fn narrow_sum(a: Self::Narrow) -> f32 {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { vaddvq_f32(vaddq_f32(vaddq_f32(a[0], a[1]), vaddq_f32(a[2], a[3]))) }
    }

    #[inline(always)]
    unsafe fn short_load(from: *const i16) -> Self::Short {
        let from: *const u8 = from.cast();
        // SAFETY: the trait's contract: 64 readable numbers, loaded as bytes and so without alignment.
        from_fn(|i| unsafe { vreinterpretq_s16_u8(vld1q_u8(from.add(16 * i))) })
    }

    #[inline(always)]
    unsafe fn short_splat(value: i16) -> Self::Short {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [vdupq_n_s16(value); 8] }
    }

    #[inline(always)]
    unsafe fn short_load_codes(from: *const u8, flip: u8) -> Self::Short {
        // SAFETY: the trait's contract: 64 readable bytes.
        unsafe {
            let flip = vdupq_n_u8(flip);
            let codes: [uint16x8_t; 4] =
                from_fn(|i| vreinterpretq_u16_u8(veorq_u8(vld1q_u8(from.add(16 * i)), flip)));
            from_fn(|i| {
                vreinterpretq_s16_u16(if i < 4 {
                    vandq_u16(codes[i], vdupq_n_u16(0xff))
                } else {
                    vshrq_n_u16::<8>(codes[i - 4])
                })
            })
        }
    }

    #[inline(always)]
    unsafe fn short_distance(a: Self::Short, b: Self::Short) -> Self::Short {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { vabdq_s16(vshlq_n_s16::<6>(a[i]), b[i]) })
    }

    #[inline(always)]
    unsafe fn totals_zero() -> Self::Totals {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [vdupq_n_s32(0); 4] }
    }

    #[inline(always)]
    unsafe fn totals_add(totals: Self::Totals, a: Self::Short, b: Self::Short) -> Self::Totals {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe {
            let even = vmlal_s16(totals[i], vget_low_s16(a[i]), vget_low_s16(b[i]));
            let odd = vmlal_s16(even, vget_low_s16(a[i + 4]), vget_low_s16(b[i + 4]));
            vmlal_high_s16(vmlal_high_s16(odd, a[i], b[i]), a[i + 4], b[i + 4])
        })
    }

    #[inline(always)]
    unsafe fn totals_sum(totals: Self::Totals) -> i32 {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            let pairs = [
                vaddq_s32(totals[0], totals[1]),
                vaddq_s32(totals[2], totals[3]),
            ];
            vaddvq_s32(vaddq_s32(pairs[0], pairs[1]))
        }
    }

    #[inline(always)]
    unsafe fn bits_load(from: *const u8) -> Self::Bits {
        // SAFETY: the trait's contract: 64 readable bytes.
        from_fn(|i| unsafe { vld1q_u8(from.add(16 * i)) })
    }

    #[inline(always)]
    unsafe fn bits_xor(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { veorq_u8(a[i], b[i]) })
    }

    #[inline(always)]
    unsafe fn bits_and(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { vandq_u8(a[i], b[i]) })
    }

    #[inline(always)]
    unsafe fn bits_or(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        // SAFETY: the trait's contract: the instructions are present.
        from_fn(|i| unsafe { vorrq_u8(a[i], b[i]) })
    }

    #[inline(always)]
    unsafe fn counts_zero() -> Self::Counts {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { vdupq_n_u64(0) }
    }

    #[inline(always)]
    unsafe fn counts_add(counts: Self::Counts, bits: Self::Bits) -> Self::Counts {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            // The counts of four bytes fit one.
            let pairs = [
                vaddq_u8(vcntq_u8(bits[0]), vcntq_u8(bits[1])),
                vaddq_u8(vcntq_u8(bits[2]), vcntq_u8(bits[3])),
            ];
            let bytes = vaddq_u8(pairs[0], pairs[1]);
            vpadalq_u32(counts, vpaddlq_u16(vpaddlq_u8(bytes)))
        }
    }

    #[inline(always)]
    unsafe fn counts_sum(counts: Self::Counts) -> u64 {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { vaddvq_u64(counts) }
    }
}
