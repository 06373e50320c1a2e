//! Every function, over every pair of types, against sums written out in `f64`.

use datafusion_expr::ColumnarValue;
use ogive_kernels::Metric;

use super::{
    ELEMENTS, Kind, Random, Vector, column, constant, dense, distance_functions, failure, numbers,
};
use crate::metric_of;

/// The slow twin: the answer by definition, and the size of what was summed, to which rounding errors are relative.
fn reference(metric: Metric, a: &[Option<f64>], b: &[Option<f64>]) -> Option<(f64, f64)> {
    assert_eq!(a.len(), b.len());
    let a: Vec<f64> = a.iter().copied().collect::<Option<_>>()?;
    let b: Vec<f64> = b.iter().copied().collect::<Option<_>>()?;
    let sum =
        |term: fn(f64, f64) -> f64| -> f64 { a.iter().zip(&b).map(|(a, b)| term(*a, *b)).sum() };
    let dot = sum(|a, b| a * b);
    let size = sum(|a, b| (a * b).abs());
    let squares = sum(|a, b| (a - b) * (a - b));
    let norms = sum(|a, _| a * a).sqrt() * sum(|_, b| b * b).sqrt();
    let cosine = (norms > 0.0).then(|| dot / norms);
    Some(match metric {
        Metric::L2 => (squares.sqrt(), squares.sqrt()),
        Metric::L2Squared => (squares, squares),
        Metric::L1 => {
            let l1 = sum(|a, b| (a - b).abs());
            (l1, l1)
        }
        Metric::InnerProduct => (dot, size),
        Metric::NegativeInnerProduct => (-dot, size),
        Metric::CosineDistance => (1.0 - cosine?, 1.0),
        Metric::CosineSimilarity => (cosine?, 1.0),
        // Of bits: tested with their type.
        Metric::Hamming | Metric::Jaccard => return None,
    })
}

fn check(case: &str, metric: Metric, found: &[Option<f64>], pairs: &[(Vector, Vector)]) {
    assert_eq!(found.len(), pairs.len(), "{case}");
    for (row, (found, (a, b))) in found.iter().zip(pairs).enumerate() {
        let expected = a
            .as_ref()
            .zip(b.as_ref())
            .and_then(|(a, b)| reference(metric, a, b));
        match (found, expected) {
            (None, None) => {}
            (Some(found), Some((expected, size))) => assert!(
                (found - expected).abs() <= 1e-12 * size,
                "{case}, row {row}: {found} is not {expected}"
            ),
            _ => panic!("{case}, row {row}: {found:?} is not {expected:?}"),
        }
    }
}

fn rounded(vector: &Vector) -> Vector {
    vector.as_ref().map(|elements| {
        elements
            .iter()
            .map(|element| element.map(|element| f64::from(element as f32)))
            .collect()
    })
}

#[test]
fn every_pair_of_types_gives_the_answer_by_definition() {
    let functions = distance_functions();
    assert_eq!(functions.len(), 18);
    let mut seed = 0;
    for left in ELEMENTS {
        for right in ELEMENTS {
            for kinds in 0..9 {
                for function in &functions {
                    seed += 1;
                    let random = &mut Random(seed);
                    let dimension = [0, 1, 2, 3, 8, 17, 33, 100][random.below(8)];
                    let kind = |which| [Kind::Fixed(dimension), Kind::List, Kind::Large][which];
                    let (left_kind, right_kind) = (kind(kinds / 3), kind(kinds % 3));
                    let rows = random.below(24);
                    let a: Vec<Vector> = (0..rows).map(|_| random.row(&left, dimension)).collect();
                    let b: Vec<Vector> = (0..rows).map(|_| random.row(&right, dimension)).collect();
                    let query = random.row(&right, dimension);
                    let null_lengths = [vec![0], vec![dimension], vec![0, dimension, 5]];
                    let null_lengths = &null_lengths[random.below(3)];

                    let metric = metric_of(function).unwrap();
                    let case = format!(
                        "seed {seed}: {} of {left_kind:?} {left} and {right_kind:?} {right}, dimension {dimension}",
                        function.name()
                    );
                    let left_column =
                        ColumnarValue::Array(column(left_kind, &left, &a, null_lengths));
                    let right_column =
                        ColumnarValue::Array(column(right_kind, &right, &b, null_lengths));
                    let scalar = ColumnarValue::Scalar(constant(right_kind, &right, &query));
                    let compared = match left {
                        arrow::datatypes::DataType::Float64 => query.clone(),
                        _ => rounded(&query),
                    };

                    let both: Vec<_> = a.iter().cloned().zip(b).collect();
                    let found = numbers(function, &[left_column.clone(), right_column], rows);
                    check(&case, metric, &found.unwrap(), &both);

                    let against: Vec<_> = a.iter().map(|a| (a.clone(), compared.clone())).collect();
                    let found =
                        numbers(function, &[left_column.clone(), scalar.clone()], rows).unwrap();
                    check(&case, metric, &found, &against);

                    let found = numbers(function, &[scalar.clone(), left_column], rows).unwrap();
                    check(&case, metric, &found, &against);

                    if let Some(a) = a.first() {
                        let first = ColumnarValue::Scalar(constant(left_kind, &left, a));
                        let found = numbers(function, &[first, scalar], 1).unwrap();
                        check(&case, metric, &found, &against[..1]);
                    }
                }
            }
        }
    }
}

