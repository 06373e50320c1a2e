//! Operators and functions of the dense types.

use std::cmp::Ordering;

use half::f16;

use super::{shown, shown_dense};
use crate::{
    Element, VectorError, add, binary_quantize, compare, concat, format_bits, l2_normalize, mul,
    norm, parse_dense, sub, subvector,
};

fn dense<E: Element>(literal: &str) -> Vec<E> {
    parse_dense(literal, None).unwrap()
}

type Operator<E> = fn(&[E], &[E]) -> Result<Vec<E>, VectorError>;

fn check<E: Element>(operator: Operator<E>, a: &str, b: &str, expected: &str) {
    assert_eq!(
        shown_dense(operator(&dense(a), &dense(b))),
        expected,
        "{a} {b}"
    );
}

const OVERFLOW: &str = "22003 value out of range: overflow";
const UNDERFLOW: &str = "22003 value out of range: underflow";

#[test]
fn vectors() {
    check::<f32>(add, "[1,2,3]", "[4,5,6]", "[5,7,9]");
    check::<f32>(add, "[3e38]", "[3e38]", OVERFLOW);
    check::<f32>(sub, "[1,2,3]", "[4,5,6]", "[-3,-3,-3]");
    check::<f32>(sub, "[-3e38]", "[3e38]", OVERFLOW);
    check::<f32>(mul, "[1,2,3]", "[4,5,6]", "[4,10,18]");
    check::<f32>(mul, "[1e37]", "[1e37]", OVERFLOW);
    check::<f32>(mul, "[1e-37]", "[1e-37]", UNDERFLOW);
    check::<f32>(mul, "[1e-37,1e37]", "[1e-37,1e37]", UNDERFLOW);
    check::<f32>(mul, "[0,-2]", "[1e-37,0]", "[0,-0]");
    check::<f32>(concat, "[1,2,3]", "[4,5]", "[1,2,3,4,5]");
    for operator in [add, sub, mul] as [Operator<f32>; 3] {
        check(
            operator,
            "[1,2]",
            "[3]",
            "22000 different vector dimensions 2 and 1",
        );
    }
    assert_eq!(
        shown_dense(concat(&[0.0f32; 16_000], &[1.0])),
        "54000 vector cannot have more than 16000 dimensions"
    );
}

#[test]
fn halfvecs() {
    check::<f16>(add, "[1,2,3]", "[4,5,6]", "[5,7,9]");
    check::<f16>(add, "[65519]", "[65519]", OVERFLOW);
    check::<f16>(sub, "[1,2,3]", "[4,5,6]", "[-3,-3,-3]");
    check::<f16>(sub, "[-65519]", "[65519]", OVERFLOW);
    check::<f16>(mul, "[1,2,3]", "[4,5,6]", "[4,10,18]");
    check::<f16>(mul, "[65519]", "[65519]", OVERFLOW);
    check::<f16>(mul, "[1e-7]", "[1e-7]", UNDERFLOW);
    check::<f16>(concat, "[1,2,3]", "[4,5]", "[1,2,3,4,5]");
    for operator in [add, sub, mul] as [Operator<f16>; 3] {
        check(
            operator,
            "[1,2]",
            "[3]",
            "22000 different halfvec dimensions 2 and 1",
        );
    }
    assert_eq!(
        shown_dense(concat(&[f16::ZERO; 16_000], &[f16::ONE])),
        "54000 halfvec cannot have more than 16000 dimensions"
    );
}

#[test]
fn order() {
    let cases = [
        ("[1,2,3]", "[1,2,3]", Ordering::Equal),
        ("[1,2,3]", "[0,0,0]", Ordering::Greater),
        ("[0,0,0]", "[1,2,3]", Ordering::Less),
        ("[1,2]", "[1,2,3]", Ordering::Less),
        ("[1,2,3]", "[1,2]", Ordering::Greater),
        ("[1,2]", "[2,3,4]", Ordering::Less),
        ("[2,3]", "[1,2,3]", Ordering::Greater),
        ("[0]", "[-0]", Ordering::Equal),
    ];
    for (a, b, expected) in cases {
        assert_eq!(compare::<f32>(&dense(a), &dense(b)), expected, "{a} {b}");
        assert_eq!(compare::<f16>(&dense(a), &dense(b)), expected, "{a} {b}");
    }
}

