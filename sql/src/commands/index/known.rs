//! The indexes that a session can see: of its tables, of the current directory, and of `ogive.index_location`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::common::TableReference;
use datafusion::execution::SessionState;
use ogive_table_providers::{INDEX_FOLDER, Indexes, Sidecar, SourceFile};

use super::build::{indexes, location, vector_table};
use super::names::refused;

/// An index: all sidecars of one name over the files of one table or folder.
#[derive(Debug, Clone)]
pub(super) struct KnownIndex {
    pub name: String,
    /// As SHOW INDEXES has it.
    pub table_name: String,
    table: Option<TableReference>,
    /// Directory of data, where the files are not those of a table.
    directory: Option<PathBuf>,
    files: Vec<IndexedFile>,
    /// Bytes of the table's files without this index.
    uncovered: u64,
}

/// A file of an index.
#[derive(Debug, Clone)]
pub(super) struct IndexedFile {
    pub sidecar: Arc<Sidecar>,
    /// The file now; `None` where it is not known or gone.
    pub source: Option<SourceFile>,
}

impl IndexedFile {
    /// Whether the index is of what the file is now, or why not.
    pub fn state(&self) -> std::result::Result<(), String> {
        match &self.source {
            Some(source) => self.sidecar.is_current(source),
            None => Err("the file that it is of is not there".to_string()),
        }
    }
}

impl KnownIndex {
    /// One for each file.
    pub fn sidecars(&self) -> Vec<&Sidecar> {
        self.files
            .iter()
            .map(|file| file.sidecar.as_ref())
            .collect()
    }

    /// One for each file.
    pub fn files(&self) -> &[IndexedFile] {
        &self.files
    }

    /// The tables whose files it is of.
    pub fn tables(&self) -> Result<Vec<TableReference>> {
        if let Some(table) = &self.table {
            return Ok(vec![table.clone()]);
        }
        let Some(directory) = &self.directory else {
            return Err(refused(
                "55000",
                format!(
                    "index \"{}\": the directory of its files is not known",
                    self.name
                ),
                "REINDEX TABLE 'path' names them.",
            ));
        };
        let paths = self.files.iter().map(|file| {
            let path = directory.join(&file.sidecar.manifest.source.path);
            TableReference::bare(path.to_string_lossy().into_owned())
        });
        Ok(paths.collect())
    }

    fn covered(&self) -> u64 {
        let current = self.files.iter().filter(|file| file.state().is_ok());
        current.map(|file| file.sidecar.manifest.source.bytes).sum()
    }

    fn coverage(&self) -> f64 {
        let stale = self.files.iter().filter(|file| file.state().is_err());
        let stale: u64 = stale
            .map(|file| file.source.as_ref().map_or(1, |source| source.bytes))
            .sum();
        let covered = self.covered();
        covered as f64 / (covered + stale + self.uncovered).max(1) as f64
    }

    fn rows(&self) -> u64 {
        let current = self.files.iter().filter(|file| file.state().is_ok());
        current.map(|file| file.sidecar.manifest.source.rows).sum()
    }

    fn bytes(&self) -> u64 {
        let sidecars = self.files.iter();
        sidecars.map(|file| file.sidecar.manifest.file_bytes).sum()
    }

    fn location(&self) -> Option<String> {
        let first = self.files.first()?;
        Some(first.sidecar.path.parent()?.display().to_string())
    }
}

/// All indexes, sorted by name.
pub(super) async fn known(state: &SessionState) -> Result<Vec<KnownIndex>> {
    let indexes = indexes(state);
    let mut found: Vec<KnownIndex> = Vec::new();
    for (reference, table) in tables(state).await? {
        // A table whose files are gone has no indexes, and must not be in the way of others.
        let Ok(of_table) = of_table(state, &indexes, reference, &table).await else {
            continue;
        };
        for index in of_table {
            let is_there = |other: &KnownIndex| {
                let mut paths = other.sidecars().into_iter().map(|sidecar| &sidecar.path);
                let mine = index.sidecars();
                paths.any(|path| mine.iter().any(|sidecar| sidecar.path == *path))
            };
            // Two tables over the same files have the same indexes.
            if !found.iter().any(is_there) {
                found.push(index);
            }
        }
    }
    let mut folders = Vec::new();
    if let Ok(directory) = std::env::current_dir() {
        folders.push((directory.join(INDEX_FOLDER), Some(directory)));
    }
    if let Some(location) = location(state) {
        let entries = std::fs::read_dir(location).into_iter().flatten().flatten();
        folders.extend(entries.map(|entry| (entry.path(), None)));
    }
    for (folder, directory) in folders {
        let mut by_name: BTreeMap<String, Vec<IndexedFile>> = BTreeMap::new();
        for sidecar in indexes.in_folder(&folder) {
            let is_known = found.iter().any(|index| {
                index
                    .sidecars()
                    .iter()
                    .any(|known| known.path == sidecar.path)
            });
            if !is_known {
                let source = directory.as_ref().and_then(|directory| {
                    local_source(&directory.join(&sidecar.manifest.source.path))
                });
                let files = by_name.entry(sidecar.manifest.name.clone()).or_default();
                files.push(IndexedFile { sidecar, source });
            }
        }
        found.extend(by_name.into_iter().map(|(name, files)| {
            let table_name = match files.as_slice() {
                [file] => file.sidecar.manifest.source.path.clone(),
                many => format!("{} files", many.len()),
            };
            KnownIndex {
                name,
                table_name,
                table: None,
                directory: directory.clone(),
                files,
                uncovered: 0,
            }
        }));
    }
    found.sort_by(|a, b| (&a.name, &a.table_name).cmp(&(&b.name, &b.table_name)));
    Ok(found)
}

