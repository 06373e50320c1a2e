use super::corpora;
use crate::Error;
use crate::pages::zstd::{Contexts, frame_bytes_max};
use crate::pages::{CompressorBuilder, Dictionary, PageBatch, RawFormat};

fn samples() -> Vec<Vec<u8>> {
    (0..400)
        .map(|seed| corpora::of_length(1024, seed % 7).remove(1).1)
        .collect()
}

#[test]
fn frames_come_back_with_and_without_a_dictionary() {
    let dictionary = Dictionary::train(&samples(), 4096).unwrap();
    let mut contexts = Contexts::default();
    for length in corpora::lengths() {
        for (name, value) in corpora::of_length(length, 3) {
            for dictionary in [None, Some(&dictionary)] {
                let mut out = vec![0; frame_bytes_max(length)];
                let bytes = contexts
                    .compress_into(3, dictionary, &value, &mut out)
                    .unwrap()
                    .unwrap();
                let mut back = vec![0; length];
                contexts
                    .decompress_into(dictionary, &out[..bytes], &mut back)
                    .unwrap();
                assert!(back == value, "{name}, {length} bytes");
                let mut appended = vec![9];
                contexts
                    .decompress(dictionary, &out[..bytes], 1 << 20, &mut appended)
                    .unwrap();
                assert!(appended[1..] == value, "{name}, {length} bytes");
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_none() {
    let mut contexts = Contexts::default();
    let (_, random) = corpora::of_length(4096, 3).remove(2);
    let mut out = vec![0; 4095];
    assert_eq!(contexts.compress_into(3, None, &random, &mut out), Ok(None));
}

#[test]
fn frames_that_are_cut_or_too_long_are_errors() {
    let mut contexts = Contexts::default();
    let value = vec![b'z'; 300_000];
    let mut out = vec![0; frame_bytes_max(value.len())];
    let bytes = contexts
        .compress_into(3, None, &value, &mut out)
        .unwrap()
        .unwrap();
    for end in 0..bytes {
        let mut back = Vec::new();
        let cut = contexts.decompress(None, &out[..end], 1 << 20, &mut back);
        assert!(cut.is_err(), "{end} of {bytes}");
    }
    let mut back = Vec::new();
    assert!(matches!(
        contexts.decompress(None, &out[..bytes], 1000, &mut back),
        Err(Error::TooMany { .. })
    ));
    // Two frames are one value.
    let twice = [&out[..bytes], &out[..bytes]].concat();
    back.clear();
    contexts
        .decompress(None, &twice, 1 << 20, &mut back)
        .unwrap();
    assert_eq!(back.len(), 600_000);
}

#[test]
fn dictionaries_are_named_by_their_bytes() {
    let dictionary = Dictionary::train(&samples(), 4096).unwrap();
    let again = Dictionary::train(&samples(), 4096).unwrap();
    assert_eq!(dictionary, again);
    let loaded = Dictionary::load(dictionary.as_bytes()).unwrap();
    assert_eq!(loaded.id(), dictionary.id());
    let mut other = dictionary.as_bytes().to_vec();
    *other.last_mut().unwrap() ^= 1;
    assert_ne!(Dictionary::load(&other).unwrap().id(), dictionary.id());
    for bad in [&[][..], &[1, 2, 3]] {
        assert!(matches!(Dictionary::load(bad), Err(Error::Bound { .. })));
    }
    // The magic number of a dictionary, and no dictionary.
    assert!(matches!(
        Dictionary::load(&[0x37, 0xa4, 0x30, 0xec, 1, 2, 3, 4, 5, 6, 7, 8]),
        Err(Error::Zstd { .. })
    ));
    for few in [vec![], vec![vec![1_u8; 4]]] {
        assert!(matches!(
            Dictionary::train(&few, 4096),
            Err(Error::Setting { .. })
        ));
    }
}

#[test]
fn raw_values_come_back_and_are_what_other_libraries_write() {
    let batch = PageBatch::new(CompressorBuilder::default()).unwrap();
    let values: Vec<Vec<u8>> = [0, 1, 100, 4096, 100_000]
        .into_iter()
        .flat_map(|length| corpora::of_length(length, 5))
        .map(|(_, value)| value)
        .collect();
    let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    for format in RawFormat::ALL {
        for level in [None, Some(1), Some(12)] {
            let frames = batch.compress_raw(format, level, None, &values).unwrap();
            let frames: Vec<&[u8]> = (0..frames.len()).map(|at| frames.get(at)).collect();
            let back = batch.decompress_raw(format, None, &frames).unwrap();
            for (at, value) in values.iter().enumerate() {
                assert!(back.get(at) == *value, "{format}, value {at}");
            }
        }
    }
    // Written by the `zstd` command from a pipe, so without a length, and the block that the `lz4` command put into its
    // frame.
    for (format, bytes) in [
        (RawFormat::Zstd, &ZSTD_COMMAND[..]),
        (RawFormat::Lz4, &LZ4_COMMAND[..]),
    ] {
        let found = batch.decompress_raw(format, None, &[bytes]).unwrap();
        assert_eq!(found.get(0), b"ogive ".repeat(40), "{format}");
    }
}

const ZSTD_COMMAND: [u8; 26] = [
    0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x6d, 0x00, 0x00, 0x30, 0x6f, 0x67, 0x69, 0x76, 0x65, 0x20,
    0x01, 0x00, 0xe7, 0x50, 0xa5, 0x08, 0x65, 0x72, 0xc4, 0xcc,
];
const LZ4_COMMAND: [u8; 16] = [
    0x6f, 0x6f, 0x67, 0x69, 0x76, 0x65, 0x20, 0x06, 0x00, 0xd2, 0x50, 0x67, 0x69, 0x76, 0x65, 0x20,
];
