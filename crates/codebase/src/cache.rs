//! Facts of a checkout's files, kept between runs.
//!
//! One SQLite file holds a checkout's entries. SQLite's log (WAL) makes many readers and one writer at once safe, and a
//! change touches only the pages that it needs, however large the cache is; a file that is written beside and renamed
//! would be written whole for one changed source. The schema, since format 1 (format 2 added import statements to the facts,
//! format 3 the fingerprints of names and entries of outlines):
//!
//! ```text
//! files(path TEXT, settings TEXT, size INTEGER, modified_ns INTEGER, scanned_ns INTEGER,
//!       checksum BLOB, names BLOB, file BLOB, parsed BLOB)          unique by (path, settings)
//! PRAGMA user_version = the format
//! ```
//!
//! `names` is the fingerprint of the file's names (`lookup.rs`) and eight bytes of a sum of it, `file` and `parsed` are the facts in postcard's encoding; `checksum` is BLAKE3 of all other columns. `settings` names
//! what else the facts depend on: the encoding of tokens and the limits. Beside the file lies `.lock`: all who use the
//! cache hold it together, and who throws a damaged cache away holds it alone.

use std::collections::HashMap;
use std::fs::File as DiskFile;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, params};

use crate::checkout::Wanted;
use crate::error::{Error, Result};
use crate::facts::{File, Parsed};
use crate::lookup::{Lookup, fingerprint, may_have};

/// The format of the entries. It changes with the facts, with the tables of the languages, and with their grammars.
const FORMAT: i64 = 3;

/// Where facts are kept, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheOptions {
    /// The folder; `ogive/codebase` in the user's cache folder where it is not given.
    pub folder: Option<PathBuf>,
    /// How old an entry may be. Entries are known by content, so they do not go bad: none is for ever.
    pub ttl: Option<Duration>,
    /// How large the cache may be. The oldest entries leave first.
    pub bytes_max: u64,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            folder: None,
            ttl: None,
            bytes_max: 1 << 30,
        }
    }
}

/// What is known of a cached file without its facts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    row: i64,
    pub bytes: u64,
    pub modified_ns: i64,
    scanned_ns: i64,
    outline: bool,
    /// Whether it may have the names that are looked for.
    pub may_have: bool,
}

impl Known {
    /// Whether a file of that size and time is the one that was scanned. One that was written shortly before it was
    /// scanned may have been written again within the clock's step: it is not trusted without a look at its content.
    pub fn is_same(&self, bytes: u64, modified_ns: i64) -> bool {
        const CLOCK_STEP_NS: i64 = 2_000_000_000;
        self.bytes == bytes
            && self.modified_ns == modified_ns
            && modified_ns != 0
            && self.scanned_ns.saturating_sub(modified_ns) > CLOCK_STEP_NS
    }
}

/// The facts of a cached file, still encoded.
#[derive(Debug)]
pub(crate) struct Stored {
    checksum: Vec<u8>,
    path: String,
    settings: String,
    known: Known,
    names: Vec<u8>,
    file: Vec<u8>,
    parsed: Vec<u8>,
}

impl Stored {
    /// The facts; none if the entry is damaged.
    pub fn decode(&self) -> Option<(File, Parsed)> {
        let sum = checksum(
            &self.path,
            &self.settings,
            &self.known,
            [&self.names, &self.file, &self.parsed],
        );
        if self.checksum != sum {
            return None;
        }
        let file = postcard::from_bytes(&self.file).ok()?;
        let parsed = postcard::from_bytes(&self.parsed).ok()?;
        Some((file, parsed))
    }
}

/// Facts to be kept.
pub(crate) struct Fresh {
    path: String,
    bytes: u64,
    modified_ns: i64,
    names: Vec<u8>,
    file: Vec<u8>,
    parsed: Vec<u8>,
}

