//! The sentence a person reads when a store refuses, and how to find it in a chain of errors.

use std::error::Error;
use std::fmt;

/// Why an object store could not do what it was asked: one sentence that begins with the place, such as
/// `s3://bucket/key: no such object`. The source is the store's own error.
#[derive(Debug)]
pub struct StoreFailure {
    message: String,
    source: Box<dyn Error + Send + Sync>,
}

impl StoreFailure {
    pub(super) fn new(message: String, source: Box<dyn Error + Send + Sync>) -> Self {
        Self { message, source }
    }
}

impl fmt::Display for StoreFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Error for StoreFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// Finds the [`StoreFailure`] that caused `error`, however deeply DataFusion and Arrow have wrapped it.
pub fn store_failure<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e StoreFailure> {
    let mut link = Some(error);
    while let Some(error) = link {
        if let Some(failure) = error.downcast_ref::<StoreFailure>() {
            return Some(failure);
        }
        link = error.source();
    }
    None
}
