//! A database file: connections to it for reading, all on one snapshot where they must be, and for writing.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, TransactionState};

use crate::contents::Contents;
use crate::error::{Error, Place, Result};
use crate::open_files::{Identity, OpenFile, Start, identity, start_of};

/// The first bytes of every SQLite database.
pub const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Connections kept open for the next statement.
const IDLE_MAX: usize = 32;

/// Tries at connections on one snapshot, between which other connections may commit.
const SNAPSHOT_TRIES: usize = 64;

/// How to open a file. Plain data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// Refuse writes, and open files that cannot be written.
    pub read_only: bool,
    /// Make the file where there is none.
    pub create: bool,
    /// Milliseconds to wait for other connections' locks.
    pub busy_timeout_ms: u64,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            read_only: false,
            create: false,
            busy_timeout_ms: 5_000,
        }
    }
}

/// Whether a file starts as SQLite databases do. A file that cannot be read is none.
pub fn is_vault(path: &Path) -> bool {
    match start_of(path, MAGIC.len() as u64) {
        Ok(Start::Open) => true,
        Ok(Start::Bytes(start)) => start == MAGIC,
        Err(_) => false,
    }
}

/// A database file. Cheap to clone; holds no lock and no transaction of its own.
#[derive(Debug, Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: Box<str>,
    path: PathBuf,
    options: OpenOptions,
    idle: Mutex<Vec<Idle>>,
    wal: AtomicBool,
    contents: Mutex<Option<KeptContents>>,
    /// A log or its index lay beside the file when it was opened: somebody was using it, or had been stopped in the middle.
    log_was_there: bool,
    /// After the connections, so that it is dropped after them.
    open_files: Mutex<Vec<OpenFile>>,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    identity: Identity,
}

/// What the file held, and the connection that notices when somebody has committed since: it begins no write itself, so its
/// `data_version` is another one after every commit of anybody.
#[derive(Debug)]
struct KeptContents {
    watch: Idle,
    data_version: i64,
    schema_version: i64,
    contents: Arc<Contents>,
}

