//! The file formats that are scanned here, and how each is opened.

use std::fmt;
use std::sync::Arc;

use datafusion_common::Result;
use ogive_npy::Format;

use crate::cvc::CvcFile;
use crate::npy::NpyFile;
use crate::scan::bytes::{FileBytes, ReadCost};
use crate::scan::file::ArrayFile;

/// A format of vector files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// Compressed vector columns: `.cvc`.
    Cvc,
    /// NumPy arrays: `.npy`.
    Npy,
    /// TexMex float vectors: `.fvecs`.
    Fvecs,
    /// TexMex byte vectors: `.bvecs`.
    Bvecs,
    /// TexMex integer vectors: `.ivecs`.
    Ivecs,
}

impl FileKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Cvc, Self::Npy, Self::Fvecs, Self::Bvecs, Self::Ivecs];

    /// File extension without the dot; also the name in `EXPLAIN` and, upper case, in
    /// `STORED AS`.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Cvc => "cvc",
            Self::Npy => "npy",
            Self::Fvecs => "fvecs",
            Self::Bvecs => "bvecs",
            Self::Ivecs => "ivecs",
        }
    }

    /// The kind of a file by its extension, any case.
    pub fn from_extension(extension: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.extension().eq_ignore_ascii_case(extension))
    }

    /// Reads what must be known before the first row: the header, and for `lossless` CVC files
    /// without offsets the length of every record.
    pub async fn read_layout(
        self,
        name: &str,
        file_bytes: u64,
        bytes: &FileBytes,
    ) -> Result<(Arc<dyn ArrayFile>, ReadCost)> {
        let format = match self {
            Self::Cvc => {
                let (file, cost) = CvcFile::read(name, file_bytes, bytes).await?;
                return Ok((Arc::new(file), cost));
            }
            Self::Npy => Format::Npy,
            Self::Fvecs => Format::Fvecs,
            Self::Bvecs => Format::Bvecs,
            Self::Ivecs => Format::Ivecs,
        };
        let (file, cost) = NpyFile::read(name, format, file_bytes, bytes).await?;
        Ok((Arc::new(file), cost))
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}
