//! `+`, `-`, `*` and `||` between vectors.

use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::ScalarUDF;
use half::f16;
use ogive_vectors::{BIT_LENGTH_MAX, VECTOR_DIMENSIONS_MAX, VectorError, add, concat, mul, sub};

use super::mistakes::no_operator;
use super::row_function::{RowFunction, no_such, peer};
use super::value::Value;
use crate::vector_types::SqlVectorType;

pub(super) fn udfs() -> Vec<Arc<ScalarUDF>> {
    vec![
        RowFunction::udf(
            "vector_add",
            &[],
            (
                "vector_add(left, right)",
                "The sum of two vectors, element by element: what `left + right` stands for.",
            ),
            2..=2,
            true,
            |fields, constants| same_length("+", fields, constants),
            |values, _| elementwise("vector_add", values, add::<f32>, add::<f16>),
        ),
        RowFunction::udf(
            "vector_sub",
            &[],
            (
                "vector_sub(left, right)",
                "The difference of two vectors, element by element: what `left - right` stands for.",
            ),
            2..=2,
            true,
            |fields, constants| same_length("-", fields, constants),
            |values, _| elementwise("vector_sub", values, sub::<f32>, sub::<f16>),
        ),
        RowFunction::udf(
            "vector_mul",
            &[],
            (
                "vector_mul(left, right)",
                "The product of two vectors, element by element: what `left * right` stands for.",
            ),
            2..=2,
            true,
            |fields, constants| same_length("*", fields, constants),
            |values, _| elementwise("vector_mul", values, mul::<f32>, mul::<f16>),
        ),
        RowFunction::udf(
            "vector_concat",
            &[],
            (
                "vector_concat(left, right)",
                "The elements of one vector or bit string, then those of another: what `left || right` stands for.",
            ),
            2..=2,
            true,
            both_lengths,
            |values, _| match values {
                [Value::Bits(left), Value::Bits(right)] => {
                    Ok(Value::Bits([left.as_slice(), right].concat()))
                }
                other => elementwise("vector_concat", other, concat::<f32>, concat::<f16>),
            },
        ),
        RowFunction::taking(
            SqlVectorType::Halfvec,
            "halfvec_add",
            (
                "halfvec_add(left, right)",
                "`vector_add` over halfvec values.",
            ),
            2..=2,
            |fields, constants| same_length("+", fields, constants),
            |values, _| elementwise("halfvec_add", values, add::<f32>, add::<f16>),
        ),
        RowFunction::taking(
            SqlVectorType::Halfvec,
            "halfvec_sub",
            (
                "halfvec_sub(left, right)",
                "`vector_sub` over halfvec values.",
            ),
            2..=2,
            |fields, constants| same_length("-", fields, constants),
            |values, _| elementwise("halfvec_sub", values, sub::<f32>, sub::<f16>),
        ),
        RowFunction::taking(
            SqlVectorType::Halfvec,
            "halfvec_mul",
            (
                "halfvec_mul(left, right)",
                "`vector_mul` over halfvec values.",
            ),
            2..=2,
            |fields, constants| same_length("*", fields, constants),
            |values, _| elementwise("halfvec_mul", values, mul::<f32>, mul::<f16>),
        ),
        RowFunction::taking(
            SqlVectorType::Halfvec,
            "halfvec_concat",
            (
                "halfvec_concat(left, right)",
                "`vector_concat` over halfvec values.",
            ),
            2..=2,
            both_lengths,
            |values, _| elementwise("halfvec_concat", values, concat::<f32>, concat::<f16>),
        ),
    ]
}

/// The type of the operands, with the length that they agree on.
fn same_length(
    operator: &str,
    fields: &[FieldRef],
    constants: &[Option<&ScalarValue>],
) -> Result<Field> {
    check_operands(operator, false, fields, constants)?;
    let kind = peer(fields);
    let mut lengths = fields.iter().filter_map(|field| kind.length_of(field));
    let first = lengths.next();
    let agreed = first.filter(|first| lengths.all(|length| length == *first));
    Ok(kind.field("", agreed))
}

/// The type of the operands, with the sum of their lengths.
fn both_lengths(fields: &[FieldRef], constants: &[Option<&ScalarValue>]) -> Result<Field> {
    check_operands("||", true, fields, constants)?;
    let kind = peer(fields);
    let lengths: Option<usize> = fields.iter().map(|field| kind.length_of(field)).sum();
    let most = match kind {
        SqlVectorType::Bit => BIT_LENGTH_MAX,
        _ => VECTOR_DIMENSIONS_MAX,
    };
    Ok(kind.field("", lengths.filter(|length| *length <= most)))
}

/// The operators take two vectors or two halfvecs, some of them two bit strings; an array beside a `vector` is one.
fn check_operands(
    operator: &str,
    takes_bits: bool,
    fields: &[FieldRef],
    constants: &[Option<&ScalarValue>],
) -> Result<()> {
    use SqlVectorType::{Bit, Halfvec, Sparsevec, Vector};
    let common = peer(fields);
    let fits = fields.iter().all(|field| match SqlVectorType::of(field) {
        Some(Bit) => takes_bits && common == Bit,
        Some(Vector | Halfvec) => matches!(common, Vector | Halfvec),
        Some(Sparsevec) => false,
        None => {
            let found = field.data_type();
            found.is_null() || (found.is_list() && common == Vector)
        }
    });
    match fits {
        true => Ok(()),
        false => Err(no_operator(operator, fields, constants)),
    }
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
