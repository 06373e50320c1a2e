//! Files that releases of the Python package wrote, and what they hold.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "golden/columns.rs"]
mod columns;
#[path = "golden/expected.rs"]
mod expected;
#[path = "golden/kv.rs"]
mod kv;
#[path = "golden/texts.rs"]
mod texts;
#[path = "golden/vectors.rs"]
mod vectors;
