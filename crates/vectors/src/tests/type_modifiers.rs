//! `vector(3)`, `bit(4)` and the modifiers that are refused.

use super::shown;
use crate::{VectorType, bit_type_modifier};

#[test]
fn dimensions() {
    let cases: &[(&[&str], &str)] = &[
        (&["3"], "3"),
        (&[" +3 "], "3"),
        (&["1"], "1"),
        (&[], "22023 invalid type modifier"),
        (&["3", "2"], "22023 invalid type modifier"),
        (
            &["3", "a"],
            "22P02 invalid input syntax for type integer: \"a\"",
        ),
        (&["a"], "22P02 invalid input syntax for type integer: \"a\""),
        (&[""], "22P02 invalid input syntax for type integer: \"\""),
        (
            &["+-3"],
            "22P02 invalid input syntax for type integer: \"+-3\"",
        ),
        (
            &["2147483648"],
            "22003 value \"2147483648\" is out of range for type integer",
        ),
        (&["0"], "22023 dimensions for type TYPE must be at least 1"),
        (&["-5"], "22023 dimensions for type TYPE must be at least 1"),
        (
            &["2147483647"],
            "22023 dimensions for type TYPE cannot exceed MAX",
        ),
    ];
    for (kind, name, max) in [
        (VectorType::Vector, "vector", 16_000),
        (VectorType::Halfvec, "halfvec", 16_000),
        (VectorType::Sparsevec, "sparsevec", 1_000_000_000),
    ] {
        for (modifiers, expected) in cases {
            let expected = expected
                .replace("TYPE", name)
                .replace("MAX", &max.to_string());
            let answer = shown(kind.type_modifier(modifiers), |n| n.to_string());
            assert_eq!(answer, expected);
        }
        assert_eq!(kind.type_modifier(&[&max.to_string()]), Ok(max));
        assert_eq!(
            shown(kind.type_modifier(&[&(max + 1).to_string()]), |n| n
                .to_string()),
            format!("22023 dimensions for type {name} cannot exceed {max}")
        );
    }
}

#[test]
fn bits() {
    let cases: &[(&[&str], &str)] = &[
        (&["4"], "4"),
        (&["83886080"], "83886080"),
        (&["0"], "22023 length for type bit must be at least 1"),
        (
            &["83886081"],
            "22023 length for type bit cannot exceed 83886080",
        ),
        (&["1", "1"], "22023 invalid type modifier"),
    ];
    for (modifiers, expected) in cases {
        assert_eq!(
            shown(bit_type_modifier(modifiers), |n| n.to_string()),
            *expected
        );
    }
}
