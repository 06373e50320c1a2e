//! Values of key-value, vector and text tables: a header of ten bytes, then a payload in one of several encodings.

mod cbor;
mod decode;
mod encode;
mod header;
mod json;
mod msgpack;

pub use cbor::{read_cbor, write_cbor};
pub use decode::{ValueType, decode, decode_as, decode_to_json, value_type};
pub use encode::{Encoded, encode};
pub use header::{Encoding, HEADER_BYTES, split_header, write_header};
pub use json::{normalize_json, read_json, write_json};
pub use msgpack::{read_msgpack, write_msgpack};

/// A decoded value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `None` in Python, `null` in JSON.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer; those of the encodings fit 64 bits, signed or unsigned.
    Int(i128),
    /// A single-precision element of an array, which prints with fewer digits.
    Single(f32),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(String),
    /// Bytes without further meaning.
    Bytes(Vec<u8>),
    /// JSON as it is stored.
    Json(String),
    /// A Python pickle, as it is: reading it would run code.
    Pickle(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A map, in the order in which it is stored.
    Map(Vec<(String, Value)>),
}

/// How deep lists and maps may nest.
pub const DEPTH_MAX: usize = 128;
