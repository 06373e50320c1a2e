//! Pages of bytes: `page_compress` and what goes with it, over `ogive_codecs::pages`.
//!
//! A batch of values goes to the codecs at once, which cut it into pages and use all threads. Settings that were met are
//! kept with their compressors ([`batches`]), so that a query does not prepare a dictionary for every batch.

mod batches;
mod byte_shuffle;
mod bytes;
mod length_of_bytes;
mod page_algorithm;
mod page_compress;
mod page_decompress;
mod page_dictionary;
mod page_entropy;
mod page_is_same_fill;
mod page_ratio;
mod page_stats;
mod per_value;
mod settings;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion_common::{DataFusionError, exec_datafusion_err};
use datafusion_expr::{AggregateUDF, ScalarUDF};

use batches::Batches;
use ogive_codecs::pages::PageBatch;

pub use byte_shuffle::{byte_shuffle_udf, byte_unshuffle_udf};
pub use length_of_bytes::length_of_bytes;
pub use page_algorithm::page_algorithm_udf;
pub use page_compress::page_compress_udf;
pub use page_decompress::page_decompress_udf;
pub use page_dictionary::page_dictionary_udaf;
pub use page_entropy::page_entropy_udf;
pub use page_is_same_fill::page_is_same_fill_udf;
pub use page_ratio::page_ratio_udf;
pub use page_stats::page_stats_udaf;

/// The scalar functions, for a session to register.
pub(crate) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![
        page_compress_udf(),
        page_decompress_udf(),
        page_algorithm_udf(),
        page_ratio_udf(),
        page_is_same_fill_udf(),
        page_entropy_udf(),
        byte_shuffle_udf(),
        byte_unshuffle_udf(),
    ]
}

/// The aggregate functions, for a session to register.
pub(crate) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    vec![page_stats_udaf(), page_dictionary_udaf()]
}

/// Says that the processor did the device's work, and why.
fn warn_of_device(name: &str, batch: &PageBatch) {
    if let Some(failure) = batch.take_device_failure() {
        log::warn!("{name}: the processor did the work of {failure}");
    }
}

/// A codec's error under the name of the function.
fn codec_error(name: &str, error: &ogive_codecs::Error) -> DataFusionError {
    exec_datafusion_err!("{name}: {error}")
}
