//! Tests over the crate.
