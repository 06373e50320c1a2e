//! Certified exact search from codes.
//!
//! A code of a tenth of a row's bytes bounds how near the row can be to a query. A search
//!
//! ```text
//! scans all codes: a lower bound of each row's distance, and an estimate          (first stage)
//! reads the 2 k rows of the best estimates exactly; the k-th best distance is the threshold
//! excludes every row whose bound lies beyond the threshold
//! bounds what is left by one byte an element, and excludes again                   (second stage)
//! reads exactly what that leaves, best bound first, lowering the threshold
//! ```
//!
//! and returns what an exact scan of all rows would, bit for bit, ties included. Why that is so is derived in `bound`,
//! where also all constants of the proof are. Where codes decide too little (large k, few rows that pass a filter, a filter
//! that keeps only far rows, queries unlike the rows) the search turns to reading the second stage, or all rows, as soon as
//! that shows.

mod allocation;
mod audit;
mod best;
mod bound;
mod build;
mod coded;
mod coding;
mod encoder;
mod file;
mod index;
mod levels;
mod measure;
mod principal;
mod query;
mod request;
mod scan;
mod search;
mod statistics;
mod trial;
mod work;

pub use audit::Audit;
pub use bound::DIMENSION_MAX;
pub use build::{BuildOptions, build, build_file};
pub use file::{MappedFile, Published, Sink, Source, publish, replace};
pub use index::FlatIndex;
pub use measure::Measure;
pub use request::{Found, RangeSearch, Scratch, Search};
pub use statistics::Statistics;
