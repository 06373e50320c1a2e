//! `ATTACH './project' AS code`.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion_common::{Result, not_impl_err, plan_err};
use ogive_codebase::is_archive;

use super::catalog::CodebaseCatalog;
use super::checkout::CodeCheckout;
use super::error::codebase_error;
use crate::attachment::{AttachOptions, Attachment, AttachmentKind, Maintenance};
use crate::blocking::blocking;

/// Folders and archives of source code.
#[derive(Debug)]
pub struct CodebaseKind;

#[async_trait]
impl AttachmentKind for CodebaseKind {
    fn names(&self) -> &'static [&'static str] {
        &["codebase", "code"]
    }

    fn describe(&self) -> &'static str {
        "a folder, .zip, .tar, .tar.gz or .tgz"
    }

    fn is_own(&self, path: &Path) -> bool {
        path.is_dir() || path.is_file() && is_archive(path)
    }

    async fn open(&self, path: &Path, options: AttachOptions) -> Result<Arc<dyn Attachment>> {
        let path = path.to_owned();
        let checkout = blocking(move || {
            if path.is_file() && !is_archive(&path) {
                return plan_err!(
                    "{}: it is a file, expected a folder, or an archive: .zip, .tar, .tar.gz, .tgz",
                    path.display()
                );
            }
            CodeCheckout::open(&path, &options.code_cache)
        })
        .await?;
        Ok(Arc::new(CodebaseCatalog::new(checkout)))
    }
}

#[async_trait]
impl Attachment for CodebaseCatalog {
    fn kind(&self) -> &'static str {
        "codebase"
    }

    fn path(&self) -> &str {
        self.checkout().path()
    }

    fn is_read_only(&self) -> bool {
        true
    }

    /// `REFRESH code`: the cache is thrown away, so that the next scan parses everything.
    async fn maintain(self: Arc<Self>, maintenance: Maintenance) -> Result<()> {
        if maintenance != Maintenance::Refresh {
            return not_impl_err!("{} of a codebase", maintenance.name());
        }
        blocking(move || {
            if let Some(cache) = self.checkout().checkout().cache().map_err(codebase_error)? {
                cache.discard();
            }
            Ok(())
        })
        .await
    }

    fn identity(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }
}
