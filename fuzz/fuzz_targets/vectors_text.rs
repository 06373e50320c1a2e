//! pgvector's values from text and from messages, and what is done with them.

#![no_main]

use std::fmt::Debug;

use half::f16;
use libfuzzer_sys::fuzz_target;
use ogive_fuzz::{
    Random, assert_same_f32, check_array_text, check_casts, check_dense, check_sparse,
    check_sparse_parts, read_bits, read_halfvec, read_sparsevec, read_vector, receive_halfvec,
    receive_sparsevec, receive_vector, with_memory,
};
use ogive_kernels::{Encoding, Metric, Query, Rows};
use ogive_vectors::{
    Element, Numeric, QUOTED_CHARACTERS_MAX, SparseVec, VectorError, VectorType, bit_type_modifier,
    decode_halfvec, decode_sparsevec, decode_vector, encode_halfvec, encode_sparsevec,
    encode_vector, format_bits, format_dense, format_float4, format_float8, format_sparsevec,
    hamming_distance, jaccard_distance, parse_bits, parse_halfvec, parse_sparsevec, parse_varbits,
    parse_vector, resize_bits, vector_from_array, write_dense,
};

// The bytes are a message, and text: up to a NUL the first operand, behind it the second one.
fuzz_target!(|data: &[u8]| {
    let mut random = Random::of(data);
    check_message(data);
    check_message(&message(data, &mut random));

    let text = String::from_utf8_lossy(data);
    let (first, second) = text.split_once('\0').unwrap_or((&text, ""));
    // An input is short; what has many elements is made of one with few.
    let repeated = (random.up_to(63) == 0).then(|| repeat(first, &mut random));
    let first = repeated.as_deref().unwrap_or(first);

    let [vector, other] = [first, second].map(|text| {
        value(
            text,
            parse_vector,
            read_vector,
            |v| format_dense(v),
            |v| v.len(),
            &mut random,
        )
    });
    if let Some(vector) = &vector {
        check_dense(
            vector,
            &other.unwrap_or_else(|| like(vector, &mut random)),
            &mut random,
        );
        check_sent(vector, encode_vector, decode_vector);
        let largest = f16::MAX.to_f32();
        let halves = vector
            .iter()
            .map(|x| f16::from_f32(x.clamp(-largest, largest)));
        check_casts(vector, &halves.collect::<Vec<_>>());
    }
    let [halfvec, other] = [first, second].map(|text| {
        value(
            text,
            parse_halfvec,
            read_halfvec,
            |v| format_dense(v),
            |v| v.len(),
            &mut random,
        )
    });
    if let Some(halfvec) = &halfvec {
        check_dense(
            halfvec,
            &other.unwrap_or_else(|| like(halfvec, &mut random)),
            &mut random,
        );
        check_sent(halfvec, encode_halfvec, decode_halfvec);
    }
    let [sparse, other] = [first, second].map(|text| {
        let dimensions = |sparse: &SparseVec| sparse.dimensions as usize;
        value(
            text,
            parse_sparsevec,
            read_sparsevec,
            format_sparsevec,
            dimensions,
            &mut random,
        )
    });
    if let Some(sparse) = &sparse {
        check_sparse_parts(sparse);
        check_sparse(
            sparse,
            &other.unwrap_or_else(|| sparse_like(sparse, &mut random)),
        );
    }
    let [bits, other] = [first, second].map(|text| check_bits(text, &mut random));
    if let Some(bits) = &bits {
        check_bit_distances(bits, &other.unwrap_or_default());
        let toggled: Vec<bool> = bits
            .iter()
            .map(|bit| bit ^ (random.up_to(2) == 0))
            .collect();
        check_bit_distances(bits, &toggled);
    }
    check_array_text(first);
    check_modifiers(&text);
    check_numbers(&text, data);
});

