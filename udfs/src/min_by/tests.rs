//! Generated rows, and the functions as they read: sort, then take the first.

mod groups;
mod memory;
mod sql;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, FixedSizeListArray, Float64Array, Int64Array, ListArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{SortOptions, cast};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use datafusion::physical_expr::PhysicalSortExpr;
use datafusion::physical_expr::expressions::{col, lit};
use datafusion_common::ScalarValue;
use datafusion_expr::function::AccumulatorArgs;

use super::{Call, Side};
use crate::tests::Random;

impl Random {
    fn keyed_row(&mut self) -> Row {
        let mut maybe = |number: usize| match self.below(9) {
            0 => None,
            _ => Some(self.below(number) as i64),
        };
        Row {
            value: maybe(1000),
            key: maybe(8),
            order: maybe(3),
        }
    }
}

/// A row; columns of all types are made of these numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    value: Option<i64>,
    /// Below 8.
    key: Option<i64>,
    /// What decides between equal keys.
    order: Option<i64>,
}

fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Utf8))
}

fn item(data_type: DataType) -> FieldRef {
    Arc::new(Field::new_list_field(data_type, true))
}

/// The types that values are tried in.
fn value_types() -> Vec<DataType> {
    vec![
        DataType::Int64,
        DataType::Utf8,
        DataType::Utf8View,
        DataType::Boolean,
        dictionary(),
        DataType::FixedSizeList(item(DataType::Float32), 2),
        DataType::List(item(DataType::Float32)),
        DataType::Struct(vec![Field::new("n", DataType::Int64, true)].into()),
    ]
}

/// A column of values: different numbers are different values, but for booleans.
fn values(data_type: &DataType, numbers: &[Option<i64>]) -> ArrayRef {
    // The surroundings are cut off.
    let padded: Int64Array = std::iter::once(&Some(7))
        .chain(numbers)
        .chain([&Some(8)])
        .copied()
        .collect();
    let nulls = padded.nulls().cloned();
    let whole: ArrayRef = match data_type {
        DataType::Dictionary(_, text) => cast(&cast(&padded, text).unwrap(), data_type).unwrap(),
        DataType::Boolean => {
            let odd = padded.iter().map(|number| Some(number? % 2 == 1));
            Arc::new(odd.collect::<arrow::array::BooleanArray>())
        }
        DataType::FixedSizeList(field, 2) => {
            let pairs = padded
                .iter()
                .flat_map(|number| [number, number.map(|n| -n)]);
            let pairs: Int64Array = pairs.collect();
            let pairs = cast(&pairs, field.data_type()).unwrap();
            Arc::new(FixedSizeListArray::new(Arc::clone(field), 2, pairs, nulls))
        }
        DataType::List(field) => {
            let lengths: Vec<usize> = padded
                .iter()
                .map(|n| n.map_or(1, |n| n as usize % 3))
                .collect();
            let numbers: Int64Array = padded
                .iter()
                .zip(&lengths)
                .flat_map(|(number, &length)| vec![number.map(|n| n / 3); length])
                .collect();
            Arc::new(ListArray::new(
                Arc::clone(field),
                OffsetBuffer::from_lengths(lengths),
                cast(&numbers, field.data_type()).unwrap(),
                nulls,
            ))
        }
        DataType::Struct(fields) => Arc::new(StructArray::new(
            fields.clone(),
            vec![Arc::new(padded)],
            nulls,
        )),
        // Long enough to lie beside the views.
        DataType::Utf8View => {
            let texts = padded.iter().map(|n| Some(format!("the number {}", n?)));
            Arc::new(texts.collect::<arrow::array::StringViewArray>())
        }
        _ => cast(&padded, data_type).unwrap(),
    };
    whole.slice(1, numbers.len())
}

/// The types that keys are tried in.
fn key_types() -> Vec<DataType> {
    vec![
        DataType::Float64,
        DataType::Float32,
        DataType::Float16,
        DataType::Int32,
        DataType::UInt8,
        DataType::Utf8,
        DataType::Utf8View,
        DataType::Boolean,
        DataType::Decimal128(10, 2),
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        dictionary(),
        DataType::List(item(DataType::Int64)),
    ]
}

/// Zeros of both signs, and NaNs.
const FLOATS: [f64; 8] = [
    f64::NEG_INFINITY,
    -1.5,
    -0.0,
    0.0,
    2.5,
    f64::INFINITY,
    -f64::NAN,
    f64::NAN,
];

/// A column of keys below 8.
fn keys(data_type: &DataType, numbers: &[Option<i64>]) -> ArrayRef {
    match data_type {
        DataType::Float64 | DataType::Float32 | DataType::Float16 => {
            let floats: Float64Array = numbers
                .iter()
                .map(|number| Some(FLOATS[number.as_ref().map(|n| *n as usize)?]))
                .collect();
            cast(&floats, data_type).unwrap()
        }
        // [n], and an empty list for 0.
        DataType::List(field) => {
            let lengths = numbers.iter().map(|n| usize::from(n.unwrap_or(0) > 0));
            let positive = numbers.iter().flatten().copied().filter(|&n| n > 0);
            let elements = Int64Array::from_iter_values(positive);
            Arc::new(ListArray::new(
                Arc::clone(field),
                OffsetBuffer::from_lengths(lengths),
                Arc::new(elements),
                Some(NullBuffer::from_iter(numbers.iter().map(Option::is_some))),
            ))
        }
        other => values(other, numbers),
    }
}

