//! Casts from arrays and between the types.

use super::{shown_dense, shown_error, shown_sparse};
use crate::{
    Numeric, array_not_one_dimensional, dense_to_sparsevec, halfvec_from_array, halfvec_to_vector,
    parse_halfvec, parse_sparsevec, parse_vector, sparsevec_from_array, sparsevec_to_halfvec,
    sparsevec_to_vector, to_reals, unsupported_array_type, vector_from_array, vector_to_halfvec,
};

const NAN: f32 = f32::NAN;
const INFINITY: f32 = f32::INFINITY;

fn some<T: Copy>(elements: &[T]) -> impl Iterator<Item = Option<T>> {
    elements.iter().map(|x| Some(*x))
}

#[test]
fn arrays_to_dense_vectors() {
    assert_eq!(
        shown_dense(vector_from_array(some(&[1, 2, 3]), None)),
        "[1,2,3]"
    );
    assert_eq!(
        shown_dense(vector_from_array(some(&[1.0, 2.5]), None)),
        "[1,2.5]"
    );
    assert_eq!(
        shown_dense(vector_from_array(some(&[i32::MAX]), None)),
        "[2.1474836e+09]"
    );
    let numerics = ["1", "-2.50", "0.1"].map(Numeric);
    assert_eq!(
        shown_dense(vector_from_array(some(&numerics), Some(3))),
        "[1,-2.5,0.1]"
    );

    type Case<'a> = (&'a [Option<f32>], Option<usize>, &'a str);
    let reals: &[Case<'_>] = &[
        (&[Some(1.0), Some(2.0)], Some(2), "[1,2]"),
        (
            &[Some(1.0), Some(2.0), Some(3.0)],
            Some(2),
            "22000 expected 2 dimensions, not 3",
        ),
        (&[None], None, "22004 array must not contain nulls"),
        (
            &[Some(NAN), None],
            None,
            "22004 array must not contain nulls",
        ),
        (&[Some(NAN)], None, "22000 NaN not allowed in TYPE"),
        (
            &[Some(INFINITY)],
            None,
            "22000 infinite value not allowed in TYPE",
        ),
        (
            &[Some(-INFINITY)],
            None,
            "22000 infinite value not allowed in TYPE",
        ),
        (&[Some(NAN)], Some(2), "22000 expected 2 dimensions, not 1"),
        (&[], None, "22000 TYPE must have at least 1 dimension"),
    ];
    for (elements, expected, answer) in reals {
        assert_eq!(
            shown_dense(vector_from_array(elements.iter().copied(), *expected)),
            answer.replace("TYPE", "vector")
        );
        assert_eq!(
            shown_dense(halfvec_from_array(elements.iter().copied(), *expected)),
            answer.replace("TYPE", "halfvec")
        );
    }
    assert_eq!(
        shown_dense(vector_from_array(some(&[4e38, -4e38]), None)),
        "22000 infinite value not allowed in vector"
    );
    assert_eq!(
        shown_dense(vector_from_array(some(&[1e-46, -1e-46]), None)),
        "[0,-0]"
    );
    assert_eq!(
        shown_dense(halfvec_from_array(some(&[65520.0f32, -65520.0]), None)),
        "22003 \"65520\" is out of range for type halfvec"
    );
    assert_eq!(
        shown_dense(halfvec_from_array(some(&[1e-8f32, -1e-8]), None)),
        "[0,-0]"
    );
    assert_eq!(
        shown_dense(halfvec_from_array(some(&[4e38, -4e38]), None)),
        "22000 infinite value not allowed in halfvec"
    );
    assert_eq!(
        shown_dense(halfvec_from_array(some(&[1_000_000]), None)),
        "22003 \"1e+06\" is out of range for type halfvec"
    );
}

#[test]
fn numerics_out_of_range() {
    let large = format!("4{}", "0".repeat(38));
    let small = format!("0.{}1", "0".repeat(45));
    for text in [&large, &small] {
        assert_eq!(
            shown_dense(vector_from_array(some(&[Numeric(text)]), None)),
            format!("22003 \"{text}\" is out of range for type real")
        );
    }
    assert_eq!(
        shown_dense(vector_from_array(some(&[Numeric("NaN")]), None)),
        "22000 NaN not allowed in vector"
    );
    assert_eq!(
        shown_dense(vector_from_array(some(&[Numeric("-Infinity")]), None)),
        "22000 infinite value not allowed in vector"
    );
    assert_eq!(
        shown_dense(vector_from_array(some(&[Numeric("1x")]), None)),
        "22P02 invalid input syntax for type real: \"1x\""
    );
}

