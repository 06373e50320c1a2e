//! Binary forms.

use half::f16;

use super::{Numbers, shown_dense, shown_sparse};
use crate::{
    SparseVec, decode_halfvec, decode_sparsevec, decode_vector, encode_halfvec, encode_sparsevec,
    encode_vector, parse_sparsevec,
};

fn bytes(fields: &[&[u8]]) -> Vec<u8> {
    fields.concat()
}

fn sparse_bytes(head: [i32; 3], indices: &[i32], values: &[f32]) -> Vec<u8> {
    let head = head.iter().chain(indices).flat_map(|i| i.to_be_bytes());
    head.chain(values.iter().flat_map(|x| x.to_be_bytes()))
        .collect()
}

#[test]
fn known_bytes() {
    let mut out = vec![9];
    encode_vector(&[1.0, -2.0], &mut out).unwrap();
    assert_eq!(out, [9, 0, 2, 0, 0, 0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0]);
    let mut out = Vec::new();
    encode_halfvec(&[f16::ONE], &mut out).unwrap();
    assert_eq!(out, [0, 1, 0, 0, 0x3c, 0]);
    let mut out = Vec::new();
    encode_sparsevec(&parse_sparsevec("{3:1}/5", None).unwrap(), &mut out).unwrap();
    assert_eq!(
        out,
        [
            0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0x3f, 0x80, 0, 0
        ]
    );
}

#[test]
fn values_that_cannot_be_sent() {
    let mut out = Vec::new();
    assert_eq!(
        encode_vector(&[], &mut out).unwrap_err().sqlstate(),
        "22000"
    );
    assert_eq!(
        encode_vector(&[0.0; 16_001], &mut out)
            .unwrap_err()
            .sqlstate(),
        "54000"
    );
    assert_eq!(
        encode_sparsevec(&SparseVec::default(), &mut out)
            .unwrap_err()
            .sqlstate(),
        "22000"
    );
    assert!(out.is_empty());
}

#[test]
fn dense_errors() {
    let short = "08P01 insufficient data left in message";
    let one = 1f32.to_be_bytes();
    let cases: Vec<(Vec<u8>, Option<usize>, &str)> = vec![
        (vec![], None, short),
        (vec![0, 1, 0], None, short),
        (
            vec![0, 0, 0, 0],
            None,
            "22000 vector must have at least 1 dimension",
        ),
        (
            vec![0x3e, 0x81, 0, 0],
            None,
            "54000 vector cannot have more than 16000 dimensions",
        ),
        (
            vec![0xff, 0xff, 0, 0],
            None,
            "54000 vector cannot have more than 16000 dimensions",
        ),
        (
            vec![0, 3, 0, 1],
            Some(2),
            "22000 expected 2 dimensions, not 3",
        ),
        (
            vec![0, 3, 0, 1],
            None,
            "22000 expected unused to be 0, not 1",
        ),
        (
            vec![0, 3, 0xff, 0xff],
            None,
            "22000 expected unused to be 0, not 65535",
        ),
        (bytes(&[&[0, 2, 0, 0], &one]), None, short),
        (bytes(&[&[0, 1, 0, 0], &one]), Some(1), "[1]"),
        (
            bytes(&[&[0, 1, 0, 0], &one, &[0]]),
            None,
            "22P03 incorrect binary data format",
        ),
        (
            bytes(&[&[0, 2, 0, 0], &f32::NAN.to_be_bytes()]),
            None,
            "22000 NaN not allowed in vector",
        ),
        (
            bytes(&[&[0, 1, 0, 0], &f32::INFINITY.to_be_bytes()]),
            None,
            "22000 infinite value not allowed in vector",
        ),
    ];
    for (bytes, expected, answer) in cases {
        assert_eq!(
            shown_dense(decode_vector(&bytes, expected)),
            answer,
            "{bytes:?}"
        );
    }
    assert_eq!(
        shown_dense(decode_halfvec(&[0, 1, 0, 0, 0x7c, 0], None)),
        "22000 infinite value not allowed in halfvec"
    );
    assert_eq!(
        shown_dense(decode_halfvec(&[0, 0, 0, 0], None)),
        "22000 halfvec must have at least 1 dimension"
    );
}

