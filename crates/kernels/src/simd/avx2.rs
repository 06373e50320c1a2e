//! x86-64 with AVX2, FMA and F16C: registers of 256 bits.

use std::arch::x86_64::*;

use super::{PREFETCH_BYTES, Simd, Task};

/// The set, as a type.
#[derive(Clone, Copy)]
pub(super) struct Avx2;

/// Compiles the task with the set's instructions.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn enter<T: Task>(task: T) -> T::Output {
    // SAFETY: this function can only run where the features are present.
    unsafe { task.vector::<Avx2>() }
}

impl Simd for Avx2 {
    type Wide = [__m256d; 4];
    type Narrow = [__m256; 2];
    type Short = [__m256i; 4];
    type Totals = [__m256i; 2];
    type Bits = [__m256i; 2];
    type Counts = __m256i;

    #[inline(always)]
    unsafe fn prefetch(from: *const u8) {
        // SAFETY: a prefetch reads nothing; any address will do.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(PREFETCH_BYTES).cast()) }
    }

    #[inline(always)]
    unsafe fn wide_zero() -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_setzero_pd(); 4] }
    }

    #[inline(always)]
    unsafe fn wide_load(from: *const u8) -> Self::Wide {
        let from: *const f64 = from.cast();
        // SAFETY: the trait's contract: 128 readable bytes, loaded without alignment.
        unsafe {
            [
                _mm256_loadu_pd(from),
                _mm256_loadu_pd(from.add(4)),
                _mm256_loadu_pd(from.add(8)),
                _mm256_loadu_pd(from.add(12)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn wide_add(a: Self::Wide, b: Self::Wide) -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            [
                _mm256_add_pd(a[0], b[0]),
                _mm256_add_pd(a[1], b[1]),
                _mm256_add_pd(a[2], b[2]),
                _mm256_add_pd(a[3], b[3]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn wide_sub(a: Self::Wide, b: Self::Wide) -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            [
                _mm256_sub_pd(a[0], b[0]),
                _mm256_sub_pd(a[1], b[1]),
                _mm256_sub_pd(a[2], b[2]),
                _mm256_sub_pd(a[3], b[3]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn wide_mul(a: Self::Wide, b: Self::Wide) -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            [
                _mm256_mul_pd(a[0], b[0]),
                _mm256_mul_pd(a[1], b[1]),
                _mm256_mul_pd(a[2], b[2]),
                _mm256_mul_pd(a[3], b[3]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn wide_abs(a: Self::Wide) -> Self::Wide {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            let sign = _mm256_set1_pd(-0.0);
            [
                _mm256_andnot_pd(sign, a[0]),
                _mm256_andnot_pd(sign, a[1]),
                _mm256_andnot_pd(sign, a[2]),
                _mm256_andnot_pd(sign, a[3]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn wide_sum(a: Self::Wide) -> f64 {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            let eight = [_mm256_add_pd(a[0], a[2]), _mm256_add_pd(a[1], a[3])];
            let four = _mm256_add_pd(eight[0], eight[1]);
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
                _mm256_cvtps_pd(_mm256_castps256_ps128(a[0])),
                _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(a[0])),
                _mm256_cvtps_pd(_mm256_castps256_ps128(a[1])),
                _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(a[1])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn narrow_zero() -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_setzero_ps(); 2] }
    }

    #[inline(always)]
    unsafe fn narrow_splat(value: f32) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    unsafe fn narrow_load_f64(from: *const u8) -> Self::Narrow {
        // SAFETY: the trait's contract: 128 readable bytes, which is what `wide_load` needs.
        unsafe {
            let wide = Self::wide_load(from);
            let quarter = [
                _mm256_cvtpd_ps(wide[0]),
                _mm256_cvtpd_ps(wide[1]),
                _mm256_cvtpd_ps(wide[2]),
                _mm256_cvtpd_ps(wide[3]),
            ];
            [
                _mm256_set_m128(quarter[1], quarter[0]),
                _mm256_set_m128(quarter[3], quarter[2]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn narrow_load_f32(from: *const u8) -> Self::Narrow {
        let from: *const f32 = from.cast();
        // SAFETY: the trait's contract: 64 readable bytes, loaded without alignment.
        unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
    }

    #[inline(always)]
    unsafe fn narrow_load_f16(from: *const u8) -> Self::Narrow {
        // SAFETY: the trait's contract: 32 readable bytes, loaded without alignment.
        unsafe {
            [
                _mm256_cvtph_ps(_mm_loadu_si128(from.cast())),
                _mm256_cvtph_ps(_mm_loadu_si128(from.add(16).cast())),
            ]
        }
    }

    #[inline(always)]
    unsafe fn narrow_load_i8(from: *const u8) -> Self::Narrow {
        // SAFETY: the trait's contract: 16 readable bytes, loaded without alignment.
        unsafe {
            [
                _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(from.cast()))),
                _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(from.add(8).cast()))),
            ]
        }
    }

    #[inline(always)]
    unsafe fn narrow_load_u8(from: *const u8) -> Self::Narrow {
        // SAFETY: the trait's contract: 16 readable bytes, loaded without alignment.
        unsafe {
            [
                _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))),
                _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.add(8).cast()))),
            ]
        }
    }

    #[inline(always)]
    unsafe fn narrow_store(a: Self::Narrow, to: *mut f32) {
        // SAFETY: the trait's contract: 16 writable numbers, stored without alignment.
        unsafe {
            _mm256_storeu_ps(to, a[0]);
            _mm256_storeu_ps(to.add(8), a[1]);
        }
    }

    #[inline(always)]
    unsafe fn narrow_add(a: Self::Narrow, b: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn narrow_sub(a: Self::Narrow, b: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn narrow_mul(a: Self::Narrow, b: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn narrow_mul_add(a: Self::Narrow, b: Self::Narrow, c: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            [
                _mm256_fmadd_ps(a[0], b[0], c[0]),
                _mm256_fmadd_ps(a[1], b[1], c[1]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn narrow_abs(a: Self::Narrow) -> Self::Narrow {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            let sign = _mm256_set1_ps(-0.0);
            [_mm256_andnot_ps(sign, a[0]), _mm256_andnot_ps(sign, a[1])]
        }
    }

    #[inline(always)]
    unsafe fn narrow_sum(a: Self::Narrow) -> f32 {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            let eight = _mm256_add_ps(a[0], a[1]);
            let four = _mm_add_ps(
                _mm256_castps256_ps128(eight),
                _mm256_extractf128_ps::<1>(eight),
            );
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline(always)]
    unsafe fn short_load(from: *const i16) -> Self::Short {
        // SAFETY: the trait's contract: 64 readable numbers, loaded without alignment.
        unsafe {
            [
                _mm256_loadu_si256(from.cast()),
                _mm256_loadu_si256(from.add(16).cast()),
                _mm256_loadu_si256(from.add(32).cast()),
                _mm256_loadu_si256(from.add(48).cast()),
            ]
        }
    }

    #[inline(always)]
    unsafe fn short_splat(value: i16) -> Self::Short {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_set1_epi16(value); 4] }
    }

    #[inline(always)]
    unsafe fn short_load_codes(from: *const u8, flip: u8) -> Self::Short {
        // SAFETY: the trait's contract: 64 readable bytes, loaded without alignment.
        unsafe {
            let flip = _mm256_set1_epi8(flip.cast_signed());
            let even = _mm256_set1_epi16(0xff);
            let low = _mm256_xor_si256(_mm256_loadu_si256(from.cast()), flip);
            let high = _mm256_xor_si256(_mm256_loadu_si256(from.add(32).cast()), flip);
            [
                _mm256_and_si256(low, even),
                _mm256_and_si256(high, even),
                _mm256_srli_epi16::<8>(low),
                _mm256_srli_epi16::<8>(high),
            ]
        }
    }

    #[inline(always)]
    unsafe fn short_distance(a: Self::Short, b: Self::Short) -> Self::Short {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            [
                _mm256_abs_epi16(_mm256_sub_epi16(_mm256_slli_epi16::<6>(a[0]), b[0])),
                _mm256_abs_epi16(_mm256_sub_epi16(_mm256_slli_epi16::<6>(a[1]), b[1])),
                _mm256_abs_epi16(_mm256_sub_epi16(_mm256_slli_epi16::<6>(a[2]), b[2])),
                _mm256_abs_epi16(_mm256_sub_epi16(_mm256_slli_epi16::<6>(a[3]), b[3])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn totals_zero() -> Self::Totals {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_setzero_si256(); 2] }
    }

    #[inline(always)]
    unsafe fn totals_add(totals: Self::Totals, a: Self::Short, b: Self::Short) -> Self::Totals {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            let even = _mm256_add_epi32(totals[0], _mm256_madd_epi16(a[0], b[0]));
            let odd = _mm256_add_epi32(totals[1], _mm256_madd_epi16(a[2], b[2]));
            [
                _mm256_add_epi32(even, _mm256_madd_epi16(a[1], b[1])),
                _mm256_add_epi32(odd, _mm256_madd_epi16(a[3], b[3])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn totals_sum(totals: Self::Totals) -> i32 {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            let eight = _mm256_add_epi32(totals[0], totals[1]);
            let four = _mm_add_epi32(
                _mm256_castsi256_si128(eight),
                _mm256_extracti128_si256::<1>(eight),
            );
            let two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
            _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<1>(two)))
        }
    }

    #[inline(always)]
    unsafe fn bits_load(from: *const u8) -> Self::Bits {
        // SAFETY: the trait's contract: 64 readable bytes, loaded without alignment.
        unsafe {
            [
                _mm256_loadu_si256(from.cast()),
                _mm256_loadu_si256(from.add(32).cast()),
            ]
        }
    }

    #[inline(always)]
    unsafe fn bits_xor(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_xor_si256(a[0], b[0]), _mm256_xor_si256(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn bits_and(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_and_si256(a[0], b[0]), _mm256_and_si256(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn bits_or(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { [_mm256_or_si256(a[0], b[0]), _mm256_or_si256(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn counts_zero() -> Self::Counts {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    unsafe fn counts_add(counts: Self::Counts, bits: Self::Bits) -> Self::Counts {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            // The counts of two bytes fit one.
            let bytes = _mm256_add_epi8(bytes_count(bits[0]), bytes_count(bits[1]));
            _mm256_add_epi64(counts, _mm256_sad_epu8(bytes, _mm256_setzero_si256()))
        }
    }

    #[inline(always)]
    unsafe fn counts_sum(counts: Self::Counts) -> u64 {
        // SAFETY: the trait's contract: the instructions are present.
        unsafe {
            let two = _mm_add_epi64(
                _mm256_castsi256_si128(counts),
                _mm256_extracti128_si256::<1>(counts),
            );
            let one = _mm_add_epi64(two, _mm_unpackhi_epi64(two, two));
            _mm_cvtsi128_si64(one).cast_unsigned()
        }
    }
}

/// How many bits are set in each byte, looked up for its halves.
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
unsafe fn bytes_count(bits: __m256i) -> __m256i {
    // SAFETY: the caller's promise: the instructions are present.
    unsafe {
        let table = _mm256_broadcastsi128_si256(_mm_setr_epi8(
            0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
        ));
        let low = _mm256_set1_epi8(0x0f);
        let lower = _mm256_and_si256(bits, low);
        let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bits), low);
        _mm256_add_epi8(
            _mm256_shuffle_epi8(table, lower),
            _mm256_shuffle_epi8(table, upper),
        )
    }
}
