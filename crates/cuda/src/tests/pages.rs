use std::sync::Arc;

use ogive_codecs::pages::{
    Algorithm, Codec, CompressorBuilder, DevicePage, PAGE_SIZE, PageBatch, PageCompressor,
    PageDevice, lz4,
};

use super::{Random, device};
use crate::DevicePages;
use crate::driver::emulated;

/// Pages of the kinds that matter, of all lengths.
fn pages(seed: u64) -> Vec<Vec<u8>> {
    let mut random = Random(seed);
    let lengths = (0..=300).chain([511, 512, 513, 1000, 2048, 4031, 4095, PAGE_SIZE, PAGE_SIZE]);
    let mut pages = Vec::new();
    for length in lengths {
        let words: Vec<Vec<u8>> = (0..40)
            .map(|_| {
                (0..2 + random.below(9))
                    .map(|_| b'a' + random.below(26) as u8)
                    .collect()
            })
            .collect();
        let mut text: Vec<u8> = Vec::new();
        while text.len() < length {
            text.extend(&words[random.below(40) * random.below(40) / 40]);
            text.push(b' ');
        }
        text.truncate(length);
        let noise: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        let period = 1 + random.below(40);
        let mut periodic: Vec<u8> = (0..length).map(|at| noise[at % period]).collect();
        for at in 0..length / 97 {
            periodic[at * 97] ^= random.next() as u8;
        }
        let word: Vec<u8> = (0..length).map(|at| noise[at % 8]).collect();
        let mut nearly = word.clone();
        if length > 0 {
            nearly[random.below(length)] ^= 1;
        }
        let skewed = (0..length)
            .map(|_| (random.below(16) * random.below(16) / 16) as u8)
            .collect();
        pages.extend([vec![0; length], text, noise, periodic, word, nearly, skewed]);
    }
    pages
}

fn decompress(device: &DevicePages, jobs: &[(Codec, &[u8], usize)]) -> (Vec<bool>, Vec<Vec<u8>>) {
    let mut outs: Vec<Vec<u8>> = jobs
        .iter()
        .map(|(.., length)| vec![0x5a; *length])
        .collect();
    let mut pages: Vec<DevicePage<'_>> = jobs
        .iter()
        .zip(&mut outs)
        .map(|((codec, stored, _), out)| DevicePage {
            codec: *codec,
            stored,
            out,
        })
        .collect();
    let good = device.decompress(&mut pages).unwrap();
    (good, outs)
}

#[test]
fn what_the_device_stores_the_processor_brings_back_and_the_other_way_round() {
    let Some(device) = device() else { return };
    let device = DevicePages::new(device);
    let pages = pages(51);
    let views: Vec<&[u8]> = pages.iter().map(Vec::as_slice).collect();
    let stored = device.compress(&views).unwrap();
    assert_eq!(stored.pages.len(), pages.len());
    let mut compressor = CompressorBuilder::new(Algorithm::Lz4).build().unwrap();
    let (mut here_bytes, mut there_bytes) = (0, 0);
    let mut rest = stored.bytes.as_slice();
    let (mut jobs, mut kept) = (Vec::new(), Vec::new());
    for (page, there) in pages.iter().zip(&stored.pages) {
        let (bytes, later) = rest.split_at(there.bytes);
        rest = later;
        assert!(bytes.len() <= page.len().max(8));
        let mut back = vec![0; page.len()];
        compressor
            .decompress_tail_into(there.codec, bytes, &mut back)
            .unwrap();
        assert_eq!(&back, page);
        let mut out = [0; PAGE_SIZE];
        let here = compressor.compress_tail_into(page, &mut out).unwrap();
        assert_eq!(
            there.codec == Codec::SameFill,
            here.codec == Codec::SameFill,
            "{} bytes",
            page.len()
        );
        here_bytes += here.bytes;
        there_bytes += there.bytes;
        jobs.push((there.codec, bytes, page.len()));
        kept.push((here.codec, out[..here.bytes].to_vec()));
    }
    assert!(rest.is_empty());
    assert!(
        there_bytes as f64 <= here_bytes as f64 * 1.03,
        "{there_bytes} bytes on the device, {here_bytes} here"
    );
    let (good, outs) = decompress(&device, &jobs);
    assert!(good.iter().all(|good| *good));
    assert_eq!(outs, pages);
    let jobs: Vec<(Codec, &[u8], usize)> = kept
        .iter()
        .zip(&pages)
        .map(|((codec, bytes), page)| (*codec, bytes.as_slice(), page.len()))
        .collect();
    let (good, outs) = decompress(&device, &jobs);
    assert!(good.iter().all(|good| *good));
    assert_eq!(outs, pages);
}

