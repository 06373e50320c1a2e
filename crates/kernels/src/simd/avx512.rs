//! x86-64 with AVX-512 F, BW, DQ and VL: registers of 512 bits.

use std::arch::x86_64::*;

use super::{PREFETCH_BYTES, Simd, Task};

/// The set, as a type.
#[derive(Clone, Copy)]
pub(super) struct Avx512;

/// Compiles the task with the set's instructions.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn enter<T: Task>(task: T) -> T::Output {
    // SAFETY: this function can only run where the features are present.
    unsafe { task.vector::<Avx512>() }
}

impl Simd for Avx512 {
    type Wide = [__m512d; 2];
    type Narrow = __m512;
    type Short = [__m512i; 2];
    type Totals = [__m512i; 2];
    type Bits = __m512i;
    type Counts = __m512i;

    #[inline(always)]
    unsafe fn prefetch(from: *const u8) {
        // SAFETY: a prefetch reads nothing; any address will do.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(PREFETCH_BYTES).cast()) }
    }

    #[inline(always)]
    unsafe fn wide_zero() -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm512_setzero_pd(); 2] }
    }

    #[inline(always)]
    unsafe fn wide_load(from: *const u8) -> Self::Wide {
        let from: *const f64 = from.cast();
        // SAFETY: the trait's contract: 128 readable bytes, loaded without alignment.
        unsafe { [_mm512_loadu_pd(from), _mm512_loadu_pd(from.add(8))] }
    }

    #[inline(always)]
    unsafe fn wide_add(a: Self::Wide, b: Self::Wide) -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm512_add_pd(a[0], b[0]), _mm512_add_pd(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn wide_sub(a: Self::Wide, b: Self::Wide) -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm512_sub_pd(a[0], b[0]), _mm512_sub_pd(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn wide_mul(a: Self::Wide, b: Self::Wide) -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm512_mul_pd(a[0], b[0]), _mm512_mul_pd(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn wide_abs(a: Self::Wide) -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm512_abs_pd(a[0]), _mm512_abs_pd(a[1])] }
    }

    #[inline(always)]
    unsafe fn wide_sum(a: Self::Wide) -> f64 {
        // `_mm512_reduce_add_pd` promises no order, so the folding is spelled out.
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            let eight = _mm512_add_pd(a[0], a[1]);
            let four = _mm256_add_pd(
                _mm512_castpd512_pd256(eight),
                _mm512_extractf64x4_pd::<1>(eight),
            );
            let two = _mm_add_pd(
                _mm256_castpd256_pd128(four),
                _mm256_extractf128_pd::<1>(four),
            );
            _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
        }
    }

    #[inline(always)]
    unsafe fn widen(a: Self::Narrow) -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            [
                _mm512_cvtps_pd(_mm512_castps512_ps256(a)),
                _mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(a)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn narrow_zero() -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn narrow_splat(value: f32) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn narrow_load_f64(from: *const u8) -> Self::Narrow {
        // SAFETY: the trait's contract: 128 readable bytes, which is what `wide_load` needs.
        unsafe {
            let wide = Self::wide_load(from);
            _mm512_insertf32x8::<1>(
                _mm512_castps256_ps512(_mm512_cvtpd_ps(wide[0])),
                _mm512_cvtpd_ps(wide[1]),
            )
        }
    }

    #[inline(always)]
    unsafe fn narrow_load_f32(from: *const u8) -> Self::Narrow {
        // SAFETY: the trait's contract: 64 readable bytes, loaded without alignment.
        unsafe { _mm512_loadu_ps(from.cast()) }
    }

    #[inline(always)]
    unsafe fn narrow_load_f16(from: *const u8) -> Self::Narrow {
        // SAFETY: the trait's contract: 32 readable bytes, loaded without alignment.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) }
    }

    #[inline(always)]
    unsafe fn narrow_load_i8(from: *const u8) -> Self::Narrow {
        // SAFETY: the trait's contract: 16 readable bytes, loaded without alignment.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(from.cast()))) }
    }

    #[inline(always)]
    unsafe fn narrow_load_u8(from: *const u8) -> Self::Narrow {
        // SAFETY: the trait's contract: 16 readable bytes, loaded without alignment.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))) }
    }

    #[inline(always)]
    unsafe fn narrow_store(a: Self::Narrow, to: *mut f32) {
        // SAFETY: the trait's contract: 16 writable numbers, stored without alignment.
        unsafe { _mm512_storeu_ps(to, a) }
    }

    #[inline(always)]
    unsafe fn narrow_add(a: Self::Narrow, b: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn narrow_sub(a: Self::Narrow, b: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn narrow_mul(a: Self::Narrow, b: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn narrow_mul_add(a: Self::Narrow, b: Self::Narrow, c: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn narrow_abs(a: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_abs_ps(a) }
    }

    #[inline(always)]
    unsafe fn narrow_sum(a: Self::Narrow) -> f32 {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_reduce_add_ps(a) }
    }

    #[inline(always)]
    unsafe fn short_load(from: *const i16) -> Self::Short {
        // SAFETY: the trait's contract: 64 readable numbers, loaded without alignment.
        unsafe { [_mm512_loadu_epi16(from), _mm512_loadu_epi16(from.add(32))] }
    }

    #[inline(always)]
    unsafe fn short_splat(value: i16) -> Self::Short {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm512_set1_epi16(value); 2] }
    }

    #[inline(always)]
    unsafe fn short_load_codes(from: *const u8, flip: u8) -> Self::Short {
        // SAFETY: the trait's contract: 64 readable bytes, loaded without alignment.
        unsafe {
            let flip = _mm512_set1_epi8(flip.cast_signed());
            let codes = _mm512_xor_si512(_mm512_loadu_si512(from.cast()), flip);
            [
                _mm512_and_si512(codes, _mm512_set1_epi16(0xff)),
                _mm512_srli_epi16::<8>(codes),
            ]
        }
    }

    #[inline(always)]
    unsafe fn short_distance(a: Self::Short, b: Self::Short) -> Self::Short {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            [
                _mm512_abs_epi16(_mm512_sub_epi16(_mm512_slli_epi16::<6>(a[0]), b[0])),
                _mm512_abs_epi16(_mm512_sub_epi16(_mm512_slli_epi16::<6>(a[1]), b[1])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn totals_zero() -> Self::Totals {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm512_setzero_si512(); 2] }
    }

    #[inline(always)]
    unsafe fn totals_add(totals: Self::Totals, a: Self::Short, b: Self::Short) -> Self::Totals {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            [
                _mm512_add_epi32(totals[0], _mm512_madd_epi16(a[0], b[0])),
                _mm512_add_epi32(totals[1], _mm512_madd_epi16(a[1], b[1])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn totals_sum(totals: Self::Totals) -> i32 {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_reduce_add_epi32(_mm512_add_epi32(totals[0], totals[1])) }
    }

    #[inline(always)]
    unsafe fn bits_load(from: *const u8) -> Self::Bits {
        // SAFETY: the trait's contract: 64 readable bytes, loaded without alignment.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn bits_xor(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_xor_si512(a, b) }
    }

    #[inline(always)]
    unsafe fn bits_and(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_and_si512(a, b) }
    }

    #[inline(always)]
    unsafe fn bits_or(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_or_si512(a, b) }
    }

    #[inline(always)]
    unsafe fn counts_zero() -> Self::Counts {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    unsafe fn counts_add(counts: Self::Counts, bits: Self::Bits) -> Self::Counts {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            // How many bits each half of a byte has, looked up: the instruction that counts them is not in the set.
            let table = _mm512_broadcast_i32x4(_mm_setr_epi8(
                0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
            ));
            let low = _mm512_set1_epi8(0x0f);
            let lower = _mm512_and_si512(bits, low);
            let upper = _mm512_and_si512(_mm512_srli_epi16::<4>(bits), low);
            let bytes = _mm512_add_epi8(
                _mm512_shuffle_epi8(table, lower),
                _mm512_shuffle_epi8(table, upper),
            );
            _mm512_add_epi64(counts, _mm512_sad_epu8(bytes, _mm512_setzero_si512()))
        }
    }

    #[inline(always)]
    unsafe fn counts_sum(counts: Self::Counts) -> u64 {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm512_reduce_add_epi64(counts).cast_unsigned() }
    }
}
