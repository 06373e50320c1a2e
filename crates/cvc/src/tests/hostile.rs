//! Bytes that nobody meant: an error or a value, never a panic, and never more memory than the file justifies.

use std::io::Cursor;

use super::fixtures::{self, Numbers};
use crate::{ErrorKind, Layout, open_slice, read_all_f32, upgrade};

/// Opens and reads everything.
fn read(bytes: &[u8]) -> Option<Layout> {
    let layout = open_slice("hostile.cvc", bytes).ok()?;
    for column in 0..layout.columns().len() {
        let _ = read_all_f32(&layout, bytes, column);
    }
    for chunk in 0..layout.chunks().len() {
        let range = layout
            .record_range(chunk)
            .expect("an open layout knows its records");
        assert!(range.end <= bytes.len() as u64);
    }
    Some(layout)
}

const SMALL: [&str; 9] = [
    "v0_int8_n25_d6_c10.cvc",
    "v0_fp16_chunk_metadata.cvc",
    "v1_fp16_sections.cvc",
    "v1_int8_nonfinite_nan.cvc",
    "v1_lossless_bits.cvc",
    "v1_lossless_three_unique.cvc",
    "v2_columnar_chunk1.cvc",
    "v2_columnar_sections.cvc",
    "v2_columnar_names.cvc",
];

#[test]
fn cutting_at_every_byte_is_an_error() {
    for name in SMALL {
        let bytes = fixtures::bytes(name);
        assert!(read(&bytes).is_some(), "{name}");
        for length in 0..bytes.len() {
            let error = open_slice(name, &bytes[..length]).expect_err(name);
            let kind = if length == 0 || bytes.starts_with(b"CVCF") {
                ErrorKind::Truncated
            } else {
                ErrorKind::NotCvc
            };
            assert_eq!(error.kind(), kind, "{name} cut at {length}: {error}");
        }
    }
}

#[test]
fn flipping_every_byte_never_panics() {
    for name in SMALL {
        let mut bytes = fixtures::bytes(name);
        for at in 0..bytes.len() {
            let good = bytes[at];
            for flip in [1, 0xff, good ^ b'9', good ^ b'{'] {
                bytes[at] = good ^ flip;
                read(&bytes);
            }
            bytes[at] = good;
        }
    }
}

#[test]
fn flips_in_payloads_of_versioned_files_are_found() {
    for name in SMALL.iter().filter(|name| !name.starts_with("v0")) {
        let mut bytes = fixtures::bytes(name);
        let layout = open_slice(name, &bytes).unwrap();
        for chunk in 0..layout.chunks().len() {
            let record = layout.record_range(chunk).unwrap();
            for at in record.clone() {
                bytes[at as usize] ^= 4;
                let record = &bytes[record.start as usize..record.end as usize];
                let error = layout.check_record(chunk, record).expect_err(name);
                assert_eq!(error.chunk(), Some(chunk));
                bytes[at as usize] ^= 4;
            }
        }
    }
}

#[test]
fn random_edits_never_panic() {
    let seed = 17;
    let mut numbers = Numbers(seed);
    let words: [&[u8]; 12] = [
        b"NaN",
        b"-1",
        b"99999999999999999999",
        b"4294967296",
        b"null",
        b"\"none\"",
        b"{}",
        b"[]",
        b"1e308",
        b"0",
        b"true",
        b"18446744073709551615",
    ];
    for round in 0..4000 {
        let mut bytes = fixtures::bytes(SMALL[round % SMALL.len()]);
        for _ in 0..1 + numbers.below(3) {
            let at = numbers.below(bytes.len());
            let word = words[numbers.below(words.len())];
            for (slot, byte) in bytes.iter_mut().skip(at).zip(word) {
                *slot = *byte;
            }
        }
        read(&bytes);
    }
}

/// A v1.0 or v2.0 file with this header and nothing after it but `room` zero bytes.
fn with_header(major: u8, json: &str, room: usize) -> Vec<u8> {
    let mut bytes = b"CVCF".to_vec();
    bytes.extend([major, 0, 0, 0]);
    bytes.extend((json.len() as u32).to_le_bytes());
    bytes.extend(json.as_bytes());
    bytes.resize(bytes.len() + room, 0);
    bytes
}

