//! `pages('file', page_size => 4096)`: the argument by its name, put where it may stand without.
//!
//! DataFusion's table functions take no arguments with names.

use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::sql::sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, TableFactor};

use crate::statement::visit::is_call_of;

/// The function.
const NAME: &str = "pages";
/// Its second argument.
const PAGE_SIZE: &str = "page_size";

/// Takes the name off the page size of a call; anything else stays.
///
/// # Errors
/// Another name, or a name before the path.
pub(crate) fn place_page_size(factor: &mut TableFactor) -> Result<()> {
    let args = match factor {
        TableFactor::Table {
            name,
            args: Some(args),
            ..
        } if is_call_of(NAME, name) => &mut args.args,
        TableFactor::Function { name, args, .. } if is_call_of(NAME, name) => args,
        _ => return Ok(()),
    };
    for (index, argument) in args.iter_mut().enumerate() {
        let Some((name, value)) = named(argument) else {
            continue;
        };
        if index != 1 || !name.eq_ignore_ascii_case(PAGE_SIZE) {
            return plan_err!("{NAME} takes a path and {PAGE_SIZE}, not {name}");
        }
        *argument = FunctionArg::Unnamed(value);
    }
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
