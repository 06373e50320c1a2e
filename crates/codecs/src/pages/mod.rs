//! Pages of 4 KiB: smaller, and back to the last bit.
//!
//! [`CompressorBuilder`] chooses an [`Algorithm`], a level, a dictionary and the instructions to use; the [`Compressor`] it
//! builds works on one page after the other without allocating. [`PageBatch`] takes many values at a time, cuts them into
//! pages and spreads those over all threads; what it makes of a value is a [`frame`].
//!
//! ```
//! use ogive_codecs::pages::{Algorithm, CompressorBuilder, PageBatch};
//!
//! let batch = PageBatch::new(CompressorBuilder::new(Algorithm::Auto))?;
//! let text = b"the quick brown fox jumps over the lazy dog; ".repeat(1000);
//! let frames = batch.compress(&[&text])?;
//! let back = batch.decompress(&[frames.get(0)])?;
//! assert_eq!(back.get(0), text);
//! # Ok::<(), ogive_codecs::Error>(())
//! ```
//!
//! # What is stored
//!
//! * [`Codec::SameFill`]: one word of eight bytes that the page repeats; a page of zeros is one.
//! * [`Codec::Lz4`]: a plain LZ4 block, by a compressor and a decoder of our own ([`lz4`]).
//! * [`Codec::Zstd`]: a plain Zstd frame, by the reference library with contexts that are kept ([`zstd`]).
//! * [`Codec::None`]: the page as it is, where nothing makes it smaller.
//!
//! Blocks and frames alone, without our headers, are what [`lz4`] and [`zstd`] read and write.
//!
//! # What it is not
//!
//! It does no I/O and keeps no state between pages: any page can be read alone. Zstd is the only algorithm that takes a
//! dictionary.
#![deny(clippy::panic, clippy::unwrap_used)]
#![cfg_attr(test, allow(clippy::panic, clippy::unwrap_used))]

pub mod adaptive;
mod algorithm;
mod backend;
mod batch;
mod compressor;
mod device;
mod dictionary;
mod features;
pub mod frame;
pub mod lz4;
mod page;
mod raw;
pub mod same_fill;
pub mod shuffle;
mod statistics;
#[cfg(test)]
mod tests;
pub mod zstd;

pub use algorithm::{Algorithm, Codec};
pub use backend::{Backend, available_backends};
pub use batch::{PageBatch, Values};
pub use compressor::{Compressor, CompressorBuilder, PageCompressor, Stored};
pub use device::{DevicePage, DeviceStored, PageDevice};
pub use dictionary::Dictionary;
pub use features::{Features, entropy_bits};
pub use frame::{CompressedPage, CompressedPages};
pub use page::{PAGE_SIZE, Page, pages_of};
pub use raw::RawFormat;
pub use statistics::Statistics;