impl Fresh {
    /// Encodes the facts of a file.
    pub fn new(file: &File, parsed: &Parsed) -> Option<Self> {
        Some(Self {
            path: file.path.clone(),
            bytes: file.bytes,
            modified_ns: file.modified_ns,
            names: fingerprint(parsed),
            file: postcard::to_stdvec(file).ok()?,
            parsed: postcard::to_stdvec(parsed).ok()?,
        })
    }
}

/// What a cache holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheInfo {
    /// Its file.
    pub path: PathBuf,
    /// How many files it knows.
    pub entries: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Whether it was damaged and made anew when it was opened.
    pub rebuilt: bool,
}

/// The cache of one checkout.
pub struct Cache {
    connection: Connection,
    path: PathBuf,
    settings: String,
    wanted: Wanted,
    options: CacheOptions,
    rebuilt: bool,
    /// Held as long as the cache is in use.
    lock: DiskFile,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Cache")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The folder of all caches: `XDG_CACHE_HOME`, or the platform's own.
fn default_folder() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("LOCALAPPDATA"))
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|folder| folder.join("ogive").join("codebase"))
}

impl Cache {
    /// Opens the cache of the checkout at `root`, and makes it where there is none. One that is damaged is thrown away.
    ///
    /// # Errors
    ///
    /// There is no folder for it, or it cannot be written, or a damaged one is in use by another process.
    pub fn open(
        root: &Path,
        settings: &str,
        wanted: Wanted,
        options: &CacheOptions,
    ) -> Result<Self> {
        let root = std::fs::canonicalize(root).map_err(|source| Error::Missing {
            path: root.to_owned(),
            source,
        })?;
        let folder = options
            .folder
            .clone()
            .or_else(default_folder)
            .ok_or_else(|| Error::Cache {
                path: PathBuf::new(),
                message: "there is no folder for caches: neither XDG_CACHE_HOME nor HOME is set"
                    .to_owned(),
            })?;
        let hash = blake3::hash(root.as_os_str().as_encoded_bytes()).to_hex();
        let stem = root
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let path = folder.join(format!("{stem}-{}.db", hash.get(..16).unwrap_or("")));
        let failed = |message: String| Error::Cache {
            path: path.clone(),
            message,
        };
        std::fs::create_dir_all(&folder).map_err(|error| failed(error.to_string()))?;
        let lock = DiskFile::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path.with_extension("lock"))
            .map_err(|error| failed(error.to_string()))?;
        lock.lock_shared()
            .map_err(|error| failed(error.to_string()))?;
        let mut rebuilt = false;
        let connection = match connect(&path) {
            Ok(connection) => connection,
            Err(error) if is_damage(&error) => {
                lock.unlock().map_err(|error| failed(error.to_string()))?;
                lock.try_lock().map_err(|_| {
                    failed(format!(
                        "it is damaged ({error}) and in use by another process"
                    ))
                })?;
                // Another process may have made it anew in between.
                let connection = match connect(&path) {
                    Ok(connection) => connection,
                    Err(_) => {
                        remove(&path).map_err(|error| failed(error.to_string()))?;
                        rebuilt = true;
                        connect(&path).map_err(|error| failed(error.to_string()))?
                    }
                };
                lock.unlock().map_err(|error| failed(error.to_string()))?;
                lock.lock_shared()
                    .map_err(|error| failed(error.to_string()))?;
                connection
            }
            Err(error) => return Err(failed(error.to_string())),
        };
        Ok(Self {
            connection,
            path,
            settings: settings.to_owned(),
            wanted,
            options: options.clone(),
            rebuilt,
            lock,
        })
    }

    fn failed(&self, error: &rusqlite::Error) -> Error {
        Error::Cache {
            path: self.path.clone(),
            message: error.to_string(),
        }
    }

    /// Throws away a cache that turned out to be damaged, unless another process uses it as well.
    pub fn discard(self) {
        let path = self.path.clone();
        let alone = self.lock.unlock().is_ok() && self.lock.try_lock().is_ok();
        if alone {
            // What cannot be removed is found damaged again next time.
            let _ = remove(&path);
        }
    }

    /// What the facts of entries depend on: those of all facts, and those of outlines.
    fn settings_of(&self, outline: bool) -> String {
        let kind = if outline { " outline" } else { "" };
        format!("{}{kind}", self.settings)
    }

    /// What is known that serves what is wanted, by path. Of a path there is one entry.
    pub(crate) fn known_for(&self, lookup: &Lookup) -> Result<HashMap<String, Known>> {
        self.known_of(self.wanted, &lookup.hashes())
    }

    fn known_of(&self, wanted: Wanted, names: &[Vec<u32>]) -> Result<HashMap<String, Known>> {
        let full = self.settings_of(false);
        let outline = self.settings_of(wanted == Wanted::Outline);
        let oldest = self.options.ttl.map_or(i64::MIN, |ttl| {
            now_ns().saturating_sub(i64::try_from(ttl.as_nanos()).unwrap_or(i64::MAX))
        });
        let read = || -> rusqlite::Result<HashMap<String, Known>> {
            let fingerprint = if names.is_empty() { "x''" } else { "names" };
            let mut statement = self.connection.prepare(&format!(
                "SELECT path, id, size, modified_ns, scanned_ns, settings <> ?1, {fingerprint} FROM files \
                 WHERE settings IN (?1, ?2) AND scanned_ns >= ?3",
            ))?;
            let rows = statement.query_map(params![full, outline, oldest], |row| {
                let path: String = row.get(0)?;
                let mut known = Known {
                    row: row.get(1)?,
                    bytes: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
                    modified_ns: row.get(3)?,
                    scanned_ns: row.get(4)?,
                    outline: row.get(5)?,
                    may_have: true,
                };
                // Facts are verified when they are read; what leaves a file out is verified here.
                let sealed = row.get_ref(6)?.as_blob()?;
                if !names.is_empty()
                    && let Some((fingerprint, sum)) = sealed.split_last_chunk()
                    && *sum == seal(&path, &known, fingerprint)
                {
                    known.may_have = may_have(fingerprint, names);
                }
                Ok((path, known))
            })?;
            rows.collect()
        };
        read().map_err(|error| self.failed(&error))
    }

    /// The stored facts of a known file; none if they are gone.
    pub(crate) fn stored(&self, path: &str, known: &Known) -> Result<Option<Stored>> {
        let read = || -> rusqlite::Result<Option<Stored>> {
            let mut statement = self
                .connection
                .prepare_cached("SELECT checksum, names, file, parsed FROM files WHERE id = ?1")?;
            statement
                .query_row([known.row], |row| {
                    Ok(Stored {
                        checksum: row.get(0)?,
                        path: path.to_owned(),
                        settings: self.settings_of(known.outline),
                        known: *known,
                        names: row.get(1)?,
                        file: row.get(2)?,
                        parsed: row.get(3)?,
                    })
                })
                .optional()
        };
        read().map_err(|error| self.failed(&error))
    }

    /// Keeps facts, all of them or none.
    pub(crate) fn keep(&mut self, fresh: &[Fresh]) -> Result<()> {
        let scanned_ns = now_ns();
        let outline = self.wanted == Wanted::Outline;
        let settings = self.settings_of(outline);
        let other = self.settings_of(!outline);
        let write = |connection: &mut Connection| -> rusqlite::Result<()> {
            let change =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            {
                let mut statement = change.prepare_cached(
                    "INSERT INTO files (path, settings, size, modified_ns, scanned_ns, checksum, names, file, parsed) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
                     ON CONFLICT (path, settings) DO UPDATE SET size = excluded.size, \
                     modified_ns = excluded.modified_ns, scanned_ns = excluded.scanned_ns, \
                     checksum = excluded.checksum, names = excluded.names, file = excluded.file, parsed = excluded.parsed",
                )?;
                let mut replace =
                    change.prepare_cached("DELETE FROM files WHERE path = ?1 AND settings = ?2")?;
                for entry in fresh {
                    replace.execute(params![entry.path, other])?;
                    let known = Known {
                        row: 0,
                        bytes: entry.bytes,
                        modified_ns: entry.modified_ns,
                        scanned_ns,
                        outline,
                        may_have: true,
                    };
                    let mut names = entry.names.clone();
                    names.extend(seal(&entry.path, &known, &entry.names));
                    let blobs = [&names, &entry.file, &entry.parsed];
                    let sum = checksum(&entry.path, &settings, &known, blobs);
                    statement.execute(params![
                        entry.path,
                        settings,
                        i64::try_from(entry.bytes).unwrap_or(i64::MAX),
                        entry.modified_ns,
                        scanned_ns,
                        sum,
                        names,
                        entry.file,
                        entry.parsed
                    ])?;
                }
            }
            change.commit()
        };
        write(&mut self.connection).map_err(|error| self.failed(&error))
    }

    /// Forgets files.
    pub(crate) fn forget<'p>(&mut self, paths: impl IntoIterator<Item = &'p str>) -> Result<()> {
        let write = |connection: &mut Connection| -> rusqlite::Result<()> {
            let change =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            for path in paths {
                change.execute("DELETE FROM files WHERE path = ?1", [path])?;
            }
            change.commit()
        };
        write(&mut self.connection).map_err(|error| self.failed(&error))
    }

    /// Brings the cache within its bounds of age and size.
    pub(crate) fn trim(&mut self) -> Result<()> {
        let bytes_max = i64::try_from(self.options.bytes_max).unwrap_or(i64::MAX);
        let oldest = self
            .options
            .ttl
            .map(|ttl| now_ns().saturating_sub(i64::try_from(ttl.as_nanos()).unwrap_or(i64::MAX)));
        let trim = |connection: &Connection| -> rusqlite::Result<()> {
            if let Some(oldest) = oldest {
                connection.execute("DELETE FROM files WHERE scanned_ns < ?1", [oldest])?;
            }
            let used = || -> rusqlite::Result<i64> {
                let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
                let free: i64 =
                    connection.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
                let size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
                Ok((pages - free) * size)
            };
            while used()? > bytes_max {
                // A tenth at a time, so that the work is bounded and so is what is lost.
                let removed = connection.execute(
                    "DELETE FROM files WHERE id IN (SELECT id FROM files ORDER BY scanned_ns, id \
                     LIMIT (SELECT count(*) / 10 + 1 FROM files))",
                    [],
                )?;
                if removed == 0 {
                    break;
                }
            }
            connection.execute_batch("PRAGMA incremental_vacuum")
        };
        trim(&self.connection).map_err(|error| self.failed(&error))
    }

    /// What the cache holds.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn info(&self) -> Result<CacheInfo> {
        let entries: i64 = self
            .connection
            .query_row("SELECT count(*) FROM files", [], |row| row.get(0))
            .map_err(|error| self.failed(&error))?;
        let size = |suffix: &str| {
            let mut name = self.path.clone().into_os_string();
            name.push(suffix);
            std::fs::metadata(PathBuf::from(name)).map_or(0, |metadata| metadata.len())
        };
        Ok(CacheInfo {
            path: self.path.clone(),
            entries: u64::try_from(entries).unwrap_or(0),
            bytes: size("") + size("-wal"),
            rebuilt: self.rebuilt,
        })
    }

    /// What SQLite finds wrong with the file as a whole: its pages and its index; empty where nothing is.
    ///
    /// # Errors
    ///
    /// The cache cannot be read at all.
    pub fn check(&self) -> Result<Vec<String>> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.connection.prepare("PRAGMA integrity_check")?;
            let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
            lines
                .filter(|line| !matches!(line.as_deref(), Ok("ok")))
                .collect()
        };
        read().map_err(|error| self.failed(&error))
    }

    /// The paths of entries whose fingerprints are not those of their facts.
    ///
    /// # Errors
    ///
    /// The cache cannot be read at all.
    pub fn check_names(&self) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        for (path, known) in self.known_of(Wanted::Outline, &[])? {
            let Some(stored) = self.stored(&path, &known)? else {
                continue;
            };
            // Those that are damaged are another matter.
            let Some((_, parsed)) = stored.decode() else {
                continue;
            };
            let mut names = fingerprint(&parsed);
            names.extend(seal(&path, &known, &names));
            if names != stored.names {
                wrong.push(path);
            }
        }
        wrong.sort_unstable();
        Ok(wrong)
    }

    /// The paths of entries that are damaged.
    ///
    /// # Errors
    ///
    /// The cache cannot be read at all.
    pub fn verify(&self) -> Result<Vec<String>> {
        let mut damaged = Vec::new();
        for (path, known) in self.known_of(Wanted::Outline, &[])? {
            if self
                .stored(&path, &known)?
                .is_some_and(|stored| stored.decode().is_none())
            {
                damaged.push(path);
            }
        }
        damaged.sort_unstable();
        Ok(damaged)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        // The lock ends with the file in any case.
        let _ = self.lock.unlock();
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    // Before the first table: pages of entries that leave go back to the system.
    connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch("PRAGMA synchronous = NORMAL")?;
    let format: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if format != FORMAT {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             DROP TABLE IF EXISTS files;
             CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT NOT NULL, settings TEXT NOT NULL,
                 size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, scanned_ns INTEGER NOT NULL,
                 checksum BLOB NOT NULL, names BLOB NOT NULL, file BLOB NOT NULL, parsed BLOB NOT NULL, UNIQUE (path, settings));
             PRAGMA user_version = {FORMAT};
             COMMIT;"
        ))?;
    }
    // A table of another shape is damage as well.
    connection.prepare("SELECT id, path, settings, size, modified_ns, scanned_ns, checksum, names, file, parsed FROM files")?;
    Ok(connection)
}

