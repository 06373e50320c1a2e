//! The physical plan of a search and nothing else, put together without the optimizer's rules.
//!
//! ```text
//! SELECT .. FROM t ORDER BY <distance> LIMIT k
//!
//! (ProjectionExec)                       of columns
//!   (SortPreservingMergeExec: fetch=k)   over more than one partition
//!     SortExec: TopK(fetch=k)
//!       DataSourceExec: topk=[..]        in as many partitions as the rules would divide it into
//! ```
//!
//! This is what most searches are, and what DataFusion's two dozen physical rules make of each of them, step by step,
//! which takes much of the time of a search of few rows (figures in docs/decisions/08-plans-of-plain-searches.md). Where the scan has its request and
//! nothing else is in the plan, [`put_together`] makes the same plan at once. Everything else goes through the rules:
//! another shape, a setting under which a rule would do something else, a session with other rules than these. `EXPLAIN`
//! always does, so that it shows what every rule did, and so does a session with `ogive.enable_search_plan` off.

mod session;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

use datafusion::catalog::Session;
use datafusion::common::Result;
use datafusion::common::stats::Precision;
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_optimizer::projection_pushdown::ProjectionPushdown;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use ogive_table_providers::{OgiveOptions, VectorSource};

use crate::exec::StagedSinks;
use crate::rules::{
    GatherPageCalls, GuardDistances, PhysicalTopK, TextsInScan, file_scan, is_marked,
};
use session::WithoutRules;

/// The rules whose work [`put_together`] does: DataFusion's and those of `register_all`.
static RULES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut rules = PhysicalOptimizer::new().rules;
    rules.insert(0, Arc::new(TextsInScan));
    rules.push(Arc::new(PhysicalTopK::default()));
    rules.push(Arc::new(GuardDistances));
    rules.push(Arc::new(GatherPageCalls));
    rules.push(Arc::new(StagedSinks));
    rules.iter().map(|rule| rule.name().to_string()).collect()
});

/// What the planner makes of a plan, the rules left out where they are not needed.
pub(crate) async fn create_physical_plan(
    planner: &DefaultPhysicalPlanner,
    plan: &LogicalPlan,
    session: &dyn Session,
) -> Result<Arc<dyn ExecutionPlan>> {
    if !is_search(plan, session) {
        return planner.create_physical_plan(plan, session).await;
    }
    let bare = WithoutRules::new(session);
    let initial = planner.create_physical_plan(plan, &bare).await?;
    match put_together(&initial, session.config_options())? {
        Some(plan) => Ok(plan),
        None => planner.optimize_physical_plan(initial, session, |_, _| {}),
    }
}

/// Whether a plan may be one for [`put_together`].
fn is_search(plan: &LogicalPlan, session: &dyn Session) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => is_search(&projection.input, session),
        LogicalPlan::SubqueryAlias(alias) => is_search(&alias.input, session),
        LogicalPlan::Sort(sort) => {
            sort.fetch.is_some()
                && is_marked(&sort.input)
                && allows(session.config_options())
                && knows(session.physical_optimizers())
        }
        _ => false,
    }
}

fn allows(config: &ConfigOptions) -> bool {
    let ours = config.extensions.get::<OgiveOptions>();
    ours.is_none_or(|options| options.enable_search_plan) && config.optimizer.repartition_sorts
}

fn knows(rules: &[Arc<dyn PhysicalOptimizerRule + Send + Sync>]) -> bool {
    let names = rules.iter().map(|rule| rule.name());
    names.eq(RULES.iter().map(String::as_str))
}

/// The plan that the rules would make of one that no rule has seen; `None` where that is for them to say.
fn put_together(
    initial: &Arc<dyn ExecutionPlan>,
    config: &ConfigOptions,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let above = initial.downcast_ref::<ProjectionExec>();
    let Some(sort) = above
        .map_or(initial, ProjectionExec::input)
        .downcast_ref::<SortExec>()
        .filter(|sort| sort.fetch().is_some() && !sort.preserve_partitioning())
    else {
        return Ok(None);
    };
    let below = sort.input().downcast_ref::<ProjectionExec>();
    let scan = below.map_or(sort.input(), ProjectionExec::input);
    if !is_searched(scan) || !above.is_none_or(is_of_columns) {
        return Ok(None);
    }
    let Some(scan) = divided(scan, below, config)? else {
        return Ok(None);
    };
    let input = match below {
        None => scan,
        Some(below) => in_the_scan(over(below, scan)?, config)?,
    };
    let partitions = input.output_partitioning().partition_count();
    let sorted = SortExec::new(sort.expr().clone(), input)
        .with_fetch(sort.fetch())
        .with_preserve_partitioning(partitions > 1);
    let sorted: Arc<dyn ExecutionPlan> = match partitions {
        1 => Arc::new(sorted),
        _ => {
            let merged = SortPreservingMergeExec::new(sort.expr().clone(), Arc::new(sorted));
            Arc::new(merged.with_fetch(sort.fetch()))
        }
    };
    Ok(Some(match above {
        None => sorted,
        Some(above) => in_the_scan(over(above, sorted)?, config)?,
    }))
}

/// A scan that has its request and whose rows come in no order that the sort could make use of.
fn is_searched(scan: &Arc<dyn ExecutionPlan>) -> bool {
    let Some(config) = file_scan(scan) else {
        return false;
    };
    let source = config.file_source().downcast_ref::<VectorSource>();
    source.is_some_and(|source| source.top_k().is_some())
        && config.limit.is_none()
        && scan.output_ordering().is_none()
        && scan.output_partitioning().partition_count() > 0
}

fn is_of_columns(projection: &ProjectionExec) -> bool {
    let mut projected = projection.expr().iter();
    projected.all(|projected| projected.expr.is::<Column>())
}

/// The scan in as many partitions as the rules would have it in; `None` where they would divide its rows by an operator.
fn divided(
    scan: &Arc<dyn ExecutionPlan>,
    below: Option<&ProjectionExec>,
    config: &ConfigOptions,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let statistics = StatisticsContext::new().compute(scan.as_ref(), &StatisticsArgs::new())?;
    let options = &config.execution;
    let is_worth_it = match statistics.num_rows {
        Precision::Exact(rows) => rows > options.batch_size.get(),
        Precision::Inexact(rows) => {
            !options.use_row_number_estimates_to_optimize_partitioning
                || rows > options.batch_size.get()
        }
        Precision::Absent => true,
    };
    if !is_worth_it {
        return Ok(Some(Arc::clone(scan)));
    }
    let scan = match config.optimizer.repartition_file_scans {
        true => scan
            .repartitioned(options.target_partitions, config)?
            .unwrap_or_else(|| Arc::clone(scan)),
        false => Arc::clone(scan),
    };
    let is_short = scan.output_partitioning().partition_count() < options.target_partitions;
    let computes = below.is_some_and(|below| !is_of_columns(below));
    let by_operator = is_short && computes && config.optimizer.enable_round_robin_repartition;
    Ok((!by_operator).then_some(scan))
}

/// The projection over another input of the same columns.
fn over(
    projection: &ProjectionExec,
    input: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let projection: Arc<dyn ExecutionPlan> = Arc::new(projection.clone());
    projection.replace_children(
        vec![input],
        ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
    )
}

/// A projection as far down as it goes.
fn in_the_scan(
    projection: Arc<dyn ExecutionPlan>,
    config: &ConfigOptions,
) -> Result<Arc<dyn ExecutionPlan>> {
    ProjectionPushdown::new().optimize(projection, config)
}