#[test]
fn arrays_too_long() {
    let ones = || (0..16_001).map(|_| Some(1));
    assert_eq!(
        shown_dense(vector_from_array(ones(), Some(16_001))),
        "54000 vector cannot have more than 16000 dimensions"
    );
    assert_eq!(
        shown_dense(halfvec_from_array(ones(), None)),
        "54000 halfvec cannot have more than 16000 dimensions"
    );
    assert_eq!(
        shown_sparse(sparsevec_from_array(ones(), None)),
        "54000 sparsevec cannot have more than 16000 non-zero elements"
    );
    let zeros = (0..16_001).map(|_| Some(0));
    assert_eq!(shown_sparse(sparsevec_from_array(zeros, None)), "{}/16001");
    assert_eq!(
        vector_from_array(ones().skip(1), None).unwrap().len(),
        16_000
    );
}

#[test]
fn arrays_to_sparse_vectors() {
    let elements = [1, 0, 2, 0, 3, 0];
    assert_eq!(
        shown_sparse(sparsevec_from_array(some(&elements), Some(6))),
        "{1:1,3:2,5:3}/6"
    );
    assert_eq!(
        shown_sparse(sparsevec_from_array(some(&elements), Some(5))),
        "22000 expected 5 dimensions, not 6"
    );
    assert_eq!(
        shown_sparse(sparsevec_from_array(some(&[1e-46, -1e-46]), None)),
        "{}/2"
    );
    let answers = [
        (None, "22004 array must not contain nulls"),
        (Some(NAN), "22000 NaN not allowed in sparsevec"),
        (
            Some(INFINITY),
            "22000 infinite value not allowed in sparsevec",
        ),
    ];
    for (element, answer) in answers {
        assert_eq!(shown_sparse(sparsevec_from_array([element], None)), answer);
    }
    assert_eq!(
        shown_sparse(sparsevec_from_array::<f32>([], None)),
        "22000 sparsevec must have at least 1 dimension"
    );
}

#[test]
fn arrays_that_are_no_vectors() {
    assert_eq!(
        shown_error(&array_not_one_dimensional()),
        "22000 array must be 1-D"
    );
    assert_eq!(
        shown_error(&unsupported_array_type()),
        "22000 unsupported array type"
    );
}

#[test]
fn between_vectors_and_halfvecs() {
    let halfvec = |literal, expected| {
        shown_dense(vector_to_halfvec(
            &parse_vector(literal, None).unwrap(),
            expected,
        ))
    };
    assert_eq!(halfvec("[1,2,3]", Some(3)), "[1,2,3]");
    assert_eq!(
        halfvec("[1,2,3]", Some(2)),
        "22000 expected 2 dimensions, not 3"
    );
    assert_eq!(
        halfvec("[65520]", None),
        "22003 \"65520\" is out of range for type halfvec"
    );
    assert_eq!(halfvec("[1e-8]", None), "[0]");
    let halves = parse_halfvec("[1,2,3.25]", None).unwrap();
    assert_eq!(shown_dense(halfvec_to_vector(&halves, None)), "[1,2,3.25]");
    assert_eq!(
        shown_dense(halfvec_to_vector(&halves, Some(2))),
        "22000 expected 2 dimensions, not 3"
    );
    assert_eq!(to_reals(&halves), [1.0, 2.0, 3.25]);
}

#[test]
fn between_dense_and_sparse() {
    let vector = parse_vector("[0,1.5,0,3.5,-0]", None).unwrap();
    let halves = vector_to_halfvec(&vector, None).unwrap();
    for (expected, answer) in [
        (None, "{2:1.5,4:3.5}/5"),
        (Some(5), "{2:1.5,4:3.5}/5"),
        (Some(4), "22000 expected 4 dimensions, not 5"),
    ] {
        assert_eq!(shown_sparse(dense_to_sparsevec(&vector, expected)), answer);
        assert_eq!(shown_sparse(dense_to_sparsevec(&halves, expected)), answer);
    }
    let sparse = |literal| parse_sparsevec(literal, None).unwrap();
    let five = sparse("{2:1.5,4:3.5}/5");
    for (expected, answer) in [
        (None, "[0,1.5,0,3.5,0]"),
        (Some(5), "[0,1.5,0,3.5,0]"),
        (Some(4), "22000 expected 4 dimensions, not 5"),
    ] {
        assert_eq!(shown_dense(sparsevec_to_vector(&five, expected)), answer);
        assert_eq!(shown_dense(sparsevec_to_halfvec(&five, expected)), answer);
    }
    assert_eq!(
        shown_dense(sparsevec_to_vector(&sparse("{}/16001"), None)),
        "54000 vector cannot have more than 16000 dimensions"
    );
    assert_eq!(
        shown_dense(sparsevec_to_halfvec(&sparse("{}/1000000000"), None)),
        "54000 halfvec cannot have more than 16000 dimensions"
    );
    assert_eq!(
        shown_dense(sparsevec_to_halfvec(&sparse("{1:65520}/1"), None)),
        "22003 \"65520\" is out of range for type halfvec"
    );
    assert_eq!(
        shown_dense(sparsevec_to_halfvec(&sparse("{1:1e-8}/1"), None)),
        "[0]"
    );
    let mut broken = sparse("{2:1}/2");
    broken.indices = vec![2];
    assert_eq!(
        shown_dense(sparsevec_to_vector(&broken, None)),
        "XX000 index out of bounds"
    );
}
