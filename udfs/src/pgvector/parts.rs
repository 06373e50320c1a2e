//! What can be taken of one vector: norm, dimensions, parts, signs.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion_expr::ScalarUDF;
use half::f16;
use ogive_vectors::{binary_quantize, l2_normalize, norm, spherical_distance, subvector};

use super::row_function::{Returns, Row, RowFunction, no_such, peer};
use super::value::Value;
use crate::vector_types::SqlVectorType;

pub(super) fn udfs() -> Vec<Arc<ScalarUDF>> {
    let mut udfs = vec![
        RowFunction::udf(
            "binary_quantize",
            &[],
            (
                "binary_quantize(vector)",
                "One bit for each element: whether it is greater than zero.",
            ),
            1..=1,
            true,
            |fields, _| Ok(SqlVectorType::Bit.field("", peer(fields).length_of(&fields[0]))),
            |values, _| match values {
                [Value::Vector(elements)] => Ok(Value::Bits(binary_quantize::<f32>(elements))),
                [Value::Halfvec(elements)] => Ok(Value::Bits(binary_quantize::<f16>(elements))),
                [Value::Numbers(numbers)] => Ok(Value::Bits(binary_quantize::<f32>(
                    &ogive_vectors::vector_from_array(numbers.iter().copied(), None)?,
                ))),
                other => Err(no_such("binary_quantize", other)),
            },
        ),
        RowFunction::udf(
            "subvector",
            &[],
            (
                "subvector(vector, start, count)",
                "The elements from place `start` (the first is 1); places outside the vector are left out.",
            ),
            3..=3,
            true,
            |fields, _| Ok(peer(fields).field("", None)),
            |values, _| match values {
                [
                    Value::Vector(elements),
                    Value::Int(start),
                    Value::Int(count),
                ] => Ok(Value::Vector(subvector::<f32>(elements, *start, *count)?)),
                [
                    Value::Halfvec(elements),
                    Value::Int(start),
                    Value::Int(count),
                ] => Ok(Value::Halfvec(subvector::<f16>(elements, *start, *count)?)),
                other => Err(no_such("subvector", other)),
            },
        ),
    ];
    udfs.extend(spherical_udfs());
    udfs
}

/// `vector_spherical_distance` and `halfvec_spherical_distance`.
fn spherical_udfs() -> [Arc<ScalarUDF>; 2] {
    let returns: Returns = |_, _| Ok(Field::new("", DataType::Float64, true));
    let row: Row = |values, _| match values {
        [Value::Vector(left), Value::Vector(right)] => {
            Ok(Value::Float(spherical_distance::<f32>(left, right)?))
        }
        [Value::Halfvec(left), Value::Halfvec(right)] => {
            Ok(Value::Float(spherical_distance::<f16>(left, right)?))
        }
        other => Err(no_such("vector_spherical_distance", other)),
    };
    [
        RowFunction::taking(
            SqlVectorType::Vector,
            "vector_spherical_distance",
            (
                "vector_spherical_distance(vector1, vector2)",
                "The angle between two vectors of length one, as a share of half a turn.",
            ),
            2..=2,
            returns,
            row,
        ),
        RowFunction::taking(
            SqlVectorType::Halfvec,
            "halfvec_spherical_distance",
            (
                "halfvec_spherical_distance(vector1, vector2)",
                "`vector_spherical_distance` over halfvec values.",
            ),
            2..=2,
            returns,
            row,
        ),
    ]
}

/// `vector_norm` over the types.
pub(super) fn norm_udf() -> Arc<ScalarUDF> {
    RowFunction::udf(
        "vector_norm",
        &["l2_norm"],
        ("vector_norm(vector)", "The Euclidean norm."),
        1..=1,
        true,
        |_, _| Ok(Field::new("", DataType::Float64, true)),
        |values, _| match values {
            [Value::Vector(elements)] => Ok(Value::Float(norm::<f32>(elements))),
            [Value::Halfvec(elements)] => Ok(Value::Float(norm::<f16>(elements))),
            [Value::Sparse(sparse)] => Ok(Value::Float(sparse.norm())),
            other => Err(no_such("vector_norm", other)),
        },
    )
}

/// `vector_dims` over the types.
pub(super) fn dims_udf() -> Arc<ScalarUDF> {
    RowFunction::udf(
        "vector_dims",
        &[],
        ("vector_dims(vector)", "The number of elements."),
        1..=1,
        true,
        |_, _| Ok(Field::new("", DataType::Int32, true)),
        |values, _| {
            let count = match values {
                [Value::Vector(elements)] => elements.len(),
                [Value::Halfvec(elements)] => elements.len(),
                other => return Err(no_such("vector_dims", other)),
            };
            Ok(Value::Int(i32::try_from(count).unwrap_or(i32::MAX)))
        },
    )
}

/// `l2_normalize` over the types.
pub(super) fn normalize_udf() -> Arc<ScalarUDF> {
    RowFunction::udf(
        "l2_normalize",
        &[],
        (
            "l2_normalize(vector)",
            "The vector divided by its Euclidean norm; zero stays zero.",
        ),
        1..=1,
        true,
        |fields, _| {
            let kind = peer(fields);
            Ok(kind.field("", kind.length_of(&fields[0])))
        },
        |values, _| match values {
            [Value::Vector(elements)] => Ok(Value::Vector(l2_normalize::<f32>(elements)?)),
            [Value::Halfvec(elements)] => Ok(Value::Halfvec(l2_normalize::<f16>(elements)?)),
            [Value::Sparse(sparse)] => Ok(Value::Sparse(sparse.l2_normalize()?)),
            other => Err(no_such("l2_normalize", other)),
        },
    )
}
