//! Index files: how they are laid out, read and written.
//!
//! # Layout, version 1
//!
//! Little-endian.
//!
//! | bytes | what |
//! |--:|---|
//! | 0..8 | `"OGVFLAT\0"` |
//! | 8..12 | version, 1 |
//! | 12..16 | bytes of the header, its checksum included |
//! | 16..20 | measure: 0 l2, 1 inner product, 2 cosine |
//! | 20..24 | 1 when rows are `f64`, otherwise 0 |
//! | 24..32 | rows |
//! | 32..36 | dimension |
//! | 36..40 | directions that are coded: the lesser of the dimension and 768 |
//! | 40..44 | exponent of the factor of rows, signed |
//! | 44..48 | bytes of code of a row, of the first stage |
//! | 48..56 | how far the rotation is from orthogonal, `f64` |
//! | 56..60 | sections |
//! | 60..64 | 0 |
//! | 64.. | for each section: kind (4), CRC-32 of its bytes (4), offset (8), bytes (8) |
//! | | CRC-32 of the header before it (4) |
//!
//! Sections start at multiples of 64. A reader passes over kinds that it does not know; what changes the meaning of a known
//! one has another version.
//!
//! | kind | what |
//! |--:|---|
//! | 1 | coding: mean, rotation, deviations (`f32`, filled up to groups of 8), bits of each group (1 byte) |
//! | 2 | blocks of 64 rows, as [`ogive_kernels::Lookup`] scans them, in the order of the rows |
//! | 3 | second stage: of each row `dimension` codes (`i8`), scale, residual, norm or 0 (`f32`) |
//! |  | in which a group's codes follow each other from the lowest bit on; codes of 8 bits: the high nibbles of all, then the low |
//! | 4 | exceptions: row numbers, ascending (8 bytes each) |
//! | 5 | NULL rows, in the same way |
#![deny(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing
)]

mod header;
mod mapped;
mod publish;
mod sections;
mod source;

pub(super) use header::{ALIGNMENT, Header, Kind, Section};
pub use mapped::MappedFile;
pub use publish::{Published, publish, replace};
pub(super) use sections::{coding_bytes, read_coding, read_rows, write_coding, write_rows};
pub(super) use source::read;
pub use source::{Sink, Source};
