//! The sample files, their manifest and their arrays.

use std::path::PathBuf;

use half::f16;
use serde_json::Value;

use crate::writer::ColumnValues;

/// SplitMix64: the same numbers for a seed on every run and machine.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/cvc")
        .join(name)
}

/// The bytes of a sample file.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The manifest's entry of every sample file.
pub(crate) fn manifest() -> Vec<Value> {
    let manifest: Value = serde_json::from_slice(&bytes("manifest.json")).unwrap();
    manifest["files"].as_array().unwrap().clone()
}

/// The text of a field.
pub(crate) fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} of {entry}"))
}

/// An array of a `.npy` file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Array {
    F32(Vec<f32>),
    F64(Vec<f64>),
    F16(Vec<f16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    I8(Vec<i8>),
    U8(Vec<u8>),
}

impl Array {
    pub(crate) fn values(&self) -> ColumnValues<'_> {
        match self {
            Array::F32(values) => ColumnValues::F32(values),
            Array::F64(values) => ColumnValues::F64(values),
            Array::F16(values) => ColumnValues::F16(values),
            Array::I32(values) => ColumnValues::I32(values),
            Array::I64(values) => ColumnValues::I64(values),
            Array::I8(values) => ColumnValues::I8(values),
            Array::U8(values) => ColumnValues::U8(values),
        }
    }

    /// The bytes of the values, little-endian.
    pub(crate) fn raw(&self) -> Vec<u8> {
        match self {
            Array::F32(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Array::F64(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Array::F16(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Array::I32(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Array::I64(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Array::I8(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Array::U8(values) => values.clone(),
        }
    }

    pub(crate) fn f32(&self) -> &[f32] {
        match self {
            Array::F32(values) => values,
            other => panic!("float32 expected, not {other:?}"),
        }
    }
}

/// A `.npy` file of the samples: version 1.0, little-endian, C order.
pub(crate) fn npy(name: &str) -> Array {
    let file = bytes(name);
    assert_eq!(&file[..8], b"\x93NUMPY\x01\x00", "{name}");
    let length = usize::from(u16::from_le_bytes([file[8], file[9]]));
    let header = str::from_utf8(&file[10..10 + length]).unwrap();
    assert!(header.contains("'fortran_order': False"), "{name}");
    let data = &file[10 + length..];
    let descr = header.split('\'').nth(3).unwrap();
    match descr {
        "<f4" => Array::F32(words(data).map(f32::from_le_bytes).collect()),
        "<f8" => Array::F64(words(data).map(f64::from_le_bytes).collect()),
        "<f2" => Array::F16(words(data).map(f16::from_le_bytes).collect()),
        "<i4" => Array::I32(words(data).map(i32::from_le_bytes).collect()),
        "<i8" => Array::I64(words(data).map(i64::from_le_bytes).collect()),
        "|i1" => Array::I8(words(data).map(i8::from_le_bytes).collect()),
        "|u1" => Array::U8(data.to_vec()),
        other => panic!("{name}: {other}"),
    }
}

fn words<const WIDTH: usize>(data: &[u8]) -> impl Iterator<Item = [u8; WIDTH]> {
    let (words, rest) = data.as_chunks();
    assert!(rest.is_empty());
    words.iter().copied()
}

/// Equal bit for bit, or both NaN.
pub(crate) fn assert_same(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (a, b)) in found.iter().zip(expected).enumerate() {
        let same = a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        assert!(same, "{what}: value {index} is {a:?}, expected {b:?}");
    }
}
