//! Which files or devices a path means, and ranges of their bytes.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use datafusion_common::{DataFusionError, Result, exec_datafusion_err};
use datafusion_datasource::ListingTableUrl;
use datafusion_execution::TaskContext;

use crate::listing::list_files;
use crate::options::OgiveOptions;
use crate::scan::{FileBytes, is_local, local_path};

/// Something with bytes at places.
pub(super) enum PageFile {
    /// A file, local or in a bucket.
    File { bytes: FileBytes, length: u64 },
    /// A block device.
    Device {
        path: PathBuf,
        file: Arc<File>,
        length: u64,
    },
}

impl PageFile {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::File { length, .. } | Self::Device { length, .. } => *length,
        }
    }

    /// Reads a range.
    pub(super) async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        match self {
            Self::File { bytes, .. } => {
                let (parts, _) = bytes.read(std::slice::from_ref(&range)).await?;
                Ok(parts.into_iter().next().unwrap_or_default())
            }
            Self::Device { path, file, .. } => {
                let (path, file) = (path.clone(), Arc::clone(file));
                tokio::task::spawn_blocking(move || read_device(&path, &file, range))
                    .await
                    .map_err(|error| DataFusionError::External(Box::new(error)))?
            }
        }
    }

    /// Lets go of what was read.
    pub(super) fn release(&self, range: &Range<u64>) {
        if let Self::File { bytes, .. } = self {
            bytes.release(range);
        }
    }
}

/// Reads from an open device. Its place is moved: a device is read by one query at a time.
fn read_device(path: &Path, file: &File, range: Range<u64>) -> Result<Bytes> {
    let mut bytes = vec![0; (range.end - range.start) as usize];
    let mut file = file;
    let read = file
        .seek(SeekFrom::Start(range.start))
        .and_then(|_| file.read_exact(&mut bytes));
    read.map_err(|error| {
        exec_datafusion_err!(
            "pages: cannot read {} bytes at {} of {}: {error}",
            range.end - range.start,
            range.start,
            path.display()
        )
    })?;
    Ok(Bytes::from(bytes))
}

/// A device that `url` names, if it names one.
#[cfg(unix)]
fn device(url: &ListingTableUrl) -> Result<Option<PageFile>> {
    use std::os::unix::fs::FileTypeExt;
    if url.scheme() != "file" || url.get_glob().is_some() {
        return Ok(None);
    }
    let Some(path) = local_path(url.prefix()) else {
        return Ok(None);
    };
    let is_device = std::fs::metadata(&path).is_ok_and(|about| about.file_type().is_block_device());
    if !is_device {
        return Ok(None);
    }
    let opened = File::open(&path).and_then(|mut file| Ok((file.seek(SeekFrom::End(0))?, file)));
    let (length, file) = opened
        .map_err(|error| exec_datafusion_err!("pages: cannot open {}: {error}", path.display()))?;
    Ok(Some(PageFile::Device {
        path,
        file: Arc::new(file),
        length,
    }))
}

#[cfg(not(unix))]
fn device(_url: &ListingTableUrl) -> Result<Option<PageFile>> {
    Ok(None)
}

/// Opens what `url` means, in the order of the names.
pub(super) async fn open(
    url: &ListingTableUrl,
    path: &str,
    context: &TaskContext,
) -> Result<Vec<PageFile>> {
    if let Some(device) = device(url)? {
        return Ok(vec![device]);
    }
    let store = context.runtime_env().object_store(url.object_store())?;
    let files = list_files(&store, url)
        .await
        .map_err(|error| error.context(format!("opening {path}")))?;
    if files.is_empty() {
        return Err(exec_datafusion_err!("pages: no file at {path}"));
    }
    let is_local = is_local(&store);
    let map = OgiveOptions::memory_map_of(context.session_config().options());
    files
        .into_iter()
        .map(|meta| {
            let name = match is_local {
                true => format!("/{}", meta.location),
                false => format!("{store}/{}", meta.location),
            };
            let bytes = FileBytes::open(&store, is_local, &meta, &name, map)?;
            Ok(PageFile::File {
                bytes,
                length: meta.size,
            })
        })
        .collect()
}
