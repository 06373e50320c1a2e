//! Casts: `to_vector`, `to_halfvec`, `to_bit`, `to_sparsevec` and `vector_to_text`, which `::` and
//! `CAST` stand for.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion_expr::ScalarUDF;
use half::f16;
use ogive_vectors::{
    VectorError, check_dimensions, dense_to_sparsevec, halfvec_from_array, halfvec_to_vector,
    resize_bits, sparsevec_from_array, sparsevec_to_halfvec, sparsevec_to_vector,
    vector_from_array, vector_to_halfvec,
};

use super::row_function::{RowFunction, no_such};
use super::value::{Value, constant_length};
use crate::vector_types::SqlVectorType;

/// The function that casts to a type: `to_vector(value [, n])` and so on.
pub fn to_type_udf(kind: SqlVectorType) -> Arc<ScalarUDF> {
    match kind {
        SqlVectorType::Vector => RowFunction::udf(
            "to_vector",
            &[
                "array_to_vector",
                "halfvec_to_vector",
                "sparsevec_to_vector",
            ],
            (
                "to_vector(value [, n])",
                "The value as a `vector(n)`: what `value::vector(n)` stands for. Takes texts such as `[1,2,3]`, arrays of numbers, halfvec and sparsevec values.",
            ),
            1..=2,
            false,
            |_, constants| {
                let length = constant_length(constants.get(1).copied().flatten())?;
                Ok(SqlVectorType::Vector.field("", length))
            },
            to_vector,
        ),
        SqlVectorType::Halfvec => RowFunction::udf(
            "to_halfvec",
            &[
                "array_to_halfvec",
                "vector_to_halfvec",
                "sparsevec_to_halfvec",
            ],
            (
                "to_halfvec(value [, n])",
                "The value as a `halfvec(n)`: what `value::halfvec(n)` stands for.",
            ),
            1..=2,
            false,
            |_, constants| {
                let length = constant_length(constants.get(1).copied().flatten())?;
                Ok(SqlVectorType::Halfvec.field("", length))
            },
            to_halfvec,
        ),
        SqlVectorType::Bit => RowFunction::udf(
            "to_bit",
            &[],
            (
                "to_bit(value [, n])",
                "The value as a `bit(n)`: what `value::bit(n)` stands for. A text must have n digits; bits of another length are cut or filled with zeros.",
            ),
            1..=2,
            false,
            |_, constants| {
                let length = constant_length(constants.get(1).copied().flatten())?;
                Ok(SqlVectorType::Bit.field("", length))
            },
            to_bit,
        ),
        SqlVectorType::Sparsevec => RowFunction::udf(
            "to_sparsevec",
            &[
                "array_to_sparsevec",
                "vector_to_sparsevec",
                "halfvec_to_sparsevec",
            ],
            (
                "to_sparsevec(value [, n])",
                "The value as a `sparsevec(n)`: what `value::sparsevec(n)` stands for. Takes texts such as `{1:1.5,3:2}/5`.",
            ),
            1..=2,
            false,
            |_, constants| {
                let length = constant_length(constants.get(1).copied().flatten())?;
                Ok(SqlVectorType::Sparsevec.field("", length))
            },
            to_sparsevec,
        ),
    }
}

/// `vector_to_text(value)`: a value of any of the types as PostgreSQL prints it.
pub fn to_text_udf() -> Arc<ScalarUDF> {
    RowFunction::udf(
        "vector_to_text",
        &["vector_out", "halfvec_out", "sparsevec_out"],
        (
            "vector_to_text(value)",
            "A vector, halfvec, bit or sparsevec value as PostgreSQL prints it: what `value::text` stands for.",
        ),
        1..=1,
        false,
        |_, _| Ok(Field::new("", DataType::Utf8, true)),
        |values, _| match values {
            [value] => Ok(Value::Text(value.text())),
            other => Err(no_such("vector_to_text", other)),
        },
    )
}

pub(super) fn udfs() -> Vec<Arc<ScalarUDF>> {
    let mut udfs: Vec<_> = SqlVectorType::ALL.into_iter().map(to_type_udf).collect();
    udfs.push(to_text_udf());
    udfs
}

/// The type modifier: in the answer's field, or the second argument.
fn wanted(values: &[Value], field: &Field) -> Option<usize> {
    let kind = SqlVectorType::of(field)?;
    kind.length_of(field).or(match values.get(1) {
        Some(Value::Int(length)) => usize::try_from(*length).ok(),
        _ => None,
    })
}

fn to_vector(values: &[Value], field: &Field) -> Result<Value, VectorError> {
    let length = wanted(values, field);
    Ok(Value::Vector(match values.first() {
        Some(Value::Vector(elements)) => {
            check_dimensions(length, elements.len())?;
            elements.clone()
        }
        Some(Value::Halfvec(elements)) => halfvec_to_vector(elements, length)?,
        Some(Value::Sparse(sparse)) => sparsevec_to_vector(sparse, length)?,
        Some(Value::Numbers(numbers)) => vector_from_array(numbers.iter().copied(), length)?,
        Some(Value::Text(text)) => ogive_vectors::parse_vector(text, length)?,
        _ => return Err(no_such("vector", values)),
    }))
}

fn to_halfvec(values: &[Value], field: &Field) -> Result<Value, VectorError> {
    let length = wanted(values, field);
    Ok(Value::Halfvec(match values.first() {
        Some(Value::Halfvec(elements)) => {
            check_dimensions(length, elements.len())?;
            elements.clone()
        }
        Some(Value::Vector(elements)) => vector_to_halfvec(elements, length)?,
        Some(Value::Sparse(sparse)) => sparsevec_to_halfvec(sparse, length)?,
        Some(Value::Numbers(numbers)) => halfvec_from_array(numbers.iter().copied(), length)?,
        Some(Value::Text(text)) => ogive_vectors::parse_halfvec(text, length)?,
        _ => return Err(no_such("halfvec", values)),
    }))
}

fn to_sparsevec(values: &[Value], field: &Field) -> Result<Value, VectorError> {
    let length = wanted(values, field);
    Ok(Value::Sparse(match values.first() {
        Some(Value::Sparse(sparse)) => {
            check_dimensions(length, usize::try_from(sparse.dimensions).unwrap_or(0))?;
            sparse.clone()
        }
        Some(Value::Vector(elements)) => dense_to_sparsevec::<f32>(elements, length)?,
        Some(Value::Halfvec(elements)) => dense_to_sparsevec::<f16>(elements, length)?,
        Some(Value::Numbers(numbers)) => sparsevec_from_array(numbers.iter().copied(), length)?,
        Some(Value::Text(text)) => ogive_vectors::parse_sparsevec(text, length)?,
        _ => return Err(no_such("sparsevec", values)),
    }))
}

/// A literal must have the length; a value of another length is cut or filled with zeros, as an
/// explicit cast does in PostgreSQL.
fn to_bit(values: &[Value], field: &Field) -> Result<Value, VectorError> {
    let length = wanted(values, field);
    match values.first() {
        Some(Value::Bits(bits)) => Ok(Value::Bits(match length {
            Some(length) => resize_bits(bits, length),
            None => bits.clone(),
        })),
        Some(Value::Text(text)) => Value::parse(text, SqlVectorType::Bit, length),
        _ => Err(no_such("bit", values)),
    }
}
