//! What the fuzz targets share: a watch on memory, choices made from the input, inputs put together from parts, and slow
//! twins.
//!
//! A target takes bytes, expects an error or a value, and panics on anything else: a panic below it, two answers that
//! differ, or more memory than the bytes justify. `run.sh` builds and runs them with the stable toolchain.

mod array_text;
mod cvc_file;
mod expect;
mod memory;
mod random;
mod search;
mod vector_operations;
mod vector_readers;

pub use array_text::check_array_text;
pub use cvc_file::{assemble, settle};
pub use expect::{assert_same_f32, int8_by_definition, int8_can_hold};
pub use memory::{ALLOCATION_BYTES_MAX, with_memory};
pub use random::Random;
pub use search::Search;
pub use vector_operations::{check_casts, check_dense, check_sparse, check_sparse_parts};
pub use vector_readers::{
    read_bits, read_halfvec, read_sparsevec, read_vector, receive_halfvec, receive_sparsevec,
    receive_vector,
};
