//! JSON text of values, and values of JSON text.

use crate::error::ValueError;
use crate::value::{DEPTH_MAX, Value};

/// What `serde_json` writes for a number or a text; writing those into memory does not fail.
macro_rules! append {
    ($value:expr, $out:expr) => {
        $out.push_str(&serde_json::to_string($value).unwrap_or_default())
    };
}

/// Appends a value as compact JSON. NaN and infinities are the words as strings, bytes and pickles `null`.
pub fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Null | Value::Bytes(_) | Value::Pickle(_) => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Single(number) if number.is_finite() => append!(number, out),
        Value::Single(number) => out.push_str(word(f64::from(*number))),
        Value::Float(number) if number.is_finite() => append!(number, out),
        Value::Float(number) => out.push_str(word(*number)),
        Value::Text(text) => append!(text, out),
        Value::Json(text) => out.push_str(text),
        Value::List(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(value, out);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                append!(key, out);
                out.push(':');
                write_json(value, out);
            }
            out.push('}');
        }
    }
}

fn word(number: f64) -> &'static str {
    if number.is_nan() {
        "\"NaN\""
    } else if number > 0.0 {
        "\"Infinity\""
    } else {
        "\"-Infinity\""
    }
}

/// JSON text as it is, without the spaces between its parts, and with Python's `NaN`, `Infinity` and `-Infinity` as strings.
pub fn normalize_json(text: &str) -> Result<String, ValueError> {
    let mut normal = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '"' => {
                let end = string_end(rest);
                normal.push_str(&rest[..end]);
                end
            }
            ' ' | '\t' | '\n' | '\r' => 1,
            _ => {
                let words = ["-Infinity", "Infinity", "NaN"];
                if let Some(word) = words.into_iter().find(|word| rest.starts_with(word)) {
                    normal.push('"');
                    normal.push_str(word);
                    normal.push('"');
                    word.len()
                } else {
                    normal.push(first);
                    first.len_utf8()
                }
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    // The blanks between two numbers must not make one of them: so the text is checked as it came.
    let checked = if normal.contains("NaN\"") || normal.contains("Infinity\"") {
        check(&normal)
    } else {
        check(text)
    };
    checked.map(|()| normal)
}

fn check(text: &str) -> Result<(), ValueError> {
    serde_json::from_str::<&serde_json::value::RawValue>(text)
        .map(|_| ())
        .map_err(|error| ValueError::new("a JSON value", error, "JSON text"))
}

/// Bytes of the string literal at the start, its quotes included; all there is where it does not end.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (offset, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return offset + 1,
            _ => {}
        }
    }
    text.len()
}

/// The value of a JSON text. Integers beyond 64 bits become floats.
pub fn read_json(text: &str) -> Result<Value, ValueError> {
    let value: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| ValueError::new("a JSON value", error, "JSON text"))?;
    from_json(value, DEPTH_MAX)
}

fn from_json(value: serde_json::Value, depth: usize) -> Result<Value, ValueError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(ValueError::new(
            "the nesting of a value",
            "deeper",
            DEPTH_MAX,
        ));
    };
    Ok(match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(number) => match number.as_i128() {
            Some(integer) => Value::Int(integer),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Array(values) => Value::List(
            values
                .into_iter()
                .map(|value| from_json(value, depth))
                .collect::<Result<_, _>>()?,
        ),
        serde_json::Value::Object(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| Ok((key, from_json(value, depth)?)))
                .collect::<Result<_, ValueError>>()?,
        ),
    })
}
