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
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::plan_err;
use datafusion::dataframe::DataFrame;
use datafusion::error::Result;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use futures::future::BoxFuture;

use crate::parser::Statement;
use crate::statement::{MeasuredRecall, RECALL as NAME, put_measured};

/// What a session does for a measurement.
pub(crate) trait RunsQueries: Sized + Sync {
    /// The statements of a text.
    fn parse(&self, sql: &str) -> Result<Vec<Statement>>;
    /// Plans one.
    fn execute(&self, statement: Statement) -> BoxFuture<'_, Result<DataFrame>>;
    /// The same session with some settings of its own.
    fn with_settings(&self, settings: &[(&str, &str)]) -> Result<Self>;
}

/// What exact answers are made with.
const EXACT: [(&str, &str); 1] = [("ogive.enable_top_k", "false")];

/// Runs the queries, and puts what was measured in place of the calls.
///
/// # Errors
/// What a query fails with; a text that is not one query.
pub(crate) async fn measure_calls(
    session: &impl RunsQueries,
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
    put_measured(statement, measured)
}

async fn measure(
    session: &impl RunsQueries,
    exactly: &impl RunsQueries,
    query: &str,
) -> Result<MeasuredRecall> {
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
    Ok(MeasuredRecall {
        recall: (rows - missing) as f64 / rows.max(1) as f64 + f64::from(rows == 0),
        rows,
        found_in,
        exact_in,
    })
}

async fn timed(session: &impl RunsQueries, query: &str) -> Result<(Vec<RecordBatch>, Duration)> {
    let start = Instant::now();
    let rows = rows_of(session, NAME, query).await?;
    Ok((rows, start.elapsed()))
}

/// The rows of a query that is an argument of the function `name`.
///
/// # Errors
/// What the query fails with; a text that is not one query.
pub(crate) async fn rows_of(
    session: &impl RunsQueries,
    name: &str,
    query: &str,
) -> Result<Vec<RecordBatch>> {
    let mut statements = session.parse(query)?;
    let statement = match (statements.pop(), statements.len()) {
        (Some(statement), 0) => statement,
        (None, _) => return plan_err!("{name}: there is no query in the text"),
        (_, more) => {
            return plan_err!(
                "{name} takes one query, found {} statements in the text",
                more + 1
            );
        }
    };
    if !matches!(&statement.0, DfStatement::Statement(sql) if matches!(**sql, SqlStatement::Query(_)))
    {
        return plan_err!("{name} takes a query, not: {statement}");
    }
    session.execute(statement).await?.collect().await
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
