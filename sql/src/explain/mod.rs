//! What EXPLAIN adds to DataFusion's.

mod decisions;
mod frame;
mod short_lists;

pub(crate) use frame::explain_frame;
pub use short_lists::with_short_lists;
