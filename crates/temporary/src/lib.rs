//! Files that are written beside the place where they will be.
//!
//! ```text
//! .ogive-4711-x8Kz0Q.tmp      4711 writes here, and has a lock on it as long as it lives
//! ```
//!
//! Dropping one removes it. A process that is ended by a signal drops nothing, so there is a list of those that are there
//! now, for [`end_temporaries`] on the way out. A process that is killed cannot even do that: the next one that writes
//! to the same directory takes away what nobody holds a lock on. The lock tells, not the number: numbers come again.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tempfile::{Builder, NamedTempFile, TempDir};

const PREFIX: &str = ".ogive-";
const SUFFIX: &str = ".tmp";
/// A directory is looked through for what others have left at most this often, as it may hold many files.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);
/// How often a new file may be taken away before it is locked.
const ATTEMPTS: usize = 8;

/// What this process has not finished. Signals come to a process, hence it is the process's.
static UNFINISHED: Mutex<Unfinished> = Mutex::new(Unfinished {
    paths: BTreeSet::new(),
    is_ending: false,
});
/// When directories were looked through.
static SWEPT: Mutex<Option<HashMap<PathBuf, Instant>>> = Mutex::new(None);

struct Unfinished {
    paths: BTreeSet<PathBuf>,
    is_ending: bool,
}

/// A file beside its target, with the permissions of a new file.
#[derive(Debug)]
pub struct TemporaryFile {
    file: NamedTempFile,
    _listed: Listed,
}

/// A directory in which files are made for a place beside it.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: TempDir,
    _lock: Option<File>,
    _listed: Listed,
}

/// A path on the list of unfinished ones.
#[derive(Debug)]
struct Listed(PathBuf);

impl Listed {
    fn new(path: &Path) -> io::Result<Self> {
        let mut unfinished = unfinished();
        if unfinished.is_ending {
            return Err(io::Error::new(
                io::ErrorKind::Interrupted,
                "the process is about to end",
            ));
        }
        unfinished.paths.insert(path.to_owned());
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        unfinished().paths.remove(&self.0);
    }
}

fn unfinished() -> MutexGuard<'static, Unfinished> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the unfinished files of this process, whoever writes them.
pub fn remove_temporaries() {
    let paths = std::mem::take(&mut unfinished().paths);
    for path in paths {
        // It may be gone, or whole and under its name.
        let _ = match path.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
    }
}

/// The same as the process ends: from now on none are made.
pub fn end_temporaries() {
    unfinished().is_ending = true;
    remove_temporaries();
}

impl TemporaryFile {
    /// A new file in `folder`.
    ///
    /// # Errors
    /// Nothing can be created there.
    pub fn create_in(folder: &Path) -> io::Result<Self> {
        remove_abandoned(folder);
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let mut builder = Builder::new();
        builder.prefix(&prefix).suffix(SUFFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // What an ordinary new file gets, not the private ones of temporary files: it will be the user's.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        for _ in 0..ATTEMPTS {
            let file = builder.tempfile_in(folder)?;
            let listed = Listed::new(file.path())?;
            // On file systems without locks nothing is taken for abandoned either.
            let _ = file.as_file().try_lock();
            if file.path().exists() {
                return Ok(Self {
                    file,
                    _listed: listed,
                });
            }
        }
        Err(io::Error::other(
            "new temporary files vanish from the directory",
        ))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The open file.
    pub fn as_file(&self) -> &File {
        self.file.as_file()
    }

    /// The open file.
    pub fn as_file_mut(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Gives it its name, in place of what has that now.
    ///
    /// # Errors
    /// It cannot be renamed, and is removed.
    pub fn persist(self, target: &Path) -> io::Result<()> {
        self.file.persist(target).map_err(|error| error.error)?;
        Ok(())
    }

    /// Gives it its name, if nothing has that now.
    ///
    /// # Errors
    /// The name is taken, or it cannot be renamed; it is removed.
    pub fn persist_new(self, target: &Path) -> io::Result<()> {
        let persisted = self.file.persist_noclobber(target);
        persisted.map_err(|error| error.error)?;
        Ok(())
    }
}

impl Write for TemporaryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Read for TemporaryFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.read(bytes)
    }
}

impl Seek for TemporaryFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

impl TemporaryFolder {
    /// A new directory in `folder`.
    ///
    /// # Errors
    /// Nothing can be created there.
    pub fn create_in(folder: &Path) -> io::Result<Self> {
        remove_abandoned(folder);
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let folder = Builder::new()
            .prefix(&prefix)
            .suffix(SUFFIX)
            .tempdir_in(folder)?;
        let listed = Listed::new(folder.path())?;
        let lock = File::open(folder.path()).ok();
        if let Some(lock) = &lock {
            let _ = lock.try_lock();
        }
        Ok(Self {
            folder,
            _lock: lock,
            _listed: listed,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what writers that are no more have left in a directory.
fn remove_abandoned(folder: &Path) {
    let mut swept = SWEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let swept = swept.get_or_insert_default();
    swept.retain(|_, at| at.elapsed() < SWEEP_INTERVAL);
    if swept.insert(folder.to_owned(), Instant::now()).is_some() {
        return;
    }
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries
        .flatten()
        .filter(|entry| is_ours(&entry.file_name()))
    {
        let path = entry.path();
        let Ok(file) = File::open(&path) else {
            continue;
        };
        if file.try_lock().is_err() {
            continue;
        }
        let _ = match path.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
    }
}

fn is_ours(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
        entries.map(|entry| name(entry).unwrap()).collect()
    }

    #[cfg(unix)]
    #[test]
    fn what_nobody_holds_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let abandoned = folder.path().join(".ogive-1-abc.tmp");
        fs::write(&abandoned, "half").unwrap();
        fs::create_dir(folder.path().join(".ogive-2-abc.tmp")).unwrap();
        fs::write(folder.path().join(".ogive-2-abc.tmp/x.csv"), "half").unwrap();
        let others = File::create(folder.path().join(".ogive-3-abc.tmp")).unwrap();
        others.try_lock().unwrap();
        fs::write(folder.path().join("mine.tmp"), "whole").unwrap();
        let file = TemporaryFile::create_in(folder.path()).unwrap();
        let mut left = names(folder.path());
        left.sort();
        let own = file.path().file_name().unwrap().to_str().unwrap();
        let mut expected = [".ogive-3-abc.tmp", own, "mine.tmp"];
        expected.sort_unstable();
        assert_eq!(left, expected);
        drop(file);
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn a_file_gets_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x");
        let mut file = TemporaryFile::create_in(folder.path()).unwrap();
        file.write_all(b"1").unwrap();
        file.persist_new(&target).unwrap();
        let mut file = TemporaryFile::create_in(folder.path()).unwrap();
        file.write_all(b"2").unwrap();
        assert!(file.persist_new(&target).is_err());
        assert_eq!(fs::read(&target).unwrap(), b"1");
        let mut file = TemporaryFile::create_in(folder.path()).unwrap();
        file.write_all(b"3").unwrap();
        file.persist(&target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"3");
        assert_eq!(names(folder.path()), ["x"]);
    }
}
