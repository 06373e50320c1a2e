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

/// Whether an error says that a file's bytes are not what was written: it is damaged or cut short.
pub fn is_damage(error: &(dyn std::error::Error + 'static)) -> bool {
    use ogive_cvc::ErrorKind::{BadHeader, BadRecord, ChecksumMismatch, Truncated};
    if let Some(error) = error.downcast_ref::<ogive_cvc::Error>() {
        return matches!(
            error.kind(),
            Truncated | BadHeader | BadRecord | ChecksumMismatch
        );
    }
    match error.downcast_ref::<ogive_npy::Error>() {
        Some(error) => matches!(
            error,
            ogive_npy::Error::Truncated { .. }
                | ogive_npy::Error::PartialRow { .. }
                | ogive_npy::Error::RowDimension { .. }
                | ogive_npy::Error::BadDimension { .. }
        ),
        None => false,
    }
}
