//! Checks every answer of the GPU against the processor, then times it: `benches/gpu.sh`, or
//!
//! ```text
//! cargo run --release -p ogive-cuda --example gpu -- [--rows N] [--queries N] [--budget-mib N] [--pages-out FILE] [FILE ...]
//! ```
//!
//! The files are what pages are made of. Exit status 77: there is no GPU, and the reason was printed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a program that measures: what goes wrong ends it"
)]

use std::time::Instant;

use ogive_codecs::pages::{
    Algorithm, Codec, CompressorBuilder, DevicePage, PAGE_SIZE, PageCompressor,
};
use ogive_codecs::{fp16, int8, lossless};
use ogive_cuda::{Device, DeviceBatchTopK, DevicePages, DeviceTopK};
use ogive_kernels::{BatchTopK, Encoding, Metric, Order, Query, Rows, SharedThreshold, TopK};
use rayon::prelude::*;

const DIMENSION: usize = 768;
const ASCENDING: Order = Order {
    descending: false,
    nulls_first: false,
};

/// What was asked for on the command line.
struct Settings {
    rows: usize,
    queries: usize,
    budget_mib: usize,
    pages_out: Option<String>,
    files: Vec<String>,
}

fn settings() -> Settings {
    let mut settings = Settings {
        rows: 1_000_000,
        queries: 100_000,
        budget_mib: 256,
        pages_out: None,
        files: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().unwrap().parse().unwrap();
        match argument.as_str() {
            "--rows" => settings.rows = number(),
            "--queries" => settings.queries = number(),
            "--budget-mib" => settings.budget_mib = number(),
            "--pages-out" => settings.pages_out = arguments.next(),
            _ => settings.files.push(argument),
        }
    }
    settings
}

/// The number `index` of a sequence, between -1 and 1: SplitMix64.
fn number(index: u64) -> f32 {
    let mut z = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// Vectors like embeddings: a few hundred centres with noise.
fn vectors(count: usize, seed: u64) -> Vec<f32> {
    let mut values = vec![0.0; count * DIMENSION];
    values
        .par_chunks_exact_mut(DIMENSION)
        .enumerate()
        .for_each(|(row, vector)| {
            let centre = (row as u64).wrapping_mul(2_654_435_761) % 300 * DIMENSION as u64;
            for (at, value) in vector.iter_mut().enumerate() {
                let own = (seed << 40) + (row * DIMENSION + at) as u64;
                *value = number((7 << 50) + centre + at as u64) + 0.7 * number(own);
            }
        });
    values
}

fn seconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let started = Instant::now();
    let made = work();
    (started.elapsed().as_secs_f64(), made)
}

fn report(what: &str, figure: String, aim: &str) {
    println!("{what:<52} {figure:>16}   {aim}");
}

fn main() {
    let settings = settings();
    let device = match Device::discover() {
        Ok(device) => device,
        Err(error) => {
            println!("skipped: {error}");
            std::process::exit(77);
        }
    };
    let info = device.info();
    println!(
        "{}, {} MiB, {}, compute capability {}.{}",
        info.name,
        info.memory_bytes >> 20,
        info.driver,
        info.compute_capability.0,
        info.compute_capability.1
    );
    let rates = device.measure(1 << 28).unwrap();
    report("upload", format!("{:.1} GB/s", rates.upload / 1e9), "");
    report("download", format!("{:.1} GB/s", rates.download / 1e9), "");
    report(
        "device memory, read and written",
        format!("{:.0} GB/s", rates.device / 1e9),
        "",
    );
    check_values(&device);
    pages(&device, &settings);
    let values = vectors(settings.rows, 1);
    search(&device, &values, rates.device, rates.upload, &settings);
    join(&device, &values, settings.queries);
}

