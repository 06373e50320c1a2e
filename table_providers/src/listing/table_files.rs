//! The files behind a table: what a scan reads now, and where an insert goes.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion_catalog_listing::helpers::expr_applicable_for_cols;
use datafusion_catalog_listing::{ListingOptions, ListingTable};
use datafusion_common::stats::Precision;
use datafusion_common::{Result, SchemaExt, Statistics, plan_err};
use datafusion_datasource::file_groups::FileGroup;
use datafusion_datasource::file_sink_config::{FileOutputMode, FileSinkConfig};
use datafusion_datasource::{
    ListingTableUrl, PartitionedFile, TableSchema, TableSchemaBuilder, compute_all_files_statistics,
};
use datafusion_datasource_parquet::ParquetFormat;
use datafusion_execution::cache::cache_manager::{
    CachedFileMetadata, SchemaFingerprint, TableScopedPath,
};
use datafusion_expr::Expr;
use datafusion_expr::dml::InsertOp;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_session::Session;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStore};

use super::files::{list_below, refuse_missing};
use super::null_partitions::named_partitions;
use super::partitions::{fixed_directory, matching, partition_values};
use super::texts::{as_texts, has_vectors, is_text, write_texts};
use crate::parquet::known_statistics;
use crate::scan::{FileKind, VectorFormat, refuse_empty_file};

/// The files behind a table, in place of the listing that DataFusion's [`ListingTable`] does itself: its patterns, its
/// partitions without NULL and its silence about files that are gone are not ours.
#[derive(Debug, Clone)]
pub struct TableFiles {
    table: ListingTable,
    schema: SchemaRef,
    fingerprint: Arc<SchemaFingerprint>,
    may_be_empty: bool,
}

/// What a scan reads.
#[derive(Debug)]
pub struct ScannedFiles {
    /// By partition of the plan.
    pub groups: Vec<FileGroup>,
    /// Of all files together.
    pub statistics: Statistics,
    /// Whether files are grouped by their partition values.
    pub grouped_by_partition: bool,
}

impl TableFiles {
    /// The files of a table. One whose columns are declared may have none yet.
    pub fn new(table: ListingTable, is_declared: bool) -> Self {
        use datafusion_session::TableProvider;
        let declared = table.schema();
        let partitions = table.options().table_partition_cols.len();
        let stored = declared.fields().len() - partitions;
        let fields: Vec<FieldRef> = declared
            .fields()
            .iter()
            .enumerate()
            .map(|(index, field)| match index < stored {
                true => Arc::clone(field),
                // A directory may say NULL.
                false => Arc::new(field.as_ref().clone().with_nullable(true)),
            })
            .collect();
        let file_schema = Schema::new(fields.get(..stored).unwrap_or_default().to_vec());
        Self {
            fingerprint: Arc::new(SchemaFingerprint::from_schema(&Arc::new(file_schema))),
            schema: Arc::new(Schema::new_with_metadata(
                fields,
                declared.metadata().clone(),
            )),
            table,
            may_be_empty: is_declared,
        }
    }

    /// DataFusion's table.
    pub fn table(&self) -> &ListingTable {
        &self.table
    }

    /// The columns of the files, and then those of the partitions.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How files are read.
    pub fn options(&self) -> &ListingOptions {
        self.table.options()
    }

    /// Where they are.
    pub fn urls(&self) -> &[ListingTableUrl] {
        self.table.table_paths()
    }

    fn is_parquet(&self) -> bool {
        self.options().format.is::<ParquetFormat>()
    }

    fn stored_count(&self) -> usize {
        self.schema.fields().len() - self.options().table_partition_cols.len()
    }

    /// The columns in the files alone.
    pub fn file_schema(&self) -> SchemaRef {
        let fields = self.schema.fields().iter().take(self.stored_count());
        Arc::new(Schema::new_with_metadata(
            fields.cloned().collect::<Vec<_>>(),
            self.schema.metadata().clone(),
        ))
    }

    /// Whether vectors are stored as texts.
    pub(super) fn has_texts(&self) -> bool {
        is_text(self.options().format.as_ref()) && has_vectors(&self.schema)
    }

    /// [`Self::table_schema`] as the files have it.
    pub(super) fn stored_schema(&self) -> TableSchema {
        if !self.has_texts() {
            return self.table_schema();
        }
        let stored = as_texts(self.file_schema().fields());
        TableSchemaBuilder::from(&Arc::new(Schema::new(stored)))
            .with_table_partition_cols(self.partition_fields())
            .build()
    }

    /// Both, apart from each other.
    pub fn table_schema(&self) -> TableSchema {
        TableSchemaBuilder::from(&self.file_schema())
            .with_table_partition_cols(self.partition_fields())
            .build()
    }

    /// The columns of the partitions.
    pub fn partition_fields(&self) -> Vec<FieldRef> {
        let fields = self.schema.fields().iter().skip(self.stored_count());
        fields.cloned().collect()
    }

