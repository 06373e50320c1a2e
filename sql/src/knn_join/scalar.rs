//! The nearest row's column as a value.
//!
//! ```text
//! SELECT q.id, (SELECT d.id FROM d ORDER BY d.v <-> q.v LIMIT 1) FROM q
//! ```
//!
//! is the same as a left join with the subquery as its lateral right side: with `LIMIT 1` each row of the left has one
//! partner, or NULL.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinConstraint, JoinType, NullEquality, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::{
    Expr, FetchType, Join, LogicalPlan, LogicalPlanBuilder, Projection,
};

use super::lateral::take_apart;

/// A projection with such subqueries over joins in their place; `None` when it has none.
pub(super) fn join_scalars(projection: &Projection) -> Result<Option<LogicalPlan>> {
    let mut input = Arc::clone(&projection.input);
    let mut count = 0;
    let names = NamePreserver::new_for_projection();
    let exprs = projection
        .expr
        .iter()
        .map(|expr| {
            let name = names.save(expr);
            let replaced = expr.clone().transform_down(|node| {
                let Expr::ScalarSubquery(subquery) = &node else {
                    return Ok(Transformed::no(node));
                };
                let alias = format!("__nearest_{count}");
                let Some((join, column)) = joined(&input, subquery, &alias)? else {
                    return Ok(Transformed::new(node, false, TreeNodeRecursion::Jump));
                };
                input = Arc::new(join);
                count += 1;
                Ok(Transformed::new(
                    Expr::Column(column),
                    true,
                    TreeNodeRecursion::Jump,
                ))
            });
            Ok(name.restore(replaced.data()?))
        })
        .collect::<Result<Vec<_>>>()?;
    if count == 0 {
        return Ok(None);
    }
    LogicalPlanBuilder::from(Arc::unwrap_or_clone(input))
        .project(exprs)?
        .build()
        .map(Some)
}

/// The left joined with a subquery of one row, and the column that the subquery's value is in.
fn joined(
    left: &Arc<LogicalPlan>,
    subquery: &Subquery,
    alias: &str,
) -> Result<Option<(LogicalPlan, Column)>> {
    if subquery.outer_ref_columns.is_empty() || !is_one_row(&subquery.subquery)? {
        return Ok(None);
    }
    let right = LogicalPlanBuilder::from(LogicalPlan::Subquery(subquery.clone()))
        .alias(alias)?
        .build()?;
    let [field] = right.schema().fields().as_ref() else {
        return Ok(None);
    };
    let column = Column::new(Some(alias), field.name());
    let join = Join::try_new(
        Arc::clone(left),
        Arc::new(right),
        Vec::new(),
        None,
        JoinType::Left,
        JoinConstraint::On,
        NullEquality::NullEqualsNothing,
        false,
    )?;
    // Any row, as without an order, is not the nearest.
    Ok(take_apart(&join)?
        .is_some_and(|lateral| !lateral.keys.is_empty())
        .then_some((LogicalPlan::Join(join), column)))
}

fn is_one_row(plan: &LogicalPlan) -> Result<bool> {
    Ok(match plan {
        LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) => plan
            .inputs()
            .into_iter()
            .map(is_one_row)
            .next()
            .unwrap_or(Ok(false))?,
        LogicalPlan::Limit(limit) => matches!(limit.get_fetch_type()?, FetchType::Literal(Some(1))),
        _ => false,
    })
}
