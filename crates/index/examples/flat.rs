//! Certified search beside the plain exact scan: answers are compared first, then timed.
//!
//! `cargo run --release -p ogive-index --example flat -- ROWS.npy QUERIES.npy [BITS]`
//!
//! Both files hold `<f4` or `<f2` in rows. `flat -- random ROWS DIMENSION [BITS]` makes rows whose variance falls with the
//! direction, not of unit length, and queries like them. One thread; p50, mean and p99 over the queries, k = 10 unless
//! said. With `half` as the last argument rows are searched as `f16`; shares are of `f32` all the same.

use std::error::Error;
use std::time::Instant;

use half::f16;
use ogive_index::flat::{BuildOptions, FlatIndex, Found, Measure, Scratch, Search};
use ogive_index::{Bitmap, MemoryRows};
use ogive_kernels::{Matrix, Metric, Query, Rows, SharedThreshold, TopK, active_instruction_set};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (values, queries, dimension, bits) = match arguments.first().map(String::as_str) {
        Some("random") => {
            let rows: usize = arguments[1].parse()?;
            let dimension: usize = arguments[2].parse()?;
            let values = spectrum(rows + 200, dimension);
            let (values, queries) = values.split_at(rows * dimension);
            (
                values.to_vec(),
                queries.to_vec(),
                dimension,
                arguments.get(3),
            )
        }
        Some(path) => {
            let (values, dimension) = npy(path)?;
            let (queries, _) = npy(arguments.get(1).ok_or("a file of queries")?)?;
            (values, queries, dimension, arguments.get(2))
        }
        None => return Err("see the first lines of this example".into()),
    };
    let bits = bits.filter(|bits| *bits != "half");
    let bits = bits.map(|bits| bits.parse()).transpose()?;
    let count = values.len() / dimension;
    println!("{count} x {dimension}, {}", active_instruction_set());
    let halves: Vec<f16> = values.iter().map(|x| f16::from_f32(*x)).collect();
    let block = if arguments.last().is_some_and(|last| last == "half") {
        Rows::from_f16(&halves, dimension)?
    } else {
        Rows::from_f32(&values, dimension)?
    };
    let rows = MemoryRows::new(block);
    for (measure, metric) in [
        (Measure::L2, Metric::L2),
        (Measure::Cosine, Metric::CosineDistance),
    ] {
        let options = BuildOptions {
            bits,
            threads: 2,
            ..BuildOptions::new(measure)
        };
        let start = Instant::now();
        let index = FlatIndex::build(&rows, &options)?;
        println!(
            "\n{metric}: built in {:.2} s, {} bits, {} bytes a row ({:.1} % of f32), file {:.1} %",
            start.elapsed().as_secs_f64(),
            index.bits(),
            index.code_bytes(),
            index.code_bytes() as f64 / dimension as f64 * 25.0,
            index.source().len() as f64 / values.len() as f64 * 25.0
        );
        let far = Bitmap::from_fn(count as u64, |row| row % 10 == 3);
        let random = spectrum_less(200, dimension);
        for (name, queries, k, filter) in [
            ("queries", &queries, 10, None),
            ("k = 1", &queries, 1, None),
            ("k = 100", &queries, 100, None),
            ("k = 1000", &queries, 1000, None),
            ("filter 10 %", &queries, 10, Some(&far)),
            ("random directions", &random, 10, None),
        ] {
            measure_one(
                &index, &rows, block, dimension, metric, name, queries, k, filter,
            )?;
        }
        let prepared: Vec<Query> = make(&queries, dimension, metric);
        let searches: Vec<Search<'_>> = prepared.iter().map(|q| Search::new(q, 10)).collect();
        let mut scratch = Scratch::default();
        index.search_batch(&searches, &rows, &mut scratch)?;
        let start = Instant::now();
        index.search_batch(&searches, &rows, &mut scratch)?;
        let each = start.elapsed().as_secs_f64() * 1e3 / searches.len() as f64;
        println!("batch of {}: {each:.3} ms a query", searches.len());
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "one line of the table each")]
fn measure_one(
    index: &FlatIndex<Vec<u8>>,
    rows: &MemoryRows<'_>,
    block: Rows<'_>,
    dimension: usize,
    metric: Metric,
    name: &str,
    queries: &[f32],
    k: usize,
    filter: Option<&Bitmap>,
) -> Result<()> {
    let numbers = (block.len() * dimension) as f64;
    let selected: Option<Vec<bool>> = filter.map(|filter| {
        (0..block.len() as u64)
            .map(|row| filter.contains(row))
            .collect()
    });
    let mut scratch = Scratch::default();
    let (mut certified, mut plain, mut share, mut left) = (vec![], vec![], vec![], vec![]);
    let mut scans = 0;
    for (nth, query) in make(queries, dimension, metric).iter().enumerate() {
        let mut search = Search::new(query, k);
        search.filter = filter;
        let mut best = (f64::INFINITY, None);
        for _ in 0..3 {
            let start = Instant::now();
            let found: Found = index.search_with(&search, rows, &mut scratch)?;
            let seconds = start.elapsed().as_secs_f64();
            if seconds < best.0 {
                best = (seconds, Some(found));
            }
        }
        let (seconds, Some(found)) = best else {
            continue;
        };
        let statistics = found.statistics;
        assert_eq!(statistics.violations, 0, "query {nth}");
        certified.push(seconds * 1e3);
        share.push(statistics.bytes_read as f64 / numbers * 25.0);
        left.push((statistics.codes_scanned - statistics.decided_by_codes) as f64);
        scans += usize::from(statistics.scanned_exactly);
        if nth < 100 {
            let shared = SharedThreshold::new();
            let mut top = TopK::new(query.clone(), k, search.order);
            let start = Instant::now();
            top.scan(&block, 0, selected.as_deref(), &shared);
            plain.push(start.elapsed().as_secs_f64() * 1e3);
            assert_eq!(found.rows, top.results(&shared), "query {nth}");
        }
    }
    let (certified, plain) = (of(certified), of(plain));
    let (share, left) = (of(share), of(left));
    println!(
        "{name:18} ms {:.3} mean {:.3} p99 {:.3} | plain {:.3} ({:.1}x) | bytes % mean {:.2} p99 {:.2} | left mean {:.0} p99 {:.0} | {scans} scans",
        certified.0,
        certified.1,
        certified.2,
        plain.0,
        plain.0 / certified.0,
        share.1,
        share.2,
        left.1,
        left.2
    );
    Ok(())
}

