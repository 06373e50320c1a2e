//! Values to stored bytes.

use super::header::{Encoding, write_header};
use super::{Value, write_cbor, write_json, write_msgpack};
use crate::array::write_array;
use crate::element::Element;
use crate::error::ValueError;

/// What is to be stored, with the encoding that it gets.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Encoded<'a> {
    /// Bytes, without a header.
    Raw(&'a [u8]),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// Elements of a shape, as little-endian bytes.
    Array {
        /// Type of the elements.
        element: Element,
        /// Sizes of the dimensions.
        shape: &'a [u32],
        /// The elements.
        data: &'a [u8],
    },
    /// UTF-8 text.
    Text(&'a str),
    /// JSON text.
    Json(&'a Value),
    /// MessagePack.
    MsgPack(&'a Value),
    /// CBOR.
    Cbor(&'a Value),
}

/// The bytes to store, header included: what the package's `get` gives back.
pub fn encode(value: Encoded<'_>) -> Result<Vec<u8>, ValueError> {
    let mut out = Vec::new();
    let header = |encoding, out: &mut Vec<u8>| write_header(encoding, out);
    match value {
        Encoded::Raw(bytes) => out.extend_from_slice(bytes),
        Encoded::Int(number) => {
            header(Encoding::Packed, &mut out);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Encoded::Float(number) => {
            header(Encoding::Packed, &mut out);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Encoded::Array {
            element,
            shape,
            data,
        } => {
            header(Encoding::Packed, &mut out);
            write_array(element, shape, data, &mut out)?;
        }
        Encoded::Text(text) => {
            header(Encoding::Text, &mut out);
            out.extend_from_slice(text.as_bytes());
        }
        Encoded::Json(value) => {
            header(Encoding::Json, &mut out);
            let mut text = String::new();
            write_json(value, &mut text);
            out.extend_from_slice(text.as_bytes());
        }
        Encoded::MsgPack(value) => {
            header(Encoding::MsgPack, &mut out);
            write_msgpack(value, &mut out)?;
        }
        Encoded::Cbor(value) => {
            header(Encoding::Cbor, &mut out);
            write_cbor(value, &mut out)?;
        }
    }
    Ok(out)
}
