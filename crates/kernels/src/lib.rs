//! Vector distances and certified exact top-k search over blocks of stored vectors.
//!
//! Bytes come in as [`Rows`]: a row-major block of vectors in any [`Encoding`], at any alignment, exactly as they
//! lie in a file. A [`Query`] answers every row with the distance that SQL gives ([`Query::distances`]);
//! [`TopK`] finds the `k` rows that come first without computing that answer for most of them, and [`BatchTopK`] does
//! for many queries at once;
//! [`pairwise`] compares two blocks row by row. [`Lookup`] scans packed codes, and [`Matrix`] rotates rows: what an index
//! of such vectors is made with.
//!
//! ```
//! use ogive_kernels::{Metric, Order, Query, Rows, SharedThreshold, TopK};
//!
//! let vectors = [0.0_f32, 0.0, 3.0, 4.0, 1.0, 0.0];
//! let rows = Rows::from_f32(&vectors, 2)?;
//! let query = Query::new(Metric::L2, &[0.0, 0.0]);
//!
//! let mut distances = [0.0; 3];
//! let undefined = query.distances(&rows, &mut distances);
//! assert!(undefined.is_empty());
//! assert_eq!(distances, [0.0, 5.0, 1.0]);
//!
//! let shared = SharedThreshold::new();
//! let mut top = TopK::new(query, 2, Order { descending: false, nulls_first: false });
//! top.scan(&rows, 0, None, &shared);
//! assert_eq!(top.candidates(&shared), [0, 2]);
//! # Ok::<(), ogive_kernels::RowsError>(())
//! ```
//!
//! # How a fast scan stays exact
//!
//! A block is first screened: single-precision sums over `f32` and `f16` rows, integer sums over one-byte rows, each
//! with a proven bound on how far the SQL answer can lie from it. Only a row whose most favourable possible answer is
//! as good as the `k`-th best found so far is answered exactly, at once, while its bytes are in cache. The result is
//! therefore the top k of the exact answers, whatever the input; the screen decides only how long it takes.
//!
//! # The same answer on every machine
//!
//! Exact sums run in sixteen `f64` lanes, element `i` in lane `i % 16`, products rounded before they are added and the
//! lanes folded in one fixed order, so the scalar, AVX2, AVX-512 and NEON code agree to the last bit.
//!
//! Answers are made from those sums, or from the sums rounded to `f32` where pgvector's answers are wanted
//! ([`Precision`]). Bits ([`Encoding::Bits`]) are counted, which needs no rounding and no screen.
//!
//! # What it is not
//!
//! It does no I/O, holds no index, and knows nothing of Arrow or SQL planning; NULL vectors never reach it (see
//! [`TopK::offer`]).
#![allow(
    unsafe_code,
    reason = "vector instructions and unaligned loads; every block states what it relies on"
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

#[cfg(not(target_endian = "little"))]
compile_error!(
    "stored vectors are little-endian and are read in place: big-endian machines are not supported"
);

mod approximate;
mod batch;
mod bits;
mod byte_products;
mod decode;
mod element;
mod encoding;
mod exact;
mod instruction_set;
mod integer;
mod lookup;
mod metric;
mod order;
mod pairwise;
mod precision;
mod query;
mod rotate;
mod rows;
mod simd;
mod top_k;

#[cfg(test)]
mod tests;

pub use approximate::{dot_f32, l1_f32, l2_squared_f32};
pub use batch::BatchTopK;
pub use byte_products::ByteProducts;
pub use encoding::Encoding;
pub use instruction_set::{
    InstructionSet, active_instruction_set, available_instruction_sets, cpu_features,
};
pub use lookup::{
    LOOKUP_COLUMNS_MAX, LOOKUP_ROWS, LOOKUP_SEGMENT, LOOKUP_WEIGHT_MAX, Lookup, LookupShape,
    LookupTerms,
};
pub use metric::Metric;
pub use order::{Order, Rank};
pub use pairwise::{norms, pairwise, pairwise_with, pairwise_with_precision};
pub use precision::Precision;
pub use query::Query;
pub use rotate::Matrix;
pub use rows::{Rows, RowsError};
pub use top_k::{SharedThreshold, TopK};
