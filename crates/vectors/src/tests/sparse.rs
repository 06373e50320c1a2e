//! `sparsevec`: text, order, distances.

use super::{Numbers, shown, shown_sparse};
use crate::{
    SparseVec, compare, dense_to_sparsevec, format_float8, format_sparsevec, parse_sparsevec,
};

fn sparse(literal: &str) -> SparseVec {
    parse_sparsevec(literal, None).unwrap()
}

#[test]
fn text() {
    let syntax =
        |literal: &str| format!("22P02 invalid input syntax for type sparsevec: \"{literal}\"");
    let cases = [
        ("{1:1.5,3:3.5}/5", "{1:1.5,3:3.5}/5"),
        ("{1:-2,3:-4}/5", "{1:-2,3:-4}/5"),
        ("{1:2.,3:4.}/5", "{1:2,3:4}/5"),
        (" { 1 : 1.5 ,  3  :  3.5  } / 5 ", "{1:1.5,3:3.5}/5"),
        ("{1:1.23456}/1", "{1:1.23456}/1"),
        ("{+1:1}/+1", "{1:1}/1"),
        ("{1:NaN,2:1}/2", "22000 NaN not allowed in sparsevec"),
        (
            "{1:Infinity,2:1}/2",
            "22000 infinite value not allowed in sparsevec",
        ),
        (
            "{1:-Infinity,2:1}/2",
            "22000 infinite value not allowed in sparsevec",
        ),
        ("{1:1.5e38,2:-1.5e38}/2", "{1:1.5e+38,2:-1.5e+38}/2"),
        ("{1:1.5e-38,2:-1.5e-38}/2", "{1:1.5e-38,2:-1.5e-38}/2"),
        (
            "{1:4e38,2:1}/2",
            "22003 \"4e38\" is out of range for type sparsevec",
        ),
        (
            "{1:-4e38,2:1}/2",
            "22003 \"-4e38\" is out of range for type sparsevec",
        ),
        (
            "{1:1e-46,2:1}/2",
            "22003 \"1e-46\" is out of range for type sparsevec",
        ),
        (
            "{1:-1e-46,2:1}/2",
            "22003 \"-1e-46\" is out of range for type sparsevec",
        ),
        ("{1:1e-45}/2", "{1:1e-45}/2"),
        ("{1:0e-99}/2", "{}/2"),
        ("{}/1", "{}/1"),
        ("{ }/1", "{}/1"),
        ("{1:0,2:1,3:0}/3", "{2:1}/3"),
        // An index of a zero is not checked.
        ("{9:0,2:1}/3", "{2:1}/3"),
        ("{2:1,1:1}/2", "{1:1,2:1}/2"),
        (
            "{1:1,1:1}/2",
            "22000 sparsevec indices must not contain duplicates",
        ),
        (
            "{1:1,2:1,1:1}/2",
            "22000 sparsevec indices must not contain duplicates",
        ),
        ("{}/5", "{}/5"),
        ("{}/0", "22000 sparsevec must have at least 1 dimension"),
        ("{}/-1", "22000 sparsevec must have at least 1 dimension"),
        ("{}/1000000000", "{}/1000000000"),
        ("{1000000000:1}/1000000000", "{1000000000:1}/1000000000"),
        (
            "{}/1000000001",
            "54000 sparsevec cannot have more than 1000000000 dimensions",
        ),
        (
            "{}/2147483648",
            "54000 sparsevec cannot have more than 1000000000 dimensions",
        ),
        (
            "{}/-2147483649",
            "22000 sparsevec must have at least 1 dimension",
        ),
        (
            "{}/9223372036854775808",
            "54000 sparsevec cannot have more than 1000000000 dimensions",
        ),
        (
            "{}/-9223372036854775809",
            "22000 sparsevec must have at least 1 dimension",
        ),
        ("{2147483647:1}/1", "22000 sparsevec index out of bounds"),
        ("{2147483648:1}/1", "22000 sparsevec index out of bounds"),
        ("{-2147483648:1}/1", "22000 sparsevec index out of bounds"),
        ("{-2147483649:1}/1", "22000 sparsevec index out of bounds"),
        (
            "{-9223372036854775809:1}/1",
            "22000 sparsevec index out of bounds",
        ),
        ("{0:1}/1", "22000 sparsevec index out of bounds"),
        ("{2:1}/1", "22000 sparsevec index out of bounds"),
    ];
    for (literal, expected) in cases {
        assert_eq!(
            shown_sparse(parse_sparsevec(literal, None)),
            expected,
            "{literal}"
        );
    }
    for literal in [
        "{1:hello,2:1}/2",
        "{",
        "{ ",
        "{:",
        "{,",
        "{}/",
        "{:}/1",
        "{,}/1",
        "{1,}/1",
        "{:1}/1",
        "{1:}/1",
        "{1a:1}/1",
        "{1:1a}/1",
        "{1:1,}/1",
        "{1:",
        "{1",
        "{1:1",
        "{}/a",
        "{-:1}/1",
    ] {
        assert_eq!(
            shown_sparse(parse_sparsevec(literal, None)),
            syntax(literal)
        );
    }
    for (literal, detail) in [
        ("", "Vector contents must start with \"{\"."),
        ("[1]", "Vector contents must start with \"{\"."),
        ("{}", "Unexpected end of input."),
        ("{1:1} 5", "Unexpected end of input."),
        ("{}/1a", "Junk after closing."),
        ("{}/1 1", "Junk after closing."),
    ] {
        assert_eq!(
            shown_sparse(parse_sparsevec(literal, None)),
            format!("{} [{detail}]", syntax(literal))
        );
    }
    assert_eq!(shown_sparse(parse_sparsevec("{}/3", Some(3))), "{}/3");
    assert_eq!(
        shown_sparse(parse_sparsevec("{}/3", Some(2))),
        "22000 expected 2 dimensions, not 3"
    );
}

