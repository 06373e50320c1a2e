//! What DataFusion's planner does not take, rewritten in the statement.
//!
//! ```text
//! FROM vector_search(..)          =>  FROM (SELECT .. ORDER BY _distance LIMIT k)
//! FROM pages(.., page_size => 4)   =>  FROM pages(.., 4)
//! FETCH FIRST 5 ROWS ONLY         =>  LIMIT 5
//! FROM 'directory'                =>  FROM 'directory/'
//! VALUES ('[1]'::vector), ('[2]') =>  VALUES ('[1]'::vector), ('[2]'::vector)
//! CREATE TABLE t (id bigserial)   =>  CREATE TABLE t (id bigint NOT NULL DEFAULT nextval('t_id_seq'))
//! ```

use std::ops::ControlFlow;

use datafusion::common::plan_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{CopyToSource, Statement as DfStatement};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, LimitClause, ObjectName, ObjectNamePart, Query, Select, Statement as SqlStatement,
    TableAlias, TableFactor, Value, VisitMut, VisitorMut,
};
use ogive_vectors::VectorError;

use crate::page_arguments::place_page_size;
use crate::query_recall::{query_of_expr, query_of_factor};
use crate::sequences::take_serial_columns;
use crate::tables::complete_directory;
use crate::values::{cast_defaults, cast_rows};
use crate::vector_search::{expand_search, make_searches_lateral};

/// Rewrites a statement, subqueries included. Returns the queries whose recall is asked for, which take longer.
///
/// # Errors
/// What is wrong with a part that is rewritten.
pub(crate) fn rewrite_statement(
    context: &SessionContext,
    statement: &mut DfStatement,
) -> Result<Vec<String>> {
    if let DfStatement::Explain(explain) = statement {
        return rewrite_statement(context, &mut explain.statement);
    }
    if let DfStatement::Statement(statement) = statement {
        refuse_index(statement)?;
        take_serial_columns(context, statement)?;
        cast_defaults(statement)?;
    }
    let mut rewriter = Rewriter {
        context,
        recalls: Vec::new(),
    };
    visit_queries(statement, &mut rewriter)?;
    Ok(rewriter.recalls)
}

/// Visits the parts of a statement that are SQL's own.
///
/// # Errors
/// The visitor's.
pub(crate) fn visit_queries<V: VisitorMut<Break = DataFusionError>>(
    statement: &mut DfStatement,
    visitor: &mut V,
) -> Result<()> {
    let flow = match statement {
        DfStatement::Statement(statement) => statement.visit(visitor),
        DfStatement::Explain(explain) => return visit_queries(&mut explain.statement, visitor),
        DfStatement::CopyTo(copy) => match &mut copy.source {
            CopyToSource::Query(query) => query.visit(visitor),
            CopyToSource::Relation(name) => visitor.pre_visit_relation(name),
        },
        _ => ControlFlow::Continue(()),
    };
    match flow {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Whether a name, without a schema, is that of a function.
pub(crate) fn is_call_of(function: &str, name: &ObjectName) -> bool {
    matches!(name.0.as_slice(), [ObjectNamePart::Identifier(name)]
        if name.value.eq_ignore_ascii_case(function))
}

/// A query in FROM in place of a call, under the call's alias or the function's name.
pub(crate) fn derived_table(
    lateral: bool,
    subquery: Box<Query>,
    alias: Option<TableAlias>,
    function: &str,
) -> TableFactor {
    TableFactor::Derived {
        lateral,
        subquery,
        alias: Some(alias.unwrap_or_else(|| TableAlias {
            explicit: true,
            name: Ident::new(function),
            columns: Vec::new(),
            at: None,
        })),
        sample: None,
    }
}

struct Rewriter<'a> {
    context: &'a SessionContext,
    recalls: Vec<String>,
}

impl Rewriter<'_> {
    fn note(&mut self, query: Result<Option<String>>) -> Result<()> {
        self.recalls.extend(query?);
        Ok(())
    }
}

impl VisitorMut for Rewriter<'_> {
    type Break = DataFusionError;

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Self::Break> {
        complete_directory(self.context, relation);
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        flow(limit_fetched(query).and_then(|()| cast_rows(&mut query.body)))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        make_searches_lateral(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        flow(self.note(query_of_expr(expr)))
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        let done = refuse_sample(factor)
            .and_then(|()| place_page_size(factor))
            .and_then(|()| expand_search(self.context, factor))
            .and_then(|()| self.note(query_of_factor(factor)));
        flow(done)
    }
}

/// What a visitor does after a step.
pub(crate) fn flow(done: Result<()>) -> ControlFlow<DataFusionError> {
    match done {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

/// There are no indexes yet, and the planner's own words would not say what to do.
fn refuse_index(statement: &SqlStatement) -> Result<()> {
    match statement {
        SqlStatement::CreateIndex(index) => {
            let error = VectorError::new(
                "0A000",
                format!("indexes are not supported, here of {}", index.table_name),
            )
            .with_hint("Searches by distance are exact and need none: leave the statement out.");
            Err(DataFusionError::External(Box::new(error)))
        }
        _ => Ok(()),
    }
}

/// The planner passes over a sample, and all rows would be taken for one.
fn refuse_sample(factor: &TableFactor) -> Result<()> {
    match factor {
        TableFactor::Table {
            name,
            sample: Some(_),
            ..
        } => plan_err!(
            "TABLESAMPLE is not supported, here of {name}: WHERE random() < 0.01 takes about a hundredth of the rows"
        ),
        _ => Ok(()),
    }
}

/// The standard's words for a limit; one row unless a number is given.
fn limit_fetched(query: &mut Query) -> Result<()> {
    let Some(fetch) = query.fetch.take() else {
        return Ok(());
    };
    if fetch.percent || fetch.with_ties {
        return plan_err!("FETCH takes a number of rows and ONLY: {fetch} is not supported");
    }
    let one = || Expr::Value(Value::Number("1".to_string(), false).with_empty_span());
    let limit = Some(fetch.quantity.unwrap_or_else(one));
    match &mut query.limit_clause {
        None => {
            query.limit_clause = Some(LimitClause::LimitOffset {
                limit,
                offset: None,
                limit_by: Vec::new(),
            });
        }
        Some(LimitClause::LimitOffset { limit: given, .. }) if given.is_none() => *given = limit,
        Some(_) => return plan_err!("a query has either LIMIT or FETCH"),
    }
    Ok(())
}
