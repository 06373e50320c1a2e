//! `vector_dims`, `vector_norm`, `l2_normalize`.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type};
use datafusion_common::ScalarValue;
use datafusion_expr::{ColumnarValue, ScalarUDF};

use super::{ELEMENTS, Kind, Random, Vector, call, column, constant, dense, numbers};

fn over(udf: &ScalarUDF, column: &ArrayRef) -> ArrayRef {
    let answer = call(udf, &[ColumnarValue::Array(ArrayRef::clone(column))]).unwrap();
    answer.into_array(column.len()).unwrap()
}

/// The rows of a list column, read one by one.
fn rows(column: &ArrayRef) -> Vec<Vector> {
    (0..column.len())
        .map(|row| {
            let elements = match column.data_type() {
                _ if column.is_null(row) => return None,
                DataType::FixedSizeList(_, _) => column.as_fixed_size_list().value(row),
                DataType::List(_) => column.as_list::<i32>().value(row),
                _ => column.as_list::<i64>().value(row),
            };
            let elements = cast(&elements, &DataType::Float64).unwrap();
            Some(elements.as_primitive::<Float64Type>().iter().collect())
        })
        .collect()
}

#[test]
fn dimensions_are_counted_with_null_elements() {
    let vectors = [dense(&[1.0, 2.0]), None, Some(vec![None, Some(1.0)])];
    for element in ELEMENTS.iter().chain(&[DataType::Int64]) {
        for kind in [Kind::Fixed(2), Kind::List, Kind::Large] {
            let found = over(
                &crate::vector_dims_udf(),
                &column(kind, element, &vectors, &[3]),
            );
            let found: Vec<Option<i32>> = found.as_primitive::<Int32Type>().iter().collect();
            assert_eq!(found, [Some(2), None, Some(2)], "{kind:?} {element}");
        }
    }
    let constant = constant(Kind::List, &DataType::Int64, &dense(&[1.0, 2.0, 3.0]));
    let found = call(
        &crate::vector_dims_udf(),
        &[ColumnarValue::Scalar(constant)],
    )
    .unwrap();
    assert!(matches!(
        found,
        ColumnarValue::Scalar(ScalarValue::Int32(Some(3)))
    ));
    let found = call(
        &crate::vector_dims_udf(),
        &[ColumnarValue::Scalar(ScalarValue::Null)],
    );
    assert!(matches!(
        found.unwrap(),
        ColumnarValue::Scalar(ScalarValue::Int32(None))
    ));
}

#[test]
fn norms_and_unit_vectors_follow_their_definition() {
    for seed in 0..200 {
        let random = &mut Random(seed);
        let element = &ELEMENTS[random.below(5)];
        let dimension = random.below(40);
        let kind = [Kind::Fixed(dimension), Kind::List, Kind::Large][random.below(3)];
        let count = random.below(30);
        let vectors: Vec<Vector> = (0..count)
            .map(|_| {
                let dimension = match kind {
                    Kind::Fixed(dimension) => dimension,
                    _ if random.one_in(3) => random.below(40),
                    _ => dimension,
                };
                random.row(element, dimension)
            })
            .collect();
        let case = format!("seed {seed}: {kind:?} {element}, dimension {dimension}");
        let input = column(kind, element, &vectors, &[0, dimension]);
        let norms = numbers(
            &crate::vector_norm_udf(),
            &[ColumnarValue::Array(ArrayRef::clone(&input))],
            count,
        )
        .unwrap();
        let units = over(&crate::l2_normalize_udf(), &input);
        if !element.is_integer() {
            assert_eq!(units.data_type(), input.data_type(), "{case}");
        }
        // Half a unit in the last place, with some room.
        let precision = match element {
            DataType::Float64 => 1e-15,
            DataType::Float16 => 5e-4,
            _ => 1e-7,
        };
        for ((vector, norm), unit) in vectors.iter().zip(norms).zip(rows(&units)) {
            let expected: Option<Vec<f64>> = vector
                .as_ref()
                .and_then(|vector| vector.iter().copied().collect());
            let Some(expected) = expected else {
                assert_eq!((norm, unit), (None, None), "{case}");
                continue;
            };
            let length = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
            assert!((norm.unwrap() - length).abs() <= 1e-12 * length, "{case}");
            let unit = unit.unwrap();
            assert_eq!(unit.len(), expected.len(), "{case}");
            for (unit, element) in unit.iter().zip(expected) {
                let wanted = if length == 0.0 { 0.0 } else { element / length };
                assert!(
                    (unit.unwrap() - wanted).abs() <= precision * 2.0,
                    "{case}: {unit:?} is not {wanted}"
                );
            }
        }
    }
}

#[test]
fn normalizing_keeps_the_type_and_survives_extremes() {
    let udf = crate::l2_normalize_udf();
    let item = DataType::new_list(DataType::Float32, true);
    assert_eq!(
        udf.coerce_types(&[DataType::new_list(DataType::Int64, true)])
            .unwrap(),
        [item]
    );
    for (vector, expected) in [
        ([3e300, 4e300], [0.6, 0.8]),
        ([3e-300, -4e-300], [0.6, -0.8]),
        ([5e-324, 0.0], [1.0, 0.0]),
        ([0.0, 0.0], [0.0, 0.0]),
    ] {
        let found = over(
            &udf,
            &column(Kind::Fixed(2), &DataType::Float64, &[dense(&vector)], &[]),
        );
        let found: Vec<f64> = rows(&found)[0]
            .clone()
            .unwrap()
            .into_iter()
            .flatten()
            .collect();
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-15,
                "{vector:?}: {found} is not {expected}"
            );
        }
    }
    let nan = column(
        Kind::List,
        &DataType::Float32,
        &[dense(&[f64::NAN, 0.0])],
        &[],
    );
    let found = rows(&over(&udf, &nan))[0].clone().unwrap();
    assert!(found.iter().all(|element| element.unwrap().is_nan()));

    for kind in [Kind::Fixed(3), Kind::List, Kind::Large] {
        let empty = column(kind, &DataType::Float16, &[], &[]);
        let found = over(&udf, &empty);
        assert_eq!((found.len(), found.data_type()), (0, empty.data_type()));
    }
    let constant = constant(Kind::Fixed(2), &DataType::Float32, &dense(&[0.0, 2.0]));
    let ColumnarValue::Scalar(found) = call(&udf, &[ColumnarValue::Scalar(constant)]).unwrap()
    else {
        panic!("a constant gives a constant");
    };
    assert_eq!(
        crate::constant_vector(&found).unwrap(),
        Some(vec![0.0, 1.0])
    );
}
