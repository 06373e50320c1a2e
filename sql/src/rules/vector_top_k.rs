//! `ORDER BY <distance> LIMIT k`: tells the scan that only the nearest rows are wanted.
//!
//! Matches
//!
//! ```text
//! Sort: l2_distance(t.v, q) [, more keys], fetch=k        key: a distance between one column and
//!   (Projection | SubqueryAlias)*                         a query without columns, or a monotone
//!     TableScan: t, full_filters=[..]                     wrapper: alias, cast, -d, c*d, d+c, sqrt(d),
//!                                                         1 - cosine_distance
//! ```
//!
//! and changes nothing but the scan (and takes away a Limit right above that returns as many rows):
//!
//! ```text
//!     TableScan: t, full_filters=[.., knn(l2_distance(t.v, q), k, desc, nulls first, ties)]
//! ```
//!
//! The Sort stays, and with it its fetch, so whatever superset of the nearest rows the scan returns, the
//! answer is DataFusion's. The preserved side of a LEFT or RIGHT JOIN may stand in between: each of
//! its rows comes out at least once. A table says that it understands `knn` by answering `Exact` for it;
//! others are left alone. Refused: no fetch; anything that adds, drops or reorders rows in
//! between (a filter that the scan does not take, limit, join, aggregate, window, union); a query
//! that is volatile, has columns or is a subquery (see [`PhysicalTopK`](super::PhysicalTopK));
//! further sort keys under a wrapper, since rounding could make new ties.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    Expr, FetchType, Join, JoinType, Limit, LogicalPlan, SkipType, Sort,
    TableProviderFilterPushDown, TableScan, lit,
};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use ogive_udfs::{is_knn, knn_udf, metric_of, unbound};

use super::key_once::compute_key_below;
use super::wrapper::{Key, strip};

/// The rule.
#[derive(Debug, Default)]
pub struct VectorTopK;

impl OptimizerRule for VectorTopK {
    fn name(&self) -> &str {
        "vector_top_k"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let sort = match &plan {
            LogicalPlan::Sort(sort) => sort,
            LogicalPlan::Limit(limit) => match needless(limit)? {
                Some(sort) => sort,
                None => return Ok(Transformed::no(plan)),
            },
            _ => return Ok(Transformed::no(plan)),
        };
        if !crate::settings::is_enabled(&config.options()) {
            return Ok(Transformed::no(plan));
        }
        match request(sort)? {
            Some(input) => Ok(Transformed::yes(LogicalPlan::Sort(Sort {
                expr: sort.expr.clone(),
                input: Arc::new(input),
                fetch: sort.fetch,
            }))),
            None if matches!(plan, LogicalPlan::Limit(_)) || is_marked(&sort.input) => {
                Ok(Transformed::no(plan))
            }
            None => Ok(match compute_key_below(sort)? {
                None => Transformed::no(plan),
                Some(rewritten) => Transformed::yes(rewritten),
            }),
        }
    }
}

/// The sort below a limit, if it returns no more rows than the limit itself. `PushDownLimit` leaves such a limit for its next
/// pass; taken away with the request, it saves one of three passes over most searches.
fn needless(limit: &Limit) -> Result<Option<&Sort>> {
    let LogicalPlan::Sort(sort) = limit.input.as_ref() else {
        return Ok(None);
    };
    let (SkipType::Literal(0), FetchType::Literal(Some(fetch))) =
        (limit.get_skip_type()?, limit.get_fetch_type()?)
    else {
        return Ok(None);
    };
    Ok((sort.fetch == Some(fetch)).then_some(sort))
}

/// Whether the scan below a sort has its request already: from an earlier pass of the optimizer.
pub(crate) fn is_marked(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::TableScan(scan) => scan.filters.iter().any(is_marker),
        LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) => {
            plan.inputs().into_iter().any(is_marked)
        }
        LogicalPlan::Join(join) => preserved_side(join).is_some_and(is_marked),
        _ => false,
    }
}

fn is_marker(filter: &Expr) -> bool {
    matches!(filter, Expr::ScalarFunction(call) if is_knn(&call.func))
}

/// The sort's input with the request in its scan; `None` when the shape does not match.
fn request(sort: &Sort) -> Result<Option<LogicalPlan>> {
    let (Some(k), Some(first)) = (sort.fetch, sort.expr.first()) else {
        return Ok(None);
    };
    if k == 0 {
        return Ok(None);
    }
    let Some(resolved) = resolve(&first.expr, &sort.input) else {
        return Ok(None);
    };
    let Some(Key {
        distance,
        descending,
        exact,
    }) = strip(&resolved, !first.asc)
    else {
        return Ok(None);
    };
    let ties = sort.expr.len() > 1;
    if (ties && !exact) || !is_searchable(&distance) {
        return Ok(None);
    }
    let marker = Expr::ScalarFunction(ScalarFunction::new_udf(
        knn_udf(),
        vec![
            Expr::ScalarFunction(distance),
            lit(ScalarValue::Int64(i64::try_from(k).ok())),
            lit(descending),
            lit(first.nulls_first),
            lit(ties),
        ],
    ));
    mark(&sort.input, &marker)
}

