//! What a call computes: which rows count, in which order, and how many of them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, FieldRef, Float16Type, Float32Type, Float64Type, Schema};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion_common::{Result, ScalarValue, internal_err, plan_err};
use datafusion_expr::ColumnarValue;
use datafusion_expr::function::AccumulatorArgs;
use half::f16;
use ogive_vectors::{VectorError, sqlstate};

use super::function::refuse_distinct_list;
use crate::pgvector::external;
use crate::vector_types::SqlVectorType;

/// The largest count of values, as in DuckDB.
const MOST: i64 = 999_999;

/// Which keys come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Smallest,
    Largest,
}

impl Side {
    /// The name of the function.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Smallest => "min_by",
            Self::Largest => "max_by",
        }
    }
}

/// A call over columns of certain types.
#[derive(Debug)]
pub(super) struct Call {
    value_type: DataType,
    /// The field of the lists' elements; `None` where the answer is one value.
    element: Option<FieldRef>,
    count: usize,
    converter: RowConverter,
    /// Where the expressions of the `ORDER BY` begin among the arguments.
    arguments: usize,
}

impl Call {
    /// # Errors
    /// A count that is not a constant, or none that is allowed; a key without an order; `DISTINCT` with a count.
    pub(super) fn new(side: Side, args: &AccumulatorArgs) -> Result<Self> {
        let name = side.name();
        let [value, key, counted @ ..] = args.expr_fields else {
            return internal_err!("{name} without a value and a key");
        };
        check_key(name, key)?;
        refuse_distinct_list(name, args.is_distinct, args.exprs.len())?;
        let (element, count) = match args.exprs.get(2) {
            Some(count) if !counted.is_empty() => {
                let constant = count
                    .evaluate(&RecordBatch::new_empty(Arc::new(Schema::empty())))
                    .ok();
                let Some(ColumnarValue::Scalar(count)) = constant else {
                    return plan_err!("{name}: the count has to be a constant, not {count}");
                };
                (Some(element_of(value)), count_of_literal(name, &count)?)
            }
            _ => (None, 1),
        };
        let first = SortOptions {
            descending: side == Side::Largest,
            nulls_first: false,
        };
        let mut fields = vec![SortField::new_with_options(key.data_type().clone(), first)];
        for order in args.order_bys {
            let data_type = order.expr.data_type(args.schema)?;
            fields.push(SortField::new_with_options(data_type, order.options));
        }
        Ok(Self {
            value_type: value.data_type().clone(),
            element,
            count,
            converter: RowConverter::new(fields)?,
            arguments: args.exprs.len(),
        })
    }

    /// The type of the values.
    pub(super) fn value_type(&self) -> &DataType {
        &self.value_type
    }

    /// The field of the elements of an answer; `None` where it is one value.
    pub(super) fn element(&self) -> Option<&FieldRef> {
        self.element.as_ref()
    }

    /// How many rows of a group are wanted, at most.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The arguments of a batch of rows.
    ///
    /// # Errors
    /// Too few columns, columns of unequal length or of other types than the call's.
    pub(super) fn arguments(
        &self,
        columns: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Arguments> {
        let ([values, key, ..], Some(orders)) = (columns, columns.get(self.arguments..)) else {
            return internal_err!("{} arguments", columns.len());
        };
        let length = values.len();
        if columns.iter().any(|column| column.len() != length)
            || filter.is_some_and(|filter| filter.len() != length)
        {
            return internal_err!("arguments of unequal length");
        }
        let not_null = NullBuffer::union(
            values.logical_nulls().as_ref(),
            key.logical_nulls().as_ref(),
        );
        let wanted = filter.map(|filter| {
            let wanted = match filter.nulls() {
                Some(nulls) => filter.values() & nulls.inner(),
                None => filter.values().clone(),
            };
            NullBuffer::new(wanted)
        });
        let keys = std::iter::once(comparable(key))
            .chain(orders.iter().map(Arc::clone))
            .collect::<Vec<_>>();
        Ok(Arguments {
            values: Arc::clone(values),
            keys: self.converter.convert_columns(&keys)?,
            counted: NullBuffer::union(not_null.as_ref(), wanted.as_ref()),
        })
    }

    /// The memory of the call itself.
    pub(super) fn heap_bytes(&self) -> usize {
        self.converter.size()
    }
}

/// The rows of a batch.
pub(super) struct Arguments {
    pub(super) values: ArrayRef,
    keys: Rows,
    counted: Option<NullBuffer>,
}

impl Arguments {
    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The key of a row; `None` when the row does not count.
    pub(super) fn key(&self, row: usize) -> Option<&[u8]> {
        let counts = self.counted.as_ref().is_none_or(|rows| rows.is_valid(row));
        counts.then(|| self.keys.row(row).data())
    }

    /// Every row that counts, with its key.
    pub(super) fn counted(&self) -> impl Iterator<Item = (usize, &[u8])> {
        (0..self.len()).filter_map(|row| Some((row, self.key(row)?)))
    }
}

/// Keys whose encoding compares as numbers do: one NaN, above all others, and one zero.
fn comparable(key: &ArrayRef) -> ArrayRef {
    fn each<T: ArrowPrimitiveType>(key: &ArrayRef, number: fn(T::Native) -> T::Native) -> ArrayRef {
        Arc::new(key.as_primitive::<T>().unary::<_, T>(number))
    }
    // The sum of the two zeros is the positive one.
    match key.data_type() {
        DataType::Float64 => each::<Float64Type>(key, |number| match number.is_nan() {
            true => f64::NAN,
            false => number + 0.0,
        }),
        DataType::Float32 => each::<Float32Type>(key, |number| match number.is_nan() {
            true => f32::NAN,
            false => number + 0.0,
        }),
        DataType::Float16 => each::<Float16Type>(key, |number| match number.is_nan() {
            true => f16::NAN,
            false => number + f16::ZERO,
        }),
        _ => Arc::clone(key),
    }
}

/// The field of the elements of a list of such values. It keeps the metadata, which says that lists are vectors.
pub(super) fn element_of(value: &Field) -> FieldRef {
    Arc::new(
        Field::new_list_field(value.data_type().clone(), true)
            .with_metadata(value.metadata().clone()),
    )
}

/// # Errors
/// A key that rows cannot be ordered by.
pub(super) fn check_key(name: &str, key: &Field) -> Result<()> {
    let sortable = SortField::new(key.data_type().clone());
    // The fields of a sparsevec do not sort as it does.
    if SqlVectorType::of(key) == Some(SqlVectorType::Sparsevec)
        || !RowConverter::supports_fields(&[sortable])
    {
        let data_type = match SqlVectorType::of(key) {
            Some(mark) => mark.name().to_string(),
            None => key.data_type().to_string(),
        };
        return plan_err!("{name} cannot order by a key of type {data_type}");
    }
    Ok(())
}

/// How many values a list is to have.
///
/// # Errors
/// NULL, and numbers below 1 or above 999,999.
pub(super) fn count_of_literal(name: &str, count: &ScalarValue) -> Result<usize> {
    let error = |sqlstate, found: &str| {
        external(VectorError::new(
            sqlstate,
            format!("{name}: the count has to be from 1 to {MOST}, not {found}"),
        ))
    };
    match count.cast_to(&DataType::Int64)? {
        ScalarValue::Int64(Some(count @ 1..=MOST)) => Ok(count as usize),
        ScalarValue::Int64(Some(count)) => {
            Err(error(sqlstate::INVALID_PARAMETER_VALUE, &count.to_string()))
        }
        _ => Err(error(sqlstate::NULL_VALUE_NOT_ALLOWED, "NULL")),
    }
}
