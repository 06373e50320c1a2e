//! Errors of the engine as DataFusion's.

use datafusion_common::DataFusionError;

/// An error of a checkout.
pub fn codebase_error(error: ogive_codebase::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
