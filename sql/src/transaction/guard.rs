//! The rows of a query inside a block: an error among them fails the block, whoever collects them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchemaRef, Result};
use datafusion::dataframe::DataFrame;
use datafusion::execution::{SessionState, TaskContext};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
    SendableRecordBatchStream,
};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use futures::StreamExt;

use super::Transaction;

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
        let node = GuardNode {
            schema,
            exec: Arc::new(GuardExec {
                plan,
                transaction: Arc::clone(self),
            }),
        };
        let node = LogicalPlan::Extension(Extension {
            node: Arc::new(node),
        });
        Ok(DataFrame::new(state, node))
    }
}

/// A planned query.
#[derive(Debug, Clone)]
struct GuardNode {
    schema: DFSchemaRef,
    exec: Arc<GuardExec>,
}

impl PartialEq for GuardNode {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.exec, &other.exec)
    }
}

impl Eq for GuardNode {}

impl Hash for GuardNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.exec).hash(state);
    }
}

impl PartialOrd for GuardNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for GuardNode {
    fn name(&self) -> &str {
        "InTransaction"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        Vec::new()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "InTransaction")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, _: Vec<LogicalPlan>) -> Result<Self> {
        Ok(self.clone())
    }
}

/// Plans such a node: it is planned already.
#[derive(Debug, Default)]
pub(crate) struct GuardPlanner;

#[async_trait]
impl ExtensionPlanner for GuardPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        _physical_inputs: &[Arc<dyn ExecutionPlan>],
        _session: &dyn Session,
        _planning: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let node = node.as_any().downcast_ref::<GuardNode>();
        Ok(node.map(|node| Arc::clone(&node.exec) as Arc<dyn ExecutionPlan>))
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
