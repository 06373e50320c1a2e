//! Parquet's hybrid of runs and packed bits, in which it keeps levels and indices into dictionaries.
//!
//! Source: the Parquet format, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)":
//!
//! ```text
//! a sequence is runs, each behind a header: a varint of at most 32 bits, seven to a byte, the lowest first
//! header even   header / 2 times the same value, in ceil(bit_width / 8) bytes, the lowest first
//! header odd    header / 2 groups of eight values, bit_width bits each, the first value in the lowest bits
//! ```
//!
//! Neither number may be 0. The length of a sequence is not in it: whoever wrote it says how many values there are, and
//! fills the last group up. That group may be cut short behind its last value.
//!
//! [`Runs`] reads a sequence without decoding it. [`all_are`] and [`list_length`] answer from runs what a reader of
//! lists must know before it may take the numbers of a page as they lie: that none is NULL, and how long the lists are.
//!
//! Unlike the other codecs this one has no errors: what is malformed ends the sequence, so that values are missing. A
//! page that is merely of another kind than the one looked for must be told from the right one too, and both go to a
//! reader of all of Parquet, which says what is wrong.

mod lists;
mod runs;
#[cfg(test)]
mod tests;

pub use lists::{all_are, list_length};
pub use runs::{Run, Runs, unpack};