#[test]
fn claims_beyond_the_file_are_refused() {
    let single = |chunk: &str, rows: &str, dimension: &str| {
        format!(
            r#"{{"chunks":[{{{chunk}}}],"compression":"fp16","dimension":{dimension},"num_vectors":{rows}}}"#
        )
    };
    let columnar = |columns: &str, parts: &str| {
        format!(
            r#"{{"format_type":"columnar","num_vectors":2,"columns":[{columns}],"chunks":[{{"rows":2,"columns":{{{parts}}}}}]}}"#
        )
    };
    let a = r#"{"name":"a","dtype":"int32","dimension":1,"compression":"none"}"#;
    let cases = [
        // Rows times dimension beyond 64 bits, beyond a record, beyond the file.
        (
            1,
            single(
                r#""rows":9223372036854775807"#,
                "9223372036854775807",
                "2147483647",
            ),
        ),
        (1, single(r#""rows":4294967296"#, "4294967296", "4")),
        (1, single(r#""rows":1000000"#, "1000000", "100")),
        (
            1,
            single(
                r#""rows":1000000,"compression":"lossless""#,
                "1000000",
                "100",
            ),
        ),
        (
            1,
            single(
                r#""rows":4294967296,"compression":"lossless""#,
                "4294967296",
                "1",
            ),
        ),
        (1, single(r#""rows":1"#, "1", "2147483648")),
        (
            1,
            single(
                r#""rows":9223372036854775807},{"rows":1"#,
                "9223372036854775808",
                "0",
            ),
        ),
        (1, single(r#""rows":-1"#, "-1", "4")),
        (1, single(r#""rows":1.0"#, "1", "4")),
        (1, single(r#""rows":true"#, "1", "4")),
        (1, single(r#""rows":1,"compression":"none""#, "1", "4")),
        (1, single(r#""rows":1,"compression":"int8""#, "1", "4")),
        (1, single(r#""rows":1,"compression":"zip""#, "1", "4")),
        (1, single(r#""rows":1"#, "2", "4")),
        (1, single(r#""rows":1,"file_offset":10"#, "1", "4")),
        (
            1,
            single(r#""rows":1,"file_offset":18446744073709551615"#, "1", "4"),
        ),
        (
            1,
            single(
                r#""rows":1,"file_offset":190},{"rows":1,"file_offset":194"#,
                "2",
                "4",
            ),
        ),
        (
            1,
            single(r#""rows":1,"file_offset":190},{"rows":1"#, "2", "4"),
        ),
        (1, "[]".to_owned()),
        (1, "{}".to_owned()),
        (
            1,
            r#"{"format_type":"other","chunks":[],"num_vectors":0}"#.to_owned(),
        ),
        (2, columnar("", "")),
        (
            2,
            columnar(&format!("{a},{a}"), r#""a":{"offset":0,"size":8}"#),
        ),
        (2, columnar(a, r#""a":{"offset":0,"size":9}"#)),
        (2, columnar(a, r#""a":{"offset":4294967290,"size":8}"#)),
        (
            2,
            columnar(a, r#""a":{"offset":18446744073709551615,"size":8}"#),
        ),
        (2, columnar(a, r#""a":{"offset":200,"size":8}"#)),
        (2, columnar(a, r#""b":{"offset":0,"size":8}"#)),
        (2, columnar(a, "")),
        (
            2,
            columnar(a, r#""a":{"offset":0,"size":4,"compression":"fp16"}"#),
        ),
        (
            2,
            columnar(
                &a.replace("int32", "float64"),
                r#""a":{"offset":0,"size":8}"#,
            ),
        ),
    ];
    for (major, json) in cases {
        let error = open_slice("claims.cvc", &with_header(major, &json, 100)).expect_err(&json);
        println!("{error}");
        assert!(
            matches!(error.kind(), ErrorKind::BadHeader | ErrorKind::Truncated),
            "{json}: {error}"
        );
        assert_eq!(error.file(), Some("claims.cvc"));
        assert!(
            error.offset().is_some() && error.found().is_some() && error.expected().is_some(),
            "{error}"
        );
    }
}

#[test]
fn long_lists_take_linear_time() {
    // As many columns in the schema as in the chunk, and as many chunks without rows as fit.
    let columns: Vec<String> = (0..50_000)
        .map(|index| {
            format!(r#"{{"name":"c{index}","dtype":"int8","dimension":0,"compression":"none"}}"#)
        })
        .collect();
    let parts: Vec<String> = (0..50_000)
        .map(|index| format!(r#""c{index}":{{"offset":0,"size":0}}"#))
        .collect();
    let json = format!(
        r#"{{"format_type":"columnar","num_vectors":1,"columns":[{}],"chunks":[{{"rows":1,"columns":{{{}}}}}]}}"#,
        columns.join(","),
        parts.join(",")
    );
    assert_eq!(
        open_slice("long.cvc", &with_header(2, &json, 8))
            .unwrap()
            .columns()
            .len(),
        50_000
    );
    let chunks = vec![r#"{"rows":0}"#; 200_000].join(",");
    let json = format!(
        r#"{{"chunks":[{chunks}],"compression":"lossless","dimension":1,"num_vectors":0}}"#
    );
    let mut bytes = with_header(1, &json, 0);
    let record = [[16, 0, 0, 0, 0, 0, 0, 0].as_slice(), &[0; 16]].concat();
    bytes.extend(record.repeat(200_000));
    assert_eq!(
        open_slice("long.cvc", &bytes).unwrap().chunks().len(),
        200_000
    );
}

#[test]
fn stored_places_are_not_carried_into_an_upgraded_file() {
    // Nobody writes files without a version that store places. The upgraded record would lie elsewhere.
    let json = r#"{"chunks":[{"rows":2,"file_offset":200}],"compression":"fp16","dimension":1,"num_vectors":2}"#;
    let mut bytes = b"CVCF".to_vec();
    bytes.extend((json.len() as u32).to_le_bytes());
    bytes.extend(json.as_bytes());
    bytes.resize(200, 0);
    bytes.extend([4, 0, 0, 0, 0, 0x3c, 0, 0x40]);
    let layout = open_slice("places.cvc", &bytes).unwrap();
    assert_eq!(read_all_f32(&layout, &bytes, 0).unwrap(), [1.0, 2.0]);
    let mut upgraded = Vec::new();
    let error = upgrade("places.cvc", &mut Cursor::new(&bytes), &mut upgraded).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadHeader, "{error}");
    assert_eq!(
        error.to_string(),
        "places.cvc: header at byte 8: 'file_offset' is stored with each chunk, expected none in a file to upgrade"
    );
    assert!(upgraded.is_empty());
}
