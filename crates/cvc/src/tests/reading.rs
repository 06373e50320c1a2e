//! The protocol of opening, and reading parts.

use std::ops::Range;

use super::fixtures::{self, Numbers, text};
use crate::{
    ColumnValues, Compression, ErrorKind, Layout, LayoutReader, Progress, RecordWalk, Schema,
    Version, WriteOptions, Writer, open_slice, read_all_f32,
};

fn part<'a>(bytes: &'a [u8], range: &Range<u64>) -> &'a [u8] {
    &bytes[range.start as usize..range.end as usize]
}

/// Opens a file and says which ranges that took.
fn open(bytes: &[u8]) -> (Layout, Vec<Range<u64>>) {
    let mut reads = Vec::new();
    let mut reader = LayoutReader::new("x.cvc", bytes.len() as u64);
    loop {
        match reader.next().unwrap() {
            Progress::Need(range) => {
                reader.feed(range.clone(), part(bytes, &range)).unwrap();
                reads.push(range);
            }
            Progress::Done(layout) => return (layout, reads),
        }
    }
}

fn walk(layout: Layout, bytes: &[u8]) -> (Layout, Vec<Range<u64>>) {
    let mut reads = Vec::new();
    let mut walk = RecordWalk::new(layout);
    loop {
        match walk.next().unwrap() {
            Progress::Need(range) => {
                walk.feed(range.clone(), part(bytes, &range)).unwrap();
                reads.push(range);
            }
            Progress::Done(layout) => return (layout, reads),
        }
    }
}

/// Values whose bits differ enough for lossless records to be long.
fn noise(count: usize) -> Vec<f32> {
    let mut numbers = Numbers(count as u64);
    (0..count)
        .map(|_| numbers.next() as i32 as f32 / 1e9)
        .collect()
}

fn file(
    compression: Compression,
    options: WriteOptions,
    dimension: usize,
    values: &[f32],
) -> Vec<u8> {
    let schema = Schema::Single {
        dimension,
        compression,
    };
    let mut writer = Writer::new(schema, options, std::io::Cursor::new(Vec::new())).unwrap();
    writer.write(&[ColumnValues::F32(values)]).unwrap();
    let mut file = Vec::new();
    writer.finish().unwrap().copy_to(&mut file).unwrap();
    file
}

#[test]
fn a_small_file_opens_with_one_read() {
    for entry in fixtures::manifest() {
        let bytes = fixtures::bytes(text(&entry, "file"));
        if entry["expect"] == "error" || bytes.len() > 60_000 {
            continue;
        }
        let (layout, reads) = open(&bytes);
        assert_eq!(reads.len(), 1);
        assert_eq!(reads[0], 0..bytes.len() as u64);
        assert!(layout.records_known());
    }
}

#[test]
fn bytes_that_come_in_small_pieces_open_the_same_file() {
    for name in [
        "v0_int8_sections.cvc",
        "v1_fp16_sections.cvc",
        "v2_columnar_names.cvc",
        "damaged_truncated_magic_only.cvc",
        "damaged_truncated_in_version.cvc",
        "damaged_truncated_in_header_len.cvc",
        "damaged_bad_magic.cvc",
        "damaged_version_3.cvc",
    ] {
        let bytes = fixtures::bytes(name);
        let whole = open_slice(name, &bytes);
        for step in [1, 2, 3, 5, 9, 13] {
            let mut reader = LayoutReader::new(name, bytes.len() as u64);
            let found = loop {
                match reader.next() {
                    Ok(Progress::Need(range)) => {
                        let range = range.start..range.end.min(range.start + step);
                        reader.feed(range.clone(), part(&bytes, &range)).unwrap();
                    }
                    Ok(Progress::Done(layout)) => break Ok(layout),
                    Err(error) => break Err(error),
                }
            };
            match (&found, &whole) {
                (Ok(found), Ok(whole)) => {
                    assert_eq!(format!("{found:?}"), format!("{whole:?}"), "{name}");
                }
                (Err(found), Err(whole)) => assert_eq!(found.to_string(), whole.to_string()),
                _ => panic!("{name}, {step} bytes at a time: {found:?}, at once: {whole:?}"),
            }
        }
    }
}

