//! A checkout: its files, read and parsed on all threads, in order of their paths.

use std::collections::HashMap;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use rayon::prelude::*;
use tempfile::TempDir;

use crate::archive::{is_archive, unpack};
use crate::cache::{Cache, CacheOptions, Fresh, Known, Stored};
use crate::decode::{Decoded, decode, is_binary};
use crate::error::{Error, FileError, Result, Stage};
use crate::facts::{ContentHash, File, Parsed};
use crate::language::Language;
use crate::lookup::Lookup;
use crate::parse::{ParseLimits, parse_wanted};
use crate::tokens::{Encoding, Tokenizer};
use crate::walk::{Entry, WalkOptions, walk};

/// Which facts a scan gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wanted {
    /// All of them.
    #[default]
    All,
    /// What an outline is made of: all but references, calls and tokens, where they are not known already.
    Outline,
}

/// How a checkout is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanOptions {
    /// Which files are looked at.
    pub walk: WalkOptions,
    /// Limits of each parse.
    pub limits: ParseLimits,
    /// The encoding that tokens are counted in.
    pub encoding: Encoding,
    /// How many threads parse; as many as there are cores where it is not given.
    pub threads: Option<usize>,
    /// Where facts are kept between scans; nowhere where it is not given.
    pub cache: Option<CacheOptions>,
    /// Which facts are wanted.
    pub wanted: Wanted,
}

/// All that is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// The file.
    pub file: File,
    /// What its text says.
    pub parsed: Parsed,
}

impl FileFacts {
    /// What is wrong with the file.
    pub fn errors(&self) -> impl Iterator<Item = FileError> + '_ {
        self.parsed
            .problems
            .iter()
            .map(|problem| FileError::new(&self.file.path, problem.stage, &problem.message))
    }
}

/// One step of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned {
    /// A file. Its errors are in its facts.
    File(Box<FileFacts>),
    /// A path of which there is nothing but the error.
    Failed(FileError),
}

impl Scanned {
    /// The path that the step is about.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::File(facts) => &facts.file.path,
            Self::Failed(error) => &error.path,
        }
    }
}

/// What a scan has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanStats {
    /// Files that the walk found.
    pub found: u64,
    /// Files whose facts are known.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files whose facts came out of the cache.
    pub cached: u64,
    /// Files that a look-up left out.
    pub pruned: u64,
    /// Files that are not text.
    pub binary: u64,
    /// Errors.
    pub errors: u64,
    /// Time of the walk.
    pub walk_ns: u64,
    /// Time that all threads together spent reading.
    pub read_ns: u64,
    /// The same for parsing.
    pub parse_ns: u64,
    /// The same for counting tokens.
    pub token_ns: u64,
    /// Time spent with the cache.
    pub cache_ns: u64,
}

#[derive(Debug, Default)]
struct Counters {
    found: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    cached: AtomicU64,
    pruned: AtomicU64,
    binary: AtomicU64,
    errors: AtomicU64,
    walk_ns: AtomicU64,
    read_ns: AtomicU64,
    parse_ns: AtomicU64,
    token_ns: AtomicU64,
    cache_ns: AtomicU64,
}

impl Counters {
    fn stats(&self) -> ScanStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ScanStats {
            found: get(&self.found),
            files: get(&self.files),
            bytes: get(&self.bytes),
            cached: get(&self.cached),
            pruned: get(&self.pruned),
            binary: get(&self.binary),
            errors: get(&self.errors),
            walk_ns: get(&self.walk_ns),
            read_ns: get(&self.read_ns),
            parse_ns: get(&self.parse_ns),
            token_ns: get(&self.token_ns),
            cache_ns: get(&self.cache_ns),
        }
    }
}

fn add(counter: &AtomicU64, value: u64) {
    counter.fetch_add(value, Ordering::Relaxed);
}

fn add_time(counter: &AtomicU64, started: Instant) {
    add(
        counter,
        u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX),
    );
}

/// A scan as seen from another thread.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    counters: Arc<Counters>,
}

impl Progress {
    /// What has been done so far.
    #[must_use]
    pub fn stats(&self) -> ScanStats {
        self.counters.stats()
    }
}

/// A checkout.
#[derive(Debug, Clone)]
pub struct Checkout {
    root: PathBuf,
    options: ScanOptions,
    progress: Option<Progress>,
    /// What an archive was unpacked to; it goes with the last who looks at it.
    unpacked: Option<Arc<Unpacked>>,
}

