//! Vectors in Parquet files, read from their pages without decoding lists.

mod null_counts;
mod pages;
mod reader;
mod search;
mod vectors;

pub use null_counts::known_statistics;
pub use reader::with_careful_readers;
pub use search::ParquetSearch;
pub use vectors::ParquetVectors;
