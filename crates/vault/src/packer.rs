//! One value of a dtype as bytes, and back: what the package's `DataPacker` does, and what a row of a column is.

use std::borrow::Cow;

use crate::array::{number, read_array, write_array};
use crate::dtype::DType;
use crate::element::Element;
use crate::error::ValueError;
use crate::value::{Value, read_cbor, read_msgpack, write_cbor, write_msgpack};

/// Whether arrays of a fixed shape start with their type byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VectorTag {
    /// They do: in `DataPacker`, and in columns of releases before 1.0.
    Byte,
    /// They do not: in columns of 1.0 and later.
    None,
}

/// The value of `bytes`, all of which belong to it. Arrays come back as nested lists.
pub fn unpack(dtype: &DType, bytes: &[u8], tag: VectorTag) -> Result<Value, ValueError> {
    let bytes = exact(dtype, bytes, tag)?;
    match dtype {
        DType::Scalar(element) => Ok(match number(*element, bytes) {
            Value::Single(number) => Value::Float(number.into()),
            value => value,
        }),
        DType::FixedVector { element, shape } => {
            let data = fixed_vector_data(*element, bytes, tag)?;
            let shape = shape
                .iter()
                .map(|&size| u32::try_from(size).unwrap_or(u32::MAX))
                .collect();
            let array = crate::array::PackedArray {
                element: *element,
                shape,
                data,
            };
            Ok(array.to_value())
        }
        DType::Vector(_) => Ok(read_array(bytes)?.to_value()),
        DType::Bytes(_) => Ok(Value::Bytes(bytes.to_vec())),
        DType::Text { .. } => Ok(Value::Text(text(dtype, bytes)?.into_owned())),
        DType::MsgPack(size) => document(read_msgpack(bytes)?, size.is_some()),
        DType::Cbor(size) => document(read_cbor(bytes)?, size.is_some()),
    }
}

/// The text of a row of a `str` column; `bytes` of any other type are taken as UTF-8.
pub(crate) fn text<'a>(dtype: &DType, bytes: &'a [u8]) -> Result<Cow<'a, str>, ValueError> {
    let DType::Text { encoding, size } = dtype else {
        return crate::text_encoding::TextEncoding::Utf8.decode(bytes);
    };
    if size.is_none() {
        return encoding.decode(bytes);
    }
    // Padding is cut off after decoding: a unit of UTF-16 may end in a zero byte. A last odd byte is padding as well.
    let whole = bytes.len() - bytes.len() % encoding.unit_bytes();
    let text = encoding.decode(bytes.get(..whole).unwrap_or(bytes))?;
    Ok(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_end_matches('\0')),
        Cow::Owned(mut text) => {
            text.truncate(text.trim_end_matches('\0').len());
            Cow::Owned(text)
        }
    })
}

fn document((value, rest): (Value, &[u8]), padded: bool) -> Result<Value, ValueError> {
    if rest.is_empty() || padded {
        return Ok(value);
    }
    Err(ValueError::new(
        "the length of a value",
        format!("{} bytes more", rest.len()),
        "its end",
    ))
}

fn exact<'a>(dtype: &DType, bytes: &'a [u8], tag: VectorTag) -> Result<&'a [u8], ValueError> {
    match dtype.row_bytes(tag == VectorTag::Byte) {
        Some(expected) if expected != bytes.len() => Err(ValueError::new(
            "the length of a value",
            format!("{} bytes", bytes.len()),
            format!("{expected} bytes for {dtype}"),
        )),
        _ => Ok(bytes),
    }
}

/// The elements of an array of a fixed shape, its type byte checked and taken off.
pub(crate) fn fixed_vector_data(
    element: Element,
    bytes: &[u8],
    tag: VectorTag,
) -> Result<&[u8], ValueError> {
    if tag == VectorTag::None {
        return Ok(bytes);
    }
    match bytes.split_first() {
        Some((code, data)) if Some(*code) == element.code() => Ok(data),
        found => Err(ValueError::new(
            "the type byte of a vector",
            found.map_or("missing".to_owned(), |(code, _)| format!("{code:#04x}")),
            format!("{:#04x} for {element}", element.code().unwrap_or(0)),
        )),
    }
}

/// Appends the bytes of a value.
pub fn pack(
    dtype: &DType,
    value: &Value,
    tag: VectorTag,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let start = out.len();
    match dtype {
        DType::Scalar(element) => write_scalar(*element, value, out)?,
        DType::FixedVector { element, shape } => {
            if tag == VectorTag::Byte {
                out.push(element.code().ok_or_else(|| {
                    ValueError::new(
                        "the element type of a vector",
                        element,
                        "f32, f64 or an integer",
                    )
                })?);
            }
            let mut found = Shape::default();
            write_elements(*element, value, 0, &mut found, out)?;
            let found = found.sizes;
            let flat = shape.iter().product::<usize>();
            if found != *shape && found != [flat] {
                return Err(ValueError::new(
                    "the shape of a vector",
                    format!("{found:?}"),
                    format!("{shape:?}"),
                ));
            }
        }
        DType::Vector(element) => {
            let (mut shape, mut data) = (Shape::default(), Vec::new());
            write_elements(*element, value, 0, &mut shape, &mut data)?;
            let shape: Vec<u32> = shape
                .sizes
                .iter()
                .map(|&size| {
                    u32::try_from(size)
                        .map_err(|_| ValueError::new("the size of an array", size, u32::MAX))
                })
                .collect::<Result<_, _>>()?;
            write_array(*element, &shape, &data, out)?;
        }
        DType::Bytes(size) => {
            match value {
                Value::Bytes(bytes) | Value::Pickle(bytes) => out.extend_from_slice(bytes),
                Value::Text(text) => out.extend_from_slice(text.as_bytes()),
                other => return Err(mismatch(dtype, other)),
            }
            pad(out, start, *size)?;
        }
        DType::Text { encoding, size } => {
            let Value::Text(text) = value else {
                return Err(mismatch(dtype, value));
            };
            out.extend_from_slice(&encoding.encode(text)?);
            pad(out, start, *size)?;
        }
        DType::MsgPack(size) => {
            write_msgpack(value, out)?;
            pad(out, start, *size)?;
        }
        DType::Cbor(size) => {
            write_cbor(value, out)?;
            pad(out, start, *size)?;
        }
    }
    Ok(())
}

