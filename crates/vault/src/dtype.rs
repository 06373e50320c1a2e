//! Types of columns and of packed values, by their names in the file.

use std::fmt;

use crate::element::Element;
use crate::error::ValueError;
use crate::text_encoding::TextEncoding;

/// Longest row, element or block of a column: 512 MiB.
pub const ROW_BYTES_MAX: usize = 512 << 20;

/// A dtype.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DType {
    /// One number or truth value: `i64`.
    Scalar(Element),
    /// An array of a fixed shape: `vec:f32:3`, `vec:f64:2:2`.
    FixedVector {
        /// Type of its elements.
        element: Element,
        /// Sizes of its dimensions; at least one.
        shape: Vec<usize>,
    },
    /// An array of any shape: `vec:f32`.
    Vector(Element),
    /// Bytes, of a fixed size where there is one: `bytes`, `bytes:16`.
    Bytes(Option<usize>),
    /// A text, padded with NULs to a fixed size where there is one: `str`, `str:latin1`, `str:32:utf16le`.
    Text {
        /// How it is stored.
        encoding: TextEncoding,
        /// Bytes of every row.
        size: Option<usize>,
    },
    /// A MessagePack value, padded where there is a size.
    MsgPack(Option<usize>),
    /// A CBOR value, padded where there is a size.
    Cbor(Option<usize>),
}

impl DType {
    /// The type of a name.
    pub fn parse(name: &str) -> Result<Self, ValueError> {
        let unknown = || {
            ValueError::new(
                "a dtype",
                format!("'{name}'"),
                "bool, i8 to i64, u8 to u64, f16 to f64, vec:T[:n..], bytes[:n], str[:n][:encoding], msgpack[:n] or cbor[:n]",
            )
        };
        let (base, parameters) = match name.split_once(':') {
            Some((base, parameters)) => (base, Some(parameters)),
            None => (name, None),
        };
        let size = |text: &str| -> Result<usize, ValueError> {
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(unknown());
            }
            text.parse()
                .ok()
                .filter(|&size| size <= ROW_BYTES_MAX)
                .ok_or_else(|| {
                    ValueError::new(
                        "the size of a dtype",
                        format!("'{name}'"),
                        "512 MiB at most",
                    )
                })
        };
        let optional_size = || -> Result<Option<usize>, ValueError> {
            // A size of 0 means variable.
            Ok(parameters.map(size).transpose()?.filter(|&size| size > 0))
        };
        let dtype = match base {
            "bytes" => Self::Bytes(optional_size()?),
            "msgpack" | "messagepack" => Self::MsgPack(optional_size()?),
            "cbor" => Self::Cbor(optional_size()?),
            "str" | "string" => {
                let parts: Vec<&str> = parameters
                    .map(|p| p.split(':').collect())
                    .unwrap_or_default();
                let encoding = |name: &str| TextEncoding::of_name(name).ok_or_else(unknown);
                let is_size = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
                match parts.as_slice() {
                    [] => Self::Text {
                        encoding: TextEncoding::Utf8,
                        size: None,
                    },
                    [length] if is_size(length) => Self::Text {
                        encoding: TextEncoding::Utf8,
                        size: Some(size(length)?).filter(|&size| size > 0),
                    },
                    [name] => Self::Text {
                        encoding: encoding(name)?,
                        size: None,
                    },
                    [length, name] => Self::Text {
                        encoding: encoding(name)?,
                        size: Some(size(length)?).filter(|&size| size > 0),
                    },
                    _ => return Err(unknown()),
                }
            }
            "vec" | "vector" => {
                let mut parts = parameters.ok_or_else(unknown)?.split(':');
                let element = parts
                    .next()
                    .and_then(Element::of_array_name)
                    .ok_or_else(unknown)?;
                let shape: Vec<usize> = parts.map(size).collect::<Result<_, _>>()?;
                if shape.contains(&0) {
                    return Err(unknown());
                }
                if shape.is_empty() {
                    element.code().ok_or_else(unknown)?;
                    Self::Vector(element)
                } else {
                    Self::FixedVector { element, shape }
                }
            }
            scalar if parameters.is_none() => {
                Self::Scalar(Element::of_name(scalar).ok_or_else(unknown)?)
            }
            _ => return Err(unknown()),
        };
        if dtype
            .row_bytes(false)
            .is_some_and(|bytes| bytes > ROW_BYTES_MAX)
        {
            return Err(ValueError::new(
                "the size of a dtype",
                format!("'{name}'"),
                "512 MiB at most",
            ));
        }
        Ok(dtype)
    }

    /// Bytes of every row, `None` where rows differ. `tagged` arrays of a fixed shape start with their type byte, as in
    /// columns of releases before 1.0.
    pub fn row_bytes(&self, tagged: bool) -> Option<usize> {
        match self {
            Self::Scalar(element) => Some(element.size()),
            Self::FixedVector { element, shape } => Some(
                shape
                    .iter()
                    .fold(element.size(), |product, &size| {
                        product.saturating_mul(size)
                    })
                    .saturating_add(usize::from(tagged)),
            ),
            Self::Vector(_) => None,
            Self::Bytes(size) | Self::MsgPack(size) | Self::Cbor(size) => *size,
            Self::Text { size, .. } => *size,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sized = |f: &mut fmt::Formatter<'_>, base: &str, size: &Option<usize>| match size {
            Some(size) => write!(f, "{base}:{size}"),
            None => f.write_str(base),
        };
        match self {
            Self::Scalar(element) => element.fmt(f),
            Self::FixedVector { element, shape } => {
                write!(f, "vec:{element}")?;
                shape.iter().try_for_each(|size| write!(f, ":{size}"))
            }
            Self::Vector(element) => write!(f, "vec:{element}"),
            Self::Bytes(size) => sized(f, "bytes", size),
            Self::MsgPack(size) => sized(f, "msgpack", size),
            Self::Cbor(size) => sized(f, "cbor", size),
            Self::Text { encoding, size } => {
                sized(f, "str", size)?;
                match encoding {
                    TextEncoding::Utf8 => Ok(()),
                    other => write!(f, ":{other}"),
                }
            }
        }
    }
}
