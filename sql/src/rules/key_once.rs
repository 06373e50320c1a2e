//! `ORDER BY <distance> LIMIT k` over tables that do not answer it themselves: compute the distance
//! once.
//!
//! ```text
//! Sort: l2_distance(t.v, q), fetch=k          Projection: t.id, t.v
//!   X                                  =>       Sort: __distance, fetch=k
//!                                                 Projection: t.id, t.v, l2_distance(t.v, q) AS __distance
//!                                                   X
//! ```
//!
//! With the expression in the sort, DataFusion's top-k evaluates it twice for each batch: as the
//! key, and in the filter that it keeps tightening. The vector is also carried up to the sort
//! although nothing above needs it; as a projection below, the optimizer drops it. Nothing is done
//! to a key that is a column already, volatile, or holds a subquery.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Sort};
use ogive_udfs::metric_of;

use crate::types::has_subquery;

/// The column that the distance is computed into.
const DISTANCE: &str = "__distance";

/// The sort with its key computed below it; `None` when there is nothing to gain.
pub(super) fn compute_key_below(sort: &Sort) -> Result<Option<LogicalPlan>> {
    let (Some(_), Some(first)) = (sort.fetch, sort.expr.first()) else {
        return Ok(None);
    };
    let key = first.expr.clone().unalias();
    let schema = sort.input.schema();
    if matches!(key, Expr::Column(_))
        || !has_distance(&key)
        || key.is_volatile()
        || has_subquery(&key)
        || schema.fields().iter().any(|field| field.name() == DISTANCE)
    {
        return Ok(None);
    }
    let columns: Vec<Expr> = schema
        .iter()
        .map(|field| Expr::Column(Column::from(field)))
        .collect();
    let mut computed = columns.clone();
    computed.push(key.alias(DISTANCE));
    let below = LogicalPlan::Projection(Projection::try_new(computed, Arc::clone(&sort.input))?);
    let mut keys = sort.expr.clone();
    if let Some(first) = keys.first_mut() {
        first.expr = Expr::Column(Column::new_unqualified(DISTANCE));
    }
    let sorted = LogicalPlan::Sort(Sort {
        expr: keys,
        input: Arc::new(below),
        fetch: sort.fetch,
    });
    let above = Projection::try_new(columns, Arc::new(sorted))?;
    Ok(Some(LogicalPlan::Projection(above)))
}

fn has_distance(key: &Expr) -> bool {
    let mut found = false;
    let visited = key.apply(|node| {
        if matches!(node, Expr::ScalarFunction(call) if metric_of(&call.func).is_some()) {
            found = true;
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found && visited.is_ok()
}
