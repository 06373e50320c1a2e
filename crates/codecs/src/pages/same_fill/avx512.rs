//! 256 bytes at a time with AVX-512.
#![expect(unsafe_code, reason = "CPU instructions")]

use std::arch::x86_64::{
    __m512i, _mm512_cmpneq_epi64_mask, _mm512_loadu_si512, _mm512_or_si512, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_xor_si512,
};

use super::{WORD_BYTES, scalar};
use crate::pages::Backend;

pub(super) fn repeats(word: &[u8; WORD_BYTES], bytes: &[u8]) -> bool {
    if !Backend::Avx512.is_available() {
        return scalar::repeats(word, bytes);
    }
    // SAFETY: AVX-512 F and BW were found on this machine just now.
    unsafe { blocks(word, bytes) }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn blocks(word: &[u8; WORD_BYTES], bytes: &[u8]) -> bool {
    let wanted = _mm512_set1_epi64(i64::from_le_bytes(*word));
    let (blocks, tail) = bytes.as_chunks::<256>();
    for block in blocks {
        let start = block.as_ptr().cast::<__m512i>();
        // SAFETY: `block` is 256 bytes, and the four unaligned loads of 64 touch exactly those.
        let different = unsafe {
            let pair = |first: usize| {
                _mm512_or_si512(
                    _mm512_xor_si512(_mm512_loadu_si512(start.add(first)), wanted),
                    _mm512_xor_si512(_mm512_loadu_si512(start.add(first + 1)), wanted),
                )
            };
            _mm512_or_si512(pair(0), pair(2))
        };
        if _mm512_cmpneq_epi64_mask(different, _mm512_setzero_si512()) != 0 {
            return false;
        }
    }
    scalar::repeats(word, tail)
}
