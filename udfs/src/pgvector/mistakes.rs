//! Errors for calls that there are no functions for, as PostgreSQL words them.

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{DataFusionError, ScalarValue};
use ogive_vectors::{VectorError, sqlstate};

use super::external;
use super::value::is_text;
use crate::vector_types::SqlVectorType;

/// `function l2_distance(integer, unknown) does not exist`.
pub(crate) fn no_function(
    name: &str,
    fields: &[FieldRef],
    constants: &[Option<&ScalarValue>],
) -> DataFusionError {
    let types = type_names(fields, constants);
    undefined(
        "function",
        format!("function {name}({}) does not exist", types.join(", ")),
    )
}

/// `operator does not exist: vector + integer`.
pub(crate) fn no_operator(
    text: &str,
    fields: &[FieldRef],
    constants: &[Option<&ScalarValue>],
) -> DataFusionError {
    let types = type_names(fields, constants);
    undefined(
        "operator",
        format!(
            "operator does not exist: {}",
            types.join(&format!(" {text} "))
        ),
    )
}

/// `cannot cast type integer to vector`.
pub(super) fn no_cast(
    field: &Field,
    constant: Option<&ScalarValue>,
    kind: SqlVectorType,
) -> DataFusionError {
    let found = type_name(field, constant);
    external(VectorError::new(
        sqlstate::CANNOT_COERCE,
        format!("cannot cast type {found} to {}", kind.name()),
    ))
}

fn undefined(what: &str, message: String) -> DataFusionError {
    external(
        VectorError::new(sqlstate::UNDEFINED_FUNCTION, message).with_hint(format!(
            "No {what} matches the given name and argument types. You might need to add explicit type casts."
        )),
    )
}

fn type_names(fields: &[FieldRef], constants: &[Option<&ScalarValue>]) -> Vec<String> {
    fields
        .iter()
        .enumerate()
        .map(|(index, field)| type_name(field, constants.get(index).copied().flatten()))
        .collect()
}

/// A type's name in PostgreSQL; Arrow's where it has none. Of a literal, what PostgreSQL takes it for.
fn type_name(field: &Field, constant: Option<&ScalarValue>) -> String {
    if let Some(kind) = SqlVectorType::of(field) {
        return kind.name().to_owned();
    }
    match constant {
        Some(ScalarValue::Int64(Some(value))) if i32::try_from(*value).is_ok() => "integer".into(),
        Some(text) if is_text(&text.data_type()) => "unknown".into(),
        _ => plain_type_name(field.data_type()),
    }
}

fn plain_type_name(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::Null => "unknown",
        DataType::Boolean => "boolean",
        DataType::Int16 => "smallint",
        DataType::Int32 => "integer",
        DataType::Int64 => "bigint",
        DataType::Float32 => "real",
        DataType::Float64 => "double precision",
        DataType::Decimal128(_, _) | DataType::Decimal256(_, _) => "numeric",
        DataType::Date32 => "date",
        text if is_text(text) => "text",
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::FixedSizeList(element, _) => {
            // An array of arrays is an array of more dimensions.
            let name = type_name(element, None);
            return match name.ends_with("[]") {
                true => name,
                false => format!("{name}[]"),
            };
        }
        other => return other.to_string(),
    };
    name.to_owned()
}
