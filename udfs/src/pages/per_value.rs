//! Functions that look at one value at a time.

use arrow::array::ArrayRef;
use datafusion_common::{Result, ScalarValue, internal_err};
use datafusion_expr::ColumnarValue;

use super::bytes::rows;

/// Answers for a column of values, or one answer for a constant.
pub(super) fn answer(
    name: &str,
    arguments: &[ColumnarValue],
    of_column: impl Fn(Vec<Option<&[u8]>>) -> Result<ArrayRef>,
) -> Result<ColumnarValue> {
    match arguments {
        [ColumnarValue::Array(column)] => {
            Ok(ColumnarValue::Array(of_column(rows(column.as_ref())?)?))
        }
        [ColumnarValue::Scalar(constant)] => {
            let column = constant.to_array()?;
            let one = of_column(rows(column.as_ref())?)?;
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&one, 0)?))
        }
        other => internal_err!("{name} was called with {} arguments", other.len()),
    }
}

/// A column, or its only row where all arguments were constants.
pub(super) fn columnar(column: ArrayRef, is_constant: bool) -> Result<ColumnarValue> {
    Ok(match is_constant {
        true => ColumnarValue::Scalar(ScalarValue::try_from_array(&column, 0)?),
        false => ColumnarValue::Array(column),
    })
}
