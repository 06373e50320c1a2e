//! Files of no bytes.

use std::sync::Arc;

use datafusion_common::Result;
use object_store::{ObjectMeta, ObjectStore};

use crate::scan::kind::FileKind;
use crate::scan::memory_map::MemoryMap;
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
            let cache = FileCache::default();
            cache.open(store, file, kind, MemoryMap::Off).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}
