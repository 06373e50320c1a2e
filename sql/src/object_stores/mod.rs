//! Object stores: which store a URL means, with whose credentials, and errors that name the place.
//!
//! The entry points:
//! - [`LazyObjectStores`] is the registry of a session's `RuntimeEnv`. The first use of `s3://bucket` (or `gs://`,
//!   `az://`, `https://`, ..) builds its store from the environment variables that the vendor's own tools read.
//! - [`take_store_options`] and [`store_with_options`] turn the `OPTIONS ('aws.region' '..')` of one statement into a
//!   store, and [`LazyObjectStores::register_for`] puts it in charge of that statement's location alone.
//! - [`store_failure`] finds, inside any error of a query, the sentence that names bucket and key.
//!
//! Beyond the local disk everything needs the cargo feature `s3`; without it each remote URL is an error that says so.
//! It is not a credentials manager: profiles and single sign-on (`~/.aws/config`) are left to the tools that turn them
//! into environment variables.

#[cfg(feature = "s3")]
mod connect;
mod environment;
mod explain;
mod failure;
mod local;
mod local_listing;
mod local_upload;
mod location;
mod options;
mod prefix_store;
mod registry;
#[cfg(test)]
mod tests;

pub use failure::{StoreFailure, store_failure};
pub use location::{listed_urls, written_url};
pub use options::{StoreOptions, take_store_options};
pub use registry::{LazyObjectStores, store_with_options};