/// An archive that was unpacked.
#[derive(Debug)]
struct Unpacked {
    archive: PathBuf,
    folder: TempDir,
}

impl Checkout {
    /// The checkout at a path: a folder, an archive ([`is_archive`]), or one other file.
    ///
    /// An archive is unpacked to a temporary folder, as it is now; nothing of it is kept in a cache.
    ///
    /// # Errors
    ///
    /// There is nothing at the path, or an archive cannot be unpacked.
    pub fn open(path: impl Into<PathBuf>, options: ScanOptions) -> Result<Self> {
        let root = path.into();
        let missing = |source| Error::Missing {
            path: root.clone(),
            source,
        };
        let metadata = std::fs::metadata(&root).map_err(missing)?;
        if metadata.is_file() && is_archive(&root) {
            let folder = tempfile::Builder::new()
                .prefix("ogive-archive-")
                .tempdir()
                .map_err(missing)?;
            unpack(&root, folder.path(), options.walk.file_bytes_max)?;
            return Ok(Self {
                root: folder.path().to_owned(),
                options: ScanOptions {
                    cache: None,
                    ..options
                },
                progress: None,
                unpacked: Some(Arc::new(Unpacked {
                    archive: root,
                    folder,
                })),
            });
        }
        Ok(Self {
            root,
            options,
            progress: None,
            unpacked: None,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What it is called: its folder or file, or its archive without the ending.
    #[must_use]
    pub fn name(&self) -> String {
        let path = match &self.unpacked {
            Some(unpacked) => unpacked.archive.clone(),
            None => std::fs::canonicalize(&self.root).unwrap_or_else(|_| self.root.clone()),
        };
        let Some(name) = path.file_name() else {
            return "checkout".to_owned();
        };
        let name = name.to_string_lossy().into_owned();
        let endings = [".tar.gz", ".tgz", ".tar", ".zip"];
        let ending = endings.iter().find(|ending| {
            self.unpacked.is_some() && name.to_ascii_lowercase().ends_with(**ending)
        });
        let end = name.len() - ending.map_or(0, |ending| ending.len());
        name.get(..end).unwrap_or(&name).to_owned()
    }

    /// The same checkout with tokens counted in another encoding.
    #[must_use]
    pub fn with_encoding(&self, encoding: Encoding) -> Self {
        let mut checkout = self.clone();
        checkout.options.encoding = encoding;
        checkout
    }

    /// How it is read.
    #[must_use]
    pub fn options(&self) -> &ScanOptions {
        &self.options
    }

    /// The same checkout, whose next scan counts here.
    #[must_use]
    pub fn with_progress(&self, progress: &Progress) -> Self {
        let mut checkout = self.clone();
        checkout.progress = Some(progress.clone());
        checkout
    }

    /// The same checkout, of which other facts are wanted.
    #[must_use]
    pub fn wanting(&self, wanted: Wanted) -> Self {
        let mut checkout = self.clone();
        checkout.options.wanted = wanted;
        checkout
    }

    /// Reads and parses all files. They come in order of their paths, while those after them are being parsed; how many
    /// wait to be taken is bounded.
    ///
    /// # Errors
    ///
    /// The walk's patterns are wrong, the root is gone, or there are no threads.
    pub fn scan(&self) -> Result<Scan> {
        self.scan_for(Lookup::default())
    }

    /// The same, without files that the look-up says are not meant: those of other paths are not looked at, and those whose
    /// names are known to be others are taken neither from disk nor out of the cache. Files that are not meant may come.
    ///
    /// # Errors
    ///
    /// As [`scan`](Self::scan).
    pub fn scan_for(&self, lookup: Lookup) -> Result<Scan> {
        let counters = self.progress.clone().unwrap_or_default().counters;
        let started = Instant::now();
        let found = walk(&self.root, &self.options.walk)?;
        add_time(&counters.walk_ns, started);
        add(&counters.found, found.entries.len() as u64);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.options.threads.unwrap_or(0))
            .build()
            .map_err(|error| Error::Threads {
                message: error.to_string(),
            })?;
        // Two batches wait, one is being made.
        let (sender, receiver) = sync_channel(2);
        let work = Work {
            root: self.root.clone(),
            options: self.options.clone(),
            counters: Arc::clone(&counters),
            lookup,
        };
        let (entries, errors) = (found.entries, found.errors);
        let thread = std::thread::Builder::new()
            .name("ogive-scan".to_owned())
            .spawn(move || work.run(&pool, entries, errors, &sender))
            .map_err(|error| Error::Threads {
                message: error.to_string(),
            })?;
        Ok(Scan {
            batches: Some(receiver),
            batch: Vec::new().into_iter(),
            thread: Some(thread),
            counters,
            unpacked: self.unpacked.clone(),
        })
    }

    /// The text of one of its files, decoded as it was for the scan.
    ///
    /// # Errors
    ///
    /// The path leads out of the checkout, or the file cannot be read, or is no text.
    pub fn read(&self, path: &str) -> std::result::Result<String, FileError> {
        let fail = |stage, message: String| FileError::new(path, stage, message);
        let relative = Path::new(path);
        let plain = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !plain || path.is_empty() {
            return Err(fail(Stage::Read, "not a path in the checkout".to_owned()));
        }
        let absolute = if self.root.is_file() {
            self.root.clone()
        } else {
            self.root.join(relative)
        };
        if !self.options.walk.follow_links && self.leads_out(&absolute) {
            return Err(fail(
                Stage::Read,
                "a link that leads out of the checkout".to_owned(),
            ));
        }
        let bytes = read_limited(&absolute, self.options.walk.file_bytes_max)
            .map_err(|(stage, message)| fail(stage, message))?;
        match decode(&bytes) {
            Decoded::Text(text, _) => Ok(text.into_owned()),
            Decoded::Binary => Err(fail(Stage::Decode, "not text".to_owned())),
        }
    }

    /// Whether a path is, by links, somewhere else than below the root.
    fn leads_out(&self, path: &Path) -> bool {
        match (path.canonicalize(), self.root.canonicalize()) {
            (Ok(path), Ok(root)) => !path.starts_with(root),
            // What is not there is found not to be there when it is read.
            _ => false,
        }
    }

    /// The cache of this checkout, to be looked at; none where there is no cache.
    ///
    /// # Errors
    ///
    /// It can be neither opened nor made.
    pub fn cache(&self) -> Result<Option<Cache>> {
        self.options
            .cache
            .as_ref()
            .map(|options| {
                let settings = settings(&self.options);
                Cache::open(&self.root, &settings, self.options.wanted, options)
            })
            .transpose()
    }
}

/// What facts depend on beside content.
fn settings(options: &ScanOptions) -> String {
    let limits = &options.limits;
    format!(
        "{} {} {} {} {} {}",
        options.encoding,
        limits.text_bytes_max,
        limits.line_bytes_max,
        limits.depth_max,
        limits.memory_bytes_max,
        limits.time_max.as_millis()
    )
}

/// The files of a checkout, one after another.
pub struct Scan {
    batches: Option<Receiver<Vec<Scanned>>>,
    batch: std::vec::IntoIter<Scanned>,
    thread: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
    /// Its folder stays as long as files of it are read.
    unpacked: Option<Arc<Unpacked>>,
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = formatter.debug_struct("Scan");
        debug.field("stats", &self.stats());
        let folder = self
            .unpacked
            .as_ref()
            .map(|unpacked| unpacked.folder.path());
        debug.field("unpacked", &folder).finish_non_exhaustive()
    }
}

impl Scan {
    /// What has been done so far.
    #[must_use]
    pub fn stats(&self) -> ScanStats {
        self.counters.stats()
    }
}

impl Iterator for Scan {
    type Item = Scanned;

