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
use super::value::{Value, build, constant_length};
use crate::vector_types::SqlVectorType;

/// `text_to_array(text, type)`: what a cast of a text to a list of numbers stands for; `type` is Arrow's name of the
/// elements' type.
pub fn text_to_array_udf() -> Arc<ScalarUDF> {
    RowFunction::udf(
        "text_to_array",
        &[],
        (
            "text_to_array(text, type [, n])",
            "A list from PostgreSQL's text of an array: what `'{1,2,3}'::real[]` stands for. `type` is the constant name of the elements' type, such as `Float32`, or one of pgvector's, as `vector`, with `n` dimensions.",
        ),
        2..=3,
        false,
        |_, constants| {
            let constant = |index: usize| constants.get(index).copied().flatten();
            let length = constant_length(constant(2))?;
            let element = constant(1).and_then(|name| element_field(name, length));
            match element {
                Some(element) => Ok(Field::new("", DataType::List(Arc::new(element)), true)),
                None => plan_err!(
                    "text_to_array takes the name of a type of numbers, or one of pgvector's types"
                ),
            }
        },
        |values, field| match (values, field.data_type()) {
            ([Value::Text(text), _, ..], DataType::List(element)) => {
                let elements = parse_array(text)?.ok_or_else(array_not_one_dimensional)?;
                Ok(Value::Elements(match SqlVectorType::of(element) {
                    Some(kind) => vectors(elements, kind, element)?,
                    None => numbers(elements, element.data_type())?,
                }))
            }
            (other, _) => Err(no_such("text_to_array", other)),
        },
    )
}

fn element_field(name: &ScalarValue, length: Option<usize>) -> Option<Field> {
    let name = name.try_as_str()??;
    let mut kinds = SqlVectorType::ALL.into_iter();
    if let Some(kind) = kinds.find(|kind| kind.name() == name) {
        return Some(kind.field(Field::LIST_FIELD_DEFAULT_NAME, length));
    }
    let element = DataType::from_str(name).ok()?;
    element
        .is_numeric()
        .then(|| Field::new_list_field(element, true))
}

fn vectors(
    texts: Vec<Option<String>>,
    kind: SqlVectorType,
    element: &Field,
) -> Result<ArrayRef, VectorError> {
    let length = kind.length_of(element);
    let values = texts
        .iter()
        .map(|text| {
            let value = text.as_deref().map(|text| Value::parse(text, kind, length));
            value.transpose()
        })
        .collect::<Result<Vec<_>, _>>()?;
    build(element, values)
        .map_err(|error| VectorError::new(sqlstate::INVALID_TEXT_REPRESENTATION, error.to_string()))
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
