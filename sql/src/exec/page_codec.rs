//! The page calls of a projection or a filter, together.
//!
//! Passes on its input's columns and, after them, one for each call. A call may use those before it. What is gained: the
//! calls of one batch are in one place, where EXPLAIN names the back end and `EXPLAIN ANALYZE` tells bytes and speed; and a
//! call that stands in an expression twice is made once.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::ProjectionMapping;
use datafusion::physical_plan::execution_plan::{
    CardinalityEffect, ChildrenPropertiesMode, ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, Count, CustomMetricValue, ExecutionPlanMetricsSet, MetricBuilder, MetricValue,
    MetricsSet, Time,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PhysicalExpr,
    PlanProperties, SendableRecordBatchStream,
};
use futures::StreamExt;
use ogive_udfs::Execution;

use super::rate::Rate;

/// Functions whose calls are gathered.
pub(crate) const PAGE_FUNCTIONS: [&str; 2] = ["page_compress", "page_decompress"];

/// Makes page calls over its input's batches; see the module.
#[derive(Debug)]
pub struct PageCodecExec {
    input: Arc<dyn ExecutionPlan>,
    calls: Vec<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl PageCodecExec {
    /// Each call is in terms of the input's columns and of the calls before it, which come after them.
    ///
    /// # Errors
    /// A call whose type cannot be told.
    pub fn try_new(
        input: Arc<dyn ExecutionPlan>,
        calls: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Self> {
        let mut schema = input.schema().as_ref().clone();
        for (index, call) in calls.iter().enumerate() {
            let field = call
                .return_field(&schema)?
                .as_ref()
                .clone()
                .with_name(call_name(index));
            let fields: Vec<Arc<Field>> = schema
                .fields()
                .iter()
                .cloned()
                .chain([Arc::new(field)])
                .collect();
            schema = Schema::new_with_metadata(fields, schema.metadata().clone());
        }
        let schema = Arc::new(schema);
        let columns: Vec<usize> = (0..input.schema().fields().len()).collect();
        let kept = ProjectionMapping::from_indices(&columns, &input.schema())?;
        let properties = PlanProperties::new(
            input
                .equivalence_properties()
                .project(&kept, Arc::clone(&schema)),
            input.output_partitioning().clone(),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Ok(Self {
            input,
            calls,
            schema,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

impl PageCodecExec {
    /// What the calls run on: as the session said when they were planned.
    fn execution(&self) -> Execution {
        let call = self
            .calls
            .iter()
            .find_map(|call| call.downcast_ref::<ScalarFunctionExpr>());
        call.map_or_else(Execution::default, |call| {
            Execution::of(call.config_options())
        })
    }
}

/// The name of a call's column.
pub(crate) fn call_name(index: usize) -> String {
    format!("page_call_{index}")
}

impl DisplayAs for PageCodecExec {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls: Vec<String> = self
            .calls
            .iter()
            .enumerate()
            .map(|(index, call)| format!("{call} as {}", call_name(index)))
            .collect();
        let calls = calls.join(", ");
        let backend = self.execution().shown();
        match t {
            DisplayFormatType::TreeRender => write!(f, "{calls}\nbackend={backend}"),
            _ => write!(f, "PageCodecExec: calls=[{calls}], backend={backend}"),
        }
    }
}

impl ExecutionPlan for PageCodecExec {
    fn name(&self) -> &str {
        "PageCodecExec"
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
        CardinalityEffect::Equal
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for call in &self.calls {
            if f(call)? == TreeNodeRecursion::Stop {
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
        let Ok([input]) = <[_; 1]>::try_from(children) else {
            return internal_err!("PageCodecExec has one input");
        };
        Ok(Arc::new(Self::try_new(input, self.calls.clone())?))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let rate = Arc::new(Rate::default());
        MetricBuilder::new(&self.metrics)
            .with_partition(partition)
            .build(MetricValue::Custom {
                name: "codec_rate".into(),
                value: Arc::clone(&rate) as Arc<dyn CustomMetricValue>,
            });
        let work = Work {
            rate,
            calls: self.calls.clone(),
            schema: Arc::clone(&self.schema),
            bytes_in: MetricBuilder::new(&self.metrics).counter("bytes_in", partition),
            bytes_out: MetricBuilder::new(&self.metrics).counter("bytes_out", partition),
            codec_time: MetricBuilder::new(&self.metrics).subset_time("codec_time", partition),
            baseline: BaselineMetrics::new(&self.metrics, partition),
        };
        let batches = self
            .input
            .execute(partition, context)?
            .map(move |batch| work.make(&batch?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches,
        )))
    }
}

/// One partition's part.
struct Work {
    calls: Vec<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
    bytes_in: Count,
    bytes_out: Count,
    codec_time: Time,
    /// Of uncompressed bytes: those that go in or those that come out, whichever are more.
    rate: Arc<Rate>,
    baseline: BaselineMetrics,
}

impl Work {
    fn make(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let _timer = self.baseline.elapsed_compute().timer();
        let rows = batch.num_rows();
        let mut columns = batch.columns().to_vec();
        for (index, call) in self.calls.iter().enumerate() {
            let width = batch.num_columns() + index;
            let schema = Arc::new(self.schema.project(&(0..width).collect::<Vec<_>>())?);
            let before = RecordBatch::try_new_with_options(
                schema,
                columns.clone(),
                &datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(rows)),
            )?;
            let bytes = bytes_of(call).and_then(|bytes| columns.get(bytes));
            let Some(bytes) = bytes else {
                columns.push(call.evaluate(&before)?.into_array(rows)?);
                continue;
            };
            let bytes_in = value_bytes(bytes);
            let started = Instant::now();
            let made = call.evaluate(&before)?.into_array(rows)?;
            let time = started.elapsed();
            let bytes_out = value_bytes(&made);
            self.bytes_in.add(bytes_in);
            self.bytes_out.add(bytes_out);
            self.codec_time.add_duration(time);
            self.rate.add(bytes_in.max(bytes_out), time);
            columns.push(made);
        }
        let made = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        self.baseline.record_output(rows);
        Ok(made)
    }
}

/// The column of bytes that a call is about; `None` for what is made for a call.
fn bytes_of(call: &Arc<dyn PhysicalExpr>) -> Option<usize> {
    let call = call.downcast_ref::<ScalarFunctionExpr>()?;
    if !PAGE_FUNCTIONS.contains(&call.fun().name()) {
        return None;
    }
    Some(call.args().first()?.downcast_ref::<Column>()?.index())
}

/// Bytes of all values of a binary column.
fn value_bytes(column: &ArrayRef) -> usize {
    match column.data_type() {
        DataType::Binary => column
            .as_binary::<i32>()
            .value_offsets()
            .last()
            .zip(column.as_binary::<i32>().value_offsets().first())
            .map_or(0, |(last, first)| (last - first) as usize),
        DataType::LargeBinary => column
            .as_binary::<i64>()
            .value_offsets()
            .last()
            .zip(column.as_binary::<i64>().value_offsets().first())
            .map_or(0, |(last, first)| (last - first) as usize),
        DataType::BinaryView => column
            .as_binary_view()
            .iter()
            .flatten()
            .map(<[u8]>::len)
            .sum(),
        _ => 0,
    }
}
