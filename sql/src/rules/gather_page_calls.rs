//! Page calls of a projection or a filter in one operator.
//!
//! ```text
//! ProjectionExec: expr=[octet_length(page_compress(bytes@2, lz4)) as n]
//!   X
//!
//! ProjectionExec: expr=[octet_length(page_call_0@3) as n]
//!   PageCodecExec: calls=[page_compress(bytes@2, lz4) as page_call_0], backend=avx512
//!     X
//! ```
//!
//! Taken: calls of `page_compress` and `page_decompress`, nested ones as well, in projections and in filters. Left where
//! they are: calls that may not be made for every row, inside `CASE`, `AND`, `OR`, `coalesce` and their like, as bytes of a
//! row that a condition leaves out may be an error; and calls in aggregates, joins and sorts.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, CaseExpr, Column, Literal};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use crate::exec::{PAGE_FUNCTIONS, PageCodecExec, call_name};

/// The rule.
#[derive(Debug, Default)]
pub struct GatherPageCalls;

impl PhysicalOptimizerRule for GatherPageCalls {
    fn name(&self) -> &str {
        "gather_page_calls"
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let gathered = plan.transform_up(|node| {
            let replaced = if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
                of_projection(projection)?
            } else if let Some(filter) = node.downcast_ref::<FilterExec>() {
                of_filter(filter)?
            } else {
                None
            };
            Ok(match replaced {
                Some(replaced) => Transformed::yes(replaced),
                None => Transformed::no(node),
            })
        })?;
        Ok(gathered.data)
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn of_projection(projection: &ProjectionExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if !projection.expr().iter().any(|one| has_page_call(&one.expr)) {
        return Ok(None);
    }
    let mut calls = Calls::over(projection.input());
    let mut expressions = Vec::with_capacity(projection.expr().len());
    for one in projection.expr() {
        expressions.push(ProjectionExpr {
            expr: calls.take_from(&one.expr)?,
            alias: one.alias.clone(),
        });
    }
    let Some(input) = calls.into_plan(projection.input())? else {
        return Ok(None);
    };
    Ok(Some(Arc::new(ProjectionExec::try_new(expressions, input)?)))
}

fn of_filter(filter: &FilterExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if !has_page_call(filter.predicate()) {
        return Ok(None);
    }
    let mut calls = Calls::over(filter.input());
    let predicate = calls.take_from(filter.predicate())?;
    let columns = filter.input().schema().fields().len();
    let Some(input) = calls.into_plan(filter.input())? else {
        return Ok(None);
    };
    let mut replaced = FilterExecBuilder::from(filter)
        .with_input(input)
        .with_predicate(predicate);
    if filter.projection().is_none() {
        // The calls' columns end here.
        replaced = replaced.apply_projection(Some((0..columns).collect()))?;
    }
    Ok(Some(Arc::new(replaced.build()?)))
}

/// Calls that were taken out of expressions, in the order in which they are to be made.
struct Calls {
    /// Columns of the input.
    columns: usize,
    taken: Vec<Arc<dyn PhysicalExpr>>,
    has_page_call: bool,
}

impl Calls {
    fn over(input: &Arc<dyn ExecutionPlan>) -> Self {
        Self {
            columns: input.schema().fields().len(),
            taken: Vec::new(),
            has_page_call: false,
        }
    }

    fn into_plan(self, input: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if !self.has_page_call {
            return Ok(None);
        }
        let plan = PageCodecExec::try_new(Arc::clone(input), self.taken)?;
        Ok(Some(Arc::new(plan)))
    }

    /// The expression with columns in the place of its page calls.
    fn take_from(&mut self, expr: &Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        if !is_evaluated_whole(expr) {
            return Ok(Arc::clone(expr));
        }
        let children: Vec<Arc<dyn PhysicalExpr>> = expr
            .children()
            .into_iter()
            .map(|child| self.take_from(child))
            .collect::<Result<_>>()?;
        let expr = match children.is_empty() {
            true => Arc::clone(expr),
            false => Arc::clone(expr).with_new_children(children)?,
        };
        if !is_page_call(&expr) {
            return Ok(expr);
        }
        self.has_page_call = true;
        // What the bytes are made of is made first, so that they can be counted.
        let mut arguments: Vec<Arc<dyn PhysicalExpr>> =
            expr.children().into_iter().map(Arc::clone).collect();
        if let Some(bytes) = arguments.first_mut()
            && !bytes.is::<Column>()
            && !bytes.is::<Literal>()
        {
            *bytes = self.column_of(Arc::clone(bytes));
        }
        let call = expr.with_new_children(arguments)?;
        Ok(self.column_of(call))
    }

    /// The column that an expression becomes; the same one where it was met before.
    fn column_of(&mut self, expr: Arc<dyn PhysicalExpr>) -> Arc<dyn PhysicalExpr> {
        let index = match self.taken.iter().position(|taken| taken == &expr) {
            Some(index) => index,
            None => {
                self.taken.push(expr);
                self.taken.len() - 1
            }
        };
        Arc::new(Column::new(&call_name(index), self.columns + index))
    }
}

/// Whether a page call is anywhere in an expression: those of most queries are left as they are.
fn has_page_call(expr: &Arc<dyn PhysicalExpr>) -> bool {
    is_page_call(expr) || expr.children().into_iter().any(has_page_call)
}

fn is_page_call(expr: &Arc<dyn PhysicalExpr>) -> bool {
    expr.downcast_ref::<ScalarFunctionExpr>()
        .is_some_and(|call| PAGE_FUNCTIONS.contains(&call.fun().name()))
}

/// Whether an expression's parts are evaluated for every row.
fn is_evaluated_whole(expr: &Arc<dyn PhysicalExpr>) -> bool {
    if expr.is::<CaseExpr>() {
        return false;
    }
    if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        return !matches!(binary.op(), Operator::And | Operator::Or);
    }
    expr.downcast_ref::<ScalarFunctionExpr>()
        .is_none_or(|call| !call.fun().short_circuits())
}
