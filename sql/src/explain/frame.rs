//! EXPLAIN as a query of its own, which runs when its rows are asked for.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::dataframe::DataFrame;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use futures::FutureExt;
use ogive_table_providers::OgiveOptions;

use super::decisions::decisions_row;
use super::short_lists::{changes_rows, logical_plan_row, shorten_lists};
use crate::exec::{DeferredExec, planned_frame};

/// The rows of an `EXPLAIN` or `EXPLAIN ANALYZE`.
pub(crate) fn explain_frame(state: SessionState, plan: LogicalPlan) -> DataFrame {
    let schema = Arc::clone(plan.schema());
    let batches = Arc::clone(schema.inner());
    let explained = state.clone();
    let exec = DeferredExec::new("ExplainExec", batches, move || {
        rows(explained.clone(), plan.clone()).boxed()
    });
    planned_frame(state, schema, Arc::new(exec))
}

async fn rows(state: SessionState, plan: LogicalPlan) -> Result<Vec<RecordBatch>> {
    if let LogicalPlan::Explain(explain) = &plan
        && changes_rows(&explain.plan)
    {
        let rows = logical_plan_row(&state.optimize(&explain.plan)?, &explain.schema)?;
        return Ok(vec![rows]);
    }
    let frame = DataFrame::new(state.clone(), plan.clone());
    let mut rows = frame.collect().await?;
    let options = state.config_options().extensions.get::<OgiveOptions>();
    let query = match &plan {
        LogicalPlan::Explain(explain) => &explain.plan,
        LogicalPlan::Analyze(analyze) => &analyze.input,
        _ => return Ok(rows),
    };
    if options.is_some_and(|options| options.explain_decisions)
        && let Some(first) = rows.first()
    {
        rows.extend(decisions_row(&state, query, &first.schema()).await?);
    }
    rows.iter().map(shorten_lists).collect()
}
