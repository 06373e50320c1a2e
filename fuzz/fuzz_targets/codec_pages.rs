//! Pages: whatever the bytes are, all decoders agree on them and nothing is written past the output; whatever the value,
//! it comes back from every algorithm; a changed byte of a frame is an error.

#![no_main]

use std::cell::OnceCell;

use libfuzzer_sys::fuzz_target;
use ogive_codecs::pages::frame::Frame;
use ogive_codecs::pages::{
    Algorithm, Backend, CompressorBuilder, PageBatch, RawFormat, available_backends, lz4,
    same_fill, shuffle,
};
use ogive_fuzz::{Random, with_memory};

/// What a frame of a few kilobytes may become: 512 bytes for each of its own, and contexts.
const MEMORY: usize = 16 << 20;

thread_local! {
    static BATCHES: OnceCell<Vec<PageBatch>> = const { OnceCell::new() };
}

fuzz_target!(|data: &[u8]| {
    let mut random = Random::of(data);
    block(data, &mut random);
    repeats(data);
    planes(data, random.up_to(20));
    BATCHES.with(|batches| {
        let batches = batches.get_or_init(|| {
            Algorithm::ALL
                .iter()
                .map(|algorithm| {
                    PageBatch::new(CompressorBuilder::new(*algorithm)).expect("a level")
                })
                .collect()
        });
        frame(data, batches);
        for (batch, algorithm) in batches.iter().zip(Algorithm::ALL) {
            round_trip(data, batch, algorithm, &mut random);
        }
        raw(data, &batches[0]);
    });
});

/// The bytes as an LZ4 block.
fn block(data: &[u8], random: &mut Random) {
    let bytes = match lz4::decompressed_bytes(data) {
        // Sometimes another length than the block's own.
        Ok(bytes) if random.up_to(3) > 0 => bytes,
        _ => random.up_to(5000),
    };
    if bytes > 1 << 20 {
        return;
    }
    let mut expected = vec![0; bytes];
    let plainly = lz4::decompress_into_plainly(data, &mut expected);
    for backend in available_backends() {
        let mut out = vec![0xa5; bytes + 64];
        let found = lz4::decompress_into_with(backend, data, &mut out[..bytes]);
        assert_eq!(found, plainly, "{backend}");
        assert!(out[bytes..].iter().all(|byte| *byte == 0xa5), "{backend}");
        if found.is_ok() {
            assert!(out[..bytes] == expected, "{backend}");
        }
    }
}

fn repeats(data: &[u8]) {
    let expected = same_fill::word_of_with(Backend::Scalar, data);
    for backend in available_backends() {
        assert_eq!(
            same_fill::word_of_with(backend, data),
            expected,
            "{backend}"
        );
    }
    if let Some(word) = expected {
        let mut back = vec![0; data.len()];
        same_fill::fill(&word, &mut back);
        assert_eq!(back, data);
    }
}

fn planes(data: &[u8], width: usize) {
    let (mut planes, mut back) = (vec![0; data.len()], vec![0; data.len()]);
    shuffle::shuffle(data, width, &mut planes);
    shuffle::unshuffle(&planes, width, &mut back);
    assert_eq!(back, data, "width {width}");
}

/// The bytes as a frame: an error, or a value that compresses to a frame that means the same.
fn frame(data: &[u8], batches: &[PageBatch]) {
    let back = with_memory("a frame", MEMORY, || batches[0].decompress(&[data]));
    if let Ok(back) = back {
        let parsed = Frame::parse(data).expect("it was decoded");
        assert_eq!(parsed.original_bytes(), back.get(0).len() as u64);
        parsed.verify().expect("it was decoded");
    }
}

/// The bytes as a value.
fn round_trip(data: &[u8], batch: &PageBatch, algorithm: Algorithm, random: &mut Random) {
    let frames = batch.compress(&[data]).expect("a value");
    let frame = frames.get(0);
    let back = batch.decompress(&[frame]).expect("a frame just written");
    assert!(back.get(0) == data, "{algorithm}");
    let mut changed = frame.to_vec();
    let at = random.up_to(changed.len() - 1);
    changed[at] ^= 1 << random.up_to(7);
    assert!(
        batch.decompress(&[&changed]).is_err(),
        "{algorithm}, byte {at}"
    );
    let end = random.up_to(frame.len() - 1);
    assert!(
        batch.decompress(&[&frame[..end]]).is_err(),
        "{algorithm}, cut to {end}"
    );
}

/// The bytes as a value and as plain blocks and frames.
fn raw(data: &[u8], batch: &PageBatch) {
    for format in RawFormat::ALL {
        let made = batch
            .compress_raw(format, None, None, &[data])
            .expect("a short value");
        let back = batch
            .decompress_raw(format, None, &[made.get(0)])
            .expect("just written");
        assert!(back.get(0) == data, "{format}");
    }
    // A block says how long it is at once; a frame of Zstd only as it is decoded, which is the library's own matter.
    if lz4::decompressed_bytes(data).is_ok_and(|bytes| bytes < 1 << 20) {
        let _ = batch.decompress_raw(RawFormat::Lz4, None, &[data]);
    }
}
