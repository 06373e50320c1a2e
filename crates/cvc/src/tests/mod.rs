//! Tests over whole files.

mod damaged;
pub(crate) mod fixtures;
mod golden;
mod hostile;
mod reading;
