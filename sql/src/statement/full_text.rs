//! FTS5's `MATCH`, of tables and of columns.
//!
//! ```text
//! FROM notes.text.docs WHERE docs MATCH 'whale AND sea'   =>  fts_match(docs.rank, 'whale AND sea')
//! FROM notes.text.docs WHERE title MATCH 'whale'          =>  fts_match(title, 'whale')
//! SELECT snippet(docs, 0, '<', '>', '..', 8)              =>  fts_snippet(docs.rank, 0, '<', '>', '..', 8)
//! SELECT highlight(docs, 0, '<', '>')                      =>  fts_highlight(docs.rank, 0, '<', '>')
//! ```
//!
//! Every table that has an index of texts has a column `rank`, which stands for all of its texts.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FromTable, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Ident, ObjectName, ObjectNamePart, Select, SelectItem, Statement, TableFactor, TableWithJoins,
    visit_expressions_mut,
};
use ogive_table_providers::{FTS_MATCH, FtsText};

use crate::parser::parse_expression;

/// The column that stands for a table's texts.
const RANK: &str = "rank";

/// Rewrites the conditions of a query whose left side names one of its tables.
pub(crate) fn match_in_select(select: &mut Select) {
    let names: Vec<Ident> = select.from.iter().flat_map(names_of).collect();
    for condition in [
        &mut select.selection,
        &mut select.prewhere,
        &mut select.having,
    ]
    .into_iter()
    .flatten()
    {
        match_tables(condition, &names);
    }
    for item in &mut select.projection {
        // The column is called as the function is, whatever its arguments are.
        let name = match item {
            SelectItem::UnnamedExpr(Expr::Function(call)) => fts_text(call),
            _ => None,
        };
        if let (SelectItem::UnnamedExpr(expr), Some(function)) = (&mut *item, name) {
            texts_of_tables(expr, &names);
            *item = SelectItem::ExprWithAlias {
                expr: expr.clone(),
                alias: Ident::new(function.sql_name()),
            };
        } else if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item
        {
            texts_of_tables(expr, &names);
        }
    }
}

/// Calls of FTS5's functions whose first argument names a table.
fn texts_of_tables(expr: &mut Expr, names: &[Ident]) {
    let _: ControlFlow<()> = visit_expressions_mut(expr, |expr| {
        let Expr::Function(call) = expr else {
            return ControlFlow::Continue(());
        };
        let (Some(function), FunctionArguments::List(arguments)) = (fts_text(call), &mut call.args)
        else {
            return ControlFlow::Continue(());
        };
        if let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) = arguments.args.first_mut()
            && let Expr::Identifier(table) = first
            && names.iter().any(|name| is_same(name, table))
            && let Ok(rank) = parse_expression(&format!("{table}.{RANK}"))
        {
            *first = rank;
            call.name = ObjectName::from(vec![Ident::new(function.name())]);
        }
        ControlFlow::Continue(())
    });
}

/// Which of FTS5's functions is called.
fn fts_text(call: &Function) -> Option<FtsText> {
    let [ObjectNamePart::Identifier(name)] = call.name.0.as_slice() else {
        return None;
    };
    FtsText::ALL
        .into_iter()
        .find(|function| name.value.eq_ignore_ascii_case(function.sql_name()))
}

fn is_same(a: &Ident, b: &Ident) -> bool {
    match (a.quote_style, b.quote_style) {
        (None, None) => a.value.eq_ignore_ascii_case(&b.value),
        _ => a.value == b.value,
    }
}

/// The same of an `UPDATE` or a `DELETE`.
pub(crate) fn match_in_change(statement: &mut Statement) {
    match statement {
        Statement::Update(update) => {
            let names: Vec<Ident> = names_of(&update.table).collect();
            if let Some(condition) = &mut update.selection {
                match_tables(condition, &names);
            }
        }
        Statement::Delete(delete) => {
            let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
            let names: Vec<Ident> = from.iter().flat_map(names_of).collect();
            if let Some(condition) = &mut delete.selection {
                match_tables(condition, &names);
            }
        }
        _ => {}
    }
}

/// Rewrites a condition that is left: of a column.
pub(crate) fn match_of_column(expr: &mut Expr) {
    if let Expr::BinaryOp {
        left,
        op: BinaryOperator::Match,
        right,
    } = expr
    {
        let call = parse_expression(&format!("{FTS_MATCH}({left}, {right})"));
        if let Ok(call) = call {
            *expr = call;
        }
    }
}

fn match_tables(condition: &mut Expr, names: &[Ident]) {
    let _: ControlFlow<()> = visit_expressions_mut(condition, |expr| {
        if let Expr::BinaryOp {
            left,
            op: BinaryOperator::Match,
            right,
        } = expr
            && let Expr::Identifier(table) = left.as_ref()
            && names.iter().any(|name| is_same(name, table))
            && let Ok(call) = parse_expression(&format!("{FTS_MATCH}({table}.{RANK}, {right})"))
        {
            *expr = call;
        }
        ControlFlow::Continue(())
    });
}

/// What the tables of a FROM are called.
fn names_of(table: &TableWithJoins) -> impl Iterator<Item = Ident> {
    std::iter::once(&table.relation)
        .chain(table.joins.iter().map(|join| &join.relation))
        .filter_map(|factor| match factor {
            TableFactor::Table {
                alias: Some(alias), ..
            } => Some(alias.name.clone()),
            TableFactor::Table { name, .. } => {
                name.0.last().and_then(ObjectNamePart::as_ident).cloned()
            }
            _ => None,
        })
}
