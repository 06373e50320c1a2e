//! What a call computes: over which type of vectors, with which rounding, and which errors.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion_common::{DataFusionError, Result, internal_err};
use ogive_vectors::{VectorError, VectorType, check_dimensions, sqlstate};

use super::Addends;
use super::addends::Rounding;
use crate::pgvector::external;
use crate::vector_types::SqlVectorType;

/// Which of the two aggregates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Average,
    Sum,
}

/// A call of one of the aggregates over one type of lists.
///
/// Over pgvector's types it does as pgvector 0.8: averages are taken from double-precision sums, a sum is a vector
/// like those that it adds up, rounded after each of them, and an infinity is an error. Over plain lists both keep
/// double-precision sums, and NaN and infinities are numbers as they are to the built-ins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Definition {
    operation: Operation,
    /// The type that the argument is marked as; `None` for plain lists.
    vector_type: Option<VectorType>,
    answer_type: DataType,
}

impl Definition {
    /// # Errors
    /// An internal error when `argument` is no list that [`is_vector`] lets pass.
    pub(super) fn new(operation: Operation, argument: &Field) -> Result<Self> {
        let Some(answer_type) = answer_type(argument.data_type()) else {
            return internal_err!("no list of numbers: {}", argument.data_type());
        };
        let vector_type = match SqlVectorType::of(argument) {
            Some(SqlVectorType::Vector) => Some(VectorType::Vector),
            Some(SqlVectorType::Halfvec) => Some(VectorType::Halfvec),
            _ => None,
        };
        Ok(Self {
            operation,
            vector_type,
            answer_type,
        })
    }

    /// The list that answers are.
    pub(super) fn answer_type(&self) -> &DataType {
        &self.answer_type
    }

    /// Adds a row to the sums of the rows before it, of which there is at least one.
    ///
    /// # Errors
    /// Another dimension than that of the rows before; an overflow, for pgvector's types.
    pub(super) fn add(&self, sums: &mut [f64], row: Addends<'_>) -> Result<()> {
        self.check_same(sums.len(), row.len())?;
        row.add_to(sums, self.rounding());
        if self.vector_type.is_some() && any_infinite(sums) {
            return Err(data_error(
                sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
                "value out of range: overflow",
            ));
        }
        Ok(())
    }

    /// Turns the sums of `count` rows, at least one, into the answer.
    ///
    /// # Errors
    /// For pgvector's types: an average that no vector can be.
    pub(super) fn finish(&self, sums: &mut [f64], count: u64) -> Result<()> {
        if self.operation == Operation::Sum {
            return Ok(());
        }
        if let Some(vector_type) = self.vector_type {
            vector_type.check_size(sums.len()).map_err(external)?;
        }
        // Exact for every number of rows that can be added up.
        let count = count as f64;
        for sum in &mut *sums {
            *sum /= count;
        }
        let Some(vector_type) = self.vector_type else {
            return Ok(());
        };
        for element in &mut *sums {
            // pgvector rounds the average of a halfvec twice, to single precision first.
            *element = f64::from(*element as f32);
            let name = vector_type.name();
            if element.is_nan() {
                let message = format!("NaN not allowed in {name}");
                return Err(data_error(sqlstate::DATA_EXCEPTION, message));
            }
            if element.is_infinite() {
                let message = format!("infinite value not allowed in {name}");
                return Err(data_error(sqlstate::DATA_EXCEPTION, message));
            }
        }
        Ok(())
    }

    fn rounding(&self) -> Rounding {
        match (self.operation, self.vector_type) {
            (Operation::Sum, Some(VectorType::Vector)) => Rounding::Single,
            (Operation::Sum, Some(VectorType::Halfvec)) => Rounding::Half,
            _ => Rounding::Double,
        }
    }

    /// pgvector's averages and sums name this mistake differently.
    fn check_same(&self, dimension: usize, found: usize) -> Result<()> {
        match self.operation {
            Operation::Average => check_dimensions(Some(dimension), found),
            Operation::Sum => self
                .vector_type
                .unwrap_or(VectorType::Vector)
                .check_same(dimension, found),
        }
        .map_err(external)
    }
}

/// Looks at every element, which is faster than stopping at the first.
fn any_infinite(sums: &[f64]) -> bool {
    sums.iter()
        .fold(false, |found, sum| found | sum.is_infinite())
}

fn data_error(sqlstate: &'static str, message: impl Into<String>) -> DataFusionError {
    external(VectorError::new(sqlstate, message))
}

/// Whether the aggregates of vectors take such an argument.
pub(super) fn is_vector(argument: &DataType) -> bool {
    answer_type(argument).is_some()
}

/// The type of the answers: the same kind of list with the same elements, which may be NULL as far as the type says.
/// `None` when the argument is the built-in's.
pub(super) fn answer_type(argument: &DataType) -> Option<DataType> {
    let (DataType::List(element)
    | DataType::LargeList(element)
    | DataType::FixedSizeList(element, 0..)) = argument
    else {
        return None;
    };
    let element = match element.data_type() {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => element.data_type().clone(),
        _ => return None,
    };
    let element = Arc::new(Field::new_list_field(element, true));
    Some(match argument {
        DataType::FixedSizeList(_, dimension) => DataType::FixedSizeList(element, *dimension),
        DataType::LargeList(_) => DataType::LargeList(element),
        _ => DataType::List(element),
    })
}
