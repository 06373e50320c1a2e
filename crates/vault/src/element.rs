//! The number types of arrays and columns.

use std::fmt;

/// Type of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the Rust type of its name")]
pub enum Element {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    F32,
    F64,
}

impl Element {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Bool,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::F16,
        Self::F32,
        Self::F64,
    ];

    /// The short name, as dtypes have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// The element of a short name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|element| element.name() == name)
    }

    /// The element of a short name or of NumPy's (`float32`), as arrays have it.
    pub(crate) fn of_array_name(name: &str) -> Option<Self> {
        let long = [
            ("float32", Self::F32),
            ("float64", Self::F64),
            ("int8", Self::I8),
            ("int16", Self::I16),
            ("int32", Self::I32),
            ("int64", Self::I64),
            ("uint8", Self::U8),
            ("uint16", Self::U16),
            ("uint32", Self::U32),
            ("uint64", Self::U64),
        ];
        long.into_iter()
            .find_map(|(long, element)| (long == name).then_some(element))
            .or_else(|| Self::of_name(name))
    }

    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 | Self::F16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// The type byte of packed arrays; `bool` and `f16` have none.
    pub fn code(self) -> Option<u8> {
        Some(match self {
            Self::F32 => 0x01,
            Self::F64 => 0x02,
            Self::I32 => 0x03,
            Self::I64 => 0x04,
            Self::U8 => 0x05,
            Self::U16 => 0x06,
            Self::U32 => 0x07,
            Self::U64 => 0x08,
            Self::I8 => 0x09,
            Self::I16 => 0x0A,
            Self::Bool | Self::F16 => return None,
        })
    }

    /// The element of a type byte.
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|element| element.code() == Some(code))
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
