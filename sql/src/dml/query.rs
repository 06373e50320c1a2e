//! The query that a `DELETE` or an `UPDATE` stands for.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::{Result, TableReference, plan_err};
use datafusion::execution::SessionState;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{
    AssignmentTarget, Delete, Expr, FromTable, Ident, LimitClause, ObjectName, OrderBy,
    OrderByKind, SelectItem, SetExpr, Statement as SqlStatement, TableFactor, TableWithJoins,
    Update, UpdateTableFromKind, VisitMut, VisitorMut, With,
};
use ogive_table_providers::{ROW_ID, RowStore, row_store};

use super::change::{Assigned, Change, What, set_name};
use super::errors::{no_column, not_changeable};
use super::insert::take_insert;
use super::target::{TARGET, with_target};
use crate::parser::parse_query;
use crate::statement::{is_default, normalized, reference_of, table_of};

/// The name of the row ids in the statement's query.
const ID: &str = "__id";

/// Takes a change of rows out of a statement and leaves the query of it, or for `INSERT` the plain statement. Statements that
/// are none, and those over tables that have no row ids, stay as they are.
///
/// # Errors
/// A clause that is not supported; a column that does not exist.
pub(crate) async fn take(
    state: &SessionState,
    statement: &mut DfStatement,
) -> Result<Option<Change>> {
    let Some(sql) = crate::statement::changing(statement) else {
        return Ok(None);
    };
    let mut with = None;
    if let SqlStatement::Query(query) = sql
        && let SetExpr::Delete(inner) | SetExpr::Update(inner) = query.body.as_mut()
    {
        with = query.with.take();
        let inner = inner.clone();
        *sql = inner;
    }
    match sql {
        SqlStatement::Insert(insert) => {
            let taken = take_insert(state, insert).await?;
            Ok(taken.map(|taken| Change {
                with_target: None,
                store: taken.store,
                table: taken.table,
                name: taken.name,
                alias: taken.alias,
                what: What::Insert(Box::new(taken.clauses)),
                returning: taken.returning,
            }))
        }
        SqlStatement::Delete(delete) => {
            let target = delete_target(delete)?;
            let Some(found) = Found::of(state, &target, "DELETE FROM").await? else {
                return Ok(None);
            };
            let others = delete.using.take().unwrap_or_default();
            let parts = Parts {
                with,
                others,
                selection: delete.selection.take(),
                order_by: std::mem::take(&mut delete.order_by),
                limit: delete.limit.take(),
                sets: Vec::new(),
            };
            let returning = delete.returning.take();
            *sql = found.query(parts, returning.is_some())?;
            found.change(state, What::Delete, returning).map(Some)
        }
        SqlStatement::Update(update) => {
            if !update.table.joins.is_empty() {
                return plan_err!("UPDATE of a join: name the other tables in FROM");
            }
            let Some(found) = Found::of(state, &update.table.relation, "UPDATE").await? else {
                return Ok(None);
            };
            let (columns, sets) = assignments(update, found.table.as_ref(), &found.name)?;
            let others = match update.from.take() {
                None => Vec::new(),
                Some(
                    UpdateTableFromKind::AfterSet(tables) | UpdateTableFromKind::BeforeSet(tables),
                ) => tables,
            };
            let parts = Parts {
                with,
                others,
                selection: update.selection.take(),
                order_by: std::mem::take(&mut update.order_by),
                limit: update.limit.take(),
                sets,
            };
            let returning = update.returning.take();
            *sql = found.query(parts, returning.is_some())?;
            found
                .change(state, What::Update(columns), returning)
                .map(Some)
        }
        _ => Ok(None),
    }
}

fn delete_target(delete: &Delete) -> Result<TableFactor> {
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
    match from.as_slice() {
        [target] if target.joins.is_empty() && delete.tables.is_empty() => {
            Ok(target.relation.clone())
        }
        _ => plan_err!("DELETE takes rows of one table: name the others in USING"),
    }
}

/// The target of a statement.
struct Found {
    store: Arc<dyn RowStore>,
    table: Arc<dyn TableProvider>,
    written: ObjectName,
    name: TableReference,
    alias: Ident,
    has_alias: bool,
}

impl Found {
    async fn of(state: &SessionState, target: &TableFactor, verb: &str) -> Result<Option<Self>> {
        let TableFactor::Table { name, alias, .. } = target else {
            return plan_err!("{verb} takes the name of a table, found {target}");
        };
        let Some(table) = table_of(state, name).await? else {
            return Ok(None);
        };
        let Some(store) = row_store(&table) else {
            return Err(not_changeable(verb, name));
        };
        let last = name.0.last().and_then(|part| part.as_ident()).cloned();
        let (Some(last), reference) = (last, reference_of(name)) else {
            return plan_err!("{verb} takes the name of a table, found {name}");
        };
        Ok(Some(Self {
            store,
            table,
            written: name.clone(),
            name: reference,
            has_alias: alias.is_some(),
            alias: alias.as_ref().map_or(last, |alias| alias.name.clone()),
        }))
    }

