//! The one front end: every door (library, command, servers) gives its text to a [`Session`].
//!
//! - [`SessionBuilder`] makes a [`Session`]: parse, plan, run.
//! - [`register_all`] puts the same tables, functions and rules into a DataFusion session of the
//!   caller's; [`enable_paths`] makes quoted paths tables there.
//! - [`parse`] reads a script: PostgreSQL's syntax, DataFusion's own statements beside it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod constant_arrays;
mod dialect;
mod exec;
mod insert;
mod object_stores;
mod parser;
mod register;
mod rules;
mod session;
mod tables;

pub use exec::VectorTopKExec;
pub use object_stores::{
    LazyObjectStores, StoreFailure, StoreOptions, store_failure, store_with_options,
    take_store_options,
};
pub use parser::{Statement, parse};
pub use register::register_all;
pub use session::{Session, SessionBuilder};
pub use tables::enable_paths;
