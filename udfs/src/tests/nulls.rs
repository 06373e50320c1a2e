//! NULL, NaN, infinities, signs of zero, and nothing at all.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use datafusion_common::ScalarValue;
use datafusion_expr::{ColumnarValue, ScalarUDF};

use super::{ELEMENTS, Kind, Vector, call, column, constant, dense, distance_functions, numbers};

fn one(udf: &ScalarUDF, element: &DataType, a: &[f64], b: &[f64]) -> Option<f64> {
    let a = column(Kind::List, element, &[dense(a)], &[]);
    let in_column = column(Kind::Large, element, &[dense(b)], &[]);
    let as_constant = constant(Kind::List, element, &dense(b));
    let a = ColumnarValue::Array(a);
    let pairwise = numbers(udf, &[a.clone(), ColumnarValue::Array(in_column)], 1).unwrap()[0];
    let against = numbers(udf, &[a, ColumnarValue::Scalar(as_constant)], 1).unwrap()[0];
    assert_eq!(
        pairwise.map(f64::to_bits),
        against.map(f64::to_bits),
        "{}: {pairwise:?} and {against:?}",
        udf.name()
    );
    pairwise
}

#[test]
fn empty_vectors() {
    for udf in distance_functions() {
        let expected = (!udf.name().contains("cosine")).then_some(0.0);
        for element in ELEMENTS {
            assert_eq!(one(&udf, &element, &[], &[]), expected, "{}", udf.name());
        }
    }
}

#[test]
fn nan_is_positive_and_zero_is_too() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    for udf in distance_functions() {
        for element in &ELEMENTS[..3] {
            for (a, b) in [
                ([nan, 1.0], [1.0, 2.0]),
                ([inf, 1.0], [inf, 2.0]),
                ([-nan, 0.0], [1.0, 2.0]),
            ] {
                let Some(answer) = one(&udf, element, &a, &b) else {
                    panic!("{} of {a:?} and {b:?} is NULL", udf.name());
                };
                if answer.is_nan() {
                    assert!(
                        answer.is_sign_positive(),
                        "{} of {a:?} and {b:?}",
                        udf.name()
                    );
                } else {
                    assert_eq!(answer.abs(), inf, "{} of {a:?} and {b:?}", udf.name());
                }
            }
            let zero = one(&udf, element, &[1.0, -1.0], &[1.0, 1.0]).unwrap();
            assert!(zero != 0.0 || zero.is_sign_positive(), "{}", udf.name());
        }
    }
    assert_eq!(
        one(&crate::l2_distance_udf(), &ELEMENTS[1], &[inf], &[1.0]),
        Some(inf)
    );
    assert_eq!(
        one(
            &crate::negative_inner_product_udf(),
            &ELEMENTS[1],
            &[inf],
            &[1.0]
        ),
        Some(-inf)
    );
}

#[test]
fn a_zero_vector_has_no_cosine() {
    for udf in [crate::cosine_distance_udf(), crate::cosine_similarity_udf()] {
        for element in ELEMENTS {
            assert_eq!(one(&udf, &element, &[0.0, 0.0], &[1.0, 2.0]), None);
            assert_eq!(one(&udf, &element, &[1.0, 2.0], &[0.0, 0.0]), None);
        }
    }
}

#[test]
fn empty_batches() {
    for udf in distance_functions() {
        for kind in [Kind::Fixed(3), Kind::List, Kind::Large] {
            for element in ELEMENTS {
                let empty = ColumnarValue::Array(column(kind, &element, &[], &[]));
                let query = constant(kind, &element, &dense(&[1.0, 2.0, 3.0]));
                let query = ColumnarValue::Scalar(query);
                for args in [[empty.clone(), empty.clone()], [empty, query]] {
                    assert_eq!(numbers(&udf, &args, 0).unwrap(), []);
                }
            }
        }
    }
}

#[test]
fn untyped_null_is_a_null_list() {
    let rows: [Vector; 2] = [dense(&[1.0]), None];
    let vectors = ColumnarValue::Array(column(Kind::Fixed(1), &ELEMENTS[1], &rows, &[]));
    let null = ColumnarValue::Scalar(ScalarValue::Null);
    for udf in distance_functions() {
        for args in [
            [vectors.clone(), null.clone()],
            [null.clone(), vectors.clone()],
        ] {
            assert_eq!(numbers(&udf, &args, 2).unwrap(), [None, None]);
        }
        let answer = call(&udf, &[null.clone(), null.clone()]).unwrap();
        assert!(
            matches!(answer, ColumnarValue::Scalar(ScalarValue::Float64(None))),
            "{}",
            udf.name()
        );
    }
}

#[test]
fn a_constant_with_a_null_element_gives_null() {
    let rows = [dense(&[1.0, 2.0]), None];
    let vectors = ColumnarValue::Array(column(Kind::List, &ELEMENTS[1], &rows, &[]));
    let query = constant(Kind::List, &ELEMENTS[0], &Some(vec![Some(1.0), None]));
    for udf in distance_functions() {
        let args = [vectors.clone(), ColumnarValue::Scalar(query.clone())];
        assert_eq!(numbers(&udf, &args, 2).unwrap(), [None, None]);
    }
}

#[test]
fn constants_give_a_constant() {
    let [a, b] = [[1.0, 2.0], [4.0, 6.0]]
        .map(|vector| constant(Kind::List, &DataType::Int64, &dense(&vector)));
    let answer = call(
        &crate::l2_distance_udf(),
        &[ColumnarValue::Scalar(a), ColumnarValue::Scalar(b)],
    )
    .unwrap();
    assert!(matches!(
        answer,
        ColumnarValue::Scalar(ScalarValue::Float64(Some(5.0)))
    ));
}

#[test]
fn other_numbers_are_read_as_float64() {
    for element in [
        DataType::Int64,
        DataType::Int32,
        DataType::UInt16,
        DataType::Decimal128(20, 2),
    ] {
        for kind in [Kind::Fixed(2), Kind::List, Kind::Large] {
            let rows = [dense(&[1.0, 2.0]), None];
            let vectors = ColumnarValue::Array(column(kind, &element, &rows, &[]));
            let query = ColumnarValue::Scalar(constant(kind, &element, &dense(&[4.0, 6.0])));
            let answer = call(&crate::l2_distance_udf(), &[vectors, query]).unwrap();
            let answer = answer.into_array(2).unwrap();
            let answer = answer.as_primitive::<Float64Type>();
            assert_eq!(answer.value(0), 5.0, "{kind:?} {element}");
            assert!(answer.is_null(1));
        }
    }
}
