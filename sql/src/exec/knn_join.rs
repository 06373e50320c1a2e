//! For each row of one plan the nearest rows of another.
//!
//! ```text
//! for each block of the left: as many rows as their vectors and results fit into the budget
//!     on all partitions of the right at once:
//!         for each batch: search it for all queries of the block, keep the columns that are asked for
//!     put each row of the block beside its nearest, in the order of the left, nearest first
//! ```
//!
//! The search is that of [`BatchTopK`](ogive_kernels::BatchTopK): rows are decoded once for a whole block of queries,
//! compared like a matrix product, and only pairs that the screen cannot decide are answered exactly. The right is run
//! once for each block.

mod block;
mod join;
mod output;
mod search;
mod winners;

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_datafusion_err, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit};
use datafusion::physical_expr::{Distribution, EquivalenceProperties, Partitioning};
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions, reset_plan_states,
};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion::physical_plan::projection::{
    EmbeddedProjection, ProjectionExec, try_embed_projection,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, InputDistributionRequirements, PhysicalExpr,
    PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt, stream};

use block::BlockReader;
use join::Counts;
pub(crate) use join::{KnnJoin, describe};
use output::Output;
use search::{RightSide, search};

/// Bytes that the queries of one block, their results and their rows take at most. A larger block is one pass over the
/// right less; this holds more than ten thousand queries of 384 dimensions.
const BLOCK_BYTES: usize = 128 * 1024 * 1024;

/// A block takes at most this part of a memory limit.
const LIMIT_SHARE: usize = 4;

