//! Which databases this process has open.
//!
//! POSIX locks belong to the process: closing any handle of a file drops all of them, SQLite's included, and another process may
//! then take the log away. So the first bytes of a file are read only while no connection of ours has it open.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use parking_lot::Mutex;

/// Which file a path leads to: another one may have been put in its place.
pub(crate) type Identity = Option<(u64, u64)>;

/// How many vaults have each file open.
static OPEN: Mutex<BTreeMap<(u64, u64), usize>> = Mutex::new(BTreeMap::new());

pub(crate) fn identity(path: &Path) -> Identity {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// A file that is open as long as this lives.
#[derive(Debug)]
pub(crate) struct OpenFile((u64, u64));

impl OpenFile {
    pub(crate) fn new(file: (u64, u64)) -> Self {
        *OPEN.lock().entry(file).or_default() += 1;
        Self(file)
    }

    pub(crate) fn is(&self, file: (u64, u64)) -> bool {
        self.0 == file
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        let mut open = OPEN.lock();
        if let Some(count) = open.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.0);
            }
        }
    }
}

/// How a file begins.
pub(crate) enum Start {
    /// A vault has it open, so it is a database.
    Open,
    /// Its first bytes, as many as were asked for or as there are.
    Bytes(Vec<u8>),
}

/// The first bytes of a file.
pub(crate) fn start_of(path: &Path, bytes: u64) -> std::io::Result<Start> {
    // Nobody of ours opens it in the meantime.
    let open = OPEN.lock();
    if identity(path).is_some_and(|file| open.contains_key(&file)) {
        return Ok(Start::Open);
    }
    let mut start = Vec::new();
    File::open(path)?.take(bytes).read_to_end(&mut start)?;
    drop(open);
    Ok(Start::Bytes(start))
}
