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

/// PostgreSQL's code of an error of a SQLite file.
pub fn sqlstate_of(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    use ogive_vault::{Constraint, ErrorKind};
    let error = error.downcast_ref::<ogive_vault::Error>()?;
    Some(match (error.broken_constraint(), error.kind()) {
        (Some(Constraint::Unique), _) => "23505",
        (Some(Constraint::NotNull), _) => "23502",
        (Some(Constraint::Check), _) => "23514",
        (Some(Constraint::ForeignKey), _) => "23503",
        (None, ErrorKind::Damaged) => "XX001",
        (None, ErrorKind::BadRequest) => "22023",
        (None, ErrorKind::Busy) => "55P03",
        (None, ErrorKind::ReadOnly) => "25006",
        (None, _) => "58030",
    })
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
