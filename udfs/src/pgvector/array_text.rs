//! `text_to_array`: PostgreSQL's text of an array, `{1,2,3}`, as a list.

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Float64Array, Int64Array, StringArray};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Field};
use datafusion_common::{ScalarValue, plan_err};
use datafusion_expr::ScalarUDF;
use ogive_vectors::{
    VectorError, array_not_one_dimensional, parse_array, parse_double, parse_integer, parse_real,
    sqlstate,
};

use super::row_function::{RowFunction, no_such};
use super::value::Value;

/// `text_to_array(text, type)`: what a cast of a text to a list of numbers stands for; `type` is Arrow's name of the
/// elements' type.
pub fn text_to_array_udf() -> Arc<ScalarUDF> {
    RowFunction::udf(
        "text_to_array",
        &[],
        (
            "text_to_array(text, type)",
            "A list of numbers from PostgreSQL's text of an array: what `'{1,2,3}'::real[]` stands for. `type` is the constant name of the elements' type, such as `Float32`.",
        ),
        2..=2,
        false,
        |_, constants| {
            let element = constants.get(1).copied().flatten();
            match element.and_then(element_type) {
                Some(element) => Ok(Field::new("", DataType::new_list(element, true), true)),
                None => plan_err!("text_to_array takes the name of a type of numbers"),
            }
        },
        |values, field| match (values, field.data_type()) {
            ([Value::Text(text), _], DataType::List(element)) => {
                let elements = parse_array(text)?.ok_or_else(array_not_one_dimensional)?;
                Ok(Value::Elements(numbers(elements, element.data_type())?))
            }
            (other, _) => Err(no_such("text_to_array", other)),
        },
    )
}

fn element_type(name: &ScalarValue) -> Option<DataType> {
    let name = name.try_as_str()??;
    DataType::from_str(name)
        .ok()
        .filter(|element| element.is_numeric())
}

fn numbers(texts: Vec<Option<String>>, element: &DataType) -> Result<ArrayRef, VectorError> {
    let wrong = |error: arrow::error::ArrowError| {
        VectorError::new(sqlstate::INVALID_TEXT_REPRESENTATION, error.to_string())
    };
    Ok(match element {
        DataType::Float32 => Arc::new(
            texts
                .iter()
                .map(|text| text.as_deref().map(parse_real).transpose())
                .collect::<Result<Float32Array, _>>()?,
        ),
        DataType::Float64 => Arc::new(
            texts
                .iter()
                .map(|text| text.as_deref().map(parse_double).transpose())
                .collect::<Result<Float64Array, _>>()?,
        ),
        DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            let (name, min, max) = match element {
                DataType::Int16 => ("smallint", i16::MIN.into(), i16::MAX.into()),
                DataType::Int32 => ("integer", i32::MIN.into(), i32::MAX.into()),
                _ => ("bigint", i64::MIN, i64::MAX),
            };
            let read = |text: &str| parse_integer(text, name, min, max);
            let numbers = texts
                .iter()
                .map(|text| text.as_deref().map(read).transpose())
                .collect::<Result<Int64Array, _>>()?;
            cast(&numbers, element).map_err(wrong)?
        }
        other => {
            let texts: StringArray = texts
                .iter()
                .map(|text| text.as_deref().map(str::trim))
                .collect();
            let strict = CastOptions {
                safe: false,
                ..CastOptions::default()
            };
            cast_with_options(&texts, other, &strict).map_err(wrong)?
        }
    })
}
