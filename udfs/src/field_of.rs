//! The type of an expression, mark included.

use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef};
use datafusion_common::{ExprSchema, Result};
use datafusion_expr::{Expr, ExprSchemable};

/// What [`ExprSchemable::to_field`] says of an expression, without the name: of a constant vector that would have every
/// number printed.
///
/// # Errors
/// The expression's own, a column that is not in the schema.
pub fn field_of(expr: &Expr, schema: &dyn ExprSchema) -> Result<FieldRef> {
    if let Expr::Literal(value, metadata) = expr {
        let field = Field::new("", value.data_type(), value.is_null());
        return Ok(Arc::new(match metadata {
            Some(metadata) => metadata.add_to_field(field),
            None => field,
        }));
    }
    Ok(expr.to_field(schema)?.1)
}
