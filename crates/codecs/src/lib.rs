//! Value codecs: how numbers are kept in fewer bytes.
//!
//! Four codecs turn `f32` values into bytes and back. The first three are the payloads of CVC files; all stand alone:
//!
//! * [`fp16`]: IEEE binary16, 2 bytes a value, round to nearest even.
//! * [`int8`]: one unsigned byte a value, with one `min` and one `scale` for the whole run.
//! * [`lossless`]: four byte planes, each with a dictionary and packed codes; every bit comes back.
//! * [`exponents`]: exponents entropy-coded, all else as it is; every bit comes back, embeddings a sixth smaller.
//!
//! A fifth reads what Parquet files put around the values of a column, so that vectors in them can be found in place:
//!
//! * [`levels`]: whole numbers of few bits, as runs and packed bits; decoded only.
//!
//! Beside them, bytes of any kind in pages of 4 KiB:
//!
//! * [`pages`]: LZ4, Zstd with dictionaries, same-fill and a choice between them, in frames that describe themselves.
//!
//! ```
//! let values = [1.0_f32, -2.5, 3.25];
//! let mut bytes = Vec::new();
//! ogive_codecs::lossless::encode(&values, &mut bytes)?;
//! let mut back = [0.0_f32; 3];
//! ogive_codecs::lossless::decode(&bytes, &mut back)?;
//! assert_eq!(values, back);
//! # Ok::<(), ogive_codecs::Error>(())
//! ```
//!
//! Encoders append to a `Vec<u8>`; decoders fill a slice whose length says how many values are wanted. Bytes are hostile:
//! a payload that does not fit is an [`Error`] naming the offset, what was found and what was expected. ([`levels`] says
//! why it has none.) Nothing here
//! does I/O or knows of files; checksums and lengths of records belong to the format that carries the payload.
//!
//! Every fast path (F16C, block-wise unpacking) has a plain twin in the same folder, and a test that compares them.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod error;
pub mod exponents;
pub mod fp16;
pub mod int8;
pub mod levels;
pub mod lossless;
pub mod pages;
#[cfg(test)]
mod splitmix;

pub use error::Error;
