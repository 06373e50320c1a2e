//! A change of rows, apart from the query that names them.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DataFusionError, Result, TableReference, plan_err};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{
    Analyze, Explain, Expr as LogicalExpr, ExprSchemable, Extension, LogicalPlan,
    LogicalPlanBuilder, PlanType, Prepare, Statement as LogicalStatement, StringifiedPlan,
};
use datafusion::sql::sqlparser::ast::SelectItem;
use ogive_table_providers::RowStore;
use ogive_vectors::VectorError;

use super::changed_rows::ChangedRows;
use super::defaults::default_of;
use super::insert::InsertClauses;
use super::node::{DmlNode, Operation};
use super::returning::returned;

/// A statement that changes rows, apart from its query.
pub(crate) struct Change {
    /// The session that knows the target of the statement that is left, where it is a query over row ids.
    pub(super) with_target: Option<SessionState>,
    pub(super) store: Arc<dyn RowStore>,
    pub(super) table: Arc<dyn TableProvider>,
    pub(super) name: TableReference,
    pub(super) alias: String,
    pub(super) what: What,
    pub(super) returning: Option<Vec<SelectItem>>,
}

/// A column that is set, and whether it gets its default.
pub(super) type Assigned = (usize, bool);

pub(super) enum What {
    Delete,
    /// The columns that are set, each with whether it gets its default.
    Update(Vec<Assigned>),
    Insert(Box<InsertClauses>),
}

/// The name of a new value in the statement's query.
pub(super) fn set_name(number: usize) -> String {
    format!("__set_{number}")
}

impl Change {
    /// The session in which the statement that is left is planned.
    pub(crate) fn planning<'a>(&'a self, state: &'a SessionState) -> &'a SessionState {
        self.with_target.as_ref().unwrap_or(state)
    }

    /// Puts the change above the plan of its query, within what explains or prepares it.
    ///
    /// # Errors
    /// A value of a type that the column cannot take; an expression of `RETURNING` or `ON CONFLICT` that does not plan.
    pub(crate) fn put_back(self, state: &SessionState, plan: LogicalPlan) -> Result<LogicalPlan> {
        Ok(match plan {
            LogicalPlan::Explain(explain) => {
                let plan = self.put_back(state, Arc::unwrap_or_clone(explain.plan))?;
                let initial = plan.display_indent().to_string();
                LogicalPlan::Explain(Explain {
                    stringified_plans: vec![StringifiedPlan::new(
                        PlanType::InitialLogicalPlan,
                        initial,
                    )],
                    plan: Arc::new(plan),
                    ..explain
                })
            }
            LogicalPlan::Analyze(analyze) => {
                let input = self.put_back(state, Arc::unwrap_or_clone(analyze.input))?;
                LogicalPlan::Analyze(Analyze {
                    input: Arc::new(input),
                    ..analyze
                })
            }
            LogicalPlan::Statement(LogicalStatement::Prepare(prepare)) => {
                let input = self.put_back(state, Arc::unwrap_or_clone(prepare.input))?;
                LogicalPlan::Statement(LogicalStatement::Prepare(Prepare {
                    input: Arc::new(input),
                    ..prepare
                }))
            }
            query => self.over(state, query)?,
        })
    }

    fn over(self, state: &SessionState, query: LogicalPlan) -> Result<LogicalPlan> {
        let (operation, mut inputs) = match &self.what {
            What::Delete => (Operation::Delete, vec![query]),
            What::Update(columns) => {
                let numbers = columns.iter().map(|(column, _)| *column).collect();
                (
                    Operation::Update(numbers),
                    vec![self.cast_sets(query, columns)?],
                )
            }
            What::Insert(clauses) => {
                let LogicalPlan::Dml(dml) = query else {
                    return plan_err!("INSERT was planned as {}", query.display());
                };
                let (conflict, inputs) = clauses.plan(
                    state,
                    &self.store,
                    &self.name,
                    &self.alias,
                    Arc::unwrap_or_clone(dml.input),
                )?;
                (Operation::Insert(conflict), inputs)
            }
        };
        let mut changed = None;
        if let (Some(items), Some(input)) = (self.returning, inputs.first()) {
            let alias = TableReference::bare(self.alias.as_str());
            let columns = operation.changed_columns(&self.store, input, &alias);
            let (rows, scan) = ChangedRows::scan(&columns)?;
            let exprs = returned(state, items, scan.schema())?;
            inputs.push(LogicalPlanBuilder::from(scan).project(exprs)?.build()?);
            changed = Some(rows);
        }
        let inputs = inputs.into_iter().map(Arc::new).collect();
        let node = DmlNode::try_new(operation, self.name, self.store, inputs, changed)?;
        Ok(LogicalPlan::Extension(Extension {
            node: Arc::new(node),
        }))
    }

    /// New values in the types of their columns.
    fn cast_sets(&self, query: LogicalPlan, columns: &[Assigned]) -> Result<LogicalPlan> {
        let target = self.store.schema();
        let mut exprs: Vec<LogicalExpr> = Vec::new();
        for (place, (qualifier, field)) in query.schema().iter().enumerate() {
            let column = LogicalExpr::Column(Column::from((qualifier, field)));
            let Some((number, is_default)) = place.checked_sub(1).and_then(|set| columns.get(set))
            else {
                exprs.push(column);
                continue;
            };
            let to = target.field(*number);
            let value = match is_default {
                true => default_of(self.table.as_ref(), to)?,
                false => column,
            };
            let from = value.get_type(query.schema())?;
            let value = value.cast_to(to.data_type(), query.schema()).map_err(|_| {
                DataFusionError::External(Box::new(VectorError::new(
                    "42804",
                    format!(
                        "column \"{}\" is of type {} but expression is of type {from}",
                        to.name(),
                        to.data_type()
                    ),
                )))
            })?;
            exprs.push(value.alias(set_name(place - 1)));
        }
        LogicalPlanBuilder::from(query).project(exprs)?.build()
    }
}

/// Whether any part of a plan changes rows by id, and of which tables.
pub(crate) fn changed_stores(plan: &LogicalPlan) -> Result<Vec<Arc<dyn RowStore>>> {
    let mut stores = Vec::new();
    plan.apply(|part| {
        if let LogicalPlan::Extension(extension) = part
            && let Some(node) = extension.node.as_any().downcast_ref::<DmlNode>()
        {
            stores.push(Arc::clone(node.store()));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(stores)
}
