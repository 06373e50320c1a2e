//! Physical operators.

mod held_rows;
mod knn_join;
mod page_codec;
mod rate;
mod vector_top_k;

pub(crate) use knn_join::KnnJoin;
pub use knn_join::KnnJoinExec;
pub use page_codec::PageCodecExec;
pub(crate) use page_codec::{PAGE_FUNCTIONS, call_name};
pub use vector_top_k::VectorTopKExec;
