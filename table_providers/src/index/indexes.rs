//! The indexes that a session knows of: folders read once, codes opened once.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use datafusion_physical_expr::PhysicalExpr;
use ogive_index::Bitmap;
use ogive_index::flat::{FlatIndex, MappedFile, Statistics};
use ogive_kernels::Metric;
use parking_lot::Mutex;

use super::contents::{Contents, Sidecar};
use super::place::{SourceFile, sidecar_folders};
use crate::warnings::Warnings;

/// A folder that was changed less than this before it was read is read again: the clock of a file system ticks slowly.
const TICK: Duration = Duration::from_millis(50);
/// Codes held open at most: each is a map, of which a process has a limited number.
const OPEN_MAX: usize = 4096;

/// Filters of which an index keeps the rows that pass, a bit a row.
const FILTERS_MAX: usize = 16;

/// The indexes of a session, found and opened as searches want them. Put it into the session's configuration with
/// `SessionConfig::with_extension`, so that it lasts from one statement to the next.
#[derive(Debug, Default)]
pub struct Indexes {
    folders: Mutex<HashMap<PathBuf, Folder>>,
    open: Mutex<HashMap<PathBuf, Opened>>,
    building: Mutex<Vec<Weak<BuildProgress>>>,
    /// Warnings are told once a session.
    told: Mutex<HashSet<String>>,
}

/// How far the build of an index of one file is.
#[derive(Debug)]
pub struct BuildProgress {
    /// The index.
    pub index: String,
    /// The file's path or URL.
    pub file: String,
    /// Its rows.
    pub rows: u64,
    /// Rows that have codes.
    pub done: AtomicU64,
}

/// Folders of sidecars that one search has looked at: a directory of many files has one.
#[derive(Debug, Default)]
pub struct SeenFolders(HashMap<PathBuf, Arc<Contents>>);

#[derive(Debug)]
struct Folder {
    changed: Option<SystemTime>,
    is_settled: bool,
    contents: Arc<Contents>,
}

#[derive(Debug)]
struct Opened {
    sidecar: Arc<Sidecar>,
    source: SourceFile,
    index: Arc<OpenIndex>,
}

/// A filter and the rows that pass it.
type KnownFilter = (Arc<dyn PhysicalExpr>, Arc<Bitmap>);

/// Codes that are open and whole.
#[derive(Debug)]
pub struct OpenIndex {
    /// The codes.
    pub codes: FlatIndex<MappedFile>,
    /// Whose they are.
    pub sidecar: Arc<Sidecar>,
    totals: Mutex<SearchTotals>,
    filters: Mutex<Vec<KnownFilter>>,
}

/// What searches through an index did since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchTotals {
    /// How many there were.
    pub searches: u64,
    /// Their sum.
    pub sum: Statistics,
}

impl OpenIndex {
    /// Counts a search.
    pub fn add(&self, statistics: &Statistics) {
        let mut totals = self.totals.lock();
        totals.searches += 1;
        totals.sum.add(statistics);
    }

    /// The rows that pass a filter, if it was asked for lately.
    pub fn filter(&self, predicate: &Arc<dyn PhysicalExpr>) -> Option<Arc<Bitmap>> {
        let filters = self.filters.lock();
        let known = filters.iter().find(|(have, _)| have == predicate);
        known.map(|(_, bitmap)| Arc::clone(bitmap))
    }

    /// Keeps the rows that pass a filter, in place of the oldest when there are many.
    pub fn keep_filter(&self, predicate: Arc<dyn PhysicalExpr>, bitmap: Arc<Bitmap>) {
        let mut filters = self.filters.lock();
        if filters.len() >= FILTERS_MAX {
            filters.remove(0);
        }
        filters.push((predicate, bitmap));
    }

    /// What searches did.
    pub fn totals(&self) -> SearchTotals {
        *self.totals.lock()
    }
}

impl Indexes {
    /// The indexes of a file, whether current or not.
    pub fn of_file(&self, file: &SourceFile, location: Option<&Path>) -> Vec<Arc<Sidecar>> {
        let folders = sidecar_folders(file, location);
        let contents = folders.iter().map(|folder| self.contents(folder));
        contents
            .flat_map(|contents| contents.of_source(file.file_name()).to_vec())
            .collect()
    }

    /// The indexes in a folder of sidecars.
    pub fn in_folder(&self, folder: &Path) -> Vec<Arc<Sidecar>> {
        self.contents(folder).all().cloned().collect()
    }

    /// The index of a file's column to search by a metric with, if there is one of what the file is now. What is there and
    /// cannot be used is warned of. `seen` are the folders that this search has looked at.
    pub fn choose(
        &self,
        seen: &mut SeenFolders,
        file: &SourceFile,
        location: Option<&Path>,
        column: &str,
        metric: Metric,
        warnings: Option<&Warnings>,
    ) -> Option<Arc<Sidecar>> {
        for folder in sidecar_folders(file, location) {
            let contents = match seen.0.get(&folder) {
                Some(contents) => Arc::clone(contents),
                None => {
                    let contents = self.contents(&folder);
                    seen.0.insert(folder, Arc::clone(&contents));
                    contents
                }
            };
            for unusable in &contents.unusable {
                let of_file = unusable.file.strip_prefix(file.file_name());
                if of_file.is_some_and(|rest| rest.starts_with('.')) || unusable.file.is_empty() {
                    self.warn(warnings, unused(&unusable.message, file));
                }
            }
            for sidecar in contents.of_source(file.file_name()) {
                let manifest = &sidecar.manifest;
                if manifest.column != column || !manifest.measure.serves(metric) {
                    continue;
                }
                match sidecar.is_current(file) {
                    Ok(()) => return Some(Arc::clone(sidecar)),
                    Err(stale) => self.warn_of(warnings, sidecar, file, &stale),
                }
            }
        }
        None
    }

