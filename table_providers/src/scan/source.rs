//! The scan as DataFusion's plan carries it.

use std::fmt;
use std::sync::Arc;

use datafusion_common::Result;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_datasource::TableSchema;
use datafusion_datasource::file::FileSource;
use datafusion_datasource::file_groups::{FileGroup, FileGroupPartitioner};
use datafusion_datasource::file_scan_config::FileScanConfig;
use datafusion_datasource::file_stream::FileOpener;
use datafusion_datasource::projection::{ProjectionOpener, SplitProjection};
use datafusion_physical_expr::projection::ProjectionExprs;
use datafusion_physical_expr::{LexOrdering, PhysicalExpr};
use datafusion_physical_plan::DisplayFormatType;
use datafusion_physical_plan::metrics::ExecutionPlanMetricsSet;
use object_store::ObjectStore;

use crate::options::ReadOptions;
use crate::scan::access::{Access, ChosenIndexes, IndexChooser, Wanted};
use crate::scan::certified::IndexMetrics;
use crate::scan::kind::FileKind;
use crate::scan::metrics::ScanMetrics;
use crate::scan::opened::FileCache;
use crate::scan::opener::VectorOpener;
use crate::scan::predicate::ScanPredicate;
use crate::scan::request::{RangeRequest, TopKRequest};
use crate::warnings::Warnings;

/// A scan of vector files: format, projection, filter, top-k.
#[derive(Clone)]
pub struct VectorSource {
    kind: FileKind,
    cache: Arc<FileCache>,
    read: ReadOptions,
    table_schema: TableSchema,
    projection: SplitProjection,
    predicate: Option<Arc<ScanPredicate>>,
    top_k: Option<TopKRequest>,
    range: Option<RangeRequest>,
    chooser: Option<IndexChooser>,
    indexes: Option<ChosenIndexes>,
    batch_rows: usize,
    warnings: Option<Arc<Warnings>>,
    metrics: ExecutionPlanMetricsSet,
}

