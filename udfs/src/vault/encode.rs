//! `vault_encode`: values as the package stores them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryBuilder};
use arrow::datatypes::DataType;
use datafusion_common::{Result, exec_err, plan_err};
use datafusion_expr::ScalarUDF;
use ogive_vault::{
    DType, Element, Encoded, Value, ValueError, VectorTag, encode, pack, read_array, read_json,
};

use super::function::{VaultFunction, in_row, name_argument};
use super::values::vault_value;

const NAME: &str = "vault_encode";

/// `vault_encode(value [, encoding])`.
pub(super) fn vault_encode() -> Arc<ScalarUDF> {
    VaultFunction::udf(
        NAME,
        (
            "vault_encode(value [, encoding])",
            "A value as the package stores it, header included, so that its get gives it back: integers, floats and texts as such, bytes raw, lists of numbers as arrays of their type, other lists and structs as MessagePack. With an encoding, 'raw', 'i64', 'f64', 'array', 'str', 'json', 'msgpack' or 'cbor', as that; for the last three a text is read as JSON.",
        ),
        |types| match types {
            [value] => Ok(vec![value.clone()]),
            [value, encoding] => Ok(vec![value.clone(), name_argument(NAME, encoding)?]),
            other => plan_err!(
                "{NAME}: expected a value and an encoding at most, found {} arguments",
                other.len()
            ),
        },
        |_, _| Ok(DataType::Binary),
        |arrays, texts, _| {
            let Some(values) = arrays.first() else {
                return exec_err!("{NAME} was called without arguments");
            };
            let encoding = match (arrays.len(), texts.get(1)) {
                (1, _) => None,
                (_, Some(Some(name))) => Some(name.to_ascii_lowercase()),
                _ => return exec_err!("{NAME}: its second argument must be a constant text"),
            };
            encode_all(values, encoding.as_deref())
        },
    )
}

fn encode_all(values: &ArrayRef, encoding: Option<&str>) -> Result<ArrayRef> {
    let element = list_element(values.data_type());
    let mut stored = BinaryBuilder::new();
    for row in 0..values.len() {
        match vault_value(values, row)? {
            Value::Null => stored.append_null(),
            value => {
                let bytes = encode_one(&value, element, encoding)
                    .map_err(|error| in_row(NAME, row, error))?;
                stored.append_value(bytes);
            }
        }
    }
    Ok(Arc::new(stored.finish()))
}

/// The type of the numbers in lists of numbers, as arrays have it.
fn list_element(data_type: &DataType) -> Option<Element> {
    let (DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _)) =
        data_type
    else {
        return None;
    };
    match field.data_type() {
        DataType::Int8 => Some(Element::I8),
        DataType::Int16 => Some(Element::I16),
        DataType::Int32 => Some(Element::I32),
        DataType::Int64 => Some(Element::I64),
        DataType::UInt8 => Some(Element::U8),
        DataType::UInt16 => Some(Element::U16),
        DataType::UInt32 => Some(Element::U32),
        DataType::UInt64 => Some(Element::U64),
        DataType::Float16 | DataType::Float32 => Some(Element::F32),
        DataType::Float64 => Some(Element::F64),
        nested => list_element(nested),
    }
}

fn encode_one(
    value: &Value,
    element: Option<Element>,
    encoding: Option<&str>,
) -> Result<Vec<u8>, ValueError> {
    let encoding = match (encoding, value) {
        (Some(encoding), _) => encoding,
        (None, Value::Bool(_) | Value::Int(_)) => "i64",
        (None, Value::Single(_) | Value::Float(_)) => "f64",
        (None, Value::Text(_)) => "str",
        (None, Value::Bytes(_) | Value::Pickle(_)) => "raw",
        (None, Value::List(_)) if element.is_some() => "array",
        (None, _) => "msgpack",
    };
    let wrong = || ValueError::new("a value", "one of another type", encoding);
    // A text is the JSON of a document.
    let document = || match value {
        Value::Text(text) => read_json(text),
        other => Ok(other.clone()),
    };
    match encoding {
        "raw" => match value {
            Value::Bytes(bytes) => encode(Encoded::Raw(bytes)),
            Value::Text(text) => encode(Encoded::Raw(text.as_bytes())),
            _ => Err(wrong()),
        },
        "str" => match value {
            Value::Text(text) => encode(Encoded::Text(text)),
            _ => Err(wrong()),
        },
        "i64" => match value {
            Value::Bool(value) => encode(Encoded::Int(i64::from(*value))),
            Value::Int(number) => {
                let number = i64::try_from(*number)
                    .map_err(|_| ValueError::new("an integer", number, "64 bits with a sign"))?;
                encode(Encoded::Int(number))
            }
            Value::Float(number) if number.fract() == 0.0 && number.abs() < 9.0e15 => {
                encode(Encoded::Int(*number as i64))
            }
            _ => Err(wrong()),
        },
        "f64" => match value {
            Value::Int(number) => encode(Encoded::Float(*number as f64)),
            Value::Float(number) => encode(Encoded::Float(*number)),
            _ => Err(wrong()),
        },
        "array" => {
            let mut packed = Vec::new();
            let dtype = DType::Vector(element.unwrap_or(Element::F64));
            pack(&dtype, value, VectorTag::Byte, &mut packed)?;
            let array = read_array(&packed)?;
            encode(Encoded::Array {
                element: array.element,
                shape: &array.shape,
                data: array.data,
            })
        }
        "json" => encode(Encoded::Json(&document()?)),
        "msgpack" => encode(Encoded::MsgPack(&document()?)),
        "cbor" => encode(Encoded::Cbor(&document()?)),
        other => Err(ValueError::new(
            "the encoding",
            format!("'{other}'"),
            "raw, i64, f64, array, str, json, msgpack or cbor",
        )),
    }
}
