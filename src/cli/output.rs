//! Files that appear under their name only when they are whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ogive_cvc::{TemporaryFile, TemporaryFolder};

use crate::cli::bytes::describe_io;
use crate::cli::error::{Failure, Result};

/// A file being written beside the place where it will be.
pub struct Output {
    file: TemporaryFile,
    place: Place,
}

/// A directory beside the place where one of its files will be, for writers that insist on a name.
pub struct OutputFolder {
    folder: TemporaryFolder,
    place: Place,
}

/// Where a file is to be.
struct Place {
    target: PathBuf,
    replace: bool,
}

impl Output {
    /// Starts a file that will be `target`. An existing one is an error unless `replace` is set.
    pub fn create(target: &Path, replace: bool) -> Result<Self> {
        let place = Place::new(target, replace)?;
        let file = TemporaryFile::create_in(place.folder())
            .map_err(|error| Failure::about(target.display(), describe_io(&error)))?;
        Ok(Self { file, place })
    }

    /// The open file.
    pub fn file_mut(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Makes the bytes durable and gives the file its name.
    pub fn commit(self) -> Result<()> {
        let about = |error: std::io::Error| Failure::about(self.place.target.display(), error);
        self.file.as_file().sync_all().map_err(about)?;
        let target = &self.place.target;
        let renamed = if self.place.replace {
            self.file.persist(target)
        } else {
            self.file.persist_new(target)
        };
        renamed.map_err(about)?;
        self.place.sync_folder()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file_mut().flush()
    }
}

impl OutputFolder {
    /// Starts a folder for a file that will be `target`. An existing one is an error unless `replace` is set.
    pub fn create(target: &Path, replace: bool) -> Result<Self> {
        let place = Place::new(target, replace)?;
        let folder = TemporaryFolder::create_in(place.folder())
            .map_err(|error| Failure::about(target.display(), describe_io(&error)))?;
        Ok(Self { folder, place })
    }

    /// Where to write: a file of the target's name, inside the folder.
    pub fn path(&self) -> PathBuf {
        let name = self.place.target.file_name().unwrap_or_default();
        self.folder.path().join(name)
    }

    /// Makes the file durable and moves it to its place.
    pub fn commit(self) -> Result<()> {
        let target = &self.place.target;
        let about = |error: std::io::Error| Failure::about(target.display(), describe_io(&error));
        let written = self.path();
        File::open(&written)
            .and_then(|file| file.sync_all())
            .map_err(about)?;
        if self.place.replace {
            fs::rename(&written, target).map_err(about)?;
        } else {
            // Unlike a rename, a link refuses a name that somebody took in the meantime.
            fs::hard_link(&written, target).map_err(about)?;
        }
        self.place.sync_folder()
    }
}

impl Place {
    fn new(target: &Path, replace: bool) -> Result<Self> {
        if target.is_dir() {
            return Err(Failure::about(
                target.display(),
                "is a directory, expected a file to write",
            ));
        }
        if !replace && target.exists() {
            return Err(Failure::about(
                target.display(),
                "exists already; --force replaces it",
            ));
        }
        if target.file_name().is_none() {
            return Err(Failure::Wrong(format!(
                "'{}' names no file",
                target.display()
            )));
        }
        Ok(Self {
            target: target.to_owned(),
            replace,
        })
    }

    fn folder(&self) -> &Path {
        folder_of(&self.target)
    }

    /// Makes the new name durable.
    fn sync_folder(&self) -> Result<()> {
        #[cfg(unix)]
        File::open(self.folder())
            .and_then(|folder| folder.sync_all())
            .map_err(|error| Failure::about(self.target.display(), error))?;
        Ok(())
    }
}

/// The folder that a file lies in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
