//! What SQL gets: definitions, undefined answers, and independence of blocks and instruction sets.

use super::{ENCODINGS, FLAVOURS, Flavour, PRECISIONS, Random, Stored, decoded, same, sets};
use crate::pairwise::{norms_with, pairwise_with};
use crate::{Encoding, Metric, Query, Rows, norms, pairwise, pairwise_with_precision};

pub(crate) const METRICS: [Metric; 7] = [
    Metric::L2,
    Metric::L2Squared,
    Metric::L1,
    Metric::InnerProduct,
    Metric::NegativeInnerProduct,
    Metric::CosineDistance,
    Metric::CosineSimilarity,
];

/// The answer as DataFusion's own list functions compute it: one loop, in `f64`.
fn reference(metric: Metric, x: &[f64], q: &[f64]) -> Option<f64> {
    let pairs = || x.iter().zip(q);
    let dot: f64 = pairs().map(|(x, q)| x * q).sum();
    let l2_squared: f64 = pairs().map(|(x, q)| (x - q) * (x - q)).sum();
    let squares = |v: &[f64]| -> f64 { v.iter().map(|x| x * x).sum() };
    let cosine = || {
        let (a, b) = (squares(x), squares(q));
        (a != 0.0 && b != 0.0).then(|| dot / (a.sqrt() * b.sqrt()))
    };
    Some(match metric {
        Metric::L2 => l2_squared.sqrt(),
        Metric::L2Squared => l2_squared,
        Metric::L1 => pairs().map(|(x, q)| (x - q).abs()).sum(),
        Metric::InnerProduct => dot,
        Metric::NegativeInnerProduct => -dot,
        Metric::CosineDistance => 1.0 - cosine()?,
        Metric::CosineSimilarity => cosine()?,
        Metric::Hamming | Metric::Jaccard => unreachable!("has its own reference"),
    })
}

fn close(found: f64, expected: f64, scale: f64) -> bool {
    same(found, expected) || (found - expected).abs() <= 1e-12 * (expected.abs() + scale)
}

#[test]
fn distances_follow_the_definition() {
    for seed in 0..400_u64 {
        let mut random = Random(seed);
        let dimension = random.below(70);
        let rows = 1 + random.below(5);
        let encoding = random.pick(&ENCODINGS);
        let flavour = random.pick(&[Flavour::Plain, Flavour::Coarse, Flavour::Zeros]);
        let values = flavour.vector(&mut random, rows * dimension);
        let stored = Stored::new(&values, rows, dimension, encoding);
        let vector = Flavour::Plain.vector(&mut random, dimension);
        let query: Vec<f64> = if encoding == Encoding::F64 {
            vector.clone()
        } else {
            vector.iter().map(|x| f64::from(*x as f32)).collect()
        };
        let elements = decoded(&stored.rows());
        for metric in METRICS {
            let mut out = vec![0.0; rows];
            let undefined = Query::new(metric, &vector).distances(&stored.rows(), &mut out);
            for (row, found) in out.iter().enumerate() {
                let x = &elements[row * dimension..][..dimension];
                match reference(metric, x, &query) {
                    None => assert!(undefined.contains(&row) && found.is_nan(), "seed {seed}"),
                    Some(expected) => assert!(
                        !undefined.contains(&row)
                            && close(*found, expected, 1e5 * dimension as f64),
                        "seed {seed} {metric} {encoding:?}: {found} is not {expected}"
                    ),
                }
            }
        }
    }
}

#[test]
fn distances_depend_on_the_row_alone() {
    let sets = sets();
    for seed in 0..200_u64 {
        let mut random = Random(seed + 1_000_000);
        let dimension = random.below(100);
        let rows = random.below(600);
        let encoding = random.pick(&ENCODINGS);
        let flavour = random.pick(&FLAVOURS);
        let values = flavour.vector(&mut random, rows * dimension);
        let stored = Stored::new(&values, rows, dimension, encoding);
        let vector = random.pick(&FLAVOURS).vector(&mut random, dimension);
        let metric = random.pick(&METRICS);
        let query = Query::new(metric, &vector).with_precision(random.pick(&PRECISIONS));
        let mut whole = vec![0.0; rows];
        let undefined = query.distances(&stored.rows(), &mut whole);
        assert!(undefined.is_sorted());
        for set in &sets {
            let query = query.clone().with_instruction_set(*set);
            for (row, expected) in whole.iter().enumerate() {
                let mut one = [0.0];
                let none = query.distances(&stored.rows().slice(row..row + 1), &mut one);
                assert!(
                    same(one[0], *expected) && none.is_empty() != undefined.contains(&row),
                    "seed {seed} {set} {metric} {encoding:?} row {row}"
                );
                assert!(!one[0].is_nan() || one[0].is_sign_positive());
            }
        }
    }
}