#[test]
fn sparse_errors() {
    let cases = [
        (
            sparse_bytes([5, 2, 0], &[0, 2], &[1.5, 2.0]),
            None,
            "{1:1.5,3:2}/5",
        ),
        (
            sparse_bytes([0, 0, 0], &[], &[]),
            None,
            "22000 sparsevec must have at least 1 dimension",
        ),
        (
            sparse_bytes([-1, 0, 0], &[], &[]),
            None,
            "22000 sparsevec must have at least 1 dimension",
        ),
        (
            sparse_bytes([1_000_000_001, 0, 0], &[], &[]),
            None,
            "54000 sparsevec cannot have more than 1000000000 dimensions",
        ),
        (
            sparse_bytes([5, -1, 0], &[], &[]),
            None,
            "22000 sparsevec cannot have negative number of elements",
        ),
        (
            sparse_bytes([20_000, 16_001, 0], &[], &[]),
            None,
            "54000 sparsevec cannot have more than 16000 non-zero elements",
        ),
        (
            sparse_bytes([1, 2, 0], &[], &[]),
            None,
            "54000 sparsevec cannot have more elements than dimensions",
        ),
        (
            sparse_bytes([5, 0, 1], &[], &[]),
            Some(4),
            "22000 expected 4 dimensions, not 5",
        ),
        (
            sparse_bytes([5, 0, -1], &[], &[]),
            None,
            "22000 expected unused to be 0, not -1",
        ),
        (
            sparse_bytes([5, 1, 0], &[5], &[1.0]),
            None,
            "22000 sparsevec index out of bounds",
        ),
        (
            sparse_bytes([5, 1, 0], &[-1], &[1.0]),
            None,
            "22000 sparsevec index out of bounds",
        ),
        (
            sparse_bytes([5, 2, 0], &[1, 0], &[1.0; 2]),
            None,
            "22000 sparsevec indices must be in ascending order",
        ),
        (
            sparse_bytes([5, 2, 0], &[1, 1], &[1.0; 2]),
            None,
            "22000 sparsevec indices must not contain duplicates",
        ),
        (
            sparse_bytes([5, 1, 0], &[1], &[-0.0]),
            None,
            "22000 binary representation of sparsevec cannot contain zero values",
        ),
        (
            sparse_bytes([5, 1, 0], &[1], &[f32::NAN]),
            None,
            "22000 NaN not allowed in sparsevec",
        ),
        (
            sparse_bytes([5, 1, 0], &[1], &[]),
            None,
            "08P01 insufficient data left in message",
        ),
        (
            sparse_bytes([5, 0, 0], &[1], &[]),
            None,
            "22P03 incorrect binary data format",
        ),
    ];
    for (bytes, expected, answer) in cases {
        assert_eq!(shown_sparse(decode_sparsevec(&bytes, expected)), answer);
    }
}

#[test]
fn values_survive_their_bytes() {
    let mut numbers = Numbers(0x5eed_0005);
    for _ in 0..2_000 {
        let elements: Vec<f32> = (0..1 + numbers.next() % 30)
            .map(|_| f32::from_bits(numbers.next() as u32))
            .filter(|x| x.is_finite() && *x != 0.0)
            .chain([1.0])
            .collect();
        let mut out = Vec::new();
        encode_vector(&elements, &mut out).unwrap();
        assert_eq!(decode_vector(&out, None).unwrap(), elements);

        let indices = (0..elements.len() as i32).map(|i| i * 3 + 1).collect();
        let sparse = SparseVec::new(100, indices, elements).unwrap();
        let mut out = Vec::new();
        encode_sparsevec(&sparse, &mut out).unwrap();
        assert_eq!(decode_sparsevec(&out, Some(100)).unwrap(), sparse);
    }
    for bits in 0..=u16::MAX {
        let half = f16::from_bits(bits);
        let mut out = Vec::new();
        encode_halfvec(&[half], &mut out).unwrap();
        match decode_halfvec(&out, None) {
            Ok(read) => assert_eq!(read[0].to_bits(), bits),
            Err(_) => assert!(!half.is_finite()),
        }
    }
}
