//! The files of a table, as indexes are built over them.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion_common::{DataFusionError, Result};
use datafusion_datasource::PartitionedFile;
use datafusion_datasource::file_groups::FileGroup;
use datafusion_physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion_session::Session;
use ogive_index::ExactRows;
use ogive_vectors::VectorError;

use crate::index::{
    BuildIndex, IndexBuild, Sidecar, SourceFile, build_index, drop_sidecar, writing_folder,
};
use crate::options::ReadOptions;
use crate::scan::exact_rows::{ColumnRows, sample_of, source_file};
use crate::scan::file_scan::FileColumns;
use crate::scan::load::Loader;
use crate::scan::metrics::ScanMetrics;
use crate::scan::opened::OpenedFile;
use crate::scan::unchanged::refuse_changed;

/// A file of a table, and one of its columns.
#[derive(Debug, Clone)]
pub struct IndexFile {
    source: SourceFile,
    listed: PartitionedFile,
    file: Arc<OpenedFile>,
    rows: ColumnRows,
}

impl IndexFile {
    pub(super) fn new(
        file: Arc<OpenedFile>,
        listed: PartitionedFile,
        is_local: bool,
        schema: &SchemaRef,
        column: usize,
        read: ReadOptions,
    ) -> Result<Self> {
        let name = file.name.clone();
        let refused = |why: &str, hint: &str| {
            let error = VectorError::new("0A000", format!("{name}: {why}")).with_hint(hint);
            DataFusionError::External(Box::new(error))
        };
        let columns = FileColumns::map(schema, &file)?;
        if !columns.is_searchable(column) {
            return Err(refused(
                "the table declares the column with less precision than the file stores",
                "Declare it as it is stored, or index the file itself: CREATE INDEX ON 'path' ..",
            ));
        }
        let loader = Loader {
            file: Arc::clone(&file),
            read,
            metrics: ScanMetrics::new(&ExecutionPlanMetricsSet::new(), 0),
            warnings: None,
            told: Arc::default(),
        };
        let rows = ColumnRows::new(loader, columns.get(column)).ok_or_else(|| {
            refused(
                "rows of the column cannot be read by themselves: it is stored `lossless`",
                "COPY .. TO 'copy.cvc' OPTIONS (compression 'none') stores it so that they can.",
            )
        })?;
        Ok(Self {
            source: source_file(&name, &listed.object_meta, is_local),
            listed,
            file,
            rows,
        })
    }

    /// What its indexes go by.
    pub fn source(&self) -> &SourceFile {
        &self.source
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.rows.rows()
    }

    /// Elements of a row.
    pub fn dimension(&self) -> usize {
        self.rows.dimension()
    }

    /// Builds an index of it, below `location` or beside it. Waits for files: not for a thread of the runtime.
    ///
    /// # Errors
    /// Rows cannot be read, the file has changed meanwhile, the index cannot be written, or `progress` said `false`.
    pub fn build(
        &self,
        request: &BuildIndex,
        location: Option<&Path>,
        progress: &dyn Fn(u64) -> bool,
    ) -> Result<Sidecar> {
        let Some(folder) = writing_folder(&self.source, location) else {
            let error = VectorError::new(
                "0A000",
                format!("{}: no index is kept beside an object", self.source.name),
            )
            .with_hint("SET ogive.index_location = '/a/folder' keeps indexes in a local folder.");
            return Err(DataFusionError::External(Box::new(error)));
        };
        let sample = sample_of(&self.file).transpose()?;
        let unchanged = || match self.source.path {
            Some(_) => refuse_changed(&self.listed.object_meta, &self.source.name),
            None => Ok(()),
        };
        unchanged()?;
        let build = IndexBuild {
            file: &self.source,
            sample: sample.as_deref(),
            folder: &folder,
            progress,
        };
        let sidecar = build_index(&self.rows, request, build)?;
        if let Err(changed) = unchanged() {
            drop_sidecar(&sidecar)?;
            return Err(changed);
        }
        Ok(sidecar)
    }
}

/// The files that a scan of a table would read.
fn listed_files(groups: Vec<FileGroup>) -> Vec<PartitionedFile> {
    groups.into_iter().flat_map(FileGroup::into_inner).collect()
}

impl super::VectorTable {
    /// The files of the table now, as their indexes know them.
    ///
    /// # Errors
    /// The files cannot be listed.
    pub async fn source_files(&self, state: &dyn Session) -> Result<Vec<SourceFile>> {
        let Some(url) = self.files().urls().first() else {
            return Ok(Vec::new());
        };
        let scanned = self.files().for_scan(state, &[], None).await?;
        let store = state.runtime_env().object_store(url)?;
        let is_local = crate::scan::is_local(&store);
        let root = if is_local {
            String::new()
        } else {
            store.to_string()
        };
        let listed = listed_files(scanned.groups);
        let sources = listed.iter().map(|file| {
            let meta = &file.object_meta;
            source_file(&format!("{root}/{}", meta.location), meta, is_local)
        });
        Ok(sources.collect())
    }

    /// The files of the table now, for indexes of one of its columns.
    ///
    /// # Errors
    /// The files cannot be listed or opened; the column is not one of theirs, or cannot be indexed.
    pub async fn index_files(&self, state: &dyn Session, column: &str) -> Result<Vec<IndexFile>> {
        let (files, format) = (self.files(), self.format());
        let scanned = files.for_scan(state, &[], None).await?;
        let Some(url) = files.urls().first() else {
            return Ok(Vec::new());
        };
        let store = state.runtime_env().object_store(url)?;
        let is_local = crate::scan::is_local(&store);
        let schema = files.file_schema();
        let index = schema.index_of(column)?;
        let read = format
            .table_options()
            .read_options(state.config_options())?;
        let listed = listed_files(scanned.groups);
        let metas: Vec<_> = listed.iter().map(|file| file.object_meta.clone()).collect();
        let opened = format.open_all(&store, &metas, read.memory_map).await?;
        let files = listed.into_iter().zip(opened);
        files
            .map(|(listed, file)| IndexFile::new(file, listed, is_local, &schema, index, read))
            .collect()
    }
}