/// Reads a text in both ways; what is a value is written and read again, the length of its type is checked.
fn value<T: PartialEq + Debug>(
    text: &str,
    parse: fn(&str, Option<usize>) -> Result<T, VectorError>,
    read: fn(&str) -> Option<T>,
    format: impl Fn(&T) -> String,
    dimensions: impl Fn(&T) -> usize,
    random: &mut Random,
) -> Option<T> {
    let memory = (1 << 14) + 32 * text.len();
    let found = with_memory("reading text", memory, || parse(text, None));
    let expected = read(text);
    if let Err(error) = &found {
        check_error(error);
    }
    assert_eq!(
        found.as_ref().ok(),
        expected.as_ref(),
        "{found:?} of {text:?}"
    );
    let value = found.ok()?;
    let written = format(&value);
    // Values are equal where only the signs of zeros differ, texts are not.
    assert_eq!(expected.as_ref().map(&format).as_ref(), Some(&written));
    assert_eq!(
        format(&parse(&written, None).expect("text just written")),
        written
    );
    assert_eq!(parse(&written, None).as_ref(), Ok(&value), "{written}");
    assert!(written.bytes().all(|byte| byte.is_ascii_graphic()));

    let length = dimensions(&value);
    assert_eq!(parse(text, Some(length)).as_ref(), Ok(&value));
    let other = random.up_to(length + 1);
    assert_eq!(parse(text, Some(other)).is_ok(), other == length);
    Some(value)
}

/// What a client is told fits a line, whatever it sent.
fn check_error(error: &VectorError) {
    assert!(
        error.message().chars().count() < QUOTED_CHARACTERS_MAX + 100,
        "{error}"
    );
    assert_eq!(error.sqlstate().len(), 5);
}

/// The whole message in both ways.
fn check_message(message: &[u8]) {
    let memory = (1 << 12) + 8 * message.len();
    let vector = with_memory("a vector", memory, || decode_vector(message, None));
    assert_received(&vector, &receive_vector(message));
    if let Ok(vector) = &vector {
        assert_sent(message, |out| encode_vector(vector, out));
        assert!(decode_vector(message, Some(vector.len())).is_ok());
        assert!(decode_vector(message, Some(vector.len() + 1)).is_err());
    }
    let halfvec = with_memory("a halfvec", memory, || decode_halfvec(message, None));
    assert_received(&halfvec, &receive_halfvec(message));
    if let Ok(halfvec) = &halfvec {
        assert_sent(message, |out| encode_halfvec(halfvec, out));
    }
    let sparse = with_memory("a sparsevec", memory, || decode_sparsevec(message, None));
    assert_received(&sparse, &receive_sparsevec(message));
    if let Ok(sparse) = &sparse {
        assert_sent(message, |out| encode_sparsevec(sparse, out));
        check_sparse_parts(sparse);
    }
}

fn assert_received<T: PartialEq + Debug>(found: &Result<T, VectorError>, expected: &Option<T>) {
    if let Err(error) = found {
        check_error(error);
    }
    assert_eq!(found.as_ref().ok(), expected.as_ref(), "{found:?}");
}

fn assert_sent(message: &[u8], encode: impl FnOnce(&mut Vec<u8>) -> Result<(), VectorError>) {
    let mut out = Vec::new();
    encode(&mut out).expect("a value that was received");
    assert_eq!(out, message);
}

/// A value comes back from its message to the last bit.
fn check_sent<E: Element>(
    value: &[E],
    encode: impl Fn(&[E], &mut Vec<u8>) -> Result<(), VectorError>,
    decode: impl Fn(&[u8], Option<usize>) -> Result<Vec<E>, VectorError>,
) {
    let mut message = Vec::new();
    encode(value, &mut message).expect("a value that was read");
    let back = decode(&message, Some(value.len())).expect("a message just written");
    let reals = |value: &[E]| -> Vec<f32> { value.iter().map(|x| x.to_f32()).collect() };
    assert_same_f32("received", &reals(&back), &reals(value));
    let mut text = String::new();
    write_dense(&mut text, value).expect("a string takes everything");
    assert_eq!(text, format_dense(value));
}

