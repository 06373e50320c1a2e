//! Pages that repeat one word of eight bytes: zeros above all, and memory that was filled with a value.
//!
//! Bytes are *same-fill* when they are longer than a word and the byte at every place `i` is that at `i - 8`; the last
//! repetition may be cut. Up to eight bytes are same-fill when all of them are equal.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;

use super::Backend;

/// Bytes of the word.
pub const WORD_BYTES: usize = 8;

/// The word that `bytes` repeat; `None` where they do not, or where there are none.
pub fn word_of(bytes: &[u8]) -> Option<[u8; WORD_BYTES]> {
    word_of_with(Backend::best(), bytes)
}

/// [`word_of`] by a back end; by portable code where the machine does not have it.
pub fn word_of_with(backend: Backend, bytes: &[u8]) -> Option<[u8; WORD_BYTES]> {
    let first = *bytes.first()?;
    if bytes.len() <= WORD_BYTES {
        return bytes
            .iter()
            .all(|byte| *byte == first)
            .then_some([first; WORD_BYTES]);
    }
    let word = *bytes.first_chunk::<WORD_BYTES>()?;
    // Most pages that are not same-fill differ at once, and need no more than this.
    if bytes.get(WORD_BYTES) != word.first() || !ends_alike(bytes) {
        return None;
    }
    repeats(backend, &word, bytes).then_some(word)
}

/// Whether the last word is that before it, eight bytes or what there is.
fn ends_alike(bytes: &[u8]) -> bool {
    let end = bytes.len();
    bytes.get(end.saturating_sub(WORD_BYTES)..)
        == bytes.get(end.saturating_sub(2 * WORD_BYTES)..end.saturating_sub(WORD_BYTES))
        || end < 2 * WORD_BYTES
}

/// Whether `bytes` is `word` over and over, the last time perhaps cut.
fn repeats(backend: Backend, word: &[u8; WORD_BYTES], bytes: &[u8]) -> bool {
    match backend {
        #[cfg(target_arch = "x86_64")]
        Backend::Avx512 => avx512::repeats(word, bytes),
        #[cfg(target_arch = "x86_64")]
        Backend::Avx2 => avx2::repeats(word, bytes),
        #[cfg(target_arch = "aarch64")]
        Backend::Neon => neon::repeats(word, bytes),
        _ => scalar::repeats(word, bytes),
    }
}

/// Writes `word` over and over.
pub fn fill(word: &[u8; WORD_BYTES], out: &mut [u8]) {
    // The compiler makes stores of whole vectors of this; there is nothing to gain by hand.
    let (words, tail) = out.as_chunks_mut::<WORD_BYTES>();
    words.fill(*word);
    for (slot, byte) in tail.iter_mut().zip(word) {
        *slot = *byte;
    }
}
