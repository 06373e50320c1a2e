//! The file formats that this crate reads.

use std::fmt;

use crate::DType;

/// A file format, told by the file's extension: the TexMex formats have no magic bytes to tell them by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// NumPy's array file: a header, then the values of all rows.
    Npy,
    /// TexMex rows of `f32`: each row is its dimension as a little-endian `i32`, then its values.
    Fvecs,
    /// TexMex rows of `u8`.
    Bvecs,
    /// TexMex rows of `i32`.
    Ivecs,
}

impl Format {
    /// The format of files with this extension (no dot, any case), or `None` for an extension of something else.
    pub fn from_extension(extension: &str) -> Option<Format> {
        [Format::Npy, Format::Fvecs, Format::Bvecs, Format::Ivecs]
            .into_iter()
            .find(|format| extension.eq_ignore_ascii_case(format.extension()))
    }

    /// The extension of files in this format, in lower case and without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Npy => "npy",
            Format::Fvecs => "fvecs",
            Format::Bvecs => "bvecs",
            Format::Ivecs => "ivecs",
        }
    }

    /// The value type that the format fixes; `None` for `.npy`, whose header says.
    pub(crate) fn row_dtype(self) -> Option<DType> {
        match self {
            Format::Npy => None,
            Format::Fvecs => Some(DType::F32),
            Format::Bvecs => Some(DType::U8),
            Format::Ivecs => Some(DType::I32),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}
