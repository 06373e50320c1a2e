//! The marker stays where it was put, and lets every row through.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::simplify::SimplifyContext;
use datafusion_expr::{ColumnarValue, Expr, ExprSchemable, Volatility, col, lit};
use datafusion_optimizer::simplify_expressions::ExprSimplifier;

use super::{ELEMENTS, Kind, call, constant, dense};

fn schema() -> Arc<DFSchema> {
    let vector = DataType::new_fixed_size_list(DataType::Float32, 2, true);
    let fields = vec![
        Field::new("embedding", vector, true),
        Field::new("id", DataType::Int64, false),
    ];
    Arc::new(DFSchema::try_from(Schema::new(fields)).unwrap())
}

fn marker(distance: Expr) -> Expr {
    crate::knn_udf().call(vec![
        distance,
        lit(10_u64),
        lit(false),
        lit(false),
        lit(true),
    ])
}

fn distance_of(column: Expr) -> Expr {
    let query = constant(Kind::List, &ELEMENTS[0], &dense(&[1.0, 2.0]));
    crate::l2_distance_udf().call(vec![column, lit(query)])
}

fn simplified(expr: Expr) -> Expr {
    let context = SimplifyContext::builder().with_schema(schema()).build();
    ExprSimplifier::new(context).simplify(expr).unwrap()
}

#[test]
fn simplification_keeps_it() {
    let marker = marker(distance_of(col("embedding")));
    assert_eq!(
        marker.get_type(schema().as_ref()).unwrap(),
        DataType::Boolean
    );
    assert!(!marker.nullable(schema().as_ref()).unwrap());
    assert_eq!(simplified(marker.clone()), marker);
    let filter = col("id").gt(lit(5_i64)).and(marker.clone()).and(lit(true));
    assert!(simplified(filter).to_string().contains("knn("));
    let twice = simplified(marker.clone().and(marker.clone()));
    assert!(twice.to_string().contains("knn("));
    assert_eq!(
        crate::knn_udf().signature().volatility,
        Volatility::Immutable
    );
}

#[test]
fn constant_distances_are_folded_and_nothing_else() {
    let vector = || lit(constant(Kind::Fixed(2), &ELEMENTS[1], &dense(&[1.0, 5.0])));
    assert_eq!(simplified(distance_of(vector())), lit(3.0));
    let kept = distance_of(col("embedding"));
    assert_eq!(simplified(kept.clone()), kept);
}

#[test]
fn a_wrong_dimension_is_found_while_planning() {
    let query = constant(Kind::List, &DataType::Int64, &dense(&[1.0, 2.0, 3.0]));
    let call = crate::l2_distance_udf().call(vec![col("embedding"), lit(query)]);
    assert_eq!(
        call.get_type(schema().as_ref())
            .unwrap_err()
            .strip_backtrace(),
        "Error during planning: l2_distance: different vector dimensions 2 and 3"
    );
}

#[test]
fn every_row_passes() {
    let scalar = |value: ScalarValue| ColumnarValue::Scalar(value);
    let mut args = vec![
        scalar(ScalarValue::Float32(Some(1.0))),
        scalar(ScalarValue::Int32(Some(3))),
        scalar(ScalarValue::from(false)),
        scalar(ScalarValue::from(false)),
        scalar(ScalarValue::from(true)),
    ];
    let answer = call(&crate::knn_udf(), &args).unwrap();
    assert!(matches!(
        answer,
        ColumnarValue::Scalar(ScalarValue::Boolean(Some(true)))
    ));

    for (argument, wrong, message) in [
        (
            0,
            ScalarValue::from("a"),
            "knn: argument 1 must be a number, got Utf8",
        ),
        (
            1,
            ScalarValue::from(1.5),
            "knn: argument 2 must be an integer, got Float64",
        ),
        (
            4,
            ScalarValue::from(1_i64),
            "knn: argument 5 must be a Boolean, got Int64",
        ),
    ] {
        let right = std::mem::replace(&mut args[argument], scalar(wrong));
        let error = call(&crate::knn_udf(), &args)
            .unwrap_err()
            .strip_backtrace();
        assert_eq!(error, format!("Error during planning: {message}"));
        args[argument] = right;
    }
    args.pop();
    let error = call(&crate::knn_udf(), &args)
        .unwrap_err()
        .strip_backtrace();
    assert_eq!(error, "Error during planning: knn takes 5 arguments, got 4");
}
