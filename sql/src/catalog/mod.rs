//! Which table a name is.

mod attached;
mod tables;

pub use attached::register_vault;
pub(crate) use attached::{Catalogs, MAIN, complete_main};
pub use tables::enable_paths;
pub(crate) use tables::{FileTableFactory, complete_directory, open};
