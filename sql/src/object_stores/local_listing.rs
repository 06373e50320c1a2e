//! What lies on the local disk.
//!
//! Names that are no UTF-8, or have control characters, cannot be said in SQL and are passed over, with a line in the log.
//! So are files called like `x.csv#1`, which are parts of uploads.

use std::fs::{DirEntry, Metadata};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::time::SystemTime;

use futures::stream::{self, BoxStream, FuturesUnordered, StreamExt};
use object_store::path::Path;
use object_store::{Error, ListResult, ObjectMeta, Result};
use tokio::task::spawn_blocking;

/// Tasks that read directories, or what is known of files in them, side by side.
const TASKS_IN_FLIGHT: usize = 16;
/// Files that one task asks after.
const FILES_PER_TASK: usize = 512;

/// A directory in the file system and in the store.
struct Directory {
    on_disk: PathBuf,
    prefix: Path,
}

/// What one look at a directory gives.
#[derive(Default)]
struct Found {
    directories: Vec<Directory>,
    files: Vec<(Path, DirEntry)>,
}

enum Step {
    Read(Directory),
    Describe(Vec<(Path, DirEntry)>),
}

enum Done {
    Read(Found),
    Described(Vec<ObjectMeta>),
}

/// All files below a directory, in no order.
pub(super) fn list_below(on_disk: PathBuf, prefix: Path) -> BoxStream<'static, Result<ObjectMeta>> {
    stream::once(async move { walk(on_disk, prefix).await })
        .flat_map(|found| match found {
            Ok(files) => stream::iter(files.into_iter().map(Ok)).boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        })
        .boxed()
}

async fn walk(on_disk: PathBuf, prefix: Path) -> Result<Vec<ObjectMeta>> {
    let mut waiting = vec![Step::Read(Directory { on_disk, prefix })];
    let mut running = FuturesUnordered::new();
    let mut files = Vec::new();
    loop {
        while running.len() < TASKS_IN_FLIGHT
            && let Some(step) = waiting.pop()
        {
            running.push(spawn_blocking(move || run(step)));
        }
        let Some(done) = running.next().await else {
            return Ok(files);
        };
        match done.map_err(|source| Error::JoinError { source })?? {
            Done::Described(described) => files.extend(described),
            Done::Read(found) => {
                waiting.extend(found.directories.into_iter().map(Step::Read));
                let mut found = found.files;
                while !found.is_empty() {
                    let rest = found.split_off(found.len().min(FILES_PER_TASK));
                    waiting.push(Step::Describe(found));
                    found = rest;
                }
            }
        }
    }
}

fn run(step: Step) -> Result<Done> {
    Ok(match step {
        Step::Read(directory) => Done::Read(read(&directory)?),
        Step::Describe(entries) => Done::Described(described(entries)?),
    })
}

/// The files and directories in one directory.
pub(super) async fn list_one(on_disk: PathBuf, prefix: Path) -> Result<ListResult> {
    let one = move || {
        let found = read(&Directory { on_disk, prefix })?;
        let mut common_prefixes: Vec<Path> = found
            .directories
            .into_iter()
            .map(|directory| directory.prefix)
            .collect();
        common_prefixes.sort();
        let mut objects = described(found.files)?;
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(ListResult {
            common_prefixes,
            objects,
        })
    };
    let joined = spawn_blocking(one).await;
    joined.map_err(|source| Error::JoinError { source })?
}

/// A directory that is not there holds nothing, as in a bucket.
fn read(directory: &Directory) -> Result<Found> {
    let failed = |source: io::Error| Error::Generic {
        store: "LocalFileSystem",
        source: format!("cannot list {}: {source}", directory.on_disk.display()).into(),
    };
    let mut found = Found::default();
    let entries = match std::fs::read_dir(&directory.on_disk) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(found);
        }
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let Some(location) = location(&directory.prefix, &entry) else {
            log::warn!(
                "{} is passed over: its name is no text",
                entry.path().display()
            );
            continue;
        };
        let mut kind = entry.file_type().map_err(failed)?;
        if kind.is_symlink() {
            // A link that leads nowhere is no file.
            match std::fs::metadata(entry.path()) {
                Ok(target) => kind = target.file_type(),
                Err(_) => continue,
            }
        }
        if kind.is_dir() {
            found.directories.push(Directory {
                on_disk: entry.path(),
                prefix: location,
            });
        } else if kind.is_file() && !is_part(&location) {
            found.files.push((location, entry));
        }
    }
    Ok(found)
}

fn location(prefix: &Path, entry: &DirEntry) -> Option<Path> {
    let name = entry.file_name();
    let name = name.to_str()?;
    let text = match prefix.is_root() {
        true => name.to_string(),
        false => format!("{prefix}/{name}"),
    };
    Path::parse(text).ok()
}

/// `x.csv#1`.
fn is_part(location: &Path) -> bool {
    let name = location.filename().unwrap_or_default();
    name.split_once('#').is_some_and(|(_, number)| {
        !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

fn described(entries: Vec<(Path, DirEntry)>) -> Result<Vec<ObjectMeta>> {
    let mut files = Vec::with_capacity(entries.len());
    for (location, entry) in entries {
        match metadata(&entry) {
            Ok(found) => files.extend(describe(location, &found)),
            // Removed in the meantime.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Error::Generic {
                    store: "LocalFileSystem",
                    source: format!("{}: {error}", entry.path().display()).into(),
                });
            }
        }
    }
    Ok(files)
}

/// Of what a link leads to.
fn metadata(entry: &DirEntry) -> io::Result<Metadata> {
    if entry.file_type()?.is_symlink() {
        return std::fs::metadata(entry.path());
    }
    entry.metadata()
}

/// What a listing says of a file.
pub(super) fn describe(location: Path, found: &Metadata) -> Option<ObjectMeta> {
    let modified = found.modified().ok()?;
    let since = modified.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let (inode, size) = (inode(found), found.len());
    Some(ObjectMeta {
        location,
        last_modified: modified.into(),
        size,
        e_tag: Some(format!("{inode:x}-{:x}-{size:x}", since.as_micros())),
        version: None,
    })
}

#[cfg(unix)]
fn inode(found: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn inode(_found: &Metadata) -> u64 {
    0
}
