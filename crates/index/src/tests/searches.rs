//! The certified answer is the exact scan's, bit for bit.

use ogive_kernels::{Encoding, Metric, Order, Precision, Query};

use super::data::{FLAVOURS, Flavour, Random, table, values};
use super::{Table, assert_proven, bits, exact};
use crate::Bitmap;
use crate::flat::{BuildOptions, FlatIndex, Measure, Scratch, Search};

const METRICS: [Metric; 6] = [
    Metric::L2,
    Metric::L2Squared,
    Metric::InnerProduct,
    Metric::NegativeInnerProduct,
    Metric::CosineDistance,
    Metric::CosineSimilarity,
];

/// Builds for each measure, and compares searches of all kinds.
fn check(
    what: &str,
    table: &Table,
    queries: &[f64],
    bits_of: Option<usize>,
    random: &mut Random,
) -> u64 {
    let rows = table.rows();
    let count = table.block().len();
    let mut compared = 0;
    for measure in [Measure::L2, Measure::InnerProduct, Measure::Cosine] {
        let options = BuildOptions {
            bits: bits_of,
            ..BuildOptions::new(measure)
        };
        let index = FlatIndex::build(&rows, &options).unwrap();
        let mut scratch = Scratch::default();
        for query in queries.chunks_exact(table.dimension) {
            for metric in METRICS.into_iter().filter(|metric| measure.serves(*metric)) {
                let precision = [Precision::Double, Precision::Single][random.below(2)];
                let query = Query::new(metric, query).with_precision(precision);
                let what = format!("{what}, {measure:?}, {metric}, {precision:?}");
                compared += assert_proven(&index, &query, &rows, &what);
                let mut searches = Vec::new();
                let share = [0.9, 0.5, 0.1, 0.01, 0.0][random.below(5)];
                let filter = Bitmap::from_fn(count as u64, |_| random.unit() < share);
                for k in [0, 1, 3, random.below(count + 2), count + 1] {
                    let mut search = Search::new(&query, k);
                    if random.below(2) == 0 {
                        search.filter = Some(&filter);
                    }
                    if random.below(4) == 0 {
                        search.order = Order {
                            nulls_first: true,
                            descending: search.order.descending ^ (random.below(2) == 0),
                        };
                    }
                    searches.push(search);
                }
                let batch = index.search_batch(&searches, &rows, &mut scratch).unwrap();
                for (search, batched) in searches.iter().zip(batch) {
                    let what = format!("{what}, k {}, {:?}", search.k, search.order);
                    let found = index.search_with(search, &rows, &mut scratch).unwrap();
                    let expected = exact(table, &query, search.k, search.order, search.filter);
                    assert_eq!(bits(&found.rows), bits(&expected), "{what}");
                    assert_eq!(bits(&batched.rows), bits(&expected), "{what}, in a batch");
                    assert_eq!(found.statistics.violations, 0, "{what}");
                    let matching = search.filter.map_or(count as u64, Bitmap::count);
                    assert_eq!(
                        found.rows.len() as u64,
                        matching.min(search.k as u64),
                        "{what}"
                    );
                }
            }
        }
    }
    compared
}

#[test]
fn every_flavour_in_every_dimension() {
    for flavour in FLAVOURS {
        let mut compared = 0;
        for dimension in [1, 2, 3, 7, 64, 100, 384, 1000] {
            // Long vectors take most of the time, and most of them in vain.
            let long = match dimension {
                1000 => [Flavour::Falling, Flavour::Constant].contains(&flavour),
                384 => ![Flavour::Isotropic, Flavour::Coarse, Flavour::Same].contains(&flavour),
                _ => true,
            };
            if !long {
                continue;
            }
            let mut random = Random(dimension as u64 + 1000);
            let count = match dimension {
                0..=7 => 700,
                8..=100 => 900,
                _ => 300,
            };
            let rows = values(flavour, count, dimension, &mut random);
            let mut queries = values(flavour, 2, dimension, &mut random);
            queries.extend(&rows[..dimension]);
            queries.extend((0..dimension).map(|_| random.normal()));
            let table = table(&rows, dimension, Encoding::F32, None);
            let what = format!("{flavour:?}, dimension {dimension}");
            compared += check(&what, &table, &queries, None, &mut random);
        }
        println!("{flavour:?}: {compared} bounds");
    }
}

#[test]
fn every_encoding_and_size_of_code() {
    let encodings = [
        Encoding::F64,
        Encoding::F16,
        Encoding::I8,
        Encoding::U8,
        Encoding::Codes {
            scale: 0.03,
            min: -4.0,
        },
    ];
    let mut random = Random(5);
    for encoding in encodings {
        for flavour in [
            Flavour::Falling,
            Flavour::Odd,
            Flavour::Coarse,
            Flavour::Tiny,
            Flavour::Mixed,
        ] {
            let rows = values(flavour, 300, 48, &mut random);
            let queries = values(flavour, 3, 48, &mut random);
            let nulls = Bitmap::from_fn(300, |row| row % 11 == 3);
            let table = table(&rows, 48, encoding, Some(nulls));
            for bits in [0, 8, 100, 384, 5000] {
                let what = format!("{encoding:?}, {flavour:?}, {bits} bits");
                check(&what, &table, &queries, Some(bits), &mut random);
            }
        }
    }
}

