//! Distances between sparse vectors, and between them and what is written beside them.

use std::sync::Arc;

use arrow::array::Float64Array;
use arrow::datatypes::FieldRef;
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::ColumnarValue;
use ogive_kernels::Metric;
use ogive_vectors::{SparseVec, VectorError, sqlstate};

use super::external;
use super::row_function::no_such;
use super::value::{Argument, Value};
use crate::answers::canonical;

/// The distances of two arguments of which one is a `sparsevec`.
pub(crate) fn sparse_distance(
    function: &'static str,
    metric: Metric,
    args: &[ColumnarValue],
    fields: &[FieldRef],
    number_rows: usize,
) -> Result<ColumnarValue> {
    let arguments = args
        .iter()
        .zip(fields)
        .map(|(value, field)| Argument::of(function, value, field))
        .collect::<Result<Vec<_>>>()?;
    let constant = args
        .iter()
        .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    let rows = if constant { 1 } else { number_rows };
    let at = |index: usize, row: usize| {
        let row = match args.get(index) {
            Some(ColumnarValue::Scalar(_)) => 0,
            _ => row,
        };
        arguments
            .get(index)
            .and_then(|argument| argument.value(row))
    };
    let distances = (0..rows)
        .map(|row| match (at(0, row), at(1, row)) {
            (Some(Value::Sparse(left)), Some(Value::Sparse(right))) => {
                let distance = distance(metric, &left, &right).map_err(external)?;
                Ok(Some(canonical(distance)))
            }
            (None, _) | (_, None) => Ok(None),
            (Some(left), Some(right)) => Err(external(no_such(function, &[left, right]))),
        })
        .collect::<Result<Float64Array>>()?;
    Ok(if constant {
        ColumnarValue::Scalar(ScalarValue::try_from_array(&distances, 0)?)
    } else {
        ColumnarValue::Array(Arc::new(distances))
    })
}

fn distance(
    metric: Metric,
    left: &SparseVec,
    right: &SparseVec,
) -> std::result::Result<f64, VectorError> {
    match metric {
        Metric::L2 => left.l2_distance(right),
        Metric::L2Squared => left.l2_squared_distance(right),
        Metric::L1 => left.l1_distance(right),
        Metric::InnerProduct => left.inner_product(right),
        Metric::NegativeInnerProduct => left.negative_inner_product(right),
        Metric::CosineDistance => left.cosine_distance(right),
        Metric::CosineSimilarity => left.cosine_distance(right).map(|distance| 1.0 - distance),
        Metric::Hamming | Metric::Jaccard => Err(VectorError::new(
            sqlstate::UNDEFINED_FUNCTION,
            "function over bits does not take sparsevec",
        )),
    }
}
