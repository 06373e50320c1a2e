//! `pack`, `unpack` and `pack_json`: what the package's `DataPacker` does.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryBuilder, FixedSizeListArray, ListArray, StringBuilder};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field};
use datafusion_common::{Result, exec_datafusion_err, exec_err, plan_datafusion_err, plan_err};
use datafusion_expr::ScalarUDF;
use ogive_vault::{
    DType, Numbers, Value, VectorTag, read_array, read_json, unpack as unpack_value, write_json,
    write_msgpack,
};

use super::arrays::{element_type, number_array};
use super::function::{VaultFunction, binary, bytes_argument, in_row, name_argument};
use super::values::vault_value;

const PACK: &str = "pack";
const UNPACK: &str = "unpack";
const PACK_JSON: &str = "pack_json";

/// `pack(type, value)`.
pub(super) fn pack() -> Arc<ScalarUDF> {
    VaultFunction::udf(
        PACK,
        (
            "pack(type, value)",
            "The bytes that the package's DataPacker makes of a value: of type 'i64', 'f64', 'str:32:utf16le', 'bytes:8', 'vec:f32:3', 'msgpack' and so on. For 'msgpack' and 'cbor' a text is read as JSON.",
        ),
        |types| match types {
            [name, value] => Ok(vec![name_argument(PACK, name)?, value.clone()]),
            other => plan_err!(
                "{PACK}: expected a type and a value, found {} arguments",
                other.len()
            ),
        },
        |_, texts| dtype(PACK, texts).map(|_| DataType::Binary),
        |arrays, texts, _| {
            let dtype = dtype(PACK, texts)?;
            let [_, values] = arrays else {
                return exec_err!("{PACK} was called with {} arguments", arrays.len());
            };
            let mut packed = BinaryBuilder::new();
            let mut bytes = Vec::new();
            for row in 0..values.len() {
                let mut value = vault_value(values, row)?;
                if value == Value::Null {
                    packed.append_null();
                    continue;
                }
                if let (DType::MsgPack(_) | DType::Cbor(_), Value::Text(text)) = (&dtype, &value) {
                    value = read_json(text).map_err(|error| in_row(PACK, row, error))?;
                }
                bytes.clear();
                ogive_vault::pack(&dtype, &value, VectorTag::Byte, &mut bytes)
                    .map_err(|error| in_row(PACK, row, error))?;
                packed.append_value(&bytes);
            }
            Ok(Arc::new(packed.finish()))
        },
    )
}

/// `unpack(type, bytes)`.
pub(super) fn unpack() -> Arc<ScalarUDF> {
    VaultFunction::udf(
        UNPACK,
        (
            "unpack(type, bytes)",
            "The value of bytes that DataPacker made, in the type that its type is: numbers, texts, bytes, lists of numbers; JSON text for 'msgpack' and 'cbor'.",
        ),
        |types| match types {
            [name, bytes] => Ok(vec![
                name_argument(UNPACK, name)?,
                bytes_argument(UNPACK, bytes)?,
            ]),
            other => plan_err!(
                "{UNPACK}: expected a type and bytes, found {} arguments",
                other.len()
            ),
        },
        |_, texts| Ok(arrow_type(&dtype(UNPACK, texts)?)),
        |arrays, texts, _| {
            let dtype = dtype(UNPACK, texts)?;
            let [_, values] = arrays else {
                return exec_err!("{UNPACK} was called with {} arguments", arrays.len());
            };
            unpack_all(&dtype, values)
        },
    )
}

/// `pack_json(value, schema)`.
pub(super) fn pack_json() -> Arc<ScalarUDF> {
    VaultFunction::udf(
        PACK_JSON,
        (
            "pack_json(value, schema)",
            "A JSON text, list or struct as MessagePack, if it is what the JSON Schema (a constant text) says; an error where it is not.",
        ),
        |types| match types {
            [value, schema] => Ok(vec![value.clone(), name_argument(PACK_JSON, schema)?]),
            other => plan_err!(
                "{PACK_JSON}: expected a value and a schema, found {} arguments",
                other.len()
            ),
        },
        |_, _| Ok(DataType::Binary),
        |arrays, texts, _| {
            let ([values, _], Some(Some(schema))) = (arrays, texts.get(1)) else {
                return exec_err!("{PACK_JSON}: its second argument must be a constant text");
            };
            pack_valid(values, schema)
        },
    )
}

fn dtype(name: &str, texts: &[Option<String>]) -> Result<DType> {
    match texts.first() {
        Some(Some(text)) => {
            DType::parse(text).map_err(|error| plan_datafusion_err!("{name}: {error}"))
        }
        _ => plan_err!("{name}: its first argument must be a constant text"),
    }
}

fn arrow_type(dtype: &DType) -> DataType {
    let list_field = |element| Arc::new(Field::new_list_field(element_type(element), true));
    match dtype {
        DType::Scalar(element) => element_type(*element),
        DType::FixedVector { element, shape } => DataType::FixedSizeList(
            list_field(*element),
            i32::try_from(shape.iter().product::<usize>()).unwrap_or(i32::MAX),
        ),
        DType::Vector(element) => DataType::List(list_field(*element)),
        DType::Bytes(_) => DataType::Binary,
        DType::Text { .. } | DType::MsgPack(_) | DType::Cbor(_) => DataType::Utf8,
    }
}

