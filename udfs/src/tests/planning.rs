//! What is decided before any row is read: types, errors, bounds.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_expr::interval_arithmetic::Interval;
use datafusion_expr::{ReturnFieldArgs, Volatility, col, lit};
use ogive_kernels::Metric;

use super::{ELEMENTS, distance_functions};

fn list(element: DataType) -> DataType {
    DataType::new_list(element, true)
}

fn fixed(element: DataType) -> DataType {
    DataType::new_fixed_size_list(element, 3, true)
}

#[test]
fn stored_types_are_left_alone_and_other_numbers_become_float64() {
    let double = DataType::Float64;
    let item = |element: &DataType| Arc::new(Field::new_list_field(element.clone(), true));
    for udf in distance_functions() {
        let coerce = |left: DataType, right: DataType| udf.coerce_types(&[left, right]).unwrap();
        for element in ELEMENTS {
            for other in ELEMENTS {
                let pair = [fixed(element.clone()), DataType::LargeList(item(&other))];
                assert_eq!(udf.coerce_types(&pair).unwrap(), pair);
            }
            assert_eq!(
                coerce(
                    DataType::ListView(item(&element)),
                    DataType::LargeListView(item(&element))
                ),
                [list(element.clone()), DataType::LargeList(item(&element))]
            );
        }
        assert_eq!(
            coerce(list(DataType::Int64), fixed(DataType::Decimal128(10, 2))),
            [list(double.clone()), fixed(double.clone())]
        );
        assert_eq!(
            coerce(DataType::Null, list(DataType::Null)),
            [list(double.clone()), list(double.clone())]
        );
    }
}

#[test]
fn errors_name_the_function_and_what_it_was_given() {
    let vector = list(DataType::Float32);
    let error = |udf: &datafusion_expr::ScalarUDF, types: &[DataType]| {
        let fields: Vec<FieldRef> = udf
            .coerce_types(types)
            .unwrap()
            .into_iter()
            .map(|found| Arc::new(Field::new("argument", found, true)))
            .collect();
        let args = ReturnFieldArgs {
            arg_fields: &fields,
            scalar_arguments: &vec![None; fields.len()],
        };
        udf.return_field_from_args(args)
            .unwrap_err()
            .strip_backtrace()
    };
    for udf in distance_functions() {
        let name = udf.name();
        for (wrong, shown) in [
            (DataType::Float64, "double precision"),
            (list(DataType::Utf8), "text[]"),
            (list(DataType::Boolean), "boolean[]"),
            (list(list(DataType::Float32)), "real[]"),
            (DataType::Int64, "bigint"),
        ] {
            assert_eq!(
                error(&udf, &[vector.clone(), wrong.clone()]),
                format!("External error: function {name}(real[], {shown}) does not exist")
            );
        }
        assert_eq!(
            error(&udf, std::slice::from_ref(&vector)),
            format!("External error: function {name}(real[]) does not exist")
        );
        assert_eq!(
            error(&udf, &[vector.clone(), vector.clone(), vector.clone()]),
            format!("External error: function {name}(real[], real[], real[]) does not exist")
        );
    }
    let norm = crate::vector_norm_udf();
    assert_eq!(
        norm.coerce_types(&[]).unwrap_err().strip_backtrace(),
        "Error during planning: vector_norm takes 1 argument, got 0"
    );
}

#[test]
fn distances_that_cannot_be_negative_say_so() {
    let non_negative = Interval::make_non_negative_infinity_interval(&DataType::Float64).unwrap();
    let unbounded = Interval::make_unbounded(&DataType::Float64).unwrap();
    for udf in distance_functions() {
        let expected = match crate::metric_of(&udf).unwrap() {
            Metric::L2 | Metric::L2Squared | Metric::L1 => &non_negative,
            _ => &unbounded,
        };
        assert_eq!(
            &udf.evaluate_bounds(&[]).unwrap(),
            expected,
            "{}",
            udf.name()
        );
    }
}

#[test]
fn metrics_belong_to_our_functions_alone() {
    for udf in distance_functions() {
        let metric = crate::metric_of(&udf).unwrap();
        let name = match udf.name() {
            "array_distance" => "l2_distance",
            name => name,
        };
        // Other names begin with a type.
        assert!(name.ends_with(metric.function_name()), "{name}");
        assert_eq!(udf.signature().volatility, Volatility::Immutable);
    }
    for udf in [
        crate::knn_udf(),
        crate::vector_dims_udf(),
        crate::vector_norm_udf(),
        crate::l2_normalize_udf(),
        datafusion_functions_nested::distance::array_distance_udf(),
    ] {
        assert_eq!(crate::metric_of(&udf), None);
    }
}

#[test]
fn two_makings_of_a_function_are_equal() {
    for (one, other) in crate::scalar_functions()
        .iter()
        .zip(crate::scalar_functions())
    {
        assert_eq!(one, &other);
    }
    let [l2, array] = [crate::l2_distance_udf(), crate::array_distance_udf()];
    let of = |udf: Arc<datafusion_expr::ScalarUDF>| udf.call(vec![col("a"), lit(1)]);
    assert_ne!(of(l2), of(array));
}
