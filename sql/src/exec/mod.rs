//! Physical operators.

mod deferred;
mod held_rows;
mod knn_join;
mod page_codec;
mod planned;
mod rate;
mod staged_files;
mod vector_top_k;

pub(crate) use deferred::DeferredExec;
pub use knn_join::KnnJoinExec;
pub(crate) use knn_join::{KnnJoin, describe};
pub use page_codec::PageCodecExec;
pub(crate) use page_codec::{PAGE_FUNCTIONS, call_name};
pub(crate) use planned::{PlannedPlanner, planned_frame};
pub(crate) use staged_files::StagedSinks;
pub use vector_top_k::VectorTopKExec;
