//! An aggregate over rows that are compared with the row outside, as a value.
//!
//! ```text
//! SELECT q.id, (SELECT min(d.v <-> q.v) FROM d WHERE d.id <> q.id) FROM q
//!
//! Projection: q.id, __aggregate_0
//!   Projection: q.*, min(..) AS __aggregate_0
//!     Aggregate: GROUP BY q.*, __outer_row; min(d.v <-> q.v) FILTER (WHERE __matched)
//!       Left Join: d.id <> q.id
//!         WindowAggr: row_number() AS __outer_row
//!           q
//!         Projection: d.*, true AS __matched
//!           d
//! ```
//!
//! Taken: subqueries of one aggregate without groups over filters, in a select list or a condition. Left to DataFusion: those that it has
//! a join for, whose aggregates are of the inner rows alone and whose conditions on the row outside are all equal signs.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, lit,
};

use super::lateral::{Env, refers_to, unambiguous};

const ROW: &str = "__outer_row";
const MATCHED: &str = "__matched";

/// A projection or a filter with such subqueries as columns of its input; other nodes stay as they are.
pub(super) fn aggregate_scalars(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let input = match &node {
        LogicalPlan::Projection(projection) => &projection.input,
        LogicalPlan::Filter(filter) => &filter.input,
        _ => return Ok(Transformed::no(node)),
    };
    let columns = input.schema().columns();
    let mut input = Arc::clone(input);
    let mut count = 0;
    let names = NamePreserver::new(&node);
    let exprs = node
        .expressions()
        .into_iter()
        .map(|expr| {
            let name = names.save(&expr);
            let replaced = expr.transform_down(|part| {
                let Expr::ScalarSubquery(subquery) = &part else {
                    return Ok(Transformed::no(part));
                };
                let value = format!("__aggregate_{count}");
                let Some(with_value) = aggregated(&input, subquery, &value)? else {
                    return Ok(Transformed::new(part, false, TreeNodeRecursion::Jump));
                };
                input = Arc::new(with_value);
                count += 1;
                let value = Expr::Column(Column::new_unqualified(value));
                Ok(Transformed::new(value, true, TreeNodeRecursion::Jump))
            });
            Ok(name.restore(replaced.data()?))
        })
        .collect::<Result<Vec<_>>>()?;
    if count == 0 {
        return Ok(Transformed::no(node));
    }
    let is_filter = matches!(node, LogicalPlan::Filter(_));
    let node = node.with_new_exprs(exprs, vec![Arc::unwrap_or_clone(input)])?;
    if !is_filter {
        return Ok(Transformed::yes(node));
    }
    LogicalPlanBuilder::from(node)
        .project(columns.into_iter().map(Expr::Column))?
        .build()
        .map(Transformed::yes)
}

/// The left with the subquery's value as a last column; `None` where the subquery is of another shape.
fn aggregated(
    left: &Arc<LogicalPlan>,
    subquery: &Subquery,
    value: &str,
) -> Result<Option<LogicalPlan>> {
    if subquery.outer_ref_columns.is_empty() {
        return Ok(None);
    }
    let Some((top, aggregate)) = aggregate_of(&subquery.subquery) else {
        return Ok(None);
    };
    let schema = left.schema();
    let mut inner = aggregate.input.as_ref();
    let mut conditions = Vec::new();
    while let LogicalPlan::Filter(filter) = inner {
        conditions.extend(split_conjunction_owned(filter.predicate.clone()));
        inner = filter.input.as_ref();
    }
    let in_arguments = aggregate.aggr_expr.iter().any(Expr::contains_outer);
    let is_compared = |condition: &Expr| condition.contains_outer() && !is_equality(condition);
    if !in_arguments && !conditions.iter().any(is_compared) || refers_to(inner, schema)? {
        return Ok(None);
    }
    let (plan, columns) = unambiguous(inner, schema)?;
    let mut projected = columns.clone();
    projected.push(lit(true).alias(MATCHED));
    let mut env = Env {
        left: schema,
        columns,
    };
    let mut predicates = Vec::new();
    for condition in &conditions {
        let Some(condition) = env.resolve(condition, inner.schema())? else {
            return Ok(None);
        };
        predicates.push(condition);
    }
    if predicates.is_empty() {
        // A cross join keeps no rows of the left.
        predicates.push(lit(true));
    }
    let mut calls = Vec::new();
    let mut results = Vec::new();
    for (number, call) in aggregate.aggr_expr.iter().enumerate() {
        let call = env.resolve(call, aggregate.input.schema())?;
        let Some(Expr::AggregateFunction(mut call)) = call.map(Expr::unalias) else {
            return Ok(None);
        };
        let matched = Expr::Column(Column::new_unqualified(MATCHED)).is_true();
        call.params.filter = Some(Box::new(match call.params.filter {
            Some(filter) => matched.and(*filter),
            None => matched,
        }));
        let name = format!("{value}_{number}");
        calls.push(Expr::AggregateFunction(call).alias(&name));
        results.push(Expr::Column(Column::new_unqualified(name)));
    }
    env.columns = results;
    let Some(result) = env.resolve(&top, &aggregate.schema)? else {
        return Ok(None);
    };
    let outside = || schema.columns().into_iter().map(Expr::Column);
    let right = LogicalPlanBuilder::from(plan).project(projected)?.build()?;
    let row = Expr::Column(Column::new_unqualified(ROW));
    LogicalPlanBuilder::from(left.as_ref().clone())
        .window([row_number().alias(ROW)])?
        .join_on(right, JoinType::Left, predicates)?
        .aggregate(outside().chain([row]), calls)?
        .project(outside().chain([result.alias(value)]))?
        .build()
        .map(Some)
}

/// The aggregate of a subquery, and what it gives over the aggregate's columns.
fn aggregate_of(plan: &LogicalPlan) -> Option<(Expr, &Aggregate)> {
    match plan {
        LogicalPlan::SubqueryAlias(alias) => aggregate_of(&alias.input),
        LogicalPlan::Projection(projection) => {
            let ([expr], LogicalPlan::Aggregate(aggregate)) =
                (projection.expr.as_slice(), projection.input.as_ref())
            else {
                return None;
            };
            aggregate
                .group_expr
                .is_empty()
                .then(|| (expr.clone(), aggregate))
        }
        LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.is_empty() => {
            let column = aggregate.schema.columns().into_iter().next()?;
            Some((Expr::Column(column), aggregate))
        }
        _ => None,
    }
}

fn is_equality(condition: &Expr) -> bool {
    matches!(
        condition,
        Expr::BinaryExpr(BinaryExpr {
            op: Operator::Eq,
            ..
        })
    )
}
