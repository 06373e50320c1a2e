//! What a file holds: version, columns, their types and compressions.

use std::fmt;
use std::str::FromStr;

/// File version, which decides the preamble and the record prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// Without a version field; records have no checksum.
    V0,
    /// Single-column files with checksums.
    V1 {
        /// Minor version; 0 in all known files.
        minor: u16,
    },
    /// Columnar files with checksums.
    V2 {
        /// Minor version; 0 in all known files.
        minor: u16,
    },
}

impl Version {
    /// Bytes before a record's payload: its length, and from v1.0 on its CRC-32.
    pub fn record_prefix_bytes(self) -> u64 {
        match self {
            Version::V0 => 4,
            Version::V1 { .. } | Version::V2 { .. } => 8,
        }
    }

    /// Whether records carry a CRC-32.
    pub fn has_checksums(self) -> bool {
        self != Version::V0
    }

    /// Where the header's JSON starts.
    pub(crate) fn header_start(self) -> u64 {
        match self {
            Version::V0 => 8,
            Version::V1 { .. } | Version::V2 { .. } => 12,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Version::V0 => formatter.write_str("0.x"),
            Version::V1 { minor } => write!(formatter, "1.{minor}"),
            Version::V2 { minor } => write!(formatter, "2.{minor}"),
        }
    }
}

/// How values become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// IEEE binary16; 2 bytes a value.
    Fp16,
    /// One byte a value, with a minimum and a scale for each chunk.
    Int8,
    /// Byte planes with dictionaries; every bit of the `f32` comes back. Single-column files only.
    Lossless,
    /// The values' own bytes in the column's type. Columnar files only.
    None,
}

impl Compression {
    /// All of them.
    pub const ALL: [Compression; 4] = [Self::Fp16, Self::Int8, Self::Lossless, Self::None];

    /// The name in headers.
    pub fn name(self) -> &'static str {
        match self {
            Compression::Fp16 => "fp16",
            Compression::Int8 => "int8",
            Compression::Lossless => "lossless",
            Compression::None => "none",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A word that names no compression or number type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{found}' is not one of {expected}")]
pub struct UnknownName {
    /// The word.
    pub found: String,
    /// The words there are.
    pub expected: &'static str,
}

impl FromStr for Compression {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|compression| compression.name() == name)
            .ok_or_else(|| UnknownName {
                found: name.to_owned(),
                expected: "fp16, int8, lossless, none",
            })
    }
}

/// Number type of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DType {
    /// IEEE binary32
    Float32,
    /// IEEE binary16
    Float16,
    /// 32-bit signed integer
    Int32,
    /// 64-bit signed integer
    Int64,
    /// 8-bit signed integer
    Int8,
    /// 8-bit unsigned integer
    UInt8,
}

impl DType {
    /// All of them.
    pub const ALL: [DType; 6] = [
        Self::Float32,
        Self::Float16,
        Self::Int32,
        Self::Int64,
        Self::Int8,
        Self::UInt8,
    ];

    /// The name in headers, which is NumPy's.
    pub fn name(self) -> &'static str {
        match self {
            DType::Float32 => "float32",
            DType::Float16 => "float16",
            DType::Int32 => "int32",
            DType::Int64 => "int64",
            DType::Int8 => "int8",
            DType::UInt8 => "uint8",
        }
    }

    /// Bytes of one number.
    pub fn width(self) -> usize {
        match self {
            DType::Int64 => 8,
            DType::Float32 | DType::Int32 => 4,
            DType::Float16 => 2,
            DType::Int8 | DType::UInt8 => 1,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for DType {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|dtype| dtype.name() == name)
            .ok_or_else(|| UnknownName {
                found: name.to_owned(),
                expected: "float32, float16, int32, int64, int8, uint8",
            })
    }
}

/// One column. The only column of a single-column file is called [`SINGLE_COLUMN`] and is `float32`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Unique in the file.
    pub name: String,
    /// Type of the values before compression.
    pub dtype: DType,
    /// Numbers in a row.
    pub dimension: usize,
    /// How the values are stored.
    pub compression: Compression,
}

/// Name given to the column of single-column files, which have none of their own.
pub const SINGLE_COLUMN: &str = "vector";

impl Column {
    /// The type that values decode to: `dtype` without compression, else `Float32`.
    pub fn stored_dtype(&self) -> DType {
        match self.compression {
            Compression::None => self.dtype,
            _ => DType::Float32,
        }
    }
}