/// A message whose head is right, mostly, and whose elements are the bytes, over and over.
fn message(data: &[u8], random: &mut Random) -> Vec<u8> {
    let most = if random.up_to(63) == 0 { 16_001 } else { 20 };
    let count = random.up_to(most);
    let (mut message, bytes) = match random.up_to(2) {
        0 => ((count as u16).to_be_bytes().to_vec(), 2 + 4 * count),
        1 => ((count as u16).to_be_bytes().to_vec(), 2 + 2 * count),
        _ => {
            let dimensions = count as i32 * random.up_to(3) as i32;
            let words = [dimensions, count as i32, 0].map(i32::to_be_bytes);
            (words.concat(), 8 * count)
        }
    };
    let body_start = message.len();
    message.extend(data.iter().copied().cycle().take(bytes));
    if body_start == 2 && random.up_to(15) > 0 {
        let end = message.len().min(4);
        message[2..end].fill(0);
    } else if random.up_to(3) > 0 {
        // Indices that ascend.
        let indices = message[body_start..].chunks_exact_mut(4).take(count);
        for (index, word) in indices.enumerate() {
            word.copy_from_slice(&(index as i32).to_be_bytes());
        }
    }
    message
}

/// The text with its middle as often as it takes to reach the limits.
fn repeat(text: &str, random: &mut Random) -> String {
    let (Some(open), Some(close)) = (text.find(['[', '{']), text.rfind([']', '}'])) else {
        return text.repeat(1 + random.up_to(40));
    };
    if open >= close {
        return text.to_owned();
    }
    let middle = &text[open + 1..close];
    let pieces = middle.split(',').count();
    let times = [15_999, 16_000, 16_001][random.up_to(2)] / pieces.max(1) + random.up_to(1);
    let middle = vec![middle; times.max(1)].join(",");
    format!("{}{middle}{}", &text[..=open], &text[close..])
}

/// A vector of the same dimensions, most of whose elements may be the same.
fn like<E: Element>(vector: &[E], random: &mut Random) -> Vec<E> {
    let same = random.up_to(8);
    let mut other = |x: &E| {
        let x = x.to_f32();
        let other = match random.up_to(4 + same) {
            0 => f32::from_bits(random.bits() as u32),
            1 => -x,
            2 => f32::from_bits(x.to_bits() ^ 1 << random.up_to(31)),
            3 => random.up_to(4) as f32 - 2.0,
            _ => x,
        };
        let other = E::nearest(other);
        if other.to_f32().is_finite() {
            other
        } else {
            E::nearest(0.0)
        }
    };
    vector.iter().map(&mut other).collect()
}

/// A sparse vector of the same dimensions, or of some that end near an element, with most of the places.
fn sparse_like(sparse: &SparseVec, random: &mut Random) -> SparseVec {
    let values = like(&sparse.values, random);
    let dimensions = if random.up_to(1) == 0 {
        sparse.dimensions
    } else {
        let index = random.up_to(sparse.indices.len());
        let end = *sparse.indices.get(index).unwrap_or(&sparse.dimensions);
        end.saturating_add(random.up_to(2) as i32)
            .clamp(1, 1_000_000_000)
    };
    let exactly = random.up_to(1) == 0;
    let mut last = -1;
    let mut elements = Vec::new();
    for (index, value) in sparse.indices.iter().zip(values) {
        let beside = random.up_to(2) as i32 - 1;
        let index = if exactly { *index } else { index + beside };
        if index > last && index < dimensions && value != 0.0 {
            elements.push((index, value));
            last = index;
        }
    }
    let (indices, values) = elements.into_iter().unzip();
    SparseVec {
        dimensions,
        indices,
        values,
    }
}

