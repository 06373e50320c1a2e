use super::*;

fn parse(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &[u8], offset: usize) {
    let error = Json::parse(text).expect_err("not JSON");
    assert_eq!(error.offset, offset, "{}: {error}", text.escape_ascii());
}

#[test]
fn texts_come_back() {
    for text in [
        "null",
        "true",
        "false",
        "0",
        "-1",
        "25",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "-123456789012345678901234567890",
        "1.0",
        "-0.0",
        "0.25",
        "1e-05",
        "1e+16",
        "9999999999999998.0",
        "0.0001",
        "1.5e-05",
        "4.203895392974451e-45",
        "5e-324",
        "1.7976931348623157e+308",
        "-1e+100",
        "NaN",
        "Infinity",
        "-Infinity",
        "\"\"",
        "\"a/b\\\"\\\\\\n\\r\\t\\b\\f\\u0000\\u001f\u{7f}\"",
        "\"\\u00fcn\\u00ef\\ud83d\\ude00\"",
        "[]",
        "{}",
        "[1,[2,{}],null]",
        "{\"a\":1,\"b\":{\"c\":[]}}",
    ] {
        assert_eq!(parse(text).to_sorted_text(), text);
    }
}

#[test]
fn other_spellings_become_the_usual_one() {
    for (text, usual) in [
        (" [ 1 , 2 ]\n", "[1,2]"),
        ("1E5", "100000.0"),
        ("1e400", "Infinity"),
        ("-0", "0"),
        ("1.10", "1.1"),
        ("\"\\u00FC\\/\"", "\"\\u00fc/\""),
        ("\"\u{e9}\"", "\"\\u00e9\""),
        ("{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}"),
        ("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"),
        ("\"\\ud800\"", "\"\\ufffd\""),
        ("\"\\ud800\\u0041\"", "\"\\ufffdA\""),
        ("\"\\udc00x\"", "\"\\ufffdx\""),
        ("123456789.125", "123456789.125"),
        ("1e15", "1000000000000000.0"),
        ("12345678901234567.0", "1.2345678901234568e+16"),
        ("0.00001", "1e-05"),
        ("-14.5559844970703125", "-14.555984497070312"),
        ("0.00012345", "0.00012345"),
    ] {
        assert_eq!(parse(text).to_sorted_text(), usual, "{text}");
    }
}

#[test]
fn the_spaced_style_keeps_the_order_of_keys() {
    let value = parse("{\"b\":[1,2],\"a\":{},\"c\":\"\u{e9}\"}");
    assert_eq!(
        value.to_spaced_text(),
        "{\"b\": [1, 2], \"a\": {}, \"c\": \"\\u00e9\"}"
    );
}

#[test]
fn anything_else_is_refused_with_its_place() {
    for (text, offset) in [
        ("", 0),
        ("  ", 2),
        ("nul", 0),
        ("01", 1),
        ("1.", 1),
        ("-", 0),
        ("+1", 0),
        (".5", 0),
        ("[1,]", 3),
        ("[1 2]", 3),
        ("{1:2}", 1),
        ("{\"a\" 1}", 5),
        ("{\"a\":}", 5),
        ("{\"a\":1,}", 7),
        ("\"a", 2),
        ("\"\\x\"", 2),
        ("\"\\u12\"", 3),
        ("\"a\nb\"", 2),
        ("1 2", 2),
        ("Inf", 0),
        ("nan", 0),
        ("'a'", 0),
        ("1e", 1),
    ] {
        refused(text.as_bytes(), offset);
    }
    refused(b"\"\xff\"", 1);
    refused(b"\xef\xbb\xbf1", 0);
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(
        parse(&nested(DEPTH_MAX)).to_sorted_text(),
        nested(DEPTH_MAX)
    );
    refused(nested(DEPTH_MAX + 1).as_bytes(), DEPTH_MAX);
    refused("{\"a\":".repeat(100_000).as_bytes(), DEPTH_MAX * 5);
}

#[test]
fn many_equal_keys_take_linear_time() {
    let text: Vec<String> = (0..200_000)
        .map(|index| format!("\"{}\":{index}", index % 100_000))
        .collect();
    let value = parse(&format!("{{{}}}", text.join(",")));
    let entries = value.as_object().unwrap();
    assert_eq!(entries.len(), 100_000);
    assert_eq!(entries[7], ("7".to_owned(), Json::Int(100_007)));
}

#[test]
fn equality_is_python_s() {
    let equal = |a: &str, b: &str| {
        let (a, b) = (parse(a), parse(b));
        assert_eq!(a.equals(&b), b.equals(&a));
        a.equals(&b)
    };
    for (a, b) in [
        ("1", "1.0"),
        ("1", "true"),
        ("0.0", "false"),
        ("0", "-0.0"),
        ("null", "null"),
        ("\"a\"", "\"a\""),
        ("[1,2]", "[true,2.0]"),
        ("{\"a\":1,\"b\":2}", "{\"b\":2.0,\"a\":true}"),
        ("100000000000000000000", "1e20"),
        ("Infinity", "Infinity"),
        ("0.5", "0.5"),
    ] {
        assert!(equal(a, b), "{a} and {b}");
    }
    for (a, b) in [
        ("NaN", "NaN"),
        ("1", "\"1\""),
        ("0", "null"),
        ("[1]", "[1,2]"),
        ("{\"a\":1}", "{\"b\":1}"),
        ("9007199254740993", "9007199254740992.0"),
        ("Infinity", "-Infinity"),
        ("1", "1.5"),
        ("{}", "[]"),
    ] {
        assert!(!equal(a, b), "{a} and {b}");
    }
}

#[test]
fn floats_come_back_whatever_their_bits() {
    let mut bits = 0x1234_5678_9abc_def0_u64;
    for _ in 0..100_000 {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        let number = f64::from_bits(bits);
        let text = Json::Float(number).to_sorted_text();
        let Json::Float(back) = parse(&text) else {
            panic!("{text} is no float")
        };
        assert!(
            back.to_bits() == number.to_bits() || number.is_nan(),
            "{text}"
        );
    }
}
