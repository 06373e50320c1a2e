//! Plans that exist already, as a query of a frame: no rule looks at them again.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchemaRef, Result};
use datafusion::dataframe::DataFrame;
use datafusion::execution::SessionState;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

/// A frame that runs a plan, which must have no children: those of others are hidden in it.
pub(crate) fn planned_frame(
    state: SessionState,
    schema: DFSchemaRef,
    exec: Arc<dyn ExecutionPlan>,
) -> DataFrame {
    let node = LogicalPlan::Extension(Extension {
        node: Arc::new(PlannedNode { schema, exec }),
    });
    DataFrame::new(state, node)
}

/// A plan in the place of a query.
#[derive(Debug, Clone)]
struct PlannedNode {
    schema: DFSchemaRef,
    exec: Arc<dyn ExecutionPlan>,
}

impl PartialEq for PlannedNode {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.exec, &other.exec)
    }
}

impl Eq for PlannedNode {}

impl Hash for PlannedNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.exec).hash(state);
    }
}

impl PartialOrd for PlannedNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for PlannedNode {
    fn name(&self) -> &str {
        "Planned"
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
        write!(f, "Planned: {}", self.exec.name())
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, _: Vec<LogicalPlan>) -> Result<Self> {
        Ok(self.clone())
    }
}

/// Plans such a node: it is planned already.
#[derive(Debug, Default)]
pub(crate) struct PlannedPlanner;

#[async_trait]
impl ExtensionPlanner for PlannedPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        _physical_inputs: &[Arc<dyn ExecutionPlan>],
        _session: &dyn Session,
        _planning: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let node = node.as_any().downcast_ref::<PlannedNode>();
        Ok(node.map(|node| Arc::clone(&node.exec)))
    }
}