/// Whether the file is not what SQLite wrote.
fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => !matches!(
            failure.code,
            rusqlite::ErrorCode::DatabaseBusy
                | rusqlite::ErrorCode::DatabaseLocked
                | rusqlite::ErrorCode::PermissionDenied
                | rusqlite::ErrorCode::ReadOnly
                | rusqlite::ErrorCode::DiskFull
                | rusqlite::ErrorCode::CannotOpen
        ),
        _ => true,
    }
}

/// Removes a cache's files.
fn remove(path: &Path) -> std::io::Result<()> {
    for suffix in ["-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(PathBuf::from(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn checksum(path: &str, settings: &str, known: &Known, blobs: [&Vec<u8>; 3]) -> Vec<u8> {
    let [names, file, parsed] = blobs;
    let mut hasher = blake3::Hasher::new();
    for part in [path.as_bytes(), settings.as_bytes(), names, file, parsed] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.update(&known.bytes.to_le_bytes());
    hasher.update(&known.modified_ns.to_le_bytes());
    hasher.update(&known.scanned_ns.to_le_bytes());
    hasher.finalize().as_bytes().to_vec()
}

/// What ends a fingerprint: a sum of it and of the file that it is of.
fn seal(path: &str, known: &Known, fingerprint: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(path.len() as u64).to_le_bytes());
    hasher.update(path.as_bytes());
    hasher.update(&known.bytes.to_le_bytes());
    hasher.update(&known.modified_ns.to_le_bytes());
    hasher.update(&known.scanned_ns.to_le_bytes());
    hasher.update(fingerprint);
    let [a, b, c, d, e, f, g, h, ..] = *hasher.finalize().as_bytes();
    [a, b, c, d, e, f, g, h]
}

fn now_ns() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|age| i64::try_from(age.as_nanos()).ok())
        .unwrap_or(0)
}
