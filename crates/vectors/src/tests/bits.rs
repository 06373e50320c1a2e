//! Bit strings.

use super::shown;
use crate::{
    VectorError, format_bits, format_float8, hamming_distance, jaccard_distance, parse_bits,
    parse_varbits, resize_bits,
};

fn shown_bits(result: Result<Vec<bool>, VectorError>) -> String {
    shown(result, |bits| format_bits(&bits))
}

#[test]
fn text() {
    let cases = [
        ("", None, ""),
        ("0101", None, "0101"),
        ("b101", None, "101"),
        ("B1", None, "1"),
        ("xF0", None, "11110000"),
        ("Xa1", Some(8), "10100001"),
        ("x", None, ""),
        ("101", Some(3), "101"),
        (
            "101",
            Some(4),
            "22026 bit string length 3 does not match type bit(4)",
        ),
        (
            "12",
            Some(3),
            "22026 bit string length 2 does not match type bit(3)",
        ),
        (
            "é",
            Some(1),
            "22026 bit string length 2 does not match type bit(1)",
        ),
        ("102", None, "22P02 \"2\" is not a valid binary digit"),
        ("1 ", None, "22P02 \" \" is not a valid binary digit"),
        ("1é", None, "22P02 \"é\" is not a valid binary digit"),
        ("b'1'", None, "22P02 \"'\" is not a valid binary digit"),
        ("x1g", None, "22P02 \"g\" is not a valid hexadecimal digit"),
        ("F", None, "22P02 \"F\" is not a valid binary digit"),
    ];
    for (literal, expected, answer) in cases {
        assert_eq!(
            shown_bits(parse_bits(literal, expected)),
            answer,
            "{literal}"
        );
    }
    assert_eq!(shown_bits(parse_varbits("000", Some(4))), "000");
    assert_eq!(
        shown_bits(parse_varbits("00000", Some(4))),
        "22001 bit string too long for type bit varying(4)"
    );
}

#[test]
fn explicit_casts() {
    let resized =
        |literal, length| format_bits(&resize_bits(&parse_bits(literal, None).unwrap(), length));
    assert_eq!(resized("101", 6), "101000");
    assert_eq!(resized("10111", 2), "10");
    assert_eq!(resized("10", 2), "10");
}

#[test]
fn distances() {
    let ten = "10".repeat(256) + "1";
    let one = "01".repeat(256) + "0";
    let few = format!("11{}11", "0".repeat(500));
    let fewer = format!("10{}01", "0".repeat(500));
    let cases = [
        ("111", "111", "0", "0"),
        ("111", "110", "1", "0.33333333333333337"),
        ("111", "100", "2", "0.6666666666666667"),
        ("111", "000", "3", "1"),
        ("10101010101010101010", "01010101010101010101", "20", "1"),
        ("1111", "1110", "1", "0.25"),
        ("1111", "1100", "2", "0.5"),
        ("1111", "1000", "3", "0.75"),
        ("1100", "1000", "1", "0.5"),
        ("", "", "0", "1"),
        (&ten, &ten, "0", "0"),
        (&ten, &one, "513", "1"),
        (&few, &fewer, "2", "0.5"),
    ];
    for (a, b, hamming, jaccard) in cases {
        let (x, y) = (parse_bits(a, None).unwrap(), parse_bits(b, None).unwrap());
        assert_eq!(
            shown(hamming_distance(&x, &y), format_float8),
            hamming,
            "{a} {b}"
        );
        assert_eq!(
            shown(jaccard_distance(&x, &y), format_float8),
            jaccard,
            "{a} {b}"
        );
    }
    let (three, two) = ([true; 3], [false; 2]);
    let error = "22000 different bit lengths 3 and 2";
    assert_eq!(shown(hamming_distance(&three, &two), format_float8), error);
    assert_eq!(shown(jaccard_distance(&three, &two), format_float8), error);
}
