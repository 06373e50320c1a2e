//! MessagePack, in the JSON model of the package: maps have text keys, and there are no bytes, extensions or times.

use crate::error::ValueError;
use crate::value::{DEPTH_MAX, Value};

const WHAT: &str = "a MessagePack value";

/// The first value of `bytes`, and what follows it.
pub fn read_msgpack(bytes: &[u8]) -> Result<(Value, &[u8]), ValueError> {
    let mut rest = bytes;
    // Each level of nesting counts twice there: the list and its items.
    let value = rmpv::decode::read_value_with_max_depth(&mut rest, DEPTH_MAX * 2)
        .map_err(|error| ValueError::new(WHAT, error, "a whole MessagePack value"))?;
    Ok((from_msgpack(value)?, rest))
}

fn from_msgpack(value: rmpv::Value) -> Result<Value, ValueError> {
    let refused = |found: &str| {
        ValueError::new(
            WHAT,
            found,
            "the types of JSON, with text as the keys of maps",
        )
    };
    Ok(match value {
        rmpv::Value::Nil => Value::Null,
        rmpv::Value::Boolean(value) => Value::Bool(value),
        rmpv::Value::Integer(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Int(number.into()),
            (None, Some(number)) => Value::Int(number.into()),
            (None, None) => return Err(refused("an integer beyond 64 bits")),
        },
        rmpv::Value::F32(number) => Value::Float(number.into()),
        rmpv::Value::F64(number) => Value::Float(number),
        rmpv::Value::String(text) => Value::Text(
            text.into_str()
                .ok_or_else(|| refused("a text that is not UTF-8"))?,
        ),
        rmpv::Value::Array(values) => Value::List(
            values
                .into_iter()
                .map(from_msgpack)
                .collect::<Result<_, _>>()?,
        ),
        rmpv::Value::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| match key {
                    rmpv::Value::String(key) => Ok((
                        key.into_str()
                            .ok_or_else(|| refused("a key that is not UTF-8"))?,
                        from_msgpack(value)?,
                    )),
                    _ => Err(refused("a map with a key that is not a text")),
                })
                .collect::<Result<_, _>>()?,
        ),
        rmpv::Value::Binary(_) => return Err(refused("bytes")),
        rmpv::Value::Ext(..) => return Err(refused("an extension type")),
    })
}

/// Appends a value as the package writes it: keys sorted, the last of equal ones kept, the shortest integers, NaN and
/// infinities as nil.
pub fn write_msgpack(value: &Value, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let value = to_msgpack(value, DEPTH_MAX)?;
    rmpv::encode::write_value(out, &value)
        .map_err(|error| ValueError::new(WHAT, error, "a value that fits the format"))
}

fn to_msgpack(value: &Value, depth: usize) -> Result<rmpv::Value, ValueError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(ValueError::new(
            "the nesting of a value",
            "deeper",
            DEPTH_MAX,
        ));
    };
    Ok(match value {
        Value::Null => rmpv::Value::Nil,
        Value::Bool(value) => (*value).into(),
        Value::Int(number) => match (i64::try_from(*number), u64::try_from(*number)) {
            (Ok(number), _) => number.into(),
            (_, Ok(number)) => number.into(),
            _ => return Err(ValueError::new("an integer", number, "64 bits")),
        },
        Value::Single(number) => float(f64::from(*number)),
        Value::Float(number) => float(*number),
        Value::Text(text) => text.as_str().into(),
        Value::List(values) => rmpv::Value::Array(
            values
                .iter()
                .map(|value| to_msgpack(value, depth))
                .collect::<Result<_, _>>()?,
        ),
        Value::Map(entries) => rmpv::Value::Map(
            sorted(entries)
                .into_iter()
                .map(|(key, value)| Ok((key.into(), to_msgpack(value, depth)?)))
                .collect::<Result<_, ValueError>>()?,
        ),
        Value::Json(text) => to_msgpack(&super::read_json(text)?, depth)?,
        Value::Bytes(_) | Value::Pickle(_) => {
            return Err(ValueError::new(WHAT, "bytes", "the types of JSON"));
        }
    })
}

fn float(number: f64) -> rmpv::Value {
    if number.is_finite() {
        number.into()
    } else {
        rmpv::Value::Nil
    }
}

/// The entries by key, the last of equal keys only.
pub(super) fn sorted(entries: &[(String, Value)]) -> Vec<(&str, &Value)> {
    let map: std::collections::BTreeMap<&str, &Value> = entries
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    map.into_iter().collect()
}
