//! Indexes over vectors that lie somewhere else: they find the nearest rows while reading few bytes, and prove it.
//!
//! [`flat`] is **certified exact search from codes**: a small code of each row bounds its distance to a query from
//! below, so that only a few rows need be read exactly, and the answer is the exact scan's, bit for bit. Start at
//! [`flat::FlatIndex::build`]; [`flat::FlatIndex::search`] takes the rows themselves as [`ExactRows`].
//! [`hnsw`] is a graph, approximate, for tables that stay in memory. [`manifest`] says which source an index file belongs to, and whether it is still current.
//!
//! ```
//! use ogive_index::flat::{BuildOptions, FlatIndex, Measure, Search};
//! use ogive_index::MemoryRows;
//! use ogive_kernels::{Metric, Order, Query, Rows};
//!
//! let vectors = [0.0_f32, 0.0, 3.0, 4.0, 1.0, 0.0];
//! let rows = MemoryRows::new(Rows::from_f32(&vectors, 2)?);
//! let index = FlatIndex::build(&rows, &BuildOptions::new(Measure::L2))?;
//! let query = Query::new(Metric::L2, &[0.0, 0.0]);
//! let found = index.search(&Search::new(&query, 2), &rows)?;
//! assert_eq!(found.rows, [(0, Some(0.0)), (2, Some(1.0))]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It knows nothing of Arrow, SQL or file formats of vectors: rows come through a trait.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bitmap;
mod error;
pub mod flat;
pub mod hnsw;
pub mod manifest;
mod rows;

#[cfg(test)]
mod tests;

pub use bitmap::Bitmap;
pub use error::{BuildError, FileError, SearchError};
pub use rows::{ExactRows, MemoryRows};
