//! What the files hold, as their makers wrote it down.

use std::path::{Path, PathBuf};

use ogive_vault::{Contents, OpenOptions, Reader, Value, Vault};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

pub const FILES: [&str; 15] = [
    "columns_default",
    "columns_fixed",
    "columns_names",
    "columns_var",
    "combined",
    "kv_keys",
    "kv_large",
    "kv_values",
    "legacy1",
    "legacy2_all",
    "legacy2_columns",
    "legacy2_default",
    "mixed",
    "text",
    "vectors",
];

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

pub fn expected(name: &str) -> Json {
    let path = fixtures().join(format!("{name}.expected.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A copy of the file, as SQLite makes others beside it.
pub struct Copied {
    _folder: tempfile::TempDir,
    pub vault: Vault,
    pub reader: Reader,
    pub contents: Contents,
}

pub fn open(name: &str) -> Copied {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("{name}.db"));
    std::fs::copy(fixtures().join(format!("{name}.db")), &path).unwrap();
    let vault = Vault::open(&path, OpenOptions::default()).unwrap();
    let reader = vault.reader().unwrap();
    let contents = Contents::read(&reader, &vault.place()).unwrap();
    Copied {
        _folder: folder,
        vault,
        reader,
        contents,
    }
}

pub fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap())
        .collect()
}

pub fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether bytes are those of `{hex}` or `{len, sha256}`.
pub fn same_bytes(found: &[u8], expected: &Json) -> bool {
    match expected["hex"].as_str() {
        Some(text) => found == hex(text),
        None => {
            found.len() as u64 == expected["len"].as_u64().unwrap()
                && sum(found) == expected["sha256"].as_str().unwrap()
        }
    }
}

/// Elements of a `.npy` file, as bytes.
pub fn npy(name: &str) -> Vec<u8> {
    let bytes = std::fs::read(fixtures().join(name)).unwrap();
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[10 + header..].to_vec()
}

/// Whether a decoded value is what the package gives back.
pub fn same_value(found: &Value, expected: &Json) -> bool {
    let text = |key: &str| expected[key].as_str().unwrap();
    match (expected["t"].as_str().unwrap(), found) {
        ("null", Value::Null) => true,
        ("bool", Value::Bool(value)) => expected["v"].as_bool().unwrap() == *value,
        ("int", Value::Int(number)) => number.to_string() == text("v"),
        ("float", Value::Float(number)) => format!("{:016x}", number.to_bits()) == text("bits"),
        ("str", Value::Text(found)) if expected["v"].is_null() => {
            sum(found.as_bytes()) == text("sha256_utf8")
        }
        ("str", Value::Text(found)) => found == text("v"),
        ("str", Value::Json(found)) => {
            serde_json::from_str::<String>(found).is_ok_and(|found| found == text("v"))
        }
        ("bytes", Value::Bytes(bytes)) => same_bytes(bytes, expected),
        ("list", Value::List(values)) => {
            let expected = expected["v"].as_array().unwrap();
            values.len() == expected.len()
                && values
                    .iter()
                    .zip(expected)
                    .all(|(found, expected)| same_value(found, expected))
        }
        ("map", Value::Map(entries)) => {
            let expected = expected["v"].as_array().unwrap();
            entries.len() == expected.len()
                && entries
                    .iter()
                    .zip(expected)
                    .all(|((key, value), expected)| {
                        key == expected[0].as_str().unwrap() && same_value(value, &expected[1])
                    })
        }
        ("list" | "map" | "int" | "float" | "null" | "bool", Value::Json(found)) => {
            let value = ogive_vault::read_json(found).unwrap();
            same_unordered(&value, expected)
        }
        ("array", Value::List(_)) => {
            let mut flat = Vec::new();
            let mut shape = Vec::new();
            flatten(found, 0, &mut shape, &mut flat);
            let wanted: Vec<usize> = expected["shape"]
                .as_array()
                .unwrap()
                .iter()
                .map(|size| size.as_u64().unwrap() as usize)
                .collect();
            (shape == wanted || wanted.contains(&0)) && elements_are(&flat, expected)
        }
        _ => false,
    }
}

/// JSON that was read into a map has lost the order of its keys.
fn same_unordered(found: &Value, expected: &Json) -> bool {
    match (found, expected["t"].as_str().unwrap()) {
        (Value::Map(entries), "map") => {
            let expected = expected["v"].as_array().unwrap();
            entries.len() == expected.len()
                && expected.iter().all(|wanted| {
                    entries.iter().any(|(key, value)| {
                        key == wanted[0].as_str().unwrap() && same_unordered(value, &wanted[1])
                    })
                })
        }
        (Value::List(values), "list") => {
            let expected = expected["v"].as_array().unwrap();
            values.len() == expected.len()
                && values
                    .iter()
                    .zip(expected)
                    .all(|(a, b)| same_unordered(a, b))
        }
        (Value::Text(word), "float") => {
            let number = f64::from_bits(
                u64::from_str_radix(expected["bits"].as_str().unwrap(), 16).unwrap(),
            );
            match word.as_str() {
                "NaN" => number.is_nan(),
                "Infinity" => number == f64::INFINITY,
                "-Infinity" => number == f64::NEG_INFINITY,
                _ => false,
            }
        }
        _ => same_value(found, expected),
    }
}

fn flatten(value: &Value, depth: usize, shape: &mut Vec<usize>, flat: &mut Vec<Value>) {
    match value {
        Value::List(values) => {
            if shape.len() == depth {
                shape.push(values.len());
            }
            values
                .iter()
                .for_each(|value| flatten(value, depth + 1, shape, flat));
        }
        other => flat.push(other.clone()),
    }
}

fn elements_are(flat: &[Value], expected: &Json) -> bool {
    let dtype = expected["dtype"].as_str().unwrap();
    let mut found = Vec::new();
    for value in flat {
        match (dtype, value) {
            ("float32", Value::Single(number)) => found.extend(number.to_le_bytes()),
            ("float64", Value::Float(number)) => found.extend(number.to_le_bytes()),
            (integer, Value::Int(number)) => {
                let bits: usize = integer
                    .trim_start_matches(char::is_alphabetic)
                    .parse()
                    .unwrap();
                found.extend_from_slice(&number.to_le_bytes()[..bits / 8]);
            }
            _ => return false,
        }
    }
    match expected["hex"].as_str() {
        Some(text) => found == hex(text),
        None => sum(&found) == expected["sha256"].as_str().unwrap(),
    }
}
