//! Arguments of table functions.

use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::Expr;

/// A constant text; `what` says what it is, in errors.
pub fn text_argument(function: &str, what: &str, argument: &Expr) -> Result<String> {
    match argument {
        Expr::Literal(
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)),
            _,
        ) => Ok(text.clone()),
        other => plan_err!("{function}: expected {what} as text, found {other}"),
    }
}