fn unpack_all(dtype: &DType, values: &ArrayRef) -> Result<ArrayRef> {
    let values = binary(UNPACK, values)?;
    let failed = |row, error| in_row(UNPACK, row, error);
    let nulls: Option<NullBuffer> = values.nulls().cloned();
    match dtype {
        DType::Scalar(element) | DType::FixedVector { element, .. } => {
            let fixed = matches!(dtype, DType::FixedVector { .. });
            let row_bytes = dtype.row_bytes(false).unwrap_or(0);
            let mut numbers = Numbers::empty(*element);
            for (row, value) in values.iter().enumerate() {
                match value {
                    Some(value) => {
                        // Checks the length and the type byte.
                        unpack_value(dtype, value, VectorTag::Byte)
                            .map_err(|error| failed(row, error))?;
                        numbers
                            .extend_from_bytes(value.get(usize::from(fixed)..).unwrap_or_default());
                    }
                    None => numbers.extend_from_bytes(&vec![0; row_bytes]),
                }
            }
            if !fixed {
                return Ok(number_array(numbers, nulls));
            }
            let DataType::FixedSizeList(field, size) = arrow_type(dtype) else {
                return exec_err!("{UNPACK}: {dtype} is no list");
            };
            Ok(Arc::new(FixedSizeListArray::try_new_with_length(
                field,
                size,
                number_array(numbers, None),
                nulls,
                values.len(),
            )?))
        }
        DType::Vector(element) => {
            let mut numbers = Numbers::empty(*element);
            let mut lengths = Vec::with_capacity(values.len());
            for (row, value) in values.iter().enumerate() {
                let before = numbers.len();
                if let Some(value) = value {
                    let array = read_array(value).map_err(|error| failed(row, error))?;
                    if array.element != *element {
                        return exec_err!(
                            "{UNPACK}: row {row} of the batch: its elements are {}, expected {element}",
                            array.element
                        );
                    }
                    numbers.extend_from_bytes(array.data);
                }
                lengths.push(numbers.len() - before);
            }
            let DataType::List(field) = arrow_type(dtype) else {
                return exec_err!("{UNPACK}: {dtype} is no list");
            };
            Ok(Arc::new(ListArray::try_new(
                field,
                OffsetBuffer::from_lengths(lengths),
                number_array(numbers, None),
                nulls,
            )?))
        }
        DType::Bytes(_) => {
            let mut bytes = BinaryBuilder::new();
            for (row, value) in values.iter().enumerate() {
                if let Some(value) = value {
                    unpack_value(dtype, value, VectorTag::Byte)
                        .map_err(|error| failed(row, error))?;
                }
                bytes.append_option(value);
            }
            Ok(Arc::new(bytes.finish()))
        }
        DType::Text { .. } | DType::MsgPack(_) | DType::Cbor(_) => {
            let mut texts = StringBuilder::new();
            for (row, value) in values.iter().enumerate() {
                let Some(value) = value else {
                    texts.append_null();
                    continue;
                };
                match unpack_value(dtype, value, VectorTag::Byte)
                    .map_err(|error| failed(row, error))?
                {
                    Value::Text(text) if matches!(dtype, DType::Text { .. }) => {
                        texts.append_value(text)
                    }
                    value => {
                        let mut text = String::new();
                        write_json(&value, &mut text);
                        texts.append_value(text);
                    }
                }
            }
            Ok(Arc::new(texts.finish()))
        }
    }
}

fn pack_valid(values: &ArrayRef, schema: &str) -> Result<ArrayRef> {
    let schema: serde_json::Value = serde_json::from_str(schema)
        .map_err(|error| exec_datafusion_err!("{PACK_JSON}: the schema is not JSON: {error}"))?;
    let validator = jsonschema::validator_for(&schema)
        .map_err(|error| exec_datafusion_err!("{PACK_JSON}: the schema: {error}"))?;
    let mut packed = BinaryBuilder::new();
    for row in 0..values.len() {
        let failed = |error| in_row(PACK_JSON, row, error);
        let value = match vault_value(values, row)? {
            Value::Null => {
                packed.append_null();
                continue;
            }
            Value::Text(text) => read_json(&text).map_err(failed)?,
            other => other,
        };
        let mut text = String::new();
        write_json(&value, &mut text);
        let instance: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
            exec_datafusion_err!("{PACK_JSON}: row {row} of the batch: {error}")
        })?;
        if let Err(error) = validator.validate(&instance) {
            return exec_err!(
                "{PACK_JSON}: row {row} of the batch: at '{}': {error}",
                error.instance_path()
            );
        }
        let mut bytes = Vec::new();
        write_msgpack(&value, &mut bytes).map_err(failed)?;
        packed.append_value(bytes);
    }
    Ok(Arc::new(packed.finish()))
}
