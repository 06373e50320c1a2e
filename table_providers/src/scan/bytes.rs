//! Where a file's bytes come from: a memory map of a local file, or ranges of an object.

use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use datafusion_common::{DataFusionError, Result, exec_datafusion_err};
use futures::{StreamExt, TryStreamExt};
use memmap2::Mmap;
use object_store::path::Path;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::scan::mapped_files::MappedFile;
use crate::scan::memory_map::MemoryMap;

/// Ranges closer than this are fetched as one: less than a round trip costs, and small enough
/// that a column left out of a query stays unread.
const COALESCE_GAP_BYTES: u64 = 8 * 1024;
/// A request larger than this is cut, so that parts arrive side by side.
const REQUEST_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Pages of the systems that are supported are this large or divide it.
const PAGE_BYTES: u64 = 64 * 1024;
/// Requests under way at once for one call.
const REQUESTS_IN_FLIGHT: usize = 8;

/// A source of byte ranges of one file.
#[derive(Debug, Clone)]
pub enum FileBytes {
    /// A local file, mapped.
    Mapped(Arc<Mapping>),
    /// An object, read by ranges.
    Remote(RemoteFile),
}

/// A read-only map of a whole local file.
#[derive(Debug)]
pub struct Mapping {
    map: Mmap,
    _noted: MappedFile,
}

impl AsRef<[u8]> for Mapping {
    fn as_ref(&self) -> &[u8] {
        &self.map
    }
}

/// Lets a slice of the map live as long as the map.
struct MappingOwner(Arc<Mapping>);

impl AsRef<[u8]> for MappingOwner {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref().as_ref()
    }
}

/// An object in a store.
#[derive(Debug, Clone)]
pub struct RemoteFile {
    store: Arc<dyn ObjectStore>,
    location: Path,
    name: Arc<str>,
    /// The entity tag that a range must be of, where the store looks at it.
    version: Option<String>,
}

/// Stores that give ranges of one version of an object only, when they are asked to.
fn knows_versions(store: &Arc<dyn ObjectStore>) -> bool {
    let store = store.to_string();
    [
        "s3://", "s3a://", "az://", "azure://", "abfs://", "abfss://",
    ]
    .iter()
    .any(|scheme| store.starts_with(scheme))
}

/// What reading cost.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ReadCost {
    /// Bytes asked of the file.
    pub bytes: u64,
    /// Requests made of an object store; 0 for a mapped file.
    pub requests: u64,
}

impl FileBytes {
    /// Maps a file of the local store, or falls back on reading ranges.
    ///
    /// `is_local` says that the store is the local file system rooted at `/`.
    pub fn open(
        store: &Arc<dyn ObjectStore>,
        is_local: bool,
        meta: &ObjectMeta,
        name: &str,
        map: MemoryMap,
    ) -> Result<Self> {
        if is_local
            && meta.size > 0
            && let Some(path) = local_path(&meta.location)
            && map.maps(&path)
            && let Some(mapping) = Mapping::open(&path, meta.size, name)?
        {
            return Ok(Self::Mapped(Arc::new(mapping)));
        }
        Ok(Self::Remote(RemoteFile {
            store: Arc::clone(store),
            location: meta.location.clone(),
            name: Arc::from(name),
            version: meta.e_tag.clone().filter(|_| knows_versions(store)),
        }))
    }

    /// Whether bytes are at hand without a request.
    pub fn is_mapped(&self) -> bool {
        matches!(self, Self::Mapped(_))
    }

    /// Lets go of the memory that holds a range of a mapped file; it is read anew when asked for
    /// again.
    pub fn release(&self, range: &Range<u64>) {
        if let Self::Mapped(mapping) = self {
            mapping.release(range);
        }
    }

    /// Reads ranges, in the order asked.
    pub async fn read(&self, ranges: &[Range<u64>]) -> Result<(Vec<Bytes>, ReadCost)> {
        match self {
            Self::Mapped(mapping) => {
                let whole = Bytes::from_owner(MappingOwner(Arc::clone(mapping)));
                let mut cost = ReadCost::default();
                let parts = ranges
                    .iter()
                    .map(|range| {
                        cost.bytes += range.end - range.start;
                        slice(&whole, range)
                    })
                    .collect::<Result<Vec<_>>>()?;
                Ok((parts, cost))
            }
            Self::Remote(remote) => remote.read(ranges).await,
        }
    }
}

