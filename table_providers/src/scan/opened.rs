//! Opened files, and the cache that keeps them between queries.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use datafusion_common::{DataFusionError, Result};
use datafusion_common_runtime::SpawnedTask;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use parking_lot::Mutex;

use crate::scan::bytes::{FileBytes, ReadCost};
use crate::scan::file::ArrayFile;
use crate::scan::kind::FileKind;
use crate::scan::memory_map::MemoryMap;

/// How the store of the local disk prints itself. Formats are handed a store without its URL, so
/// this is how files get a name; remote stores of a session print as `s3://bucket`.
const LOCAL_STORE: &str = "LocalFileSystem(file:///)";
/// Layouts kept at most, in bytes of memory; a layout is kilobytes.
const CACHE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Files kept at most: each may hold a map, of which Linux gives a process 65,530.
const CACHE_FILES_MAX: usize = 16 * 1024;
/// Files opened by one task: fewer take less time than waking a thread for them.
const FILES_PER_TASK: usize = 64;
/// Tasks that open files side by side, and files of each whose headers are asked for at once.
const TASKS_IN_FLIGHT: usize = 16;
const HEADERS_IN_FLIGHT: usize = 8;

/// A file whose header has been read.
#[derive(Debug)]
pub struct OpenedFile {
    /// Arithmetic over its bytes.
    pub layout: Arc<dyn ArrayFile>,
    /// The bytes.
    pub bytes: FileBytes,
    /// For messages: the path, or `s3://bucket/key`.
    pub name: String,
    /// Mapped files only: whether a chunk's checksum held, once it has been computed. A chunk
    /// is checked the first time it is read; a changed file is opened anew.
    checked: Vec<OnceLock<bool>>,
}

impl OpenedFile {
    /// Wraps an opened layout.
    pub fn new(layout: Arc<dyn ArrayFile>, bytes: FileBytes, name: String) -> Self {
        let checked = if bytes.is_mapped() {
            (0..layout.chunk_count()).map(|_| OnceLock::new()).collect()
        } else {
            Vec::new()
        };
        Self {
            layout,
            bytes,
            name,
            checked,
        }
    }

    /// Checks a chunk of a mapped file once; later calls repeat the answer.
    pub fn verify_mapped(&self, chunk: usize, record: &[u8]) -> Result<()> {
        let Some(checked) = self.checked.get(chunk) else {
            return self.layout.verify(chunk, record);
        };
        if *checked.get_or_init(|| self.layout.verify(chunk, record).is_ok()) {
            return Ok(());
        }
        self.layout.verify(chunk, record)
    }
}

/// Whether a store is the local file system rooted at `/`.
pub fn is_local(store: &Arc<dyn ObjectStore>) -> bool {
    store.to_string() == LOCAL_STORE
}

/// Which version of which file an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    size: u64,
    last_modified: DateTime<Utc>,
    e_tag: Option<String>,
}

impl Identity {
    /// The version that a listing found.
    pub fn of(meta: &ObjectMeta) -> Self {
        Self {
            size: meta.size,
            last_modified: meta.last_modified,
            e_tag: meta.e_tag.clone(),
        }
    }
}

#[derive(Debug)]
struct Entry {
    identity: Identity,
    file: Arc<OpenedFile>,
    used_at: u64,
}

/// The store, the path in it, and whether it may be mapped.
type Key = (String, Path, MemoryMap);

#[derive(Debug, Default)]
struct Entries {
    by_path: HashMap<Key, Entry>,
    bytes: usize,
    clock: u64,
}

/// Opened files by store and path, valid while size, modification time and entity tag stay.
#[derive(Debug, Default)]
pub struct FileCache {
    entries: Mutex<Entries>,
}

impl FileCache {
    /// The opened file, from the cache or by reading its header.
    pub async fn open(
        &self,
        store: &Arc<dyn ObjectStore>,
        meta: &ObjectMeta,
        kind: FileKind,
        map: MemoryMap,
    ) -> Result<(Arc<OpenedFile>, ReadCost)> {
        let root = store.to_string();
        let key = (root.clone(), meta.location.clone(), map);
        let identity = Identity::of(meta);
        if let Some(file) = self.get(&key, &identity) {
            return Ok((file, ReadCost::default()));
        }
        let is_local = is_local(store);
        let name = if is_local {
            format!("/{}", meta.location)
        } else {
            format!("{root}/{}", meta.location)
        };
        let bytes = FileBytes::open(store, is_local, meta, &name, map)?;
        let (layout, cost) = kind.read_layout(&name, meta.size, &bytes).await?;
        let file = Arc::new(OpenedFile::new(layout, bytes, name));
        self.put(key, identity, Arc::clone(&file));
        Ok((file, cost))
    }

