//! Vector files as DataFusion's file formats.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion_common::file_options::file_type::GetExt;
use datafusion_common::stats::Precision;
use datafusion_common::{
    ColumnStatistics, Result, ScalarValue, Statistics, config_err, not_impl_err,
};
use datafusion_datasource::TableSchema;
use datafusion_datasource::file::FileSource;
use datafusion_datasource::file_compression_type::FileCompressionType;
use datafusion_datasource::file_format::{FileFormat, FileFormatFactory};
use datafusion_datasource::file_scan_config::{FileScanConfig, FileScanConfigBuilder};
use datafusion_datasource::file_sink_config::FileSinkConfig;
use datafusion_datasource::source::DataSourceExec;
use datafusion_physical_expr_common::sort_expr::LexRequirement;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_session::Session;
use object_store::{ObjectMeta, ObjectStore};

use crate::cvc::{CvcSink, WriteOptions};
use crate::options::TableOptions;
use crate::scan::file::{ROW_COLUMN, schema_of};
use crate::scan::kind::FileKind;
use crate::scan::memory_map::MemoryMap;
use crate::scan::opened::{FileCache, OpenedFile};
use crate::scan::source::VectorSource;
use crate::warnings::Warnings;

/// Makes [`VectorFormat`]s of one kind that share a cache of opened files.
#[derive(Debug)]
pub struct VectorFormatFactory {
    kind: FileKind,
    cache: Arc<FileCache>,
}

impl VectorFormatFactory {
    /// A factory.
    pub fn new(kind: FileKind, cache: Arc<FileCache>) -> Self {
        Self { kind, cache }
    }
}

impl GetExt for VectorFormatFactory {
    fn get_ext(&self) -> String {
        self.kind.extension().to_string()
    }
}

impl FileFormatFactory for VectorFormatFactory {
    fn create(
        &self,
        _state: &dyn Session,
        options: &HashMap<String, String>,
    ) -> Result<Arc<dyn FileFormat>> {
        let mut format = VectorFormat::new(self.kind, Arc::clone(&self.cache));
        let mut sorted: Vec<_> = options.iter().collect();
        sorted.sort();
        for (key, value) in sorted {
            let name = key
                .strip_prefix("format.")
                .unwrap_or(key)
                .to_ascii_lowercase();
            let taken = format.table.set(&name, value)?
                || (self.kind == FileKind::Cvc && format.write.set(&name, value)?);
            // Options with another prefix are for others: `aws.region`.
            if !taken && !name.contains('.') {
                return config_err!(
                    "unknown option '{name}' for {}; there are verify, on_corruption, fill_value{}",
                    self.kind.extension().to_ascii_uppercase(),
                    if self.kind == FileKind::Cvc {
                        WriteOptions::NAMES
                    } else {
                        ""
                    }
                );
            }
        }
        Ok(Arc::new(format))
    }

    fn default(&self) -> Arc<dyn FileFormat> {
        Arc::new(VectorFormat::new(self.kind, Arc::clone(&self.cache)))
    }
}

/// One kind of vector file with the options of one table or `COPY`.
#[derive(Debug, Clone)]
pub struct VectorFormat {
    kind: FileKind,
    cache: Arc<FileCache>,
    table: TableOptions,
    write: WriteOptions,
}

impl VectorFormat {
    /// The format with default options.
    pub fn new(kind: FileKind, cache: Arc<FileCache>) -> Self {
        Self {
            kind,
            cache,
            table: TableOptions::default(),
            write: WriteOptions::default(),
        }
    }

    /// Which format.
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// The table's reading options.
    pub fn table_options(&self) -> &TableOptions {
        &self.table
    }

    /// A scan of everything with this session's settings.
    pub fn source(&self, state: &dyn Session, table_schema: TableSchema) -> Result<VectorSource> {
        let read = self.table.read_options(state.config_options())?;
        Ok(
            VectorSource::new(self.kind, Arc::clone(&self.cache), table_schema)
                .with_read_options(read)
                .with_warnings(state.config().get_extension::<Warnings>()),
        )
    }

    /// Opens files side by side, for what is asked of them next.
    ///
    /// # Errors
    /// What the format says of one of them.
    pub async fn open_all(
        &self,
        store: &Arc<dyn ObjectStore>,
        objects: &[ObjectMeta],
        map: MemoryMap,
    ) -> Result<Vec<Arc<OpenedFile>>> {
        self.cache.open_all(store, objects, self.kind, map).await
    }

    async fn open(
        &self,
        store: &Arc<dyn ObjectStore>,
        object: &ObjectMeta,
        map: MemoryMap,
    ) -> Result<Arc<OpenedFile>> {
        let (file, _) = self.cache.open(store, object, self.kind, map).await?;
        Ok(file)
    }
}

#[async_trait]
impl FileFormat for VectorFormat {
    fn get_ext(&self) -> String {
        self.kind.extension().to_string()
    }

