//! Whether a file is still the one that was listed.

use std::path::Path;

use datafusion_common::{Result, exec_err};
use object_store::ObjectMeta;

use crate::scan::bytes::local_path;

/// An error if a local file was changed since it was listed: rows read before the change and after it do not belong
/// together. Objects of a store are asked for by their version instead.
pub fn refuse_changed(meta: &ObjectMeta, name: &str) -> Result<()> {
    match local_path(&meta.location) {
        Some(path) => refuse_changed_file(&path, meta, name),
        None => Ok(()),
    }
}

fn refuse_changed_file(path: &Path, meta: &ObjectMeta, name: &str) -> Result<()> {
    let found = match path.metadata() {
        Ok(found) => found,
        // What was read is what it held: a map and an open file outlive the name.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return exec_err!("{name}: {error}"),
    };
    if is_another(&found, meta) {
        // Another file of that name: the old one was read to its end, unchanged.
        return Ok(());
    }
    let size = found.len();
    let is_same_time = found
        .modified()
        .is_ok_and(|time| meta.last_modified == chrono::DateTime::<chrono::Utc>::from(time));
    if size == meta.size && is_same_time {
        return Ok(());
    }
    exec_err!(
        "{name} changed while it was read: it had {} bytes, last changed {}, and has {size}; write a new file and rename it, and run the query again",
        meta.size,
        meta.last_modified
    )
}

/// Whether the name is that of a file with another number than was listed.
#[cfg(unix)]
fn is_another(found: &std::fs::Metadata, meta: &ObjectMeta) -> bool {
    use std::os::unix::fs::MetadataExt;
    let listed = meta.e_tag.as_deref().and_then(|tag| tag.split('-').next());
    listed
        .is_some_and(|inode| u64::from_str_radix(inode, 16).is_ok_and(|inode| inode != found.ino()))
}

#[cfg(not(unix))]
fn is_another(_found: &std::fs::Metadata, _meta: &ObjectMeta) -> bool {
    false
}
