//! Bytes of one file, on disk or in an object store, and the layouts that are read from them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use ogive::SessionBuilder;
use ogive_table_providers::literal_url;

use crate::cli::error::{Failure, Result};

/// A file that is read in ranges.
pub struct FileBytes {
    name: String,
    size: u64,
    source: Source,
}

enum Source {
    Local(File),
    Remote {
        store: Arc<dyn ObjectStore>,
        path: ObjectPath,
    },
}

impl FileBytes {
    /// Opens a path, or a URL with `://` in it.
    pub async fn open(name: &str) -> Result<Self> {
        if name.contains("://") {
            Self::open_url(name).await
        } else {
            Self::open_path(Path::new(name))
        }
    }

    /// Opens a file on disk.
    pub fn open_path(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| Failure::about(&name, describe_io(&error)))?;
        let metadata = file
            .metadata()
            .map_err(|error| Failure::about(&name, error))?;
        if metadata.is_dir() {
            return Err(Failure::about(&name, "is a directory, expected a file"));
        }
        Ok(Self {
            name,
            size: metadata.len(),
            source: Source::Local(file),
        })
    }

    async fn open_url(name: &str) -> Result<Self> {
        // A key is what was written: nothing ends it.
        let url = literal_url(name).map_err(|error| Failure::about(name, error))?;
        let session = SessionBuilder::new().build()?;
        let store = session
            .context()
            .runtime_env()
            .object_store_registry
            .get_store(&url)?;
        let path =
            ObjectPath::from_url_path(url.path()).map_err(|error| Failure::about(name, error))?;
        let meta = store
            .head(&path)
            .await
            .map_err(|error| Failure::about(name, error))?;
        Ok(Self {
            name: name.to_owned(),
            size: meta.size,
            source: Source::Remote { store, path },
        })
    }

    /// The path or URL.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes in the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads a range; a file that has become shorter is an error.
    pub async fn read(&mut self, range: Range<u64>) -> Result<Vec<u8>> {
        match &mut self.source {
            Source::Local(file) => {
                read_local(file, &range).map_err(|error| Failure::about(&self.name, error))
            }
            Source::Remote { store, path } => match store.get_range(path, range).await {
                Ok(bytes) => Ok(bytes.into()),
                Err(error) => Err(Failure::about(&self.name, error)),
            },
        }
    }

    /// The layout of a CVC file, with every record's place.
    pub async fn cvc_layout(&mut self) -> Result<ogive_cvc::Layout> {
        use ogive_cvc::{LayoutReader, Progress, RecordWalk};
        let mut reader = LayoutReader::new(&self.name, self.size);
        let layout = loop {
            match reader.next()? {
                Progress::Need(range) => reader.feed(range.clone(), &self.read(range).await?)?,
                Progress::Done(layout) => break layout,
            }
        };
        if layout.records_known() {
            return Ok(layout);
        }
        let mut walk = RecordWalk::new(layout);
        loop {
            match walk.next()? {
                Progress::Need(range) => walk.feed(range.clone(), &self.read(range).await?)?,
                Progress::Done(layout) => return Ok(layout),
            }
        }
    }

    /// The layout of an array file.
    pub async fn array_layout(
        &mut self,
        format: ogive_npy::Format,
    ) -> Result<ogive_npy::ArrayLayout> {
        use ogive_npy::{LayoutReader, Progress};
        let mut reader = LayoutReader::new(&self.name, format, self.size);
        loop {
            match reader.next()? {
                Progress::Need(range) => reader.feed(range.clone(), &self.read(range).await?)?,
                Progress::Done(layout) => return Ok(layout),
            }
        }
    }
}

fn read_local(file: &mut File, range: &Range<u64>) -> std::io::Result<Vec<u8>> {
    let length = range.end.saturating_sub(range.start);
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        return Err(std::io::Error::new(
            std::io::ErrorKind::UnexpectedEof,
            format!(
                "the file became shorter while it was read: found {} bytes at byte {}, expected {length}",
                bytes.len(),
                range.start
            ),
        ));
    }
    Ok(bytes)
}

/// What is wrong with a path, without the number that the system adds.
pub fn describe_io(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// The extension of a path or URL, in lower case and without the dot; empty if there is none.
pub fn extension_of(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match last.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension.to_ascii_lowercase(),
        _ => String::new(),
    }
}
