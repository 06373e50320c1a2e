//! Generated columns, and the aggregates one row at a time.

mod groups;
mod mistakes;
mod sql;
mod windows;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type};
use half::f16;

use super::{Definition, Operation};
use crate::tests::Random;
use crate::vector_types::SqlVectorType;

/// A row: NULL, or elements of which some may be NULL.
type Row = Option<Vec<Option<f64>>>;

fn dense(elements: &[f64]) -> Row {
    Some(elements.iter().copied().map(Some).collect())
}

/// A column of `rows`, cut out of a longer one.
fn column(list: &DataType, rows: &[Row]) -> ArrayRef {
    let filler = match list {
        DataType::FixedSizeList(_, dimension) => Some(vec![Some(1.0); *dimension as usize]),
        _ => Some(vec![Some(1.0); 2]),
    };
    let padded = std::iter::once(&filler)
        .chain(rows)
        .chain([&filler])
        .cloned();
    let lists = ListArray::from_iter_primitive::<Float64Type, _, _>(padded);
    cast(&lists, list).unwrap().slice(1, rows.len())
}

/// The rows of a list column.
fn rows_of(column: &dyn Array) -> Vec<Row> {
    let doubles = DataType::new_large_list(DataType::Float64, true);
    let lists = cast(column, &doubles).unwrap();
    let rows = lists.as_list::<i64>().iter();
    rows.map(|row| Some(row?.as_primitive::<Float64Type>().iter().collect()))
        .collect()
}

fn list_of(element: DataType) -> DataType {
    DataType::new_list(element, true)
}

fn fixed(element: DataType, dimension: usize) -> DataType {
    DataType::new_fixed_size_list(element, dimension as i32, true)
}

fn plain(operation: Operation, list: &DataType) -> Definition {
    Definition::new(operation, &Field::new("v", list.clone(), true)).unwrap()
}

fn marked(operation: Operation, mark: SqlVectorType, dimension: Option<usize>) -> Definition {
    Definition::new(operation, &mark.field("v", dimension)).unwrap()
}

/// The aggregate of rows in their order, element by element, as its definition reads.
fn by_rows(operation: Operation, mark: Option<SqlVectorType>, rows: &[Row]) -> Row {
    let vectors: Vec<Vec<f64>> = rows
        .iter()
        .filter_map(|row| row.as_ref()?.iter().copied().collect())
        .collect();
    let (first, rest) = vectors.split_first()?;
    let mut sums = first.clone();
    for vector in rest {
        for (sum, element) in sums.iter_mut().zip(vector) {
            *sum = match (operation, mark) {
                (Operation::Sum, Some(SqlVectorType::Vector)) => {
                    f64::from(*sum as f32 + *element as f32)
                }
                (Operation::Sum, Some(SqlVectorType::Halfvec)) => {
                    (f16::from_f64(*sum) + f16::from_f64(*element)).to_f64()
                }
                _ => *sum + element,
            };
        }
    }
    if operation == Operation::Average {
        sums.iter_mut().for_each(|sum| *sum /= vectors.len() as f64);
    }
    dense(&sums)
}

/// What an element of that type keeps of the numbers.
fn rounded(row: Row, element: &DataType) -> Row {
    let round = |number: f64| match element {
        DataType::Float16 => f16::from_f64(number).to_f64(),
        DataType::Float32 => f64::from(number as f32),
        _ => number,
    };
    Some(row?.into_iter().map(|number| number.map(round)).collect())
}

impl Random {
    /// A number between -10 and 10 that the element holds exactly.
    fn kept_number(&mut self, element: &DataType) -> f64 {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let number = unit * 20.0 - 10.0;
        rounded(dense(&[number]), element).unwrap()[0].unwrap()
    }

    /// A small multiple of 1/8: so few of them add up exactly in every type, in any order.
    fn exact_number(&mut self) -> f64 {
        self.below(33) as f64 / 8.0 - 2.0
    }

    fn addend(&mut self, dimension: usize, mut number: impl FnMut(&mut Self) -> f64) -> Row {
        let mut row: Vec<_> = (0..dimension).map(|_| Some(number(self))).collect();
        match self.below(12) {
            0 => return None,
            1 if dimension > 0 => {
                let hole = self.below(dimension);
                row[hole] = None;
            }
            _ => {}
        }
        Some(row)
    }
}

/// All definitions over lists of that dimension, where it is in the type, with what the reference needs to know.
fn definitions(dimension: usize) -> Vec<(Definition, Operation, Option<SqlVectorType>, DataType)> {
    let mut found = Vec::new();
    for operation in [Operation::Average, Operation::Sum] {
        for mark in [SqlVectorType::Vector, SqlVectorType::Halfvec] {
            for length in [None, Some(dimension)] {
                let list = mark.storage(length);
                found.push((marked(operation, mark, length), operation, Some(mark), list));
            }
        }
        for element in [DataType::Float16, DataType::Float32, DataType::Float64] {
            let large = DataType::LargeList(Arc::new(Field::new_list_field(element.clone(), true)));
            for list in [fixed(element.clone(), dimension), list_of(element), large] {
                found.push((plain(operation, &list), operation, None, list));
            }
        }
    }
    found
}

fn element_of(list: &DataType) -> DataType {
    match list {
        DataType::FixedSizeList(field, _) | DataType::List(field) | DataType::LargeList(field) => {
            field.data_type().clone()
        }
        other => panic!("{other}"),
    }
}
