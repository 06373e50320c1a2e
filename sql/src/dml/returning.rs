//! The expressions of `RETURNING`.

use datafusion::common::{Column, DFSchema, Result, TableReference, plan_err};
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr as LogicalExpr;
use datafusion::sql::sqlparser::ast::{ExprWithAlias, SelectItem, SelectItemQualifiedWildcardKind};

use crate::statement::normalized;

/// `RETURNING` over the columns of the changed rows.
///
/// # Errors
/// An expression that does not plan.
pub(super) fn returned(
    state: &SessionState,
    items: Vec<SelectItem>,
    schema: &DFSchema,
) -> Result<Vec<LogicalExpr>> {
    let mut exprs = Vec::new();
    for item in items {
        let (expr, alias) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, None),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias)),
            SelectItem::Wildcard(_) => {
                exprs.extend(columns(schema, None));
                continue;
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let last = name.0.last().and_then(|part| part.as_ident());
                let table = last.map(normalized).unwrap_or_default();
                let found: Vec<_> = columns(schema, Some(&table)).collect();
                if found.is_empty() {
                    return plan_err!(
                        "RETURNING {table}.*: there is no table {table} in the statement"
                    );
                }
                exprs.extend(found);
                continue;
            }
            other => return plan_err!("RETURNING {other} is not supported"),
        };
        exprs.push(state.create_logical_expr_from_sql_expr(ExprWithAlias { expr, alias }, schema)?);
    }
    Ok(exprs)
}

fn columns<'a>(
    schema: &'a DFSchema,
    table: Option<&'a str>,
) -> impl Iterator<Item = LogicalExpr> + 'a {
    schema
        .iter()
        .filter(move |(qualifier, _)| {
            table.is_none_or(|table| qualifier.map(TableReference::table) == Some(table))
        })
        .map(|(qualifier, field)| LogicalExpr::Column(Column::from((qualifier, field))))
}
