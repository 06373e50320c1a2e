//! `SET ogive.explain_decisions = on`: what EXPLAIN says beside its plans.
//!
//! One line for each `ORDER BY <distance>`, filter on a distance and lateral join of a query: how it is answered, and
//! if that is not the fast way, why. The lines are read off the finished plan, so they cannot differ from it.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::physical_plan::FileSource;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use ogive_table_providers::{Access, IndexMeasure, TopKRequest, VectorSource};
use ogive_udfs::metric_of;

use crate::exec::{KnnJoinExec, VectorTopKExec};
use crate::knn_join::refusal;
use crate::rules::{arguments, below, file_scan};
use crate::settings::is_enabled;

/// What the first column of EXPLAIN says of these lines.
const PLAN_TYPE: &str = "decisions";

/// The decisions about a query that is explained, as a row of EXPLAIN's table.
pub(crate) async fn decisions_row(
    state: &SessionState,
    query: &LogicalPlan,
    schema: &SchemaRef,
) -> Result<Option<RecordBatch>> {
    let mut lines = joins(query)?;
    let plan = state.create_physical_plan(query).await?;
    searches(&plan, is_enabled(state.config_options()), &mut lines)?;
    if lines.is_empty() {
        lines.push("nothing in this query searches by a distance".to_string());
    }
    let [kind, text] = schema.fields().as_ref() else {
        return Ok(None);
    };
    let column = |value: &str| Arc::new(StringArray::from(vec![value])) as ArrayRef;
    let columns = vec![
        cast(&column(PLAN_TYPE), kind.data_type())?,
        cast(&column(&lines.join("\n")), text.data_type())?,
    ];
    Ok(Some(RecordBatch::try_new(Arc::clone(schema), columns)?))
}