impl Mapping {
    /// Maps `path`; `None` where the file system cannot.
    #[expect(unsafe_code, reason = "mapping a file is unsafe by its nature")]
    fn open(path: &PathBuf, expected_bytes: u64, name: &str) -> Result<Option<Self>> {
        let file = File::open(path)
            .map_err(|e| DataFusionError::External(format!("cannot open {name}: {e}").into()))?;
        // SAFETY: the map is read-only and private to this process. Writers of this project
        // never change a file in place: they build beside and rename. Should another program
        // cut the file short while it is being read, the system ends this process (SIGBUS),
        // which is documented.
        let Ok(map) = (unsafe { Mmap::map(&file) }) else {
            return Ok(None);
        };
        if map.len() as u64 != expected_bytes {
            return Err(exec_datafusion_err!(
                "{name} changed while it was being opened: it was listed with {expected_bytes} bytes and now has {}; run the query again",
                map.len()
            ));
        }
        let noted = MappedFile::note(&map, name);
        Ok(Some(Self { map, _noted: noted }))
    }
}

impl Mapping {
    #[expect(
        unsafe_code,
        reason = "advice about a map is unsafe where it may drop writes"
    )]
    fn release(&self, range: &Range<u64>) {
        let start = range.start.next_multiple_of(PAGE_BYTES);
        let end = range.end / PAGE_BYTES * PAGE_BYTES;
        if start >= end {
            return;
        }
        #[cfg(unix)]
        {
            // SAFETY: the map is shared with a file and read-only, so there are no writes to
            // lose; the next access faults the same bytes in again.
            let advised = unsafe {
                self.map.unchecked_advise_range(
                    memmap2::UncheckedAdvice::DontNeed,
                    start as usize,
                    (end - start) as usize,
                )
            };
            if let Err(error) = advised {
                log::debug!("cannot release mapped pages: {error}");
            }
        }
    }
}

impl RemoteFile {
    async fn read(&self, ranges: &[Range<u64>]) -> Result<(Vec<Bytes>, ReadCost)> {
        let requests = coalesce(ranges);
        let cost = ReadCost {
            bytes: requests.iter().map(|r| r.end - r.start).sum(),
            requests: requests.len() as u64,
        };
        let fetched: Vec<(Range<u64>, Bytes)> = futures::stream::iter(requests)
            .map(|range| async move {
                let bytes = self
                    .get(range.clone())
                    .await
                    .map_err(|e| self.error(&range, e))?;
                let (found, expected) = (bytes.len() as u64, range.end - range.start);
                if found != expected {
                    return Err(exec_datafusion_err!(
                        "{}: asked for {expected} bytes at {}, got {found}",
                        self.name,
                        range.start
                    ));
                }
                Ok::<_, DataFusionError>((range, bytes))
            })
            .buffered(REQUESTS_IN_FLIGHT)
            .try_collect()
            .await?;
        let parts = ranges
            .iter()
            .map(|range| assemble(range, &fetched))
            .collect::<Result<Vec<_>>>()?;
        Ok((parts, cost))
    }

    async fn get(&self, range: Range<u64>) -> object_store::Result<Bytes> {
        if self.version.is_none() {
            return self.store.get_range(&self.location, range).await;
        }
        let options = GetOptions {
            range: Some(range.into()),
            if_match: self.version.clone(),
            ..GetOptions::default()
        };
        let found = self.store.get_opts(&self.location, options).await?;
        found.bytes().await
    }

    fn error(&self, range: &Range<u64>, source: object_store::Error) -> DataFusionError {
        if let object_store::Error::Precondition { .. } = source {
            return exec_datafusion_err!(
                "{} changed while it was read; run the query again",
                self.name
            );
        }
        DataFusionError::ObjectStore(Box::new(source)).context(format!(
            "reading bytes {}..{} of {}",
            range.start, range.end, self.name
        ))
    }
}

