//! Every damaged sample file: refused, with file, chunk, offset, found and expected.

use super::fixtures::{self, text};
use crate::{Error, ErrorKind, open_slice, read_all_f32};

fn read(name: &str, bytes: &[u8]) -> Result<Vec<f32>, Error> {
    let layout = open_slice(name, bytes)?;
    read_all_f32(&layout, bytes, 0)
}

#[test]
fn every_damaged_file_is_refused_and_says_why() {
    // Name, kind, chunk, offset, found, expected.
    let cases = [
        ("bad_magic", ErrorKind::NotCvc, None, 0, None, "CVCF"),
        (
            "crc_chunk0",
            ErrorKind::ChecksumMismatch,
            Some(0),
            174,
            None,
            "",
        ),
        (
            "crc_field_chunk0",
            ErrorKind::ChecksumMismatch,
            Some(0),
            174,
            None,
            "",
        ),
        (
            "mmap_header_overlap",
            ErrorKind::BadHeader,
            Some(0),
            4096,
            Some("4842"),
            "4096",
        ),
        (
            "num_vectors_mismatch",
            ErrorKind::BadHeader,
            None,
            12,
            Some("26"),
            "25, the rows of all chunks",
        ),
        (
            "truncated_after_chunk0",
            ErrorKind::Truncated,
            Some(1),
            302,
            Some("0"),
            "8",
        ),
        (
            "truncated_in_header",
            ErrorKind::Truncated,
            None,
            12,
            Some("81"),
            "162",
        ),
        (
            "truncated_in_header_len",
            ErrorKind::Truncated,
            None,
            8,
            Some("2"),
            "4",
        ),
        (
            "truncated_in_record_prefix",
            ErrorKind::Truncated,
            Some(0),
            174,
            Some("5"),
            "8",
        ),
        (
            "truncated_in_version",
            ErrorKind::Truncated,
            None,
            4,
            Some("3"),
            "4",
        ),
        (
            "truncated_last_byte",
            ErrorKind::Truncated,
            Some(2),
            438,
            Some("59"),
            "60",
        ),
        (
            "truncated_magic_only",
            ErrorKind::Truncated,
            None,
            4,
            Some("0"),
            "4",
        ),
        (
            "truncated_no_chunks",
            ErrorKind::Truncated,
            Some(0),
            174,
            Some("0"),
            "8",
        ),
        (
            "truncated_no_payload",
            ErrorKind::Truncated,
            Some(0),
            182,
            Some("0"),
            "120",
        ),
        (
            "version_3",
            ErrorKind::UnsupportedVersion,
            None,
            4,
            Some("3.0"),
            "0.x, 1.x or 2.x",
        ),
    ];
    let mut seen = 0;
    for entry in fixtures::manifest() {
        if entry["expect"] != "error" {
            continue;
        }
        seen += 1;
        let name = text(&entry, "file");
        let short = name.trim_start_matches("damaged_").trim_end_matches(".cvc");
        let case = cases
            .iter()
            .find(|case| case.0 == short)
            .unwrap_or_else(|| panic!("{name} is not in the list"));
        let (_, kind, chunk, offset, found, expected) = case;
        let error = read(name, &fixtures::bytes(name)).expect_err(name);
        println!("{error}");
        assert_eq!(error.kind(), *kind, "{error}");
        assert_eq!(error.file(), Some(name), "{error}");
        assert_eq!(error.chunk(), *chunk, "{error}");
        assert_eq!(error.offset(), Some(*offset), "{error}");
        match found {
            Some(found) => assert_eq!(error.found().as_deref(), Some(*found), "{error}"),
            None => assert!(error.found().is_some(), "{error}"),
        }
        if !expected.is_empty() {
            assert_eq!(error.expected().as_deref(), Some(*expected), "{error}");
        }
        assert!(error.to_string().starts_with(name), "{error}");
    }
    assert_eq!(seen, cases.len());
}

#[test]
fn messages_are_for_people() {
    let name = "damaged_crc_chunk0.cvc";
    let error = read(name, &fixtures::bytes(name)).unwrap_err().to_string();
    let start = "damaged_crc_chunk0.cvc: chunk 0 (rows 0..10): record at byte 174: CRC-32 of the payload is 0x";
    assert!(error.starts_with(start), "{error}");
    assert!(
        error.ends_with("; the file is damaged; read the rest with on_corruption 'skip'"),
        "{error}"
    );
    let name = "damaged_truncated_last_byte.cvc";
    let error = read(name, &fixtures::bytes(name)).unwrap_err().to_string();
    assert_eq!(
        error,
        "damaged_truncated_last_byte.cvc: chunk 2 (rows 20..25): its payload needs 60 bytes at byte 438, the file has 59 there; \
         it is cut short"
    );
}

#[test]
fn one_bad_record_leaves_the_others() {
    let name = "damaged_crc_chunk0.cvc";
    let bytes = fixtures::bytes(name);
    let layout = open_slice(name, &bytes).unwrap();
    let good: Vec<bool> = (0..3)
        .map(|chunk| {
            let range = layout.record_range(chunk).unwrap();
            layout
                .check_record(chunk, &bytes[range.start as usize..range.end as usize])
                .is_ok()
        })
        .collect();
    assert_eq!(good, [false, true, true]);
}
