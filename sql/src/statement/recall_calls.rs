//! Calls of `evaluate_query_recall($$ SELECT .. LIMIT k $$)`: their queries, and what was measured in their place.
//!
//! ```text
//! SELECT * FROM evaluate_query_recall($$ SELECT id FROM t ORDER BY v <-> '[1,2]' LIMIT 10 $$)
//!
//! SELECT * FROM (SELECT 1.0 AS recall, 10 AS rows, 0.8 AS ms, 120.5 AS exact_ms) evaluate_query_recall
//! ```

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use datafusion::common::plan_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Select, SelectItem, TableFactor,
    Value, VisitorMut,
};

use crate::parser::{parse_expression, parse_query};
use crate::statement::visit::{derived_table, flow, is_call_of, visit_queries};

/// The function.
pub(crate) const NAME: &str = "evaluate_query_recall";

/// The query of a call in FROM; `None` for anything else.
pub(crate) fn query_of_factor(factor: &TableFactor) -> Result<Option<String>> {
    match factor {
        TableFactor::Table {
            name,
            args: Some(args),
            ..
        } if is_call_of(NAME, name) => query(&args.args).map(Some),
        TableFactor::Function { name, args, .. } if is_call_of(NAME, name) => query(args).map(Some),
        _ => Ok(None),
    }
}

/// The query of a call as a value; `None` for anything else.
pub(crate) fn query_of_expr(expr: &Expr) -> Result<Option<String>> {
    match expr {
        Expr::Function(function) if is_call_of(NAME, &function.name) => match &function.args {
            FunctionArguments::List(list) => query(&list.args).map(Some),
            _ => query(&[]).map(Some),
        },
        _ => Ok(None),
    }
}

fn query(args: &[FunctionArg]) -> Result<String> {
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))] = args else {
        return plan_err!("{NAME} takes one query, as a text: {NAME}($$ SELECT .. LIMIT 10 $$)");
    };
    match &value.value {
        Value::SingleQuotedString(text) => Ok(text.clone()),
        Value::DollarQuotedString(text) => Ok(text.value.clone()),
        other => plan_err!("{NAME} takes a query as a text, not {other}"),
    }
}

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MeasuredRecall {
    /// Of the exact answer's rows, the share that was found; 1 when there are none.
    pub(crate) recall: f64,
    /// Of the exact answer.
    pub(crate) rows: usize,
    pub(crate) found_in: Duration,
    pub(crate) exact_in: Duration,
}

/// Puts what was measured in place of the calls.
///
/// # Errors
/// A call that is none of a query.
pub(crate) fn put_measured(
    statement: &mut DfStatement,
    measured: HashMap<String, MeasuredRecall>,
) -> Result<()> {
    visit_queries(statement, &mut Substitution { measured })
}

struct Substitution {
    measured: HashMap<String, MeasuredRecall>,
}

impl Substitution {
    fn row(&self, factor: &mut TableFactor) -> Result<()> {
        let Some(query) = query_of_factor(factor)? else {
            return Ok(());
        };
        let Some(recall) = self.measured.get(&query) else {
            return Ok(());
        };
        let alias = match factor {
            TableFactor::Table { alias, .. } | TableFactor::Function { alias, .. } => alias.take(),
            _ => None,
        };
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let row = parse_query(&format!(
            "SELECT {:?} AS recall, {} AS rows, {:?} AS ms, {:?} AS exact_ms",
            recall.recall,
            recall.rows,
            milliseconds(recall.found_in),
            milliseconds(recall.exact_in)
        ))?;
        *factor = derived_table(false, row, alias, NAME);
        Ok(())
    }

    fn value(&self, expr: &mut Expr) -> Result<()> {
        if let Some(query) = query_of_expr(expr)?
            && let Some(recall) = self.measured.get(&query)
        {
            *expr = parse_expression(&format!("{:?}", recall.recall))?;
        }
        Ok(())
    }
}

impl VisitorMut for Substitution {
    type Break = DataFusionError;

    /// A column is named after the function, not after what it says.
    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) = item
                && matches!(query_of_expr(expr), Ok(Some(_)))
            {
                *item = SelectItem::ExprWithAlias {
                    expr: expr.clone(),
                    alias: Ident::new(NAME),
                };
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        flow(self.value(expr))
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        flow(self.row(factor))
    }
}
