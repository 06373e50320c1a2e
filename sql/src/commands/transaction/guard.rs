//! The rows of a query inside a block: an error among them fails the block, whoever collects them.

use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::dataframe::DataFrame;
use datafusion::execution::{SessionState, TaskContext};
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
    SendableRecordBatchStream,
};
use futures::StreamExt;

use super::Transaction;
use crate::exec::planned_frame;

impl Transaction {
    /// The query of a frame, planned to the end, under a watch for errors.
    ///
    /// # Errors
    /// The query does not plan.
    pub(crate) async fn guarded(
        self: &Arc<Self>,
        state: SessionState,
        frame: DataFrame,
    ) -> Result<DataFrame> {
        let schema = Arc::new(frame.schema().clone());
        let plan = frame.create_physical_plan().await?;
        let guard = GuardExec {
            plan,
            transaction: Arc::clone(self),
        };
        Ok(planned_frame(state, schema, Arc::new(guard)))
    }
}

/// Passes on what its plan returns. The plan is not among its children: no rule is to change it again.
#[derive(Debug)]
struct GuardExec {
    plan: Arc<dyn ExecutionPlan>,
    transaction: Arc<Transaction>,
}

impl DisplayAs for GuardExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InTransactionExec")
    }
}

impl ExecutionPlan for GuardExec {
    fn name(&self) -> &str {
        "InTransactionExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.plan.properties()
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
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn replace_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let transaction = Arc::clone(&self.transaction);
        let rows = match self.plan.execute(partition, context) {
            Ok(rows) => rows,
            Err(error) => {
                transaction.fail();
                return Err(error);
            }
        };
        let schema = rows.schema();
        let rows = rows.inspect(move |batch| {
            if batch.is_err() {
                transaction.fail();
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
