//! Answers from sums rounded to single precision, as pgvector gives them.

use super::answers::METRICS;
use super::top_k::{Case, ORDERS, check};
use super::{ENCODINGS, FLAVOURS, PRECISIONS, Random, Stored, same, sets};
use crate::{Encoding, Metric, Precision, Query, Rows, pairwise, pairwise_with_precision};

fn single(metric: Metric, x: &[f32], q: &[f32]) -> f64 {
    let rows = Rows::with_rows(bytes(x), 1, x.len(), Encoding::F32).unwrap();
    let right = Rows::with_rows(bytes(q), 1, q.len(), Encoding::F32).unwrap();
    let vector: Vec<f64> = q.iter().map(|q| f64::from(*q)).collect();
    let query = Query::new(metric, &vector).with_precision(Precision::Single);
    let (mut one, mut pair) = ([0.0], [0.0]);
    assert!(query.distances(&rows, &mut one).is_empty());
    assert!(
        pairwise_with_precision(Precision::Single, metric, &rows, &right, &mut pair).is_empty()
    );
    assert!(same(one[0], pair[0]), "{metric}");
    one[0]
}

fn bytes(values: &[f32]) -> &[u8] {
    Rows::from_f32(values, 1).unwrap().bytes()
}

#[test]
fn sums_past_single_precision_are_infinite() {
    let inf = f64::INFINITY;
    assert_eq!(single(Metric::L2, &[3e38], &[-3e38]), inf);
    assert_eq!(single(Metric::L2Squared, &[3e38], &[-3e38]), inf);
    assert_eq!(single(Metric::L1, &[3e38], &[-3e38]), inf);
    assert_eq!(single(Metric::InnerProduct, &[3e38], &[3e38]), inf);
    assert_eq!(single(Metric::NegativeInnerProduct, &[3e38], &[3e38]), -inf);
    assert!(single(Metric::CosineDistance, &[3e38], &[3e38]).is_nan());
    assert!(single(Metric::CosineSimilarity, &[3e38], &[3e38]).is_nan());
    // Squares that underflow are no longer the vector's own.
    assert_eq!(single(Metric::L2, &[1e-30], &[0.0]), 0.0);
}

#[test]
fn answers_are_made_from_rounded_sums() {
    assert_eq!(single(Metric::L2, &[1.0, 2.0], &[0.0, 4.0]), 5_f64.sqrt());
    assert_eq!(
        single(Metric::L1, &[0.1, 0.2], &[0.0, 0.0]),
        f64::from(0.1_f32 + 0.2_f32)
    );
    let zero = single(Metric::NegativeInnerProduct, &[0.0], &[1.0]);
    assert!(zero == 0.0 && zero.is_sign_negative(), "-1 times 0");
    assert_eq!(
        single(Metric::CosineDistance, &[1.1, 2.2], &[1.1, 2.2]),
        0.0
    );
    assert_eq!(
        single(Metric::CosineSimilarity, &[1.1, 2.2], &[-1.1, -2.2]),
        -1.0
    );
}

#[test]
fn the_cosine_of_a_zero_vector_is_a_number_that_is_none() {
    for metric in [Metric::CosineDistance, Metric::CosineSimilarity] {
        assert!(single(metric, &[0.0, 0.0], &[1.0, 2.0]).is_nan());
        assert!(single(metric, &[1.0, 2.0], &[0.0, 0.0]).is_nan());
        assert!(single(metric, &[0.0, -0.0], &[0.0, 0.0]).is_nan());
        // A norm that only underflows divides like any other zero, and the quotient is kept in range.
        let found = single(metric, &[1e-30], &[1e10]);
        let near = if metric == Metric::CosineDistance {
            0.0
        } else {
            1.0
        };
        assert_eq!(found, near);
    }
}

