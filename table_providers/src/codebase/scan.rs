//! The scan of a checkout's table in a plan.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_common::{Result, internal_err};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion_physical_plan::execution_plan::{
    Boundedness, EmissionType, ReplaceChildrenOptions, SchedulingType,
};
use datafusion_physical_plan::metrics::{
    BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion_physical_plan::stream::{
    RecordBatchReceiverStreamBuilder, RecordBatchStreamAdapter,
};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::{StreamExt, stream};
use ogive_codebase::{Checkout, Graph, Lookup, Scanned};

use super::error::codebase_error;
use super::lookup::describe;
use super::rows::Rows;
use super::schema::CodeTable;

/// Batches that may wait to be taken.
const BATCHES_WAITING: usize = 2;
/// Bytes of text of a batch.
const BATCH_BYTES: usize = 4 << 20;

/// Walks a checkout, and gives the rows of one of its tables.
#[derive(Debug, Clone)]
pub struct CodeScanExec {
    checkout: Checkout,
    table: CodeTable,
    schema: SchemaRef,
    lookup: Lookup,
    limit: Option<usize>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl CodeScanExec {
    /// The scan; `schema` has the wanted columns of the table, and files that `lookup` leaves out need not come.
    pub fn new(
        checkout: Checkout,
        table: CodeTable,
        schema: SchemaRef,
        lookup: Lookup,
        limit: Option<usize>,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        // It waits for a channel, as tokio sees it.
        .with_scheduling_type(SchedulingType::Cooperative);
        Self {
            checkout,
            table,
            schema,
            lookup,
            limit,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for CodeScanExec {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table.name();
        match t {
            DisplayFormatType::TreeRender => write!(f, "table={table}"),
            _ => {
                let names: Vec<&str> = self
                    .schema
                    .fields()
                    .iter()
                    .map(|field| field.name().as_str())
                    .collect();
                write!(
                    f,
                    "CodeScanExec: table={table}, columns=[{}]",
                    names.join(", ")
                )?;
                if !self.lookup.is_empty() {
                    write!(f, ", lookup=[{}]", describe(&self.lookup))?;
                }
                match self.limit {
                    Some(limit) => write!(f, ", limit={limit}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// What a scan did, for EXPLAIN ANALYZE.
struct Counts {
    files: Count,
    cached: Count,
    parsed: Count,
    pruned: Count,
    bytes: Count,
}

impl Counts {
    fn new(metrics: &ExecutionPlanMetricsSet) -> Self {
        let count = |name: &'static str| MetricBuilder::new(metrics).counter(name, 0);
        Self {
            files: count("files"),
            cached: count("files_cached"),
            parsed: count("files_parsed"),
            pruned: count("files_pruned"),
            bytes: count("bytes_scanned"),
        }
    }

    fn take(&self, scan: &ogive_codebase::Scan) {
        let stats = scan.stats();
        let add = |count: &Count, value: u64| count.add(usize::try_from(value).unwrap_or(0));
        add(&self.files, stats.files);
        add(&self.cached, stats.cached);
        add(&self.parsed, stats.files.saturating_sub(stats.cached));
        add(&self.pruned, stats.pruned);
        add(&self.bytes, stats.bytes);
    }
}

impl CodeScanExec {
    /// Scans, and gives batches until nobody takes them.
    fn run(
        &self,
        batch_rows: usize,
        counts: &Counts,
        mut give: impl FnMut(arrow::array::RecordBatch) -> bool,
    ) -> Result<()> {
        let scan = self.checkout.scan_for(self.lookup.clone());
        let mut scan = scan.map_err(codebase_error)?;
        let mut rows = Rows::new(self.table, Arc::clone(&self.schema));
        let mut graph = (self.table == CodeTable::Edges).then(Graph::new);
        let mut left = self.limit.unwrap_or(usize::MAX);
        let mut flush = |rows: &mut Rows| -> Result<bool> {
            let batch = rows.finish()?;
            let batch = batch.slice(0, batch.num_rows().min(left));
            left -= batch.num_rows();
            Ok(batch.num_rows() > 0 && give(batch) && left > 0)
        };
        while let Some(scanned) = scan.next() {
            match (&scanned, &mut graph) {
                (Scanned::File(facts), Some(graph)) => graph.add(facts),
                (Scanned::File(facts), None) => rows.add(facts, &self.checkout),
                (Scanned::Failed(error), _) if self.table == CodeTable::Errors => {
                    rows.add_error(error);
                }
                (Scanned::Failed(_), _) => {}
            }
            let is_full = rows.len() >= batch_rows.min(self.limit.unwrap_or(batch_rows).max(1));
            if (is_full || rows.bytes() >= BATCH_BYTES) && !flush(&mut rows)? {
                counts.take(&scan);
                return Ok(());
            }
        }
        counts.take(&scan);
        for edge in graph.map(|graph| graph.edges()).unwrap_or_default() {
            rows.add_edge(&edge);
            if rows.len() >= batch_rows && !flush(&mut rows)? {
                return Ok(());
            }
        }
        if rows.len() > 0 {
            flush(&mut rows)?;
        }
        Ok(())
    }
}

impl ExecutionPlan for CodeScanExec {
    fn name(&self) -> &str {
        "CodeScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => internal_err!("CodeScanExec has no input"),
        }
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => internal_err!("CodeScanExec has no input"),
        }
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let mut plan = Arc::unwrap_or_clone(self);
        plan.metrics = ExecutionPlanMetricsSet::new();
        Ok(Arc::new(plan))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn fetch(&self) -> Option<usize> {
        self.limit
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        let mut plan = self.clone();
        plan.limit = limit;
        Some(Arc::new(plan))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let counts = Counts::new(&self.metrics);
        let batch_rows = context.session_config().batch_size();
        let plan = self.clone();
        let start = move || {
            let mut builder =
                RecordBatchReceiverStreamBuilder::new(Arc::clone(&plan.schema), BATCHES_WAITING);
            let sender = builder.tx();
            builder.spawn_blocking(move || {
                // Nobody receives any more when the query is over.
                plan.run(batch_rows, &counts, |batch| {
                    sender.blocking_send(Ok(batch)).is_ok()
                })
            });
            builder.build()
        };
        let batches = stream::once(async move { start() }).flatten().inspect(
            move |batch: &Result<arrow::array::RecordBatch>| {
                if let Ok(batch) = batch {
                    baseline.record_output(batch.num_rows());
                }
            },
        );
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches,
        )))
    }
}
