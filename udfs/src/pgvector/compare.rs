//! The order of vectors: element by element, the shorter first when one begins with the other.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion_expr::ScalarUDF;
use half::f16;
use ogive_vectors::compare;

use super::row_function::{RowFunction, no_such};
use super::value::Value;

pub(super) fn udfs() -> Vec<Arc<ScalarUDF>> {
    vec![RowFunction::udf(
        "vector_cmp",
        &["halfvec_cmp", "sparsevec_cmp"],
        (
            "vector_cmp(left, right)",
            "-1, 0 or 1 as left comes before, with or after right in the order of their elements: what comparisons stand for.",
        ),
        2..=2,
        true,
        |_, _| Ok(Field::new("", DataType::Int32, true)),
        |values, _| {
            let order = match values {
                [Value::Vector(left), Value::Vector(right)] => compare::<f32>(left, right),
                [Value::Halfvec(left), Value::Halfvec(right)] => compare::<f16>(left, right),
                [Value::Sparse(left), Value::Sparse(right)] => left.compare(right),
                [Value::Bits(left), Value::Bits(right)] => left.cmp(right),
                [Value::Vector(left), Value::Numbers(right)] => compare::<f32>(
                    left,
                    &ogive_vectors::vector_from_array(right.iter().copied(), None)?,
                ),
                [Value::Numbers(left), Value::Vector(right)] => compare::<f32>(
                    &ogive_vectors::vector_from_array(left.iter().copied(), None)?,
                    right,
                ),
                other => return Err(no_such("vector_cmp", other)),
            };
            Ok(Value::Int(match order {
                Ordering::Less => -1,
                Ordering::Equal => 0,
                Ordering::Greater => 1,
            }))
        },
    )]
}
