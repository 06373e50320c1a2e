//! Eight values at a time with the F16C conversion instructions.
#![expect(unsafe_code, reason = "CPU instructions")]

use std::arch::x86_64::{
    _MM_FROUND_TO_NEAREST_INT, _mm_loadu_si128, _mm_storeu_si128, _mm256_cvtph_ps, _mm256_cvtps_ph,
    _mm256_loadu_ps, _mm256_storeu_ps,
};

use super::scalar;

/// Whether this machine has what the functions below need. The answer is kept by the standard library.
pub(super) fn is_available() -> bool {
    std::arch::is_x86_feature_detected!("avx") && std::arch::is_x86_feature_detected!("f16c")
}

/// Encodes into `target` (two bytes a value); false, and nothing done, where the instructions are missing.
pub(super) fn encode(values: &[f32], target: &mut [u8]) -> bool {
    if !is_available() {
        return false;
    }
    // SAFETY: AVX and F16C were found on this machine just now.
    unsafe { encode_blocks(values, target) };
    true
}

/// Decodes `bytes` (two bytes a value); false, and nothing done, where the instructions are missing.
pub(super) fn decode(bytes: &[u8], out: &mut [f32]) -> bool {
    if !is_available() {
        return false;
    }
    // SAFETY: AVX and F16C were found on this machine just now.
    unsafe { decode_blocks(bytes, out) };
    true
}

#[target_feature(enable = "avx,f16c")]
fn encode_blocks(values: &[f32], target: &mut [u8]) {
    let (blocks, tail) = values.as_chunks::<8>();
    let (targets, _) = target.as_chunks_mut::<16>();
    for (block, bytes) in blocks.iter().zip(targets) {
        // SAFETY: `block` is 8 floats and `bytes` 16 bytes; the unaligned load and store touch exactly those.
        unsafe {
            let halves =
                _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(block.as_ptr()));
            _mm_storeu_si128(bytes.as_mut_ptr().cast(), halves);
        }
    }
    if let Some(rest) = target.get_mut(blocks.len() * 16..) {
        scalar::encode(tail, rest);
    }
}

#[target_feature(enable = "avx,f16c")]
fn decode_blocks(bytes: &[u8], out: &mut [f32]) {
    let (blocks, tail) = bytes.as_chunks::<16>();
    let (targets, rest) = out.as_chunks_mut::<8>();
    for (block, values) in blocks.iter().zip(targets) {
        // SAFETY: `block` is 16 bytes and `values` 8 floats; the unaligned load and store touch exactly those.
        unsafe {
            let wide = _mm256_cvtph_ps(_mm_loadu_si128(block.as_ptr().cast()));
            _mm256_storeu_ps(values.as_mut_ptr(), wide);
        }
    }
    scalar::decode(tail, rest);
}
