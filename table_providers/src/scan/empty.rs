//! Files of no bytes.

use std::sync::Arc;

use datafusion_common::Result;
use datafusion_datasource::ListingTableUrl;
use datafusion_session::Session;
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore};

use crate::scan::bytes::local_path;
use crate::scan::kind::FileKind;
use crate::scan::opened::FileCache;

/// The error of a file without bytes, which no format here allows, and which DataFusion's listings pass over: a copy that
/// was cut short would answer queries as an empty table.
///
/// A file is known by its extension; one that a table names is of the kind `named`. Others without bytes are markers, such
/// as `_SUCCESS`.
///
/// # Errors
/// What the format says of such a file.
pub async fn refuse_empty_file(
    store: &Arc<dyn ObjectStore>,
    file: &ObjectMeta,
    named: Option<FileKind>,
) -> Result<()> {
    let by_name = file.location.extension().and_then(FileKind::from_extension);
    match by_name.or(named) {
        Some(kind) if file.size == 0 => {
            FileCache::default().open(store, file, kind).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What is so of most tables, and cheaper to find out than by a listing, which goes through another thread.
fn is_local_file_with_bytes(url: &ListingTableUrl) -> bool {
    let path = (url.scheme() == "file").then(|| local_path(url.prefix()));
    path.flatten()
        .and_then(|path| path.metadata().ok())
        .is_some_and(|found| found.is_file() && found.len() > 0)
}

/// [`refuse_empty_file`] for everything that a table of a kind reads.
///
/// # Errors
/// The same, and what the store says of the listing.
pub async fn refuse_empty_files(
    state: &dyn Session,
    urls: &[ListingTableUrl],
    kind: Option<FileKind>,
) -> Result<()> {
    for url in urls {
        if is_local_file_with_bytes(url) {
            continue;
        }
        let store = state.runtime_env().object_store(url)?;
        let is_named = !url.is_collection() && url.get_glob().is_none();
        let mut files = url.list_all_files(state, store.as_ref(), "").await?;
        while let Some(file) = files.try_next().await? {
            refuse_empty_file(&store, &file, kind.filter(|_| is_named)).await?;
        }
    }
    Ok(())
}
