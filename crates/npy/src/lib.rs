//! Readers for the plain array files that vectors lie in: NumPy's `.npy` and the TexMex family `.fvecs`, `.bvecs` and
//! `.ivecs`.
//!
//! Start at [`LayoutReader`]: it says which bytes of the file it needs, is fed them, and ends with an
//! [`ArrayLayout`], which turns row numbers into byte ranges and the bytes of rows into packed little-endian values.
//! [`npy_header`] is the other direction. The crate opens no files and knows no runtime.
//!
//! ```
//! use ogive_npy::{DType, Format, LayoutReader, Progress, npy_header};
//!
//! let mut file = npy_header(DType::F32, 2, 3);
//! for value in [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0] {
//!     file.extend_from_slice(&value.to_le_bytes());
//! }
//!
//! let mut reader = LayoutReader::new("points.npy", Format::Npy, file.len() as u64);
//! let layout = loop {
//!     match reader.next()? {
//!         Progress::Need(range) => {
//!             let bytes = &file[range.start as usize..range.end as usize];
//!             reader.feed(range, bytes)?;
//!         }
//!         Progress::Done(layout) => break layout,
//!     }
//! };
//! assert_eq!((layout.rows, layout.dimension, layout.dtype), (2, 3, DType::F32));
//!
//! let range = layout.row_range(1..2);
//! let mut row = vec![0; 12];
//! layout.copy_rows(&file[range.start as usize..range.end as usize], 1..2, &mut row)?;
//! assert_eq!(row[..4], 4.0f32.to_le_bytes());
//! # Ok::<(), ogive_npy::Error>(())
//! ```
//!
//! It is not a NumPy: arrays of more than two dimensions, of structures, strings, dates, complex
//! numbers or Python objects are refused by name, and no header is ever evaluated.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod dtype;
mod error;
mod format;
mod header;
mod layout;
mod literal;
mod reader;
mod writer;

#[cfg(test)]
mod tests;

pub use dtype::DType;
pub use error::Error;
pub use format::Format;
pub use layout::ArrayLayout;
pub use reader::{LayoutReader, Progress};
pub use writer::{NPY_HEADER_BYTES, npy_header};
