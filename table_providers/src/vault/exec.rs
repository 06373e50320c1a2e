//! The scan of a vault's table in a plan.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{Result, internal_err};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion_physical_expr_common::sort_expr::PhysicalSortExpr;
use datafusion_physical_plan::execution_plan::{
    Boundedness, EmissionType, ReplaceChildrenOptions, SchedulingType,
};
use datafusion_physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion_physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion_physical_plan::sort_pushdown::SortOrderPushdownResult;
use datafusion_physical_plan::stream::{
    RecordBatchReceiverStreamBuilder, RecordBatchStreamAdapter,
};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::{StreamExt, stream};
use ogive_vault::{Place, Query, ReadAs, Vault};

use crate::vault::block::Block;
use crate::vault::fts_udfs::fts_call;
use crate::vault::read::{RowOutput, Source};
use crate::vault::search::SearchRequests;
use crate::vault::snapshot::Statements;
use crate::warnings::Warnings;

/// Batches that may wait to be taken.
const BATCHES_WAITING: usize = 2;

/// Scans a table of a vault: one connection a partition.
#[derive(Debug, Clone)]
pub struct VaultScanExec {
    vault: Vault,
    statements: Arc<Statements>,
    block: Arc<Block>,
    place: Place,
    schema: SchemaRef,
    /// One for each partition.
    sources: Vec<Source>,
    /// The scan as one partition, where it is a SELECT.
    whole: Option<Source>,
    /// What is asked of vectors.
    requests: SearchRequests,
    sort_keys: Vec<SortKey>,
    text_columns: Option<usize>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// A column by which SQLite can give the rows in order.
#[derive(Debug, Clone)]
pub struct SortKey {
    /// Its place in the schema of the scan.
    pub column: usize,
    /// It in SQL.
    pub sql: String,
    /// It is different in all rows.
    pub unique: bool,
}

/// What a scan is made of.
#[derive(Debug)]
pub struct VaultScan {
    /// The file.
    pub vault: Vault,
    /// The statements that are running over it.
    pub statements: Arc<Statements>,
    /// The transaction block of the session.
    pub block: Arc<Block>,
    /// The table, for errors and EXPLAIN.
    pub place: Place,
    /// The schema of its batches.
    pub schema: SchemaRef,
    /// One for each partition.
    pub sources: Vec<Source>,
    /// The scan as one partition, where it is a SELECT.
    pub whole: Option<Source>,
    /// What is asked of vectors.
    pub requests: SearchRequests,
    /// Columns by which SQLite can give the rows in order.
    pub sort_keys: Vec<SortKey>,
    /// The column of the schema in whose order the rows of each partition are.
    pub ordered_by: Option<usize>,
    /// How many columns its FTS5 table has, if it is one.
    pub text_columns: Option<usize>,
}

impl VaultScanExec {
    /// The plan of a scan.
    pub fn new(scan: VaultScan) -> Self {
        let mut equivalences = EquivalenceProperties::new(Arc::clone(&scan.schema));
        if let Some(index) = scan.ordered_by {
            equivalences.add_orderings([[ascending(&scan.schema, index)]]);
        }
        let properties = PlanProperties::new(
            equivalences,
            Partitioning::UnknownPartitioning(scan.sources.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        // A partition waits for a channel, as tokio sees it.
        .with_scheduling_type(SchedulingType::Cooperative);
        Self {
            vault: scan.vault,
            statements: scan.statements,
            block: scan.block,
            place: scan.place,
            schema: scan.schema,
            sources: scan.sources,
            whole: scan.whole,
            requests: scan.requests,
            sort_keys: scan.sort_keys,
            text_columns: scan.text_columns,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl VaultScanExec {
    /// Whether it looks for the nearest rows itself.
    pub fn is_top_k(&self) -> bool {
        self.requests.top_k.is_some()
    }

    /// The same scan with more columns, which SQLite computes of the texts that it has found; and the projection over it, in which
    /// they stand for the calls. `None` where no expression is such a call.
    fn with_texts(
        &self,
        query: &Query,
        outputs: &[RowOutput],
        projection: &ProjectionExec,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let matched = query
            .conditions
            .iter()
            .find_map(|condition| condition.sql.strip_suffix(" MATCH ?"));
        let (Some(table), Some(columns)) = (matched, self.text_columns) else {
            return Ok(None);
        };
        let (mut query, mut outputs) = (query.clone(), outputs.to_vec());
        let mut fields: Vec<FieldRef> = self.schema.fields().iter().cloned().collect();
        let mut exprs = Vec::with_capacity(projection.expr().len());
        let mut computed = false;
        for projected in projection.expr() {
            let replaced = Arc::clone(&projected.expr).transform(|node| {
                let Some(sql) = fts_call(&node, table, columns)? else {
                    return Ok(Transformed::no(node));
                };
                let name = format!("__text_{}", fields.len());
                let column = Column::new(&name, fields.len());
                fields.push(Arc::new(Field::new(name, DataType::Utf8, true)));
                outputs.push(RowOutput::Read(query.columns.len()));
                query.columns.push((sql, ReadAs::Text));
                Ok(Transformed::yes(Arc::new(column)))
            })?;
            computed |= replaced.transformed;
            exprs.push(ProjectionExpr::new(replaced.data, projected.alias.clone()));
        }
        if !computed {
            return Ok(None);
        }
        let source = Source::Rows {
            query,
            outputs,
            counts: false,
        };
        let scan = Self::new(VaultScan {
            vault: self.vault.clone(),
            statements: Arc::clone(&self.statements),
            block: Arc::clone(&self.block),
            place: self.place.clone(),
            schema: Arc::new(Schema::new(fields)),
            sources: vec![source.clone()],
            whole: Some(source),
            requests: self.requests.clone(),
            sort_keys: self.sort_keys.clone(),
            ordered_by: None,
            text_columns: self.text_columns,
        });
        Ok(Some(Arc::new(ProjectionExec::try_new(
            exprs,
            Arc::new(scan),
        )?)))
    }
}

fn ascending(schema: &SchemaRef, index: usize) -> PhysicalSortExpr {
    let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(schema.field(index).name(), index));
    PhysicalSortExpr {
        expr: column,
        options: arrow::compute::SortOptions {
            descending: false,
            nulls_first: false,
        },
    }
}

impl DisplayAs for VaultScanExec {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.place.table.as_deref().unwrap_or_default();
        match t {
            DisplayFormatType::TreeRender => write!(f, "table={table}"),
            _ => {
                write!(f, "VaultScanExec: table={table}")?;
                if self.sources.len() > 1 {
                    write!(f, ", partitions={}", self.sources.len())?;
                }
                if let Some(source) = self.sources.first() {
                    write!(f, ", {source}")?;
                }
                write!(f, "{}", self.requests)
            }
        }
    }
}

impl ExecutionPlan for VaultScanExec {
    fn name(&self) -> &str {
        "VaultScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for expression in self.requests.expressions() {
            if f(expression)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() {
            return Ok(self);
        }
        internal_err!("VaultScanExec has no input")
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() {
            return Ok(self);
        }
        internal_err!("VaultScanExec has no input")
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let mut plan = Arc::unwrap_or_clone(self);
        plan.metrics = ExecutionPlanMetricsSet::new();
        Ok(Arc::new(plan))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    /// SQLite gives rows in the order of their keys or numbers by walking its index.
    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
    ) -> Result<SortOrderPushdownResult<Arc<dyn ExecutionPlan>>> {
        let (
            [first, rest @ ..],
            Some(Source::Rows {
                query,
                outputs,
                counts: false,
            }),
        ) = (order, &self.whole)
        else {
            return Ok(SortOrderPushdownResult::Unsupported);
        };
        let key = first.expr.downcast_ref::<Column>().and_then(|column| {
            self.sort_keys
                .iter()
                .find(|key| key.column == column.index())
        });
        // Keys are never NULL; after one that is different in all rows, whatever follows in the order decides nothing.
        let Some(key) = key.filter(|key| key.unique || rest.is_empty()) else {
            return Ok(SortOrderPushdownResult::Unsupported);
        };
        if query.order.is_some() || query.limit.is_some() {
            return Ok(SortOrderPushdownResult::Unsupported);
        }
        let mut query = query.clone();
        let direction = if first.options.descending {
            " DESC"
        } else {
            ""
        };
        query.order = Some(format!("{}{direction}", key.sql));
        let mut equivalences = EquivalenceProperties::new(Arc::clone(&self.schema));
        equivalences.add_orderings([[first.clone()]]);
        let mut plan = self.clone();
        let source = Source::Rows {
            query,
            outputs: outputs.clone(),
            counts: false,
        };
        plan.whole = Some(source.clone());
        plan.sources = vec![source];
        plan.properties = Arc::new(
            self.properties
                .as_ref()
                .clone()
                .with_eq_properties(equivalences)
                .with_partitioning(Partitioning::UnknownPartitioning(1)),
        );
        Ok(SortOrderPushdownResult::Exact {
            inner: Arc::new(plan),
        })
    }

    /// Takes `snippet` and `highlight` into the SELECT: nothing else can compute them.
    fn try_swapping_with_projection(
        &self,
        projection: &ProjectionExec,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        match self.sources.as_slice() {
            [
                Source::Rows {
                    query,
                    outputs,
                    counts: false,
                },
            ] if query.order.is_none() => self.with_texts(query, outputs, projection),
            _ => Ok(None),
        }
    }

    fn fetch(&self) -> Option<usize> {
        match self.sources.as_slice() {
            [source] => source.limit(),
            _ => None,
        }
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        let (Some(limit), [source]) = (limit, self.sources.as_slice()) else {
            return None;
        };
        // The nearest rows are of all rows, not of the first ones.
        if self.requests.top_k.is_some() {
            return None;
        }
        let mut plan = self.clone();
        plan.sources = vec![source.with_limit(limit)?];
        // With a limit, other rows would come in another order.
        plan.whole = None;
        Some(Arc::new(plan))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let Some(source) = self.sources.get(partition).cloned() else {
            return internal_err!("VaultScanExec has no partition {partition}");
        };
        // The statement is told now, so that the first scan that runs opens connections for all.
        let block = self.block.current();
        let statement = match &block {
            Some(_) => None,
            None => Some(self.statements.join(&self.vault, &context)),
        };
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let place = self.place.clone();
        let schema = Arc::clone(&self.schema);
        let requests = self.requests.clone();
        let search = requests.open(partition);
        let warnings = context.session_config().get_extension::<Warnings>();
        let table = place.table.clone().unwrap_or_default();
        let start = move || {
            let mut builder =
                RecordBatchReceiverStreamBuilder::new(Arc::clone(&schema), BATCHES_WAITING);
            let sender = builder.tx();
            builder.spawn_blocking(move || {
                let mut mismatches = 0;
                // Nobody receives any more when the query is over.
                let mut send = |batch: RecordBatch| match batch.num_rows() {
                    0 => !sender.is_closed(),
                    _ => sender.blocking_send(Ok(batch)).is_ok(),
                };
                let mut mismatch = |count| mismatches += count;
                let read = match (block, statement) {
                    (Some(open), _) => {
                        let mut batches = Vec::new();
                        let read = open.with(|transaction| {
                            let mut keep = |batch: RecordBatch| {
                                if batch.num_rows() > 0 {
                                    batches.push(batch);
                                }
                                true
                            };
                            let connection = transaction.connection();
                            match requests.is_empty() {
                                true => source.read(
                                    connection,
                                    &place,
                                    &schema,
                                    &mut keep,
                                    &mut mismatch,
                                ),
                                false => requests
                                    .read(&source, search, connection, &place, &schema, &mut keep),
                            }
                        });
                        let _ = batches.into_iter().all(send);
                        read
                    }
                    (None, Some(statement)) => {
                        let reader = statement.reader()?;
                        let connection = reader.get()?;
                        let read = match requests.is_empty() {
                            true => {
                                source.read(connection, &place, &schema, &mut send, &mut mismatch)
                            }
                            false => requests
                                .read(&source, search, connection, &place, &schema, &mut send),
                        };
                        // The file is let go of before the stream ends: what comes next may be a write.
                        drop(reader);
                        drop(statement);
                        read
                    }
                    (None, None) => internal_err!("VaultScanExec has nothing to read through"),
                };
                if mismatches > 0 {
                    let message = format!(
                        "{}: {table}: {mismatches} values do not fit the declared type of their column and are NULL; SET ogive.sqlite_types = 'text' shows them",
                        place.file
                    );
                    match warnings {
                        Some(warnings) => warnings.push(message),
                        None => log::warn!("{message}"),
                    }
                }
                read
            });
            builder.build()
        };
        let batches = stream::once(async move { start() }).flatten().map(
            move |batch: Result<RecordBatch>| {
                if let Ok(batch) = &batch {
                    baseline.record_output(batch.num_rows());
                }
                batch
            },
        );
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches,
        )))
    }
}