fn mismatch(dtype: &DType, value: &Value) -> ValueError {
    let found = match value {
        Value::Null => "NULL, which no dtype but msgpack and cbor has",
        Value::Bool(_) => "a truth value",
        Value::Int(_) => "an integer",
        Value::Single(_) | Value::Float(_) => "a float",
        Value::Text(_) => "a text",
        Value::Bytes(_) | Value::Pickle(_) => "bytes",
        Value::Json(_) => "JSON",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
    };
    ValueError::new("a value", found, dtype)
}

/// Zeros up to the size; too much is refused, never cut.
fn pad(out: &mut Vec<u8>, start: usize, size: Option<usize>) -> Result<(), ValueError> {
    let Some(size) = size else {
        return Ok(());
    };
    let found = out.len() - start;
    if found > size {
        return Err(ValueError::new(
            "the length of a value",
            format!("{found} bytes"),
            format!("{size} bytes at most"),
        ));
    }
    out.resize(start + size, 0);
    Ok(())
}

/// Sizes of nested lists, found while their numbers are written.
#[derive(Default)]
struct Shape {
    sizes: Vec<usize>,
    /// The innermost lists have been seen: nothing nests deeper.
    closed: bool,
}

/// The elements of nested lists, and their shape.
fn write_elements(
    element: Element,
    value: &Value,
    depth: usize,
    shape: &mut Shape,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let uneven = |found: &str, expected: String| ValueError::new("an array", found, expected);
    let Value::List(items) = value else {
        if depth != shape.sizes.len() {
            return Err(uneven(
                "a number beside a list",
                "lists of equal shape".to_owned(),
            ));
        }
        shape.closed = true;
        return write_number(element, value, Fraction::Truncated, out);
    };
    match shape.sizes.get(depth) {
        None if !shape.closed && depth < crate::value::DEPTH_MAX => {
            shape.sizes.push(items.len());
            shape.closed = items.is_empty();
        }
        Some(size) if *size == items.len() => {}
        _ => {
            return Err(uneven(
                &format!("a list of {}", items.len()),
                format!("lists of equal shape, {:?} so far", shape.sizes),
            ));
        }
    }
    items
        .iter()
        .try_for_each(|item| write_elements(element, item, depth + 1, shape, out))
}

fn write_scalar(element: Element, value: &Value, out: &mut Vec<u8>) -> Result<(), ValueError> {
    write_number(element, value, Fraction::Refused, out)
}

/// What becomes of the fraction of a float that is stored as an integer: NumPy truncates in arrays.
#[derive(Clone, Copy, PartialEq)]
enum Fraction {
    Refused,
    Truncated,
}

fn write_number(
    element: Element,
    value: &Value,
    fraction: Fraction,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let refuse = |found: &dyn std::fmt::Display| ValueError::new("a number", found, element);
    macro_rules! integer {
        ($type:ty) => {{
            let number: i128 = match value {
                Value::Bool(value) => i128::from(*value),
                Value::Int(number) => *number,
                Value::Float(number) if number.fract() == 0.0 || fraction == Fraction::Truncated => {
                    if !number.is_finite() {
                        return Err(refuse(number));
                    }
                    // Every f64 integer in range is exact here; those out of range saturate and are refused below.
                    *number as i128
                }
                Value::Float(number) => return Err(refuse(number)),
                other => return Err(mismatch(&DType::Scalar(element), other)),
            };
            let number = <$type>::try_from(number).map_err(|_| refuse(&number))?;
            out.extend_from_slice(&number.to_le_bytes());
        }};
    }
    let float = || match value {
        Value::Bool(value) => Ok(f64::from(u8::from(*value))),
        Value::Int(number) => Ok(*number as f64),
        Value::Single(number) => Ok(f64::from(*number)),
        Value::Float(number) => Ok(*number),
        other => Err(mismatch(&DType::Scalar(element), other)),
    };
    match element {
        Element::Bool => match value {
            Value::Bool(value) => out.push(u8::from(*value)),
            Value::Int(number @ (0 | 1)) => out.push(u8::from(*number == 1)),
            other => return Err(mismatch(&DType::Scalar(element), other)),
        },
        Element::I8 => integer!(i8),
        Element::I16 => integer!(i16),
        Element::I32 => integer!(i32),
        Element::I64 => integer!(i64),
        Element::U8 => integer!(u8),
        Element::U16 => integer!(u16),
        Element::U32 => integer!(u32),
        Element::U64 => integer!(u64),
        Element::F16 => out.extend_from_slice(&half::f16::from_f64(float()?).to_le_bytes()),
        Element::F32 => out.extend_from_slice(&(float()? as f32).to_le_bytes()),
        Element::F64 => out.extend_from_slice(&float()?.to_le_bytes()),
    }
    Ok(())
}