    fn get_ext_with_compression(&self, compression: &FileCompressionType) -> Result<String> {
        if compression.is_compressed() {
            return config_err!(
                "{} files are not read through gzip and the like",
                self.kind.extension().to_ascii_uppercase()
            );
        }
        Ok(self.get_ext())
    }

    fn compression_type(&self) -> Option<FileCompressionType> {
        None
    }

    async fn infer_schema(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        objects: &[ObjectMeta],
    ) -> Result<SchemaRef> {
        let map = self.table.read_options(state.config_options())?.memory_map;
        let files = self.open_all(store, objects, map).await?;
        let mut first: Option<(SchemaRef, String)> = None;
        for file in files {
            let schema = schema_of(file.layout.columns());
            match &first {
                None => first = Some((schema, file.name.clone())),
                Some((expected, name)) => same_columns(expected, name, &schema, &file.name)?,
            }
        }
        Ok(first.map_or_else(|| Arc::new(Schema::empty()), |(schema, _)| schema))
    }

    async fn infer_stats(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        table_schema: SchemaRef,
        object: &ObjectMeta,
    ) -> Result<Statistics> {
        let map = self.table.read_options(state.config_options())?.memory_map;
        let file = self.open(store, object, map).await?;
        Ok(statistics(&file, &table_schema, object.size))
    }

    async fn create_physical_plan(
        &self,
        state: &dyn Session,
        conf: FileScanConfig,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // Reached through a bare `ListingTable`: the source knows nothing of the session yet.
        let mut source: Arc<dyn FileSource> =
            Arc::new(self.source(state, conf.file_source().table_schema().clone())?);
        if let Some(projection) = conf.file_source().projection()
            && let Some(projected) = source.try_pushdown_projection(projection)?
        {
            source = projected;
        }
        Ok(DataSourceExec::from_data_source(
            FileScanConfigBuilder::from(conf)
                .with_source(source)
                .build(),
        ))
    }

    async fn create_writer_physical_plan(
        &self,
        input: Arc<dyn ExecutionPlan>,
        _state: &dyn Session,
        conf: FileSinkConfig,
        order_requirements: Option<LexRequirement>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.kind != FileKind::Cvc {
            return not_impl_err!(
                "writing {} from SQL; write .cvc, or use the command `ogive convert`",
                self.kind
            );
        }
        CvcSink::plan(input, conf, self.write.clone(), order_requirements)
    }

    fn file_source(&self, table_schema: TableSchema) -> Arc<dyn FileSource> {
        Arc::new(VectorSource::new(
            self.kind,
            Arc::clone(&self.cache),
            table_schema,
        ))
    }
}

fn same_columns(
    expected: &SchemaRef,
    expected_name: &str,
    found: &SchemaRef,
    found_name: &str,
) -> Result<()> {
    if expected.fields() == found.fields() {
        return Ok(());
    }
    datafusion_common::plan_err!(
        "the files of one table must have the same columns: {expected_name} has {}, {found_name} has {}",
        describe(expected),
        describe(found)
    )
}

fn describe(schema: &Schema) -> String {
    schema
        .fields()
        .iter()
        .filter(|field| field.name() != ROW_COLUMN)
        .map(|field| format!("{} {}", field.name(), field.data_type()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Rows exactly; bounds of `_row` exactly, those of scalar columns as far as headers give them.
fn statistics(file: &OpenedFile, table_schema: &SchemaRef, file_bytes: u64) -> Statistics {
    let layout = file.layout.as_ref();
    let rows = layout.rows();
    let columns = table_schema
        .fields()
        .iter()
        .map(|field| {
            let mut column = ColumnStatistics::new_unknown();
            column.null_count = Precision::Exact(0);
            if field.name() == ROW_COLUMN && rows > 0 {
                let value =
                    |row: u64| Precision::Exact(ScalarValue::Int64(Some(row.cast_signed())));
                column.min_value = value(0);
                column.max_value = value(rows - 1);
            } else if let Some((low, high)) = file_bounds(layout, field.name()) {
                let value = |v: f32| {
                    let value = ScalarValue::Float32(Some(v)).cast_to(field.data_type());
                    value.map_or(Precision::Absent, Precision::Inexact)
                };
                column.min_value = value(low);
                column.max_value = value(high);
            }
            column
        })
        .collect();
    Statistics {
        num_rows: usize::try_from(rows).map_or(Precision::Absent, Precision::Exact),
        total_byte_size: usize::try_from(file_bytes).map_or(Precision::Absent, Precision::Inexact),
        column_statistics: columns,
    }
}

fn file_bounds(layout: &dyn crate::scan::file::ArrayFile, name: &str) -> Option<(f32, f32)> {
    let index = layout
        .columns()
        .iter()
        .position(|column| column.name == name)?;
    (0..layout.chunk_count())
        .map(|chunk| layout.bounds(chunk, index))
        .reduce(|all, chunk| {
            let ((low, high), (l, h)) = (all?, chunk?);
            Some((low.min(l), high.max(h)))
        })
        .flatten()
}

impl fmt::Display for VectorFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}
