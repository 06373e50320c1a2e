//! `avg` and `sum` of vectors, under the names of the built-ins and beside them.
//!
//! [`function`] stands in front of the built-ins and takes the calls whose argument is a list of numbers; every
//! other call is the built-in's. The layers below it: a [`Definition`] says what a call adds and how it rounds,
//! [`Sums`] holds the running sums of any number of groups in one buffer, and the accumulators feed it.

mod accumulator;
mod addends;
mod answers;
mod column;
mod definition;
mod distinct;
mod function;
mod groups;
mod sliding;
mod state;
mod sums;

#[cfg(test)]
mod tests;

use addends::Addends;
use answers::ListAnswers;
use column::VectorColumn;
use definition::{Definition, Operation};
use sums::Sums;

pub(crate) use function::average_and_sum;
