//! Which table a name is.

mod tables;

pub use tables::enable_paths;
pub(crate) use tables::{FileTableFactory, complete_directory, open};
