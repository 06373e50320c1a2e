//! Vectors in Parquet files, read from their pages without decoding lists.

mod pages;
mod search;
mod vectors;

pub use search::ParquetSearch;
pub use vectors::ParquetVectors;
