//! Rules that this front end adds to DataFusion's.

mod cast_vectors;
mod copy_target;
mod csv_copy;
mod gather_page_calls;
mod guard_distances;
mod in_with_nulls;
mod key_once;
mod not_in_constant;
mod physical_top_k;
mod texts_in_scan;
mod vector_top_k;
mod wrapper;

pub use cast_vectors::CastVectors;
pub(crate) use csv_copy::vectors_as_texts;
pub use gather_page_calls::GatherPageCalls;
pub use guard_distances::GuardDistances;
pub use in_with_nulls::InWithNulls;
pub use not_in_constant::NotInConstant;
pub use physical_top_k::PhysicalTopK;
pub(crate) use physical_top_k::{arguments, below, file_scan};
pub use texts_in_scan::TextsInScan;
pub use vector_top_k::VectorTopK;
pub(crate) use vector_top_k::is_marked;
pub(crate) use wrapper::{Key, strip};
