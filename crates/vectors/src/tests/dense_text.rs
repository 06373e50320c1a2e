//! The text of `vector` and `halfvec`.

use half::f16;

use super::{Numbers, shown_dense, shown_error};
use crate::{
    QUOTED_CHARACTERS_MAX, format_halfvec, format_vector, parse_halfvec, parse_vector, write_dense,
};

/// Cases that both types answer alike, `TYPE` standing for the name.
const BOTH: &[(&str, &str)] = &[
    ("[1,2,3]", "[1,2,3]"),
    ("[-1,-2,-3]", "[-1,-2,-3]"),
    ("[1.,2.,3.]", "[1,2,3]"),
    (" [ 1,  2 ,    3  ] ", "[1,2,3]"),
    ("\t[\n1\r,\x0b2\x0c]\n", "[1,2]"),
    ("[.5,+1,-0,5E-1,1e+2]", "[0.5,1,-0,0.5,100]"),
    ("[00012,1e0000000000000001]", "[12,10]"),
    ("[1e-46,1]", "[0,1]"),
    ("[-1e-46,1]", "[-0,1]"),
    ("[0e99999999999999999999]", "[0]"),
    (
        "[hello,1]",
        "22P02 invalid input syntax for type TYPE: \"[hello,1]\"",
    ),
    ("[NaN,1]", "22000 NaN not allowed in TYPE"),
    ("[nan(0x1),1]", "22000 NaN not allowed in TYPE"),
    ("[-nan junk", "22000 NaN not allowed in TYPE"),
    ("[Infinity,1]", "22000 infinite value not allowed in TYPE"),
    ("[-Infinity,1]", "22000 infinite value not allowed in TYPE"),
    ("[+inf", "22000 infinite value not allowed in TYPE"),
    ("[4e38,1]", "22003 \"4e38\" is out of range for type TYPE"),
    ("[-4e38,1]", "22003 \"-4e38\" is out of range for type TYPE"),
    (
        "[1, 1e999999999999 ]",
        "22003 \"1e999999999999\" is out of range for type TYPE",
    ),
    (
        "[1,2,3",
        "22P02 invalid input syntax for type TYPE: \"[1,2,3\"",
    ),
    (
        "[1,2,3]9",
        "22P02 invalid input syntax for type TYPE: \"[1,2,3]9\" [Junk after closing right brace.]",
    ),
    (
        "1,2,3",
        "22P02 invalid input syntax for type TYPE: \"1,2,3\" [Vector contents must start with \"[\".]",
    ),
    (
        "",
        "22P02 invalid input syntax for type TYPE: \"\" [Vector contents must start with \"[\".]",
    ),
    ("[", "22P02 invalid input syntax for type TYPE: \"[\""),
    ("[ ", "22P02 invalid input syntax for type TYPE: \"[ \""),
    ("[,", "22P02 invalid input syntax for type TYPE: \"[,\""),
    ("[]", "22000 TYPE must have at least 1 dimension"),
    ("[ ]", "22000 TYPE must have at least 1 dimension"),
    ("[]junk", "22000 TYPE must have at least 1 dimension"),
    ("[,]", "22P02 invalid input syntax for type TYPE: \"[,]\""),
    ("[1,]", "22P02 invalid input syntax for type TYPE: \"[1,]\""),
    ("[1a]", "22P02 invalid input syntax for type TYPE: \"[1a]\""),
    ("[1e]", "22P02 invalid input syntax for type TYPE: \"[1e]\""),
    (
        "[1e+]",
        "22P02 invalid input syntax for type TYPE: \"[1e+]\"",
    ),
    ("[.]", "22P02 invalid input syntax for type TYPE: \"[.]\""),
    ("[-]", "22P02 invalid input syntax for type TYPE: \"[-]\""),
    (
        "[- 1]",
        "22P02 invalid input syntax for type TYPE: \"[- 1]\"",
    ),
    (
        "[1 2]",
        "22P02 invalid input syntax for type TYPE: \"[1 2]\"",
    ),
    (
        "[1\u{a0}]",
        "22P02 invalid input syntax for type TYPE: \"[1\u{a0}]\"",
    ),
    (
        "[1\0]",
        "22P02 invalid input syntax for type TYPE: \"[1\0]\"",
    ),
    (
        "[1,,3]",
        "22P02 invalid input syntax for type TYPE: \"[1,,3]\"",
    ),
    (
        "[1, ,3]",
        "22P02 invalid input syntax for type TYPE: \"[1, ,3]\"",
    ),
    // Not pgvector's answer, which is `[16]`.
    (
        "[0x10]",
        "22P02 invalid input syntax for type TYPE: \"[0x10]\"",
    ),
];

#[test]
fn both_types_read_their_text() {
    for (literal, expected) in BOTH {
        assert_eq!(
            shown_dense(parse_vector(literal, None)),
            expected.replace("TYPE", "vector"),
            "{literal:?}"
        );
        assert_eq!(
            shown_dense(parse_halfvec(literal, None)),
            expected.replace("TYPE", "halfvec"),
            "{literal:?}"
        );
    }
}