    /// Opens files side by side, in their order: a header takes a system call or a request, and many files take many.
    pub async fn open_all(
        self: &Arc<Self>,
        store: &Arc<dyn ObjectStore>,
        files: &[ObjectMeta],
        kind: FileKind,
        map: MemoryMap,
    ) -> Result<Vec<Arc<OpenedFile>>> {
        let open = |files: &[ObjectMeta]| {
            let (cache, store) = (Arc::clone(self), Arc::clone(store));
            open_some(cache, store, files.to_vec(), kind, map)
        };
        if files.len() <= FILES_PER_TASK {
            return open(files).await;
        }
        let tasks: Vec<_> = files
            .chunks(FILES_PER_TASK)
            .map(|files| in_a_task(open(files)))
            .collect();
        let opened: Vec<Vec<_>> = stream::iter(tasks)
            .buffered(TASKS_IN_FLIGHT)
            .try_collect()
            .await?;
        Ok(opened.into_iter().flatten().collect())
    }

    fn get(&self, key: &Key, identity: &Identity) -> Option<Arc<OpenedFile>> {
        let mut entries = self.entries.lock();
        entries.clock += 1;
        let now = entries.clock;
        let entry = entries.by_path.get_mut(key)?;
        if entry.identity != *identity {
            return None;
        }
        entry.used_at = now;
        Some(Arc::clone(&entry.file))
    }

    fn put(&self, key: Key, identity: Identity, file: Arc<OpenedFile>) {
        let mut entries = self.entries.lock();
        entries.clock += 1;
        let used_at = entries.clock;
        entries.bytes += file.layout.memory_bytes();
        let entry = Entry {
            identity,
            file,
            used_at,
        };
        if let Some(before) = entries.by_path.insert(key, entry) {
            entries.bytes -= before.file.layout.memory_bytes();
        }
        if entries.bytes > CACHE_BYTES_MAX || entries.by_path.len() > CACHE_FILES_MAX {
            entries.make_room();
        }
    }
}

type Opening = BoxFuture<'static, Result<Vec<Arc<OpenedFile>>>>;

/// Opens files one beside the other, in one task.
fn open_some(
    cache: Arc<FileCache>,
    store: Arc<dyn ObjectStore>,
    files: Vec<ObjectMeta>,
    kind: FileKind,
    map: MemoryMap,
) -> Opening {
    let opening: Vec<_> = files
        .into_iter()
        .map(|file| {
            let (cache, store) = (Arc::clone(&cache), Arc::clone(&store));
            async move { Ok(cache.open(&store, &file, kind, map).await?.0) }.boxed()
        })
        .collect();
    stream::iter(opening)
        .buffered(HEADERS_IN_FLIGHT)
        .try_collect()
        .boxed()
}

/// The work on another thread. It begins when it is asked for.
fn in_a_task(work: Opening) -> Opening {
    async move {
        let joined = SpawnedTask::spawn(work).join_unwind().await;
        joined.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?
    }
    .boxed()
}

impl Entries {
    /// Forgets what was used longest ago, an eighth of all at a time: one at a time would look at all for each.
    fn make_room(&mut self) {
        let mut by_age: Vec<(u64, Key)> = self
            .by_path
            .iter()
            .map(|(key, entry)| (entry.used_at, key.clone()))
            .collect();
        by_age.sort_unstable_by_key(|(used_at, _)| *used_at);
        let files_max = CACHE_FILES_MAX - CACHE_FILES_MAX / 8;
        for (_, key) in by_age {
            let is_small = self.bytes <= CACHE_BYTES_MAX && self.by_path.len() <= files_max;
            if is_small || self.by_path.len() <= 1 {
                return;
            }
            if let Some(gone) = self.by_path.remove(&key) {
                self.bytes -= gone.file.layout.memory_bytes();
            }
        }
    }
}