#[test]
fn few_rows_and_none() {
    let mut random = Random(6);
    for count in [0, 1, 2, 63, 64, 65, 129] {
        for nulls in [None, Some(1), Some(3)] {
            let rows = values(Flavour::Isotropic, count, 5, &mut random);
            let queries = values(Flavour::Isotropic, 2, 5, &mut random);
            let nulls = nulls.map(|step| Bitmap::from_fn(count as u64, |row| row % step == 0));
            let table = table(&rows, 5, Encoding::F32, nulls);
            check(
                &format!("{count} rows"),
                &table,
                &queries,
                None,
                &mut random,
            );
        }
    }
}

#[test]
fn doubles_of_any_size() {
    let mut random = Random(8);
    for power in [-320, -200, -100, -30, 30, 100, 150, 290] {
        let rows: Vec<f64> = values(Flavour::Falling, 200, 9, &mut random)
            .into_iter()
            .map(|x| x * 10_f64.powi(power))
            .collect();
        let table = table(&rows, 9, Encoding::F64, None);
        let queries = rows[9..27].to_vec();
        check(&format!("1e{power}"), &table, &queries, None, &mut random);
    }
}

#[test]
fn few_rows_of_very_different_sizes() {
    for nth in 0..150 {
        let mut random = Random(nth);
        let (count, dimension) = (1 + random.below(30), 1 + random.below(4));
        let rows: Vec<f64> = (0..count * dimension)
            .map(|_| random.normal() * 10_f64.powi(random.below(44) as i32 - 22))
            .collect();
        let encoding = [Encoding::F64, Encoding::F32][random.below(2)];
        let table = table(&rows, dimension, encoding, None);
        let queries = rows[..dimension].to_vec();
        check(&format!("table {nth}"), &table, &queries, None, &mut random);
    }
}

#[test]
fn codes_decide_most_where_they_should() {
    let mut random = Random(9);
    let (count, dimension) = (20_000, 96);
    let rows = values(Flavour::Falling, count, dimension, &mut random);
    let table = table(&rows, dimension, Encoding::F32, None);
    let index = FlatIndex::build(&table.rows(), &BuildOptions::new(Measure::L2)).unwrap();
    let queries = values(Flavour::Falling, 20, dimension, &mut random);
    for query in queries.chunks_exact(dimension) {
        let query = Query::new(Metric::L2, query);
        let found = index
            .search(&Search::new(&query, 10), &table.rows())
            .unwrap();
        let statistics = found.statistics;
        assert!(!statistics.scanned_exactly, "{statistics:?}");
        assert!(statistics.read_exactly < 200, "{statistics:?}");
        assert_eq!(statistics.codes_scanned, count as u64);
        let read =
            statistics.decided_by_codes + statistics.decided_by_second + statistics.read_exactly;
        assert_eq!(read, count as u64, "{statistics:?}");
    }
}

/// Codes that say nothing are given up after a part of the table.
#[test]
fn hopeless_scans_are_given_up() {
    let mut random = Random(11);
    let (count, dimension) = (40_000, 16);
    let rows = values(Flavour::Unit, count, dimension, &mut random);
    let queries = values(Flavour::Unit, 4, dimension, &mut random);
    for encoding in [Encoding::F16, Encoding::F32] {
        let table = table(&rows, dimension, encoding, None);
        let options = BuildOptions {
            bits: Some(0),
            ..BuildOptions::new(Measure::L2)
        };
        let index = FlatIndex::build(&table.rows(), &options).unwrap();
        for query in queries.chunks_exact(dimension) {
            let query = Query::new(Metric::L2, query);
            let search = Search::new(&query, 10);
            let found = index.search(&search, &table.rows()).unwrap();
            let expected = exact(&table, &query, 10, search.order, None);
            assert_eq!(bits(&found.rows), bits(&expected));
            assert_eq!(found.statistics.violations, 0);
            if encoding == Encoding::F16 {
                let scanned = found.statistics.codes_scanned;
                assert!(found.statistics.scanned_exactly && scanned < 4_000);
            }
        }
    }
}

/// Filters of every selectivity, with the query and against it.
#[test]
fn no_filter_loses_rows() {
    let mut random = Random(10);
    let (count, dimension) = (20_000, 24);
    let rows = values(Flavour::Falling, count, dimension, &mut random);
    let table = table(&rows, dimension, Encoding::F32, None);
    let index = FlatIndex::build(&table.rows(), &BuildOptions::new(Measure::L2)).unwrap();
    let mut scratch = Scratch::default();
    for nth in 0..300 {
        let share = 10_f64.powf(-5.0 * random.unit());
        let at = random.below(count) * dimension;
        let query = &rows[at..at + dimension];
        let filter = Bitmap::from_fn(count as u64, |row| {
            let row = &rows[row as usize * dimension..][..dimension];
            let along: f64 = row.iter().zip(query).map(|(x, q)| x * q).sum();
            match nth % 3 {
                0 => random.unit() < share,
                1 => along > 3.0 * (1.0 - share),
                _ => along < -3.0 * (1.0 - share),
            }
        });
        let query = Query::new(Metric::L2, query);
        let k = 1 + random.below(20);
        let search = Search::new(&query, k).with_filter(&filter);
        let found = index
            .search_with(&search, &table.rows(), &mut scratch)
            .unwrap();
        let expected = exact(&table, &query, k, search.order, Some(&filter));
        assert_eq!(bits(&found.rows), bits(&expected), "filter {nth}");
        assert_eq!(found.rows.len() as u64, filter.count().min(k as u64));
        assert_eq!(found.statistics.violations, 0);
    }
}
