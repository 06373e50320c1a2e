//! Measures of ogive, as the program `ogive-bench` takes them.
//!
//! [`make_data`] writes the files that everything reads; [`scan`], [`top_k`], [`knn_join`], [`overhead`] and [`memory`] are the
//! measures, [`bandwidth`] is what the machine can do at best. Each checks its answer before it is timed and gives
//! [`Figure`]s, which print as one line of JSON each. Other engines are measured in the same run by `compare.py`, which
//! puts them beside these figures: a time alone says little, so ratios are what is printed.
//!
//! What it is not: a library. Nothing depends on this package.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bandwidth;
mod data;
mod engine;
mod figure;
mod knn_join;
mod memory;
mod nearest;
mod noise;
mod npy;
mod overhead;
mod resident;
mod scan;
mod timing;
mod top_k;

pub use bandwidth::bandwidth;
pub use data::{DataFiles, DataSize, make_data};
pub use engine::Engine;
pub use figure::{Error, Figure, Result};
pub use knn_join::knn_join;
pub use memory::memory;
pub use nearest::{Neighbours, nearest};
pub use npy::Vectors;
pub use overhead::overhead;
pub use resident::{Peak, Resident, while_watched};
pub use scan::scan;
pub use timing::{Runs, Spread, measure};
pub use top_k::top_k;