/// For each row of the left input the `k` rows of the right that come first by a distance; see the module.
#[derive(Debug)]
pub struct KnnJoinExec {
    left: Arc<dyn ExecutionPlan>,
    right: Arc<dyn ExecutionPlan>,
    join: Arc<KnnJoin>,
    /// The columns that come out, of those of the left, the right and the distance; all when there is none.
    projection: Option<Vec<usize>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl KnnJoinExec {
    pub(crate) fn try_new(
        left: Arc<dyn ExecutionPlan>,
        right: Arc<dyn ExecutionPlan>,
        join: KnnJoin,
    ) -> Result<Self> {
        Self::with_parts(left, right, Arc::new(join), None)
    }

    fn with_parts(
        left: Arc<dyn ExecutionPlan>,
        right: Arc<dyn ExecutionPlan>,
        join: Arc<KnnJoin>,
        projection: Option<Vec<usize>>,
    ) -> Result<Self> {
        let mut schema = join.schema(&left.schema(), &right.schema());
        if let Some(projection) = &projection {
            schema = schema.project(projection)?;
        }
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::new(schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            left,
            right,
            join,
            projection,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

impl DisplayAs for KnnJoinExec {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = describe(self.join.order, self.join.join_type);
        let (label, k) = (&self.join.label, self.join.k);
        match t {
            DisplayFormatType::TreeRender => write!(f, "{label}\nk={k}\n{words}"),
            _ => {
                write!(f, "KnnJoinExec: {label}, k={k}, {words}")?;
                if self.projection.is_some() {
                    let schema = self.schema();
                    let names: Vec<&str> = schema
                        .fields()
                        .iter()
                        .map(|field| field.name().as_str())
                        .collect();
                    write!(f, ", projection=[{}]", names.join(", "))?;
                }
                Ok(())
            }
        }
    }
}

impl EmbeddedProjection for KnnJoinExec {
    fn with_projection(&self, projection: Option<Vec<usize>>) -> Result<Self> {
        let projection = match (projection, &self.projection) {
            (None, present) => present.clone(),
            (Some(columns), None) => Some(columns),
            (Some(columns), Some(present)) => {
                let columns = columns.iter().map(|column| {
                    let column = present.get(*column).copied();
                    column.ok_or_else(|| internal_datafusion_err!("no such column of a kNN join"))
                });
                Some(columns.collect::<Result<_>>()?)
            }
        };
        Self::with_parts(
            Arc::clone(&self.left),
            Arc::clone(&self.right),
            Arc::clone(&self.join),
            projection,
        )
    }
}

impl ExecutionPlan for KnnJoinExec {
    fn name(&self) -> &str {
        "KnnJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.left, &self.right]
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![
            Distribution::SinglePartition,
            Distribution::UnspecifiedDistribution,
        ])
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for expr in [&self.join.query, &self.join.vector, &self.join.distance] {
            if f(expr)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
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
        let Ok([left, right]) = <[_; 2]>::try_from(children) else {
            return internal_err!("KnnJoinExec has two inputs");
        };
        let join = Arc::clone(&self.join);
        let exec = Self::with_parts(left, right, join, self.projection.clone())?;
        Ok(Arc::new(exec))
    }

    fn try_swapping_with_projection(
        &self,
        projection: &ProjectionExec,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if self.projection.is_some() {
            return Ok(None);
        }
        try_embed_projection(projection, self)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("KnnJoinExec has one partition");
        }
        let schema = self.schema();
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let run = Run::start(self, context)?;
        let batches = stream::try_unfold(run, Run::next).map(move |batch| {
            if let Ok(batch) = &batch {
                baseline.record_output(batch.num_rows());
            }
            batch
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            schema,
            batches.into_stream(),
        )))
    }
}

/// An execution between two batches.
struct Run {
    blocks: BlockReader,
    right: RightSide,
    schema: SchemaRef,
    /// Of the block that comes out at present.
    output: Option<Output>,
    /// The right has run before, and operators like a repartition run once.
    used: bool,
    batch_rows: usize,
}

impl Run {
    fn start(exec: &KnnJoinExec, context: Arc<TaskContext>) -> Result<Self> {
        let (left, right) = (exec.left.schema(), exec.right.schema());
        let precision = exec.join.precision(&left, &right)?;
        let instructions =
            ogive_udfs::Execution::of(context.session_config().options()).instructions();
        let counter = |name| MetricBuilder::new(&exec.metrics).counter(name, 0);
        let counts = Counts {
            blocks: counter("query_blocks"),
            rows_scanned: counter("rows_scanned"),
            pairs_scanned: counter("pairs_scanned"),
            pairs_answered: counter("pairs_answered"),
        };
        let budget = match context.memory_pool().memory_limit() {
            MemoryLimit::Finite(bytes) => BLOCK_BYTES.min(bytes / LIMIT_SHARE),
            _ => BLOCK_BYTES,
        };
        let reservation =
            MemoryConsumer::new("KnnJoinExec[queries]").register(context.memory_pool());
        let partitions = exec
            .right
            .properties()
            .output_partitioning()
            .partition_count();
        let first_of_right = left.fields().len();
        let distance = first_of_right + right.fields().len();
        let columns: Vec<usize> = match &exec.projection {
            Some(columns) => columns.clone(),
            None => (0..=distance).collect(),
        };
        let sides = output::Columns::new(&columns, first_of_right, distance);
        Ok(Self {
            blocks: BlockReader::new(
                exec.left.execute(0, Arc::clone(&context))?,
                Arc::clone(&exec.join),
                (precision, instructions),
                partitions,
                budget,
                reservation,
            ),
            batch_rows: context.session_config().batch_size(),
            right: RightSide {
                plan: Arc::clone(&exec.right),
                context,
                join: Arc::clone(&exec.join),
                columns: sides,
                counts,
            },
            schema: exec.schema(),
            output: None,
            used: false,
        })
    }

    async fn next(mut self) -> Result<Option<(datafusion::arrow::array::RecordBatch, Self)>> {
        loop {
            if let Some(output) = &mut self.output {
                if let Some(batch) = output.next(&self.schema, self.batch_rows)? {
                    return Ok(Some((batch, self)));
                }
                self.output = None;
            }
            let Some(block) = self.blocks.next().await? else {
                return Ok(None);
            };
            self.right.counts.blocks.add(1);
            if self.used {
                self.right.plan = reset_plan_states(Arc::clone(&self.right.plan))?;
            }
            self.used = true;
            self.output = Some(search(&self.right, block).await?);
        }
    }
}
