//! Visits of the parts of a statement.

use std::ops::ControlFlow;

use datafusion::error::{DataFusionError, Result};
use datafusion::sql::parser::{CopyToSource, Statement as DfStatement};
use datafusion::sql::sqlparser::ast::{
    Ident, ObjectName, ObjectNamePart, Query, TableAlias, TableFactor, VisitMut, VisitorMut,
};

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

/// What a visitor does after a step.
pub(crate) fn flow(done: Result<()>) -> ControlFlow<DataFusionError> {
    match done {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}
