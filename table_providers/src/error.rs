//! The engines' errors as DataFusion's: the one place where they are turned.

use datafusion_common::DataFusionError;

/// A CVC error, kept whole as the source.
pub fn cvc_error(error: ogive_cvc::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// An error of a `.npy` or TexMex file.
pub fn npy_error(error: ogive_npy::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// An error of a SQLite file.
pub fn vault_error(error: ogive_vault::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
