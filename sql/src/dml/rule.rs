//! `DELETE` and `UPDATE` of programs that plan without [`Session`](crate::Session).

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DataFusionError, Result, not_impl_err};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::{
    DmlStatement, Expr, Extension, LogicalPlan, LogicalPlanBuilder, WriteOp, col,
};
use datafusion::optimizer::AnalyzerRule;
use ogive_table_providers::{ROW_ID, RowStore, row_store};

use super::errors::not_changeable;
use super::node::{DmlNode, Operation};
use crate::types::has_subquery;

/// Plans `DELETE` and `UPDATE` of tables whose rows have ids as changes of those rows, before the optimizer sees the
/// condition.
#[derive(Debug, Default)]
pub(crate) struct ChangesByRowId;

impl AnalyzerRule for ChangesByRowId {
    fn name(&self) -> &str {
        "changes_by_row_id"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        // Most plans are left as they are, and looking is cheaper than taking apart.
        if !plan.exists(|part| Ok(matches!(part, LogicalPlan::Dml(_))))? {
            return Ok(plan);
        }
        plan.transform_down(|part| match &part {
            LogicalPlan::Dml(dml) if matches!(dml.op, WriteOp::Delete | WriteOp::Update) => {
                match by_row_id(dml)? {
                    Some(changed) => Ok(Transformed::yes(changed)),
                    None => Ok(Transformed::no(part)),
                }
            }
            _ => Ok(Transformed::no(part)),
        })
        .data()
    }
}

fn by_row_id(dml: &DmlStatement) -> Result<Option<LogicalPlan>> {
    let Ok(provider) = source_as_provider(&dml.target) else {
        return Ok(None);
    };
    let Some(store) = row_store(&provider) else {
        return Ok(None);
    };
    let id = || col(Column::from_name(ROW_ID));
    let (operation, input) = match (&dml.op, dml.input.as_ref()) {
        (WriteOp::Update, LogicalPlan::Projection(values)) => {
            let schema = store.schema();
            let (mut columns, mut exprs) = (Vec::new(), vec![id()]);
            for (number, expr) in values.expr.iter().enumerate() {
                let value = expr.clone().unalias();
                let is_itself = matches!(&value, Expr::Column(column) if column.name == *schema.field(number).name());
                if !is_itself {
                    exprs.push(value.alias(format!("__set_{number}")));
                    columns.push(number);
                }
            }
            let input = with_ids(&values.input, dml, &store)?;
            let input = LogicalPlanBuilder::from(input).project(exprs)?.build()?;
            (Operation::Update(columns), input)
        }
        (WriteOp::Delete, input) => {
            let input = with_ids(input, dml, &store)?;
            let input = LogicalPlanBuilder::from(input).project([id()])?.build()?;
            (Operation::Delete, input)
        }
        _ => return not_impl_err!("{} as {}", dml.op, dml.input.display()),
    };
    let node = DmlNode::try_new(
        operation,
        dml.table_name.clone(),
        store,
        vec![Arc::new(input)],
        None,
    )?;
    Ok(Some(LogicalPlan::Extension(Extension {
        node: Arc::new(node),
    })))
}

/// The rows of the table that the condition leaves, with their ids.
fn with_ids(
    plan: &LogicalPlan,
    dml: &DmlStatement,
    store: &Arc<dyn RowStore>,
) -> Result<LogicalPlan> {
    match plan {
        // Only an optimizer, as that of PREPARE, puts conditions into scans.
        LogicalPlan::TableScan(scan)
            if scan.table_name == dml.table_name && scan.filters.is_empty() =>
        {
            let source = provider_as_source(store.scan_with_ids()?);
            LogicalPlanBuilder::scan(scan.table_name.clone(), source, None)?.build()
        }
        LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Sort(_) => {
            let inputs = plan
                .inputs()
                .into_iter()
                .map(|input| with_ids(input, dml, store))
                .collect::<Result<Vec<_>>>()?;
            plan.with_new_exprs(plan.expressions(), inputs)
        }
        other => not_impl_err!("{} of {} by {}", dml.op, dml.table_name, other.display()),
    }
}

/// Refuses an optimized `DELETE` or `UPDATE` whose condition would not reach its table: DataFusion passes on the filters
/// that it finds between the two, and a condition that became a join, a limit or an empty relation is not among them.
///
/// # Errors
/// There is one.
pub(crate) fn refuse_lost_conditions(plan: &LogicalPlan) -> Result<()> {
    let dml = match plan {
        // A table may do it as soon as it is asked for its plan.
        LogicalPlan::Explain(explain) => return refuse_lost_conditions(&explain.plan),
        LogicalPlan::Analyze(analyze) => return refuse_lost_conditions(&analyze.input),
        LogicalPlan::Dml(dml) if matches!(dml.op, WriteOp::Delete | WriteOp::Update) => dml,
        _ => return Ok(()),
    };
    let mut names = vec![dml.table_name.clone()];
    let mut conditions = Vec::new();
    let mut part = dml.input.as_ref();
    loop {
        part = match part {
            LogicalPlan::TableScan(scan) if scan.fetch.is_none() => break,
            LogicalPlan::Filter(filter) => {
                conditions.push(&filter.predicate);
                filter.input.as_ref()
            }
            LogicalPlan::Projection(projection) => projection.input.as_ref(),
            LogicalPlan::SubqueryAlias(alias) => {
                if matches!(alias.input.as_ref(), LogicalPlan::TableScan(_)) {
                    names.push(alias.alias.clone());
                }
                alias.input.as_ref()
            }
            _ => return Err(lost_condition(dml)),
        };
    }
    // DataFusion leaves out conditions over columns of other names.
    let is_passed_on = |column: &&Column| {
        let relation = column.relation.as_ref();
        relation.is_none_or(|relation| names.iter().any(|name| relation.resolved_eq(name)))
    };
    match conditions.iter().all(|condition| {
        !has_subquery(condition) && condition.column_refs().iter().all(is_passed_on)
    }) {
        true => Ok(()),
        false => Err(lost_condition(dml)),
    }
}

fn lost_condition(dml: &DmlStatement) -> DataFusionError {
    let verb = match dml.op {
        WriteOp::Delete => "DELETE by this condition from",
        _ => "UPDATE by this condition of",
    };
    not_changeable(verb, &dml.table_name)
}
