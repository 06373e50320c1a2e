//! Which argument types the vector functions take, and what they turn other types into.
//!
//! A column is never converted when the kernels read its elements as they lie: that would copy every batch. Only lists
//! of numbers that no kernel reads are cast, and only the elements; the kind of list stays.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion_common::{Result, plan_err};

/// The arguments as a fixed number of them.
///
/// # Errors
/// A plan error naming `function` when there are more or fewer than `N`.
pub(crate) fn take_arguments<'t, const N: usize>(
    function: &str,
    arguments: &'t [DataType],
) -> Result<&'t [DataType; N]> {
    match <&[DataType; N]>::try_from(arguments) {
        Ok(arguments) => Ok(arguments),
        Err(_) => plan_err!(
            "{function} takes {N} argument{}, got {}",
            if N == 1 { "" } else { "s" },
            arguments.len()
        ),
    }
}

/// The type that argument number `position` (from 1) is cast to: the same kind of list, with the element type that
/// `element` gives for the present one. List views become lists, an untyped NULL a list of `Float64`.
///
/// # Errors
/// A plan error for anything that is not a one-dimensional list of numbers.
pub(crate) fn vector_argument(
    function: &str,
    position: usize,
    argument: &DataType,
    element: fn(&DataType) -> DataType,
) -> Result<DataType> {
    use DataType::{FixedSizeList, LargeList, LargeListView, List, ListView, Null};
    let field = match argument {
        Null => {
            return Ok(List(Arc::new(Field::new_list_field(
                DataType::Float64,
                true,
            ))));
        }
        List(field)
        | ListView(field)
        | LargeList(field)
        | LargeListView(field)
        | FixedSizeList(field, _) => field,
        _ => return refuse(function, position, argument),
    };
    let present = field.data_type();
    if present.is_list() {
        return plan_err!(
            "{function}: argument {position} must be a one-dimensional list of numbers, got {argument}"
        );
    }
    if !(present.is_numeric() || *present == Null) {
        return refuse(function, position, argument);
    }
    let wanted = element(present);
    let field = if wanted == *present {
        Arc::clone(field)
    } else {
        Arc::new(field.as_ref().clone().with_data_type(wanted))
    };
    Ok(match argument {
        FixedSizeList(_, dimension) => FixedSizeList(field, *dimension),
        LargeList(_) | LargeListView(_) => LargeList(field),
        _ => List(field),
    })
}

/// Whether a function over pgvector's types takes the argument as it is: a text, which stands for a value, or a
/// `sparsevec`.
pub(crate) fn is_value_of_pgvector(argument: &DataType) -> bool {
    match argument {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Struct(fields) => *fields == crate::vector_types::sparsevec_fields(),
        _ => false,
    }
}

fn refuse(function: &str, position: usize, argument: &DataType) -> Result<DataType> {
    plan_err!(
        "{function}: argument {position} must be a list of numbers \
         (Float64, Float32, Float16, Int8, UInt8, or another number, read as Float64), got {argument}"
    )
}

/// Elements as the kernels read them; all other numbers become `Float64`.
pub(crate) fn readable(element: &DataType) -> DataType {
    use DataType::{Float16, Float32, Float64, Int8, UInt8};
    match element {
        Float64 | Float32 | Float16 | Int8 | UInt8 => element.clone(),
        _ => Float64,
    }
}