/// The local file behind a location of the `file://` store.
pub fn local_path(location: &Path) -> Option<PathBuf> {
    let mut url = url::Url::parse("file:///").ok()?;
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(location.parts());
    url.to_file_path().ok()
}

fn slice(whole: &Bytes, range: &Range<u64>) -> Result<Bytes> {
    let (start, end) = (range.start as usize, range.end as usize);
    if start > end || end > whole.len() {
        return Err(exec_datafusion_err!(
            "asked for bytes {start}..{end} of a file of {} bytes",
            whole.len()
        ));
    }
    Ok(whole.slice(start..end))
}

/// Requests that cover `ranges`: sorted, near ones joined, large ones cut.
fn coalesce(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut sorted: Vec<Range<u64>> = ranges.iter().filter(|r| r.start < r.end).cloned().collect();
    sorted.sort_by_key(|r| (r.start, r.end));
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match joined.last_mut() {
            Some(last) if range.start <= last.end + COALESCE_GAP_BYTES => {
                last.end = last.end.max(range.end);
            }
            _ => joined.push(range),
        }
    }
    let mut cut = Vec::with_capacity(joined.len());
    for range in joined {
        let mut start = range.start;
        while range.end - start > REQUEST_BYTES_MAX + REQUEST_BYTES_MAX / 2 {
            cut.push(start..start + REQUEST_BYTES_MAX);
            start += REQUEST_BYTES_MAX;
        }
        cut.push(start..range.end);
    }
    cut
}

/// One asked range out of the fetched ones; copies only where a cut runs through it.
fn assemble(range: &Range<u64>, fetched: &[(Range<u64>, Bytes)]) -> Result<Bytes> {
    if range.start >= range.end {
        return Ok(Bytes::new());
    }
    let first = fetched.partition_point(|(have, _)| have.end <= range.start);
    let missing = || exec_datafusion_err!("bytes {}..{} were not fetched", range.start, range.end);
    let (have, bytes) = fetched.get(first).ok_or_else(missing)?;
    if have.start <= range.start && range.end <= have.end {
        let start = (range.start - have.start) as usize;
        let end = (range.end - have.start) as usize;
        return Ok(bytes.slice(start..end));
    }
    let mut whole = Vec::with_capacity((range.end - range.start) as usize);
    let mut at = range.start;
    for (have, bytes) in fetched.iter().skip(first) {
        if at >= range.end {
            break;
        }
        if have.start > at {
            return Err(missing());
        }
        let start = (at - have.start) as usize;
        let end = (range.end.min(have.end) - have.start) as usize;
        whole.extend_from_slice(bytes.get(start..end).ok_or_else(missing)?);
        at = have.end.min(range.end);
    }
    if at < range.end {
        return Err(missing());
    }
    Ok(Bytes::from(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_ranges_join_and_large_ones_are_cut() {
        assert_eq!(coalesce(&[10..20, 0..5, 21..30]), vec![0..30]);
        let gap = COALESCE_GAP_BYTES;
        assert_eq!(
            coalesce(&[0..5, 6 + gap..9 + gap]),
            vec![0..5, 6 + gap..9 + gap]
        );
        let big = 0..REQUEST_BYTES_MAX * 4;
        let parts = coalesce(std::slice::from_ref(&big));
        assert_eq!(parts.first().map(|r| r.start), Some(0));
        assert_eq!(parts.last().map(|r| r.end), Some(big.end));
        assert!(parts.windows(2).all(|w| w[0].end == w[1].start));
        assert!(coalesce(std::slice::from_ref(&(3..3))).is_empty());
    }

    #[test]
    fn a_range_over_a_cut_is_put_together() {
        let fetched = vec![
            (0..4, Bytes::from_static(b"abcd")),
            (4..8, Bytes::from_static(b"efgh")),
        ];
        assert_eq!(assemble(&(2..6), &fetched).unwrap(), "cdef");
        assert_eq!(assemble(&(4..8), &fetched).unwrap(), "efgh");
        assert_eq!(assemble(&(5..5), &fetched).unwrap(), "");
        assert!(assemble(&(6..9), &fetched).is_err());
    }
}
