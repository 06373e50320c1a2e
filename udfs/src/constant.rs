//! Constant vectors.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion_common::{Result, ScalarValue, plan_err};

/// A constant list's numbers, widened to `f64`; bits are 0 and 1. `None` when the list is NULL or holds a NULL element.
///
/// # Errors
/// A plan error when `value` is not a list of numbers.
pub fn constant_vector(value: &ScalarValue) -> Result<Option<Vec<f64>>> {
    Ok(constant_elements(value)?
        .filter(|elements| elements.null_count() == 0)
        .map(|elements| elements.values().to_vec()))
}

/// A constant list's elements, NULL ones included. `None` when the list is NULL.
///
/// # Errors
/// A plan error when `value` is not a list of numbers.
pub(crate) fn constant_elements(value: &ScalarValue) -> Result<Option<Float64Array>> {
    let Some(elements) = list_elements(value)? else {
        return Ok(None);
    };
    let element = elements.data_type();
    if !(element.is_numeric() || matches!(element, DataType::Null | DataType::Boolean)) {
        return plan_err!("expected a list of numbers, got a list of {element}");
    }
    let elements = cast(&elements, &DataType::Float64)?;
    Ok(Some(elements.as_primitive::<Float64Type>().clone()))
}

/// How many elements a constant list has. `None` when it is NULL, or no list at all.
pub(crate) fn constant_dimension(value: &ScalarValue) -> Option<usize> {
    let elements = list_elements(value).ok().flatten()?;
    Some(elements.len())
}

/// The elements of a constant list. `None` when it is NULL.
///
/// # Errors
/// A plan error when `value` is not a list.
pub(crate) fn list_elements(value: &ScalarValue) -> Result<Option<ArrayRef>> {
    if value.is_null() {
        return match value.data_type() {
            DataType::Null => Ok(None),
            list if list.is_list() => Ok(None),
            DataType::Struct(_) => Ok(None),
            other => plan_err!("expected a list of numbers, got {other}"),
        };
    }
    // A list in a scalar is a list array of one row.
    Ok(Some(match value {
        ScalarValue::FixedSizeList(list) => list.value(0),
        ScalarValue::List(list) => list.value(0),
        ScalarValue::LargeList(list) => list.value(0),
        ScalarValue::ListView(list) => list.value(0),
        ScalarValue::LargeListView(list) => list.value(0),
        other => return plan_err!("expected a list of numbers, got {}", other.data_type()),
    }))
}
