//! `min_by` and `max_by`: the values beside the smallest and the largest keys.
//!
//! A [`Call`] says which rows count and encodes their keys as bytes that compare as the keys sort. [`Nearest`] keeps the
//! first rows of any number of groups, and the accumulators feed it.

mod accumulator;
mod call;
mod function;
mod groups;
mod nearest;
mod state;

#[cfg(test)]
mod tests;

use call::{Call, Side};
use nearest::Nearest;

pub use function::{max_by_udaf, min_by_udaf};
