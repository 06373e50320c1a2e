//! NVIDIA GPUs for the page codecs, the value codecs and the search of vectors.
//!
//! [`Device::discover`] finds a device through NVIDIA's driver, which is loaded at that moment: nothing of CUDA is needed to build
//! this crate, and where there is no driver the error says what was looked for. [`DevicePages`] is a
//! [`PageDevice`](ogive_codecs::pages::PageDevice); [`DeviceTopK`] and [`DeviceBatchTopK`] search as
//! [`TopK`](ogive_kernels::TopK) and [`BatchTopK`](ogive_kernels::BatchTopK) do.
//!
//! ```
//! use ogive_cuda::{Device, Error};
//!
//! match Device::discover() {
//!     Ok(device) => println!("{}", device.info().name),
//!     Err(Error::NoDriver { looked_for }) => println!("none of {looked_for:?} is there"),
//!     Err(error) => println!("{error}"),
//! }
//! ```
//!
//! # The same answers
//!
//! Everything here gives what the processor gives, bit for bit. Codecs and distances are computed in the same operations. Searches
//! compute bounds on the device, in single precision or by tensor cores, whose errors are accounted for; rows that bounds cannot
//! exclude are answered by the processor's kernels, so values and ties are theirs. Where the device has no room, chunks get
//! smaller; where it fails, the processor does the work, and the failure can be asked for.
//!
//! # One source for two machines
//!
//! Kernels (`kernels/*.cu`) are written as the program of a warp, and compile as C++ for the processor too, where lanes are loops.
//! Tests run all of this crate on that twin; `compile.py` makes the PTX that is checked in, and a test says when it is not
//! what the sources make.
//!
//! # What it is not
//!
//! It does not choose whether a device is used, and knows nothing of SQL. It uses one device.
#![allow(
    unsafe_code,
    reason = "memory that another processor reads and writes; every block states what it relies on"
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod decode;
mod device;
mod distances;
mod driver;
mod encoding;
mod error;
mod join;
mod pages;
mod ptx;
mod rates;
#[cfg(test)]
mod tests;
mod top_k;

pub use device::{Device, DeviceInfo};
pub use error::{Error, Result};
pub use join::DeviceBatchTopK;
pub use pages::DevicePages;
pub use rates::{PageRates, Rates};
pub use top_k::{DeviceRows, DeviceTopK};