    fn next(&mut self) -> Option<Scanned> {
        loop {
            if let Some(scanned) = self.batch.next() {
                return Some(scanned);
            }
            match self.batches.as_ref()?.recv() {
                Ok(batch) => self.batch = batch.into_iter(),
                Err(_) => {
                    self.batches = None;
                    if let Some(thread) = self.thread.take() {
                        // Parses that fail are errors of their files; the thread itself does not.
                        let _ = thread.join();
                    }
                    return None;
                }
            }
        }
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        // A sender without a receiver ends the thread after its batch.
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread behind a scan needs.
struct Work {
    root: PathBuf,
    options: ScanOptions,
    counters: Arc<Counters>,
    lookup: Lookup,
}

/// One file of a batch.
struct Task {
    entry: Entry,
    known: Option<Known>,
    stored: Option<Stored>,
}

/// One finished file of a batch.
struct Done {
    scanned: Option<Scanned>,
    fresh: Option<Fresh>,
}

impl Work {
    fn run(
        &self,
        pool: &rayon::ThreadPool,
        entries: Vec<Entry>,
        errors: Vec<FileError>,
        batches: &SyncSender<Vec<Scanned>>,
    ) {
        /// Batches are large enough to keep threads busy, and small enough that a few fit in memory.
        const BATCH_FILES_MAX: usize = 512;
        const BATCH_BYTES_MAX: u64 = 4 << 20;
        let mut cache = self.options.cache.as_ref().and_then(|options| {
            // Without its cache a scan is slower, and right.
            let settings = settings(&self.options);
            Cache::open(&self.root, &settings, self.options.wanted, options).ok()
        });
        let known = self
            .cached(&mut cache, |cache| cache.known_for(&self.lookup))
            .unwrap_or_default();
        self.forget_deleted(&mut cache, &entries, &known);
        let mut errors = errors.into_iter().peekable();
        let meant = entries.into_iter().filter(|entry| {
            let is_meant = self.lookup.has_path(&entry.path)
                && known.get(&entry.path).is_none_or(|known| {
                    known.may_have || !known.is_same(entry.bytes, entry.modified_ns)
                });
            add(&self.counters.pruned, u64::from(!is_meant));
            is_meant
        });
        let mut entries = meant.peekable();
        while entries.peek().is_some() || errors.peek().is_some() {
            let mut tasks = Vec::new();
            let mut bytes = 0;
            while tasks.len() < BATCH_FILES_MAX
                && bytes < BATCH_BYTES_MAX
                && let Some(entry) = entries.next()
            {
                bytes += entry.bytes;
                tasks.push(self.task(&mut cache, entry, &known));
            }
            let done: Vec<Done> =
                pool.install(|| tasks.into_par_iter().map(|task| self.file(task)).collect());
            let mut fresh = Vec::new();
            let mut batch = Vec::with_capacity(done.len());
            for done in done {
                fresh.extend(done.fresh);
                let Some(scanned) = done.scanned else {
                    continue;
                };
                while errors
                    .peek()
                    .is_some_and(|error| error.path.as_str() < scanned.path())
                {
                    batch.extend(errors.next().map(Scanned::Failed));
                }
                batch.push(scanned);
            }
            if entries.peek().is_none() {
                batch.extend(errors.by_ref().map(Scanned::Failed));
            }
            for scanned in &batch {
                let errors = match scanned {
                    Scanned::File(facts) => facts.parsed.problems.len(),
                    Scanned::Failed(_) => 1,
                };
                add(&self.counters.errors, errors as u64);
            }
            if !fresh.is_empty() {
                self.cached(&mut cache, |cache| cache.keep(&fresh));
            }
            if batches.send(batch).is_err() {
                return;
            }
        }
        self.cached(&mut cache, Cache::trim);
    }

    /// Does something with the cache. One that fails is thrown away, and the scan goes on without it.
    fn cached<T>(
        &self,
        cache: &mut Option<Cache>,
        ask: impl FnOnce(&mut Cache) -> Result<T>,
    ) -> Option<T> {
        let started = Instant::now();
        let answer = ask(cache.as_mut()?);
        add_time(&self.counters.cache_ns, started);
        match answer {
            Ok(answer) => Some(answer),
            Err(_) => {
                if let Some(cache) = cache.take() {
                    cache.discard();
                }
                None
            }
        }
    }

    /// Files that are known and not there any more leave the cache; those that this walk only does not look at stay.
    fn forget_deleted(
        &self,
        cache: &mut Option<Cache>,
        entries: &[Entry],
        known: &HashMap<String, Known>,
    ) {
        let gone: Vec<&str> = known
            .keys()
            .map(String::as_str)
            .filter(|path| {
                let looked_at = entries
                    .binary_search_by(|entry| entry.path.as_str().cmp(path))
                    .is_ok();
                !looked_at && std::fs::symlink_metadata(self.root.join(path)).is_err()
            })
            .collect();
        if !gone.is_empty() && self.root.is_dir() {
            self.cached(cache, |cache| cache.forget(gone));
        }
    }

    fn task(
        &self,
        cache: &mut Option<Cache>,
        entry: Entry,
        known: &HashMap<String, Known>,
    ) -> Task {
        let known = known.get(&entry.path).copied();
        let stored = known
            .and_then(|known| self.cached(cache, |cache| cache.stored(&entry.path, &known)))
            .flatten();
        Task {
            entry,
            known,
            stored,
        }
    }

    fn file(&self, task: Task) -> Done {
        let Task {
            entry,
            known,
            stored,
        } = task;
        let stored_facts = stored.and_then(|stored| stored.decode());
        let same = known.is_some_and(|known| known.is_same(entry.bytes, entry.modified_ns));
        if same && let Some((file, parsed)) = stored_facts {
            add(&self.counters.cached, 1);
            return self.done(file, parsed, false);
        }
        let started = Instant::now();
        let bytes = read_limited(&entry.absolute, self.options.walk.file_bytes_max);
        add_time(&self.counters.read_ns, started);
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err((stage, message)) => {
                return Done {
                    scanned: Some(Scanned::Failed(FileError::new(&entry.path, stage, message))),
                    fresh: None,
                };
            }
        };
        if is_binary(&bytes) {
            add(&self.counters.binary, 1);
            return Done {
                scanned: None,
                fresh: None,
            };
        }
        let hash = ContentHash::of(&bytes);
        if let Some((mut file, parsed)) = stored_facts
            && file.hash == Some(hash)
        {
            // Written again with the same content.
            add(&self.counters.cached, 1);
            file.bytes = bytes.len() as u64;
            file.modified_ns = entry.modified_ns;
            return self.done(file, parsed, true);
        }
        let (file, parsed) = self.parse(&entry, &bytes, hash);
        self.done(file, parsed, true)
    }

    fn done(&self, file: File, parsed: Parsed, keep: bool) -> Done {
        add(&self.counters.files, 1);
        add(&self.counters.bytes, file.bytes);
        let keep = keep && self.options.cache.is_some();
        Done {
            fresh: keep.then(|| Fresh::new(&file, &parsed)).flatten(),
            scanned: Some(Scanned::File(Box::new(FileFacts { file, parsed }))),
        }
    }

    fn parse(&self, entry: &Entry, bytes: &[u8], hash: ContentHash) -> (File, Parsed) {
        let limits = &self.options.limits;
        let language = Language::detect(&entry.path, bytes);
        let (text, problem) = match decode(bytes) {
            Decoded::Text(text, problem) => (text, problem),
            Decoded::Binary => ("".into(), None),
        };
        let started = Instant::now();
        // A parser is much code, and a fault of it must cost one file and not the scan.
        let wanted = self.options.wanted;
        let parsed = catch_unwind(AssertUnwindSafe(|| {
            parse_wanted(&text, language, limits, wanted)
        }));
        add_time(&self.counters.parse_ns, started);
        let mut parsed = parsed.unwrap_or_else(|_| Parsed {
            complexity: 1,
            problems: vec![crate::facts::Problem {
                stage: Stage::Parse,
                message: "the parser failed".to_owned(),
            }],
            ..Parsed::default()
        });
        if let Some(message) = problem {
            let stage = Stage::Decode;
            parsed
                .problems
                .insert(0, crate::facts::Problem { stage, message });
        }
        let is_counted = wanted == Wanted::All && !parsed.is_beyond_limits();
        let started = Instant::now();
        let tokens = is_counted.then(|| self.options.encoding.count(&text));
        add_time(&self.counters.token_ns, started);
        let file = File {
            path: entry.path.clone(),
            language: language.name().to_owned(),
            bytes: bytes.len() as u64,
            modified_ns: entry.modified_ns,
            lines: parsed.lines,
            tokens,
            complexity: parsed.complexity,
            hash: Some(hash),
        };
        (file, parsed)
    }
}

/// Reads a file up to a size, whatever size it says it has.
fn read_limited(path: &Path, bytes_max: u64) -> std::result::Result<Vec<u8>, (Stage, String)> {
    let failed = |error: std::io::Error| (Stage::Read, error.to_string());
    let file = std::fs::File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let too_large = |size: u64| {
        (
            Stage::Limit,
            format!("not read: {size} bytes, the limit is {bytes_max}"),
        )
    };
    if size > bytes_max {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}
