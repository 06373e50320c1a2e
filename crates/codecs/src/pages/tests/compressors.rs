use super::corpora;
use crate::Error;
use crate::pages::{
    Algorithm, Codec, Compressor, CompressorBuilder, Dictionary, PAGE_SIZE, PageCompressor,
    adaptive, available_backends, entropy_bits, pages_of,
};

/// What every [`PageCompressor`] promises.
fn conformance(name: &str, compressor: &mut dyn PageCompressor) {
    for length in corpora::lengths() {
        for (kind, bytes) in corpora::of_length(length, 2) {
            let mut out = [0; PAGE_SIZE];
            let stored = match pages_of(&bytes) {
                ([page], _) => compressor.compress_into(page, &mut out).unwrap(),
                _ => compressor.compress_tail_into(&bytes, &mut out).unwrap(),
            };
            let what = format!("{name}, {kind}, {length} bytes, {stored:?}");
            assert!(stored.bytes <= length, "{what}");
            assert!(
                stored.codec != Codec::None || stored.bytes == length,
                "{what}"
            );
            let mut back = vec![0xee; length];
            let bytes_stored = &out[..stored.bytes];
            if let ([page], _) = back.as_chunks_mut::<PAGE_SIZE>() {
                compressor
                    .decompress_into(stored.codec, bytes_stored, page)
                    .unwrap();
            } else {
                compressor
                    .decompress_tail_into(stored.codec, bytes_stored, &mut back)
                    .unwrap();
            }
            assert!(back == bytes, "{what}");
            // Stored bytes that are cut are never another page in silence.
            for cut in [0, stored.bytes / 2, stored.bytes.saturating_sub(1)] {
                if cut < stored.bytes {
                    let found = compressor.decompress_tail_into(
                        stored.codec,
                        &bytes_stored[..cut],
                        &mut back,
                    );
                    assert!(found.is_err() || back == bytes, "{what} cut to {cut}");
                }
            }
        }
    }
    let mut out = [0; PAGE_SIZE];
    let long = [0; PAGE_SIZE + 1];
    assert!(matches!(
        compressor.compress_tail_into(&long, &mut out),
        Err(Error::Bound { .. })
    ));
}

#[test]
fn every_algorithm_on_every_back_end_keeps_the_contract() {
    let samples: Vec<Vec<u8>> = (0..300)
        .map(|seed| corpora::of_length(1024, seed % 5).remove(1).1)
        .collect();
    let dictionary = Dictionary::train(&samples, 4096).unwrap();
    for algorithm in Algorithm::ALL {
        for backend in available_backends() {
            let settings = CompressorBuilder::new(algorithm).backend(backend);
            let name = format!("{algorithm} on {backend}");
            conformance(&name, &mut settings.build().unwrap());
            if algorithm.takes_dictionary() {
                let settings = settings.dictionary(dictionary.clone());
                conformance(
                    &format!("{name}, dictionary"),
                    &mut settings.build().unwrap(),
                );
            }
        }
    }
}

fn stored_by(algorithm: Algorithm, page: &[u8]) -> (Codec, usize) {
    let mut compressor: Compressor = CompressorBuilder::new(algorithm).build().unwrap();
    let mut out = [0; PAGE_SIZE];
    let stored = compressor.compress_tail_into(page, &mut out).unwrap();
    (stored.codec, stored.bytes)
}

#[test]
fn codecs_are_what_the_algorithm_says() {
    let pages = corpora::of_length(PAGE_SIZE, 1);
    let [zeros, text, random, ..] = pages.as_slice() else {
        panic!()
    };
    for algorithm in Algorithm::ALL {
        let expected = match algorithm {
            Algorithm::None => (Codec::None, PAGE_SIZE),
            _ => (Codec::SameFill, 8),
        };
        assert_eq!(stored_by(algorithm, &zeros.1), expected, "{algorithm}");
        let expected = (Codec::None, PAGE_SIZE);
        assert_eq!(stored_by(algorithm, &random.1), expected, "{algorithm}");
        let (codec, bytes) = stored_by(algorithm, &text.1);
        let expected = match algorithm {
            Algorithm::Auto | Algorithm::Zstd => Codec::Zstd,
            Algorithm::Lz4 | Algorithm::Lz4Hc => Codec::Lz4,
            Algorithm::SameFill | Algorithm::None => Codec::None,
        };
        assert_eq!(codec, expected, "{algorithm}");
        assert_eq!(bytes < PAGE_SIZE, codec != Codec::None, "{algorithm}");
    }
}

#[test]
fn settings_that_an_algorithm_does_not_take_are_errors() {
    let dictionary = Dictionary::load(b"shared bytes of many pages").unwrap();
    for (settings, expected) in [
        (
            CompressorBuilder::new(Algorithm::Zstd).level(23),
            "zstd takes levels 1 to 22, not 23",
        ),
        (
            CompressorBuilder::new(Algorithm::Lz4Hc).level(0),
            "lz4hc takes levels 1 to 12, not 0",
        ),
        (
            CompressorBuilder::new(Algorithm::Lz4).level(2),
            "lz4 takes no level, not 2",
        ),
        (
            CompressorBuilder::new(Algorithm::Lz4).dictionary(dictionary),
            "lz4 takes no dictionary",
        ),
    ] {
        assert_eq!(settings.build().unwrap_err().to_string(), expected);
    }
}

#[test]
fn decisions_give_their_features() {
    let pages = corpora::of_length(PAGE_SIZE, 1);
    for (name, page) in &pages {
        let decision = adaptive::decide(page);
        let features = decision.features;
        let expected = match *name {
            "zeros" => (true, 0.0..=0.0, 1.0..=1.0),
            "random" => (false, 7.7..=8.0, 0.0..=0.01),
            "text" => (false, 3.5..=5.0, 0.3..=1.0),
            _ => continue,
        };
        assert_eq!(features.is_same_fill, expected.0, "{name}");
        assert!(expected.1.contains(&features.entropy_bits), "{decision:?}");
        assert!(expected.2.contains(&features.matches), "{decision:?}");
    }
}

#[test]
fn entropy_is_that_of_the_definition() {
    assert_eq!(entropy_bits(&[]), 0.0);
    assert_eq!(entropy_bits(&[7; 100]), 0.0);
    assert_eq!(entropy_bits(&[0, 1]), 1.0);
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(entropy_bits(&all), 8.0);
}
