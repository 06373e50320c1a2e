//! Expressions whose value another query finds.

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::Expr;

/// Whether a subquery is part of an expression, or a column of the query around it.
pub(crate) fn has_subquery(expr: &Expr) -> bool {
    expr.exists(|part| {
        Ok(matches!(
            part,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(_, _)
        ))
    })
    .unwrap_or(true)
}
