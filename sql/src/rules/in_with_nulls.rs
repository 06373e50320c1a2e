//! `x IN (subquery)` where it may be NULL, and subqueries outside of filters.
//!
//! DataFusion makes a mark join of an `IN` that is not a whole condition, and its mark is never NULL: `NOT (x IN ..)` under OR would let
//! rows through that PostgreSQL keeps out. So before it does,
//!
//! ```text
//! x IN (S)       =>  CASE WHEN x IN (S) THEN true
//!                         WHEN x IS NULL AND EXISTS (S) OR EXISTS (S WHERE s IS NULL) THEN NULL
//!                         ELSE false END
//! x NOT IN (S)   =>  NOT (the same)
//! ```
//!
//! with the parts only that can be NULL by what the columns are declared as. Left alone: a whole condition of a filter without a
//! correlated subquery (DataFusion's semi and anti joins are right), and an `IN` below nothing but AND and OR of a filter, where NULL
//! and false come to the same.
//!
//! DataFusion plans `IN` and `EXISTS` in filters alone. In a select list, a grouping or a sort key they become
//! columns of mark joins here:
//!
//! ```text
//! Projection: x IN (S)        =>   Projection: __in_1.mark
//!   t                                LeftMark Join: x = __in_1.s
//!                                      t
//!                                      SubqueryAlias: __in_1
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, JoinType, Result, ScalarValue};
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, Filter, LogicalPlan, LogicalPlanBuilder, Operator, Subquery,
    binary_expr, lit, not, when,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::decorrelate::PullUpCorrelatedExpr;

/// Rewrites such subqueries; see the module.
#[derive(Debug, Default)]
pub struct InWithNulls;

impl AnalyzerRule for InWithNulls {
    fn name(&self) -> &str {
        "in_with_nulls"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let mut aliases = 0;
        let rewritten = plan.transform_up_with_subqueries(|node| {
            if !node.expressions().iter().any(has_predicate) {
                return Ok(Transformed::no(node));
            }
            match node {
                LogicalPlan::Filter(filter) => {
                    let input = filter.input;
                    let predicate = in_filter(filter.predicate, &input, true)?;
                    let filter = Filter::try_new(predicate, input)?;
                    Ok(Transformed::yes(LogicalPlan::Filter(filter)))
                }
                LogicalPlan::Projection(_)
                | LogicalPlan::Aggregate(_)
                | LogicalPlan::Window(_)
                | LogicalPlan::Sort(_) => with_marks(node, &mut aliases),
                LogicalPlan::Join(join) if join.join_type == JoinType::Inner => match join.filter {
                    Some(condition) if has_predicate(&condition) => {
                        let joined = LogicalPlan::Join(datafusion::logical_expr::Join {
                            filter: None,
                            ..join
                        });
                        let condition = in_filter(condition, &joined, true)?;
                        let filter = Filter::try_new(condition, Arc::new(joined))?;
                        Ok(Transformed::yes(LogicalPlan::Filter(filter)))
                    }
                    _ => Ok(Transformed::no(LogicalPlan::Join(join))),
                },
                other => Ok(Transformed::no(other)),
            }
        })?;
        if !rewritten.transformed {
            return Ok(rewritten.data);
        }
        // Columns may be NULL now that could not be before.
        rewritten
            .data
            .transform_up_with_subqueries(|node| node.recompute_schema().map(Transformed::yes))
            .data()
    }
}

fn is_predicate(expr: &Expr) -> bool {
    matches!(expr, Expr::InSubquery(_) | Expr::Exists(_))
}

fn has_predicate(expr: &Expr) -> bool {
    expr.exists(|part| Ok(is_predicate(part))).unwrap_or(true)
}

/// A filter's condition, or a part of it below AND and OR alone. `is_whole` below nothing but AND.
fn in_filter(condition: Expr, input: &LogicalPlan, is_whole: bool) -> Result<Expr> {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if matches!(op, Operator::And | Operator::Or) =>
        {
            let is_whole = is_whole && op == Operator::And;
            let left = in_filter(*left, input, is_whole)?;
            let right = in_filter(*right, input, is_whole)?;
            Ok(binary_expr(left, op, right))
        }
        Expr::InSubquery(call) if !call.negated || is_whole && !is_correlated(&call.subquery) => {
            Ok(Expr::InSubquery(call))
        }
        Expr::Not(inner) => match *inner {
            Expr::InSubquery(call) => {
                let negated = !call.negated;
                in_filter(
                    Expr::InSubquery(InSubquery { negated, ..call }),
                    input,
                    is_whole,
                )
            }
            other => three_valued(not(other), input),
        },
        other => three_valued(other, input),
    }
}

fn is_correlated(subquery: &Subquery) -> bool {
    !subquery.outer_ref_columns.is_empty()
}

/// The expression with every `IN` in it as the module says.
fn three_valued(expr: Expr, input: &LogicalPlan) -> Result<Expr> {
    expr.transform_up(|part| match part {
        Expr::InSubquery(call) => in_three_values(call, input),
        other => Ok(Transformed::no(other)),
    })
    .data()
}

