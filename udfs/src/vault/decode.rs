//! `vault_decode` and `vault_type`: stored values read.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder,
};
use arrow::datatypes::{DataType, Field};
use datafusion_common::{Result, exec_err, plan_err};
use datafusion_expr::ScalarUDF;
use ogive_vault::{
    Value, ValueError, ValueType, decode_as, decode_to_json, value_type, write_json,
};

use super::function::{VaultFunction, binary, bytes_argument, in_row, name_argument};

const DECODE: &str = "vault_decode";
const TYPE: &str = "vault_type";

/// `vault_decode(value [, type])`.
pub(super) fn vault_decode() -> Arc<ScalarUDF> {
    VaultFunction::udf(
        DECODE,
        (
            "vault_decode(value [, type])",
            "A stored value as JSON text, as the package would give it back; NULL for raw bytes and pickles. With a type, 'i64', 'f64', 'array', 'str', 'json', 'msgpack', 'cbor', 'raw' or 'pickle', what the value is then: for numbers and small arrays, whose type is not stored, the guess can be wrong.",
        ),
        |types| match types {
            [value] => Ok(vec![bytes_argument(DECODE, value)?]),
            [value, expected] => Ok(vec![
                bytes_argument(DECODE, value)?,
                name_argument(DECODE, expected)?,
            ]),
            other => plan_err!(
                "{DECODE}: expected a value and a type at most, found {} arguments",
                other.len()
            ),
        },
        |types, texts| {
            if types.len() < 2 {
                return Ok(DataType::Utf8);
            }
            Ok(match expected(texts)? {
                ValueType::I64 => DataType::Int64,
                ValueType::F64 => DataType::Float64,
                ValueType::Array => {
                    DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true)))
                }
                ValueType::Raw | ValueType::Pickle => DataType::Binary,
                ValueType::Str | ValueType::Json | ValueType::MsgPack | ValueType::Cbor => {
                    DataType::Utf8
                }
            })
        },
        |arrays, texts, _| match arrays {
            [values] => decode_guessed(values),
            [values, _] => decode_expected(values, expected(texts)?),
            other => exec_err!("{DECODE} was called with {} arguments", other.len()),
        },
    )
}

/// `vault_type(value)`.
pub(super) fn vault_type() -> Arc<ScalarUDF> {
    VaultFunction::udf(
        TYPE,
        (
            "vault_type(value)",
            "What a stored value is: 'raw', 'i64', 'f64', 'array', 'json', 'msgpack', 'cbor', 'str' or 'pickle'.",
        ),
        |types| match types {
            [value] => Ok(vec![bytes_argument(TYPE, value)?]),
            other => plan_err!("{TYPE}: expected one argument, found {}", other.len()),
        },
        |_, _| Ok(DataType::Utf8),
        |arrays, _, _| {
            let Some(values) = arrays.first() else {
                return exec_err!("{TYPE} was called without arguments");
            };
            let mut names = StringBuilder::new();
            for value in binary(TYPE, values)? {
                names.append_option(value.map(|value| value_type(value).name()));
            }
            Ok(Arc::new(names.finish()))
        },
    )
}

fn expected(texts: &[Option<String>]) -> Result<ValueType> {
    match texts.get(1) {
        Some(Some(name)) => match ValueType::of_name(name) {
            Some(found) => Ok(found),
            None => {
                let names: Vec<&str> = ValueType::ALL.iter().map(|known| known.name()).collect();
                plan_err!(
                    "{DECODE}: no type '{name}', expected one of {}",
                    names.join(", ")
                )
            }
        },
        _ => plan_err!("{DECODE}: its second argument must be a constant text"),
    }
}

fn decode_guessed(values: &ArrayRef) -> Result<ArrayRef> {
    let mut texts = StringBuilder::new();
    for (row, value) in binary(DECODE, values)?.iter().enumerate() {
        let text = match value {
            Some(value) => decode_to_json(value).map_err(|error| in_row(DECODE, row, error))?,
            None => None,
        };
        texts.append_option(text);
    }
    Ok(Arc::new(texts.finish()))
}

fn decode_expected(values: &ArrayRef, expected: ValueType) -> Result<ArrayRef> {
    let values = binary(DECODE, values)?;
    let decoded = values.iter().enumerate().map(|(row, value)| {
        value
            .map(|value| decode_as(value, expected))
            .transpose()
            .map_err(|error| in_row(DECODE, row, error))
    });
    match expected {
        ValueType::I64 => {
            let mut numbers = Int64Builder::with_capacity(values.len());
            for value in decoded {
                numbers.append_option(match value? {
                    Some(Value::Int(number)) => i64::try_from(number).ok(),
                    _ => None,
                });
            }
            Ok(Arc::new(numbers.finish()))
        }
        ValueType::F64 => {
            let mut numbers = Float64Builder::with_capacity(values.len());
            for value in decoded {
                numbers.append_option(match value? {
                    Some(Value::Float(number)) => Some(number),
                    _ => None,
                });
            }
            Ok(Arc::new(numbers.finish()))
        }
        ValueType::Array => {
            let mut lists = ListBuilder::new(Float64Builder::new());
            for (row, value) in decoded.enumerate() {
                match value? {
                    Some(value) => {
                        flatten(&value, lists.values())
                            .map_err(|error| in_row(DECODE, row, error))?;
                        lists.append(true);
                    }
                    None => lists.append_null(),
                }
            }
            Ok(Arc::new(lists.finish()))
        }
        ValueType::Raw | ValueType::Pickle => {
            let mut bytes = BinaryBuilder::new();
            for value in decoded {
                match value? {
                    Some(Value::Bytes(value) | Value::Pickle(value)) => bytes.append_value(value),
                    _ => bytes.append_null(),
                }
            }
            Ok(Arc::new(bytes.finish()))
        }
        ValueType::Str | ValueType::Json | ValueType::MsgPack | ValueType::Cbor => {
            let mut texts = StringBuilder::new();
            for value in decoded {
                match value? {
                    Some(Value::Text(text)) if expected == ValueType::Str => {
                        texts.append_value(text)
                    }
                    Some(value) => {
                        let mut text = String::new();
                        write_json(&value, &mut text);
                        texts.append_value(text);
                    }
                    None => texts.append_null(),
                }
            }
            Ok(Arc::new(texts.finish()))
        }
    }
}

/// The numbers of nested lists, row-major.
fn flatten(value: &Value, out: &mut Float64Builder) -> Result<(), ValueError> {
    match value {
        Value::List(items) => items.iter().try_for_each(|item| flatten(item, out)),
        Value::Int(number) => {
            out.append_value(*number as f64);
            Ok(())
        }
        Value::Single(number) => {
            out.append_value(f64::from(*number));
            Ok(())
        }
        Value::Float(number) => {
            out.append_value(*number);
            Ok(())
        }
        _ => Err(ValueError::new(
            "an element of an array",
            "no number",
            "a number",
        )),
    }
}
