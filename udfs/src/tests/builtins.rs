//! The names that DataFusion has too give DataFusion's answers.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_expr::{ColumnarValue, ScalarUDF};
use datafusion_functions_nested::cosine_distance::CosineDistance;
use datafusion_functions_nested::distance::ArrayDistance;
use datafusion_functions_nested::inner_product::InnerProduct;

use super::{Kind, Random, Vector, column, constant, numbers};

#[test]
fn the_same_answers_as_the_builtins() {
    let pairs: [(Arc<ScalarUDF>, ScalarUDF); 3] = [
        (
            crate::array_distance_udf(),
            ScalarUDF::from(ArrayDistance::new()),
        ),
        (
            crate::inner_product_udf(),
            ScalarUDF::from(InnerProduct::new()),
        ),
        (
            crate::cosine_distance_udf(),
            ScalarUDF::from(CosineDistance::new()),
        ),
    ];
    for (ours, theirs) in pairs {
        assert_eq!(ours.name(), theirs.name());
        assert_eq!(ours.aliases(), theirs.aliases());
        for seed in 0..200 {
            let random = &mut Random(seed);
            let dimension = random.below(70);
            let rows = random.below(30);
            let double = DataType::Float64;
            let mut vectors =
                || -> Vec<Vector> { (0..rows).map(|_| random.row(&double, dimension)).collect() };
            let (a, b) = (vectors(), vectors());
            let query = Some(random.vector(&double, dimension));
            let a = ColumnarValue::Array(column(Kind::List, &double, &a, &[0]));
            for b in [
                ColumnarValue::Array(column(Kind::List, &double, &b, &[0, dimension])),
                ColumnarValue::Scalar(constant(Kind::List, &double, &query)),
            ] {
                let args = [a.clone(), b];
                let found = numbers(&ours, &args, rows).unwrap();
                let expected = numbers(&theirs, &args, rows).unwrap();
                for (row, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    let case = format!("seed {seed}: {}, row {row}", ours.name());
                    match (found, expected) {
                        (None, None) => {}
                        // Products of both signs cancel, which no relative bound on the sum survives: the elements are
                        // below 10, so 1e-12 of a sum of `dimension` products of them is the unit.
                        (Some(found), Some(expected)) => {
                            let size = match ours.name() {
                                "inner_product" => 100.0 * dimension as f64,
                                "cosine_distance" => 1.0,
                                _ => *expected,
                            };
                            assert!(
                                (found - expected).abs() <= 1e-12 * size,
                                "{case}: {found} is not {expected}"
                            );
                        }
                        _ => panic!("{case}: {found:?} is not {expected:?}"),
                    }
                }
            }
        }
    }
}
