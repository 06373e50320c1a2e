//! Files of DataFusion's own formats as a table: Parquet, CSV, JSON, Arrow and Avro.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion_catalog_listing::ListingTable;
use datafusion_common::{Constraints, Result, project_schema};
use datafusion_datasource::file_scan_config::{
    FileScanConfigBuilder, output_partitioning_from_partition_fields,
};
use datafusion_expr::dml::InsertOp;
use datafusion_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::empty::EmptyExec;
use datafusion_session::{ScanArgs, ScanResult, Session, TableProvider};

use super::table_files::TableFiles;
use super::texts::read_vectors;
use crate::parquet::with_careful_readers;
use crate::scan::VectorTable;

/// The table over files that DataFusion lists by itself: [`VectorTable`] for vector files, [`FileTable`] for others.
///
/// `is_declared` says that its columns were written down, so that it may be without files.
pub fn file_table(table: ListingTable, is_declared: bool) -> Arc<dyn TableProvider> {
    match VectorTable::over(table.clone(), is_declared) {
        Some(vectors) => Arc::new(vectors),
        None => Arc::new(FileTable {
            files: TableFiles::new(table, is_declared),
        }),
    }
}

/// One or many files of a format that DataFusion reads.
#[derive(Debug)]
pub struct FileTable {
    files: TableFiles,
}

impl FileTable {
    async fn plan_scan(
        &self,
        state: &dyn Session,
        projection: Option<Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (partition_filters, others): (Vec<Expr>, Vec<Expr>) = filters
            .iter()
            .cloned()
            .partition(|filter| self.files.is_partition_filter(filter));
        let file_limit = limit.filter(|_| others.is_empty());
        let scanned = self
            .files
            .for_scan(state, &partition_filters, file_limit)
            .await?;
        let first = self.files.urls().first();
        let Some(url) = first.filter(|_| !scanned.groups.is_empty()) else {
            let schema = project_schema(self.files.schema(), projection.as_ref())?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        };
        let partitioning = scanned.grouped_by_partition.then(|| {
            output_partitioning_from_partition_fields(
                self.files.schema(),
                &self.files.partition_fields().into(),
                scanned.groups.len(),
            )
        });
        let ordering = self
            .files
            .table()
            .try_create_output_ordering(state.execution_props(), &scanned.groups)?;
        let format = &self.files.options().format;
        let source = format.file_source(self.files.stored_schema());
        let config = FileScanConfigBuilder::new(url.object_store(), source)
            .with_file_groups(scanned.groups)
            .with_constraints(self.constraints().cloned().unwrap_or_default())
            .with_statistics(scanned.statistics)
            .with_projection_indices(projection)?
            .with_limit(limit)
            .with_output_ordering(ordering)
            .with_output_partitioning(partitioning.flatten())
            .build();
        let plan = format.create_physical_plan(state, config).await?;
        if self.files.has_texts() {
            return read_vectors(state, plan, self.files.schema());
        }
        Ok(with_careful_readers(plan))
    }
}

#[async_trait]
impl TableProvider for FileTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.files.schema())
    }

    fn constraints(&self) -> Option<&Constraints> {
        self.files.table().constraints()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn get_table_definition(&self) -> Option<&str> {
        self.files.table().get_table_definition()
    }

    fn get_column_default(&self, column: &str) -> Option<&Expr> {
        self.files.table().get_column_default(column)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.plan_scan(state, projection.cloned(), filters, limit)
            .await
    }

    async fn scan_with_args<'a>(
        &self,
        state: &dyn Session,
        args: ScanArgs<'a>,
    ) -> Result<ScanResult> {
        let plan = self
            .plan_scan(
                state,
                args.projection().map(<[usize]>::to_vec),
                args.filters().unwrap_or(&[]),
                args.limit(),
            )
            .await?;
        Ok(ScanResult::new(plan))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match self.files.is_partition_filter(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn insert_into(
        &self,
        state: &dyn Session,
        input: Arc<dyn ExecutionPlan>,
        op: InsertOp,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.files.insert_into(state, input, op).await
    }
}
