//! The functions as SQL calls them.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::{SessionConfig, SessionContext};

fn session() -> SessionContext {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    for function in crate::scalar_functions() {
        context.register_udf(function.as_ref().clone());
    }
    for function in crate::aggregate_functions() {
        context.register_udaf(function.as_ref().clone());
    }
    let octet_length = Arc::clone(&context.state().scalar_functions()["octet_length"]);
    context.register_udf(crate::length_of_bytes(octet_length).as_ref().clone());
    // Values of many kinds, with their bytes in every type.
    let mut values: Vec<Option<Vec<u8>>> = vec![None, Some(vec![])];
    for length in [1, 8, 9, 100, 4095, 4096, 4097, 20_000] {
        values.push(Some(vec![0; length]));
        let text = b"some words, and the same words; ".iter().cycle();
        values.push(Some(text.take(length).copied().collect()));
        let mut state = length as u32;
        values.push(Some(
            (0..length)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect(),
        ));
    }
    let algorithms = ["auto", "lz4", "lz4hc", "zstd", "same_fill", "none"];
    let algorithms: StringArray = (0..values.len())
        .map(|row| Some(algorithms[row % algorithms.len()]))
        .collect();
    let binary: ArrayRef = Arc::new(
        values
            .iter()
            .map(|value| value.as_deref())
            .collect::<BinaryArray>(),
    );
    let large = cast(&binary, &DataType::LargeBinary).unwrap();
    let view = cast(&binary, &DataType::BinaryView).unwrap();
    let batch = RecordBatch::try_from_iter([
        ("b", binary),
        ("l", large),
        ("v", view),
        ("algorithm", Arc::new(algorithms) as ArrayRef),
    ])
    .unwrap();
    context.register_batch("t", batch).unwrap();
    context
}

