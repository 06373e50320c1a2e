//! Packed arrays of any shape.
//!
//! ```text
//! 0  1       type byte: 01 f32, 02 f64, 03 i32, 04 i64, 05 u8, 06 u16, 07 u32, 08 u64, 09 i8, 0A i16
//! 1  1       number of dimensions
//! 2  4*ndim  u32 sizes
//!    ..      elements, row-major, little-endian
//! ```

use crate::element::Element;
use crate::error::ValueError;
use crate::value::Value;

/// An array: its element type, shape, and elements as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedArray<'a> {
    /// Type of the elements.
    pub element: Element,
    /// Sizes of the dimensions, outermost first.
    pub shape: Vec<u32>,
    /// The elements, little-endian, row-major.
    pub data: &'a [u8],
}

/// Reads the array at the start of `bytes`; gives it and the bytes after it.
pub fn split_array(bytes: &[u8]) -> Result<(PackedArray<'_>, &[u8]), ValueError> {
    let short = |expected: usize| {
        ValueError::new(
            "a packed array",
            format!("{} bytes", bytes.len()),
            format!("{expected} bytes"),
        )
    };
    let [code, dimensions, rest @ ..] = bytes else {
        return Err(short(2));
    };
    let element = Element::of_code(*code).ok_or_else(|| {
        ValueError::new(
            "the type byte of a packed array",
            format!("{code:#04x}"),
            "0x01 to 0x0a",
        )
    })?;
    let sizes_bytes = usize::from(*dimensions) * 4;
    let (sizes, rest) = rest
        .split_at_checked(sizes_bytes)
        .ok_or_else(|| short(2 + sizes_bytes))?;
    let shape: Vec<u32> = sizes
        .chunks_exact(4)
        .map(|size| u32::from_le_bytes([size[0], size[1], size[2], size[3]]))
        .collect();
    let data_bytes = shape
        .iter()
        .try_fold(element.size(), |product, &size| {
            product.checked_mul(usize::try_from(size).ok()?)
        })
        .filter(|_| shape.iter().all(|&size| size < u32::MAX) || rest.is_empty());
    let (data, rest) = data_bytes
        .and_then(|data_bytes| rest.split_at_checked(data_bytes))
        .ok_or_else(|| {
            ValueError::new(
                "a packed array",
                format!("{} bytes", bytes.len()),
                format!("the elements of shape {shape:?}"),
            )
        })?;
    Ok((
        PackedArray {
            element,
            shape,
            data,
        },
        rest,
    ))
}

/// Reads `bytes` as one array and nothing else.
pub fn read_array(bytes: &[u8]) -> Result<PackedArray<'_>, ValueError> {
    let (array, rest) = split_array(bytes)?;
    if rest.is_empty() {
        return Ok(array);
    }
    Err(ValueError::new(
        "the length of a packed array",
        format!("{} bytes", bytes.len()),
        format!(
            "{} bytes for shape {:?}",
            bytes.len() - rest.len(),
            array.shape
        ),
    ))
}

/// Appends an array as packed bytes.
pub fn write_array(
    element: Element,
    shape: &[u32],
    data: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let code = element.code().ok_or_else(|| {
        ValueError::new(
            "the element type of a packed array",
            element,
            "f32, f64 or an integer",
        )
    })?;
    let dimensions = u8::try_from(shape.len())
        .map_err(|_| ValueError::new("the number of dimensions", shape.len(), "255 at most"))?;
    let wanted = shape.iter().try_fold(element.size(), |product, &size| {
        product.checked_mul(usize::try_from(size).ok()?)
    });
    if wanted != Some(data.len()) {
        return Err(ValueError::new(
            "the elements of an array",
            format!("{} bytes", data.len()),
            format!("those of shape {shape:?}"),
        ));
    }
    out.push(code);
    out.push(dimensions);
    for size in shape {
        out.extend_from_slice(&size.to_le_bytes());
    }
    out.extend_from_slice(data);
    Ok(())
}

impl PackedArray<'_> {
    /// The elements as values, one after the other.
    pub fn elements(&self) -> impl Iterator<Item = Value> + '_ {
        let element = self.element;
        self.data
            .chunks_exact(element.size())
            .map(move |bytes| number(element, bytes))
    }

    /// Nested lists; an array without dimensions is a list of its one element, as the package gives it back.
    pub fn to_value(&self) -> Value {
        // A size of zero ends the nesting: lists of nothing take no bytes, so a small payload could name billions of them.
        let depth = match self.shape.iter().position(|&size| size == 0) {
            Some(empty) => empty + 1,
            None => self.shape.len(),
        };
        let mut elements: Vec<Value> = self.elements().collect();
        if elements.is_empty() {
            return empty_lists(self.shape.get(..depth).unwrap_or(&[]));
        }
        for &size in self.shape.iter().skip(1).rev() {
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let mut lists = Vec::with_capacity(elements.len() / size.max(1));
            let mut rest = elements.into_iter();
            loop {
                let list: Vec<Value> = rest.by_ref().take(size).collect();
                if list.is_empty() {
                    break;
                }
                lists.push(Value::List(list));
            }
            elements = lists;
        }
        Value::List(elements)
    }
}

/// The lists around nothing: at most this many are written out.
const EMPTY_LISTS_MAX: usize = 65_536;

fn empty_lists(shape: &[u32]) -> Value {
    let mut value = Value::List(Vec::new());
    let mut written = 1_usize;
    let outer = shape.len().saturating_sub(1);
    for &size in shape.iter().take(outer).rev() {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        written = written.saturating_mul(size);
        if written > EMPTY_LISTS_MAX {
            return Value::List(Vec::new());
        }
        value = Value::List(vec![value; size]);
    }
    value
}

/// One number of its little-endian bytes.
pub(crate) fn number(element: Element, bytes: &[u8]) -> Value {
    fn take<const N: usize>(bytes: &[u8]) -> [u8; N] {
        let mut taken = [0; N];
        for (to, from) in taken.iter_mut().zip(bytes) {
            *to = *from;
        }
        taken
    }
    match element {
        Element::Bool => Value::Bool(take::<1>(bytes) != [0]),
        Element::I8 => Value::Int(i8::from_le_bytes(take(bytes)).into()),
        Element::I16 => Value::Int(i16::from_le_bytes(take(bytes)).into()),
        Element::I32 => Value::Int(i32::from_le_bytes(take(bytes)).into()),
        Element::I64 => Value::Int(i64::from_le_bytes(take(bytes)).into()),
        Element::U8 => Value::Int(u8::from_le_bytes(take(bytes)).into()),
        Element::U16 => Value::Int(u16::from_le_bytes(take(bytes)).into()),
        Element::U32 => Value::Int(u32::from_le_bytes(take(bytes)).into()),
        Element::U64 => Value::Int(u64::from_le_bytes(take(bytes)).into()),
        Element::F16 => Value::Float(half::f16::from_le_bytes(take(bytes)).to_f64()),
        Element::F32 => Value::Single(f32::from_le_bytes(take(bytes))),
        Element::F64 => Value::Float(f64::from_le_bytes(take(bytes))),
    }
}
