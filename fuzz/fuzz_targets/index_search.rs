//! Certified searches over any bytes as rows, against the exact scan; every bound against every distance.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ogive_fuzz::Random;
use ogive_index::flat::{BuildOptions, FlatIndex, Measure, Scratch, Search};
use ogive_index::{Bitmap, MemoryRows};
use ogive_kernels::{Encoding, Metric, Precision, Query, Rows, SharedThreshold, TopK};

const METRICS: [Metric; 6] = [
    Metric::L2,
    Metric::L2Squared,
    Metric::InnerProduct,
    Metric::NegativeInnerProduct,
    Metric::CosineDistance,
    Metric::CosineSimilarity,
];

fuzz_target!(|data: &[u8]| {
    let mut random = Random::of(data);
    let encoding = [Encoding::F64, Encoding::F32, Encoding::F16, Encoding::I8][random.up_to(3)];
    let dimension = 1 + random.up_to(9);
    let Some(row_bytes) = encoding.row_bytes(dimension) else {
        return;
    };
    // The rows, several times over, so that there are more than one block of them.
    let count = data.len() / row_bytes;
    let bytes = data[..count * row_bytes].repeat(1 + random.up_to(3));
    let block = Rows::new(&bytes, dimension, encoding).expect("whole rows");
    let nulls = Bitmap::from_fn(block.len() as u64, |row| row % 13 == 5);
    let rows = MemoryRows::new(block).with_nulls(nulls.clone());
    let metric = METRICS[random.up_to(METRICS.len() - 1)];
    let measure = match metric {
        Metric::InnerProduct if random.up_to(1) == 0 => Measure::L2,
        _ => Measure::of(metric).expect("a metric with an index"),
    };
    let options = BuildOptions {
        bits: Some(random.up_to(1024)),
        ..BuildOptions::new(measure)
    };
    let index = FlatIndex::build(&rows, &options).expect("a good table");
    let mut values = vec![0.0_f32; block.len() * dimension];
    block.decode_f32(&mut values);
    let at = random.up_to(block.len().saturating_sub(1)) * dimension;
    let query: Vec<f64> = match values.get(at..at + dimension) {
        Some(row) => row.iter().map(|x| f64::from(*x) * 1.25).collect(),
        None => vec![1.0; dimension],
    };
    let precision = [Precision::Double, Precision::Single][random.up_to(1)];
    let query = Query::new(metric, &query).with_precision(precision);
    let audit = index.audit(&query, &rows).expect("rows in memory");
    assert_eq!(audit.code_violations + audit.second_violations, 0, "{audit:?}");
    let filter = Bitmap::from_fn(block.len() as u64, |_| random.up_to(2) > 0);
    let k = random.up_to(block.len() + 1);
    let search = Search::new(&query, k).with_filter(&filter);
    let found = index
        .search_with(&search, &rows, &mut Scratch::default())
        .expect("rows in memory");
    assert_eq!(found.statistics.violations, 0);
    let selected: Vec<bool> = (0..block.len() as u64)
        .map(|row| filter.contains(row) && !nulls.contains(row))
        .collect();
    let shared = SharedThreshold::new();
    let mut top = TopK::new(query.clone(), k, search.order);
    top.scan(&block, 0, Some(&selected), &shared);
    for row in (0..block.len() as u64).filter(|row| filter.contains(*row) && nulls.contains(*row)) {
        top.offer(row, None, &shared);
    }
    let bits = |rows: &[(u64, Option<f64>)]| -> Vec<(u64, Option<u64>)> {
        let rows = rows.iter();
        rows.map(|(row, value)| (*row, value.map(f64::to_bits))).collect()
    };
    assert_eq!(bits(&found.rows), bits(&top.results(&shared)));
});