#[test]
fn commas_are_counted_first() {
    let list = |count: usize| {
        let elements: Vec<String> = (1..=count).map(|i| format!("{i}:1")).collect();
        format!("{{{}}}/20000", elements.join(","))
    };
    assert_eq!(sparse(&list(16_000)).non_zero(), 16_000);
    let error = "54000 sparsevec cannot have more than 16000 non-zero elements";
    assert_eq!(shown_sparse(parse_sparsevec(&list(16_001), None)), error);
    assert_eq!(
        shown_sparse(parse_sparsevec(&",".repeat(16_000), None)),
        error
    );
    assert!(shown_sparse(parse_sparsevec(&",".repeat(15_999), None)).starts_with("22P02"));
}

#[test]
fn order() {
    let cases = [
        ("{1:1,2:2,3:3}/3", "{1:1,2:2,3:3}/3", 0),
        ("{1:1,2:2,3:3}/3", "{}/3", 1),
        ("{}/3", "{1:1,2:2,3:3}/3", -1),
        ("{1:1,2:2}/2", "{1:1,2:2,3:3}/3", -1),
        ("{1:1,2:2,3:3}/3", "{1:1,2:2}/2", 1),
        ("{1:1,2:2}/2", "{1:2,2:3,3:4}/3", -1),
        ("{1:2,2:3}/2", "{1:1,2:2,3:3}/3", 1),
        ("{1:-1}/2", "{}/2", -1),
        ("{}/2", "{1:-1}/2", 1),
        ("{}/1", "{2:-1}/2", -1),
    ];
    for (a, b, expected) in cases {
        assert_eq!(sparse(a).compare(&sparse(b)) as i32, expected, "{a} {b}");
    }
}

