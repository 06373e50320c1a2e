//! Vectors out of any file that holds some, block by block.

mod array;
mod column;
mod numbers;
mod values;

use std::path::Path;

use ogive_npy::Format as ArrayFormat;

pub use array::ArrayWriter;
pub use column::{element_count, element_type};
pub use numbers::is_bare_numbers;
pub use values::{DType, Values};

use crate::cli::bytes::extension_of;
use crate::cli::error::{Failure, Result};

/// Bytes that are read, or decoded, at a time: enough to be fast, little enough to stop soon.
pub const BLOCK_BYTES: usize = 4 << 20;

/// A file of vectors that is read from front to back.
pub enum Vectors {
    /// `.npy`, `.fvecs`, `.bvecs`, `.ivecs`.
    Array(array::ArrayVectors),
    /// Text of numbers, a row a line.
    Numbers(numbers::NumberLines),
    /// A column of anything that SQL reads.
    Column(column::ColumnVectors),
}

impl Vectors {
    /// Opens a file by its extension. `column` names the column to read where there are columns.
    pub async fn open(name: &str, column: Option<&str>) -> Result<Self> {
        let extension = extension_of(name);
        let array = ArrayFormat::from_extension(&extension);
        let is_text = matches!(extension.as_str(), "csv" | "tsv");
        if let (Some(column), true) = (column, array.is_some() || is_text) {
            return Err(Failure::Wrong(format!(
                "--column {column}: {name} has no named columns of vectors"
            )));
        }
        if let Some(format) = array {
            return Ok(Self::Array(array::ArrayVectors::open(name, format).await?));
        }
        if is_text {
            let delimiter = if extension == "tsv" { '\t' } else { ',' };
            return Ok(Self::Numbers(numbers::NumberLines::open(
                Path::new(name),
                delimiter,
            )?));
        }
        Ok(Self::Column(
            column::ColumnVectors::open(name, column).await?,
        ))
    }

    /// Numbers in each row.
    pub fn dimension(&self) -> usize {
        match self {
            Self::Array(file) => file.dimension(),
            Self::Numbers(file) => file.dimension(),
            Self::Column(column) => column.dimension(),
        }
    }

    /// The type of the numbers.
    pub fn dtype(&self) -> DType {
        match self {
            Self::Array(file) => file.dtype(),
            Self::Numbers(_) => DType::F32,
            Self::Column(column) => column.dtype(),
        }
    }

    /// The next rows, whole ones, row after row; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Values>> {
        match self {
            Self::Array(file) => file.next().await,
            Self::Numbers(file) => file.next(),
            Self::Column(column) => column.next().await,
        }
    }

    /// Bytes of the file that have been read, and how many there are; `None` where that is not known.
    pub fn progress(&self) -> Option<(u64, u64)> {
        match self {
            Self::Array(file) => Some(file.progress()),
            Self::Numbers(file) => Some(file.progress()),
            Self::Column(_) => None,
        }
    }
}
