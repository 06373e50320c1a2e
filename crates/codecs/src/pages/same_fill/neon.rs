//! 64 bytes at a time with NEON.
#![expect(unsafe_code, reason = "CPU instructions")]

use std::arch::aarch64::{
    vandq_u64, vceqq_u64, vdupq_n_u64, vld1q_u64, vminvq_u32, vreinterpretq_u32_u64,
};

use super::{WORD_BYTES, scalar};
use crate::pages::Backend;

pub(super) fn repeats(word: &[u8; WORD_BYTES], bytes: &[u8]) -> bool {
    if !Backend::Neon.is_available() {
        return scalar::repeats(word, bytes);
    }
    // SAFETY: NEON was found on this machine just now.
    unsafe { blocks(word, bytes) }
}

#[target_feature(enable = "neon")]
fn blocks(word: &[u8; WORD_BYTES], bytes: &[u8]) -> bool {
    let wanted = vdupq_n_u64(u64::from_le_bytes(*word));
    let (blocks, tail) = bytes.as_chunks::<64>();
    for block in blocks {
        let start = block.as_ptr().cast::<u64>();
        // SAFETY: `block` is 64 bytes, and the four loads of 16, which need no alignment, touch exactly those.
        let equal = unsafe {
            let at = |first: usize| vceqq_u64(vld1q_u64(start.add(first)), wanted);
            vandq_u64(vandq_u64(at(0), at(2)), vandq_u64(at(4), at(6)))
        };
        if vminvq_u32(vreinterpretq_u32_u64(equal)) != u32::MAX {
            return false;
        }
    }
    scalar::repeats(word, tail)
}