/// Every half, int8 and lossless.
fn check_values(device: &Device) {
    let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let halves: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    let (mut there, mut here) = (vec![0.0; 1 << 16], vec![0.0; 1 << 16]);
    device.decode_fp16(&halves, &mut there).unwrap();
    fp16::decode(&halves, &mut here).unwrap();
    assert_eq!(bits(&there), bits(&here), "fp16");
    let values = vectors(1000, 3);
    let mut bytes = Vec::new();
    let parameters = int8::encode(&values, &mut bytes);
    let (mut there, mut here) = (vec![0.0; values.len()], vec![0.0; values.len()]);
    device.decode_int8(&bytes, parameters, &mut there).unwrap();
    int8::decode(&bytes, parameters, &mut here).unwrap();
    assert_eq!(bits(&there), bits(&here), "int8");
    bytes.clear();
    lossless::encode(&values, &mut bytes).unwrap();
    device.decode_lossless(&bytes, &mut there).unwrap();
    assert_eq!(bits(&there), bits(&values), "lossless");
    for metric in [
        Metric::L2,
        Metric::L1,
        Metric::InnerProduct,
        Metric::CosineDistance,
    ] {
        let query: Vec<f64> = values[..DIMENSION].iter().map(|x| f64::from(*x)).collect();
        let query = Query::new(metric, &query);
        let rows = Rows::from_f32(&values, DIMENSION).unwrap();
        let (mut there, mut here) = (vec![0.0; 1000], vec![0.0; 1000]);
        device.distances(&query, &rows, &mut there).unwrap();
        query.distances(&rows, &mut here);
        assert!(
            there
                .iter()
                .zip(&here)
                .all(|(a, b)| a.to_bits() == b.to_bits()),
            "{metric}"
        );
    }
    let bytes: Vec<u8> = values.iter().map(|x| x.to_bits() as u8).collect();
    let rows = Rows::new(&bytes, DIMENSION * 8, Encoding::Bits).unwrap();
    for metric in [Metric::Hamming, Metric::Jaccard] {
        let query = Query::from_bits(metric, &bytes[..DIMENSION]);
        let (mut there, mut here) = (vec![0.0; rows.len()], vec![0.0; rows.len()]);
        device.distances(&query, &rows, &mut there).unwrap();
        query.distances(&rows, &mut here);
        assert_eq!(there, here, "{metric}");
    }
    println!("checked: fp16, int8, lossless; l2, l1, inner product, cosine, hamming, jaccard");
}

fn pages(device: &Device, settings: &Settings) {
    let mut bytes = Vec::new();
    for file in &settings.files {
        bytes.extend(std::fs::read(file).unwrap());
        bytes.truncate(1 << 30);
    }
    if bytes.len() < 1 << 20 {
        println!("pages: give files of a mebibyte and more to measure them");
        return;
    }
    // What there is, over and over, to a quarter of a gigabyte: 65,536 pages.
    let once = bytes.len();
    while bytes.len() < 1 << 28 {
        let more = once.min((1 << 28) - bytes.len());
        bytes.extend_from_within(..more);
    }
    if let Some(file) = &settings.pages_out {
        std::fs::write(file, &bytes).unwrap();
    }
    let pages: Vec<&[u8]> = bytes.chunks(PAGE_SIZE).collect();
    let there = DevicePages::new(device.clone());
    there.compress(&pages).unwrap();
    let (compress, stored) = seconds(|| there.compress(&pages).unwrap());
    let mut rest = stored.bytes.as_slice();
    let parts: Vec<(Codec, &[u8])> = stored
        .pages
        .iter()
        .map(|page| {
            let (part, later) = rest.split_at(page.bytes);
            rest = later;
            (page.codec, part)
        })
        .collect();
    parts.par_iter().zip(&pages).for_each_init(
        || CompressorBuilder::new(Algorithm::Lz4).build().unwrap(),
        |compressor, ((codec, part), page)| {
            let mut back = vec![0; page.len()];
            compressor
                .decompress_tail_into(*codec, part, &mut back)
                .unwrap();
            assert!(back == *page, "a page that the processor reads otherwise");
        },
    );
    let mut back = vec![0; bytes.len()];
    let mut bring_back = || {
        let mut jobs: Vec<DevicePage<'_>> = parts
            .iter()
            .zip(back.chunks_mut(PAGE_SIZE))
            .map(|((codec, stored), out)| DevicePage {
                codec: *codec,
                stored,
                out,
            })
            .collect();
        let good = there.decompress(&mut jobs).unwrap();
        assert!(good.iter().all(|good| *good));
    };
    bring_back();
    let (decompress, ()) = seconds(bring_back);
    assert!(back == bytes, "pages that the device reads otherwise");
    println!("checked: {} pages both ways", pages.len());
    let gigabytes = bytes.len() as f64 / 1e9;
    report(
        "LZ4 pages, from and to the host: compress",
        format!("{:.1} GB/s", gigabytes / compress),
        "",
    );
    report(
        "LZ4 pages, from and to the host: decompress",
        format!("{:.1} GB/s", gigabytes / decompress),
        "",
    );
    let rates = there.measure(&pages).unwrap();
    report(
        "LZ4 pages, in device memory: compress",
        format!("{:.1} GB/s", rates.compress / 1e9),
        "nvCOMP below",
    );
    report(
        "LZ4 pages, in device memory: decompress",
        format!("{:.1} GB/s", rates.decompress / 1e9),
        "nvCOMP below; aim 150 on text",
    );
    report("LZ4 pages: ratio", format!("{:.2}", rates.ratio), "");
}