fn in_three_values(call: InSubquery, input: &LogicalPlan) -> Result<Transformed<Expr>> {
    let plan = &call.subquery.subquery;
    let (qualifier, field) = plan.schema().qualified_field(0);
    let value = Expr::Column(Column::from((qualifier, field)));
    let mut unknown = Vec::new();
    if call.expr.nullable(input.schema()).unwrap_or(true) {
        let some = exists(&call.subquery, plan.as_ref().clone())?;
        unknown.push(call.expr.as_ref().clone().is_null().and(some));
    }
    if field.is_nullable() {
        let nulls = LogicalPlanBuilder::from(plan.as_ref().clone())
            .filter(value.is_null())?
            .build()?;
        unknown.push(exists(&call.subquery, nulls)?);
    }
    let Some(unknown) = unknown.into_iter().reduce(Expr::or) else {
        return Ok(Transformed::no(Expr::InSubquery(call)));
    };
    let negated = call.negated;
    let found = Expr::InSubquery(InSubquery {
        negated: false,
        ..call
    });
    let null = lit(ScalarValue::Boolean(None));
    let three = when(found, lit(true))
        .when(unknown, null)
        .otherwise(lit(false))?;
    Ok(Transformed::yes(match negated {
        true => not(three),
        false => three,
    }))
}

/// Whether `plan` has a row. One is enough, where the row outside does not matter.
fn exists(like: &Subquery, plan: LogicalPlan) -> Result<Expr> {
    let plan = match is_correlated(like) {
        true => plan,
        false => LogicalPlanBuilder::from(plan).limit(0, Some(1))?.build()?,
    };
    Ok(Expr::Exists(Exists {
        subquery: Subquery {
            subquery: Arc::new(plan),
            ..like.clone()
        },
        negated: false,
    }))
}

/// The node over mark joins of its one input.
fn with_marks(node: LogicalPlan, aliases: &mut usize) -> Result<Transformed<LogicalPlan>> {
    let [input] = node.inputs()[..] else {
        return Ok(Transformed::no(node));
    };
    let columns = node.schema().columns();
    let mut input = input.clone();
    let names = NamePreserver::new(&node);
    let mut changed = false;
    let exprs = node
        .expressions()
        .into_iter()
        .map(|expr| {
            if !has_predicate(&expr) {
                return Ok(expr);
            }
            let name = names.save(&expr);
            let marked = three_valued(expr, &input)?.transform_up(|part| {
                let (subquery, value, negated) = match &part {
                    Expr::InSubquery(call) => (&call.subquery, Some(&call.expr), call.negated),
                    Expr::Exists(call) => (&call.subquery, None, call.negated),
                    _ => return Ok(Transformed::no(part)),
                };
                *aliases += 1;
                let alias = format!("__in_{aliases}");
                let Some(joined) = mark_join(&input, subquery, value.map(AsRef::as_ref), &alias)?
                else {
                    return Ok(Transformed::no(part));
                };
                input = joined;
                changed = true;
                let mark = Expr::Column(Column::new(Some(alias), "mark"));
                Ok(Transformed::yes(match negated {
                    true => not(mark),
                    false => mark,
                }))
            })?;
            Ok(name.restore(marked.data))
        })
        .collect::<Result<Vec<_>>>()?;
    if !changed {
        return Ok(Transformed::no(node));
    }
    let passes_all_on = matches!(node, LogicalPlan::Sort(_) | LogicalPlan::Window(_));
    let node = node.with_new_exprs(exprs, vec![input])?;
    if !passes_all_on {
        return Ok(Transformed::yes(node));
    }
    LogicalPlanBuilder::from(node)
        .project(columns.into_iter().map(Expr::Column))?
        .build()
        .map(Transformed::yes)
}

/// The rows of `left`, each with a mark whether a row of the subquery belongs to it. `None` where the subquery refers to the row
/// outside in a way that no join has.
fn mark_join(
    left: &LogicalPlan,
    subquery: &Subquery,
    value: Option<&Expr>,
    alias: &str,
) -> Result<Option<LogicalPlan>> {
    let predicate = match value {
        None => None,
        Some(value) => {
            let plan = &subquery.subquery;
            let (qualifier, field) = plan.schema().qualified_field(0);
            Some((
                value
                    .clone()
                    .eq(Expr::Column(Column::from((qualifier, field)))),
                value.clone(),
                Column::new(Some(alias), field.name()),
            ))
        }
    };
    let mut pulled = PullUpCorrelatedExpr::new()
        .with_in_predicate_opt(predicate.as_ref().map(|(whole, ..)| whole.clone()))
        .with_exists_sub_query(predicate.is_none());
    let plan = Arc::clone(&subquery.subquery);
    let plan = Arc::unwrap_or_clone(plan).rewrite(&mut pulled).data()?;
    if !pulled.can_pull_up {
        return Ok(None);
    }
    let right = LogicalPlanBuilder::from(plan).alias(alias)?.build()?;
    let inner: BTreeSet<&Column> = pulled
        .correlated_subquery_cols_map
        .values()
        .flatten()
        .collect();
    let filters = pulled.join_filters.into_iter().map(|filter| {
        filter
            .transform(|part| match part {
                Expr::Column(column) if inner.contains(&column) => Ok(Transformed::yes(
                    Expr::Column(Column::new(Some(alias), column.name)),
                )),
                other => Ok(Transformed::no(other)),
            })
            .data()
    });
    let same = predicate.map(|(_, value, column)| Ok(value.eq(Expr::Column(column))));
    let filters = same
        .into_iter()
        .chain(filters)
        .collect::<Result<Vec<_>>>()?;
    let condition = conjunction(filters).unwrap_or_else(|| lit(true));
    LogicalPlanBuilder::from(left.clone())
        .join_on(right, JoinType::LeftMark, Some(condition))?
        .build()
        .map(Some)
}
