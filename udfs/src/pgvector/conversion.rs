//! Casts: `to_vector`, `to_halfvec`, `to_bit`, `to_sparsevec` and `vector_to_text`, which `::` and
//! `CAST` stand for.

use std::sync::Arc;

use arrow::array::Float32Array;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::ScalarUDF;
use half::f16;
use ogive_vectors::{
    VectorError, array_not_one_dimensional, check_bit_length, check_dimensions, dense_to_sparsevec,
    halfvec_from_array, halfvec_to_vector, resize_bits, sparsevec_from_array, sparsevec_to_halfvec,
    sparsevec_to_vector, to_reals, vector_from_array, vector_to_halfvec,
};

use super::external;
use super::mistakes::{no_cast, no_function};
use super::row_function::{Returns, Row, RowFunction, no_such};
use super::value::{Value, constant_length, is_text};
use crate::vector_types::{SqlVectorType, sparsevec_fields};

/// The function that casts to a type: `to_vector(value [, n])` and so on.
pub fn to_type_udf(kind: SqlVectorType) -> Arc<ScalarUDF> {
    match kind {
        SqlVectorType::Vector => RowFunction::udf(
            "to_vector",
            &["array_to_vector"],
            (
                "to_vector(value [, n [, explicit]])",
                "The value as a `vector(n)`: what `value::vector(n)` stands for. Takes texts such as `[1,2,3]`, arrays of numbers, halfvec and sparsevec values.",
            ),
            1..=3,
            false,
            |fields, constants| cast_field(SqlVectorType::Vector, fields, constants),
            to_vector,
        ),
        SqlVectorType::Halfvec => RowFunction::udf(
            "to_halfvec",
            &["array_to_halfvec"],
            (
                "to_halfvec(value [, n [, explicit]])",
                "The value as a `halfvec(n)`: what `value::halfvec(n)` stands for.",
            ),
            1..=3,
            false,
            |fields, constants| cast_field(SqlVectorType::Halfvec, fields, constants),
            to_halfvec,
        ),
        SqlVectorType::Bit => RowFunction::udf(
            "to_bit",
            &[],
            (
                "to_bit(value [, n [, explicit]])",
                "The value as a `bit(n)`. `to_bit(value, n, true)` is what `value::bit(n)` stands for: it is cut or filled with zeros on the right. Without the third argument it must have n digits, as what is inserted.",
            ),
            1..=3,
            false,
            |fields, constants| cast_field(SqlVectorType::Bit, fields, constants),
            to_bit,
        ),
        SqlVectorType::Sparsevec => RowFunction::udf(
            "to_sparsevec",
            &["array_to_sparsevec"],
            (
                "to_sparsevec(value [, n [, explicit]])",
                "The value as a `sparsevec(n)`: what `value::sparsevec(n)` stands for. Takes texts such as `{1:1.5,3:2}/5`.",
            ),
            1..=3,
            false,
            |fields, constants| cast_field(SqlVectorType::Sparsevec, fields, constants),
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
    udfs.extend(between_types());
    udfs.extend(to_arrays());
    udfs
}

/// pgvector's functions behind the casts between its types. Their names tell what a text stands for.
fn between_types() -> impl Iterator<Item = Arc<ScalarUDF>> {
    use SqlVectorType::{Halfvec, Sparsevec, Vector};
    let as_vector: Returns = |fields, constants| cast_field(Vector, fields, constants);
    let as_halfvec: Returns = |fields, constants| cast_field(Halfvec, fields, constants);
    let as_sparsevec: Returns = |fields, constants| cast_field(Sparsevec, fields, constants);
    let casts: [(_, _, _, Returns, Row); 6] = [
        (
            Halfvec,
            "halfvec_to_vector",
            (
                "halfvec_to_vector(value, n, explicit)",
                "A halfvec as a `vector(n)`.",
            ),
            as_vector,
            to_vector,
        ),
        (
            Sparsevec,
            "sparsevec_to_vector",
            (
                "sparsevec_to_vector(value, n, explicit)",
                "A sparsevec as a `vector(n)`.",
            ),
            as_vector,
            to_vector,
        ),
        (
            Vector,
            "vector_to_halfvec",
            (
                "vector_to_halfvec(value, n, explicit)",
                "A vector as a `halfvec(n)`.",
            ),
            as_halfvec,
            to_halfvec,
        ),
        (
            Sparsevec,
            "sparsevec_to_halfvec",
            (
                "sparsevec_to_halfvec(value, n, explicit)",
                "A sparsevec as a `halfvec(n)`.",
            ),
            as_halfvec,
            to_halfvec,
        ),
        (
            Vector,
            "vector_to_sparsevec",
            (
                "vector_to_sparsevec(value, n, explicit)",
                "A vector as a `sparsevec(n)`.",
            ),
            as_sparsevec,
            to_sparsevec,
        ),
        (
            Halfvec,
            "halfvec_to_sparsevec",
            (
                "halfvec_to_sparsevec(value, n, explicit)",
                "A halfvec as a `sparsevec(n)`.",
            ),
            as_sparsevec,
            to_sparsevec,
        ),
    ];
    casts
        .into_iter()
        .map(|(takes, name, manual, returns, row)| {
            RowFunction::taking(takes, name, manual, 1..=3, returns, row)
        })
}

/// `vector_to_float4` and `halfvec_to_float4`.
fn to_arrays() -> [Arc<ScalarUDF>; 2] {
    let returns: Returns = |_, _| {
        Ok(Field::new(
            "",
            DataType::new_list(DataType::Float32, true),
            true,
        ))
    };
    let row: Row = |values, _| {
        let reals = match values.first() {
            Some(Value::Vector(elements)) => to_reals::<f32>(elements),
            Some(Value::Halfvec(elements)) => to_reals::<f16>(elements),
            _ => return Err(no_such("vector_to_float4", values)),
        };
        Ok(Value::Elements(Arc::new(Float32Array::from(reals))))
    };
    [
        RowFunction::taking(
            SqlVectorType::Vector,
            "vector_to_float4",
            (
                "vector_to_float4(value, n, explicit)",
                "A vector as a `real[]`.",
            ),
            1..=3,
            returns,
            row,
        ),
        RowFunction::taking(
            SqlVectorType::Halfvec,
            "halfvec_to_float4",
            (
                "halfvec_to_float4(value, n, explicit)",
                "A halfvec as a `real[]`.",
            ),
            1..=3,
            returns,
            row,
        ),
    ]
}

/// The type that a cast gives, of what can be cast.
fn cast_field(
    kind: SqlVectorType,
    fields: &[FieldRef],
    constants: &[Option<&ScalarValue>],
) -> Result<Field> {
    let Some(field) = fields.first() else {
        return Err(no_function(kind.name(), fields, constants));
    };
    let casts = match SqlVectorType::of(field) {
        Some(found) => (found == SqlVectorType::Bit) == (kind == SqlVectorType::Bit),
        None => match field.data_type() {
            DataType::Null => true,
            DataType::List(element)
            | DataType::LargeList(element)
            | DataType::FixedSizeList(element, _) => match element.data_type() {
                DataType::Boolean => kind == SqlVectorType::Bit,
                _ if kind == SqlVectorType::Bit => false,
                nested if nested.is_list() => return Err(external(array_not_one_dimensional())),
                number => number.is_numeric() || number.is_null(),
            },
            // A sparsevec that an expression of DataFusion's gave without its mark.
            DataType::Struct(parts) => *parts == sparsevec_fields() && kind != SqlVectorType::Bit,
            found => is_text(found),
        },
    };
    if !casts {
        let constant = constants.first().copied().flatten();
        return Err(no_cast(field, constant, kind));
    }
    let length = constant_length(constants.get(1).copied().flatten())?;
    Ok(kind.field("", length))
}

/// The type modifier: in the answer's field, or the second argument.
fn wanted(values: &[Value], field: &Field) -> Option<usize> {
    let kind = SqlVectorType::of(field)?;
    kind.length_of(field).or(match values.get(1) {
        Some(Value::Int(length)) => usize::try_from(*length).ok(),
        _ => None,
    })
}

fn to_vector(values: &[Value], field: &Field) -> std::result::Result<Value, VectorError> {
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

fn to_halfvec(values: &[Value], field: &Field) -> std::result::Result<Value, VectorError> {
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

fn to_sparsevec(values: &[Value], field: &Field) -> std::result::Result<Value, VectorError> {
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

/// A value of another length is cut or filled with zeros where the cast is explicit, and a mistake elsewhere, as in
/// PostgreSQL.
fn to_bit(values: &[Value], field: &Field) -> std::result::Result<Value, VectorError> {
    let length = wanted(values, field);
    let bits = match values.first() {
        Some(Value::Bits(bits)) => bits.clone(),
        Some(Value::Text(text)) => ogive_vectors::parse_bits(text, None)?,
        _ => return Err(no_such("bit", values)),
    };
    Ok(Value::Bits(match (length, values.get(2)) {
        (Some(length), Some(Value::Bool(true))) => resize_bits(&bits, length),
        _ => {
            check_bit_length(length, bits.len())?;
            bits
        }
    }))
}
