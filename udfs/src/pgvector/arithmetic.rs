//! `+`, `-`, `*` and `||` between vectors.

use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::ScalarUDF;
use half::f16;
use ogive_vectors::{VectorError, add, concat, mul, sub};

use super::row_function::{RowFunction, no_such, peer};
use super::value::Value;
use crate::vector_types::SqlVectorType;

pub(super) fn udfs() -> Vec<Arc<ScalarUDF>> {
    vec![
        RowFunction::udf(
            "vector_add",
            &["halfvec_add"],
            (
                "vector_add(left, right)",
                "The sum of two vectors, element by element: what `left + right` stands for.",
            ),
            2..=2,
            true,
            same_length,
            |values, _| elementwise("vector_add", values, add::<f32>, add::<f16>),
        ),
        RowFunction::udf(
            "vector_sub",
            &["halfvec_sub"],
            (
                "vector_sub(left, right)",
                "The difference of two vectors, element by element: what `left - right` stands for.",
            ),
            2..=2,
            true,
            same_length,
            |values, _| elementwise("vector_sub", values, sub::<f32>, sub::<f16>),
        ),
        RowFunction::udf(
            "vector_mul",
            &["halfvec_mul"],
            (
                "vector_mul(left, right)",
                "The product of two vectors, element by element: what `left * right` stands for.",
            ),
            2..=2,
            true,
            same_length,
            |values, _| elementwise("vector_mul", values, mul::<f32>, mul::<f16>),
        ),
        RowFunction::udf(
            "vector_concat",
            &["halfvec_concat"],
            (
                "vector_concat(left, right)",
                "The elements of one vector, then those of another: what `left || right` stands for.",
            ),
            2..=2,
            true,
            |fields, _| {
                let kind = peer(fields);
                let lengths: Option<usize> = fields.iter().map(|field| kind.length_of(field)).sum();
                Ok(kind.field("", lengths.filter(|length| *length <= 16_000)))
            },
            |values, _| elementwise("vector_concat", values, concat::<f32>, concat::<f16>),
        ),
    ]
}

/// The type of the operands, with the length that they agree on.
fn same_length(fields: &[FieldRef], _: &[Option<&ScalarValue>]) -> Result<Field> {
    let kind = peer(fields);
    let mut lengths = fields.iter().filter_map(|field| kind.length_of(field));
    let first = lengths.next();
    let agreed = first.filter(|first| lengths.all(|length| length == *first));
    Ok(kind.field("", agreed))
}

type Operator<E> = fn(&[E], &[E]) -> std::result::Result<Vec<E>, VectorError>;

fn elementwise(
    function: &str,
    values: &[Value],
    single: Operator<f32>,
    half: Operator<f16>,
) -> std::result::Result<Value, VectorError> {
    match values {
        [Value::Vector(left), Value::Vector(right)] => Ok(Value::Vector(single(left, right)?)),
        [Value::Halfvec(left), Value::Halfvec(right)] => Ok(Value::Halfvec(half(left, right)?)),
        [left, right] => match (as_vector(left), as_vector(right)) {
            (Some(left), Some(right)) if peer_is_vector(values) => {
                Ok(Value::Vector(single(&left?, &right?)?))
            }
            _ => Err(no_such(function, values)),
        },
        other => Err(no_such(function, other)),
    }
}

/// Whether one operand is a `vector`, so that an array beside it becomes one.
fn peer_is_vector(values: &[Value]) -> bool {
    values
        .iter()
        .any(|value| value.kind() == Some(SqlVectorType::Vector))
}

fn as_vector(value: &Value) -> Option<std::result::Result<Vec<f32>, VectorError>> {
    match value {
        Value::Vector(elements) => Some(Ok(elements.clone())),
        Value::Numbers(numbers) => Some(ogive_vectors::vector_from_array(
            numbers.iter().copied(),
            None,
        )),
        _ => None,
    }
}
