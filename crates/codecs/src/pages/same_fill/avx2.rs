//! 128 bytes at a time with AVX2.
#![expect(unsafe_code, reason = "CPU instructions")]

use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_cmpeq_epi64, _mm256_loadu_si256, _mm256_movemask_epi8,
    _mm256_set1_epi64x,
};

use super::{WORD_BYTES, scalar};
use crate::pages::Backend;

pub(super) fn repeats(word: &[u8; WORD_BYTES], bytes: &[u8]) -> bool {
    if !Backend::Avx2.is_available() {
        return scalar::repeats(word, bytes);
    }
    // SAFETY: AVX2 was found on this machine just now.
    unsafe { blocks(word, bytes) }
}

#[target_feature(enable = "avx2")]
fn blocks(word: &[u8; WORD_BYTES], bytes: &[u8]) -> bool {
    let wanted = _mm256_set1_epi64x(i64::from_le_bytes(*word));
    let (blocks, tail) = bytes.as_chunks::<128>();
    for block in blocks {
        let start = block.as_ptr().cast::<__m256i>();
        // SAFETY: `block` is 128 bytes, and the four unaligned loads of 32 touch exactly those.
        let equal = unsafe {
            let pair = |first: usize| {
                _mm256_and_si256(
                    _mm256_cmpeq_epi64(_mm256_loadu_si256(start.add(first)), wanted),
                    _mm256_cmpeq_epi64(_mm256_loadu_si256(start.add(first + 1)), wanted),
                )
            };
            _mm256_and_si256(pair(0), pair(2))
        };
        if _mm256_movemask_epi8(equal) != -1 {
            return false;
        }
    }
    scalar::repeats(word, tail)
}
