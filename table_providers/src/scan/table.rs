//! The table that SQL sees.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion_catalog_listing::ListingTable;
use datafusion_common::{Constraints, DFSchema, Result, ScalarValue, project_schema};
use datafusion_datasource::file_groups::FileGroup;
use datafusion_datasource::file_scan_config::FileScanConfigBuilder;
use datafusion_datasource::source::DataSourceExec;
use datafusion_execution::memory_pool::MemoryLimit;
use datafusion_expr::dml::InsertOp;
use datafusion_expr::utils::conjunction;
use datafusion_expr::{Expr, TableProviderFilterPushDown, TableType, lit};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::empty::EmptyExec;
use datafusion_session::{ScanArgs, ScanResult, Session, TableProvider};

use crate::listing::TableFiles;
use crate::options::OnCorruption;
use crate::scan::access::IndexChooser;
use crate::scan::file::ROW_COLUMN;
use crate::scan::format::VectorFormat;
use crate::scan::request_filters::{is_knn_filter, is_plain, knn_request, range_request};

/// One or many vector files as a table.
///
/// Its files are listed by `TableFiles`; what is added is that filters are applied by the scan, and that `ORDER BY <distance> LIMIT k` is
/// answered inside it: the optimizer's request comes as a filter `knn(..)`.
#[derive(Debug)]
pub struct VectorTable {
    files: TableFiles,
    format: VectorFormat,
    row_default: Expr,
}

impl VectorTable {
    /// Takes over a listing of vector files; `None` for others.
    pub fn over(listing: ListingTable, is_declared: bool) -> Option<Self> {
        let format = listing.options().format.downcast_ref::<VectorFormat>()?;
        Some(Self {
            format: format.clone(),
            files: TableFiles::new(listing, is_declared),
            row_default: lit(ScalarValue::Int64(Some(0))),
        })
    }

    pub(super) fn files(&self) -> &TableFiles {
        &self.files
    }

    pub(super) fn format(&self) -> &VectorFormat {
        &self.format
    }

    fn partition_columns(&self) -> Vec<&str> {
        self.files
            .options()
            .table_partition_cols
            .iter()
            .map(|(name, _)| name.as_str())
            .collect()
    }

    fn is_partition_filter(&self, filter: &Expr) -> bool {
        self.files.is_partition_filter(filter)
    }

    async fn plan_scan(
        &self,
        state: &dyn Session,
        projection: Option<Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let request = knn_request(state, self.files.schema(), filters)?;
        let (partition_filters, row_filters): (Vec<Expr>, Vec<Expr>) = filters
            .iter()
            .filter(|filter| !is_knn_filter(filter))
            .cloned()
            .partition(|filter| self.is_partition_filter(filter));
        let file_limit = if row_filters.is_empty() { limit } else { None };
        let scanned = self
            .files
            .for_scan(state, &partition_filters, file_limit)
            .await?;
        let first = self.files.urls().first();
        let Some(url) = first.filter(|_| !scanned.groups.is_empty()) else {
            let schema = project_schema(self.files.schema(), projection.as_ref())?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        };
        let mut read = self
            .format
            .table_options()
            .read_options(state.config_options())?;
        read.release_behind = is_large(state, &scanned.groups);
        let mut source = self
            .format
            .source(state, self.files.table_schema())?
            .with_read_options(read);
        if let Some(range) = range_request(state, self.files.schema(), &row_filters)? {
            source = source.with_range(range);
        }
        if let Some(filter) = conjunction(row_filters) {
            let schema = DFSchema::try_from(self.schema())?;
            source = source.with_predicate(state.create_physical_expr(filter, &schema)?)?;
        }
        // Fewer rows than the files hold may come out: nothing is exact any more.
        let mut statistics = scanned.statistics;
        if request.is_some() || read.on_corruption == OnCorruption::Skip {
            statistics = statistics.to_inexact();
        }
        if let Some(request) = request {
            source = source.with_top_k(request);
        }
        let store = state.runtime_env().object_store(url)?;
        if let Some(chooser) = IndexChooser::new(state, &store, read) {
            source = source.with_chooser(chooser).with_indexes(&scanned.groups);
        }
        let config = FileScanConfigBuilder::new(url.object_store(), Arc::new(source))
            .with_file_groups(scanned.groups)
            .with_constraints(self.constraints().cloned().unwrap_or_default())
            .with_statistics(statistics)
            .with_projection_indices(projection)?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// Whether files are large beside the session's memory limit, if it has one.
fn is_large(state: &dyn Session, groups: &[FileGroup]) -> bool {
    let MemoryLimit::Finite(limit) = state.runtime_env().memory_pool.memory_limit() else {
        return false;
    };
    let bytes: u64 = groups
        .iter()
        .flat_map(|group| group.iter())
        .map(|file| file.object_meta.size)
        .sum();
    bytes > limit as u64 / 4
}

#[async_trait]
impl TableProvider for VectorTable {
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

    /// `_row` may be left out of an `INSERT`: the writer leaves it out in any case.
    fn get_column_default(&self, column: &str) -> Option<&Expr> {
        if column == ROW_COLUMN {
            return Some(&self.row_default);
        }
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
        let partitions = self.partition_columns();
        Ok(filters
            .iter()
            .map(|filter| {
                let columns = filter.column_refs();
                let in_files = columns
                    .iter()
                    .all(|column| !partitions.contains(&column.name.as_str()));
                let exact = is_plain(filter)
                    && !columns.is_empty()
                    && (in_files || self.is_partition_filter(filter));
                if exact {
                    TableProviderFilterPushDown::Exact
                } else {
                    TableProviderFilterPushDown::Unsupported
                }
            })
            .collect())
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