#[test]
fn lists_may_be_as_ragged_on_both_sides() {
    for function in distance_functions() {
        for seed in 0..40 {
            let random = &mut Random(seed);
            let rows = random.below(60);
            let mut pairs = Vec::new();
            let mut dimension = 3;
            for _ in 0..rows {
                if random.one_in(4) {
                    dimension = random.below(6);
                }
                let [left, right] = [&ELEMENTS[1], &ELEMENTS[0]];
                pairs.push((random.row(left, dimension), random.row(right, dimension)));
            }
            let (a, b): (Vec<_>, Vec<_>) = pairs.iter().cloned().unzip();
            let args = [
                ColumnarValue::Array(column(Kind::List, &ELEMENTS[1], &a, &[0, 3])),
                ColumnarValue::Array(column(Kind::Large, &ELEMENTS[0], &b, &[3, 0, 1])),
            ];
            let found = numbers(&function, &args, rows).unwrap();
            let case = format!("seed {seed}: {}", function.name());
            check(&case, metric_of(&function).unwrap(), &found, &pairs);
        }
    }
}

#[test]
fn unequal_lengths_are_an_error_in_the_order_of_the_arguments() {
    let [short, long] = [dense(&[1.0, 2.0]), dense(&[1.0, 2.0, 3.0])];
    let double = &ELEMENTS[0];
    for function in distance_functions() {
        let name = function.name();
        let list = |rows: &[Vector]| ColumnarValue::Array(column(Kind::List, double, rows, &[]));
        let fixed =
            |rows: &[Vector], n| ColumnarValue::Array(column(Kind::Fixed(n), double, rows, &[]));
        let scalar = |vector: &Vector| ColumnarValue::Scalar(constant(Kind::List, double, vector));

        let while_running = [
            (
                [list(&[None, long.clone(), short.clone()]), scalar(&short)],
                "3 and 2",
            ),
            (
                [scalar(&short), list(&[None, long.clone(), short.clone()])],
                "2 and 3",
            ),
            (
                [
                    list(&[short.clone(), long.clone()]),
                    list(&[short.clone(), short.clone()]),
                ],
                "3 and 2",
            ),
            (
                [
                    list(std::slice::from_ref(&short)),
                    fixed(std::slice::from_ref(&long), 3),
                ],
                "2 and 3",
            ),
            (
                [
                    list(std::slice::from_ref(&long)),
                    scalar(&Some(vec![None, Some(1.0)])),
                ],
                "3 and 2",
            ),
        ];
        for (args, dimensions) in while_running {
            assert_eq!(
                failure(&function, &args),
                format!("Execution error: {name}: different vector dimensions {dimensions}")
            );
        }

        let while_planning = [
            ([fixed(&[], 2), fixed(&[], 3)], "2 and 3"),
            ([fixed(&[], 3), scalar(&short)], "3 and 2"),
            ([scalar(&long), fixed(&[], 2)], "3 and 2"),
            ([scalar(&short), scalar(&long)], "2 and 3"),
        ];
        for (args, dimensions) in while_planning {
            assert_eq!(
                failure(&function, &args),
                format!("Error during planning: {name}: different vector dimensions {dimensions}")
            );
        }

        // A NULL has no dimension.
        let args = [fixed(std::slice::from_ref(&long), 3), scalar(&None)];
        assert_eq!(numbers(&function, &args, 1).unwrap(), [None]);
        let args = [list(&[None, short.clone()]), scalar(&short)];
        assert_eq!(numbers(&function, &args, 2).unwrap()[0], None);
        let args = [list(&[None]), list(std::slice::from_ref(&long))];
        assert_eq!(numbers(&function, &args, 1).unwrap(), [None]);
    }
}