    /// The codes of an index, verified. `sample` is that of the file's bytes now, where they are at hand.
    ///
    /// # Errors
    /// What is wrong with them, or that they are of another file.
    pub fn open(
        &self,
        sidecar: &Arc<Sidecar>,
        source: &SourceFile,
        sample: impl FnOnce() -> Option<std::io::Result<String>>,
    ) -> Result<Arc<OpenIndex>, String> {
        if let Some(opened) = self.open.lock().get(&sidecar.path)
            && opened.sidecar == *sidecar
            && opened.source == *source
        {
            return Ok(Arc::clone(&opened.index));
        }
        let path = sidecar.codes();
        let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        if let Some(now) = sample() {
            let now = now.map_err(|error| format!("{}: {error}", source.name))?;
            let facts = source.facts(sidecar.manifest.source.rows, Some(now));
            let current = sidecar.manifest.is_current(&facts);
            current.map_err(|stale| stale.to_string())?;
        }
        let map = MappedFile::open(&path).map_err(|error| at(&error))?;
        let codes = FlatIndex::open(map).map_err(|error| at(&error))?;
        if codes.measure() != sidecar.manifest.measure {
            return Err(at(&"it is of other distances than its manifest says"));
        }
        let index = Arc::new(OpenIndex {
            codes,
            sidecar: Arc::clone(sidecar),
            totals: Mutex::default(),
            filters: Mutex::default(),
        });
        let mut open = self.open.lock();
        if open.len() >= OPEN_MAX {
            open.clear();
        }
        let opened = Opened {
            sidecar: Arc::clone(sidecar),
            source: source.clone(),
            index: Arc::clone(&index),
        };
        open.insert(sidecar.path.clone(), opened);
        Ok(index)
    }

    /// Whether a file has an index of a name that is of what it is now, with all its codes.
    pub fn has_current(&self, file: &SourceFile, location: Option<&Path>, name: &str) -> bool {
        self.of_file(file, location).iter().any(|sidecar| {
            sidecar.manifest.name == name
                && sidecar.is_current(file).is_ok()
                && self.verify(sidecar).is_ok()
        })
    }

    /// Reads all codes of an index.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn verify(&self, sidecar: &Sidecar) -> Result<(), String> {
        let path = sidecar.codes();
        let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let map = MappedFile::open(&path).map_err(|error| at(&error))?;
        FlatIndex::open(map).map_err(|error| at(&error))?;
        Ok(())
    }

    /// Notes that an index of a file is being built, until the result is dropped.
    pub fn begin(&self, index: &str, file: &str, rows: u64) -> Arc<BuildProgress> {
        let progress = Arc::new(BuildProgress {
            index: index.to_string(),
            file: file.to_string(),
            rows,
            done: AtomicU64::new(0),
        });
        let mut building = self.building.lock();
        building.retain(|other| other.strong_count() > 0);
        building.push(Arc::downgrade(&progress));
        progress
    }

    /// The builds that are under way.
    pub fn building(&self) -> Vec<Arc<BuildProgress>> {
        let building = self.building.lock();
        building.iter().filter_map(Weak::upgrade).collect()
    }

    /// What searches through an index did in this session.
    pub fn totals(&self, sidecar: &Sidecar) -> SearchTotals {
        let open = self.open.lock();
        let opened = open.get(&sidecar.path);
        opened.map_or_else(SearchTotals::default, |opened| opened.index.totals())
    }

    /// Warns that an index is not used, once.
    pub fn warn_of(
        &self,
        warnings: Option<&Warnings>,
        sidecar: &Sidecar,
        file: &SourceFile,
        why: &dyn std::fmt::Display,
    ) {
        let name = &sidecar.manifest.name;
        let message = format!(
            "index \"{name}\" of {} is not used, all rows are searched: {why}; REINDEX INDEX \"{name}\" builds it again",
            file.name
        );
        self.warn(warnings, message);
    }

    fn warn(&self, warnings: Option<&Warnings>, message: String) {
        if let Some(warnings) = warnings
            && self.told.lock().insert(message.clone())
        {
            warnings.push(message);
        }
    }

    fn contents(&self, folder: &Path) -> Arc<Contents> {
        let changed = fs::metadata(folder).and_then(|found| found.modified()).ok();
        if let Some(known) = self.folders.lock().get(folder)
            && known.is_settled
            && known.changed == changed
        {
            return Arc::clone(&known.contents);
        }
        let now = SystemTime::now();
        let contents = Arc::new(match changed {
            Some(_) => Contents::read(folder),
            None => Contents::default(),
        });
        let age = changed.map(|changed| now.duration_since(changed).unwrap_or_default());
        let folder_now = Folder {
            changed,
            is_settled: age.is_none_or(|age| age > TICK),
            contents: Arc::clone(&contents),
        };
        self.folders.lock().insert(folder.to_owned(), folder_now);
        contents
    }
}

fn unused(message: &str, file: &SourceFile) -> String {
    format!(
        "an index of {} is not used, all rows are searched: {message}",
        file.name
    )
}
