//! Arrays as PostgreSQL reads them.

use super::shown;
use crate::{parse_array, parse_double, parse_integer, parse_real};

#[test]
fn arrays() {
    let check = |literal: &str, expected: &str| {
        let found = shown(parse_array(literal), |array| match array {
            None => "nested".to_owned(),
            Some(elements) => elements
                .iter()
                .map(|element| element.as_deref().unwrap_or("<null>"))
                .collect::<Vec<_>>()
                .join("|"),
        });
        assert_eq!(found, expected, "{literal}");
    };
    check("{}", "");
    check(" { } ", "");
    check("{1,2,3}", "1|2|3");
    check(" { 1 , 2.5 ,-3e4 } ", "1|2.5|-3e4");
    check("{NULL,null,\"NULL\"}", "<null>|<null>|NULL");
    check(r#"{"a,b","c\"d",e\,f,\NULL}"#, r#"a,b|c"d|e,f|NULL"#);
    check("{{1},{2}}", "nested");
    let malformed = |literal: &str, detail: &str| {
        check(
            literal,
            &format!("22P02 malformed array literal: \"{literal}\" [{detail}]"),
        );
    };
    malformed(
        "1,2",
        "Array value must start with \"{\" or dimension information.",
    );
    malformed(
        "",
        "Array value must start with \"{\" or dimension information.",
    );
    malformed("{1,2", "Unexpected end of input.");
    malformed("{{1}", "Unexpected end of input.");
    malformed("{\"1", "Unexpected end of input.");
    malformed("{1,}", "Unexpected \"}\" character.");
    malformed("{,1}", "Unexpected \",\" character.");
    malformed("{1,,2}", "Unexpected \",\" character.");
    malformed("{1{2}}", "Unexpected \"{\" character.");
    malformed("{1}2", "Junk after closing right brace.");
    malformed("{1\"2\"}", "Incorrectly quoted array element.");
    malformed("{\"1\"2}", "Incorrectly quoted array element.");
}

#[test]
fn numbers() {
    let real = |text| shown(parse_real(text), |value| value.to_string());
    assert_eq!(real(" 1.5 "), "1.5");
    assert_eq!(real("-Infinity"), "-inf");
    assert_eq!(real("4e38"), "22003 \"4e38\" is out of range for type real");
    assert_eq!(
        real("1e-50"),
        "22003 \"1e-50\" is out of range for type real"
    );
    assert_eq!(
        real("1x"),
        "22P02 invalid input syntax for type real: \"1x\""
    );
    let double = |text| shown(parse_double(text), |value| value.to_string());
    assert_eq!(double("4e38"), 4e38_f64.to_string());
    assert_eq!(double("NaN"), "NaN");
    assert_eq!(double("inf"), "inf");
    assert_eq!(
        double("1e400"),
        "22003 \"1e400\" is out of range for type double precision"
    );
    assert_eq!(
        double("1e-400"),
        "22003 \"1e-400\" is out of range for type double precision"
    );
    assert_eq!(double("0e9"), "0");
    assert_eq!(
        double(""),
        "22P02 invalid input syntax for type double precision: \"\""
    );
    let integer = |text| {
        shown(
            parse_integer(text, "integer", i64::from(i32::MIN), i64::from(i32::MAX)),
            |value| value.to_string(),
        )
    };
    assert_eq!(integer(" -7"), "-7");
    assert_eq!(
        integer("2147483648"),
        "22003 value \"2147483648\" is out of range for type integer"
    );
    assert_eq!(
        integer("1.5"),
        "22P02 invalid input syntax for type integer: \"1.5\""
    );
}