#[test]
fn a_long_header_takes_two_reads() {
    let options = WriteOptions {
        chunk_rows: 1,
        ..WriteOptions::default()
    };
    let bytes = file(Compression::Fp16, options, 1, &noise(3000));
    let (layout, reads) = open(&bytes);
    assert_eq!(reads, [0..65536, 65536..layout.header_bytes()]);
    assert!(layout.records_known());
    assert_eq!(layout.chunk_of_row(2999), Some(2999));
    assert_eq!(layout.chunk_of_row(3000), None);
}

#[test]
fn lossless_records_are_walked_prefix_by_prefix() {
    for mmap_optimized in [false, true] {
        let options = WriteOptions {
            chunk_rows: 1000,
            mmap_optimized,
            ..WriteOptions::default()
        };
        let values = noise(1000 * 16 * 5 + 160);
        let bytes = file(Compression::Lossless, options, 16, &values);
        let (layout, reads) = open(&bytes);
        assert_eq!(reads.len(), 1);
        assert!(!layout.records_known());
        assert!(
            layout.record_range(0).is_some(),
            "the first read reached the first record"
        );
        assert_eq!(layout.record_range(5), None);
        assert_eq!(layout.column_range(5, 0), None);
        let refused = layout.check_record(5, &[]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BadRequest);
        let (walked, reads) = walk(layout.clone(), &bytes);
        // 62 KB a record: the first two prefixes were in the first read, the last one is read like the others.
        assert_eq!(
            reads.len(),
            if mmap_optimized { 5 } else { 4 } - usize::from(mmap_optimized)
        );
        assert!(reads.iter().all(|read| read.end - read.start == 8));
        assert!(walked.records_known());
        let mut whole = RecordWalk::new(layout);
        whole.feed(0..bytes.len() as u64, &bytes).unwrap();
        assert!(
            matches!(whole.next(), Ok(Progress::Done(layout)) if layout.record_range(5) == walked.record_range(5))
        );
        assert_eq!(read_all_f32(&walked, &bytes, 0).unwrap(), values);
    }
}

#[test]
fn rows_inside_a_chunk_are_the_same_rows() {
    let mut numbers = Numbers(2);
    let values = noise(57 * 7);
    for compression in [Compression::Fp16, Compression::Int8, Compression::Lossless] {
        let bytes = file(
            compression,
            WriteOptions {
                chunk_rows: 40,
                ..WriteOptions::default()
            },
            7,
            &values,
        );
        let layout = open_slice("x.cvc", &bytes).unwrap();
        let all = read_all_f32(&layout, &bytes, 0).unwrap();
        for _ in 0..200 {
            let chunk = numbers.below(2);
            let rows = layout.chunks()[chunk].rows as usize;
            let start = numbers.below(rows + 1);
            let end = start + numbers.below(rows - start + 1);
            let column = part(&bytes, &layout.column_range(chunk, 0).unwrap());
            let mut out = vec![0.0; (end - start) * 7];
            layout
                .decode_f32(chunk, 0, column, start..end, &mut out)
                .unwrap();
            let first = (chunk * 40 + start) * 7;
            assert_eq!(out, all[first..first + out.len()]);
        }
    }
}