/// Changed, cut and random blocks: the device gives what the plainest decoder gives, and refuses what it refuses.
#[test]
fn hostile_blocks_are_refused_as_the_plain_decoder_refuses_them() {
    let Some(device) = device() else { return };
    let device = DevicePages::new(device);
    let mut random = Random(52);
    let mut compressor = lz4::Compressor::new();
    let mut cases: Vec<(Codec, Vec<u8>, usize)> = Vec::new();
    for page in pages(53) {
        let mut out = vec![0; lz4::block_bytes_max(page.len())];
        let length = compressor.compress_into(&page, &mut out).unwrap();
        let block = &out[..length.min(PAGE_SIZE)];
        cases.push((Codec::Lz4, block.to_vec(), page.len()));
        let mut changed = block.to_vec();
        for _ in 0..1 + random.below(3) {
            let at = random.below(changed.len().max(1));
            if let Some(byte) = changed.get_mut(at) {
                *byte = random.next() as u8;
            }
        }
        cases.push((Codec::Lz4, changed, page.len()));
        cases.push((
            Codec::Lz4,
            block[..random.below(block.len() + 1)].to_vec(),
            page.len(),
        ));
        cases.push((Codec::Lz4, block.to_vec(), random.below(PAGE_SIZE + 1)));
        let noise = (0..random.below(64))
            .map(|_| random.pick(&[0, 1, 15, 16, 255, 240, 31]))
            .collect();
        cases.push((Codec::Lz4, noise, random.below(600)));
        cases.push((Codec::None, page.clone(), random.below(PAGE_SIZE + 1)));
        let word = (0..random.pick(&[8, 8, 7, 9, 0]))
            .map(|_| random.next() as u8)
            .collect();
        cases.push((Codec::SameFill, word, page.len()));
    }
    cases.push((Codec::None, vec![1; PAGE_SIZE + 1], PAGE_SIZE + 1));
    let jobs: Vec<(Codec, &[u8], usize)> = cases
        .iter()
        .map(|(codec, bytes, length)| (*codec, bytes.as_slice(), *length))
        .collect();
    let (good, outs) = decompress(&device, &jobs);
    let (mut refused, mut taken) = (0, 0);
    for ((case, good), out) in cases.iter().zip(good).zip(outs) {
        let (codec, bytes, length) = case;
        let mut expected = vec![0; *length];
        let here = match codec {
            Codec::Lz4 => lz4::decompress_into_plainly(bytes, &mut expected).is_ok(),
            _ => {
                *length <= PAGE_SIZE
                    && CompressorBuilder::new(Algorithm::None)
                        .build()
                        .unwrap()
                        .decompress_tail_into(*codec, bytes, &mut expected)
                        .is_ok()
            }
        };
        assert_eq!(good, here, "{codec} {bytes:?} to {length} bytes");
        if good {
            taken += 1;
            assert_eq!(out, expected);
        } else {
            refused += 1;
            assert!(out.iter().all(|byte| *byte == 0x5a), "refused and written");
        }
    }
    assert!(
        refused > 1000 && taken > 1000,
        "{refused} refused, {taken} taken"
    );
}

#[test]
fn batches_are_cut_into_chunks_and_chunks_get_smaller_where_there_is_no_room() {
    let pages = pages(54);
    let value: Vec<u8> = pages
        .iter()
        .flatten()
        .copied()
        .cycle()
        .take(3_000_001)
        .collect();
    let values: Vec<&[u8]> = vec![&value, b"", &value[..4097], b"short"];
    let plain = PageBatch::new(CompressorBuilder::new(Algorithm::Lz4)).unwrap();
    // A whole chunk takes a hundred mebibytes; a small one less than two.
    for (room, fails) in [(1 << 30, false), (5_000_000, false), (1_000_000, true)] {
        let Some(device) = emulated::device(room) else {
            return;
        };
        let batch = PageBatch::new(CompressorBuilder::new(Algorithm::Lz4))
            .unwrap()
            .with_device(Arc::new(DevicePages::new(device)));
        let frames = batch.compress(&values).unwrap();
        assert_eq!(batch.take_device_failure().is_some(), fails, "{room} bytes");
        let frames: Vec<&[u8]> = (0..frames.len()).map(|index| frames.get(index)).collect();
        for by in [&plain, &batch] {
            let back = by.decompress(&frames).unwrap();
            for (index, value) in values.iter().enumerate() {
                assert!(back.get(index) == *value, "{room} bytes, value {index}");
            }
        }
        let failure = batch.take_device_failure();
        assert_eq!(failure.is_some(), fails, "{room} bytes");
        if let Some(failure) = failure {
            assert!(failure.contains("no room for"), "{failure}");
        }
        // A changed byte is the processor's error, wherever pages are brought back.
        let mut bad: Vec<Vec<u8>> = frames.iter().map(|frame| frame.to_vec()).collect();
        let middle = bad[0].len() / 2;
        bad[0][middle] ^= 1;
        let bad: Vec<&[u8]> = bad.iter().map(Vec::as_slice).collect();
        assert_eq!(
            batch.decompress(&bad).unwrap_err(),
            plain.decompress(&bad).unwrap_err()
        );
    }
}

/// Few threads are helped to compress, none to decompress where there are more than three; nobody gives a device few pages.
#[test]
fn a_device_takes_what_it_is_expected_to_be_faster_at() {
    let Some(device) = device() else { return };
    for (threads, compress, decompress) in [(1, true, true), (4, true, false), (64, false, false)] {
        let pages = DevicePages::where_it_pays(device.clone(), threads);
        assert_eq!(pages.takes(10_000, true), compress, "{threads}");
        assert_eq!(pages.takes(10_000, false), decompress, "{threads}");
        assert_eq!(DevicePages::can_pay(threads), compress || decompress);
        assert!(!pages.takes(100, true));
    }
    let always = DevicePages::new(device);
    assert!(always.takes(10_000, true) && always.takes(10_000, false) && !always.takes(10, false));
}

#[test]
fn rates_are_measured() {
    let Some(device) = device() else { return };
    let rates = device.measure(1 << 20).unwrap();
    assert!(rates.upload > 0.0 && rates.download > 0.0 && rates.device > 0.0);
    let pages = vec![b"a page that is not long".as_slice(); 40];
    let rates = DevicePages::new(device).measure(&pages).unwrap();
    assert!(rates.compress > 0.0 && rates.decompress > 0.0 && rates.ratio >= 1.0);
}
