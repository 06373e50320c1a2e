//! One unsigned byte a value, with one minimum and one scale for all values of a run.
//!
//! With every step in `f32`, and two roundings, never a fused operation:
//!
//! ```text
//! scale = max == min ? 1 : (max - min) / 255
//! byte  = round_half_even((x - min) / scale) modulo 256
//! value = byte * scale + min
//! ```
//!
//! The codec does not refuse anything: a NaN makes `min` and `scale` NaN, an infinity or a range above `f32::MAX` makes
//! `scale` infinite, and all bytes are then 0 and decode to NaN. (A run of one and the same infinity has `scale` 1 and
//! decodes to itself.) Where that must not happen, look at [`Parameters::is_finite`] after encoding.

mod blocks;
#[cfg(test)]
mod scalar;
#[cfg(test)]
mod tests;

use crate::Error;

/// What decoding needs besides the bytes. Both are kept as `f64`, as formats that store them as decimal text do; decoding
/// rounds them to `f32`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// The smallest value, which byte 0 stands for.
    pub min: f64,
    /// The step between two neighbouring bytes.
    pub scale: f64,
}

impl Parameters {
    /// Whether decoded values are finite: false when the input held a NaN or an infinity, or spanned more than `f32::MAX`.
    pub fn is_finite(&self) -> bool {
        self.min.is_finite() && self.scale.is_finite()
    }
}

/// Appends one byte a value and returns the parameters of the run.
///
/// An empty run has `min` 0 and `scale` 1.
pub fn encode(values: &[f32], out: &mut Vec<u8>) -> Parameters {
    let Some((min, max)) = blocks::bounds(values) else {
        return Parameters {
            min: 0.0,
            scale: 1.0,
        };
    };
    let scale = if max == min { 1.0 } else { (max - min) / 255.0 };
    blocks::quantise(values, min, scale, out);
    Parameters {
        min: f64::from(min),
        scale: f64::from(scale),
    }
}

/// Decodes `out.len()` values.
///
/// # Errors
/// [`Error::Length`] when `bytes` is not exactly one byte a value.
pub fn decode(bytes: &[u8], parameters: Parameters, out: &mut [f32]) -> Result<(), Error> {
    if bytes.len() != out.len() {
        return Err(Error::Length {
            found: bytes.len() as u64,
            expected: out.len() as u64,
        });
    }
    let (min, scale) = (parameters.min as f32, parameters.scale as f32);
    for (value, byte) in out.iter_mut().zip(bytes) {
        // Rust never contracts this into a fused multiply-add, which would round once instead of twice.
        *value = f32::from(*byte) * scale + min;
    }
    Ok(())
}