/// One side a column, the other without columns, the same every time.
fn is_searchable(distance: &ScalarFunction) -> bool {
    let distance = unbound(distance);
    let [left, right] = distance.args.as_slice() else {
        return false;
    };
    let query = match (left, right) {
        (Expr::Column(_), query) | (query, Expr::Column(_)) => query,
        _ => return false,
    };
    metric_of(&distance.func).is_some()
        && query.column_refs().is_empty()
        && !query.is_volatile()
        && !crate::types::has_subquery(query)
}

/// An expression over a plan's output in terms of the scan below it.
fn resolve(expr: &Expr, plan: &LogicalPlan) -> Option<Expr> {
    use datafusion::common::tree_node::TreeNode;

    let step = |replace: &dyn Fn(&Column) -> Option<Expr>| {
        let mut known = true;
        let replaced = expr
            .clone()
            .transform(|node| {
                let Expr::Column(column) = &node else {
                    return Ok(Transformed::no(node));
                };
                Ok(match replace(column) {
                    Some(inner) => Transformed::yes(inner),
                    None => {
                        known = false;
                        Transformed::no(node)
                    }
                })
            })
            .ok()?
            .data;
        known.then_some(replaced)
    };
    match plan {
        LogicalPlan::TableScan(_) => Some(expr.clone()),
        LogicalPlan::Projection(projection) => {
            let inner = step(&|column| {
                let index = projection.schema.maybe_index_of_column(column)?;
                Some(projection.expr.get(index)?.clone().unalias_nested().data)
            })?;
            resolve(&inner, &projection.input)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let inner = step(&|column| {
                let index = alias.schema.maybe_index_of_column(column)?;
                Some(Expr::Column(Column::from(
                    alias.input.schema().qualified_field(index),
                )))
            })?;
            resolve(&inner, &alias.input)
        }
        LogicalPlan::Join(join) => {
            let side = preserved_side(join)?;
            let known = |column: &&Column| side.schema().has_column(column);
            if !expr.column_refs().iter().all(known) {
                return None;
            }
            resolve(expr, side)
        }
        _ => None,
    }
}

/// The side of an outer join all of whose rows come out, each at least once: the `k` nearest of its
/// rows give at least `k` rows, none farther than a row of another.
fn preserved_side(join: &Join) -> Option<&LogicalPlan> {
    match join.join_type {
        JoinType::Left => Some(&join.left),
        JoinType::Right => Some(&join.right),
        _ => None,
    }
}

/// The plan with the marker in its scan's filters.
fn mark(plan: &LogicalPlan, marker: &Expr) -> Result<Option<LogicalPlan>> {
    match plan {
        LogicalPlan::TableScan(scan) => mark_scan(scan, marker),
        LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) => {
            let inputs = plan.inputs();
            let [input] = inputs.as_slice() else {
                return Ok(None);
            };
            let Some(input) = mark(input, marker)? else {
                return Ok(None);
            };
            Ok(Some(plan.with_new_exprs(plan.expressions(), vec![input])?))
        }
        LogicalPlan::Join(join) => {
            let Some(side) = preserved_side(join) else {
                return Ok(None);
            };
            let Some(marked) = mark(side, marker)? else {
                return Ok(None);
            };
            let mut join = join.clone();
            match join.join_type {
                JoinType::Right => join.right = Arc::new(marked),
                _ => join.left = Arc::new(marked),
            }
            Ok(Some(LogicalPlan::Join(join)))
        }
        _ => Ok(None),
    }
}

fn mark_scan(scan: &TableScan, marker: &Expr) -> Result<Option<LogicalPlan>> {
    // The optimizer runs every rule several times. A limit on the scan counts rows before the sort.
    if scan.filters.iter().any(is_marker) || scan.fetch.is_some() {
        return Ok(None);
    }
    let Ok(provider) = source_as_provider(&scan.source) else {
        return Ok(None);
    };
    let mut filters: Vec<&Expr> = scan.filters.iter().collect();
    filters.push(marker);
    let supported = provider.supports_filters_pushdown(&filters)?;
    if !supported
        .iter()
        .all(|answer| *answer == TableProviderFilterPushDown::Exact)
    {
        return Ok(None);
    }
    let mut marked = scan.clone();
    marked.filters.push(marker.clone());
    Ok(Some(LogicalPlan::TableScan(marked)))
}
