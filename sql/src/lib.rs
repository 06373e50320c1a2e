//! The one front end: every door (library, command, servers) gives its text to a [`Session`].
//!
//! - [`SessionBuilder`] makes a [`Session`]: parse, plan, run.
//! - [`register_all`] puts the same tables, functions and rules into a DataFusion session of the
//!   caller's; [`enable_paths`] makes quoted paths tables there.
//! - [`parse`] reads a script: PostgreSQL's syntax, DataFusion's own statements beside it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod catalog;
mod commands;
mod dml;
mod exec;
mod explain;
mod knn_join;
mod object_stores;
mod parser;
mod planner;
mod rules;
mod session;
mod settings;
mod statement;
mod types;

pub use catalog::{enable_paths, register_vault};
pub use exec::{KnnJoinExec, PageCodecExec, VectorTopKExec};
pub use explain::with_short_lists;
pub use knn_join::{KnnJoinPlanner, KnnJoinRule, PushFilterIntoKnnJoin};
pub use object_stores::{
    LazyObjectStores, StoreFailure, StoreOptions, store_failure, store_with_options,
    take_store_options,
};
pub use ogive_udfs::{schema_as_text, vectors_as_text};
pub use parser::{Statement, parse};
pub use planner::OgiveQueryPlanner;
pub use session::{ErrorFields, Session, SessionBuilder, register_all, shortened};
pub use settings::{HnswOptions, IvfflatOptions};
