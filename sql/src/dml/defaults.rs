//! The word `DEFAULT`.

use datafusion::arrow::datatypes::Field;
use datafusion::catalog::TableProvider;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Expr, lit};

/// What a column gets that is set to its default: NULL where it has none.
pub(super) fn default_of(table: &dyn TableProvider, column: &Field) -> Result<Expr> {
    Ok(match table.get_column_default(column.name()) {
        Some(default) => default.clone(),
        None => lit(ScalarValue::try_new_null(column.data_type())?),
    })
}
