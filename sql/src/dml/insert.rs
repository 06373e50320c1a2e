//! `INSERT` with `ON CONFLICT` or `RETURNING`, and into tables that have keys.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::common::{DFSchema, DataFusionError, Result, TableReference, plan_err};
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{
    Expr as LogicalExpr, ExprSchemable, LogicalPlan, LogicalPlanBuilder,
};
use datafusion::sql::sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, Expr, ExprWithAlias, Insert, OnConflict,
    OnConflictAction, OnInsert, SelectItem, TableObject,
};
use ogive_table_providers::{RowStore, keys_of, row_store};
use ogive_vectors::VectorError;

use super::conflict::{Conflict, ConflictUpdate};
use super::defaults::default_of;
use super::errors::no_column;
use super::target::TARGET;
use crate::statement::{cast_assignment, is_default, normalized, reference_of, table_of};

/// The name of the row that was to be inserted.
const EXCLUDED: &str = "excluded";

/// What an `INSERT` says beside its rows.
pub(super) struct InsertClauses {
    table: Arc<dyn TableProvider>,
    on: Option<OnConflict>,
}

/// The clauses of an `INSERT` and its target.
pub(super) struct TakenInsert {
    pub(super) store: Arc<dyn RowStore>,
    pub(super) table: Arc<dyn TableProvider>,
    pub(super) name: TableReference,
    pub(super) alias: String,
    pub(super) clauses: InsertClauses,
    pub(super) returning: Option<Vec<SelectItem>>,
}

/// Takes the clauses that DataFusion does not plan; `None` where its own plan of the statement serves.
pub(super) async fn take_insert(
    state: &SessionState,
    insert: &mut Insert,
) -> Result<Option<TakenInsert>> {
    let TableObject::TableName(name) = &insert.table else {
        return Ok(None);
    };
    let Some(table) = table_of(state, name).await? else {
        return Ok(None);
    };
    let Some(store) = row_store(&table) else {
        return Ok(None);
    };
    let table_alias = insert.table_alias.take();
    let has_keys = !store.checks_keys() && store.constraints().iter().next().is_some();
    if insert.on.is_none() && insert.returning.is_none() && !has_keys {
        return Ok(None);
    }
    let on = match insert.on.take() {
        None => None,
        Some(OnInsert::OnConflict(on)) => Some(on),
        Some(other) => return plan_err!("{other} is not supported: ON CONFLICT .. DO UPDATE is"),
    };
    let reference = reference_of(name);
    let alias = match table_alias {
        Some(alias) => normalized(&alias.alias),
        None => reference.table().to_string(),
    };
    Ok(Some(TakenInsert {
        store,
        table: Arc::clone(&table),
        name: reference,
        alias,
        clauses: InsertClauses { table, on },
        returning: insert.returning.take(),
    }))
}

