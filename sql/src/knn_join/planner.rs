//! From the logical node to the operator.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::Result;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::node::{DISTANCE, KnnJoinNode};
use crate::exec::{KnnJoin, KnnJoinExec};

/// Plans kNN joins, and nothing else: for a [`DefaultPhysicalPlanner`](datafusion::physical_planner::DefaultPhysicalPlanner) of a program's own.
#[derive(Debug, Default)]
pub struct KnnJoinPlanner;

#[async_trait]
impl ExtensionPlanner for KnnJoinPlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        planning: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let (Some(node), [logical_left, logical_right], [left, right]) = (
            node.as_any().downcast_ref::<KnnJoinNode>(),
            logical_inputs,
            physical_inputs,
        ) else {
            return Ok(None);
        };
        let (query, vector) = node.sides()?;
        let both = logical_left.schema().join(logical_right.schema())?;
        let join = KnnJoin {
            label: node.label()?,
            metric: node.metric()?,
            query: planner.create_physical_expr(query, logical_left.schema(), session, planning)?,
            vector: planner.create_physical_expr(
                vector,
                logical_right.schema(),
                session,
                planning,
            )?,
            distance: planner.create_physical_expr(&node.distance(), &both, session, planning)?,
            distance_name: DISTANCE.to_string(),
            k: node.k(),
            order: node.order(),
            join_type: node.join_type(),
        };
        let exec = KnnJoinExec::try_new(Arc::clone(left), Arc::clone(right), join)?;
        Ok(Some(Arc::new(exec)))
    }
}
