//! The argument of an aggregate, row by row.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use datafusion_common::{Result, internal_datafusion_err};

use super::Addends;
use crate::vectors::{Vectors, vector_nulls};

/// A list column of floating-point elements. Rows that are NULL or hold a NULL element have no vector.
pub(super) struct VectorColumn<'a> {
    vectors: Vectors<'a>,
    elements: Addends<'a>,
    nulls: Option<NullBuffer>,
}

impl<'a> VectorColumn<'a> {
    /// The only one of the argument columns.
    ///
    /// # Errors
    /// An internal error for anything but one list column that the aggregates take.
    pub(super) fn of_arguments(arguments: &'a [ArrayRef]) -> Result<Self> {
        let argument = arguments.first();
        argument.and_then(Self::of).ok_or_else(|| {
            let found = argument.map(|column| column.data_type());
            internal_datafusion_err!("no column of vectors: {found:?}")
        })
    }

    fn of(column: &'a ArrayRef) -> Option<Self> {
        let elements = match column.data_type() {
            DataType::FixedSizeList(_, _) => column.as_fixed_size_list_opt()?.values(),
            DataType::List(_) => column.as_list_opt::<i32>()?.values(),
            DataType::LargeList(_) => column.as_list_opt::<i64>()?.values(),
            _ => return None,
        };
        let elements = match elements.data_type() {
            DataType::Float16 => Addends::Half(elements.as_primitive::<Float16Type>().values()),
            DataType::Float32 => Addends::Single(elements.as_primitive::<Float32Type>().values()),
            DataType::Float64 => Addends::Double(elements.as_primitive::<Float64Type>().values()),
            _ => return None,
        };
        Some(Self {
            vectors: Vectors::of(column.as_ref())?,
            elements,
            nulls: vector_nulls(column.as_ref()),
        })
    }

    /// How many rows there are, those without a vector included.
    pub(super) fn len(&self) -> usize {
        self.vectors.len()
    }

    /// The vector of a row; `None` when it has none or the filter, where there is one, leaves it out.
    pub(super) fn vector(&self, row: usize, filter: Option<&BooleanArray>) -> Option<Addends<'a>> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        if filter.is_some_and(|filter| filter.is_null(row) || !filter.value(row)) {
            return None;
        }
        let span = self.vectors.elements_of(row);
        Some(match self.elements {
            Addends::Half(elements) => Addends::Half(&elements[span]),
            Addends::Single(elements) => Addends::Single(&elements[span]),
            Addends::Double(elements) => Addends::Double(&elements[span]),
        })
    }

    /// The vectors of all rows that have one.
    pub(super) fn vectors(&self) -> impl Iterator<Item = Addends<'a>> + '_ {
        (0..self.len()).filter_map(|row| self.vector(row, None))
    }
}