    /// The query whose first column is the row id, whose next are the new values, and whose others, where rows are
    /// returned, are all columns in sight.
    fn query(&self, mut parts: Parts, returns: bool) -> Result<SqlStatement> {
        let alias = &self.alias;
        let mut list = format!("{alias}.\"{ROW_ID}\" AS \"{ID}\"");
        for number in 0..parts.sets.len() {
            list.push_str(&format!(", NULL AS \"{}\"", set_name(number)));
        }
        if returns {
            list.push_str(", *");
        }
        let text = format!("SELECT {list} FROM \"{TARGET}\".\"{TARGET}\".\"{TARGET}\" AS {alias}");
        let mut query = parse_query(&text)?;
        if !self.has_alias && self.written.0.len() > 1 {
            let mut qualifiers = Qualifiers(&self.written);
            for expr in parts.sets.iter_mut().chain(&mut parts.selection) {
                let ControlFlow::Continue(()) = VisitMut::visit(expr, &mut qualifiers);
            }
        }
        let SetExpr::Select(select) = query.body.as_mut() else {
            return plan_err!("the query of a statement is no SELECT");
        };
        for (item, set) in select.projection.iter_mut().skip(1).zip(parts.sets) {
            if let SelectItem::ExprWithAlias { expr, .. } = item {
                *expr = set;
            }
        }
        select.from.extend(parts.others);
        select.selection = parts.selection;
        if !parts.order_by.is_empty() {
            query.order_by = Some(OrderBy {
                kind: OrderByKind::Expressions(parts.order_by),
                interpolate: None,
            });
        }
        if parts.limit.is_some() {
            query.limit_clause = Some(LimitClause::LimitOffset {
                limit: parts.limit,
                offset: None,
                limit_by: Vec::new(),
            });
        }
        query.with = parts.with;
        Ok(SqlStatement::Query(query))
    }

    fn change(
        self,
        state: &SessionState,
        what: What,
        returning: Option<Vec<SelectItem>>,
    ) -> Result<Change> {
        Ok(Change {
            with_target: Some(with_target(state, self.store.scan_with_ids()?)?),
            store: self.store,
            table: self.table,
            name: self.name,
            alias: normalized(&self.alias),
            what,
            returning,
        })
    }
}

/// The parts of a statement that are those of a query.
struct Parts {
    with: Option<With>,
    others: Vec<TableWithJoins>,
    selection: Option<Expr>,
    order_by: Vec<datafusion::sql::sqlparser::ast::OrderByExpr>,
    limit: Option<Expr>,
    sets: Vec<Expr>,
}

/// The columns that are set and what to; `DEFAULT` is left to the plan.
fn assignments(
    update: &mut Update,
    table: &dyn TableProvider,
    name: &TableReference,
) -> Result<(Vec<Assigned>, Vec<Expr>)> {
    let schema = table.schema();
    let (mut columns, mut sets) = (Vec::new(), Vec::new());
    for assignment in std::mem::take(&mut update.assignments) {
        let pairs = match (assignment.target, assignment.value) {
            (AssignmentTarget::ColumnName(column), value) => vec![(column, value)],
            (AssignmentTarget::Tuple(columns), Expr::Tuple(values))
                if columns.len() == values.len() =>
            {
                columns.into_iter().zip(values).collect()
            }
            (AssignmentTarget::Tuple(columns), value) => {
                return plan_err!(
                    "SET of {} columns takes as many values in parentheses, found {value}",
                    columns.len()
                );
            }
        };
        for (column, value) in pairs {
            let ident = column.0.last().and_then(|part| part.as_ident());
            let column = ident.map(normalized).unwrap_or_default();
            let Ok(number) = schema.index_of(&column) else {
                return Err(no_column(&column, name));
            };
            if columns.iter().any(|(taken, _)| *taken == number) {
                return plan_err!("multiple assignments to same column \"{column}\"");
            }
            let is_default = is_default(&value);
            columns.push((number, is_default));
            sets.push(match is_default {
                true => crate::parser::parse_expression("NULL")?,
                false => value,
            });
        }
    }
    Ok((columns, sets))
}

/// `public.t.id` as `t.id`: the target of the query has no schema.
struct Qualifiers<'a>(&'a ObjectName);

impl VisitorMut for Qualifiers<'_> {
    type Break = std::convert::Infallible;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if let Expr::CompoundIdentifier(parts) = expr {
            let table = self.0.0.len();
            let is_target = parts.len() == table + 1
                && self.0.0.iter().zip(parts.iter()).all(|(written, part)| {
                    written
                        .as_ident()
                        .is_some_and(|ident| normalized(ident) == normalized(part))
                });
            if is_target {
                parts.drain(..table - 1);
            }
        }
        ControlFlow::Continue(())
    }
}
