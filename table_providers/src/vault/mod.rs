//! SQLite databases as catalogs: the stores of the package `kohakuvault` by schema, and everything else in `main`.
//!
//! [`open_vault`] gives the catalog. Names are looked up in the file each time they are asked for. A scan reads over
//! connections of its own, in blocking tasks, and all scans of a statement see the file as of one moment
//! (`snapshot`). Filters that mean the same in SQLite, or choose rows by key, index or id, are applied there, and EXPLAIN shows
//! the SELECT that SQLite runs.

mod arrays;
mod attachment;
mod block;
mod catalog;
mod changes;
mod columns_table;
mod describe;
mod exec;
mod filters;
mod fts_udfs;
mod info;
mod insert;
mod match_udf;
mod pieces;
mod plan;
mod read;
mod rows;
mod schema;
mod search;
mod shared;
mod sink;
mod snapshot;
mod table;
mod target;

pub use attachment::VaultKind;
pub use catalog::{VaultCatalog, VaultSchema, is_vault, open_vault, register_vault};
pub use changes::VaultTransaction;
pub use columns_table::ColumnsTableFunction;
pub use exec::VaultScanExec;
pub use fts_udfs::FtsText;
pub use info::{VaultInfoFunction, vault_table_functions};
pub use match_udf::{FTS_MATCH, fts_match_udf};
pub use rows::VaultRows;
pub use schema::{ROWID_COLUMN, SqliteTypes};
pub use table::VaultTable;
pub use target::VaultTarget;
