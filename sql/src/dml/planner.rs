//! From the logical node to the operator.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::Result;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::conflict::{Conflict, OnConflictExec};
use super::exec::DmlExec;
use super::node::{DmlNode, Operation};

/// Plans changes of rows, and nothing else.
#[derive(Debug, Default)]
pub(crate) struct DmlPlanner;

#[async_trait]
impl ExtensionPlanner for DmlPlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        planning: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<DmlNode>() else {
            return Ok(None);
        };
        let conflict = match (node.operation(), logical_inputs) {
            (Operation::Insert(Some(Conflict { keys, update })), [rows, target, ..]) => {
                let schema = target.schema().join(rows.schema())?;
                let plan = |expr| planner.create_physical_expr(expr, &schema, session, planning);
                let (mut columns, mut values, mut filter) = (Vec::new(), Vec::new(), None);
                if let Some(update) = update {
                    columns = update.columns.clone();
                    values = update.values.iter().map(plan).collect::<Result<_>>()?;
                    filter = update.filter.as_ref().map(plan).transpose()?;
                }
                Some(OnConflictExec {
                    keys: keys.clone(),
                    updates: update.is_some(),
                    columns,
                    values,
                    filter,
                })
            }
            _ => None,
        };
        Ok(Some(Arc::new(DmlExec::new(
            node.operation().clone(),
            node.table().clone(),
            Arc::clone(node.store()),
            physical_inputs.to_vec(),
            conflict,
            node.changed(),
            Arc::clone(datafusion::logical_expr::UserDefinedLogicalNodeCore::schema(node).inner()),
        ))))
    }
}
