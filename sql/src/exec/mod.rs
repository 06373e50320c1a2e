//! Physical operators.

mod held_rows;
mod vector_top_k;

pub use vector_top_k::VectorTopKExec;