#[test]
fn wrong_calls_are_errors() {
    let bytes = file(
        Compression::Int8,
        WriteOptions::default(),
        2,
        &[1.0, 2.0, 3.0, 4.0],
    );
    let layout = open_slice("x.cvc", &bytes).unwrap();
    let column = part(&bytes, &layout.column_range(0, 0).unwrap());
    let decode = |chunk, index, bytes, rows, length: usize| {
        layout
            .decode_f32(chunk, index, bytes, rows, &mut vec![0.0; length])
            .map_err(|error| error.kind())
    };
    assert_eq!(decode(0, 0, column, 0..2, 4), Ok(()));
    assert_eq!(decode(1, 0, column, 0..2, 4), Err(ErrorKind::BadRequest));
    assert_eq!(decode(0, 1, column, 0..2, 4), Err(ErrorKind::BadRequest));
    assert_eq!(decode(0, 0, column, 0..3, 6), Err(ErrorKind::BadRequest));
    #[expect(clippy::reversed_empty_ranges, reason = "what must be refused")]
    let reversed = 2..1;
    assert_eq!(
        decode(0, 0, column, reversed, 0),
        Err(ErrorKind::BadRequest)
    );
    assert_eq!(decode(0, 0, column, 0..2, 3), Err(ErrorKind::BadRequest));
    assert_eq!(
        decode(0, 0, &column[1..], 0..2, 4),
        Err(ErrorKind::BadRecord)
    );
    assert_eq!(
        layout.column_bytes(0, 0, &[1]).unwrap_err().kind(),
        ErrorKind::BadRecord
    );
    assert_eq!(
        layout.check_record(0, &[0; 3]).unwrap_err().kind(),
        ErrorKind::BadRecord
    );
    let mut reader = LayoutReader::new("x.cvc", 100);
    assert_eq!(
        reader.feed(0..10, &[0; 9]).unwrap_err().kind(),
        ErrorKind::BadRequest
    );
    assert_eq!(
        reader.feed(10..20, &[0; 10]).unwrap_err().kind(),
        ErrorKind::BadRequest
    );
    assert_eq!(
        reader.feed(0..101, &[0; 101]).unwrap_err().kind(),
        ErrorKind::BadRequest
    );
}

/// A v0.x file of no rows, its header padded to a length.
fn unversioned(start: &str, length: usize) -> Vec<u8> {
    let end = "}";
    let json = format!(
        "{start}{}{end}",
        " ".repeat(length - start.len() - end.len())
    );
    let mut bytes = b"CVCF".to_vec();
    bytes.extend((json.len() as u32).to_le_bytes());
    bytes.extend(json.as_bytes());
    bytes
}

#[test]
fn header_lengths_that_look_like_versions_are_understood() {
    let start = r#"{"num_vectors": 0, "dimension": 3, "compression": "fp16", "chunks": []"#;
    // The key is so short that byte 12 is a brace as well.
    let braces = r#"{"":{},"num_vectors": 0, "dimension": 3, "compression": "fp16", "chunks": []"#;
    for length in [65_537, 65_538, 65_546, 131_073, 655_363] {
        for start in [start, braces] {
            let bytes = unversioned(start, length);
            let (layout, _) = open(&bytes);
            assert_eq!(layout.version(), Version::V0, "{length}");
            assert_eq!(layout.columns()[0].dimension, 3);
            assert_eq!(open_slice("x.cvc", &bytes).unwrap().version(), Version::V0);
        }
    }
    // A versioned header of 123 bytes has a brace at byte 8.
    let json = r#"{"chunks":[],"compression":"fp16","dimension":3,"num_vectors":0"#;
    let json = format!("{json}{}}}", " ".repeat(123 - json.len() - 1));
    for minor in [0, 1, 100] {
        let mut bytes = b"CVCF\x01\x00".to_vec();
        bytes.extend([minor, 0, 123, 0, 0, 0]);
        bytes.extend(json.as_bytes());
        let (layout, _) = open(&bytes);
        assert_eq!(
            layout.version(),
            Version::V1 {
                minor: u16::from(minor)
            }
        );
        bytes.extend([0; 200_000]);
        assert_eq!(
            open(&bytes).0.version(),
            Version::V1 {
                minor: u16::from(minor)
            }
        );
    }
}
