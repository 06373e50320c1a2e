//! Vectors in Parquet files, read from their pages without decoding lists.

mod levels;
mod pages;
mod search;
#[cfg(test)]
mod tests;
mod vectors;

pub use search::ParquetSearch;
pub use vectors::ParquetVectors;