impl Vault {
    /// Opens a file, and reads its first page.
    pub fn open(path: impl AsRef<Path>, options: OpenOptions) -> Result<Self> {
        let path = path.as_ref();
        let file: Box<str> = path.display().to_string().into();
        match start_of(path, MAGIC.len() as u64) {
            Ok(Start::Open) => {}
            Ok(Start::Bytes(start)) if start == MAGIC => {}
            Ok(Start::Bytes(start)) if start.is_empty() && options.create => {}
            Ok(Start::Bytes(start)) => {
                return Err(Error::NotSqlite {
                    file,
                    found: if start.is_empty() {
                        "nothing, as it is empty".into()
                    } else {
                        format!("\"{}\"", start.escape_ascii()).into()
                    },
                });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && options.create => {}
            Err(error) => {
                return Err(Error::Open {
                    file,
                    reason: error.to_string().into(),
                });
            }
        }
        // Another working directory later must not lead to another file.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let log_was_there = ["-wal", "-shm"]
            .iter()
            .any(|end| beside(&path, end).exists());
        let vault = Self {
            inner: Arc::new(Inner {
                file,
                path,
                options,
                idle: Mutex::default(),
                wal: AtomicBool::new(false),
                contents: Mutex::default(),
                log_was_there,
                open_files: Mutex::default(),
            }),
        };
        if options.create && !options.read_only {
            vault.inner.connect_to_write()?;
        }
        let reader = vault.reader()?;
        let mode: String = reader
            .query_row("PRAGMA journal_mode", [], |row| row.get(0))
            .map_err(|error| vault.place().sqlite("opening", error))?;
        drop(reader);
        vault
            .inner
            .wal
            .store(mode.eq_ignore_ascii_case("wal"), Ordering::Relaxed);
        Ok(vault)
    }

    /// The path as it was given.
    pub fn file(&self) -> &str {
        &self.inner.file
    }

    /// Whether readers and a writer go on beside each other: the file was in WAL mode when it was opened.
    pub fn is_wal(&self) -> bool {
        self.inner.wal.load(Ordering::Relaxed)
    }

    /// How it was opened.
    pub fn options(&self) -> OpenOptions {
        self.inner.options
    }

    /// A connection in a read transaction: everything read through it is as of now.
    pub fn reader(&self) -> Result<Reader> {
        let idle = self.inner.idle()?;
        self.inner.begin(&idle.connection)?;
        Ok(Reader {
            idle: Some(idle),
            vault: Arc::clone(&self.inner),
        })
    }

    /// Connections that all see the file as of one moment.
    pub fn readers(&self, count: usize) -> Result<Vec<Reader>> {
        let mut snapshot = self.snapshot()?;
        snapshot.take(count)
    }

    /// A moment, to which connections can be added as long as nobody has committed since.
    pub fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot {
            vault: self.clone(),
            watch: Some(self.inner.idle()?),
            version: None,
        })
    }

    /// What the file holds now. It is read again only where another connection, of any process, has committed since, and then
    /// only as much of it as can have changed.
    pub fn contents(&self) -> Result<Arc<Contents>> {
        self.inner.contents()
    }

    /// A connection in a write transaction. Dropped without [`Writer::commit`], all that it wrote is undone.
    pub fn writer(&self) -> Result<Writer> {
        if self.inner.options.read_only {
            return Err(self.place().sqlite(
                "beginning to write",
                rusqlite::Error::SqliteFailure(
                    rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY),
                    Some("attached READ_ONLY".to_owned()),
                ),
            ));
        }
        let connection = self.inner.connect_to_write()?;
        connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(|error| self.place().sqlite("beginning to write", error))?;
        Ok(Writer {
            connection,
            committed: false,
            vault: Arc::clone(&self.inner),
        })
    }

    /// A connection outside of any transaction, for `VACUUM`, checkpoints and `ANALYZE`.
    pub fn maintain(&self, doing: &'static str, sql: &str) -> Result<()> {
        let connection = if self.inner.options.read_only {
            self.inner.connect_to_read()?
        } else {
            self.inner.connect_to_write()?
        };
        connection
            .execute_batch(sql)
            .map_err(|error| self.place().sqlite(doing, error))
    }

    /// The file, as the place of an error.
    pub fn place(&self) -> Place {
        Place::file(&self.inner.file)
    }
}

impl Drop for Inner {
    /// SQLite puts the log into the file when the last connection closes that may write. Those kept for reading may not,
    /// and a copy of the file alone would then lack what is in the log. Whoever only reads puts nothing into the file, but
    /// takes away an empty log that came with his own reading.
    fn drop(&mut self) {
        if !self.wal.load(Ordering::Relaxed) {
            return;
        }
        self.idle.lock().clear();
        *self.contents.lock() = None;
        if self.options.read_only {
            let empty =
                std::fs::metadata(beside(&self.path, "-wal")).is_ok_and(|log| log.len() == 0);
            if self.log_was_there || !empty {
                return;
            }
        }
        // Another connection may have it open, and then does it. What fails is left as it was: in the log.
        let _ = self.connect_to_write();
    }
}

impl Inner {
    fn place(&self) -> Place {
        Place::file(&self.file)
    }

    /// A connection outside of a transaction, kept from before or new.
    fn idle(&self) -> Result<Idle> {
        let identity = identity(&self.path);
        {
            let mut idle = self.idle.lock();
            idle.retain(|idle| idle.identity == identity);
            if let Some(idle) = idle.pop() {
                return Ok(idle);
            }
        }
        Ok(Idle {
            connection: self.connect_to_read()?,
            identity,
        })
    }

    fn put_back(&self, idle: Idle) {
        if idle.connection.execute_batch("ROLLBACK").is_err() && !idle.connection.is_autocommit() {
            return;
        }
        let mut kept = self.idle.lock();
        if kept.len() < IDLE_MAX {
            kept.push(idle);
        }
    }

