//! `ORDER BY <distance> LIMIT k` over rows that come from any plan.
//!
//! Passes on only rows that can be among the nearest. They are found by the certified screen of
//! `ogive-kernels`, so that the exact distance is computed for few of them; the Sort above orders
//! them. Over the pages of local Parquet files the vectors are searched where they lie, and the
//! other columns are read for the winners alone.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Float64Array, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::cast::as_float64_array;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_plan::execution_plan::{
    CardinalityEffect, ChildrenPropertiesMode, ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
    SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt, stream};
use ogive_kernels::TopK;
use ogive_table_providers::{ParquetSearch, ParquetVectors, Search, TopKRequest};
use ogive_udfs::{rows_of, vector_nulls};
use tokio::sync::OnceCell;

use super::held_rows::HeldRows;

/// Passes on the rows of its input that can be among the `k` nearest; see the module.
#[derive(Debug)]
pub struct VectorTopKExec {
    input: Arc<dyn ExecutionPlan>,
    /// In terms of the input's columns.
    request: TopKRequest,
    /// The distance as the query has it, for rows that the screen does not take.
    distance: Arc<dyn PhysicalExpr>,
    parquet: Arc<ParquetVectors>,
    /// Set by the partition that comes first: all must read the same way.
    opened: Arc<OnceCell<Option<ParquetSearch>>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl VectorTopKExec {
    /// `request.column` and `distance` are in terms of `input`'s columns.
    pub fn new(
        input: Arc<dyn ExecutionPlan>,
        request: TopKRequest,
        distance: Arc<dyn PhysicalExpr>,
        parquet: Arc<ParquetVectors>,
    ) -> Self {
        let properties = Arc::clone(input.properties());
        Self {
            input,
            request,
            distance,
            parquet,
            opened: Arc::default(),
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    fn work(&self, partition: usize, context: &Arc<TaskContext>) -> Work {
        Work {
            input: Arc::clone(&self.input),
            request: self.request.clone(),
            distance: Arc::clone(&self.distance),
            parquet: Arc::clone(&self.parquet),
            opened: Arc::clone(&self.opened),
            partition,
            context: Arc::clone(context),
            rows_scanned: MetricBuilder::new(&self.metrics).counter("rows_scanned", partition),
            baseline: BaselineMetrics::new(&self.metrics, partition),
        }
    }
}

impl DisplayAs for VectorTopKExec {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match t {
            DisplayFormatType::TreeRender => write!(f, "topk={}", self.request),
            _ => write!(f, "VectorTopKExec: topk={}", self.request),
        }
    }
}

impl ExecutionPlan for VectorTopKExec {
    fn name(&self) -> &str {
        "VectorTopKExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::LowerEqual
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        match f(&self.distance)? {
            TreeNodeRecursion::Stop => Ok(TreeNodeRecursion::Stop),
            _ => f(&self.request.query),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
        )
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([input]) = <[_; 1]>::try_from(children) else {
            return internal_err!("VectorTopKExec has one input");
        };
        Ok(Arc::new(Self::new(
            input,
            self.request.clone(),
            Arc::clone(&self.distance),
            Arc::clone(&self.parquet),
        )))
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let input = Arc::clone(&self.input);
        self.replace_children(
            vec![input],
            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
        )
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let work = self.work(partition, &context);
        let schema = self.schema();
        let baseline = work.baseline.clone();
        let batches = stream::once(work.run())
            .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
            .try_flatten()
            .map(move |batch: Result<RecordBatch>| {
                if let Ok(batch) = &batch {
                    baseline.record_output(batch.num_rows());
                }
                batch
            });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}

/// One partition's part.
struct Work {
    input: Arc<dyn ExecutionPlan>,
    request: TopKRequest,
    distance: Arc<dyn PhysicalExpr>,
    parquet: Arc<ParquetVectors>,
    opened: Arc<OnceCell<Option<ParquetSearch>>>,
    partition: usize,
    context: Arc<TaskContext>,
    rows_scanned: Count,
    baseline: BaselineMetrics,
}

impl Work {
    async fn run(self) -> Result<Vec<RecordBatch>> {
        if let Some(config) = file_scan(&self.input) {
            let opened = self.opened.get_or_try_init(|| self.open(config)).await?;
            if let Some(search) = opened {
                let found = search
                    .nearest(self.partition, &self.request, &self.context)
                    .await?;
                if let Some((batches, scanned)) = found {
                    self.rows_scanned.add(scanned);
                    return Ok(batches);
                }
            }
        }
        if self.request.ties {
            // Rows of equal distance that a later key puts first may already have passed.
            let input = self
                .input
                .execute(self.partition, Arc::clone(&self.context))?;
            return input.try_collect().await;
        }
        self.stream().await
    }

    async fn open(&self, config: &FileScanConfig) -> Result<Option<ParquetSearch>> {
        let column = self.request.column;
        let search = ParquetSearch::open(config, column, &self.parquet, &self.context).await?;
        match search {
            Some(search) if search.fits(&self.request)? => Ok(Some(search)),
            _ => Ok(None),
        }
    }

    async fn stream(self) -> Result<Vec<RecordBatch>> {
        let mut input = self
            .input
            .execute(self.partition, Arc::clone(&self.context))?;
        let schema = input.schema();
        let reservation = MemoryConsumer::new(format!("VectorTopKExec[{}]", self.partition))
            .register(self.context.memory_pool());
        let search = self.request.open(self.partition);
        let mut seen = Seen {
            top_k: None,
            dimension: 0,
            held: HeldRows::new(SchemaRef::clone(&schema), reservation),
            next: 0,
        };
        while let Some(batch) = input.try_next().await? {
            let _timer = self.baseline.elapsed_compute().timer();
            self.rows_scanned.add(batch.num_rows());
            if let Some(unsearched) = self.take_in(&mut seen, &search, batch)? {
                // Without a query vector there is no search: NULL, or of another dimension.
                let rest = input.try_collect::<Vec<_>>().await?;
                return Ok(std::iter::once(unsearched).chain(rest).collect());
            }
        }
        let candidates = seen
            .top_k
            .map_or_else(Vec::new, |top_k| top_k.candidates(search.threshold()));
        let batch = seen.held.take(&candidates)?;
        Ok(if batch.num_rows() == 0 {
            Vec::new()
        } else {
            vec![batch]
        })
    }

    /// Looks at a batch; gives it back when nothing can be searched.
    fn take_in(
        &self,
        seen: &mut Seen,
        search: &Search,
        batch: RecordBatch,
    ) -> Result<Option<RecordBatch>> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let first = seen.next;
        seen.next += batch.num_rows() as u64;
        let column = batch.column(self.request.column);
        let rows = rows_of(column.as_ref());
        let top_k = match &mut seen.top_k {
            Some(top_k) => top_k,
            empty => {
                seen.dimension = rows.as_ref().map_or(0, |rows| rows.dimension());
                let Some(query) = search.query(seen.dimension)? else {
                    return Ok(Some(batch));
                };
                empty.insert(TopK::new(query, self.request.k, self.request.order))
            }
        };
        let threshold = search.threshold();
        let answered = top_k.rows_answered();
        let mut offered = false;
        match rows.filter(|rows| rows.dimension() == seen.dimension) {
            Some(rows) => match vector_nulls(column.as_ref()) {
                None => top_k.scan(&rows, first, None, threshold),
                Some(nulls) => {
                    let selected: Vec<bool> = nulls.iter().collect();
                    top_k.scan(&rows, first, Some(&selected), threshold);
                    for (row, valid) in (first..).zip(selected) {
                        if !valid {
                            offered = true;
                            top_k.offer(row, None, threshold);
                        }
                    }
                }
            },
            None => {
                offered = true;
                let values = self.distance.evaluate(&batch)?;
                let values = values.into_array(batch.num_rows())?;
                let values: &Float64Array = as_float64_array(&values)?;
                for (row, value) in (first..).zip(values) {
                    top_k.offer(row, value, threshold);
                }
            }
        }
        // A batch whose bounds were all beyond the limit holds no candidate.
        if offered || top_k.rows_answered() > answered {
            let candidates = top_k.candidates(threshold);
            seen.held.keep(&batch, first, &candidates)?;
        }
        Ok(None)
    }
}

struct Seen {
    /// Made when the first batch shows the dimension.
    top_k: Option<TopK>,
    dimension: usize,
    held: HeldRows,
    next: u64,
}

fn file_scan(plan: &Arc<dyn ExecutionPlan>) -> Option<&FileScanConfig> {
    plan.downcast_ref::<DataSourceExec>()?
        .data_source()
        .downcast_ref::<FileScanConfig>()
}
