//! IEEE binary16: 2 bytes a value, little-endian, in the order of the values.
//!
//! Encoding rounds to nearest even: `|x| >= 65520` becomes an infinity, results below the normal range are subnormal, NaN
//! stays NaN (its payload is cut) and the sign of zero is kept. Decoding is exact.

#[cfg(target_arch = "x86_64")]
mod f16c;
mod scalar;
#[cfg(test)]
mod tests;

use crate::Error;

/// Bytes of one value.
pub const BYTES_PER_VALUE: usize = 2;

/// Appends the binary16 of each value.
pub fn encode_f32(values: &[f32], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + values.len() * BYTES_PER_VALUE, 0);
    if let Some(target) = out.get_mut(start..) {
        #[cfg(target_arch = "x86_64")]
        if f16c::encode(values, target) {
            return;
        }
        scalar::encode(values, target);
    }
}

/// Appends the binary16 of each value, rounded once: there is no stop at `f32` on the way.
pub fn encode_f64(values: &[f64], out: &mut Vec<u8>) {
    out.reserve(values.len() * BYTES_PER_VALUE);
    for value in values {
        out.extend_from_slice(&scalar::half_from_f64(*value).to_le_bytes());
    }
}

/// Widens `out.len()` values.
///
/// # Errors
/// [`Error::Length`] when `bytes` is not exactly two bytes a value.
pub fn decode(bytes: &[u8], out: &mut [f32]) -> Result<(), Error> {
    let expected = out.len() as u64 * BYTES_PER_VALUE as u64;
    if bytes.len() as u64 != expected {
        return Err(Error::Length {
            found: bytes.len() as u64,
            expected,
        });
    }
    #[cfg(target_arch = "x86_64")]
    if f16c::decode(bytes, out) {
        return Ok(());
    }
    scalar::decode(bytes, out);
    Ok(())
}
