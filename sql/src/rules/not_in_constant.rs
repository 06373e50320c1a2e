//! `constant NOT IN (subquery)` in filters.
//!
//! DataFusion makes an anti join of it whose condition is on one side alone, and forgets that a NULL among the subquery's rows makes
//! the condition NULL: it would let every row through. Rewritten before, as
//!
//! ```text
//! WHERE 0 NOT IN (SELECT id FROM t)   =>   WHERE NOT EXISTS (SELECT id FROM t WHERE (id = 0) IS NOT FALSE)
//! ```
//!
//! which is the same where a filter is concerned: NULL and false both leave the row out.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::{
    BinaryExpr, Expr, Filter, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, binary_expr,
};
use datafusion::optimizer::AnalyzerRule;

use crate::types::has_subquery;

/// Rewrites such conditions; see the module.
#[derive(Debug, Default)]
pub struct NotInConstant;

impl AnalyzerRule for NotInConstant {
    fn name(&self) -> &str {
        "not_in_constant"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_down_with_subqueries(|part| match part {
            LogicalPlan::Filter(filter) if has_subquery(&filter.predicate) => {
                let predicate = rewritten(filter.predicate)?;
                let changed = predicate.transformed;
                let filter = LogicalPlan::Filter(Filter::try_new(predicate.data, filter.input)?);
                Ok(match changed {
                    true => Transformed::yes(filter),
                    false => Transformed::no(filter),
                })
            }
            other => Ok(Transformed::no(other)),
        })
        .data()
    }
}

/// A filter's condition. NULL may become false below AND and OR, and nowhere else.
fn rewritten(condition: Expr) -> Result<Transformed<Expr>> {
    let condition = match condition {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if matches!(op, Operator::And | Operator::Or) =>
        {
            let (left, right) = (rewritten(*left)?, rewritten(*right)?);
            let changed = left.transformed || right.transformed;
            let both = binary_expr(left.data, op, right.data);
            return Ok(match changed {
                true => Transformed::yes(both),
                false => Transformed::no(both),
            });
        }
        other => other,
    };
    match as_not_in(condition) {
        Ok(call) => Ok(Transformed::yes(not_exists(call)?)),
        Err(other) => Ok(Transformed::no(*other)),
    }
}

/// The condition, if it is one of these.
fn as_not_in(condition: Expr) -> std::result::Result<InSubquery, Box<Expr>> {
    let is_constant = |expr: &Expr| expr.column_refs().is_empty() && !has_subquery(expr);
    match condition {
        Expr::InSubquery(call) if call.negated && is_constant(&call.expr) => Ok(call),
        Expr::Not(inner) => match *inner {
            Expr::InSubquery(call) if !call.negated && is_constant(&call.expr) => Ok(call),
            other => Err(Box::new(Expr::Not(Box::new(other)))),
        },
        other => Err(Box::new(other)),
    }
}

fn not_exists(call: InSubquery) -> Result<Expr> {
    let plan = Arc::unwrap_or_clone(call.subquery.subquery);
    let (qualifier, field) = plan.schema().qualified_field(0);
    let value = Expr::Column(Column::from((qualifier, field)));
    let same = binary_expr(value, Operator::Eq, *call.expr);
    let plan = LogicalPlanBuilder::from(plan)
        .filter(same.is_not_false())?
        .build()?;
    Ok(Expr::Exists(Exists {
        subquery: Subquery {
            subquery: Arc::new(plan),
            ..call.subquery
        },
        negated: true,
    }))
}
