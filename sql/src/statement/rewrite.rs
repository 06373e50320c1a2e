//! What DataFusion's planner does not take, rewritten in the statement.
//!
//! ```text
//! FROM vector_search(..)          =>  FROM (SELECT .. ORDER BY _distance LIMIT k)
//! FROM pages(.., page_size => 4)   =>  FROM pages(.., 4)
//! FETCH FIRST 5 ROWS ONLY         =>  LIMIT 5
//! docs MATCH 'whale'              =>  fts_match(docs.rank, 'whale')
//! FROM 'directory'                =>  FROM 'directory/'
//! VALUES ('[1]'::vector), ('[2]') =>  VALUES ('[1]'::vector), ('[2]'::vector)
//! public.l2_distance(a, b)        =>  l2_distance(a, b), and other names of PostgreSQL's
//! CREATE TABLE t (id bigserial)   =>  CREATE TABLE t (id bigint NOT NULL DEFAULT nextval('t_id_seq'))
//! ```

use std::ops::ControlFlow;

use datafusion::common::plan_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, Query, Select, Statement as SqlStatement, TableFactor, VisitorMut,
};
use ogive_vectors::VectorError;

use crate::catalog::{complete_directory, complete_main};
use crate::statement::context_calls::selection_of_factor;
use crate::statement::fetch::limit_fetched;
use crate::statement::full_text::{match_in_change, match_in_select, match_of_column};
use crate::statement::named_arguments::place_arguments;
use crate::statement::postgres_names::{
    name_column, read_bytea, table_without_schema, without_schema,
};
use crate::statement::recall_calls::{query_of_expr, query_of_factor};
use crate::statement::sequences::take_serial_columns;
use crate::statement::values::{cast_defaults, cast_rows};
use crate::statement::vector_search::{expand_search, make_searches_lateral};
use crate::statement::visit::{flow, visit_queries};

/// What a statement needs beside its plan.
#[derive(Debug, Default)]
pub(crate) struct Rewritten {
    /// The queries whose recall is asked for.
    pub(crate) recalls: Vec<String>,
    /// The queries that choose files of code.
    pub(crate) selections: Vec<String>,
    /// The sequences that its table numbers rows by, to begin when it is run.
    pub(crate) sequences: Vec<String>,
}

/// Rewrites a statement, subqueries included.
///
/// # Errors
/// What is wrong with a part that is rewritten.
pub(crate) fn rewrite_statement(
    context: &SessionContext,
    statement: &mut DfStatement,
) -> Result<Rewritten> {
    if let DfStatement::Explain(explain) = statement {
        let rewritten = rewrite_statement(context, &mut explain.statement)?;
        // What is explained is not run.
        return Ok(Rewritten {
            sequences: Vec::new(),
            ..rewritten
        });
    }
    let mut sequences = Vec::new();
    if let DfStatement::Statement(statement) = statement {
        refuse_index(statement)?;
        sequences = take_serial_columns(context, statement)?;
        cast_defaults(statement)?;
        match_in_change(statement);
    }
    let mut rewriter = Rewriter {
        context,
        recalls: Vec::new(),
        selections: Vec::new(),
    };
    visit_queries(statement, &mut rewriter)?;
    Ok(Rewritten {
        recalls: rewriter.recalls,
        selections: rewriter.selections,
        sequences,
    })
}

struct Rewriter<'a> {
    context: &'a SessionContext,
    recalls: Vec<String>,
    selections: Vec<String>,
}

impl Rewriter<'_> {
    fn note(&mut self, query: Result<Option<String>>) -> Result<()> {
        self.recalls.extend(query?);
        Ok(())
    }

    fn note_selection(&mut self, factor: &mut TableFactor) -> Result<()> {
        self.selections.extend(selection_of_factor(factor)?);
        Ok(())
    }
}

impl VisitorMut for Rewriter<'_> {
    type Break = DataFusionError;

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Self::Break> {
        complete_directory(self.context, relation);
        complete_main(self.context, relation);
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        flow(limit_fetched(query).and_then(|()| cast_rows(&mut query.body)))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        make_searches_lateral(select);
        match_in_select(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        without_schema(expr);
        flow(self.note(query_of_expr(expr)))
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        match_of_column(expr);
        flow(read_bytea(expr))
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        table_without_schema(factor);
        name_column(factor);
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        let done = refuse_sample(factor)
            .and_then(|()| place_arguments(factor))
            .and_then(|()| expand_search(self.context, factor))
            .and_then(|()| self.note(query_of_factor(factor)))
            .and_then(|()| self.note_selection(factor));
        flow(done)
    }
}

/// What reaches the planner is explained, and the planner's own words would not say what to do.
fn refuse_index(statement: &SqlStatement) -> Result<()> {
    match statement {
        SqlStatement::CreateIndex(index) => {
            let error = VectorError::new(
                "0A000",
                format!(
                    "CREATE INDEX ON {} has no plan to explain",
                    index.table_name
                ),
            )
            .with_hint("Without EXPLAIN it builds the index.");
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
