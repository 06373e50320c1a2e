//! One value at a time, in integer arithmetic: the twin that the fast paths are compared with, and the only path of `f64`.

use half::f16;

/// `target` holds two bytes a value.
pub(super) fn encode(values: &[f32], target: &mut [u8]) {
    for (value, bytes) in values.iter().zip(target.chunks_exact_mut(2)) {
        bytes.copy_from_slice(&f16::from_f32_const(*value).to_le_bytes());
    }
}

/// `bytes` holds two bytes a value.
pub(super) fn decode(bytes: &[u8], out: &mut [f32]) {
    for (value, pair) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
        *value = f16::from_le_bytes(*pair).to_f32_const();
    }
}

/// Bits of the half nearest to `value`, ties to even.
///
/// Done here because going through `f32`, as the hardware must, rounds twice: 1 + 2^-11 + 2^-40 would become 1.
pub(super) fn half_from_f64(value: f64) -> u16 {
    const MANTISSA: u64 = (1 << 52) - 1;
    let bits = value.to_bits();
    let sign = ((bits >> 48) & 0x8000) as u16;
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1023;
    let mantissa = bits & MANTISSA;
    if exponent == 1024 {
        // NaN keeps the top of its payload and is made quiet, as the hardware does.
        let payload = if mantissa == 0 {
            0
        } else {
            0x200 | (mantissa >> 42) as u16
        };
        return sign | 0x7c00 | payload;
    }
    if exponent > 15 {
        return sign | 0x7c00;
    }
    if exponent < -25 {
        // Below half of the smallest subnormal, 2^-25: nothing is left but the sign.
        return sign;
    }
    // The significand with its leading one; `dropped` low bits do not fit. A carry out of the rounded mantissa moves into
    // the exponent, which is the right result, up to infinity.
    let significand = mantissa | (1 << 52);
    let (base, dropped) = if exponent >= -14 {
        ((exponent + 14) as u64, 42)
    } else {
        (0, 42 + (-14 - exponent) as u64)
    };
    let kept = significand >> dropped;
    let rest = significand & ((1 << dropped) - 1);
    let tie = 1_u64 << (dropped - 1);
    let up = rest > tie || (rest == tie && kept & 1 == 1);
    sign | ((base << 10) + kept + u64::from(up)) as u16
}