#[test]
fn vectors_read_their_text() {
    let cases = [
        ("[1.23456]", "[1.23456]"),
        ("[1.5e38,-1.5e38]", "[1.5e+38,-1.5e+38]"),
        ("[1.5e+38,-1.5e+38]", "[1.5e+38,-1.5e+38]"),
        ("[1.5e-38,-1.5e-38]", "[1.5e-38,-1.5e-38]"),
        ("[1e-45]", "[1e-45]"),
        ("[7e-46]", "[0]"),
        ("[8e-46]", "[1e-45]"),
        ("[3.4028235e38]", "[3.4028235e+38]"),
        (
            "[3.4028236e38]",
            "22003 \"3.4028236e38\" is out of range for type vector",
        ),
    ];
    for (literal, expected) in cases {
        assert_eq!(
            shown_dense(parse_vector(literal, None)),
            expected,
            "{literal}"
        );
    }
}

#[test]
fn halfvecs_read_their_text() {
    let cases = [
        ("[1.23456]", "[1.234375]"),
        ("[65519,-65519]", "[65504,-65504]"),
        (
            "[65520,-65520]",
            "22003 \"65520\" is out of range for type halfvec",
        ),
        ("[1e-8,-1e-8]", "[0,-0]"),
        ("[6e-8]", "[5.9604645e-08]"),
        ("[0.1]", "[0.099975586]"),
    ];
    for (literal, expected) in cases {
        assert_eq!(
            shown_dense(parse_halfvec(literal, None)),
            expected,
            "{literal}"
        );
    }
}

#[test]
fn dimensions_are_checked_last() {
    let expected = "22000 expected 2 dimensions, not 3";
    assert_eq!(shown_dense(parse_vector("[1,2,3]", Some(3))), "[1,2,3]");
    assert_eq!(shown_dense(parse_vector("[1,2,3]", Some(2))), expected);
    assert_eq!(shown_dense(parse_halfvec("[1,2,3]", Some(2))), expected);
    let junk = "22P02 invalid input syntax for type vector: \"[1,2,3]]\" [Junk after closing right brace.]";
    assert_eq!(shown_dense(parse_vector("[1,2,3]]", Some(2))), junk);
}

#[test]
fn reading_stops_at_too_many_dimensions() {
    let list = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    assert_eq!(parse_vector(&list(16_000), None).unwrap().len(), 16_000);
    let error = "54000 vector cannot have more than 16000 dimensions";
    assert_eq!(shown_dense(parse_vector(&list(16_001), None)), error);
    // What follows is not looked at, as in pgvector.
    let unfinished = list(16_000).replace(']', ",hello");
    assert_eq!(shown_dense(parse_vector(&unfinished, None)), error);
    let error = "54000 halfvec cannot have more than 16000 dimensions";
    assert_eq!(shown_dense(parse_halfvec(&list(16_001), None)), error);
}

#[test]
fn long_literals_are_cut_in_messages() {
    let quoted = |tail: &str| {
        let error = parse_vector(tail, None).unwrap_err();
        shown_error(&error)
    };
    let whole = format!("[{}", "é".repeat(QUOTED_CHARACTERS_MAX - 1));
    assert_eq!(
        quoted(&whole),
        format!("22P02 invalid input syntax for type vector: \"{whole}\"")
    );
    assert_eq!(
        quoted(&format!("{whole}é")),
        format!("22P02 invalid input syntax for type vector: \"{whole}...\"")
    );
    for megabytes in [
        format!("[1{}", " ".repeat(10_000_000)),
        format!("[{}", "9".repeat(10_000_000)),
        format!("[1e{}", "9".repeat(10_000_000)),
        "[".repeat(10_000_000),
        " ".repeat(10_000_000),
    ] {
        assert!(parse_vector(&megabytes, None).unwrap_err().message().len() < 1_000);
    }
}

#[test]
fn vectors_survive_their_text() {
    let mut numbers = Numbers(0x5eed_0003);
    for _ in 0..2_000 {
        let vector: Vec<f32> = (0..1 + numbers.next() % 40)
            .map(|_| f32::from_bits(numbers.next() as u32))
            .filter(|x| x.is_finite())
            .chain([0.0])
            .collect();
        let text = format_vector(&vector);
        let read = parse_vector(&text, Some(vector.len())).unwrap();
        let bits = |v: &[f32]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(&vector), "{text}");
        let mut written = String::new();
        write_dense(&mut written, &vector).unwrap();
        assert_eq!(written, text);
    }
}

#[test]
fn every_half_survives_its_text() {
    for bits in 0..=u16::MAX {
        let half = f16::from_bits(bits);
        let text = format_halfvec(&[half]);
        match parse_halfvec(&text, None) {
            Ok(read) => assert_eq!(read[0].to_bits(), bits, "{text}"),
            Err(error) => {
                assert!(!half.is_finite(), "{text}: {error}");
                assert_eq!(error.sqlstate(), "22000");
            }
        }
    }
}
