//! How fast scans run beside how fast memory can be read, for every instruction set, encoding and metric.
//!
//! `cargo run --release -p ogive-kernels --example bandwidth [ROWS] [DIMENSION]`
//!
//! The first line is a plain sum over 300 MB: what memory gives one thread. Each later line is the best of several
//! scans for the 10 nearest of ROWS (200,000) vectors of DIMENSION (384), in GB of stored bytes a second, with the
//! share of rows that had to be answered exactly, and the same for answering every row.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ogive_kernels::{
    Encoding, InstructionSet, Metric, Order, Query, Rows, SharedThreshold, TopK,
    active_instruction_set, available_instruction_sets,
};

const REPEATS: usize = 7;
const K: usize = 10;

const METRICS: [Metric; 7] = [
    Metric::L2,
    Metric::L2Squared,
    Metric::L1,
    Metric::InnerProduct,
    Metric::CosineDistance,
    Metric::Hamming,
    Metric::Jaccard,
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let rows: usize = arguments.next().map_or(Ok(200_000), |s| s.parse())?;
    let dimension: usize = arguments.next().map_or(Ok(384), |s| s.parse())?;
    println!("active: {}", active_instruction_set());
    println!(
        "read-sum of 300 MB: {:.1} GB/s",
        gigabytes_a_second(300_000_000, read_sum())
    );

    let mut random = SplitMix(0x0961_7e00);
    let values: Vec<f32> = (0..rows * dimension).map(|_| random.normal()).collect();
    let query: Vec<f64> = (0..dimension).map(|_| random.normal().into()).collect();
    for set in available_instruction_sets() {
        if set != InstructionSet::Scalar || rows * dimension <= 10_000_000 {
            measure(set, &values, &query, rows, dimension)?;
        }
    }
    Ok(())
}

fn measure(
    set: InstructionSet,
    values: &[f32],
    query: &[f64],
    rows: usize,
    dimension: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    println!("\n{set}, {rows} x {dimension}");
    println!("encoding  metric   scan ms   GB/s  answered   distances ms   GB/s");
    let encodings = [
        Encoding::F64,
        Encoding::F32,
        Encoding::F16,
        Encoding::I8,
        Encoding::U8,
        Encoding::Codes {
            scale: 8.0 / 255.0,
            min: -4.0,
        },
        Encoding::Bits,
    ];
    for encoding in encodings {
        if encoding.row_bytes(dimension).is_none() {
            continue;
        }
        let bytes = encode(values, encoding);
        let block = Rows::with_rows(&bytes, rows, dimension, encoding)?;
        for metric in METRICS.into_iter().filter(|metric| metric.takes(encoding)) {
            let query = Query::new(metric, query).with_instruction_set(set);
            let order = Order {
                descending: metric == Metric::InnerProduct,
                nulls_first: false,
            };
            let mut answered = 0;
            let scan = best_of(|| {
                let shared = SharedThreshold::new();
                let mut top = TopK::new(query.clone(), K, order);
                top.scan(&block, 0, None, &shared);
                answered = top.rows_answered();
                black_box(top.candidates(&shared));
            });
            let mut out = vec![0.0; rows];
            let distances = best_of(|| {
                black_box(query.distances(black_box(&block), &mut out));
            });
            println!(
                "{:9} {:8} {:7.2} {:6.1} {:8.3} % {:13.2} {:6.1}",
                name(encoding),
                metric.short_name(),
                scan.as_secs_f64() * 1e3,
                gigabytes_a_second(bytes.len(), scan),
                100.0 * answered as f64 / rows as f64,
                distances.as_secs_f64() * 1e3,
                gigabytes_a_second(bytes.len(), distances),
            );
        }
    }
    Ok(())
}

fn name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::F64 => "f64",
        Encoding::F32 => "f32",
        Encoding::F16 => "f16",
        Encoding::I8 => "i8",
        Encoding::U8 => "u8",
        Encoding::Codes { .. } => "codes",
        Encoding::Bits => "bits",
    }
}

fn encode(values: &[f32], encoding: Encoding) -> Vec<u8> {
    let code = |x: f32| (x + 4.0) / 8.0 * 255.0;
    match encoding {
        Encoding::F64 => values
            .iter()
            .flat_map(|x| f64::from(*x).to_le_bytes())
            .collect(),
        Encoding::F32 => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Encoding::F16 => values
            .iter()
            .flat_map(|x| half::f16::from_f32(*x).to_le_bytes())
            .collect(),
        Encoding::I8 => values
            .iter()
            .flat_map(|x| ((x * 32.0) as i8).to_le_bytes())
            .collect(),
        Encoding::U8 | Encoding::Codes { .. } => values.iter().map(|x| code(*x) as u8).collect(),
        Encoding::Bits => values
            .chunks(8)
            .map(|eight| {
                eight
                    .iter()
                    .fold(0, |byte, x| byte << 1 | u8::from(*x > 0.0))
            })
            .collect(),
    }
}

fn read_sum() -> Duration {
    let words: Vec<u64> = (0..300_000_000 / 8).collect();
    best_of(|| {
        let mut lanes = [0_u64; 32];
        for block in black_box(&words).chunks_exact(32) {
            for (lane, word) in lanes.iter_mut().zip(block) {
                *lane = lane.wrapping_add(*word);
            }
        }
        black_box(lanes);
    })
}

fn best_of(mut work: impl FnMut()) -> Duration {
    (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn gigabytes_a_second(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / 1e9 / time.as_secs_f64()
}

/// A small generator with a fixed seed, so that every run measures the same data.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Roughly normal, mean 0 and deviation 1: four uniform numbers added.
    fn normal(&mut self) -> f32 {
        let bits = self.next();
        let sum: u32 = (0..4).map(|i| (bits >> (16 * i)) as u32 & 0xffff).sum();
        (sum as f32 / 65535.0 - 2.0) * 1.732
    }
}
