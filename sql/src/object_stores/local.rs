//! The local disk.

use std::fmt;
use std::fs::{File, Metadata};
use std::ops::Range;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result,
};

/// [`LocalFileSystem`], which is asked for a file's size at once instead of through another thread: waking one takes longer than
/// the answer, and planning a query asks for every file.
#[derive(Debug, Default)]
pub(super) struct LocalDisk(LocalFileSystem);

impl LocalDisk {
    /// What the store says of a file; `None` where it has an error to report.
    fn head(&self, location: &Path) -> Option<ObjectMeta> {
        let path = self.0.path_to_filesystem(location).ok()?;
        // Opened, as the store does: that a file may not be read is to be known now.
        let found = File::open(path).ok()?.metadata().ok()?;
        let modified = found.modified().ok()?;
        let since = modified.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let (inode, size) = (inode(&found), found.len());
        found.is_file().then(|| ObjectMeta {
            location: location.clone(),
            last_modified: modified.into(),
            size,
            e_tag: Some(format!("{inode:x}-{:x}-{size:x}", since.as_micros())),
            version: None,
        })
    }
}

#[cfg(unix)]
fn inode(found: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn inode(_found: &Metadata) -> u64 {
    0
}

impl fmt::Display for LocalDisk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Whether a file's size and age are all that is asked for.
fn is_head(options: &GetOptions) -> bool {
    options.head
        && options.if_match.is_none()
        && options.if_none_match.is_none()
        && options.if_modified_since.is_none()
        && options.if_unmodified_since.is_none()
        && options.range.is_none()
        && options.version.is_none()
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for LocalDisk {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.0.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if is_head(&options)
            && let Some(meta) = self.head(location)
        {
            return Ok(GetResult {
                payload: GetResultPayload::Stream(stream::empty().boxed()),
                attributes: Attributes::default(),
                range: 0..meta.size,
                meta,
            });
        }
        self.0.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.0.rename_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    #[tokio::test]
    async fn files_are_described_as_the_store_describes_them() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.cvc"), b"12345").unwrap();
        std::fs::create_dir(folder.path().join("b.cvc")).unwrap();
        let store = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
        let ours = LocalDisk(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
        let path = Path::from("a.cvc");
        assert!(ours.head(&path).is_some());
        let by_trait = (&ours as &dyn ObjectStore).head(&path).await.unwrap();
        assert_eq!(by_trait, store.head(&path).await.unwrap());
        for missing in ["b.cvc", "c.cvc"] {
            let missing = Path::from(missing);
            let error = (&ours as &dyn ObjectStore)
                .head(&missing)
                .await
                .unwrap_err();
            let expected = store.head(&missing).await.unwrap_err();
            assert_eq!(error.to_string(), expected.to_string());
        }
        let whole = ours.get(&path).await.unwrap().bytes().await.unwrap();
        assert_eq!(whole.as_ref(), b"12345");
    }
}
