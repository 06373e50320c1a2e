//! Graphs: recall, filters, threads, files.

use ogive_kernels::{Encoding, Metric, Query};

use super::*;
use crate::Bitmap;
use crate::flat::Measure;
use crate::tests::data::{FLAVOURS, Flavour, Random, table, values};
use crate::tests::{Table, bits, exact};

fn order(metric: Metric) -> ogive_kernels::Order {
    ogive_kernels::Order {
        descending: matches!(metric, Metric::InnerProduct | Metric::CosineSimilarity),
        nulls_first: false,
    }
}

/// The share of the nearest `k` rows that are found, over all queries.
fn recall(
    table: &Table,
    index: &HnswIndex<AlignedBytes>,
    queries: &[f64],
    ef: usize,
    filter: Option<&Bitmap>,
) -> f64 {
    let metric = match index.measure() {
        Measure::L2 => Metric::L2,
        Measure::InnerProduct => Metric::InnerProduct,
        Measure::Cosine => Metric::CosineDistance,
    };
    let (mut hits, mut all) = (0, 0);
    for query in queries.chunks_exact(table.dimension) {
        let query = Query::new(metric, query);
        let search = HnswSearch {
            ef,
            filter,
            ..HnswSearch::new(&query, 10)
        };
        let found = index.search(&search, &table.rows()).unwrap();
        let expected = exact(table, &query, 10, order(metric), filter);
        assert_eq!(found.rows.len(), expected.len());
        hits += expected
            .iter()
            .filter(|row| found.rows.contains(row))
            .count();
        all += expected.len();
    }
    hits as f64 / all.max(1) as f64
}

#[test]
fn most_of_the_nearest_rows_are_found() {
    let mut random = Random(20);
    let (count, dimension) = (4_000, 24);
    let rows = values(Flavour::Falling, count, dimension, &mut random);
    let queries = values(Flavour::Falling, 40, dimension, &mut random);
    let table = table(&rows, dimension, Encoding::F32, None);
    for measure in [Measure::L2, Measure::InnerProduct, Measure::Cosine] {
        let index = HnswIndex::build(&table.rows(), &HnswOptions::new(measure)).unwrap();
        let narrow = recall(&table, &index, &queries, 10, None);
        let wide = recall(&table, &index, &queries, 100, None);
        assert!(narrow > 0.6 && wide > 0.97, "{measure:?}: {narrow} {wide}");
        for step in [2, 10] {
            let filter = Bitmap::from_fn(count as u64, |row| row % step == 1);
            let filtered = recall(&table, &index, &queries, 100, Some(&filter));
            assert!(filtered > 0.95, "{measure:?} {step}: {filtered}");
        }
    }
}

#[test]
fn never_fewer_rows_than_match() {
    let mut random = Random(21);
    for flavour in FLAVOURS {
        let (count, dimension) = (600, 7);
        let rows = values(flavour, count, dimension, &mut random);
        let nulls = Bitmap::from_fn(count as u64, |row| row % 50 == 7);
        let table = table(&rows, dimension, Encoding::F32, Some(nulls));
        for measure in [Measure::L2, Measure::Cosine] {
            let index = HnswIndex::build(&table.rows(), &HnswOptions::new(measure)).unwrap();
            let metric = match measure {
                Measure::L2 => Metric::L2,
                _ => Metric::CosineDistance,
            };
            for _ in 0..20 {
                let at = random.below(count) * dimension;
                let query = Query::new(metric, &rows[at..at + dimension]);
                let share = random.unit();
                let filter = Bitmap::from_fn(count as u64, |_| random.unit() < share);
                let k = random.below(count + 10);
                let search = HnswSearch {
                    filter: Some(&filter),
                    ..HnswSearch::new(&query, k)
                };
                let found = index.search(&search, &table.rows()).unwrap();
                assert_eq!(found.rows.len() as u64, filter.count().min(k as u64));
                assert!(found.rows.iter().all(|(row, _)| filter.contains(*row)));
                if found.scanned_exactly {
                    let expected = exact(&table, &query, k, order(metric), Some(&filter));
                    assert_eq!(bits(&found.rows), bits(&expected), "{flavour:?}");
                }
            }
        }
    }
}

#[test]
fn graphs_do_not_depend_on_threads() {
    let mut random = Random(22);
    let rows = values(Flavour::Unit, 3_000, 12, &mut random);
    let table = table(&rows, 12, Encoding::F32, None);
    let build = |threads| {
        let options = HnswOptions {
            threads,
            ..HnswOptions::new(Measure::Cosine)
        };
        let index = HnswIndex::build(&table.rows(), &options).unwrap();
        index.bytes().to_vec()
    };
    let one = build(1);
    assert!(build(2) == one && build(8) == one);
}

#[test]
fn damaged_files_are_refused() {
    let mut random = Random(23);
    let rows = values(Flavour::Odd, 100, 3, &mut random);
    let table = table(&rows, 3, Encoding::F32, None);
    let index = HnswIndex::build(&table.rows(), &HnswOptions::new(Measure::L2)).unwrap();
    let good = index.bytes().to_vec();
    let open = |bytes: &[u8]| HnswIndex::open(AlignedBytes::new(bytes));
    assert_eq!(open(&good).unwrap().rows(), 100);
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        assert!(open(&bad).is_err() || good[at] == 0, "byte {at}");
        if at % 7 == 0 {
            assert!(open(&good[..at]).is_err(), "{at} bytes");
        }
    }
    let mut newer = good.clone();
    newer[8] = 9;
    let error = open(&newer).unwrap_err().to_string();
    assert!(
        error.contains("version 9 is not supported, expected 1"),
        "{error}"
    );
}
