use super::corpora;
use crate::Error;
use crate::pages::frame::Frame;
use crate::pages::{Algorithm, Codec, CompressorBuilder, Dictionary, PageBatch};
use crate::splitmix::Numbers;

fn batch(algorithm: Algorithm) -> PageBatch {
    PageBatch::new(CompressorBuilder::new(algorithm)).unwrap()
}

fn values() -> Vec<Vec<u8>> {
    [0, 1, 8, 9, 100, 4095, 4096, 4097, 8192, 20_000, 300_000]
        .into_iter()
        .flat_map(|length| corpora::of_length(length, 4))
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn values_of_any_length_come_back() {
    let values = values();
    let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    for algorithm in Algorithm::ALL {
        let batch = batch(algorithm);
        let frames = batch.compress(&values).unwrap();
        assert_eq!(frames.len(), values.len());
        let frames: Vec<&[u8]> = (0..frames.len()).map(|at| frames.get(at)).collect();
        let back = batch.decompress(&frames).unwrap();
        for (at, value) in values.iter().enumerate() {
            assert!(back.get(at) == *value, "{algorithm}, value {at}");
            // One at a time is the same as all at once.
            assert_eq!(batch.compress(&[value]).unwrap().get(0), frames[at]);
            let frame = Frame::parse(frames[at]).unwrap();
            frame.verify().unwrap();
            assert_eq!(frame.original_bytes(), value.len() as u64);
            assert_eq!(frame.pages().count(), value.len().div_ceil(4096));
        }
        let statistics = batch.statistics(&values).unwrap();
        let stored: u64 = frames
            .iter()
            .map(|frame| Frame::parse(frame).unwrap().stored_bytes())
            .sum();
        assert_eq!(statistics.bytes_out, stored, "{algorithm}");
        let bytes: usize = values.iter().map(|value| value.len()).sum();
        assert_eq!(statistics.bytes_in, bytes as u64, "{algorithm}");
        assert_eq!(statistics.pages, statistics.by_codec.iter().sum::<u64>());
    }
}

/// The whole promise: any changed byte, any cut and any byte too many is an error.
#[test]
fn any_changed_byte_of_a_frame_is_an_error() {
    let mut numbers = Numbers(5);
    for algorithm in [
        Algorithm::Lz4,
        Algorithm::Zstd,
        Algorithm::None,
        Algorithm::SameFill,
    ] {
        let batch = batch(algorithm);
        for length in [0, 5, 700, 9000] {
            for (name, value) in corpora::of_length(length, 9) {
                let frames = batch.compress(&[&value]).unwrap();
                let mut frame = frames.get(0).to_vec();
                let fails = |frame: &[u8]| batch.decompress(&[frame]).is_err();
                assert!(!fails(&frame), "{name}, {length} bytes");
                for at in 0..frame.len() {
                    let good = frame[at];
                    for bad in [good ^ 1, !good, good ^ (1 << (numbers.next() % 8))] {
                        frame[at] = bad;
                        assert!(
                            fails(&frame),
                            "{algorithm}, {name}, {length} bytes, byte {at}: {bad}"
                        );
                    }
                    frame[at] = good;
                }
                let step = 1 + frame.len() / 300;
                for end in (0..frame.len()).step_by(step).chain([frame.len() - 1]) {
                    assert!(fails(&frame[..end]), "{name}, {length} bytes, cut to {end}");
                }
                frame.push(0);
                assert!(fails(&frame), "{name}, {length} bytes, and one more");
            }
        }
    }
}

/// All 255 other values of every byte of the headers.
#[test]
fn every_other_value_of_every_header_byte_is_an_error() {
    let batch = batch(Algorithm::Zstd);
    for length in [0, 600, 9000] {
        let (_, value) = corpora::of_length(length, 9).remove(1);
        let mut frame = batch.compress(&[&value]).unwrap().get(0).to_vec();
        for at in 0..frame.len().min(24 + 3 * 8 + 4) {
            for change in 1..=255 {
                frame[at] ^= change;
                assert!(
                    batch.decompress(&[&frame]).is_err(),
                    "{length}, {at}, {change}"
                );
                frame[at] ^= change;
            }
        }
    }
}

#[test]
fn errors_name_the_page_and_the_offset() {
    let batch = batch(Algorithm::Lz4);
    let (_, value) = corpora::of_length(9000, 9).remove(1);
    let mut frame = batch.compress(&[&value]).unwrap().get(0).to_vec();
    let second = Frame::parse(&frame).unwrap().pages().nth(1).unwrap();
    let offset = second.offset;
    frame[offset as usize] ^= 1;
    let error = batch.decompress(&[&frame]).unwrap_err();
    assert!(
        matches!(&error, Error::Page { page: 1, offset: found, source }
            if *found == offset && matches!(**source, Error::Checksum { offset: 36, .. })),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.starts_with(&format!(
            "page 1 at byte {offset}: the checksum at byte 36 is "
        )),
        "{text}"
    );
}

#[test]
fn dictionaries_are_named_and_asked_for() {
    let samples: Vec<Vec<u8>> = (0..300)
        .map(|seed| corpora::of_length(1024, seed % 5).remove(1).1)
        .collect();
    let dictionary = Dictionary::train(&samples, 4096).unwrap();
    let settings = CompressorBuilder::new(Algorithm::Zstd);
    let with = PageBatch::new(settings.clone().dictionary(dictionary.clone())).unwrap();
    let without = PageBatch::new(settings).unwrap();
    for length in [1000, 9000] {
        let (_, value) = corpora::of_length(length, 3).remove(1);
        let named = with.compress(&[&value]).unwrap();
        let plain = without.compress(&[&value]).unwrap();
        assert!(named.get(0).len() < plain.get(0).len());
        let frame = Frame::parse(named.get(0)).unwrap();
        assert_eq!(frame.dictionary(), Some(dictionary.id()));
        assert_eq!(with.decompress(&[named.get(0)]).unwrap().get(0), value);
        // A frame that names none needs none.
        assert_eq!(with.decompress(&[plain.get(0)]).unwrap().get(0), value);
        let error = without.decompress(&[named.get(0)]).unwrap_err();
        assert!(
            matches!(error, Error::Dictionary { found: None, expected, .. }
                if expected == dictionary.id()),
            "{error}"
        );
        let other = Dictionary::load(b"another dictionary").unwrap();
        let other = PageBatch::new(CompressorBuilder::default().dictionary(other)).unwrap();
        assert!(matches!(
            other.decompress(&[named.get(0)]),
            Err(Error::Dictionary { found: Some(_), .. })
        ));
    }
}

/// A length that lies takes no memory.
#[test]
fn lengths_that_lie_are_found_before_memory_is_taken() {
    let batch = batch(Algorithm::Lz4);
    let value = vec![0; 9000];
    let frame = batch.compress(&[&value]).unwrap().get(0).to_vec();
    for lie in [9001_u64, 1 << 40, u64::MAX, u64::MAX - 4095, 0, 4096] {
        let mut frame = frame.clone();
        frame[8..16].copy_from_slice(&lie.to_le_bytes());
        // With a checksum that fits the lie.
        let sum = crc32fast::hash(&frame[..20]);
        frame[20..24].copy_from_slice(&sum.to_le_bytes());
        let found = batch.decompress(&[&frame]);
        // 9001 bytes are as many pages, and the same word fills them.
        assert_eq!(found.is_ok(), lie == 9001, "{lie}");
    }
}

/// Frames of version 1, as the first release wrote them. Readers of all later versions must read them.
#[test]
fn frames_of_version_1_are_read() {
    let text = b"ogive ".repeat(40);
    let page: &[u8] = include_bytes!("fixtures/v1_page_lz4.frame");
    let pages: &[u8] = include_bytes!("fixtures/v1_pages_mixed.frame");
    let batch = batch(Algorithm::Lz4);
    let back = batch.decompress(&[page, pages]).unwrap();
    assert_eq!(back.get(0), text);
    assert_eq!(back.get(1), mixed());
    let frame = Frame::parse(page).unwrap();
    assert_eq!(
        (frame.codec(), frame.stored_bytes()),
        (Some(Codec::Lz4), 16)
    );
    let codecs: Vec<Codec> = Frame::parse(pages)
        .unwrap()
        .pages()
        .map(|page| page.codec)
        .collect();
    let expected = [Codec::SameFill, Codec::Zstd, Codec::None, Codec::Zstd];
    assert_eq!(codecs, expected);
}

/// A page of zeros, one of text, one of noise, and 100 bytes of text.
fn mixed() -> Vec<u8> {
    let mut value = vec![0; 4096];
    value.extend(b"pages of text, the same again; ".iter().cycle().take(4096));
    let mut numbers = Numbers(1);
    value.extend((0..4096).map(|_| numbers.next() as u8));
    value.extend(b"and a tail; ".iter().cycle().take(100));
    value
}

/// Writes what [`frames_of_version_1_are_read`] reads, when a version is made: set the variable to a folder.
#[test]
fn write_fixtures() {
    let Ok(folder) = std::env::var("OGIVE_WRITE_FIXTURES") else {
        return;
    };
    let write = |name: &str, algorithm, value: &[u8]| {
        let frames = batch(algorithm).compress(&[value]).unwrap();
        std::fs::write(format!("{folder}/{name}"), frames.get(0)).unwrap();
    };
    write("v1_page_lz4.frame", Algorithm::Lz4, &b"ogive ".repeat(40));
    write("v1_pages_mixed.frame", Algorithm::Zstd, &mixed());
}