async fn answer(context: &SessionContext, sql: &str) -> Result<String, String> {
    let plain = |error: datafusion_common::DataFusionError| error.strip_backtrace();
    let frame = context.sql(sql).await.map_err(plain)?;
    let batches = frame.collect().await.map_err(plain)?;
    let table = pretty_format_batches(&batches).unwrap().to_string();
    let rows: Vec<&str> = table
        .lines()
        .skip(3)
        .filter(|line| !line.starts_with('+'))
        .collect();
    Ok(rows
        .iter()
        .map(|line| line.trim_matches('|'))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n"))
}

async fn check(cases: &[(&str, &str)]) {
    let context = session();
    for (sql, expected) in cases {
        assert_eq!(answer(&context, sql).await.unwrap(), *expected, "{sql}");
    }
}

async fn check_errors(cases: &[(&str, &str)]) {
    let context = session();
    for (sql, expected) in cases {
        match answer(&context, sql).await {
            Ok(found) => panic!("{sql}: {found}"),
            Err(error) => assert!(error.contains(expected), "{sql}: {error}"),
        }
    }
}

#[tokio::test]
async fn values_come_back_in_every_type() {
    let context = session();
    for column in ["b", "l", "v"] {
        for algorithm in [
            "auto",
            "lz4",
            "lz4hc",
            "zstd",
            "same_fill",
            "none",
            "lz4_raw",
            "zstd_raw",
            "LZ4",
        ] {
            let sql = format!(
                "SELECT count(*), count(back), bool_and(back = {column}), arrow_typeof(max(back)) = arrow_typeof(max({column}))
                 FROM (SELECT {column}, page_decompress(page_compress({column}, '{algorithm}'), '{algorithm}') AS back FROM t)"
            );
            assert_eq!(
                answer(&context, &sql).await.unwrap(),
                "26 | 25 | true | true",
                "{sql}"
            );
        }
    }
}

#[tokio::test]
async fn constants_and_columns_of_settings() {
    check(&[
        (
            "SELECT page_decompress(page_compress('some text'))::text",
            "some text",
        ),
        (
            "SELECT octet_length(page_compress(x'')), octet_length(page_decompress(page_compress('')))",
            "20 | 0",
        ),
        (
            "SELECT page_compress(NULL) IS NULL, page_compress('a', NULL) IS NULL, page_decompress(NULL) IS NULL",
            "true | true | true",
        ),
        (
            "SELECT octet_length(page_compress(repeat('a', 4096), 'zstd', NULL, NULL))",
            "28",
        ),
        (
            "SELECT bool_and(page_decompress(page_compress(b, algorithm)) = b), count(page_compress(b, algorithm)) FROM t",
            "true | 25",
        ),
        (
            "SELECT count(page_compress(b, CASE WHEN octet_length(b) > 100 THEN 'lz4' END)) FROM t",
            "12",
        ),
        (
            "SELECT octet_length(page_compress(b, 'zstd', 1)) >= octet_length(page_compress(b, 'zstd', 19)) FROM t WHERE octet_length(b) = 20000 LIMIT 1",
            "true",
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_frames_and_bytes_say() {
    check(&[
        (
            "SELECT page_algorithm(page_compress(repeat('a', 4096), 'zstd'))",
            "same_fill",
        ),
        (
            "SELECT page_algorithm(page_compress(repeat('abc', 2000), 'lz4'))",
            "lz4",
        ),
        (
            "SELECT page_algorithm(page_compress(repeat('a', 4096) || repeat('abc', 1000), 'lz4'))",
            "mixed",
        ),
        ("SELECT page_algorithm(page_compress('ab', 'zstd'))", "none"),
        ("SELECT page_ratio(page_compress(repeat('a', 4096)))", "512.0"),
        ("SELECT page_ratio(page_compress('')) IS NULL", "true"),
        ("SELECT page_ratio(page_compress('ab'))", "1.0"),
        (
            "SELECT page_is_same_fill(repeat('a', 4096)), page_is_same_fill(repeat('abc', 100)), page_is_same_fill(x'00'), page_is_same_fill(''), page_is_same_fill(NULL)",
            "true | false | true | false |",
        ),
        (
            "SELECT page_entropy(x'00010203'), page_entropy(repeat('a', 10)), page_entropy('') IS NULL",
            "2.0 | 0.0 | true",
        ),
        (
            "SELECT byte_shuffle('a1b2c3', 2)::text, byte_unshuffle('abc123', 2)::text, byte_shuffle('abcde', 2)::text",
            "abc123 | a1b2c3 | acbde",
        ),
        (
            "SELECT bool_and(byte_unshuffle(byte_shuffle(b, 4), 4) = b), bool_and(byte_unshuffle(byte_shuffle(v, 7), 7) = v) FROM t",
            "true | true",
        ),
        (
            "SELECT octet_length('añ'), octet_length(x'0001'), octet_length(arrow_cast(x'0001', 'LargeBinary'))",
            "3 | 2 | 2",
        ),
    ])
    .await;
}

#[tokio::test]
async fn aggregates() {
    check(&[
        (
            "SELECT page_stats(repeat('a', 8192))",
            "{pages: 2, bytes_in: 8192, bytes_out: 16, ratio: 512.0, incompressible: 0, same_fill: 2, algorithms: {none: 0, same_fill: 2, lz4: 0, zstd: 0}}",
        ),
        (
            "SELECT page_stats(b) FROM t WHERE false",
            "{pages: 0, bytes_in: 0, bytes_out: 0, ratio: , incompressible: 0, same_fill: 0, algorithms: {none: 0, same_fill: 0, lz4: 0, zstd: 0}}",
        ),
        (
            "SELECT s['pages'], s['bytes_in'] = (SELECT sum(octet_length(b)) FROM t), s['incompressible'] = s['pages'] FROM (SELECT page_stats(b, 'none') AS s FROM t)",
            "39 | true | true",
        ),
        (
            "SELECT count(*), sum(s['pages']) FROM (SELECT octet_length(b) AS bytes, page_stats(v, 'lz4') AS s FROM t GROUP BY bytes)",
            "10 | 39",
        ),
        (
            "WITH d AS (SELECT page_dictionary(concat('{\"id\": ', value::text, ', \"name\": \"user ', (value * 7919 % 1000)::text, '\", \"status\": \"active\"}'), 2048) AS dictionary FROM generate_series(1, 2000)),
                  x AS (SELECT '{\"id\": 17, \"name\": \"user 23\", \"status\": \"active\"}' AS b)
             SELECT octet_length(page_compress(b, 'zstd', 3, dictionary)) < octet_length(page_compress(b, 'zstd')), page_decompress(page_compress(b, 'zstd', 3, dictionary), dictionary)::text = b, page_decompress(page_compress(b, 'zstd_raw', 3, dictionary), 'zstd_raw', dictionary)::text = b FROM d, x",
            "true | true | true",
        ),
        ("SELECT page_dictionary(b) IS NULL FROM t WHERE false", "true"),
    ])
    .await;
}

#[tokio::test]
async fn mistakes_are_errors() {
    check_errors(&[
        (
            "SELECT page_compress('a', 'lzma')",
            "page_compress: no algorithm is called 'lzma'; there are auto, lz4, lz4hc, zstd, same_fill, none, lz4_raw, zstd_raw",
        ),
        (
            "SELECT page_compress('a', 'zstd', 23)",
            "page_compress: zstd takes levels 1 to 22, not 23",
        ),
        (
            "SELECT page_compress('a', 'lz4', 1)",
            "page_compress: lz4 takes no level, not 1",
        ),
        (
            "SELECT page_compress('a', 'lz4_raw', 13)",
            "page_compress: lz4_raw takes levels 1 to 12, not 13",
        ),
        (
            "SELECT page_compress('a', 'zstd', 3000000000)",
            "page_compress: no level is 3000000000",
        ),
        (
            "SELECT page_compress('a', 'zstd', 3, x'0102')",
            "page_compress: length of the dictionary at byte 0 is 2, expected 8 to 16777216",
        ),
        ("SELECT page_compress(1)", "page_compress: argument 1 is binary, not Int64"),
        ("SELECT page_compress('a', 1)", "page_compress: argument 2 is text, not Int64"),
        ("SELECT page_decompress('a')", "page_decompress: argument 1 is binary, not Utf8"),
        (
            "SELECT page_decompress(x'0102')",
            "page_decompress: the magic number of a page frame at byte 0 needs 4 bytes, 2 are left",
        ),
        (
            "SELECT page_decompress(x'0102030405060708')",
            "page_decompress: magic number of a page frame at byte 0 is 67305985, expected",
        ),
        (
            "SELECT page_decompress(x'10aa050000', 'lz4_raw')",
            "page_decompress: distance of a match at byte 2 is 5, expected 1 to 1",
        ),
        (
            "SELECT page_decompress(x'0102', 'zstd_raw')",
            "page_decompress: the",
        ),
        (
            "SELECT page_algorithm(x'894f4750010000000000000000000000deadbeef')",
            "page_algorithm: page 0 at byte 20: the checksum at byte 16 is efbeadde, the bytes have ",
        ),
        (
            "SELECT byte_shuffle('abc', 0)",
            "byte_shuffle: a width is 1 to 4096 bytes, not 0",
        ),
        (
            "SELECT page_stats(b, algorithm) FROM t",
            "page_stats: the algorithm is a constant",
        ),
        (
            "SELECT page_dictionary(b, 10) FROM t",
            "page_dictionary: a dictionary has 256 to 16777216 bytes, not 10",
        ),
        (
            "SELECT page_dictionary('a')",
            "page_dictionary: a dictionary takes more samples",
        ),
    ])
    .await;
}

/// Whatever byte of a frame is changed, SQL says so.
#[tokio::test]
async fn any_changed_byte_is_an_error() {
    let context = session();
    let hex = answer(
        &context,
        "SELECT encode(page_compress(repeat('abcdefghij', 30), 'lz4'), 'hex')",
    )
    .await
    .unwrap();
    for at in 0..hex.len() {
        let mut changed = hex.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(changed).unwrap();
        let found = answer(&context, &format!("SELECT page_decompress(x'{changed}')")).await;
        assert!(found.is_err(), "nibble {at}: {found:?}");
    }
}