fn check_bits(text: &str, random: &mut Random) -> Option<Vec<bool>> {
    let memory = (1 << 12) + 8 * text.len();
    let found = with_memory("reading bits", memory, || parse_bits(text, None));
    assert_eq!(
        found.as_ref().ok(),
        read_bits(text).as_ref(),
        "{found:?} of {text:?}"
    );
    assert_eq!(parse_varbits(text, None), found);
    let bits = match found {
        Ok(bits) => bits,
        Err(error) => {
            check_error(&error);
            return None;
        }
    };
    let written = format_bits(&bits);
    assert_eq!(parse_bits(&written, Some(bits.len())).as_ref(), Ok(&bits));
    let length = random.up_to(bits.len() + 2);
    assert_eq!(parse_bits(text, Some(length)).is_ok(), length == bits.len());
    assert_eq!(
        parse_varbits(text, Some(length)).is_ok(),
        length >= bits.len()
    );
    let zeros = std::iter::repeat(false);
    let resized: Vec<bool> = bits.iter().copied().chain(zeros).take(length).collect();
    assert_eq!(resize_bits(&bits, length), resized);
    Some(bits)
}

/// Both distances, against those of the kernels.
fn check_bit_distances(a: &[bool], b: &[bool]) {
    let found = [hamming_distance(a, b), jaccard_distance(a, b)];
    if a.len() != b.len() {
        assert!(found.iter().all(Result::is_err), "different lengths");
        return;
    }
    let [left, right] = [a, b].map(|bits| -> Vec<u8> {
        let byte = |bits: &[bool]| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        bits.chunks(8).map(byte).collect()
    });
    let rows = Rows::with_rows(&left, 1, 8 * left.len(), Encoding::Bits).expect("whole bytes");
    for (metric, found) in [Metric::Hamming, Metric::Jaccard].into_iter().zip(found) {
        let mut expected = [0.0];
        Query::from_bits(metric, &right).distances(&rows, &mut expected);
        assert_eq!(found, Ok(expected[0]), "{metric}");
    }
}

fn check_modifiers(text: &str) {
    let parts: Vec<&str> = text.split(',').take(3).collect();
    for kind in [
        VectorType::Vector,
        VectorType::Halfvec,
        VectorType::Sparsevec,
    ] {
        match kind.type_modifier(&parts) {
            Ok(dimensions) => {
                assert!(parts.len() == 1 && (1..=kind.dimensions_max()).contains(&dimensions));
                assert_eq!(
                    kind.type_modifier(&[&dimensions.to_string()]),
                    Ok(dimensions)
                );
            }
            Err(error) => check_error(&error),
        }
    }
    if let Err(error) = bit_type_modifier(&parts) {
        check_error(&error);
    }
}

/// Numbers are written so that they come back, with no fewer digits than it takes and no more than is ever needed.
fn check_numbers(text: &str, data: &[u8]) {
    match vector_from_array([Some(Numeric(text))], Some(1)) {
        Ok(vector) => assert_same_f32(
            "a numeric",
            &vector,
            &[text.trim().parse().expect("a number")],
        ),
        Err(error) => check_error(&error),
    }
    let digits = |text: &str| {
        let mantissa = text.split('e').next().unwrap_or_default();
        let digits = mantissa
            .trim_start_matches(['-', '0', '.'])
            .replace('.', "");
        digits.trim_end_matches('0').len()
    };
    for raw in data.chunks_exact(4).take(64) {
        let value = f32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]);
        let text = format_float4(value);
        assert_same_f32("written", &[text.parse().expect("a number")], &[value]);
        if value.is_finite() {
            assert!(
                (digits(&format!("{value:e}"))..=9).contains(&digits(&text)),
                "{text}"
            );
        }
    }
    for raw in data.chunks_exact(8).take(32) {
        let value = f64::from_le_bytes(std::array::from_fn(|index| raw[index]));
        let text = format_float8(value);
        let back: f64 = text.parse().expect("a number");
        assert!(
            back.to_bits() == value.to_bits() || (back.is_nan() && value.is_nan()),
            "{text}"
        );
        if value.is_finite() {
            assert!(
                (digits(&format!("{value:e}"))..=17).contains(&digits(&text)),
                "{text}"
            );
        }
    }
}
