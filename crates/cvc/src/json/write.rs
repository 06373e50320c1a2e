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
        return out.push_str(if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        });
    }
    let text = shortest(number);
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        let size = exponent.unsigned_abs();
        return push(out, format_args!("{digits}e{sign}{size:02}"));
    }
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let digits = digits.replace('.', "");
    out.push_str(sign);
    match usize::try_from(exponent) {
        Ok(exponent) => {
            let whole = exponent + 1;
            let (before, after) = digits.split_at(whole.min(digits.len()));
            let zeros = whole - before.len();
            let after = if after.is_empty() { "0" } else { after };
            push(out, format_args!("{before}{:0<zeros$}.{after}", ""));
        }
        Err(_) => {
            let zeros = exponent.unsigned_abs() as usize - 1;
            push(out, format_args!("0.{:0<zeros$}{digits}", ""));
        }
    }
}

/// The shortest digits, as `-1.234e-5`. Of two that are equally near Python takes the one with an even last digit and Rust
/// the larger: 14.5559844970703125 is ...312 there and ...313 here. Rounding to a given number of digits is the same in both.
fn shortest(number: f64) -> String {
    let text = format!("{number:e}");
    let mantissa = text.split('e').next().unwrap_or_default();
    let decimals = mantissa.split_once('.').map_or(0, |(_, after)| after.len());
    let even = format!("{number:.decimals$e}");
    // Next to a power of two the nearest digits may belong to the next number.
    match even.parse() {
        Ok(back) if f64::to_bits(back) == number.to_bits() => even,
        _ => text,
    }
}
