//! Which way a search goes, and the indexes that it goes through.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion_datasource::file_groups::FileGroup;
use datafusion_session::Session;
use object_store::ObjectStore;
use object_store::path::Path;
use ogive_kernels::Metric;

use crate::index::{Indexes, SeenFolders, Sidecar, SourceFile};
use crate::options::{IndexAccess, OgiveOptions, OnCorruption, ReadOptions};
use crate::scan::exact_rows::source_file;
use crate::scan::opened::is_local;
use crate::warnings::Warnings;

/// Files of fewer rows are searched as fast without codes.
const ROWS_MIN: u64 = 2048;
/// A search for more than one row in so many reads them all.
const ROWS_FOR_EACH: u64 = 8;

/// How a search finds its rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Access {
    /// All rows are compared.
    #[default]
    Exact,
    /// Codes exclude what cannot be in the answer, and what is left is compared: the same answer.
    Certified {
        /// Bits of a row's code, the least and the most among the files.
        bits: (u64, u64),
        /// The share of the files' bytes whose rows have codes; the rest is compared as a whole.
        coverage: f64,
    },
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => write!(f, "exact"),
            Self::Certified { bits, coverage } => {
                write!(f, "exact-certified(flat, {}", bits.0)?;
                if bits.1 > bits.0 {
                    write!(f, " to {}", bits.1)?;
                }
                // Never said to be all when a file is left.
                let percent = (coverage * 100.0).floor();
                write!(f, " bits), coverage={percent}%")
            }
        }
    }
}

/// An index of one file that a search goes through.
#[derive(Debug, Clone)]
pub struct ChosenIndex {
    /// The index.
    pub sidecar: Arc<Sidecar>,
    /// The file.
    pub source: SourceFile,
}

/// The indexes that a search goes through, by file.
#[derive(Debug, Clone)]
pub struct ChosenIndexes {
    /// Where they are opened.
    pub indexes: Arc<Indexes>,
    by_location: Arc<HashMap<Path, ChosenIndex>>,
    covers_all: bool,
    access: Access,
}

/// What a search asks of an index.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The column.
    pub column: &'a str,
    /// The distance.
    pub metric: Metric,
    /// Rows wanted; `None` for all within a distance.
    pub k: Option<usize>,
    /// Whether the largest values come first.
    pub descending: bool,
    /// Whether rows are filtered by the values of vectors.
    pub filters_vectors: bool,
}

/// Chooses the indexes that a search goes through: what a session says about it, without the search.
#[derive(Debug, Clone)]
pub struct IndexChooser {
    indexes: Arc<Indexes>,
    warnings: Option<Arc<Warnings>>,
    location: Option<PathBuf>,
    /// What names of files begin with.
    root: String,
    is_local: bool,
    is_forced: bool,
}

impl IndexChooser {
    /// That of a session, for files of a store; `None` where searches compare all rows.
    pub fn new(
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        read: ReadOptions,
    ) -> Option<Self> {
        let settings = state.config_options().extensions.get::<OgiveOptions>()?;
        let way = settings.index_access();
        if way == IndexAccess::Off
            || !settings.enable_indexscan
            || read.on_corruption != OnCorruption::Error
        {
            return None;
        }
        let is_local = is_local(store);
        let root = if is_local {
            String::new()
        } else {
            store.to_string()
        };
        Some(Self {
            indexes: state.config().get_extension::<Indexes>()?,
            warnings: state.config().get_extension::<Warnings>(),
            location: settings.index_location(),
            root,
            is_local,
            is_forced: way == IndexAccess::Force,
        })
    }

    /// The indexes for a search of files; `None` where it had better compare all rows.
    pub fn choose(&self, groups: &[FileGroup], wanted: Wanted<'_>) -> Option<ChosenIndexes> {
        let farthest = matches!(
            wanted.metric,
            Metric::InnerProduct | Metric::CosineSimilarity
        ) != wanted.descending;
        if farthest || (wanted.filters_vectors && !self.is_forced) {
            return None;
        }
        let mut by_location = HashMap::new();
        let (mut covered, mut all, mut bits) = (0, 0, (u64::MAX, 0));
        let mut covers_all = true;
        let mut seen = SeenFolders::default();
        for file in groups.iter().flat_map(FileGroup::iter) {
            let meta = &file.object_meta;
            // A file may come in several pieces.
            if by_location.contains_key(&meta.location) {
                continue;
            }
            all += meta.size;
            let name = format!("{}/{}", self.root, meta.location);
            let source = source_file(&name, meta, self.is_local);
            let sidecar = self.indexes.choose(
                &mut seen,
                &source,
                self.location.as_deref(),
                wanted.column,
                wanted.metric,
                self.warnings.as_deref(),
            );
            let worth = |sidecar: &Arc<Sidecar>| {
                let rows = sidecar.manifest.source.rows;
                let k = wanted.k.map_or(1, |k| k as u64);
                self.is_forced || (rows >= ROWS_MIN && k.saturating_mul(ROWS_FOR_EACH) <= rows)
            };
            let Some(sidecar) = sidecar.filter(worth) else {
                covers_all = false;
                continue;
            };
            covered += meta.size;
            bits = (bits.0.min(sidecar.bits()), bits.1.max(sidecar.bits()));
            by_location.insert(meta.location.clone(), ChosenIndex { sidecar, source });
        }
        if by_location.is_empty() {
            return None;
        }
        Some(ChosenIndexes {
            indexes: Arc::clone(&self.indexes),
            by_location: Arc::new(by_location),
            covers_all,
            access: Access::Certified {
                bits,
                coverage: covered as f64 / all.max(1) as f64,
            },
        })
    }
}

impl ChosenIndexes {
    /// The index of a file.
    pub fn of(&self, location: &Path) -> Option<&ChosenIndex> {
        self.by_location.get(location)
    }

    /// Whether every file has one.
    pub fn covers_all(&self) -> bool {
        self.covers_all
    }

    /// What EXPLAIN says.
    pub fn access(&self) -> &Access {
        &self.access
    }
}
