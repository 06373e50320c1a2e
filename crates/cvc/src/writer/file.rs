//! A file on disk that appears whole or not at all.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{ColumnValues, Schema, WriteOptions, Writer};
use crate::error::{Error, Result};
use crate::json::Json;
use ogive_temporary::TemporaryFile;

/// Writes a file on disk.
///
/// Records are spooled to a temporary file beside the target. [`finish`](Self::finish) puts header and records together in
/// another one, makes it durable and renames it over the target, so a reader sees the old file or the new one. Dropping the
/// writer before removes what it made.
#[derive(Debug)]
pub struct FileWriter {
    writer: Writer<TemporaryFile>,
    target: PathBuf,
    folder: PathBuf,
}

impl FileWriter {
    /// Starts a file that will be at `path`.
    ///
    /// # Errors
    /// [`Error::BadSchema`] as [`Writer::new`]; [`Error::Io`] when nothing can be created in the target's folder.
    pub fn create(path: &Path, schema: Schema, options: WriteOptions) -> Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let spool = TemporaryFile::create_in(&folder).map_err(|source| failed(path, source))?;
        let name = path.display().to_string().into();
        Ok(Self {
            writer: Writer::named(name, schema, options, spool)?,
            target: path.to_owned(),
            folder,
        })
    }

    /// Rows taken so far.
    pub fn rows(&self) -> u64 {
        self.writer.rows()
    }

    /// As [`Writer::write`].
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub fn write(&mut self, values: &[ColumnValues<'_>]) -> Result<()> {
        self.writer.write(values)
    }

    /// As [`Writer::next_section`].
    pub fn next_section(&mut self, metadata: Json) {
        self.writer.next_section(metadata);
    }

    /// As [`Writer::set_chunk_metadata`].
    ///
    /// # Errors
    /// As [`Writer::set_chunk_metadata`].
    pub fn set_chunk_metadata(&mut self, chunk: usize, metadata: Json) -> Result<()> {
        self.writer.set_chunk_metadata(chunk, metadata)
    }

    /// Puts the file in its place and returns its rows.
    ///
    /// # Errors
    /// As [`Writer::finish`]; the target is untouched then.
    pub fn finish(self) -> Result<u64> {
        self.assemble()?.publish()
    }

    /// Puts header and records together, durably, and leaves the name for later.
    ///
    /// # Errors
    /// As [`Writer::finish`].
    pub fn assemble(self) -> Result<WholeFile> {
        let Self {
            writer,
            target,
            folder,
        } = self;
        let finished = writer.finish()?;
        let rows = finished.rows;
        let io = |source| failed(&target, source);
        let mut whole = TemporaryFile::create_in(&folder).map_err(io)?;
        finished
            .copy_to(whole.as_file_mut())
            .map_err(|error| match error {
                Error::Io { source, .. } => io(source),
                other => other,
            })?;
        whole.as_file().sync_all().map_err(io)?;
        Ok(WholeFile {
            file: whole,
            target,
            folder,
            rows,
        })
    }
}

/// A file that lacks nothing but its name. Dropping it removes it.
#[derive(Debug)]
pub struct WholeFile {
    file: TemporaryFile,
    target: PathBuf,
    folder: PathBuf,
    rows: u64,
}

impl WholeFile {
    /// Where it will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Gives it its name and returns its rows.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be renamed.
    pub fn publish(self) -> Result<u64> {
        let io = |source| failed(&self.target, source);
        self.file.persist(&self.target).map_err(io)?;
        sync_folder(&self.folder).map_err(io)?;
        Ok(self.rows)
    }
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Io {
        file: path.display().to_string().into(),
        source,
    }
}

/// Makes the rename durable. Only Unix has folders that can be opened for that.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