    fn contents(&self) -> Result<Arc<Contents>> {
        let mut kept = self.contents.lock();
        // Taken out, so that it is let go of when anything fails.
        let before = kept
            .take()
            .filter(|before| before.watch.identity == identity(&self.path));
        let number = |connection: &Connection, pragma: &str| {
            connection
                .query_row(pragma, [], |row| row.get::<_, i64>(0))
                .map_err(|error| self.place().sqlite("watching for changes", error))
        };
        let (watch, before) = match before {
            Some(before) => {
                let version = number(&before.watch.connection, "PRAGMA data_version")?;
                if version == before.data_version {
                    let contents = Arc::clone(&before.contents);
                    *kept = Some(before);
                    return Ok(contents);
                }
                let known = (before.schema_version, before.contents);
                (before.watch, Some(known))
            }
            None => (self.idle()?, None),
        };
        // Whoever commits between this and the next line is noticed the next time, as what is read then is newer.
        let data_version = number(&watch.connection, "PRAGMA data_version")?;
        self.begin(&watch.connection)?;
        let schema_version = number(&watch.connection, "PRAGMA schema_version")?;
        let contents = match before {
            Some((version, contents)) if version == schema_version => {
                match contents.may_have_columns {
                    true => Arc::new(contents.with_columns_now(&watch.connection, &self.place())?),
                    false => contents,
                }
            }
            _ => Arc::new(Contents::read(&watch.connection, &self.place())?),
        };
        watch
            .connection
            .execute_batch("ROLLBACK")
            .map_err(|error| self.place().sqlite("ending to read", error))?;
        *kept = Some(KeptContents {
            watch,
            data_version,
            schema_version,
            contents: Arc::clone(&contents),
        });
        Ok(contents)
    }

    /// Starts a read transaction and makes SQLite take its snapshot, which `BEGIN` alone does not.
    fn begin(&self, connection: &Connection) -> Result<()> {
        connection
            .execute_batch("BEGIN; SELECT 1 FROM sqlite_master LIMIT 1")
            .map_err(|error| self.place().sqlite("beginning to read", error))?;
        if connection.transaction_state(None::<&str>).ok() == Some(TransactionState::None) {
            return Err(self.place().damaged("the read transaction", "none", "one"));
        }
        Ok(())
    }

    fn connect_to_read(&self) -> Result<Connection> {
        match self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY, "mode=ro") {
            Err(error) if self.may_be_immutable(&error) => {
                self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY, "immutable=1")
            }
            connected => connected,
        }
    }

    fn connect_to_write(&self) -> Result<Connection> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let mut mode = "mode=rw";
        if self.options.create {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
            mode = "mode=rwc";
        }
        let connection = self.connect(flags, mode)?;
        if self.options.create && std::fs::metadata(&self.path).is_ok_and(|file| file.len() == 0) {
            // As the package does with new files.
            connection
                .execute_batch("PRAGMA journal_mode = WAL")
                .map_err(|error| self.place().sqlite("creating the file", error))?;
        }
        connection
            .execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
            .map_err(|error| self.place().sqlite("opening", error))?;
        Ok(connection)
    }

    /// A file in WAL mode cannot be opened where SQLite cannot make the files that go with it. If there is no log beside it,
    /// the file is all there is, and nobody can be writing to it.
    fn may_be_immutable(&self, error: &Error) -> bool {
        let Error::Sqlite { source, .. } = error else {
            return matches!(error, Error::ReadOnly { .. });
        };
        let log = beside(&self.path, "-wal");
        let no_log = std::fs::metadata(log).map_or(true, |log| log.len() == 0);
        no_log && source.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen)
    }

    fn note_open(&self) {
        let Some(file) = identity(&self.path) else {
            return;
        };
        let mut open_files = self.open_files.lock();
        if !open_files.iter().any(|open| open.is(file)) {
            open_files.push(OpenFile::new(file));
        }
    }

    fn connect(&self, flags: OpenFlags, query: &str) -> Result<Connection> {
        let flags = flags
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let opening = |error| self.place().sqlite("opening", error);
        self.note_open();
        let connection =
            Connection::open_with_flags(uri(&self.path, query), flags).map_err(opening)?;
        // The file may have been made just now.
        self.note_open();
        connection
            .busy_timeout(Duration::from_millis(self.options.busy_timeout_ms))
            .map_err(opening)?;
        // Names and views of a hostile file must not reach functions with side effects; lengths in cells are checked.
        connection
            .execute_batch(
                "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA cache_size = -8192; SELECT count(*) FROM sqlite_master",
            )
            .map_err(opening)?;
        Ok(connection)
    }
}

