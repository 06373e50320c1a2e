//! One SQL over compressed vector files, where they lie.
pub use ogive_sql::{
    Session, SessionBuilder, Statement, StoreFailure, enable_paths, parse, register_all,
    store_failure,
};
