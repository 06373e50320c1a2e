//! Other names of formats that DataFusion reads.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion_common::file_options::file_type::GetExt;
use datafusion_common::{Result, Statistics};
use datafusion_datasource::TableSchema;
use datafusion_datasource::file::FileSource;
use datafusion_datasource::file_compression_type::FileCompressionType;
use datafusion_datasource::file_format::{FileFormat, FileFormatFactory, FileMeta};
use datafusion_datasource::file_scan_config::FileScanConfig;
use datafusion_datasource::file_sink_config::FileSinkConfig;
use datafusion_physical_expr_common::sort_expr::{LexOrdering, LexRequirement};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_session::Session;
use object_store::{ObjectMeta, ObjectStore};

/// A format under another extension, with options of its own where the user gives none.
#[derive(Debug)]
pub struct NamedFormatFactory {
    extension: &'static str,
    options: &'static [(&'static str, &'static str)],
    inner: Arc<dyn FileFormatFactory>,
}

impl NamedFormatFactory {
    /// The format `inner` for files that end in `extension`.
    pub fn new(
        extension: &'static str,
        options: &'static [(&'static str, &'static str)],
        inner: Arc<dyn FileFormatFactory>,
    ) -> Self {
        Self {
            extension,
            options,
            inner,
        }
    }
}

impl GetExt for NamedFormatFactory {
    fn get_ext(&self) -> String {
        self.extension.to_string()
    }
}

impl FileFormatFactory for NamedFormatFactory {
    fn create(
        &self,
        state: &dyn Session,
        options: &HashMap<String, String>,
    ) -> Result<Arc<dyn FileFormat>> {
        let mut options = options.clone();
        for (name, value) in self.options {
            let given = options.entry((*name).to_string());
            given.or_insert_with(|| (*value).to_string());
        }
        Ok(Arc::new(NamedFormat {
            extension: self.extension,
            inner: self.inner.create(state, &options)?,
        }))
    }

    fn default(&self) -> Arc<dyn FileFormat> {
        Arc::new(NamedFormat {
            extension: self.extension,
            inner: self.inner.default(),
        })
    }
}

/// A format whose files end otherwise.
#[derive(Debug)]
struct NamedFormat {
    extension: &'static str,
    inner: Arc<dyn FileFormat>,
}

impl fmt::Display for NamedFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl FileFormat for NamedFormat {
    fn get_ext(&self) -> String {
        self.extension.to_string()
    }

    fn get_ext_with_compression(&self, compression: &FileCompressionType) -> Result<String> {
        let extension = self.inner.get_ext_with_compression(compression)?;
        Ok(match extension.split_once('.') {
            Some((_, compressed)) => format!("{}.{compressed}", self.extension),
            None => self.get_ext(),
        })
    }

    fn compression_type(&self) -> Option<FileCompressionType> {
        self.inner.compression_type()
    }

    async fn infer_schema(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        objects: &[ObjectMeta],
    ) -> Result<SchemaRef> {
        self.inner.infer_schema(state, store, objects).await
    }

    async fn infer_stats(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        table_schema: SchemaRef,
        object: &ObjectMeta,
    ) -> Result<Statistics> {
        self.inner
            .infer_stats(state, store, table_schema, object)
            .await
    }

    async fn infer_ordering(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        table_schema: SchemaRef,
        object: &ObjectMeta,
    ) -> Result<Option<LexOrdering>> {
        self.inner
            .infer_ordering(state, store, table_schema, object)
            .await
    }

    async fn infer_stats_and_ordering(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        table_schema: SchemaRef,
        object: &ObjectMeta,
    ) -> Result<FileMeta> {
        self.inner
            .infer_stats_and_ordering(state, store, table_schema, object)
            .await
    }

    async fn create_physical_plan(
        &self,
        state: &dyn Session,
        config: FileScanConfig,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.inner.create_physical_plan(state, config).await
    }

    async fn create_writer_physical_plan(
        &self,
        input: Arc<dyn ExecutionPlan>,
        state: &dyn Session,
        config: FileSinkConfig,
        order_requirements: Option<LexRequirement>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.inner
            .create_writer_physical_plan(input, state, config, order_requirements)
            .await
    }

    fn file_source(&self, table_schema: TableSchema) -> Arc<dyn FileSource> {
        self.inner.file_source(table_schema)
    }
}
