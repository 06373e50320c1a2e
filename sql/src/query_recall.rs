//! `evaluate_query_recall($$ SELECT .. LIMIT k $$)`: how much of the exact answer a query finds, and how long both take.
//!
//! ```text
//! SELECT * FROM evaluate_query_recall($$ SELECT id FROM t ORDER BY v <-> '[1,2]' LIMIT 10 $$)
//!
//! the query as the session would run it, and once more without any search of its own: every row, sorted
//!
//! SELECT * FROM (SELECT 1.0 AS recall, 10 AS rows, 0.8 AS ms, 120.5 AS exact_ms) evaluate_query_recall
//! ```
//!
//! Called as a value, `SELECT evaluate_query_recall($$ .. $$)`, it is the recall alone, as in VectorChord and AlloyDB. The query runs
//! while the statement around it is planned.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::plan_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Select, SelectItem,
    Statement as SqlStatement, TableFactor, Value, VisitorMut,
};

use crate::parser::{parse_expression, parse_query};
use crate::rewrite::{derived_table, flow, is_call_of, visit_queries};
use crate::session::Session;

/// The function.
const NAME: &str = "evaluate_query_recall";

/// What exact answers are made with.
const EXACT: [(&str, &str); 1] = [("ogive.enable_top_k", "false")];

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
struct Recall {
    /// Of the exact answer's rows, the share that was found; 1 when there are none.
    recall: f64,
    /// Of the exact answer.
    rows: usize,
    found_in: Duration,
    exact_in: Duration,
}

/// Runs the queries, and puts what was measured in place of the calls.
///
/// # Errors
/// What a query fails with; a text that is not one query.
pub(crate) async fn measure_calls(
    session: &Session,
    statement: &mut DfStatement,
    queries: Vec<String>,
) -> Result<()> {
    let exactly = session.with_settings(&EXACT)?;
    let mut measured = HashMap::with_capacity(queries.len());
    for query in queries {
        if let Entry::Vacant(unmeasured) = measured.entry(query) {
            let recall = measure(session, &exactly, unmeasured.key()).await?;
            unmeasured.insert(recall);
        }
    }
    visit_queries(statement, &mut Substitution { measured })
}

async fn measure(session: &Session, exactly: &Session, query: &str) -> Result<Recall> {
    // The first run opens files and warms caches for both.
    timed(session, query).await?;
    let (exact, exact_in) = timed(exactly, query).await?;
    let (found, found_in) = timed(session, query).await?;
    let mut missing = HashMap::new();
    for row in texts(&exact)? {
        *missing.entry(row).or_insert(0_usize) += 1;
    }
    let rows: usize = missing.values().sum();
    for row in texts(&found)? {
        if let Some(count) = missing.get_mut(&row) {
            *count = count.saturating_sub(1);
        }
    }
    let missing: usize = missing.values().sum();
    Ok(Recall {
        recall: (rows - missing) as f64 / rows.max(1) as f64 + f64::from(rows == 0),
        rows,
        found_in,
        exact_in,
    })
}

async fn timed(session: &Session, query: &str) -> Result<(Vec<RecordBatch>, Duration)> {
    let mut statements = session.parse(query)?;
    let statement = match (statements.pop(), statements.len()) {
        (Some(statement), 0) => statement,
        (None, _) => return plan_err!("{NAME}: there is no query in the text"),
        (_, more) => {
            return plan_err!(
                "{NAME} takes one query, found {} statements in the text",
                more + 1
            );
        }
    };
    if !matches!(&statement.0, DfStatement::Statement(sql) if matches!(**sql, SqlStatement::Query(_)))
    {
        return plan_err!("{NAME} takes a query, not: {statement}");
    }
    let start = Instant::now();
    let plan = Box::pin(session.execute(statement)).await?;
    let rows = plan.collect().await?;
    Ok((rows, start.elapsed()))
}

/// Each row as one text, by which rows are told apart.
fn texts(batches: &[RecordBatch]) -> Result<Vec<String>> {
    let options = FormatOptions::default().with_null("\u{0}");
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter();
        let columns: Vec<_> = columns
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<std::result::Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| column.value(row).to_string());
            rows.push(cells.collect::<Vec<_>>().join("\u{1f}"));
        }
    }
    Ok(rows)
}

struct Substitution {
    measured: HashMap<String, Recall>,
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
