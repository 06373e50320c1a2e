//! The functions behind pgvector's `avg`: `vector_accum`, `vector_combine`, `vector_avg` and those over `halfvec`.

use std::sync::Arc;

use arrow::array::Float64Array;
use arrow::datatypes::{DataType, Field};
use datafusion_expr::ScalarUDF;
use half::f16;
use ogive_vectors::{
    StateArray, VectorError, accumulate, average, combine, parse_array, parse_double,
};

use super::row_function::{Returns, Row, RowFunction, no_such};
use super::value::Value;
use crate::vector_types::SqlVectorType;

pub(super) fn udfs() -> Vec<Arc<ScalarUDF>> {
    let state: Returns = |_, _| {
        Ok(Field::new(
            "",
            DataType::new_list(DataType::Float64, true),
            true,
        ))
    };
    let merge: Row = |values, _| match values {
        [left, right] => {
            let caller = "vector_combine";
            array(combine(state_of(caller, left)?, state_of(caller, right)?))
        }
        other => Err(no_such("vector_combine", other)),
    };
    vec![
        RowFunction::udf(
            "vector_accum",
            &[],
            (
                "vector_accum(state, vector)",
                "The state of an average, an array of the number of rows and the sums of their elements, with one row more.",
            ),
            2..=2,
            false,
            state,
            |values, _| match values {
                [state, Value::Vector(row)] => {
                    array(accumulate::<f32>(state_of("vector_accum", state)?, row))
                }
                [state, Value::Text(text)] => {
                    let row = ogive_vectors::parse_vector(text, None)?;
                    array(accumulate::<f32>(state_of("vector_accum", state)?, &row))
                }
                other => Err(no_such("vector_accum", other)),
            },
        ),
        RowFunction::udf(
            "halfvec_accum",
            &[],
            (
                "halfvec_accum(state, halfvec)",
                "`vector_accum` over halfvec values.",
            ),
            2..=2,
            false,
            state,
            |values, _| match values {
                [state, Value::Halfvec(row)] => {
                    array(accumulate::<f16>(state_of("halfvec_accum", state)?, row))
                }
                [state, Value::Text(text)] => {
                    let row = ogive_vectors::parse_halfvec(text, None)?;
                    array(accumulate::<f16>(state_of("halfvec_accum", state)?, &row))
                }
                other => Err(no_such("halfvec_accum", other)),
            },
        ),
        RowFunction::udf(
            "vector_combine",
            &["halfvec_combine"],
            (
                "vector_combine(state1, state2)",
                "The state of the rows of two states of an average.",
            ),
            2..=2,
            false,
            state,
            merge,
        ),
        RowFunction::udf(
            "vector_avg",
            &[],
            (
                "vector_avg(state)",
                "The average that a state stands for; NULL before the first row.",
            ),
            1..=1,
            false,
            |_, _| Ok(SqlVectorType::Vector.field("", None)),
            |values, _| match values {
                [state] => Ok(average::<f32>(&state_of("vector_avg", state)?)?
                    .map_or(Value::Null, Value::Vector)),
                other => Err(no_such("vector_avg", other)),
            },
        ),
        RowFunction::udf(
            "halfvec_avg",
            &[],
            ("halfvec_avg(state)", "`vector_avg` over halfvec values."),
            1..=1,
            false,
            |_, _| Ok(SqlVectorType::Halfvec.field("", None)),
            |values, _| match values {
                [state] => Ok(average::<f16>(&state_of("halfvec_avg", state)?)?
                    .map_or(Value::Null, Value::Halfvec)),
                other => Err(no_such("halfvec_avg", other)),
            },
        ),
    ]
}

/// A state from an array, or from the text of one.
fn state_of(caller: &str, value: &Value) -> Result<StateArray, VectorError> {
    match value {
        Value::Numbers(numbers) => StateArray::of(caller, Some(numbers)),
        Value::Text(text) => {
            let texts = parse_array(text)?;
            let numbers = texts
                .map(|texts| {
                    texts
                        .iter()
                        .map(|text| text.as_deref().map(parse_double).transpose())
                        .collect::<Result<Vec<_>, _>>()
                })
                .transpose()?;
            StateArray::of(caller, numbers.as_deref())
        }
        other => Err(no_such(caller, std::slice::from_ref(other))),
    }
}

fn array(state: Result<StateArray, VectorError>) -> Result<Value, VectorError> {
    Ok(Value::Elements(Arc::new(Float64Array::from(
        state?.into_array(),
    ))))
}