/// The indexes of a table's files.
pub(super) async fn known_of(
    state: &SessionState,
    table: &Arc<dyn TableProvider>,
) -> Result<Vec<KnownIndex>> {
    let indexes = indexes(state);
    let named = tables(state).await?;
    let registered = named
        .into_iter()
        .find(|(_, other)| Arc::ptr_eq(other, table));
    let mut found = of_table(state, &indexes, registered.map(|(name, _)| name), table).await?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

async fn of_table(
    state: &SessionState,
    indexes: &Indexes,
    reference: impl Into<Option<TableReference>>,
    table: &Arc<dyn TableProvider>,
) -> Result<Vec<KnownIndex>> {
    let Some(files) = vector_table(table) else {
        return Ok(Vec::new());
    };
    let reference = reference.into();
    let sources = files.source_files(state).await?;
    let location = location(state);
    let mut by_name: BTreeMap<String, Vec<IndexedFile>> = BTreeMap::new();
    for source in &sources {
        for sidecar in indexes.of_file(source, location.as_deref()) {
            let files = by_name.entry(sidecar.manifest.name.clone()).or_default();
            files.push(IndexedFile {
                sidecar,
                source: Some(source.clone()),
            });
        }
    }
    let found = by_name.into_iter().map(|(name, files)| {
        let has = |source: &&SourceFile| {
            !files.iter().any(|file| {
                file.source
                    .as_ref()
                    .is_some_and(|have| have.name == source.name)
            })
        };
        let uncovered = sources.iter().filter(has).map(|source| source.bytes).sum();
        let table_name = match (&reference, sources.as_slice()) {
            (Some(reference), _) => reference.table().to_string(),
            (None, [source]) => source.name.clone(),
            (None, many) => format!("{} files", many.len()),
        };
        let table = reference.clone().or_else(|| {
            let [source] = sources.as_slice() else {
                return None;
            };
            Some(TableReference::bare(source.name.as_str()))
        });
        KnownIndex {
            name,
            table_name,
            table,
            directory: None,
            files,
            uncovered,
        }
    });
    Ok(found.collect())
}

/// The session's own tables.
async fn tables(state: &SessionState) -> Result<Vec<(TableReference, Arc<dyn TableProvider>)>> {
    let defaults = &state.config_options().catalog;
    let mut found = Vec::new();
    let Some(catalog) = state.catalog_list().catalog(&defaults.default_catalog) else {
        return Ok(found);
    };
    for schema_name in catalog.schema_names() {
        let Some(schema) = catalog.schema(&schema_name) else {
            continue;
        };
        if schema_name == "information_schema" {
            continue;
        }
        for name in schema.table_names() {
            let Some(table) = schema.table(&name).await? else {
                continue;
            };
            let is_default = schema_name == defaults.default_schema;
            let reference = match is_default {
                true => TableReference::bare(name),
                false => TableReference::partial(schema_name.as_str(), name),
            };
            found.push((reference, table));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.table().cmp(b.table()));
    Ok(found)
}

/// A local file as it is now.
fn local_source(path: &Path) -> Option<SourceFile> {
    let found = std::fs::metadata(path).ok()?;
    Some(SourceFile {
        name: path.to_string_lossy().into_owned(),
        path: Some(path.to_owned()),
        bytes: found.len(),
        modified: found.modified().ok()?.into(),
        etag: None,
    })
}

/// As SHOW INDEXES prints them.
pub(super) fn as_rows(found: &[KnownIndex]) -> Result<RecordBatch> {
    let manifest = |index: &KnownIndex| {
        let first = index.files.first();
        first.map(|file| file.sidecar.manifest.clone())
    };
    let text = |of: &dyn Fn(&KnownIndex) -> Option<String>| -> ArrayRef {
        Arc::new(found.iter().map(of).collect::<StringArray>())
    };
    let number = |of: &dyn Fn(&KnownIndex) -> u64| -> ArrayRef {
        let numbers = found.iter().map(|index| i64::try_from(of(index)).ok());
        Arc::new(numbers.collect::<Int64Array>())
    };
    let coverage: Float64Array = found.iter().map(|index| Some(index.coverage())).collect();
    Ok(RecordBatch::try_from_iter([
        ("name", text(&|index| Some(index.name.clone()))),
        ("table_name", text(&|index| Some(index.table_name.clone()))),
        (
            "column_name",
            text(&|index| manifest(index).map(|m| m.column)),
        ),
        ("method", text(&|index| manifest(index).map(|m| m.method))),
        (
            "metric",
            text(&|index| manifest(index).map(|m| m.measure.name().to_string())),
        ),
        ("rows", number(&KnownIndex::rows)),
        ("coverage", Arc::new(coverage) as ArrayRef),
        ("bytes", number(&KnownIndex::bytes)),
        ("location", text(&KnownIndex::location)),
    ])?)
}