    /// Whether the names of directories alone tell which rows a filter keeps.
    pub fn is_partition_filter(&self, filter: &Expr) -> bool {
        let columns = &self.options().table_partition_cols;
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        !filter.column_refs().is_empty() && expr_applicable_for_cols(&names, filter)
    }

    /// The files of a scan. With a `limit`, no more of them than have so many rows.
    ///
    /// # Errors
    /// A file or directory that is not there; what a format says of a file.
    pub async fn for_scan(
        &self,
        state: &dyn Session,
        partition_filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<ScannedFiles> {
        let Some(first) = self.urls().first() else {
            return plan_err!("the table has no location");
        };
        let store = state.runtime_env().object_store(first)?;
        let files = self.list(state, &store, partition_filters).await?;
        let (files, is_cut) = self.with_statistics(state, &store, files, limit).await?;
        let partitions = state.config().target_partitions().max(1);
        let (groups, grouped_by_partition) = self.grouped(state, files, partitions);
        let (groups, statistics) = compute_all_files_statistics(
            groups,
            Arc::clone(&self.schema),
            state.config().collect_statistics(),
            is_cut,
        )?;
        Ok(ScannedFiles {
            groups,
            statistics,
            grouped_by_partition,
        })
    }

    async fn list(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        filters: &[Expr],
    ) -> Result<Vec<PartitionedFile>> {
        let columns = &self.options().table_partition_cols;
        let kind = self
            .options()
            .format
            .downcast_ref::<VectorFormat>()
            .map(VectorFormat::kind);
        let mut seen = HashSet::new();
        let mut files = Vec::new();
        for url in self.urls() {
            let below = fixed_directory(columns, filters);
            let listed = list_below(store, url, below).await?;
            if listed.is_empty() {
                refuse_missing(url, self.may_be_empty || !filters.is_empty())?;
            }
            for file in listed {
                self.refuse_empty(store, url, &file, kind).await?;
                let is_read = file.size > 0
                    && file
                        .location
                        .as_ref()
                        .ends_with(&self.options().file_extension);
                if is_read && seen.insert(file.location.clone()) {
                    files.extend(partitioned(url, file, columns)?);
                }
            }
        }
        if filters.is_empty() {
            return Ok(files);
        }
        let rows: Vec<_> = files
            .iter()
            .map(|file| file.partition_values.clone())
            .collect();
        let kept = matching(state, columns, &rows, filters)?;
        let kept = files.into_iter().zip(kept);
        Ok(kept
            .filter_map(|(file, is_kept)| is_kept.then_some(file))
            .collect())
    }

    /// Files of these formats that have no bytes were cut short.
    async fn refuse_empty(
        &self,
        store: &Arc<dyn ObjectStore>,
        url: &ListingTableUrl,
        file: &ObjectMeta,
        kind: Option<FileKind>,
    ) -> Result<()> {
        if file.size > 0 || kind.is_none() {
            return Ok(());
        }
        let is_named = !url.is_collection() && url.get_glob().is_none();
        refuse_empty_file(store, file, kind.filter(|_| is_named)).await
    }

    async fn with_statistics(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        files: Vec<PartitionedFile>,
        limit: Option<usize>,
    ) -> Result<(Vec<PartitionedFile>, bool)> {
        let count = files.len();
        let collects = state.config().collect_statistics();
        if let Some(format) = self.options().format.downcast_ref::<VectorFormat>()
            && collects
            && limit.is_none()
        {
            let map = format
                .table_options()
                .read_options(state.config_options())?;
            let listed: Vec<_> = files.iter().map(|file| file.object_meta.clone()).collect();
            format.open_all(store, &listed, map.memory_map).await?;
        }
        let mut known = stream::iter(files)
            .map(|file| self.described(state, store, file, collects))
            .boxed()
            .buffered(
                state
                    .config_options()
                    .execution
                    .meta_fetch_concurrency
                    .get(),
            );
        let mut taken = Vec::with_capacity(count);
        let mut rows = 0_usize;
        let mut is_counted = collects;
        while let Some(file) = known.try_next().await? {
            match file
                .statistics
                .as_ref()
                .map(|statistics| statistics.num_rows)
            {
                Some(Precision::Exact(more)) => rows = rows.saturating_add(more),
                _ => is_counted = false,
            }
            taken.push(file);
            if is_counted && limit.is_some_and(|limit| rows > limit) {
                break;
            }
        }
        let is_cut = taken.len() < count;
        Ok((taken, is_cut))
    }

    async fn described(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        file: PartitionedFile,
        collects: bool,
    ) -> Result<PartitionedFile> {
        if !collects {
            let unknown = Statistics::new_unknown(&self.file_schema());
            return Ok(file.with_statistics(Arc::new(unknown)));
        }
        let meta = &file.object_meta;
        let cache = state.runtime_env().cache_manager.get_file_statistic_cache();
        let key = TableScopedPath {
            table: file.table_reference.clone(),
            path: meta.location.clone(),
        };
        let known = cache
            .as_ref()
            .and_then(|cache| cache.get(&key))
            .filter(|known| known.is_valid_for(meta, &self.fingerprint));
        let (statistics, ordering) = match known {
            Some(known) => (known.statistics, known.ordering),
            None => {
                let found = self
                    .options()
                    .format
                    .infer_stats_and_ordering(state, store, self.file_schema(), meta)
                    .await?;
                let known = if self.is_parquet() {
                    known_statistics(state, store, meta, &self.file_schema()).await?
                } else {
                    None
                };
                let statistics = Arc::new(known.unwrap_or(found.statistics));
                if let Some(cache) = &cache {
                    let known = CachedFileMetadata::new(
                        meta.clone(),
                        Arc::clone(&self.fingerprint),
                        Arc::clone(&statistics),
                        found.ordering.clone(),
                    );
                    cache.put(&key, known);
                }
                (statistics, found.ordering)
            }
        };
        let file = file.with_statistics(statistics).with_ordering(ordering);
        Ok(self.with_null_counts(file))
    }

    /// DataFusion takes it that no partition is NULL.
    fn with_null_counts(&self, mut file: PartitionedFile) -> PartitionedFile {
        if !file.partition_values.iter().any(|value| value.is_null()) {
            return file;
        }
        let stored = self.stored_count();
        if let Some(statistics) = &mut file.statistics {
            let statistics = Arc::make_mut(statistics);
            let rows = statistics.num_rows;
            let columns = statistics.column_statistics.iter_mut().skip(stored);
            for (column, value) in columns.zip(&file.partition_values) {
                if value.is_null() {
                    column.null_count = rows;
                    column.min_value = Precision::Absent;
                    column.max_value = Precision::Absent;
                    column.distinct_count = Precision::Absent;
                }
            }
        }
        file
    }

    fn grouped(
        &self,
        state: &dyn Session,
        files: Vec<PartitionedFile>,
        partitions: usize,
    ) -> (Vec<FileGroup>, bool) {
        let files = FileGroup::new(files);
        let threshold = state.config_options().optimizer.preserve_file_partitions;
        if threshold == 0 || self.options().table_partition_cols.is_empty() {
            return (files.split_files(partitions), false);
        }
        let grouped = files.group_by_partition_values(partitions);
        if grouped.len() >= threshold {
            return (grouped, true);
        }
        let files = grouped.into_iter().flat_map(FileGroup::into_inner);
        (files.collect::<FileGroup>().split_files(partitions), false)
    }

    /// The plan of an `INSERT`: new files below the first location.
    ///
    /// # Errors
    /// The location is no directory; what the format says of the columns.
    pub async fn insert_into(
        &self,
        state: &dyn Session,
        input: Arc<dyn ExecutionPlan>,
        op: InsertOp,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.schema
            .logically_equivalent_names_and_types(&input.schema())?;
        let Some(url) = self.urls().first() else {
            return plan_err!("the table has no location");
        };
        if !url.is_collection() || url.get_glob().is_some() {
            return plan_err!(
                "Inserting into a ListingTable backed by a single file is not supported, URL is possibly missing a trailing `/`. \
                 To append to an existing file use StreamTable, e.g. by using CREATE UNBOUNDED EXTERNAL TABLE"
            );
        }
        let columns = &self.options().table_partition_cols;
        let (input, output_schema) = if self.has_texts() {
            let stored = Schema::new(as_texts(self.schema.fields()));
            (write_texts(state, input, &self.schema)?, Arc::new(stored))
        } else {
            (input, Arc::clone(&self.schema))
        };
        let config = FileSinkConfig {
            original_url: String::default(),
            object_store_url: url.object_store(),
            table_paths: self.urls().to_vec(),
            file_group: FileGroup::default(),
            output_schema,
            table_partition_cols: columns.clone(),
            insert_op: op,
            keep_partition_by_columns: state.config_options().execution.keep_partition_by_columns,
            file_extension: self.options().format.get_ext(),
            file_output_mode: FileOutputMode::Automatic,
        };
        let input = named_partitions(input, columns)?;
        let orderings = self
            .table
            .try_create_output_ordering(state.execution_props(), &[])?;
        let order = orderings.into_iter().next().map(Into::into);
        let format = &self.options().format;
        format
            .create_writer_physical_plan(input, state, config, order)
            .await
    }
}

/// A file with its partition values, if it lies where the partitions are.
fn partitioned(
    url: &ListingTableUrl,
    file: ObjectMeta,
    columns: &[(String, arrow::datatypes::DataType)],
) -> Result<Option<PartitionedFile>> {
    let Some(values) = partition_values(url, &file.location, columns)? else {
        log::warn!(
            "{} lies outside the table's partitions and is not read",
            file.location
        );
        return Ok(None);
    };
    let mut file = PartitionedFile::from(file);
    file.partition_values = values;
    file.table_reference.clone_from(url.get_table_ref());
    Ok(Some(file))
}
