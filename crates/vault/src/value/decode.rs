//! Stored bytes to values.

use std::fmt;

use super::header::{Encoding, split_header};
use super::{Value, normalize_json, read_cbor, read_msgpack, write_json};
use crate::array::read_array;
use crate::error::ValueError;

/// What a stored value is, under the package's guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the name that SQL shows")]
pub enum ValueType {
    Raw,
    I64,
    F64,
    Array,
    Json,
    MsgPack,
    Cbor,
    Str,
    Pickle,
}

impl ValueType {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Raw,
        Self::I64,
        Self::F64,
        Self::Array,
        Self::Json,
        Self::MsgPack,
        Self::Cbor,
        Self::Str,
        Self::Pickle,
    ];

    /// The name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::I64 => "i64",
            Self::F64 => "f64",
            Self::Array => "array",
            Self::Json => "json",
            Self::MsgPack => "msgpack",
            Self::Cbor => "cbor",
            Self::Str => "str",
            Self::Pickle => "pickle",
        }
    }

    /// The type of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|candidate| candidate.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The type of a stored value. Bytes that only look like a header are raw.
pub fn value_type(stored: &[u8]) -> ValueType {
    match split_header(stored) {
        Err(_) | Ok((Encoding::Raw, _)) => ValueType::Raw,
        Ok((Encoding::Pickle, _)) => ValueType::Pickle,
        Ok((Encoding::Packed, payload)) => guess(payload),
        Ok((Encoding::Json, _)) => ValueType::Json,
        Ok((Encoding::MsgPack, _)) => ValueType::MsgPack,
        Ok((Encoding::Cbor, _)) => ValueType::Cbor,
        Ok((Encoding::Text, _)) => ValueType::Str,
    }
}

/// A stored value as the package would give it back.
pub fn decode(stored: &[u8]) -> Result<Value, ValueError> {
    let (encoding, payload) = split_header(stored)?;
    match encoding {
        Encoding::Raw => Ok(Value::Bytes(payload.to_vec())),
        Encoding::Pickle => Ok(Value::Pickle(payload.to_vec())),
        Encoding::Packed => match guess(payload) {
            ValueType::Raw => Ok(Value::Bytes(payload.to_vec())),
            found => payload_as(found, payload),
        },
        Encoding::Json => payload_as(ValueType::Json, payload),
        Encoding::MsgPack => payload_as(ValueType::MsgPack, payload),
        Encoding::Cbor => payload_as(ValueType::Cbor, payload),
        Encoding::Text => payload_as(ValueType::Str, payload),
    }
}

/// A stored value as the type that the caller knows it to have: right where [`decode`]'s guess is not. Values without a
/// header are payloads, so that bare ones can be read too.
pub fn decode_as(stored: &[u8], expected: ValueType) -> Result<Value, ValueError> {
    let payload = match split_header(stored) {
        Ok((_, payload)) => payload,
        Err(_) if expected == ValueType::Raw => stored,
        Err(error) => return Err(error),
    };
    payload_as(expected, payload)
}

/// A stored value as JSON text; `None` for raw bytes and pickles.
pub fn decode_to_json(stored: &[u8]) -> Result<Option<String>, ValueError> {
    Ok(match decode(stored)? {
        Value::Bytes(_) | Value::Pickle(_) => None,
        value => {
            let mut text = String::new();
            write_json(&value, &mut text);
            Some(text)
        }
    })
}

/// The package's guess at a packed payload, which has no mark of its type.
///
/// ```text
/// 8 bytes: f finite and |its fraction| > 1e-9 -> f; |i| < 10^12 -> i (the least i64 counts as small); else f
/// longer, first byte 01..0A, an array         -> array
/// UTF-8                                       -> text
/// else                                        -> bytes
/// ```
fn guess(payload: &[u8]) -> ValueType {
    if let Ok(bytes) = <[u8; 8]>::try_from(payload) {
        let float = f64::from_le_bytes(bytes);
        let integer = i64::from_le_bytes(bytes);
        return if float.is_finite() && float.fract().abs() > 1e-9 {
            ValueType::F64
        } else if integer.wrapping_abs() < 1_000_000_000_000 {
            ValueType::I64
        } else {
            ValueType::F64
        };
    }
    if payload.len() > 8 && read_array(payload).is_ok() {
        return ValueType::Array;
    }
    match std::str::from_utf8(payload) {
        Ok(_) => ValueType::Str,
        Err(_) => ValueType::Raw,
    }
}

fn payload_as(expected: ValueType, payload: &[u8]) -> Result<Value, ValueError> {
    let eight = || {
        <[u8; 8]>::try_from(payload).map_err(|_| {
            ValueError::new(
                "the length of a number",
                format!("{} bytes", payload.len()),
                "8 bytes",
            )
        })
    };
    let whole = |(value, rest): (Value, &[u8])| {
        if rest.is_empty() {
            Ok(value)
        } else {
            Err(ValueError::new(
                "the length of a value",
                format!("{} bytes", payload.len()),
                format!("{} bytes", payload.len() - rest.len()),
            ))
        }
    };
    match expected {
        ValueType::Raw => Ok(Value::Bytes(payload.to_vec())),
        ValueType::Pickle => Ok(Value::Pickle(payload.to_vec())),
        ValueType::I64 => Ok(Value::Int(i64::from_le_bytes(eight()?).into())),
        ValueType::F64 => Ok(Value::Float(f64::from_le_bytes(eight()?))),
        ValueType::Array => Ok(read_array(payload)?.to_value()),
        ValueType::Json => Ok(Value::Json(normalize_json(text(payload)?)?)),
        ValueType::MsgPack => whole(read_msgpack(payload)?),
        ValueType::Cbor => whole(read_cbor(payload)?),
        ValueType::Str => Ok(Value::Text(text(payload)?.to_owned())),
    }
}

fn text(payload: &[u8]) -> Result<&str, ValueError> {
    std::str::from_utf8(payload).map_err(|error| ValueError::new("a text", error, "UTF-8"))
}
