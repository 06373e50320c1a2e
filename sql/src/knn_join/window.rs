//! The plan that serves every shape: both sides joined, numbered, cut off.
//!
//! ```text
//! Projection: the join's columns
//!   Filter: __knn_rank > skip AND __knn_rank <= skip + fetch AND conditions
//!     WindowAggr: row_number() PARTITION BY __knn_row ORDER BY keys AS __knn_rank
//!       Projection: left, inner, keys
//!         Join: predicates
//!           WindowAggr: row_number() AS __knn_row
//!             left
//!           inner
//! ```
//!
//! A left join keeps rows of the left that have no partner: as rows that the join extended with NULL, whose rank is 1,
//! or, where rows can be lost to the offset or the conditions, the first of each left row's if none of its rows stays.

use datafusion::common::{Column, Result};
use datafusion::functions_aggregate::min_max::max_udaf;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, JoinType, LogicalPlan, LogicalPlanBuilder, SortExpr,
    WindowFunctionDefinition, lit, when,
};

use super::expressions::{only_if, replace};
use super::lateral::Lateral;

/// The number of a row of the left.
const ROW: &str = "__knn_row";
/// The place of a joined row among those of its left row.
const RANK: &str = "__knn_rank";
/// True in rows of the inner side, NULL where a left row has none.
const MATCHED: &str = "__knn_matched";
/// 1 in rows that stay.
const KEPT: &str = "__knn_kept";
/// 1 in all rows of a left row of which any stays.
const ANY_KEPT: &str = "__knn_any_kept";

/// The plan for a join that was taken apart.
pub(super) fn with_window(lateral: Lateral) -> Result<LogicalPlan> {
    let keeps_left = lateral.join_type == JoinType::Left;
    let left = LogicalPlanBuilder::from(lateral.left.as_ref().clone())
        .window([row_number().alias(ROW)])?
        .build()?;
    let mut inner = LogicalPlanBuilder::from(lateral.inner.clone());
    if keeps_left {
        let mut columns = columns_of(&lateral.inner);
        columns.push(lit(true).alias(MATCHED));
        inner = inner.project(columns)?;
    }
    let mut predicates = lateral.predicates.clone();
    if predicates.is_empty() && keeps_left {
        // A cross join keeps no rows.
        predicates.push(lit(true));
    }
    let joined = LogicalPlanBuilder::from(left)
        .join_on(inner.build()?, lateral.join_type, predicates)?
        .build()?;

    // Each key is computed once, so that vectors are not carried through the sort for it.
    let mut columns = columns_of(&joined);
    let mut order = Vec::new();
    let mut computed = Vec::new();
    for (index, key) in lateral.keys.iter().enumerate() {
        let expr = match &key.expr {
            Expr::Column(_) => key.expr.clone(),
            other => {
                let name = format!("__knn_key_{index}");
                columns.push(other.clone().alias(&name));
                let column = Expr::Column(Column::new_unqualified(name));
                computed.push((other.clone(), column.clone()));
                column
            }
        };
        order.push(SortExpr { expr, ..*key });
    }
    let rank = row_number().partition_by(vec![column(ROW)]);
    let rank = if order.is_empty() {
        rank.build()?
    } else {
        rank.order_by(order).build()?
    };
    let ranked = LogicalPlanBuilder::from(joined)
        .project(columns)?
        .window([rank.alias(RANK)])?;

    let substitute = |expr: &Expr| replace(expr, &computed);
    let mut tests = Vec::new();
    if lateral.skip > 0 {
        tests.push(column(RANK).gt(lit(lateral.skip as u64)));
    }
    if let Some(fetch) = lateral.fetch {
        tests.push(column(RANK).lt_eq(lit(lateral.skip.saturating_add(fetch) as u64)));
    }
    for condition in &lateral.conditions {
        tests.push(substitute(condition)?);
    }
    let outputs = lateral.outputs.iter().map(&substitute);
    let outputs = outputs.collect::<Result<Vec<_>>>()?;

    if !keeps_left {
        let kept = match conjunction(tests) {
            Some(tests) => ranked.filter(tests)?,
            None => ranked,
        };
        return kept.project(lateral.projection(outputs))?.build();
    }
    if lateral.skip == 0 && lateral.fetch != Some(0) && lateral.conditions.is_empty() {
        let kept = match conjunction(tests) {
            Some(tests) => ranked.filter(tests)?,
            None => ranked,
        };
        let schema = lateral.inner.schema();
        let outputs = outputs.into_iter().map(|output| match &output {
            // Such a column is NULL by itself where nothing matched.
            Expr::Column(column) if schema.has_column(column) => Ok(output),
            _ => only_if(column(MATCHED), output),
        });
        let outputs = outputs.collect::<Result<Vec<_>>>()?;
        return kept.project(lateral.projection(outputs))?.build();
    }
    tests.insert(0, column(MATCHED));
    let ranked = ranked.build()?;
    let mut columns = columns_of(&ranked);
    let kept = conjunction(tests).unwrap_or_else(|| lit(true));
    columns.push(when(kept, lit(1_i64)).otherwise(lit(0_i64))?.alias(KEPT));
    let any_kept = WindowFunction::new(
        WindowFunctionDefinition::AggregateUDF(max_udaf()),
        vec![column(KEPT)],
    );
    let any_kept = Expr::WindowFunction(Box::new(any_kept))
        .partition_by(vec![column(ROW)])
        .build()?;
    let stays = column(KEPT).eq(lit(1_i64));
    let stands_in = column(ANY_KEPT)
        .eq(lit(0_i64))
        .and(column(RANK).eq(lit(1_u64)));
    let outputs = outputs
        .into_iter()
        .map(|output| only_if(stays.clone(), output))
        .collect::<Result<Vec<_>>>()?;
    LogicalPlanBuilder::from(ranked)
        .project(columns)?
        .window([any_kept.alias(ANY_KEPT)])?
        .filter(stays.clone().or(stands_in))?
        .project(lateral.projection(outputs))?
        .build()
}

fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

fn columns_of(plan: &LogicalPlan) -> Vec<Expr> {
    let columns = plan.schema().columns();
    columns.into_iter().map(Expr::Column).collect()
}
