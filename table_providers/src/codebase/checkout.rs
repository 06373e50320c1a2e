//! A checkout and what it is called.

use std::path::Path;

use datafusion_common::Result;
use ogive_codebase::{CacheOptions, Checkout, Encoding, Error, ScanOptions};

use super::error::codebase_error;

/// A checkout of source code, with its path as it was given.
#[derive(Debug, Clone)]
pub struct CodeCheckout {
    path: String,
    checkout: Checkout,
}

impl CodeCheckout {
    /// The checkout at a path. Its facts are kept in the folder `cache`, among the user's caches if that is empty, or
    /// nowhere if it is `off`.
    ///
    /// # Errors
    /// There is nothing at the path.
    pub fn open(path: &Path, cache: &str) -> Result<Self> {
        let cache = match cache {
            "off" => None,
            "" => Some(CacheOptions::default()),
            folder => Some(CacheOptions {
                folder: Some(folder.into()),
                ..CacheOptions::default()
            }),
        };
        let options = ScanOptions {
            cache,
            ..ScanOptions::default()
        };
        Self::open_with(path, options)
    }

    /// The same, read as the options say.
    ///
    /// # Errors
    /// There is nothing at the path.
    pub fn open_with(path: &Path, options: ScanOptions) -> Result<Self> {
        // Errors name the path as it was given.
        std::fs::metadata(path).map_err(|source| {
            codebase_error(Error::Missing {
                path: path.to_owned(),
                source,
            })
        })?;
        // Another working directory later must not lead to another checkout.
        let absolute = std::path::absolute(path)?;
        Ok(Self {
            path: path.display().to_string(),
            checkout: Checkout::open(absolute, options).map_err(codebase_error)?,
        })
    }

    /// The same, with tokens counted in another encoding.
    #[must_use]
    pub fn with_encoding(&self, encoding: Encoding) -> Self {
        Self {
            path: self.path.clone(),
            checkout: self.checkout.with_encoding(encoding),
        }
    }

    /// The path as it was given.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The checkout.
    pub fn checkout(&self) -> &Checkout {
        &self.checkout
    }
}
