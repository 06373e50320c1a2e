//! The one front end: every door (library, command, servers) gives its text to a [`Session`].
//!
//! - [`SessionBuilder`] makes a [`Session`]: parse, plan, run.
//! - [`register_all`] puts the same tables, functions and rules into a DataFusion session of the
//!   caller's; [`enable_paths`] makes quoted paths tables there.
//! - [`parse`] reads a script: PostgreSQL's syntax, DataFusion's own statements beside it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bound_distances;
mod casts;
mod constant_arrays;
mod copy_target;
mod csv_copy;
mod decisions;
mod dialect;
mod error;
mod exec;
mod explain;
mod knn_join;
mod object_stores;
mod operators;
mod order_by_arrays;
mod other_dialects;
mod parser;
mod prepared;
mod query_recall;
mod register;
mod rewrite;
mod rules;
mod search_options;
mod search_plan;
mod sequences;
mod session;
mod settings;
mod staged_copy;
mod tables;
mod tokens;
mod types;
mod values;
mod vector_search;
mod writes;

pub use error::{ErrorFields, shortened};
pub use exec::{KnnJoinExec, VectorTopKExec};
pub use explain::with_short_lists;
pub use knn_join::{KnnJoinPlanner, KnnJoinQueryPlanner, KnnJoinRule, PushFilterIntoKnnJoin};
pub use object_stores::{
    LazyObjectStores, StoreFailure, StoreOptions, store_failure, store_with_options,
    take_store_options,
};
pub use ogive_udfs::{schema_as_text, vectors_as_text};
pub use parser::{Statement, parse};
pub use register::register_all;
pub use search_options::{HnswOptions, IvfflatOptions};
pub use session::{Session, SessionBuilder};
pub use tables::enable_paths;
