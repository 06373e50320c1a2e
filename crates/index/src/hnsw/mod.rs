//! Hierarchical navigable small worlds (Malkov and Yashunin 2016): an approximate index for tables that stay in memory.
//!
//! A graph finds *most* of the nearest rows; whoever wants all of them takes [`flat`](crate::flat). What it returns has exact
//! values, in the exact order, and always as many rows as match: a filter is applied inside the traversal, which widens until
//! enough rows are found and becomes an exact scan of the matching rows when it would otherwise not end.
//!
//! ```
//! use ogive_index::MemoryRows;
//! use ogive_index::flat::Measure;
//! use ogive_index::hnsw::{HnswIndex, HnswOptions, HnswSearch};
//! use ogive_kernels::{Metric, Query, Rows};
//!
//! let vectors = [0.0_f32, 0.0, 3.0, 4.0, 1.0, 0.0];
//! let rows = MemoryRows::new(Rows::from_f32(&vectors, 2)?);
//! let index = HnswIndex::build(&rows, &HnswOptions::new(Measure::L2))?;
//! let query = Query::new(Metric::L2, &[0.0, 0.0]);
//! let found = index.search(&HnswSearch::new(&query, 2), &rows)?;
//! assert_eq!(found.rows, [(0, Some(0.0)), (2, Some(1.0))]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The build is the same for any number of threads: rows are inserted in batches whose size follows from how many rows there
//! are; a batch searches the graph as it was before the batch, and its links are added in the order of the rows.

mod build;
mod file;
mod graph;
mod index;
mod search;
mod traversal;

#[cfg(test)]
mod tests;

pub use build::HnswOptions;
pub use file::AlignedBytes;
pub use index::HnswIndex;
pub use search::{HnswFound, HnswSearch};