impl VectorSource {
    /// A scan of everything.
    pub fn new(kind: FileKind, cache: Arc<FileCache>, table_schema: TableSchema) -> Self {
        Self {
            kind,
            cache,
            read: ReadOptions::default(),
            projection: SplitProjection::unprojected(&table_schema),
            table_schema,
            predicate: None,
            top_k: None,
            range: None,
            chooser: None,
            indexes: None,
            batch_rows: 8192,
            warnings: None,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// Sets how files are read.
    pub fn with_read_options(mut self, read: ReadOptions) -> Self {
        self.read = read;
        self
    }

    /// Sets where damage that does not fail the query is told.
    pub fn with_warnings(mut self, warnings: Option<Arc<Warnings>>) -> Self {
        self.warnings = warnings;
        self
    }

    /// Returns only rows that pass `expr`, which is over the file schema.
    pub fn with_predicate(mut self, expr: Arc<dyn PhysicalExpr>) -> Result<Self> {
        self.predicate = Some(Arc::new(ScanPredicate::new(
            expr,
            self.table_schema.file_schema(),
        )?));
        Ok(self)
    }

    /// Returns only rows that can be among the first of `request`.
    pub fn with_top_k(mut self, request: TopKRequest) -> Self {
        self.top_k = Some(request);
        self
    }

    /// Looks for rows that pass the predicate by a range of distances that it asks for.
    pub fn with_range(mut self, range: RangeRequest) -> Self {
        self.range = Some(range);
        self
    }

    /// Sets what chooses the indexes of searches.
    pub(super) fn with_chooser(mut self, chooser: IndexChooser) -> Self {
        self.chooser = Some(chooser);
        self
    }

    /// Whether searches go through indexes where there are any.
    pub fn uses_indexes(&self) -> bool {
        self.chooser.is_some()
    }

    /// Searches through indexes, where these files have them.
    pub fn with_indexes(mut self, groups: &[FileGroup]) -> Self {
        let (request, k) = match (&mut self.top_k, &mut self.range) {
            (Some(request), _) => {
                let k = request.k;
                (request, Some(k))
            }
            (None, Some(range)) => (&mut range.request, None),
            (None, None) => return self,
        };
        let schema = self.table_schema.file_schema();
        let reads = self.predicate.as_ref().map(|predicate| predicate.columns());
        let is_list = |column: &usize| schema.field(*column).data_type().is_nested();
        let wanted = Wanted {
            column: &request.column_name,
            metric: request.metric,
            k,
            descending: request.order.descending,
            // A range is a filter by vectors that the index answers.
            filters_vectors: k.is_some() && reads.is_some_and(|reads| reads.iter().any(is_list)),
        };
        let chosen = self.chooser.as_ref();
        let chosen = chosen.and_then(|chooser| chooser.choose(groups, wanted));
        request.access = match &chosen {
            Some(chosen) => chosen.access().clone(),
            None => Access::Exact,
        };
        self.indexes = chosen;
        self
    }

    /// The range of distances, if there is one.
    pub fn range(&self) -> Option<&RangeRequest> {
        self.range.as_ref()
    }

    /// The request, if there is one.
    pub fn top_k(&self) -> Option<&TopKRequest> {
        self.top_k.as_ref()
    }
}

impl FileSource for VectorSource {
    fn create_file_opener(
        &self,
        object_store: Arc<dyn ObjectStore>,
        _base_config: &FileScanConfig,
        partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        let opener = VectorOpener {
            cache: Arc::clone(&self.cache),
            store: object_store,
            kind: self.kind,
            read: self.read,
            file_schema: Arc::clone(self.table_schema.file_schema()),
            projection: self.projection.file_indices.clone(),
            predicate: self.predicate.clone(),
            range: self.range.clone(),
            search: self.top_k.as_ref().map(|request| request.open(partition)),
            indexes: self.indexes.clone(),
            index_metrics: self
                .indexes
                .as_ref()
                .map(|_| IndexMetrics::new(&self.metrics, partition)),
            batch_rows: self.batch_rows,
            metrics: ScanMetrics::new(&self.metrics, partition),
            warnings: self.warnings.clone(),
        };
        ProjectionOpener::try_new(
            self.projection.clone(),
            Arc::new(opener),
            self.table_schema.file_schema(),
        )
    }

    fn table_schema(&self) -> &TableSchema {
        &self.table_schema
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        Arc::new(Self {
            batch_rows: batch_size,
            ..self.clone()
        })
    }

    fn filter(&self) -> Option<Arc<dyn PhysicalExpr>> {
        self.predicate
            .as_ref()
            .map(|predicate| Arc::clone(predicate.expr()))
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        Some(&self.projection.source)
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &str {
        self.kind.extension()
    }

    fn fmt_extra(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if matches!(t, DisplayFormatType::TreeRender) {
            "\n"
        } else {
            ", "
        };
        if let Some(predicate) = &self.predicate {
            write!(f, "{separator}predicate={}", predicate.expr())?;
        }
        if let Some(request) = &self.top_k {
            write!(f, "{separator}topk={request}")?;
        } else if let Some(range) = &self.range {
            write!(f, "{separator}range={range}")?;
        }
        Ok(())
    }

    /// Cuts files whatever their size: where rows are few, chunks or even parts of one are still
    /// worth a core each, and a scan with as many partitions as the plan wants needs no exchange
    /// above it.
    fn repartitioned(
        &self,
        target_partitions: usize,
        _repartition_file_min_size: usize,
        output_ordering: Option<LexOrdering>,
        config: &FileScanConfig,
    ) -> Result<Option<FileScanConfig>> {
        // One partition searches the codes of a file.
        if self.indexes.as_ref().is_some_and(ChosenIndexes::covers_all) {
            return Ok(None);
        }
        let least = match self.top_k {
            Some(_) => self.read.split_min_bytes,
            None => 0,
        };
        let groups = FileGroupPartitioner::new()
            .with_target_partitions(target_partitions)
            .with_repartition_file_min_size(least)
            .with_preserve_order_within_groups(output_ordering.is_some())
            .repartition_file_groups(&config.file_groups);
        Ok(groups.map(|file_groups| {
            let mut config = config.clone();
            config.file_groups = file_groups;
            config
        }))
    }

    fn try_pushdown_projection(
        &self,
        projection: &ProjectionExprs,
    ) -> Result<Option<Arc<dyn FileSource>>> {
        let mut source = self.clone();
        source.projection = SplitProjection::new(
            self.table_schema.file_schema(),
            &self.projection.source.try_merge(projection)?,
        );
        Ok(Some(Arc::new(source)))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let mut expressions: Vec<Arc<dyn PhysicalExpr>> = self
            .projection
            .source
            .iter()
            .map(|p| Arc::clone(&p.expr))
            .collect();
        expressions.extend(self.filter());
        expressions.extend(
            self.top_k
                .as_ref()
                .map(|request| Arc::clone(&request.query)),
        );
        expressions.extend(
            self.range
                .as_ref()
                .map(|range| Arc::clone(&range.request.query)),
        );
        for expression in &expressions {
            if f(expression)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }
}
