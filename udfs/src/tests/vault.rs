//! The functions over vault values, in SQL.

use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::SessionContext;

async fn try_one(expression: &str) -> datafusion::error::Result<String> {
    let context = SessionContext::new();
    for function in crate::vault_functions() {
        context.register_udf(function.as_ref().clone());
    }
    let batches = context
        .sql(&format!("SELECT {expression} AS answer"))
        .await?
        .collect()
        .await?;
    let table = pretty_format_batches(&batches)?.to_string();
    let line = table.lines().nth(3).unwrap_or_default();
    Ok(line.trim_matches('|').trim().to_owned())
}

async fn one(expression: &str) -> String {
    try_one(expression)
        .await
        .unwrap_or_else(|error| panic!("{expression}: {error}"))
}

async fn fails(expression: &str, words: &str) {
    match try_one(expression).await {
        Ok(answer) => panic!("{expression} is {answer}"),
        Err(error) => assert!(error.to_string().contains(words), "{expression}: {error}"),
    }
}

#[tokio::test]
async fn values_are_stored_as_the_package_does() {
    for (value, stored) in [
        ("42", "894b010200000000564b2a00000000000000"),
        ("1.5", "894b010200000000564b000000000000f83f"),
        ("'hé'", "894b010600000000564b68c3a9"),
        ("X'0102'", "0102"),
        (
            "'{\"b\":1,\"a\":[null]}', 'msgpack'",
            "894b010400000000564b82a16191c0a16201",
        ),
        (
            "make_array(1, 2)",
            "894b010200000000564b04010200000001000000000000000200000000000000",
        ),
        ("NULL", ""),
    ] {
        assert_eq!(
            one(&format!("vault_encode({value})")).await,
            stored,
            "{value}"
        );
    }
    fails("vault_encode('x', 'i64')", "another type").await;
    fails("vault_encode('x', 'yaml')", "yaml").await;
}

#[tokio::test]
async fn stored_values_are_read() {
    for (value, name, text) in [
        ("42", "i64", "42"),
        ("-1.25", "f64", "-1.25"),
        ("'hé'", "str", "\"hé\""),
        ("X'00ff'", "raw", ""),
        ("'[1, NULL]', 'raw'", "raw", ""),
        (
            "'{\"b\":[1,2.5],\"a\":null}', 'cbor'",
            "cbor",
            "{\"a\":null,\"b\":[1,2.5]}",
        ),
        ("'{\"b\": [1, 2.5]}', 'json'", "json", "{\"b\":[1,2.5]}"),
        ("make_array(0.5, 'NaN'::double)", "array", "[0.5,\"NaN\"]"),
        (
            "make_array(make_array(1, 2), make_array(3, 4))",
            "array",
            "[[1,2],[3,4]]",
        ),
    ] {
        assert_eq!(
            one(&format!("vault_type(vault_encode({value}))")).await,
            name,
            "{value}"
        );
        assert_eq!(
            one(&format!("vault_decode(vault_encode({value}))")).await,
            text,
            "{value}"
        );
    }
    // The guess is wrong, and the caller knows better.
    assert_eq!(one("vault_decode(vault_encode(0.0))").await, "0");
    assert_eq!(one("vault_decode(vault_encode(0.0), 'f64')").await, "0.0");
    assert_eq!(
        one("vault_decode(vault_encode(5000000000000), 'i64')").await,
        "5000000000000"
    );
    assert_eq!(
        one("vault_decode(vault_encode(make_array(1, 2)), 'array')").await,
        "[1.0, 2.0]"
    );
    assert_eq!(
        one("vault_type(X'894b010100000000564b8004')").await,
        "pickle"
    );
    assert_eq!(one("vault_decode(X'894b010100000000564b8004')").await, "");
    assert_eq!(
        one("vault_type(X'894b0000000000000000000000')").await,
        "raw"
    );
    fails("vault_decode(X'894b0000000000000000000000')", "header").await;
    fails("vault_decode(X'00', 'i64')", "8 bytes").await;
    fails("vault_decode(X'00', 'date')", "no type 'date'").await;
}

#[tokio::test]
async fn packed_values() {
    for (dtype, value, packed, unpacked) in [
        ("i64", "5", "0500000000000000", "5"),
        ("i16", "-2", "feff", "-2"),
        ("f64", "0.5", "000000000000e03f", "0.5"),
        ("bool", "true", "01", "true"),
        ("str", "'hé'", "68c3a9", "hé"),
        ("str:4:utf16le", "'a'", "61000000", "a"),
        ("bytes:3", "X'01'", "010000", "010000"),
        (
            "vec:f32:2",
            "make_array(1.0, 2.0)",
            "010000803f00000040",
            "[1.0, 2.0]",
        ),
        (
            "vec:u8",
            "make_array(1, 2, 3)",
            "05010300000001 0203",
            "[1, 2, 3]",
        ),
        ("msgpack", "'{\"a\": 1}'", "81a16101", "{\"a\":1}"),
        ("cbor", "'[1.5]'", "81f93e00", "[1.5]"),
    ] {
        let packed = packed.replace(' ', "");
        assert_eq!(
            one(&format!("pack('{dtype}', {value})")).await,
            packed,
            "{dtype}"
        );
        assert_eq!(
            one(&format!("unpack('{dtype}', X'{packed}')")).await,
            unpacked,
            "{dtype}"
        );
    }
    assert_eq!(one("unpack('i64', NULL)").await, "");
    fails("pack('i8', 300)", "i8").await;
    fails("pack('str:2', 'long')", "2 bytes at most").await;
    fails("pack('date', 1)", "'date'").await;
    fails("unpack('i64', X'00')", "8 bytes").await;
    fails("unpack('vec:f32:2', X'020000803f00000040')", "type byte").await;
    fails("unpack('vec:u8', X'05ffffffffff')", "packed array").await;
    let schema = r#"'{"type": "object", "required": ["a"]}'"#;
    assert_eq!(
        one(&format!("pack_json('{{\"a\": 1}}', {schema})")).await,
        "81a16101"
    );
    fails(&format!("pack_json('{{\"b\": 1}}', {schema})"), "required").await;
}
