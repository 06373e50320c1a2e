//! Writes to the local disk: beside the target until they are whole.

use std::fs::create_dir_all;
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use object_store::{Error, MultipartUpload, PutMode, PutPayload, PutResult, Result, UploadPart};
use ogive_table_providers::TemporaryFile;
use parking_lot::Mutex;
use tokio::task::spawn_blocking;

const DONE: PutResult = PutResult {
    e_tag: None,
    version: None,
};

/// Writes a file in one go.
pub(super) async fn write_whole(
    target: PathBuf,
    payload: PutPayload,
    mode: PutMode,
) -> Result<PutResult> {
    blocking(move || {
        let mut file = create(&target)?;
        for bytes in &payload {
            file.write_all(bytes).map_err(|e| failed(&target, e))?;
        }
        let named = match mode {
            PutMode::Create => file.persist_new(&target),
            _ => file.persist(&target),
        };
        named.map_err(|error| failed(&target, error))?;
        Ok(DONE)
    })
    .await
}

/// An upload in parts, which may come in any order.
#[derive(Debug)]
pub(super) struct DiskUpload {
    target: PathBuf,
    file: Arc<Mutex<Option<TemporaryFile>>>,
    bytes: u64,
}

impl DiskUpload {
    pub(super) async fn create(target: PathBuf) -> Result<Self> {
        let path = target.clone();
        let file = blocking(move || create(&path)).await?;
        Ok(Self {
            target,
            file: Arc::new(Mutex::new(Some(file))),
            bytes: 0,
        })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MultipartUpload for DiskUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let start = self.bytes;
        self.bytes += data.content_length() as u64;
        let (file, target) = (Arc::clone(&self.file), self.target.clone());
        Box::pin(blocking(move || {
            let mut file = file.lock();
            let file = file.as_mut().ok_or_else(|| ended(&target))?;
            let written = file
                .seek(SeekFrom::Start(start))
                .and_then(|_| data.iter().try_for_each(|bytes| file.write_all(bytes)));
            written.map_err(|error| failed(&target, error))
        }))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let target = self.target.clone();
        let file = self.file.lock().take().ok_or_else(|| ended(&target))?;
        blocking(move || {
            file.persist(&target)
                .map_err(|error| failed(&target, error))?;
            Ok(DONE)
        })
        .await
    }

    async fn abort(&mut self) -> Result<()> {
        // Dropping the file removes it.
        match self.file.lock().take() {
            Some(_) => Ok(()),
            None => Err(ended(&self.target)),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let joined = spawn_blocking(work).await;
    joined.map_err(|source| Error::JoinError { source })?
}

/// A file beside the target, in a directory that is made if there is none.
fn create(target: &Path) -> Result<TemporaryFile> {
    let folder = target.parent().unwrap_or(Path::new("/"));
    match TemporaryFile::create_in(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => create_dir_all(folder)
            .and_then(|()| TemporaryFile::create_in(folder))
            .map_err(|error| failed(target, error)),
        created => created.map_err(|error| failed(target, error)),
    }
}

fn failed(target: &Path, error: io::Error) -> Error {
    let path = target.display().to_string();
    match error.kind() {
        ErrorKind::AlreadyExists => Error::AlreadyExists {
            path,
            source: error.into(),
        },
        ErrorKind::PermissionDenied => Error::PermissionDenied {
            path,
            source: error.into(),
        },
        _ => Error::Generic {
            store: "LocalFileSystem",
            source: format!("cannot write {path}: {error}").into(),
        },
    }
}

fn ended(target: &Path) -> Error {
    Error::Generic {
        store: "LocalFileSystem",
        source: format!("the write of {} has ended", target.display()).into(),
    }
}
