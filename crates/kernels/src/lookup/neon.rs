//! 64-bit Arm: a column of a block is four registers; sums widen as they are added.

use std::arch::aarch64::*;

use super::{LOOKUP_ROWS, LOOKUP_SEGMENT, Scan, scan_blocks};

/// Rows of a register.
const LANES: usize = 16;

/// # Safety
/// The lengths are those of [`Scan`].
#[target_feature(enable = "neon")]
pub(super) unsafe fn enter(scan: Scan<'_>) {
    let (tables, weights, columns) = (scan.tables, scan.weights, scan.shape.columns);
    scan_blocks(scan, |codes, totals| {
        for start in (0..LOOKUP_ROWS).step_by(LANES) {
            // SAFETY: this function can only run where the feature is present; `codes` is the rest of a block, which has
            // 64 bytes for each column, and there are two tables for each column and a weight for each segment.
            unsafe {
                let codes = codes.as_ptr().add(start);
                let out = totals.as_mut_ptr().add(start);
                sums(codes, columns, tables.as_ptr(), weights, out);
            }
        }
    });
}

/// # Safety
/// The processor has the instructions; `codes` is valid for reads of 16 bytes at 64 times each column, `tables` for two
/// tables for each column, `out` for writes of 16 numbers.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn sums(
    codes: *const u8,
    columns: usize,
    tables: *const [u8; 16],
    weights: &[u16],
    out: *mut i32,
) {
    let nibble = vdupq_n_u8(15);
    let mut totals = [vdupq_n_u32(0); 4];
    let mut column = 0;
    for weight in weights {
        let end = columns.min(column + LOOKUP_SEGMENT);
        let mut first = vdupq_n_u16(0);
        let mut second = vdupq_n_u16(0);
        while column < end {
            // SAFETY: `column` is less than `columns`.
            let (codes, low, high) = unsafe {
                (
                    vld1q_u8(codes.add(column * LOOKUP_ROWS)),
                    vld1q_u8(tables.add(2 * column).cast()),
                    vld1q_u8(tables.add(2 * column + 1).cast()),
                )
            };
            let low = vqtbl1q_u8(low, vandq_u8(codes, nibble));
            let high = vqtbl1q_u8(high, vshrq_n_u8::<4>(codes));
            first = vaddw_u8(vaddw_u8(first, vget_low_u8(low)), vget_low_u8(high));
            second = vaddw_high_u8(vaddw_high_u8(second, low), high);
            column += 1;
        }
        totals[0] = vmlal_n_u16(totals[0], vget_low_u16(first), *weight);
        totals[1] = vmlal_high_n_u16(totals[1], first, *weight);
        totals[2] = vmlal_n_u16(totals[2], vget_low_u16(second), *weight);
        totals[3] = vmlal_high_n_u16(totals[3], second, *weight);
    }
    for (fourth, rows) in totals.into_iter().enumerate() {
        // SAFETY: the caller's promise: 16 writable numbers.
        unsafe { vst1q_s32(out.add(4 * fourth), vreinterpretq_s32_u32(rows)) }
    }
}