/// What keys are compared by.
fn rank(data_type: &DataType, key: i64) -> i64 {
    match data_type {
        DataType::Float64 | DataType::Float32 | DataType::Float16 => match key {
            3 => 2,
            7 => 6,
            other => other,
        },
        DataType::Boolean => key % 2,
        _ => key,
    }
}

/// A call to be tried.
#[derive(Debug, Clone)]
struct Case {
    side: Side,
    value_type: DataType,
    key_type: DataType,
    /// `None` for the call without a count.
    count: Option<usize>,
    /// Whether there is an `ORDER BY` beside the key, and how it orders.
    order: Option<SortOptions>,
}

impl Case {
    fn generated(random: &mut Random, value_type: &DataType, key_type: &DataType) -> Self {
        let order = SortOptions {
            descending: random.below(2) == 0,
            nulls_first: random.below(2) == 0,
        };
        Self {
            side: [Side::Smallest, Side::Largest][random.below(2)],
            value_type: value_type.clone(),
            key_type: key_type.clone(),
            count: [None, Some(1), Some(2), Some(5), Some(40)][random.below(5)],
            order: (random.below(2) == 0).then_some(order),
        }
    }

    fn call(&self) -> Call {
        let fields = [
            Field::new("v", self.value_type.clone(), true),
            Field::new("k", self.key_type.clone(), true),
            Field::new("o", DataType::Int64, true),
        ]
        .map(Arc::new);
        let schema = Schema::new(fields.to_vec());
        let mut exprs = vec![col("v", &schema).unwrap(), col("k", &schema).unwrap()];
        let mut expr_fields = fields[..2].to_vec();
        if let Some(count) = self.count {
            exprs.push(lit(ScalarValue::Int64(Some(count as i64))));
            expr_fields.push(Arc::new(Field::new("n", DataType::Int64, true)));
        }
        let order_bys: Vec<_> = self
            .order
            .iter()
            .map(|&options| PhysicalSortExpr::new(col("o", &schema).unwrap(), options))
            .collect();
        let args = AccumulatorArgs {
            return_field: Arc::clone(&fields[0]),
            schema: &schema,
            ignore_nulls: false,
            order_bys: &order_bys,
            is_reversed: false,
            name: "call",
            is_distinct: false,
            exprs: &exprs,
            expr_fields: &expr_fields,
        };
        Call::new(self.side, &args).unwrap()
    }

    fn columns(&self, rows: &[Row]) -> Vec<ArrayRef> {
        let column = |number: fn(&Row) -> Option<i64>| rows.iter().map(number).collect::<Vec<_>>();
        let mut columns = vec![
            values(&self.value_type, &column(|row| row.value)),
            keys(&self.key_type, &column(|row| row.key)),
        ];
        if let Some(count) = self.count {
            columns.push(Arc::new(Int64Array::from(vec![count as i64; rows.len()])));
        }
        if self.order.is_some() {
            columns.push(Arc::new(Int64Array::from(column(|row| row.order))));
        }
        columns
    }

    /// The values of the rows that the answer is of, in order; rows come as they arrive.
    fn first(&self, rows: &[Row]) -> Vec<i64> {
        let mut counted: Vec<(i64, i64, i64)> = rows
            .iter()
            .filter_map(|row| {
                let rank = rank(&self.key_type, row.key?);
                let rank = match self.side {
                    Side::Smallest => rank,
                    Side::Largest => -rank,
                };
                let order = self.order.map_or(0, |order| match row.order {
                    None if order.nulls_first => i64::MIN,
                    None => i64::MAX,
                    Some(number) if order.descending => -number,
                    Some(number) => number,
                });
                Some((rank, order, row.value?))
            })
            .collect();
        // Stable: of equal rows the first stays first.
        counted.sort_by_key(|&(rank, order, _)| (rank, order));
        counted.truncate(self.count.unwrap_or(1));
        counted.into_iter().map(|(_, _, value)| value).collect()
    }

    /// The column of answers of groups.
    fn answers(&self, groups: &[Vec<i64>]) -> ArrayRef {
        if self.count.is_none() {
            let first: Vec<_> = groups.iter().map(|group| group.first().copied()).collect();
            return values(&self.value_type, &first);
        }
        let elements: Vec<Option<i64>> = groups.iter().flatten().copied().map(Some).collect();
        Arc::new(ListArray::new(
            item(self.value_type.clone()),
            OffsetBuffer::from_lengths(groups.iter().map(Vec::len)),
            values(&self.value_type, &elements),
            Some(NullBuffer::from_iter(groups.iter().map(|g| !g.is_empty()))),
        ))
    }
}
