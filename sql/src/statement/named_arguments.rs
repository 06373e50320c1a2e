//! `pages('file', page_size => 4096)`: arguments by their names, put where they may stand without.
//!
//! DataFusion's table functions take no arguments with names.
//!
//! ```text
//! code_context('code', level => 'signature')   =>  code_context('code', NULL, 'signature')
//! ```

use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::sql::sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, TableFactor, Value};

use crate::statement::visit::is_call_of;

/// The functions, and what their arguments are called, in order.
const FUNCTIONS: &[(&str, &[&str])] = &[
    ("pages", &["path", "page_size"]),
    (
        "code_context",
        &[
            "code", "budget", "level", "chunks", "format", "encoding", "focus", "query",
        ],
    ),
];

/// Puts the named arguments of a call in their places, with NULL where one before them is not given.
///
/// # Errors
/// A name that the function does not know, one that is given twice, or an argument without a name after one with.
pub(crate) fn place_arguments(factor: &mut TableFactor) -> Result<()> {
    let (name, args) = match factor {
        TableFactor::Table {
            name,
            args: Some(args),
            ..
        } => (name, &mut args.args),
        TableFactor::Function { name, args, .. } => (name, args),
        _ => return Ok(()),
    };
    let function = FUNCTIONS
        .iter()
        .find(|(function, _)| is_call_of(function, name));
    let Some((function, names)) = function else {
        return Ok(());
    };
    if args.iter().all(|argument| named(argument).is_none()) {
        return Ok(());
    }
    let mut places: Vec<Option<FunctionArgExpr>> = Vec::new();
    let mut is_named = false;
    for argument in args.drain(..) {
        let Some((name, value)) = named(&argument) else {
            let FunctionArg::Unnamed(value) = argument else {
                continue;
            };
            if is_named {
                return plan_err!("{function}: an argument without a name after one with: {value}");
            }
            places.push(Some(value));
            continue;
        };
        is_named = true;
        let Some(place) = names
            .iter()
            .position(|known| name.eq_ignore_ascii_case(known))
        else {
            return plan_err!("{function} takes {}, not {name}", names.join(", "));
        };
        if places.len() <= place {
            places.resize(place + 1, None);
        }
        if places[place].replace(value).is_some() {
            return plan_err!("{function}: {name} is given twice");
        }
    }
    let null = || FunctionArgExpr::Expr(Expr::Value(Value::Null.with_empty_span()));
    *args = places
        .into_iter()
        .map(|value| FunctionArg::Unnamed(value.unwrap_or_else(null)))
        .collect();
    Ok(())
}

/// An argument's name and value, where it has a name.
fn named(argument: &FunctionArg) -> Option<(String, FunctionArgExpr)> {
    match argument {
        FunctionArg::Unnamed(_) => None,
        FunctionArg::Named { name, arg, .. } => Some((name.value.clone(), arg.clone())),
        FunctionArg::ExprNamed { name, arg, .. } => Some((
            match name {
                Expr::Identifier(name) => name.value.clone(),
                other => other.to_string(),
            },
            arg.clone(),
        )),
    }
}
