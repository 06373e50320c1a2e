//! Runs the query of a change to its end, then changes the rows that it named, all or none.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt64Array};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{Int64Type, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, TableReference};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    SendableRecordBatchStream, collect,
};
use futures::{TryStreamExt, stream};
use ogive_table_providers::{ROW_ID, RowStore, RowWriter, refuse_nulls};

use super::changed_rows::ChangedRows;
use super::conflict::OnConflictExec;
use super::node::Operation;

/// Changes rows; see the module.
#[derive(Debug, Clone)]
pub(crate) struct DmlExec {
    operation: Operation,
    name: TableReference,
    store: Arc<dyn RowStore>,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    conflict: Option<OnConflictExec>,
    /// The table that the last input reads, where there is a `RETURNING`.
    changed: Option<Arc<ChangedRows>>,
    properties: Arc<PlanProperties>,
}

impl DmlExec {
    pub(super) fn new(
        operation: Operation,
        name: TableReference,
        store: Arc<dyn RowStore>,
        inputs: Vec<Arc<dyn ExecutionPlan>>,
        conflict: Option<OnConflictExec>,
        changed: Option<Arc<ChangedRows>>,
        schema: SchemaRef,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            operation,
            name,
            store,
            inputs,
            conflict,
            changed,
            properties: Arc::new(properties),
        }
    }

    async fn run(self, context: Arc<TaskContext>) -> Result<Vec<RecordBatch>> {
        let mut writer = self.store.writer(self.name.table()).await?;
        let queries = self.inputs.len() - usize::from(self.changed.is_some());
        let mut inputs = Vec::with_capacity(queries);
        for input in &self.inputs[..queries] {
            inputs.push(collect(Arc::clone(input), Arc::clone(&context)).await?);
        }
        let mut inputs = inputs.into_iter();
        let rows = inputs.next().unwrap_or_default();
        let changed = match &self.operation {
            Operation::Insert(_) => self.insert(rows, inputs.next(), &mut writer)?,
            Operation::Delete | Operation::Update(_) => self.by_id(rows, &mut writer)?,
        };
        let Some(table) = &self.changed else {
            writer.commit().await?;
            let count: usize = changed.iter().map(RecordBatch::num_rows).sum();
            let count: ArrayRef = Arc::new(UInt64Array::from(vec![count as u64]));
            return Ok(vec![RecordBatch::try_new(self.schema(), vec![count])?]);
        };
        // An expression of RETURNING that fails fails the statement: nothing is changed yet.
        table.set(changed)?;
        let returned = collect(Arc::clone(&self.inputs[queries]), context).await;
        table.set(Vec::new())?;
        let returned = returned?
            .into_iter()
            .map(|rows| {
                let columns = rows.columns().to_vec();
                Ok(RecordBatch::try_new(self.schema(), columns)?)
            })
            .collect::<Result<_>>()?;
        writer.commit().await?;
        Ok(returned)
    }

    fn insert(
        &self,
        rows: Vec<RecordBatch>,
        there: Option<Vec<RecordBatch>>,
        writer: &mut Box<dyn RowWriter>,
    ) -> Result<Vec<RecordBatch>> {
        let (schema, constraints) = (self.store.schema(), self.store.constraints());
        for rows in &rows {
            refuse_nulls(self.name.table(), &schema, &constraints, rows.columns())?;
        }
        if let Some(conflict) = &self.conflict {
            let there = there.unwrap_or_default();
            return conflict.resolve(&rows, &there, &schema, writer);
        }
        rows.into_iter().map(|rows| writer.insert(rows)).collect()
    }

    /// Deletes or changes rows. A row that the query named several times is changed once, to the values of its first.
    fn by_id(
        &self,
        rows: Vec<RecordBatch>,
        writer: &mut Box<dyn RowWriter>,
    ) -> Result<Vec<RecordBatch>> {
        let mut seen = HashSet::new();
        let mut changed = Vec::new();
        for rows in rows {
            let ids = rows.column(0).as_primitive::<Int64Type>();
            // A NULL id is of a row that an outer join made up.
            let first: BooleanArray = (0..ids.len())
                .map(|row| Some(ids.is_valid(row) && seen.insert(ids.value(row))))
                .collect();
            let rows = match first.true_count() == ids.len() {
                true => rows,
                false => filter_record_batch(&rows, &first)?,
            };
            let ids = rows.column(0).as_primitive::<Int64Type>().values().to_vec();
            match &self.operation {
                Operation::Update(columns) => {
                    let sets: Vec<usize> = (1..=columns.len()).collect();
                    writer.update(ids, columns, rows.project(&sets)?);
                }
                _ => writer.delete(ids),
            }
            changed.push(self.returned(&rows)?);
        }
        Ok(changed)
    }

    /// The columns that `RETURNING` sees, the changed ones with their new values.
    fn returned(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        if self.changed.is_none() {
            return Ok(rows.clone());
        }
        let schema = rows.schema();
        let mut places: Vec<usize> = (self.operation.columns_before()..rows.num_columns())
            .filter(|place| schema.field(*place).name() != ROW_ID)
            .collect();
        if let Operation::Update(columns) = &self.operation {
            for (set, column) in columns.iter().enumerate() {
                places[*column] = 1 + set;
            }
        }
        let columns: Vec<ArrayRef> = places.iter().map(|p| Arc::clone(rows.column(*p))).collect();
        let fields: Vec<_> = places.iter().map(|p| schema.field(*p).clone()).collect();
        Ok(RecordBatch::try_new(
            Arc::new(Schema::new(fields)),
            columns,
        )?)
    }
}

impl DisplayAs for DmlExec {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.operation.describe(&self.name);
        match t {
            DisplayFormatType::TreeRender => write!(f, "{words}"),
            _ => write!(f, "DmlExec: {words}"),
        }
    }
}

impl ExecutionPlan for DmlExec {
    fn name(&self) -> &str {
        "DmlExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; self.inputs.len()]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for expr in self
            .conflict
            .iter()
            .flat_map(|c| c.values.iter().chain(&c.filter))
        {
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
        let mut exec = self.as_ref().clone();
        exec.inputs = children;
        Ok(Arc::new(exec))
    }

    fn execute(
        &self,
        _partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let schema = self.schema();
        let batches = stream::once(self.clone().run(context))
            .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
            .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}
