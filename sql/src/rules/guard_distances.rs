//! Distances in filters, of rows alone that the filter's other conditions leave.
//!
//! A distance between lists of different lengths is an error. DataFusion evaluates the conditions of a filter in an order and over rows
//! of its own choice, and so met such lists in rows that another condition excludes.
//!
//! ```text
//! FilterExec: cardinality(v) = 2 AND l2_distance(v, [1, 2]) < 3
//!
//! FilterExec: cardinality(v) = 2 AND CASE WHEN cardinality(v) = 2 THEN l2_distance(v, [1, 2]) < 3 ELSE false END
//! ```
//!
//! The same for a distance that was taken out of the condition into a projection below:
//!
//! ```text
//! FilterExec: d > 1 AND d < 3 AND n = 2
//!   ProjectionExec: l2_distance(v, [1, 2]) as d, n
//!
//! FilterExec: d > 1 AND d < 3 AND n = 2
//!   ProjectionExec: CASE WHEN n = 2 THEN l2_distance(v, [1, 2]) END as d, n
//! ```
//!
//! Left as they are: distances whose types say that all rows have the same dimension, and filters of nothing but distances.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, CaseExpr, Column, Literal, lit};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr, conjunction, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use ogive_udfs::metric_of;

/// The rule.
#[derive(Debug, Default)]
pub struct GuardDistances;

impl PhysicalOptimizerRule for GuardDistances {
    fn name(&self) -> &str {
        "guard_distances"
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(filter) = node.downcast_ref::<FilterExec>() else {
                return Ok(Transformed::no(node));
            };
            Ok(match guarded(filter)? {
                Some(filter) => Transformed::yes(filter),
                None => Transformed::no(node),
            })
        })
        .data()
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn guarded(filter: &FilterExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let schema = filter.input().schema();
    let below = filter.input().downcast_ref::<ProjectionExec>();
    let computed: Vec<bool> = below.map_or_else(Vec::new, |projection| {
        let schema = projection.input().schema();
        let exprs = projection.expr().iter();
        exprs.map(|one| may_fail(&one.expr, &schema)).collect()
    });
    let is_computed = |column: &Column| computed.get(column.index()).copied().unwrap_or(false);
    let (mut doubtful, mut rest, mut sure) = (Vec::new(), Vec::new(), Vec::new());
    for condition in split_conjunction(filter.predicate()) {
        if may_fail(condition, &schema) {
            doubtful.push(Arc::clone(condition));
            continue;
        }
        rest.push(Arc::clone(condition));
        if !names(condition, &is_computed) {
            sure.push(Arc::clone(condition));
        }
    }
    if sure.is_empty() {
        return Ok(None);
    }
    let first = conjunction(sure);
    let mut replaced = FilterExecBuilder::from(filter);
    let mut changed = false;
    if !doubtful.is_empty() {
        let then = conjunction(doubtful);
        let case = CaseExpr::try_new(None, vec![(Arc::clone(&first), then)], Some(lit(false)))?;
        let both = BinaryExpr::new(conjunction(rest), Operator::And, Arc::new(case));
        replaced = replaced.with_predicate(Arc::new(both));
        changed = true;
    }
    if let Some(projection) = below
        && computed.contains(&true)
    {
        let guard = over_input(&first, projection)?;
        let exprs = projection.expr().iter().zip(&computed);
        let exprs = exprs.map(|(one, computed)| {
            let expr = match computed {
                true => {
                    let case = vec![(Arc::clone(&guard), Arc::clone(&one.expr))];
                    Arc::new(CaseExpr::try_new(None, case, None)?) as _
                }
                false => Arc::clone(&one.expr),
            };
            Ok(ProjectionExpr {
                expr,
                alias: one.alias.clone(),
            })
        });
        let exprs = exprs.collect::<Result<Vec<_>>>()?;
        let input = ProjectionExec::try_new(exprs, Arc::clone(projection.input()))?;
        replaced = replaced.with_input(Arc::new(input));
        changed = true;
    }
    match changed {
        true => Ok(Some(Arc::new(replaced.build()?))),
        false => Ok(None),
    }
}

/// Whether a distance in it may meet vectors of different dimensions.
fn may_fail(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> bool {
    let doubtful = |part: &Arc<dyn PhysicalExpr>| {
        let Some(call) = part.downcast_ref::<ScalarFunctionExpr>() else {
            return Ok(false);
        };
        Ok(metric_of(call.fun()).is_some()
            && call.args().iter().any(|argument| {
                let fixed = matches!(argument.data_type(schema), Ok(DataType::FixedSizeList(..)));
                !fixed && !argument.is::<Literal>()
            }))
    };
    expr.exists(doubtful).unwrap_or(true)
}

fn names(expr: &Arc<dyn PhysicalExpr>, is_one: &dyn Fn(&Column) -> bool) -> bool {
    expr.exists(|part| Ok(part.downcast_ref::<Column>().is_some_and(is_one)))
        .unwrap_or(true)
}

/// A condition over a projection's columns as one over its input's.
fn over_input(
    condition: &Arc<dyn PhysicalExpr>,
    projection: &ProjectionExec,
) -> Result<Arc<dyn PhysicalExpr>> {
    Arc::clone(condition)
        .transform_down(|part| {
            let column = part.downcast_ref::<Column>();
            let below = column.and_then(|column| projection.expr().get(column.index()));
            Ok(match below {
                Some(below) => {
                    Transformed::new(Arc::clone(&below.expr), true, TreeNodeRecursion::Jump)
                }
                None => Transformed::no(part),
            })
        })
        .data()
}