#[test]
fn norms() {
    for (literal, expected) in [("[3,4]", 5.0), ("[0,1]", 1.0), ("[0,0]", 0.0), ("[2]", 2.0)] {
        assert_eq!(norm::<f32>(&dense(literal)), expected);
        assert_eq!(norm::<f16>(&dense(literal)), expected);
    }
    assert_eq!(norm::<f32>(&dense("[1,1]")), std::f64::consts::SQRT_2);
    assert_eq!(norm::<f32>(&dense("[3e37,4e37]")) as f32, 5e37);
    let cases = [
        ("[3,4]", "[0.6,0.8]", "[0.60009766,0.7998047]"),
        ("[3,0]", "[1,0]", "[1,0]"),
        ("[0,0.1]", "[0,1]", "[0,1]"),
        ("[0,0]", "[0,0]", "[0,0]"),
        ("[-0]", "[0]", "[0]"),
        ("[65504]", "[1]", "[1]"),
    ];
    for (literal, vector, halfvec) in cases {
        assert_eq!(shown_dense(l2_normalize::<f32>(&dense(literal))), vector);
        assert_eq!(shown_dense(l2_normalize::<f16>(&dense(literal))), halfvec);
    }
    assert_eq!(shown_dense(l2_normalize::<f32>(&dense("[3e38]"))), "[1]");
}

#[test]
fn binary_quantization() {
    let cases = [
        ("[1,0,-1]", "100"),
        (
            "[0,0.1,-0.2,-0.3,0.4,0.5,0.6,-0.7,0.8,-0.9,1]",
            "01001110101",
        ),
        (
            "[1,2,3,-4,5,6,-7,8,1,-2,-3,4,5,-6,7,8,-1,2,3]",
            "1110110110011011011",
        ),
    ];
    for (literal, expected) in cases {
        assert_eq!(
            format_bits(&binary_quantize::<f32>(&dense(literal))),
            expected
        );
        assert_eq!(
            format_bits(&binary_quantize::<f16>(&dense(literal))),
            expected
        );
    }
}

#[test]
fn subvectors() {
    let none = "22000 TYPE must have at least 1 dimension";
    let cases = [
        (1, 3, "[1,2,3]"),
        (3, 2, "[3,4]"),
        (-1, 3, "[1]"),
        (3, 9, "[3,4,5]"),
        (1, 0, none),
        (3, -1, none),
        (-1, 2, none),
        (5, 1, "[5]"),
        (6, 1, none),
        (i32::MAX, 10, none),
        (i32::MAX, i32::MAX, none),
        (3, i32::MAX, "[3,4,5]"),
        (-2_147_483_644, i32::MAX, "[1,2]"),
        (i32::MIN, i32::MIN, none),
        (i32::MIN, i32::MAX, none),
    ];
    let show = |v: Vec<f32>| crate::format_vector(&v);
    for (start, count, expected) in cases {
        let vector = dense::<f32>("[1,2,3,4,5]");
        assert_eq!(
            shown(subvector(&vector, start, count), show),
            expected.replace("TYPE", "vector"),
            "{start} {count}"
        );
        let halves = dense::<f16>("[1,2,3,4,5]");
        assert_eq!(
            shown_dense(subvector(&halves, start, count)),
            expected.replace("TYPE", "halfvec"),
            "{start} {count}"
        );
    }
}

#[test]
fn angles() {
    let angle = |left: &str, right: &str| {
        shown(
            crate::spherical_distance(&dense::<f32>(left), &dense::<f32>(right)),
            |angle| angle.to_string(),
        )
    };
    assert_eq!(angle("[1,0]", "[0,1]"), "0.5");
    assert_eq!(angle("[1,0]", "[1,0]"), "0");
    assert_eq!(angle("[1,0]", "[-1,0]"), "1");
    assert_eq!(angle("[3,4]", "[3,4]"), "0");
    assert_eq!(
        angle("[1]", "[1,2]"),
        "22000 different vector dimensions 1 and 2"
    );
}