/// Lateral joins that the operator does not serve, as the query is before the optimizer sees it.
fn joins(query: &LogicalPlan) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    query.apply_with_subqueries(|node| {
        if let LogicalPlan::Join(join) = node
            && let Some(reason) = refusal(join)?
        {
            lines.push(format!(
                "lateral join: by joining, numbering and cutting off, not by KnnJoinExec: {reason}"
            ));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(lines)
}

fn searches(plan: &Arc<dyn ExecutionPlan>, enabled: bool, lines: &mut Vec<String>) -> Result<()> {
    if let Some(sort) = plan.downcast_ref::<SortExec>() {
        lines.extend(sorted(sort, enabled)?);
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>()
        && let Some(distance) = distance_in(filter.predicate())
    {
        lines.push(format!(
            "filter on {distance}: every distance is computed: only scans of vector files take <distance> < <number> of a column and a constant"
        ));
    }
    if let Some(source) = vector_scan(plan)
        && let Some(range) = source.range()
    {
        lines.push(format!(
            "filter on a distance: inside the scan, range={range}"
        ));
    }
    if plan.is::<KnnJoinExec>() {
        lines.push("lateral join: by KnnJoinExec, a block of queries at a time".to_string());
    }
    plan.children()
        .into_iter()
        .try_for_each(|child| searches(child, enabled, lines))
}

/// How a sort by a distance finds its rows; `None` when it is by something else.
fn sorted(sort: &SortExec, enabled: bool) -> Result<Option<String>> {
    let mut key = Arc::clone(&sort.expr().first().expr);
    let mut input = sort.input();
    while let Some(projection) = input.downcast_ref::<ProjectionExec>() {
        let Some(inner) = below(&key, projection.expr())? else {
            break;
        };
        key = inner;
        input = projection.input();
    }
    if let Some(source) = vector_scan(input) {
        if let Some(request) = source.top_k() {
            let hint = index_hint(input, source, request);
            return Ok(Some(format!(
                "search: inside the scan, topk={request}{hint}"
            )));
        }
        if let Some(projection) = source.projection() {
            key = projection.unproject_expr(&key)?;
        }
    }
    if let Some(search) = input.downcast_ref::<VectorTopKExec>() {
        let over = source_of(search.children()).map_or("its input", |child| child.name());
        return Ok(Some(format!(
            "search: by VectorTopKExec over the rows of {over}: {}",
            why_above(over)
        )));
    }
    let Some(distance) = distance_in(&key) else {
        return Ok(None);
    };
    Ok(Some(format!(
        "ORDER BY {distance}: every row is sorted by its distance: {}",
        why_not(sort, &key, enabled)
    )))
}

/// Rows from which on an index is about ten times as fast.
const HINT_ROWS: usize = 100_000;
/// A search for more than one row in so many gains less.
const HINT_ROWS_FOR_EACH: usize = 1000;

/// What an index would do for a search that compares all rows.
fn index_hint(
    scan: &Arc<dyn ExecutionPlan>,
    source: &VectorSource,
    request: &TopKRequest,
) -> String {
    let rows = file_scan(scan).map(|config| config.statistics().num_rows);
    let rows = rows.and_then(|rows| rows.get_value().copied());
    let rows = rows.unwrap_or_default();
    let few = request.k.saturating_mul(HINT_ROWS_FOR_EACH) <= rows;
    let class = match IndexMeasure::of(request.metric) {
        Some(IndexMeasure::L2) => "vector_l2_ops",
        Some(IndexMeasure::InnerProduct) => "vector_ip_ops",
        Some(IndexMeasure::Cosine) => "vector_cosine_ops",
        None => return String::new(),
    };
    if request.access != Access::Exact || !source.uses_indexes() || rows < HINT_ROWS || !few {
        return String::new();
    }
    format!(
        "; an index would leave about a tenth of the bytes to read: CREATE INDEX ON .. USING flat ({} {class})",
        request.column_name
    )
}

/// The plan that makes the rows, below what only deals them out.
fn source_of(children: Vec<&Arc<dyn ExecutionPlan>>) -> Option<&Arc<dyn ExecutionPlan>> {
    let child = children.into_iter().next()?;
    match child.name() {
        "RepartitionExec" | "CoalescePartitionsExec" | "CooperativeExec" => {
            source_of(child.children())
        }
        _ => Some(child),
    }
}

/// Why a search was not put into a scan.
fn why_above(over: &str) -> &'static str {
    match over {
        "DataSourceExec" => "they are in memory or in a format that has no search of its own",
        "FilterExec" | "CoalesceBatchesExec" => "the scan does not take the filter whole",
        name if name.contains("Join") => "they come out of a join",
        _ => "what stands between the sort and the scan changes which rows there are",
    }
}

fn why_not(sort: &SortExec, key: &Arc<dyn PhysicalExpr>, enabled: bool) -> &'static str {
    if !enabled {
        return "ogive.enable_top_k is off";
    }
    if sort.fetch().is_none() {
        return "there is no LIMIT";
    }
    let Some(call) = key
        .downcast_ref::<ScalarFunctionExpr>()
        .filter(|call| metric_of(call.fun()).is_some())
    else {
        return "the key is computed from the distance";
    };
    let sides = arguments(call);
    if sides.iter().all(|side| !collect_columns(side).is_empty()) {
        return "both sides of the distance are columns";
    }
    if !sides.iter().any(|side| side.is::<Column>()) {
        return "neither side of the distance is a column as it is stored";
    }
    if sort.expr().len() > 1 {
        return "there are further sort keys, over rows of another kind than files of vectors and Parquet";
    }
    "its type or its limit is not one that the search takes"
}

/// The first distance in an expression, as EXPLAIN prints it.
fn distance_in(expr: &Arc<dyn PhysicalExpr>) -> Option<String> {
    if let Some(call) = expr.downcast_ref::<ScalarFunctionExpr>()
        && metric_of(call.fun()).is_some()
    {
        return Some(call.to_string());
    }
    expr.children().into_iter().find_map(distance_in)
}

fn vector_scan(plan: &Arc<dyn ExecutionPlan>) -> Option<&VectorSource> {
    file_scan(plan)?.file_source().downcast_ref()
}