#[test]
fn pairs_agree_with_queries() {
    let sets = sets();
    for seed in 0..200_u64 {
        let mut random = Random(seed + 2_000_000);
        let dimension = random.below(60);
        let rows = 1 + random.below(6);
        let (left, right) = (random.pick(&ENCODINGS), random.pick(&ENCODINGS));
        let a = random.pick(&FLAVOURS).vector(&mut random, rows * dimension);
        let b = random.pick(&FLAVOURS).vector(&mut random, rows * dimension);
        let a = Stored::new(&a, rows, dimension, left);
        let b = Stored::new(&b, rows, dimension, right);
        let metric = random.pick(&METRICS);
        let precision = random.pick(&PRECISIONS);
        let mut out = vec![0.0; rows];
        let undefined = pairwise_with_precision(precision, metric, &a.rows(), &b.rows(), &mut out);
        for set in &sets {
            let mut again = vec![0.0; rows];
            let none = pairwise_with(*set, precision, metric, &b.rows(), &a.rows(), &mut again);
            assert_eq!(none, undefined, "seed {seed}: swapped sides");
            assert!(out.iter().zip(&again).all(|(a, b)| same(*a, *b)));
        }
        let elements = decoded(&b.rows());
        // A query takes part in its own precision only against the encodings that it is rounded for.
        if (left == Encoding::F64) == (right == Encoding::F64) {
            for row in 0..rows {
                let vector = &elements[row * dimension..][..dimension];
                let mut one = [0.0];
                let slice = a.rows().slice(row..row + 1);
                let query = Query::new(metric, vector).with_precision(precision);
                let none = query.distances(&slice, &mut one);
                assert!(same(one[0], out[row]), "seed {seed} {metric} row {row}");
                assert_eq!(none.is_empty(), !undefined.contains(&row));
            }
        }
    }
}

#[test]
fn norms_follow_the_definition() {
    let sets = sets();
    for seed in 0..100_u64 {
        let mut random = Random(seed + 3_000_000);
        let (dimension, rows) = (random.below(80), random.below(400));
        let encoding = random.pick(&ENCODINGS);
        let values = Flavour::Plain.vector(&mut random, rows * dimension);
        let stored = Stored::new(&values, rows, dimension, encoding);
        let mut out = vec![0.0; rows];
        norms(&stored.rows(), &mut out);
        let elements = decoded(&stored.rows());
        for (row, found) in out.iter().enumerate() {
            let x = &elements[row * dimension..][..dimension];
            let expected = x.iter().map(|x| x * x).sum::<f64>().sqrt();
            assert!(close(*found, expected, 0.0), "seed {seed}");
        }
        for set in &sets {
            let mut again = vec![0.0; rows];
            norms_with(*set, &stored.rows(), &mut again);
            assert!(out.iter().zip(&again).all(|(a, b)| same(*a, *b)));
        }
    }
}

#[test]
fn cosine_of_a_zero_vector_is_undefined() {
    let values = [1.0_f32, 0.0, 0.0, 0.0, -0.0, 0.0, 1e-30, 0.0];
    let rows = Rows::from_f32(&values, 2).unwrap();
    for metric in [Metric::CosineDistance, Metric::CosineSimilarity] {
        let mut out = [0.0; 4];
        let undefined = Query::new(metric, &[1.0, 0.0]).distances(&rows, &mut out);
        assert_eq!(undefined, [1, 2], "1e-30 squared is not zero in f64");
        let undefined = Query::new(metric, &[0.0, 0.0]).distances(&rows, &mut out);
        assert_eq!(undefined, [0, 1, 2, 3]);
        let undefined = pairwise(metric, &rows, &rows, &mut out);
        assert_eq!(undefined, [1, 2]);
    }
}

#[test]
fn nan_is_always_the_positive_one() {
    let values = [f32::INFINITY, f32::NEG_INFINITY, -f32::NAN, 1.0];
    let rows = Rows::from_f32(&values, 2).unwrap();
    for set in sets() {
        for metric in METRICS {
            let query = Query::new(metric, &[f64::INFINITY, f64::INFINITY]);
            let mut out = [0.0; 2];
            let undefined = query.with_instruction_set(set).distances(&rows, &mut out);
            assert!(undefined.is_empty());
            assert!(
                out.iter()
                    .all(|x| !x.is_nan() || x.to_bits() == f64::NAN.to_bits())
            );
            assert!(out[1].is_nan(), "{set} {metric}");
        }
    }
}

#[test]
fn double_rows_keep_their_precision() {
    let value = 1.0 + f64::EPSILON;
    let rows = [value];
    let rows = Rows::from_f64(&rows, 1).unwrap();
    let mut out = [1.0];
    Query::new(Metric::L1, &[value]).distances(&rows, &mut out);
    assert_eq!(out, [0.0]);
    Query::new(Metric::L1, &[1.0]).distances(&rows, &mut out);
    assert_eq!(out, [f64::EPSILON]);
    let rounded = [value as f32];
    let rows = Rows::from_f32(&rounded, 1).unwrap();
    Query::new(Metric::L1, &[value]).distances(&rows, &mut out);
    assert_eq!(out, [0.0], "the query is rounded as the column is");
}
