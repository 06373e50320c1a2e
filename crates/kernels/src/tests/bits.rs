//! Distances between bits.

use super::top_k::{Case, ORDERS, check};
use super::{Random, sets};
use crate::pairwise::{norms_with, pairwise_with};
use crate::{Encoding, Metric, Precision, Query, Rows, pairwise};

const METRICS: [Metric; 2] = [Metric::Hamming, Metric::Jaccard];

/// A byte at a time.
fn reference(metric: Metric, x: &[u8], q: &[u8]) -> f64 {
    let count = |of: fn(u8, u8) -> u8| -> u32 {
        x.iter()
            .zip(q)
            .flat_map(|(x, q)| (0..8).map(move |bit| u32::from(of(*x, *q) >> bit & 1)))
            .sum()
    };
    let (both, either) = (count(|x, q| x & q), count(|x, q| x | q));
    match metric {
        Metric::Hamming => f64::from(either - both),
        _ if both == 0 => 1.0,
        _ => 1.0 - f64::from(both) / f64::from(either),
    }
}

fn random_bytes(random: &mut Random, len: usize) -> Vec<u8> {
    // Sparse, dense, empty, full and anything.
    let kind = random.below(5);
    (0..len)
        .map(|_| {
            let (a, b) = (random.next() as u8, random.next() as u8);
            match kind {
                0 => a & b & random.next() as u8,
                1 => a | b,
                2 => 0,
                3 => 0xff,
                _ => a,
            }
        })
        .collect()
}

#[test]
fn distances_follow_the_definition() {
    let sets = sets();
    for stride in 0..=257 {
        let mut random = Random(stride as u64 + 70_000_000);
        let rows = 3;
        // Behind an odd byte.
        let bytes = random_bytes(&mut random, 1 + rows * stride);
        let block = Rows::with_rows(&bytes[1..], rows, stride * 8, Encoding::Bits).unwrap();
        let query = random_bytes(&mut random, stride);
        let other: Vec<u8> = query.repeat(rows);
        let other = Rows::with_rows(&other, rows, stride * 8, Encoding::Bits).unwrap();
        for metric in METRICS {
            for set in &sets {
                let made = Query::from_bits(metric, &query).with_instruction_set(*set);
                assert_eq!(made.dimension(), stride * 8);
                let (mut out, mut pairs) = ([f64::NAN; 3], [f64::NAN; 3]);
                assert!(made.distances(&block, &mut out).is_empty());
                let none =
                    pairwise_with(*set, Precision::Single, metric, &block, &other, &mut pairs);
                assert!(none.is_empty());
                for row in 0..rows {
                    let expected = reference(metric, block.row(row), &query);
                    assert_eq!(out[row], expected, "{set} {metric} {stride} bytes");
                    assert_eq!(pairs[row], expected, "pair: {set} {metric} {stride} bytes");
                }
            }
        }
    }
}

#[test]
fn known_distances() {
    // pgvector's own: 111 and 110, 111 and 000, 000 and 000; here with five more bits that are alike.
    let rows = [0b110_00000, 0b000_00000];
    let rows = Rows::new(&rows, 8, Encoding::Bits).unwrap();
    let mut out = [0.0; 2];
    Query::from_bits(Metric::Hamming, &[0b111_00000]).distances(&rows, &mut out);
    assert_eq!(out, [1.0, 3.0]);
    Query::from_bits(Metric::Jaccard, &[0b111_00000]).distances(&rows, &mut out);
    assert_eq!(out, [1.0 - 2.0 / 3.0, 1.0]);
    Query::from_bits(Metric::Jaccard, &[0]).distances(&rows, &mut out);
    assert_eq!(out, [1.0, 1.0]);
}

#[test]
fn numbers_make_the_same_query() {
    let byte = [0b1001_0110_u8, 0b0000_0001];
    let numbers = [
        0.0, 1.0, 1.0, 0.0, 1.0, 0.0, -0.0, 2.5, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
    ];
    let rows = Rows::new(&byte, 16, Encoding::Bits).unwrap();
    let mut out = [1.0];
    Query::new(Metric::Hamming, &numbers).distances(&rows, &mut out);
    assert_eq!(out, [0.0]);
    // To a measure of numbers, bits are numbers.
    let mut decoded = [0.0; 16];
    rows.decode_f32(&mut decoded);
    let decoded = Rows::from_f32(&decoded, 16).unwrap();
    Query::from_bits(Metric::L1, &byte).distances(&decoded, &mut out);
    assert_eq!(out, [0.0]);
    assert_eq!(Query::new(Metric::Jaccard, &numbers[..13]).dimension(), 13);
}

#[test]
fn norms_are_roots_of_counts() {
    let bytes = [0xff_u8, 0x01, 0, 0, 0, 0x0f];
    let rows = Rows::new(&bytes, 16, Encoding::Bits).unwrap();
    for set in sets() {
        let mut out = [1.0; 3];
        norms_with(set, &rows, &mut out);
        assert_eq!(out, [3.0, 0.0, 2.0]);
    }
}

#[test]
fn searches_are_exact() {
    let sets = sets();
    for seed in 0..400_u64 {
        let mut random = Random(seed + 80_000_000);
        let stride = random.pick(&[0, 1, 2, 8, 16, 48, 64, 96, 100, 128]);
        let rows = random.pick(&[0, 1, 5, 255, 256, 257, 700, 1500]);
        let values: Vec<f64> = (0..rows * stride * 8)
            .map(|_| (random.unit() - 0.5).signum())
            .collect();
        let query = random_bytes(&mut random, stride);
        let share = random.pick(&[1, 10, 50]);
        let selected = (random.below(2) == 0)
            .then(|| (0..rows).map(|_| random.below(100) < share * 2).collect());
        check(&Case {
            query: Query::from_bits(random.pick(&METRICS), &query)
                .with_precision(random.pick(&super::PRECISIONS))
                .with_instruction_set(random.pick(&sets)),
            stored: super::Stored::new(&values, rows, stride * 8, Encoding::Bits),
            order: random.pick(&ORDERS),
            k: random.pick(&[0, 1, 3, 10, rows, rows + 5]),
            selected,
            seed,
        });
    }
}

/// What the documentation says of a measure that does not take the rows.
#[test]
fn other_measures_are_refused() {
    let bytes = [0_u8; 8];
    let bits = Rows::new(&bytes, 8, Encoding::Bits).unwrap();
    let numbers = Rows::new(&bytes, 8, Encoding::U8).unwrap();
    for (metric, rows) in [(Metric::L2, bits), (Metric::Hamming, numbers)] {
        assert!(!metric.takes(rows.encoding()));
        let query = Query::new(metric, &[0.0; 8]);
        let refused = [
            std::panic::catch_unwind(|| query.distances(&rows, &mut vec![0.0; rows.len()])),
            std::panic::catch_unwind(|| pairwise(metric, &rows, &rows, &mut vec![0.0; rows.len()])),
            std::panic::catch_unwind(|| {
                let order = ORDERS[0];
                let mut top = crate::TopK::new(query.clone(), 0, order);
                top.scan(&rows, 0, None, &crate::SharedThreshold::new());
                Vec::new()
            }),
        ];
        assert!(refused.iter().all(Result::is_err), "{metric}");
    }
}