#[test]
fn distances() {
    type Distance = fn(&SparseVec, &SparseVec) -> Result<f64, crate::VectorError>;
    let l2: Distance = SparseVec::l2_distance;
    let squared: Distance = SparseVec::l2_squared_distance;
    let inner: Distance = SparseVec::inner_product;
    let negative: Distance = SparseVec::negative_inner_product;
    let cosine: Distance = SparseVec::cosine_distance;
    let l1: Distance = SparseVec::l1_distance;
    let cases = [
        (l2, "{}/2", "{1:3,2:4}/2", "5"),
        (l2, "{1:3}/2", "{2:4}/2", "5"),
        (l2, "{2:4}/2", "{1:3}/2", "5"),
        (l2, "{1:3,2:4}/2", "{}/2", "5"),
        (l2, "{}/2", "{2:1}/2", "1"),
        (l2, "{1:3e38}/1", "{1:-3e38}/1", "Infinity"),
        (squared, "{1:3}/2", "{2:4}/2", "25"),
        (inner, "{1:1,2:2}/2", "{1:2,2:4}/2", "10"),
        (inner, "{1:1,3:3}/4", "{2:2,4:4}/4", "0"),
        (inner, "{2:2,4:4}/4", "{1:1,3:3}/4", "0"),
        (inner, "{1:1,3:3,5:5}/5", "{2:4,3:6,4:8}/5", "18"),
        (inner, "{1:1}/2", "{}/2", "0"),
        (inner, "{1:3e38}/1", "{1:3e38}/1", "Infinity"),
        (negative, "{1:1,2:2}/2", "{1:3,2:4}/2", "-11"),
        (negative, "{1:1}/2", "{2:1}/2", "-0"),
        (cosine, "{1:1,2:2}/2", "{1:2,2:4}/2", "0"),
        (cosine, "{1:1,2:2}/2", "{}/2", "NaN"),
        (cosine, "{1:1,2:1}/2", "{1:1,2:1}/2", "0"),
        (cosine, "{1:1}/2", "{2:2}/2", "1"),
        (cosine, "{1:1,2:1}/2", "{1:-1,2:-1}/2", "2"),
        (cosine, "{2:2}/2", "{1:2}/2", "1"),
        (cosine, "{1:1,2:1}/2", "{1:1.1,2:1.1}/2", "0"),
        (cosine, "{1:1,2:1}/2", "{1:-1.1,2:-1.1}/2", "2"),
        (cosine, "{1:3e38}/1", "{1:3e38}/1", "NaN"),
        (cosine, "{}/1", "{}/1", "NaN"),
        (l1, "{}/2", "{1:3,2:4}/2", "7"),
        (l1, "{}/2", "{2:1}/2", "1"),
        (l1, "{1:3e38}/1", "{1:-3e38}/1", "Infinity"),
        (l1, "{1:1,3:3,5:5,7:7}/8", "{2:2,4:4,6:6,8:8}/8", "36"),
        (l1, "{1:1,3:3,5:5,7:7,9:9}/9", "{2:2,4:4,6:6,8:8}/9", "45"),
    ];
    for (distance, a, b, expected) in cases {
        let answer = shown(distance(&sparse(a), &sparse(b)), format_float8);
        assert_eq!(answer, expected, "{a} {b}");
    }
    for distance in [l2, squared, inner, negative, cosine, l1] {
        assert_eq!(
            shown(
                distance(&sparse("{1:1,2:2}/2"), &sparse("{1:3}/1")),
                format_float8
            ),
            "22000 different sparsevec dimensions 2 and 1"
        );
    }
}

