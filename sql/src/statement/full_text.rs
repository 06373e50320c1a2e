//! FTS5's `MATCH`, of tables and of columns.
//!
//! ```text
//! FROM notes.text.docs WHERE docs MATCH 'whale AND sea'   =>  fts_match(docs.rank, 'whale AND sea')
//! FROM notes.text.docs WHERE title MATCH 'whale'          =>  fts_match(title, 'whale')
//! ```
//!
//! Every table that has an index of texts has a column `rank`, which stands for all of its texts.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FromTable, Ident, ObjectNamePart, Select, Statement, TableFactor,
    TableWithJoins, visit_expressions_mut,
};
use ogive_table_providers::FTS_MATCH;

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
    let same = |a: &Ident, b: &Ident| match (a.quote_style, b.quote_style) {
        (None, None) => a.value.eq_ignore_ascii_case(&b.value),
        _ => a.value == b.value,
    };
    let _: ControlFlow<()> = visit_expressions_mut(condition, |expr| {
        if let Expr::BinaryOp {
            left,
            op: BinaryOperator::Match,
            right,
        } = expr
            && let Expr::Identifier(table) = left.as_ref()
            && names.iter().any(|name| same(name, table))
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
