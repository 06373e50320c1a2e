//! Value types, and the `descr` words that name them in `.npy` headers.

use std::fmt;

/// The type of every value in an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DType {
    /// IEEE 754 binary64.
    F64,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary16.
    F16,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 16 bits.
    I16,
    /// Unsigned, 16 bits.
    U16,
    /// Signed, 32 bits.
    I32,
    /// Unsigned, 32 bits.
    U32,
    /// Signed, 64 bits.
    I64,
    /// Unsigned, 64 bits.
    U64,
    /// One byte; zero is false.
    Bool,
}

impl DType {
    /// Bytes per value.
    pub fn width(self) -> usize {
        match self {
            DType::I8 | DType::U8 | DType::Bool => 1,
            DType::F16 | DType::I16 | DType::U16 => 2,
            DType::F32 | DType::I32 | DType::U32 => 4,
            DType::F64 | DType::I64 | DType::U64 => 8,
        }
    }

    /// NumPy's name of the type in little-endian byte order, as in `'<f4'`.
    pub(crate) fn descr(self) -> &'static str {
        match self {
            DType::F64 => "<f8",
            DType::F32 => "<f4",
            DType::F16 => "<f2",
            DType::I8 => "|i1",
            DType::U8 => "|u1",
            DType::I16 => "<i2",
            DType::U16 => "<u2",
            DType::I32 => "<i4",
            DType::U32 => "<u4",
            DType::I64 => "<i8",
            DType::U64 => "<u8",
            DType::Bool => "|b1",
        }
    }

    /// Reads a `descr` word: the type, and whether its bytes are big-endian (never for one-byte types).
    ///
    /// `=`, `|` and no mark mean "the writer's own order" to NumPy; such files come from little-endian machines, and
    /// reading them as anything else would make the answer depend on where the reader runs.
    ///
    /// The error says what the word means, for the message that refuses it.
    pub(crate) fn from_descr(word: &str) -> Result<(DType, bool), &'static str> {
        let (big_endian, code) = match word.split_at_checked(1) {
            Some((">", code)) => (true, code),
            Some(("<" | "=" | "|", code)) => (false, code),
            _ => (false, word),
        };
        let dtype = match code {
            "f8" => DType::F64,
            "f4" => DType::F32,
            "f2" => DType::F16,
            "i1" => DType::I8,
            "u1" => DType::U8,
            "i2" => DType::I16,
            "u2" => DType::U16,
            "i4" => DType::I32,
            "u4" => DType::U32,
            "i8" => DType::I64,
            "u8" => DType::U64,
            "b1" => DType::Bool,
            _ => return Err(meaning(code)),
        };
        Ok((dtype, big_endian && dtype.width() > 1))
    }
}

/// What NumPy means by a type code that we do not read.
fn meaning(code: &str) -> &'static str {
    match code.chars().next() {
        Some('O') => "pickled Python objects",
        Some('S' | 'a') => "byte strings",
        Some('U') => "text",
        Some('V') => "raw bytes, as structures and bfloat16 are stored",
        Some('c') => "complex numbers",
        Some('M') => "dates",
        Some('m') => "time spans",
        Some('f') => "floats of a width that is not read here",
        Some('i' | 'u') => "integers of a width that is not read here",
        _ => "a type that is not known here",
    }
}

impl fmt::Display for DType {
    /// NumPy's long name: `float32`, `uint8`, `bool`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DType::F64 => "float64",
            DType::F32 => "float32",
            DType::F16 => "float16",
            DType::I8 => "int8",
            DType::U8 => "uint8",
            DType::I16 => "int16",
            DType::U16 => "uint16",
            DType::I32 => "int32",
            DType::U32 => "uint32",
            DType::I64 => "int64",
            DType::U64 => "uint64",
            DType::Bool => "bool",
        })
    }
}
