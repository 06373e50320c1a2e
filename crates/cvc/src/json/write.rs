//! Values to text, character for character as Python's writer does it.

use std::fmt::Write;

use super::Json;

/// Separators and the order of keys.
#[derive(Clone, Copy)]
pub(super) struct Style {
    comma: &'static str,
    colon: &'static str,
    sorted: bool,
}

/// Versioned files.
pub(super) const SORTED: Style = Style {
    comma: ",",
    colon: ":",
    sorted: true,
};
/// Files of version 0.x.
pub(super) const SPACED: Style = Style {
    comma: ", ",
    colon: ": ",
    sorted: false,
};

pub(super) fn value(value: &Json, style: Style, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Int(number) => push(out, format_args!("{number}")),
        Json::BigInt(digits) => out.push_str(digits),
        Json::Float(number) => float(*number, out),
        Json::String(text) => string(text, out),
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(style.comma);
                }
                self::value(item, style, out);
            }
            out.push(']');
        }
        Json::Object(entries) => {
            let mut order: Vec<&(String, Json)> = entries.iter().collect();
            if style.sorted {
                // The order of UTF-8 bytes is the order of code points, which is Python's.
                order.sort_by(|a, b| a.0.cmp(&b.0));
            }
            out.push('{');
            for (index, (key, item)) in order.into_iter().enumerate() {
                if index > 0 {
                    out.push_str(style.comma);
                }
                string(key, out);
                out.push_str(style.colon);
                self::value(item, style, out);
            }
            out.push('}');
        }
    }
}

/// Writing to a `String` cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='\u{7f}' => out.push(character),
            _ => {
                let mut units = [0_u16; 2];
                for unit in character.encode_utf16(&mut units) {
                    push(out, format_args!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

/// Python's `repr`: the shortest digits that read back as the same number; plain for decimal exponents -4..=15.
fn float(number: f64, out: &mut String) {
    if number.is_nan() {
        return out.push_str("NaN");
    }
    if number.is_infinite() {
        return out.push_str(if number > 0.0 { "Infinity" } else { "-Infinity" });
    }
    // Rust's exponent form has the same shortest digits: `-1.234e-5`, `5e-324`, `1e16`.
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {

        let plain = format!("{number}");
        out.push_str(&plain);
        if !plain.contains('.') {
            out.push_str(".0");
        }
        return;
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    push(
        out,
        format_args!("{digits}e{sign}{:02}", exponent.unsigned_abs()),
    );
}
