//! A graph beside exact answers.
//!
//! `cargo run --release -p ogive-index --example hnsw -- ROWS.npy QUERIES.npy [M] [EF_CONSTRUCTION]`
//!
//! Both files hold `<f4` or `<f2` in rows, compared by cosine. One thread, built on two; recall of the nearest 10 over all
//! queries beside the median time.

use std::error::Error;
use std::time::Instant;

use half::f16;
use ogive_index::MemoryRows;
use ogive_index::flat::Measure;
use ogive_index::hnsw::{HnswIndex, HnswOptions, HnswSearch};
use ogive_kernels::{Metric, Order, Query, Rows, SharedThreshold, TopK};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [rows, queries, rest @ ..] = arguments.as_slice() else {
        return Err("see the first lines of this example".into());
    };
    let (values, dimension) = npy(rows)?;
    let (queries, _) = npy(queries)?;
    let number = |index: usize, usual| rest.get(index).map_or(Ok(usual), |text| text.parse());
    let block = Rows::from_f32(&values, dimension)?;
    let rows = MemoryRows::new(block);
    let options = HnswOptions {
        m: number(0, 16)?,
        ef_construction: number(1, 64)?,
        threads: 2,
        ..HnswOptions::new(Measure::Cosine)
    };
    let start = Instant::now();
    let index = HnswIndex::build(&rows, &options)?;
    println!(
        "{} x {dimension}: built in {:.1} s, {} MB",
        block.len(),
        start.elapsed().as_secs_f64(),
        index.bytes().len() >> 20
    );
    let queries: Vec<Query> = queries
        .chunks_exact(dimension)
        .map(|query| {
            let query: Vec<f64> = query.iter().map(|x| f64::from(*x)).collect();
            Query::new(Metric::CosineDistance, &query)
        })
        .collect();
    let order = Order {
        descending: false,
        nulls_first: false,
    };
    let exact: Vec<_> = queries
        .iter()
        .map(|query| {
            let shared = SharedThreshold::new();
            let mut top = TopK::new(query.clone(), 10, order);
            top.scan(&block, 0, None, &shared);
            top.results(&shared)
        })
        .collect();
    for ef in [10, 20, 40, 80, 160, 320] {
        let (mut hits, mut times) = (0, Vec::new());
        for (query, exact) in queries.iter().zip(&exact) {
            let search = HnswSearch {
                ef,
                ..HnswSearch::new(query, 10)
            };
            let start = Instant::now();
            let found = index.search(&search, &rows)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
            hits += exact.iter().filter(|row| found.rows.contains(row)).count();
        }
        times.sort_by(f64::total_cmp);
        println!(
            "ef {ef:3}: recall@10 {:.4}, {:.3} ms",
            hits as f64 / (10 * queries.len()) as f64,
            times[times.len() / 2]
        );
    }
    Ok(())
}

fn npy(path: &str) -> Result<(Vec<f32>, usize), Box<dyn Error>> {
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