fn search(device: &Device, values: &[f32], memory_rate: f64, bus_rate: f64, settings: &Settings) {
    let (scale, min) = (4.0 / 255.0, -2.0);
    let codes: Vec<u8> = values
        .par_iter()
        .map(|x| ((x - min) / scale).clamp(0.0, 255.0) as u8)
        .collect();
    let rows = Rows::new(&codes, DIMENSION, Encoding::Codes { scale, min }).unwrap();
    let query: Vec<f64> = vectors(1, 9).iter().map(|x| f64::from(*x)).collect();
    let loaded = device.load(&rows).unwrap();
    for metric in [
        Metric::L2,
        Metric::L1,
        Metric::NegativeInnerProduct,
        Metric::CosineDistance,
    ] {
        let query = Query::new(metric, &query);
        let shared = SharedThreshold::new();
        let mut here = TopK::new(query.clone(), 10, ASCENDING);
        here.scan(&rows, 0, None, &shared);
        let expected = here.results(&shared);
        let mut best = f64::INFINITY;
        for _ in 0..6 {
            let shared = SharedThreshold::new();
            let mut there = DeviceTopK::new(device.clone(), query.clone(), 10, ASCENDING);
            let (time, ()) = seconds(|| there.scan_loaded(&loaded, &rows, 0, &shared).unwrap());
            assert_eq!(there.results(&shared), expected, "{metric}");
            best = best.min(time);
        }
        report(
            &format!("int8 top-10 in device memory, {metric}"),
            format!("{:.2} of memory", codes.len() as f64 / best / memory_rate),
            "aim 0.7",
        );
        let shared = SharedThreshold::new();
        let mut there = DeviceTopK::new(device.clone(), query, 10, ASCENDING)
            .with_chunk_bytes((settings.budget_mib << 20) / 2);
        let (time, ()) = seconds(|| there.scan(&rows, 0, None, &shared));
        assert_eq!(there.take_failure(), None);
        assert_eq!(there.results(&shared), expected, "{metric}, streamed");
        report(
            &format!("int8 top-10 streamed, {metric}"),
            format!("{:.2} of the bus", codes.len() as f64 / time / bus_rate),
            "aim 0.8",
        );
    }
    println!("checked: top-10 of {} int8 rows", rows.len());
}

fn join(device: &Device, values: &[f32], queries: usize) {
    let rows = Rows::from_f32(values, DIMENSION).unwrap();
    let asked: Vec<Query> = vectors(queries, 5)
        .chunks_exact(DIMENSION)
        .map(|vector| {
            let vector: Vec<f64> = vector.iter().map(|x| f64::from(*x)).collect();
            Query::new(Metric::L2, &vector)
        })
        .collect();
    let mut there = DeviceBatchTopK::new(device.clone(), asked.clone(), 10, ASCENDING);
    let (time, ()) = seconds(|| there.scan(&rows, 0, None));
    assert_eq!(there.take_failure(), None);
    // Some of the queries by the processor: all would take it minutes.
    let step = (queries / 256).max(1);
    let sample: Vec<usize> = (0..queries).step_by(step).collect();
    let mut here = BatchTopK::new(
        sample.iter().map(|query| asked[*query].clone()).collect(),
        10,
        ASCENDING,
    );
    here.scan(&rows, 0, None);
    for (at, query) in sample.iter().enumerate() {
        assert_eq!(there.results(*query), here.results(at), "query {query}");
    }
    println!(
        "checked: the ten nearest of {} of {queries} queries",
        sample.len()
    );
    report(
        &format!("join of {queries} x {} x {DIMENSION}, k = 10", rows.len()),
        format!("{time:.2} s"),
        "aim 3 s at 100,000 x 1,000,000",
    );
    report(
        "  pairs answered by the processor, of a query",
        format!("{:.1}", there.pairs_answered() as f64 / queries as f64),
        "",
    );
}
