//! `vec0` tables of sqlite-vec, read and written through the ordinary tables behind them, without the extension.

mod scan;
mod write;

pub use scan::{Vec0Batch, Vec0BatchColumn, Vec0Scan};
pub use write::{NewVector, Vectors, create_vectors, drop_vectors};