fn make(queries: &[f32], dimension: usize, metric: Metric) -> Vec<Query> {
    let queries = queries.chunks_exact(dimension);
    queries
        .map(|query| {
            let query: Vec<f64> = query.iter().map(|x| f64::from(*x)).collect();
            Query::new(metric, &query)
        })
        .collect()
}

/// Median, mean, 99th percentile.
fn of(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (at(0.5), mean, at(0.99))
}

fn npy(path: &str) -> Result<(Vec<f32>, usize)> {
    let bytes = std::fs::read(path)?;
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = std::str::from_utf8(&bytes[10..10 + header])?;
    let shape = text.split_once('(').ok_or("no shape")?.1;
    let dimension = shape.split(',').nth(1).ok_or("no rows")?;
    let dimension = dimension.trim().trim_end_matches(')').parse()?;
    let data = &bytes[10 + header..];
    let values = if text.contains("<f2") {
        let halves = data.as_chunks::<2>().0.iter();
        halves.map(|x| f16::from_le_bytes(*x).to_f32()).collect()
    } else {
        let singles = data.as_chunks::<4>().0.iter();
        singles.map(|x| f32::from_le_bytes(*x)).collect()
    };
    Ok((values, dimension))
}

/// Normal numbers, row-major.
fn spectrum_less(rows: usize, dimension: usize) -> Vec<f32> {
    let mut state = 0x0961_7e00_u64;
    let mut unit = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32
    };
    (0..rows * dimension)
        .map(|_| (0..4).map(|_| unit()).sum::<f32>() - 2.0)
        .collect()
}

/// Clusters in turned directions of falling variance.
fn spectrum(rows: usize, dimension: usize) -> Vec<f32> {
    let normal = spectrum_less(rows, dimension);
    let centres = spectrum_less(1000, dimension);
    let turn = Matrix::new(&spectrum_less(dimension, dimension), dimension);
    let mut out = vec![0.0; normal.len()];
    for (row, (normal, out)) in normal
        .chunks_exact(dimension)
        .zip(out.chunks_exact_mut(dimension))
        .enumerate()
    {
        let centre = &centres[row * 7919 % 1000 * dimension..][..dimension];
        let mixed: Vec<f32> = normal
            .iter()
            .zip(centre)
            .enumerate()
            .map(|(index, (x, c))| (x + 0.8 * c) / (2.0 + index as f32).powf(0.4))
            .collect();
        turn.multiply(&mixed, out);
    }
    out
}
