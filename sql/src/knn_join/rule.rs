//! Lateral joins with a limit, rewritten before the optimizer sees them.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Expr, Filter, Join, JoinType, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::aggregates::aggregate_scalars;
use super::lateral::{is_lateral, take_apart};
use super::operator::{Refusal, with_operator};
use super::scalar::join_scalars;
use super::window::with_window;
use crate::settings::is_enabled;

/// Gives lateral joins whose right side is limited or sorted for each row of the left a plan that runs; see the module.
///
/// It comes after type coercion and before all optimizer rules: those in between are not written to keep columns that
/// only a subquery of the right side uses.
#[derive(Debug, Clone, Copy)]
pub struct KnnJoinRule {
    operator: bool,
}

impl KnnJoinRule {
    /// With `operator`, some joins become nodes that only [`KnnJoinPlanner`](super::KnnJoinPlanner) can plan; without,
    /// all become plans of DataFusion's own nodes.
    pub fn new(operator: bool) -> Self {
        Self { operator }
    }

    fn rewrite(&self, join: &Join, options: &ConfigOptions) -> Result<Option<LogicalPlan>> {
        let Some(lateral) = take_apart(join)? else {
            return Ok(None);
        };
        if self.operator
            && is_enabled(options)
            && let Ok(plan) = with_operator(&lateral)?
        {
            return Ok(Some(plan));
        }
        with_window(lateral).map(Some)
    }
}

impl AnalyzerRule for KnnJoinRule {
    fn name(&self) -> &str {
        "knn_join"
    }

    fn analyze(&self, plan: LogicalPlan, options: &ConfigOptions) -> Result<LogicalPlan> {
        let filtered = plan.transform_down_with_subqueries(|node| {
            Ok(match filter_left(&node)? {
                Some(plan) => Transformed::yes(plan),
                None => Transformed::no(node),
            })
        })?;
        let joined = filtered.data.transform_up_with_subqueries(|node| {
            let joined = match &node {
                LogicalPlan::Projection(projection) => join_scalars(projection)?,
                _ => None,
            };
            let joined = match joined {
                Some(plan) => Transformed::yes(plan),
                None => Transformed::no(node),
            };
            joined.transform_data(aggregate_scalars)
        })?;
        let joined_any = joined.transformed;
        let rewritten = joined.data.transform_up_with_subqueries(|node| {
            let LogicalPlan::Join(join) = &node else {
                return Ok(Transformed::no(node));
            };
            Ok(match self.rewrite(join, options)? {
                Some(plan) => Transformed::yes(plan),
                None => Transformed::no(node),
            })
        })?;
        if !joined_any && !rewritten.transformed {
            return Ok(rewritten.data);
        }
        // Columns of the new plans may be nullable where those of the old ones were not, and the other way round.
        let refreshed = rewritten
            .data
            .transform_up_with_subqueries(|node| node.recompute_schema().map(Transformed::yes))?;
        Ok(refreshed.data)
    }
}

/// `WHERE` over a lateral join: what it says of the left alone goes below, where it saves whole searches. The rule that
/// does so elsewhere stops at window functions.
fn filter_left(node: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    let LogicalPlan::Filter(filter) = node else {
        return Ok(None);
    };
    let LogicalPlan::Join(join) = filter.input.as_ref() else {
        return Ok(None);
    };
    if !matches!(join.join_type, JoinType::Inner | JoinType::Left) || take_apart(join)?.is_none() {
        return Ok(None);
    }
    let left = join.left.schema();
    let (below, above): (Vec<&Expr>, Vec<&Expr>) = split_conjunction(&filter.predicate)
        .into_iter()
        .partition(|part| {
            !part.is_volatile()
                && !part.contains_outer()
                && !crate::types::has_subquery(part)
                && part
                    .column_refs()
                    .iter()
                    .all(|column| left.has_column(column))
        });
    let Some(below) = conjunction(below.into_iter().cloned()) else {
        return Ok(None);
    };
    let mut join = join.clone();
    join.left = Arc::new(LogicalPlan::Filter(Filter::try_new(below, join.left)?));
    let join = LogicalPlan::Join(join);
    Ok(Some(match conjunction(above.into_iter().cloned()) {
        None => join,
        Some(above) => LogicalPlan::Filter(Filter::try_new(above, Arc::new(join))?),
    }))
}

/// Why a lateral join is not served by the operator; `None` where it is, and where there is none to serve.
pub(crate) fn refusal(join: &Join) -> Result<Option<Refusal>> {
    if !is_lateral(&join.right) {
        return Ok(None);
    }
    Ok(match take_apart(join)? {
        Some(lateral) => with_operator(&lateral)?.err(),
        None => Some(
            "the outer table is referred to below a join, an aggregate, a window, a union or a second LIMIT, or nowhere",
        ),
    })
}
