//! Physical operators.

mod held_rows;
mod knn_join;
mod vector_top_k;

pub(crate) use knn_join::KnnJoin;
pub use knn_join::KnnJoinExec;
pub use vector_top_k::VectorTopKExec;