#[test]
fn norms() {
    let cases = [
        ("{1:3,2:4}/2", 5.0),
        ("{2:1}/2", 1.0),
        ("{}/2", 0.0),
        ("{1:2}/1", 2.0),
    ];
    for (literal, expected) in cases {
        assert_eq!(sparse(literal).norm(), expected);
    }
    assert_eq!(sparse("{1:3e37,2:4e37}/2").norm() as f32, 5e37);
    let cases = [
        ("{1:3,2:4}/2", "{1:0.6,2:0.8}/2"),
        ("{1:3}/2", "{1:1}/2"),
        ("{2:0.1}/2", "{2:1}/2"),
        ("{}/2", "{}/2"),
        ("{1:3e38}/1", "{1:1}/1"),
        ("{1:3e38,2:1e-37}/2", "{1:1}/2"),
        ("{2:3e37,4:3e-37,6:4e37,8:4e-37}/9", "{2:0.6,6:0.8}/9"),
    ];
    for (literal, expected) in cases {
        assert_eq!(shown_sparse(sparse(literal).l2_normalize()), expected);
    }
}

#[test]
fn values_are_checked() {
    let new = |dimensions, indices: &[i32], values: &[f32]| {
        shown_sparse(SparseVec::new(
            dimensions,
            indices.to_vec(),
            values.to_vec(),
        ))
    };
    assert_eq!(new(5, &[0, 4], &[1.0, 2.0]), "{1:1,5:2}/5");
    assert_eq!(
        new(0, &[], &[]),
        "22000 sparsevec must have at least 1 dimension"
    );
    assert_eq!(
        new(2, &[0, 1], &[1.0]),
        "22000 sparsevec has 2 indices for 1 elements"
    );
    assert_eq!(
        new(2, &[1, 0], &[1.0; 2]),
        "22000 sparsevec indices must be in ascending order"
    );
    assert_eq!(new(2, &[2], &[1.0]), "22000 sparsevec index out of bounds");
    assert_eq!(
        new(2, &[0], &[f32::NAN]),
        "22000 NaN not allowed in sparsevec"
    );
    assert_eq!(
        new(2, &[0], &[0.0]),
        "22000 binary representation of sparsevec cannot contain zero values"
    );
}

/// Small vectors with many zeros: order, distances and text are those of the dense vectors.
#[test]
fn sparse_agrees_with_dense() {
    let mut numbers = Numbers(0x5eed_0004);
    for _ in 0..10_000 {
        let mut vector = |dimensions: u64| -> Vec<f32> {
            (0..dimensions)
                .map(|_| ((numbers.next() % 7) as f32 - 3.0) * (numbers.next() % 2) as f32)
                .collect()
        };
        let (a, b) = (vector(6), vector(6));
        let (x, y) = (
            dense_to_sparsevec(&a, None).unwrap(),
            dense_to_sparsevec(&b, None).unwrap(),
        );
        let pairs = || a.iter().zip(&b);
        let case = format!("{a:?} {b:?}");
        assert_eq!(x.compare(&y), compare(&a, &b), "{case}");
        let l2: f32 = pairs().map(|(a, b)| (a - b) * (a - b)).sum();
        assert_eq!(x.l2_squared_distance(&y), Ok(l2.into()), "{case}");
        assert_eq!(x.l2_distance(&y), Ok(f64::from(l2).sqrt()), "{case}");
        let l1: f32 = pairs().map(|(a, b)| (a - b).abs()).sum();
        assert_eq!(x.l1_distance(&y), Ok(l1.into()), "{case}");
        let dot: f32 = pairs().map(|(a, b)| a * b).sum();
        assert_eq!(x.inner_product(&y), Ok(dot.into()), "{case}");
        assert_eq!(
            parse_sparsevec(&format_sparsevec(&x), Some(6)),
            Ok(x),
            "{case}"
        );
        let shorter = &b[..4];
        let y = dense_to_sparsevec(shorter, None).unwrap();
        let x = dense_to_sparsevec(&a, None).unwrap();
        // Where a stored element faces no element at all, its sign decides before the dimensions do.
        if a[..4] != *shorter {
            assert_eq!(x.compare(&y), compare(&a, shorter), "{a:?} {shorter:?}");
        }
        assert_eq!(x.compare(&y), y.compare(&x).reverse());
    }
}
