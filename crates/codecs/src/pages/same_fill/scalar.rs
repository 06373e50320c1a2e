//! A word at a time: the oracle.

use super::WORD_BYTES;

pub(super) fn repeats(word: &[u8; WORD_BYTES], bytes: &[u8]) -> bool {
    let (words, tail) = bytes.as_chunks::<WORD_BYTES>();
    words.iter().all(|other| other == word) && word.starts_with(tail)
}
