//! `code_context(.., query => 'SELECT ..')`: the calls in a statement, their queries, and what they chose in the queries' place.

use std::collections::HashMap;

use datafusion::common::plan_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, TableFactor, Value, VisitorMut,
};
use std::ops::ControlFlow;

use crate::statement::visit::{flow, is_call_of, visit_queries};

/// The function's name.
pub(crate) const NAME: &str = "code_context";

/// Where the query stands among the arguments.
const PLACE: usize = 7;

/// The query of a call, where it has one.
///
/// # Errors
/// One that is no constant text.
pub(super) fn selection_of_factor(factor: &mut TableFactor) -> Result<Option<String>> {
    Ok(query_mut(factor)?.map(|query| query.clone()))
}

fn query_mut(factor: &mut TableFactor) -> Result<Option<&mut String>> {
    let (name, args) = match factor {
        TableFactor::Table {
            name,
            args: Some(args),
            ..
        } => (name, &mut args.args),
        TableFactor::Function { name, args, .. } => (name, args),
        _ => return Ok(None),
    };
    if !is_call_of(NAME, name) {
        return Ok(None);
    }
    match args.get_mut(PLACE) {
        None => Ok(None),
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))) => {
            match &mut value.value {
                Value::Null => Ok(None),
                Value::SingleQuotedString(text) => Ok(Some(text)),
                Value::DollarQuotedString(quoted) => Ok(Some(&mut quoted.value)),
                other => plan_err!("{NAME}: expected a query as text, found {other}"),
            }
        }
        Some(other) => plan_err!("{NAME}: expected a query as text, found {other}"),
    }
}

/// Puts what queries chose in their places.
///
/// # Errors
/// None: the calls were read before.
pub(crate) fn put_chosen(
    statement: &mut DfStatement,
    chosen: HashMap<String, String>,
) -> Result<()> {
    visit_queries(statement, &mut Substitution { chosen })
}

struct Substitution {
    chosen: HashMap<String, String>,
}

impl VisitorMut for Substitution {
    type Break = DataFusionError;

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        let put = query_mut(factor).map(|query| {
            if let Some(query) = query
                && let Some(chosen) = self.chosen.get(query)
            {
                query.clone_from(chosen);
            }
        });
        flow(put)
    }
}