/// The path of a file that SQLite keeps beside a database.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut beside = path.to_owned().into_os_string();
    beside.push(end);
    PathBuf::from(beside)
}

/// A path as SQLite's URI.
fn uri(path: &Path, query: &str) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b':' => {
                uri.push(char::from(*byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push('?');
    uri.push_str(query);
    uri
}

/// A connection in a read transaction; ends it when dropped.
#[derive(Debug)]
pub struct Reader {
    idle: Option<Idle>,
    vault: Arc<Inner>,
}

impl Reader {
    /// The file, as the place of an error.
    pub fn place(&self) -> Place {
        self.vault.place()
    }
}

impl Deref for Reader {
    type Target = Connection;

    #[expect(
        clippy::expect_used,
        reason = "it is taken out when the reader is dropped, and never before"
    )]
    fn deref(&self) -> &Connection {
        &self
            .idle
            .as_ref()
            .expect("a reader has its connection")
            .connection
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(idle) = self.idle.take() {
            self.vault.put_back(idle);
        }
    }
}

/// A moment of a file. SQLite has no name for one that other connections could open, so connections are begun one after
/// the other while a further one, outside of any transaction, watches: its `data_version` stays the same exactly as long
/// as nobody else commits. When it has changed before all were begun, they are begun again.
#[derive(Debug)]
pub struct Snapshot {
    vault: Vault,
    watch: Option<Idle>,
    /// The watch's version when the first connection was begun.
    version: Option<i64>,
}

impl Snapshot {
    /// That many connections on this snapshot, at once. The first call makes the snapshot; later ones fail with
    /// [`Error::Busy`] when somebody has committed in the meantime.
    pub fn take(&mut self, count: usize) -> Result<Vec<Reader>> {
        let first = self.version.is_none();
        for _ in 0..SNAPSHOT_TRIES {
            let before = match self.version {
                Some(version) => version,
                None => self.watched()?,
            };
            let readers: Vec<Reader> = (0..count)
                .map(|_| self.vault.reader())
                .collect::<Result<_>>()?;
            if self.watched()? == before {
                self.version = Some(before);
                return Ok(readers);
            }
            if !first {
                break;
            }
        }
        Err(self.vault.place().sqlite(
            "reading several parts as of one moment",
            rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                Some("the file changed meanwhile".to_owned()),
            ),
        ))
    }

    fn watched(&self) -> Result<i64> {
        let Some(watch) = &self.watch else {
            return Ok(0);
        };
        watch
            .connection
            .query_row("PRAGMA data_version", [], |row| row.get(0))
            .map_err(|error| self.vault.place().sqlite("watching for changes", error))
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            self.vault.inner.put_back(watch);
        }
    }
}

/// A connection in a write transaction.
#[derive(Debug)]
pub struct Writer {
    connection: Connection,
    committed: bool,
    /// After the connection: the file counts as open as long as that lives.
    vault: Arc<Inner>,
}

impl Writer {
    /// Makes everything written so far durable, all or nothing.
    pub fn commit(mut self) -> Result<()> {
        self.connection
            .execute_batch("COMMIT")
            .map_err(|error| self.vault.place().sqlite("committing", error))?;
        self.committed = true;
        Ok(())
    }

    /// The file, as the place of an error.
    pub fn place(&self) -> Place {
        self.vault.place()
    }
}

impl Deref for Writer {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.committed {
            // Nothing is left to be done about a failure: closing the connection rolls back as well.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}
