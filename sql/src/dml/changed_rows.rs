//! The rows that a statement changes, as a table that its `RETURNING` reads.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::{Column, Result, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;
use parking_lot::Mutex;

/// The name of the table in plans.
const CHANGED: &str = "__changed";

/// Changed rows, there while the statement that changes them has the one writer of its target.
#[derive(Debug)]
pub(super) struct ChangedRows {
    schema: SchemaRef,
    rows: Mutex<Vec<RecordBatch>>,
}

impl ChangedRows {
    /// A table of these columns, and its scan, in which they have their names and qualifiers.
    pub(super) fn scan(
        columns: &[(Option<TableReference>, FieldRef)],
    ) -> Result<(Arc<Self>, LogicalPlan)> {
        // The rows are looked at before it is known that no NULL is where none must be.
        let fields = columns.iter().enumerate().map(|(number, (_, field))| {
            let field: &Field = field;
            field
                .clone()
                .with_name(format!("{number}"))
                .with_nullable(true)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let rows = Arc::new(Self {
            schema: Arc::clone(&schema),
            rows: Mutex::default(),
        });
        let partition = Arc::clone(&rows) as Arc<dyn PartitionStream>;
        let table = StreamingTable::try_new(schema, vec![partition])?;
        let named = columns
            .iter()
            .enumerate()
            .map(|(number, (qualifier, field))| {
                Expr::Column(Column::new(Some(CHANGED), format!("{number}")))
                    .alias_qualified(qualifier.clone(), field.name())
            });
        let source = provider_as_source(Arc::new(table));
        let scan = LogicalPlanBuilder::scan(CHANGED, source, None)?
            .project(named)?
            .build()?;
        Ok((rows, scan))
    }

    /// Puts rows into the table in the place of others.
    pub(super) fn set(&self, rows: Vec<RecordBatch>) -> Result<()> {
        let rows = rows.into_iter().map(|rows| {
            let columns = rows.columns().to_vec();
            Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
        });
        *self.rows.lock() = rows.collect::<Result<_>>()?;
        Ok(())
    }
}

impl PartitionStream for ChangedRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = self.rows.lock().clone();
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            stream::iter(rows.into_iter().map(Ok)),
        ))
    }
}
