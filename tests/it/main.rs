//! The one integration binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod cli;
mod data_changes;
mod datafusion_slt;
mod differential;
mod examples;
mod generated;
mod imports;
mod in_subqueries;
mod indexes;
mod knn_join;
mod modules;
mod operators;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "s3")]
mod s3_server;
mod shared_rows;
mod slt;
mod vaults;
