//! x86-64 with AVX-512: a column of a block is one register.

use std::arch::x86_64::*;
use std::ops::Range;

use super::{LOOKUP_ROWS, LOOKUP_SEGMENT, Scan, scan_blocks};
use crate::simd::PREFETCH_BYTES;

/// # Safety
/// The lengths are those of [`Scan`].
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) unsafe fn enter(scan: Scan<'_>) {
    let (tables, weights, columns) = (scan.tables, scan.weights, scan.shape.columns);
    scan_blocks(scan, |codes, totals| {
        // SAFETY: this function can only run where the features are present; `codes` is the rest of a block, which has
        // 64 bytes for each column, and there are two tables for each column and a weight for each segment.
        unsafe { sums(codes.as_ptr(), columns, tables.as_ptr(), weights, totals) }
    });
}

/// # Safety
/// The processor has the instructions; `codes` is valid for reads of 64 bytes for each column and `tables` for two
/// tables for each column.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn sums(
    codes: *const u8,
    columns: usize,
    tables: *const [u8; 16],
    weights: &[u16],
    out: &mut [i32; LOOKUP_ROWS],
) {
    let mut totals = [_mm512_setzero_si512(); 4];
    for (index, pair) in weights.chunks(2).enumerate() {
        let start = 2 * index * LOOKUP_SEGMENT;
        let middle = columns.min(start + LOOKUP_SEGMENT);
        let end = columns.min(middle + LOOKUP_SEGMENT);
        // SAFETY: the columns are those that there are.
        let (first, second) = unsafe {
            (
                segment(codes, tables, start..middle),
                segment(codes, tables, middle..end),
            )
        };
        let weight = |index: usize| pair.get(index).copied().map_or(0, i32::from);
        let weights = _mm512_set1_epi32(weight(0) | weight(1) << 16);
        let parts = [
            _mm512_unpacklo_epi16(first[0], second[0]),
            _mm512_unpackhi_epi16(first[0], second[0]),
            _mm512_unpacklo_epi16(first[1], second[1]),
            _mm512_unpackhi_epi16(first[1], second[1]),
        ];
        for (total, part) in totals.iter_mut().zip(parts) {
            *total = _mm512_add_epi32(*total, _mm512_madd_epi16(part, weights));
        }
    }
    // Of the sixteen rows of a 128-bit lane: 0 2 4 6, 8 10 12 14, 1 3 5 7, 9 11 13 15.
    let [even_low, even_high, odd_low, odd_high] = totals;
    let ordered = [
        _mm512_unpacklo_epi32(even_low, odd_low),
        _mm512_unpackhi_epi32(even_low, odd_low),
        _mm512_unpacklo_epi32(even_high, odd_high),
        _mm512_unpackhi_epi32(even_high, odd_high),
    ];
    let out = out.as_mut_ptr();
    for (fourth, rows) in ordered.into_iter().enumerate() {
        // SAFETY: four numbers at 16 * lane + 4 * fourth, all within the 64 of `out`.
        unsafe {
            let to = out.add(4 * fourth);
            _mm_storeu_si128(to.cast(), _mm512_castsi512_si128(rows));
            _mm_storeu_si128(to.add(16).cast(), _mm512_extracti32x4_epi32::<1>(rows));
            _mm_storeu_si128(to.add(32).cast(), _mm512_extracti32x4_epi32::<2>(rows));
            _mm_storeu_si128(to.add(48).cast(), _mm512_extracti32x4_epi32::<3>(rows));
        }
    }
}

/// The sums of some columns: of the even rows, and of the odd ones.
///
/// # Safety
/// As [`sums`]; `columns` are among those that there are.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn segment(
    codes: *const u8,
    tables: *const [u8; 16],
    columns: Range<usize>,
) -> [__m512i; 2] {
    let nibble = _mm512_set1_epi8(15);
    let mut all = _mm512_setzero_si512();
    let mut odd = _mm512_setzero_si512();
    for column in columns {
        // SAFETY: the caller's promise; a prefetch reads nothing.
        let (codes, low, high) = unsafe {
            let from = codes.add(column * LOOKUP_ROWS);
            _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(PREFETCH_BYTES).cast());
            (
                _mm512_loadu_si512(from.cast()),
                _mm_loadu_si128(tables.add(2 * column).cast()),
                _mm_loadu_si128(tables.add(2 * column + 1).cast()),
            )
        };
        let low = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(low), _mm512_and_si512(codes, nibble));
        let high = _mm512_shuffle_epi8(
            _mm512_broadcast_i32x4(high),
            _mm512_and_si512(_mm512_srli_epi16::<4>(codes), nibble),
        );
        all = _mm512_add_epi16(all, _mm512_add_epi16(low, high));
        odd = _mm512_add_epi16(
            odd,
            _mm512_add_epi16(_mm512_srli_epi16::<8>(low), _mm512_srli_epi16::<8>(high)),
        );
    }
    [_mm512_sub_epi16(all, _mm512_slli_epi16::<8>(odd)), odd]
}