/// The definition, from the double-precision answers that are the sums themselves.
#[test]
fn single_precision_follows_from_double() {
    let sets = sets();
    for seed in 0..600_u64 {
        let mut random = Random(seed + 50_000_000);
        let (dimension, rows) = (random.below(70), 1 + random.below(5));
        let encoding = random.pick(&ENCODINGS);
        let values = random.pick(&FLAVOURS).vector(&mut random, rows * dimension);
        let other = random.pick(&FLAVOURS).vector(&mut random, rows * dimension);
        let a = Stored::new(&values, rows, dimension, encoding);
        let b = Stored::new(&other, rows, dimension, encoding);
        let (a, b) = (a.rows(), b.rows());
        let rounded = |metric, a: &Rows<'_>, b: &Rows<'_>| {
            let mut out = vec![0.0; rows];
            pairwise(metric, a, b, &mut out);
            out.into_iter()
                .map(|x| f64::from(x as f32))
                .collect::<Vec<_>>()
        };
        let dots = rounded(Metric::InnerProduct, &a, &b);
        let lefts = rounded(Metric::InnerProduct, &a, &a);
        let rights = rounded(Metric::InnerProduct, &b, &b);
        let l2s = rounded(Metric::L2Squared, &a, &b);
        let l1s = rounded(Metric::L1, &a, &b);
        for metric in METRICS {
            for set in &sets {
                let mut out = vec![0.0; rows];
                let undefined = crate::pairwise::pairwise_with(
                    *set,
                    Precision::Single,
                    metric,
                    &a,
                    &b,
                    &mut out,
                );
                assert!(undefined.is_empty());
                for (row, found) in out.iter().enumerate() {
                    let cosine = dots[row] / (lefts[row] * rights[row]).sqrt();
                    let cosine = cosine.clamp(-1.0, 1.0);
                    let expected = match metric {
                        Metric::L2 => l2s[row].sqrt(),
                        Metric::L2Squared => l2s[row],
                        Metric::L1 => l1s[row],
                        Metric::InnerProduct => dots[row],
                        Metric::NegativeInnerProduct => -dots[row],
                        Metric::CosineDistance => 1.0 - cosine,
                        Metric::CosineSimilarity => cosine,
                        Metric::Hamming | Metric::Jaccard => unreachable!(),
                    };
                    assert!(
                        same(*found, expected),
                        "seed {seed} {set} {metric} {encoding:?}: {found} is not {expected}"
                    );
                }
            }
        }
    }
}

/// Rows so near each other that their sums differ, but hardly by a unit in the last place of `f32`: the answers tie in
/// one precision and not in the other.
#[test]
fn near_ties_are_exact() {
    let mut ties = 0;
    for seed in 0..400_u64 {
        let mut random = Random(seed + 60_000_000);
        let dimension = 1 + random.below(64);
        let rows = 300;
        let encoding = random.pick(&[
            Encoding::F64,
            Encoding::F32,
            Encoding::F16,
            Encoding::Codes {
                scale: 1e-4,
                min: 100.0,
            },
            Encoding::Codes {
                scale: 0.03,
                min: -1000.0,
            },
        ]);
        let base: Vec<f64> = (0..dimension).map(|_| 100.0 + random.unit()).collect();
        let size = random.pick(&[1e-6, 1e-5, 1e-4]);
        let values: Vec<f64> = (0..rows * dimension)
            .map(|index| base[index % dimension] + size * (random.unit() - 0.5))
            .collect();
        let by = random.pick(&[-1.0, 0.0, 0.5, 1.0, 3.0]);
        let vector: Vec<f64> = base.iter().map(|x| x * by).collect();
        let stored = Stored::new(&values, rows, dimension, encoding);
        let metric = random.pick(&METRICS);
        let order = random.pick(&ORDERS);
        for precision in PRECISIONS {
            let query = Query::new(metric, &vector).with_precision(precision);
            let mut out = vec![0.0; rows];
            query.distances(&stored.rows(), &mut out);
            if precision == Precision::Single {
                out.sort_unstable_by(f64::total_cmp);
                ties += out.windows(2).filter(|two| two[0] == two[1]).count();
            }
            check(&Case {
                query,
                stored: Stored::new(&values, rows, dimension, encoding),
                order,
                k: random.pick(&[1, 3, 10, 100]),
                selected: None,
                seed,
            });
        }
    }
    assert!(ties > 10_000, "only {ties} ties");
}
