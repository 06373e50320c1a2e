//! pgvector's texts and messages read the slow way: cut into pieces first, each of which must then be what it should.

use half::f16;
use ogive_vectors::{
    SPARSEVEC_DIMENSIONS_MAX, SPARSEVEC_NON_ZERO_MAX, SparseVec, VECTOR_DIMENSIONS_MAX,
};

/// What separates the parts of a text.
pub(crate) const SPACES: [char; 6] = [' ', '\t', '\n', '\r', '\x0b', '\x0c'];

/// `[1,2]` as a `vector`; `None` for text that is none.
pub fn read_vector(text: &str) -> Option<Vec<f32>> {
    let (body, end) = text
        .trim_matches(SPACES)
        .strip_prefix('[')?
        .split_once(']')?;
    let values: Option<Vec<f32>> = body
        .split(',')
        .map(|piece| number(piece).filter(|value| value.is_finite()))
        .collect();
    values.filter(|values| end.is_empty() && values.len() <= VECTOR_DIMENSIONS_MAX)
}

/// `[1,2]` as a `halfvec`.
pub fn read_halfvec(text: &str) -> Option<Vec<f16>> {
    let values = read_vector(text)?.into_iter().map(f16::from_f32);
    values
        .map(|value| value.is_finite().then_some(value))
        .collect()
}

/// `{1:2.5}/3` as a `sparsevec`.
pub fn read_sparsevec(text: &str) -> Option<SparseVec> {
    let (body, end) = text
        .trim_matches(SPACES)
        .strip_prefix('{')?
        .split_once('}')?;
    let dimensions = integer(end.trim_start_matches(SPACES).strip_prefix('/')?)?;
    let dimensions = usize::try_from(dimensions).ok()?;
    if !(1..=SPARSEVEC_DIMENSIONS_MAX).contains(&dimensions) {
        return None;
    }
    let mut elements = Vec::new();
    if !body.trim_matches(SPACES).is_empty() {
        for piece in body.split(',') {
            let (index, value) = piece.split_once(':')?;
            elements.push((integer(index)?, number_other_than_rounded_to_zero(value)?));
        }
    }
    if elements.len() > SPARSEVEC_NON_ZERO_MAX {
        return None;
    }
    if elements.iter().any(|(_, value)| !value.is_finite()) {
        return None;
    }
    // Where a zero is said to be does not matter.
    elements.retain(|(_, value)| *value != 0.0);
    elements.sort_by_key(|(index, _)| *index);
    let inside = |index: i128| (1..=dimensions as i128).contains(&index);
    if !elements.iter().all(|(index, _)| inside(*index))
        || elements.windows(2).any(|two| two[0].0 == two[1].0)
    {
        return None;
    }
    Some(SparseVec {
        dimensions: dimensions as i32,
        indices: elements.iter().map(|(i, _)| (*i - 1) as i32).collect(),
        values: elements.iter().map(|(_, value)| *value).collect(),
    })
}

/// `101`, `b101` or `xA` as bits.
pub fn read_bits(text: &str) -> Option<Vec<bool>> {
    let (digits, bits_each) = match text.chars().next() {
        Some('b' | 'B') => (&text[1..], 1),
        Some('x' | 'X') => (&text[1..], 4),
        _ => (text, 1),
    };
    let mut bits = Vec::new();
    for digit in digits.chars() {
        let value = digit.to_digit(1 << bits_each)?;
        bits.extend((0..bits_each).map(|place| value >> (bits_each - 1 - place) & 1 == 1));
    }
    Some(bits)
}

/// A message that holds a `vector`.
pub fn receive_vector(message: &[u8]) -> Option<Vec<f32>> {
    let values = elements(message)?.map(f32::from_be_bytes);
    values
        .map(|value| value.is_finite().then_some(value))
        .collect()
}

/// A message that holds a `halfvec`.
pub fn receive_halfvec(message: &[u8]) -> Option<Vec<f16>> {
    let values = elements(message)?.map(f16::from_be_bytes);
    values
        .map(|value| value.is_finite().then_some(value))
        .collect()
}

/// A message that holds a `sparsevec`.
pub fn receive_sparsevec(message: &[u8]) -> Option<SparseVec> {
    let mut words = message.chunks_exact(4);
    let mut word = || {
        words
            .next()
            .map(|word| i32::from_be_bytes(word.try_into().unwrap_or_default()))
    };
    let (dimensions, count, unused) = (word()?, word()?, word()?);
    if !(1..=SPARSEVEC_DIMENSIONS_MAX as i32).contains(&dimensions)
        || !(0..=dimensions.min(SPARSEVEC_NON_ZERO_MAX as i32)).contains(&count)
        || unused != 0
        || message.len() != 12 + 8 * count as usize
    {
        return None;
    }
    let indices: Vec<i32> = (0..count).filter_map(|_| word()).collect();
    let values: Vec<f32> = (0..count)
        .filter_map(|_| word())
        .map(|word| f32::from_bits(word as u32))
        .collect();
    let good = indices.iter().all(|index| (0..dimensions).contains(index))
        && indices.is_sorted_by(|a, b| a < b)
        && values
            .iter()
            .all(|value| value.is_finite() && *value != 0.0);
    good.then_some(SparseVec {
        dimensions,
        indices,
        values,
    })
}

/// The elements of a dense message of the right length.
fn elements<const N: usize>(message: &[u8]) -> Option<impl Iterator<Item = [u8; N]>> {
    let (head, body) = message.split_at_checked(4)?;
    let dimensions = usize::from(head[0]) << 8 | usize::from(head[1]);
    let good = (1..=VECTOR_DIMENSIONS_MAX).contains(&dimensions)
        && head[2..] == [0, 0]
        && body.len() == N * dimensions;
    let element = |bytes: &[u8]| std::array::from_fn(|index| bytes[index]);
    good.then(|| body.chunks_exact(N).map(element))
}

/// A piece of text that is one number.
fn number(piece: &str) -> Option<f32> {
    piece.trim_matches(SPACES).parse().ok()
}

/// The same, unless it is too small for anything but a zero.
fn number_other_than_rounded_to_zero(piece: &str) -> Option<f32> {
    let value = number(piece)?;
    let mut digits = piece.split(['e', 'E']).next().unwrap_or_default().chars();
    let is_zero = !digits.any(|digit| ('1'..='9').contains(&digit));
    (value != 0.0 || is_zero).then_some(value)
}

/// A piece of text that is one integer, held in a range that is wider than any that matters.
fn integer(piece: &str) -> Option<i128> {
    let piece = piece.trim_matches(SPACES);
    let digits = piece.strip_prefix(['+', '-']).unwrap_or(piece);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let size = digits.bytes().fold(0_i128, |size, digit| {
        size.saturating_mul(10)
            .saturating_add((digit - b'0').into())
    });
    Some(if piece.starts_with('-') { -size } else { size })
}
