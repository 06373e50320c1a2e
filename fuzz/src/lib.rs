//! What the fuzz targets share: a watch on memory, choices made from the input, and CVC files put together from parts.
//!
//! A target takes bytes, expects an error or a value, and panics on anything else: a panic below it, two answers that
//! differ, or more memory than the bytes justify. `run.sh` builds and runs them with the stable toolchain.

mod cvc_file;
mod expect;
mod memory;
mod random;

pub use cvc_file::{assemble, settle};
pub use expect::{assert_same_f32, int8_by_definition, int8_can_hold};
pub use memory::{ALLOCATION_BYTES_MAX, with_memory};
pub use random::Random;
