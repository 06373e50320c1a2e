//! The local disk.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    RenameOptions, Result,
};

use super::local_listing::{describe, list_below, list_one};
use super::local_upload::{DiskUpload, write_whole};

/// [`LocalFileSystem`], which is asked for a file's size at once instead of through another thread: waking one takes longer than
/// the answer, and planning a query asks for every file. It lists directories side by side, and writes where a process that is
/// ended leaves nothing.
#[derive(Debug, Default)]
pub(super) struct LocalDisk(LocalFileSystem);

impl LocalDisk {
    /// What the store says of a file; `None` where it has an error to report.
    fn head(&self, location: &Path) -> Option<ObjectMeta> {
        let path = self.0.path_to_filesystem(location).ok()?;
        // Opened, as the store does: that a file may not be read is to be known now.
        let found = File::open(path).ok()?.metadata().ok()?;
        let meta = describe(location.clone(), &found)?;
        found.is_file().then_some(meta)
    }

    /// The directory of a prefix.
    fn directory(&self, prefix: &Path) -> Result<PathBuf> {
        if !prefix.is_root() {
            // Files whose names end in `#` and a number are not for the store, directories are.
            let below = self.0.path_to_filesystem(&prefix.clone().join("x"))?;
            return Ok(below.parent().map(FsPath::to_owned).unwrap_or_default());
        }
        let below = self.0.path_to_filesystem(&Path::from("x"))?;
        Ok(below.parent().map(FsPath::to_owned).unwrap_or_default())
    }

    /// Where a write is made before it has its name. `None` for what only the store itself can do.
    fn target(&self, location: &Path, attributes: &Attributes) -> Option<Result<PathBuf>> {
        attributes
            .is_empty()
            .then(|| self.0.path_to_filesystem(location))
    }
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
        let whole = matches!(options.mode, PutMode::Overwrite | PutMode::Create);
        match self.target(location, &options.attributes).filter(|_| whole) {
            Some(target) => write_whole(target?, payload, options.mode).await,
            None => self.0.put_opts(location, payload, options).await,
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        match self.target(location, &options.attributes) {
            Some(target) => Ok(Box::new(DiskUpload::create(target?).await?)),
            None => self.0.put_multipart_opts(location, options).await,
        }
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
        let prefix = prefix.cloned().unwrap_or_default();
        match self.directory(&prefix) {
            Ok(directory) => list_below(directory, prefix),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let offset = offset.clone();
        self.list(prefix)
            .try_filter(move |file| std::future::ready(file.location > offset))
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned().unwrap_or_default();
        list_one(self.directory(&prefix)?, prefix).await
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

    #[tokio::test]
    async fn directories_are_listed_as_the_store_lists_them() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "a/x.cvc",
            "a/b/y #1%.cvc",
            "a/b/c/z?.cvc",
            "d/ü.cvc",
            "left#1",
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        for number in 0..2000 {
            std::fs::write(folder.path().join(format!("d/{number}")), "x").unwrap();
        }
        let store = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
        let ours = LocalDisk(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
        for prefix in ["", "a", "a/b", "d", "nothing"] {
            let prefix = Path::from(prefix);
            let sorted = async |store: &dyn ObjectStore| {
                let mut files: Vec<_> = store.list(Some(&prefix)).try_collect().await.unwrap();
                files.sort_by(|a: &ObjectMeta, b| a.location.cmp(&b.location));
                files
            };
            assert_eq!(sorted(&ours).await, sorted(&store).await, "{prefix}");
            let level = async |store: &dyn ObjectStore| {
                let found = store.list_with_delimiter(Some(&prefix)).await;
                let mut found = found.unwrap();
                found.common_prefixes.sort();
                found.objects.sort_by(|a, b| a.location.cmp(&b.location));
                (found.common_prefixes, found.objects)
            };
            assert_eq!(level(&ours).await, level(&store).await, "{prefix}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn names_that_are_no_text_hide_nothing_else() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        let odd = std::ffi::OsStr::from_bytes(b"\xff.cvc");
        std::fs::write(folder.path().join(odd), "x").unwrap();
        std::fs::write(folder.path().join("new\nline.cvc"), "x").unwrap();
        std::fs::write(folder.path().join("a.cvc"), "x").unwrap();
        let ours = LocalDisk(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
        let files: Vec<_> = ours.list(None).try_collect().await.unwrap();
        let files: Vec<_> = files
            .iter()
            .map(|file: &ObjectMeta| file.location.as_ref())
            .collect();
        assert_eq!(files, ["a.cvc"]);
    }

    #[tokio::test]
    async fn uploads_appear_when_they_are_complete() {
        let folder = tempfile::tempdir().unwrap();
        let ours = LocalDisk(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
        let path = Path::parse("p=1/wh?t #1.csv").unwrap();
        let on_disk = folder.path().join(path.as_ref());
        let mut upload = ours.put_multipart(&path).await.unwrap();
        let first = upload.put_part("ab".into());
        let second = upload.put_part("cd".into());
        second.await.unwrap();
        first.await.unwrap();
        assert!(!on_disk.exists());
        upload.complete().await.unwrap();
        assert_eq!(std::fs::read(&on_disk).unwrap(), b"abcd");
        let mut upload = ours.put_multipart(&path).await.unwrap();
        upload.put_part("x".into()).await.unwrap();
        upload.abort().await.unwrap();
        drop(upload);
        ours.put(&path, "ef".into()).await.unwrap();
        assert_eq!(std::fs::read(&on_disk).unwrap(), b"ef");
        let new = PutOptions::from(PutMode::Create);
        let error = ours.put_opts(&path, "gh".into(), new).await.unwrap_err();
        assert!(
            matches!(error, object_store::Error::AlreadyExists { .. }),
            "{error}"
        );
        let left = std::fs::read_dir(on_disk.parent().unwrap()).unwrap();
        assert_eq!(left.count(), 1);
    }
}
