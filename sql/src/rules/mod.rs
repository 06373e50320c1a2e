//! Rules that this front end adds to DataFusion's.

mod key_once;
mod top_k_subquery;
mod vector_top_k;
mod wrapper;

pub use top_k_subquery::TopKSubquery;
pub use vector_top_k::VectorTopK;
