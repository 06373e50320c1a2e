//! The state of `avg` over vectors as pgvector hands it around: how many rows, then the sums of their elements.

use crate::{Element, VectorError, VectorType, check_dimensions, error::sqlstate};

/// A state, checked: the number of rows, and the sums, none before the first row.
#[derive(Debug, Clone, PartialEq)]
pub struct StateArray {
    rows: f64,
    sums: Vec<f64>,
}

impl StateArray {
    /// Reads a state; `None` is an array of more than one dimension, `caller` the function in errors.
    ///
    /// # Errors
    /// XX000, `vector_avg: expected state array`.
    pub fn of(caller: &str, array: Option<&[Option<f64>]>) -> Result<StateArray, VectorError> {
        array
            .and_then(|array| array.iter().copied().collect::<Option<Vec<f64>>>())
            .and_then(|array| {
                let (rows, sums) = array.split_first()?;
                Some(StateArray {
                    rows: *rows,
                    sums: sums.to_vec(),
                })
            })
            .ok_or_else(|| {
                VectorError::new(
                    sqlstate::INTERNAL_ERROR,
                    format!("{caller}: expected state array"),
                )
            })
    }

    /// The state as the array that it is in SQL.
    pub fn into_array(self) -> Vec<f64> {
        let mut array = self.sums;
        array.insert(0, self.rows);
        array
    }
}

/// The state with one row more: `vector_accum` and `halfvec_accum`.
///
/// # Errors
/// 22000 for another dimension than that of the rows before, 22003 when a sum overflows.
pub fn accumulate<E: Element>(state: StateArray, row: &[E]) -> Result<StateArray, VectorError> {
    let row: Vec<f64> = row.iter().map(|x| f64::from(x.to_f32())).collect();
    let sums = if state.sums.is_empty() {
        row
    } else {
        check_dimensions(Some(state.sums.len()), row.len())?;
        add(&state.sums, &row)?
    };
    Ok(StateArray {
        rows: state.rows + 1.0,
        sums,
    })
}

/// The state of the rows of two states: `vector_combine` and `halfvec_combine`.
///
/// # Errors
/// 22000 for different dimensions, 54000 for too many, 22003 when a sum overflows.
pub fn combine(left: StateArray, right: StateArray) -> Result<StateArray, VectorError> {
    let rows = left.rows + right.rows;
    let size = |sums: &[f64]| VectorType::Vector.check_size(sums.len());
    let sums = match (left.sums.is_empty(), right.sums.is_empty()) {
        (true, true) => Vec::new(),
        (true, false) => {
            size(&right.sums)?;
            right.sums
        }
        (false, true) => {
            size(&left.sums)?;
            left.sums
        }
        (false, false) => {
            size(&left.sums)?;
            check_dimensions(Some(left.sums.len()), right.sums.len())?;
            add(&left.sums, &right.sums)?
        }
    };
    Ok(StateArray { rows, sums })
}

/// The average that a state stands for, `None` before the first row: `vector_avg` and `halfvec_avg`.
///
/// # Errors
/// 22000 and 54000 for the number of dimensions, 22000 for NaN and infinities.
pub fn average<E: Element>(state: &StateArray) -> Result<Option<Vec<E>>, VectorError> {
    if state.rows == 0.0 {
        return Ok(None);
    }
    E::TYPE.check_size(state.sums.len())?;
    let elements = state.sums.iter().map(|sum| {
        let element = E::within_range((sum / state.rows) as f32)?;
        E::TYPE.check_finite(element.to_f32())?;
        Ok(element)
    });
    elements.collect::<Result<_, _>>().map(Some)
}

fn add(left: &[f64], right: &[f64]) -> Result<Vec<f64>, VectorError> {
    let sums: Vec<f64> = left.iter().zip(right).map(|(a, b)| a + b).collect();
    if sums.iter().any(|sum| sum.is_infinite()) {
        return Err(VectorError::overflow());
    }
    Ok(sums)
}
