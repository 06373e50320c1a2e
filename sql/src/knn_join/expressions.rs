//! Expressions over the columns of a join.

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Expr, when};

/// An expression with other expressions in place of parts that are computed already.
pub(super) fn replace(expr: &Expr, computed: &[(Expr, Expr)]) -> Result<Expr> {
    expr.clone()
        .transform_down(|node| {
            Ok(match computed.iter().find(|(found, _)| *found == node) {
                Some((_, replacement)) => Transformed::yes(replacement.clone()),
                None => Transformed::no(node),
            })
        })
        .data()
}

/// The expression where the condition holds, else NULL.
pub(super) fn only_if(condition: Expr, expr: Expr) -> Result<Expr> {
    if matches!(&expr, Expr::Literal(ScalarValue::Null, _)) {
        return Ok(expr);
    }
    when(condition, expr).end()
}
