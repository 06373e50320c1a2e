//! The order of vectors: element by element, the shorter first when one begins with the other.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::ScalarUDF;
use half::f16;
use ogive_vectors::{VectorError, compare};

use super::mistakes::no_operator;
use super::row_function::{RowFunction, no_such};
use super::value::{Value, is_text};
use crate::vector_types::{SqlVectorType, common_type};

/// `vector_cmp(left, right)`, over all of the types: what comparisons between them stand for.
pub fn compare_udf() -> Arc<ScalarUDF> {
    RowFunction::udf(
        "vector_cmp",
        &[],
        (
            "vector_cmp(left, right)",
            "-1, 0 or 1 as left comes before, with or after right in the order of their elements: what comparisons stand for.",
        ),
        2..=2,
        true,
        |_, _| Ok(Field::new("", DataType::Int32, true)),
        order,
    )
}

pub(super) fn udfs() -> Vec<Arc<ScalarUDF>> {
    vec![
        compare_udf(),
        RowFunction::taking(
            SqlVectorType::Halfvec,
            "halfvec_cmp",
            (
                "halfvec_cmp(left, right)",
                "`vector_cmp` over halfvec values.",
            ),
            2..=2,
            |_, _| Ok(Field::new("", DataType::Int32, true)),
            order,
        ),
        RowFunction::taking(
            SqlVectorType::Sparsevec,
            "sparsevec_cmp",
            (
                "sparsevec_cmp(left, right)",
                "`vector_cmp` over sparsevec values.",
            ),
            2..=2,
            |_, _| Ok(Field::new("", DataType::Int32, true)),
            order,
        ),
    ]
}

/// Checks the operands of a comparison, `text`, of which one has one of pgvector's types.
///
/// # Errors
/// 42883, `operator does not exist: vector < integer`.
pub fn check_comparison(
    text: &str,
    operands: &[FieldRef; 2],
    constants: &[Option<&ScalarValue>; 2],
) -> Result<()> {
    let common = common_type(operands);
    let comparable = operands
        .iter()
        .all(|operand| match SqlVectorType::of(operand) {
            Some(kind) => {
                Some(kind) == common
                    || common.is_some_and(|common| kind.casts_implicitly_to(common))
            }
            None => {
                let found = operand.data_type();
                // An array beside a vector is one.
                let array = found.is_list() && common != Some(SqlVectorType::Bit);
                array || found.is_null() || is_text(found)
            }
        });
    match comparable {
        true => Ok(()),
        false => Err(no_operator(text, operands, constants)),
    }
}

fn order(values: &[Value], _: &Field) -> std::result::Result<Value, VectorError> {
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
}
