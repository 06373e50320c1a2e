//! From logical plans to operators: the one query planner, with the planners of ogive's nodes.

mod search_plan;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner};

use crate::dml::{DmlPlanner, refuse_lost_conditions};
use crate::exec::PlannedPlanner;
use crate::knn_join::KnnJoinPlanner;

/// DataFusion's planner with those of ogive's nodes, and with a shorter way to the plan of a search and nothing else. A session
/// has one place for such a planner.
#[derive(Debug, Default)]
pub struct OgiveQueryPlanner;

#[async_trait]
impl QueryPlanner for OgiveQueryPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        refuse_lost_conditions(plan)?;
        let nodes: Vec<Arc<dyn ExtensionPlanner + Send + Sync>> = vec![
            Arc::new(KnnJoinPlanner),
            Arc::new(DmlPlanner),
            Arc::new(PlannedPlanner),
        ];
        let planner = DefaultPhysicalPlanner::with_extension_planners(nodes);
        search_plan::create_physical_plan(&planner, plan, session).await
    }
}
