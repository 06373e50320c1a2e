//! CBOR, in the JSON model of the package.

use ciborium::Value as Cbor;

use super::msgpack::sorted;
use crate::error::ValueError;
use crate::value::{DEPTH_MAX, Value};

const WHAT: &str = "a CBOR value";

/// The first value of `bytes`, and what follows it.
pub fn read_cbor(bytes: &[u8]) -> Result<(Value, &[u8]), ValueError> {
    let mut rest = bytes;
    let value: Cbor = ciborium::de::from_reader_with_recursion_limit(&mut rest, DEPTH_MAX)
        .map_err(|error| ValueError::new(WHAT, error, "a whole CBOR value"))?;
    Ok((from_cbor(value)?, rest))
}

fn from_cbor(value: Cbor) -> Result<Value, ValueError> {
    let refused = |found: &str| {
        ValueError::new(
            WHAT,
            found,
            "the types of JSON, with text as the keys of maps",
        )
    };
    Ok(match value {
        Cbor::Null => Value::Null,
        Cbor::Bool(value) => Value::Bool(value),
        Cbor::Integer(number) => Value::Int(number.into()),
        Cbor::Float(number) => Value::Float(number),
        Cbor::Text(text) => Value::Text(text),
        Cbor::Array(values) => Value::List(
            values
                .into_iter()
                .map(from_cbor)
                .collect::<Result<_, _>>()?,
        ),
        Cbor::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| match key {
                    Cbor::Text(key) => Ok((key, from_cbor(value)?)),
                    _ => Err(refused("a map with a key that is not a text")),
                })
                .collect::<Result<_, _>>()?,
        ),
        Cbor::Bytes(_) => return Err(refused("bytes")),
        _ => return Err(refused("a tagged value")),
    })
}

/// Appends a value as the package writes it: keys sorted, the last of equal ones kept, the shortest integers and floats,
/// NaN and infinities as null.
pub fn write_cbor(value: &Value, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let value = to_cbor(value, DEPTH_MAX)?;
    ciborium::into_writer(&value, out)
        .map_err(|error| ValueError::new(WHAT, error, "a value that fits the format"))
}

fn to_cbor(value: &Value, depth: usize) -> Result<Cbor, ValueError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(ValueError::new(
            "the nesting of a value",
            "deeper",
            DEPTH_MAX,
        ));
    };
    let float = |number: f64| {
        if number.is_finite() {
            Cbor::Float(number)
        } else {
            Cbor::Null
        }
    };
    Ok(match value {
        Value::Null => Cbor::Null,
        Value::Bool(value) => Cbor::Bool(*value),
        Value::Int(number) => match (i64::try_from(*number), u64::try_from(*number)) {
            (Ok(number), _) => Cbor::Integer(number.into()),
            (_, Ok(number)) => Cbor::Integer(number.into()),
            _ => return Err(ValueError::new("an integer", number, "64 bits")),
        },
        Value::Single(number) => float(f64::from(*number)),
        Value::Float(number) => float(*number),
        Value::Text(text) => Cbor::Text(text.clone()),
        Value::List(values) => Cbor::Array(
            values
                .iter()
                .map(|value| to_cbor(value, depth))
                .collect::<Result<_, _>>()?,
        ),
        Value::Map(entries) => Cbor::Map(
            sorted(entries)
                .into_iter()
                .map(|(key, value)| Ok((Cbor::Text(key.to_owned()), to_cbor(value, depth)?)))
                .collect::<Result<_, ValueError>>()?,
        ),
        Value::Json(text) => to_cbor(&super::read_json(text)?, depth)?,
        Value::Bytes(_) | Value::Pickle(_) => {
            return Err(ValueError::new(WHAT, "bytes", "the types of JSON"));
        }
    })
}
