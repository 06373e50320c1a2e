//! How fast many queries find their nearest rows together.
//!
//! `cargo run --release -p ogive-kernels --example batch [THREADS] [QUERIES] [ROWS] [DIMENSION] [K] [METRIC]`
//!
//! By default 1 thread looks for the 10 nearest of 200,000 vectors of 384 numbers to each of 1,000 queries, all drawn
//! around 200 centres. Each line is one run, packing the queries included: seconds, what a matrix product that takes
//! as long would do in a second, the share of pairs that had to be answered exactly, and the memory of the search.
//! The first queries' results are compared with those of a search for each alone.

use std::time::Instant;

use ogive_kernels::{
    BatchTopK, Metric, Order, Query, Rows, SharedThreshold, TopK, active_instruction_set,
};

const CENTRES: usize = 200;
const REPEATS: usize = 3;
const COMPARED: usize = 20;

const METRICS: [Metric; 5] = [
    Metric::L2,
    Metric::L2Squared,
    Metric::L1,
    Metric::InnerProduct,
    Metric::CosineDistance,
];

/// Rows given to a search at a time, as a file's reader would.
const SCAN_ROWS: usize = 8192;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |s| s.parse());
    let (threads, queries, rows) = (number(1)?.max(1), number(1_000)?, number(200_000)?);
    let (dimension, k) = (number(384)?, number(10)?);
    let name = arguments.next().unwrap_or_else(|| "l2".to_owned());
    let metric = METRICS
        .into_iter()
        .find(|metric| metric.short_name() == name)
        .ok_or("no such metric")?;
    println!(
        "{}, {threads} threads, {queries} queries, {rows} x {dimension}, k {k}, {metric}",
        active_instruction_set()
    );

    let mut random = SplitMix(0x0961_7e00);
    let centres = random.normals(CENTRES * dimension);
    let vectors = random.around(&centres, rows, dimension);
    let queries: Vec<Query> = random
        .around(&centres, queries, dimension)
        .chunks_exact(dimension)
        .map(|query| {
            Query::new(
                metric,
                &query.iter().copied().map(f64::from).collect::<Vec<_>>(),
            )
        })
        .collect();
    let order = Order {
        descending: metric == Metric::InnerProduct,
        nulls_first: false,
    };
    let rows = Rows::from_f32(&vectors, dimension)?;
    let mut found = None;
    for _ in 0..REPEATS {
        let search = measure(&queries, &rows, k, order, threads)?;
        found = Some(search);
    }
    let found = found.ok_or("nothing was measured")?;
    for (index, query) in queries.iter().enumerate().take(COMPARED) {
        let shared = SharedThreshold::new();
        let mut top = TopK::new(query.clone(), k, order);
        top.scan(&rows, 0, None, &shared);
        if top.results(&shared) != found.results(index) {
            return Err(format!("query {index} has other results alone").into());
        }
    }
    Ok(())
}

fn measure(
    queries: &[Query],
    rows: &Rows<'_>,
    k: usize,
    order: Order,
    threads: usize,
) -> Result<BatchTopK, Box<dyn std::error::Error>> {
    let asked = queries.to_vec();
    let start = Instant::now();
    let mut search = BatchTopK::new(asked, k, order);
    let per_thread = rows.len().div_ceil(threads);
    let parts = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|thread| {
                let mut part = search.sibling();
                let first = (thread * per_thread).min(rows.len());
                let end = (first + per_thread).min(rows.len());
                scope.spawn(move || {
                    for start in (first..end).step_by(SCAN_ROWS) {
                        let block = rows.slice(start..end.min(start + SCAN_ROWS));
                        part.scan(&block, start as u64, None);
                    }
                    part
                })
            })
            .collect();
        let ended = running.into_iter().map(|thread| thread.join());
        ended.collect::<Result<Vec<_>, _>>()
    });
    let mut bytes = search.shared_memory_bytes();
    for part in parts.map_err(|_| "a thread panicked")? {
        bytes += part.memory_bytes();
        search.merge(part);
    }
    let seconds = start.elapsed().as_secs_f64();
    let pairs = search.pairs_scanned() as f64;
    println!(
        "{seconds:.3} s  {:.1} GFLOP/s  {:.4} % answered  {:.1} MB",
        2.0 * pairs * rows.dimension() as f64 / seconds / 1e9,
        100.0 * search.pairs_answered() as f64 / pairs,
        bytes as f64 / 1e6
    );
    Ok(search)
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

    fn normals(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.normal()).collect()
    }

    /// Vectors that lie about one of the centres each.
    fn around(&mut self, centres: &[f32], vectors: usize, dimension: usize) -> Vec<f32> {
        let mut values = Vec::with_capacity(vectors * dimension);
        for _ in 0..vectors {
            let centre = (self.next() % CENTRES as u64) as usize * dimension;
            for centre in &centres[centre..centre + dimension] {
                values.push(centre + self.normal());
            }
        }
        values
    }
}