impl InsertClauses {
    /// What to do about conflicts, and the inputs of the node: the rows, and where there is an `ON CONFLICT`
    /// the table as it is.
    pub(super) fn plan(
        &self,
        state: &SessionState,
        store: &Arc<dyn RowStore>,
        name: &TableReference,
        alias: &str,
        rows: LogicalPlan,
    ) -> Result<(Option<Conflict>, Vec<LogicalPlan>)> {
        let Some(on) = &self.on else {
            return Ok((None, vec![rows]));
        };
        let rows = LogicalPlanBuilder::from(rows).alias(EXCLUDED)?.build()?;
        let source = provider_as_source(store.scan_with_ids()?);
        let target = LogicalPlanBuilder::scan(TARGET, source, None)?
            .alias(alias)?
            .build()?;
        let keys = self.keys(store, name, on)?;
        let update = match &on.action {
            OnConflictAction::DoNothing => None,
            OnConflictAction::DoUpdate(update) => {
                if on.conflict_target.is_none() {
                    return Err(refused(
                        "42601",
                        "ON CONFLICT DO UPDATE requires inference specification or constraint name",
                    ));
                }
                // The table's own fields: the casts of what is inserted have lost the marks of vector types.
                let excluded = DFSchema::try_from_qualified_schema(EXCLUDED, &store.schema())?;
                let schema = target.schema().join(&excluded)?;
                let expr = |expr: &Expr| {
                    state.create_logical_expr_from_sql_expr(
                        ExprWithAlias {
                            expr: expr.clone(),
                            alias: None,
                        },
                        &schema,
                    )
                };
                let mut columns = Vec::new();
                let mut values = Vec::new();
                for assignment in &update.assignments {
                    let (column, value) = self.assignment(store, name, assignment)?;
                    let field = store.schema().field(column).clone();
                    let value = match is_default(&value) {
                        true => default_of(self.table.as_ref(), &field)?,
                        false => expr(&value)?,
                    };
                    columns.push(column);
                    values.push(value.cast_to(field.data_type(), &schema)?);
                }
                let filter = match &update.selection {
                    None => None,
                    Some(filter) => Some(condition(expr(filter)?, &schema)?),
                };
                Some(ConflictUpdate {
                    columns,
                    values,
                    filter,
                })
            }
        };
        Ok((Some(Conflict { keys, update }), vec![rows, target]))
    }

    fn assignment(
        &self,
        store: &Arc<dyn RowStore>,
        name: &TableReference,
        assignment: &Assignment,
    ) -> Result<(usize, Expr)> {
        let AssignmentTarget::ColumnName(column) = &assignment.target else {
            return plan_err!("ON CONFLICT DO UPDATE SET takes one column at a time");
        };
        let ident = column.0.last().and_then(|part| part.as_ident());
        let column = ident.map(normalized).unwrap_or_default();
        let mut value = assignment.value.clone();
        cast_assignment(&self.table, &column, &mut value)?;
        match store.schema().index_of(&column) {
            Ok(number) => Ok((number, value)),
            Err(_) => Err(no_column(&column, name)),
        }
    }

    /// The keys that `ON CONFLICT` is about.
    fn keys(
        &self,
        store: &Arc<dyn RowStore>,
        name: &TableReference,
        on: &OnConflict,
    ) -> Result<Vec<Vec<usize>>> {
        let schema = store.schema();
        let mut keys = keys_of(&store.constraints(), &schema)?;
        match &on.conflict_target {
            None => {}
            Some(ConflictTarget::OnConstraint(constraint)) => {
                let wanted = constraint.to_string();
                keys.retain(|key| key.constraint_name(name.table(), &schema) == wanted);
            }
            Some(ConflictTarget::Columns(columns)) => {
                let wanted = columns
                    .iter()
                    .map(|column| {
                        let column = normalized(column);
                        schema
                            .index_of(&column)
                            .map_err(|_| no_column(&column, name))
                    })
                    .collect::<Result<Vec<_>>>()?;
                keys.retain(|key| sorted(key.columns()) == sorted(&wanted));
            }
        }
        let wanted: Vec<Vec<usize>> = keys.iter().map(|key| key.columns().to_vec()).collect();
        if wanted.is_empty() && on.conflict_target.is_some() {
            return Err(refused(
                "42P10",
                "there is no unique or exclusion constraint matching the ON CONFLICT specification",
            ));
        }
        Ok(wanted)
    }
}

fn sorted(columns: &[usize]) -> Vec<usize> {
    let mut columns = columns.to_vec();
    columns.sort_unstable();
    columns
}

/// An expression as a condition; NULL is one.
fn condition(expr: LogicalExpr, schema: &DFSchema) -> Result<LogicalExpr> {
    match expr.get_type(schema)? {
        DataType::Boolean => Ok(expr),
        DataType::Null => expr.cast_to(&DataType::Boolean, schema),
        other => plan_err!("argument of WHERE must be type boolean, not type {other}"),
    }
}

fn refused(sqlstate: &'static str, message: &str) -> DataFusionError {
    DataFusionError::External(Box::new(VectorError::new(sqlstate, message)))
}
