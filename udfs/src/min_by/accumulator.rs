//! One group: a query without `GROUP BY`, or a window that only grows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::Accumulator;

use super::{Call, Nearest, state};

/// The first of all rows so far.
#[derive(Debug)]
pub(super) struct MinByAccumulator {
    call: Call,
    nearest: Nearest,
}

impl MinByAccumulator {
    pub(super) fn new(call: Call) -> Self {
        let mut nearest = Nearest::new(call.count(), call.value_type());
        nearest.grow(1);
        Self { call, nearest }
    }
}

impl Accumulator for MinByAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = self.call.arguments(values, None)?;
        let counted = rows.counted().map(|(row, key)| (0, key, row));
        self.nearest.add(&rows.values, counted)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        state::merge(&mut self.nearest, states, |_| 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        state::state_of(&self.call, self.nearest.all(true)?)?
            .iter()
            .map(scalar)
            .collect()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        scalar(&state::answers(&self.call, self.nearest.all(false)?)?)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.call.heap_bytes() + self.nearest.heap_bytes()
    }
}

/// A column's only value. `ScalarValue::try_from_array` would drop the metadata of a list's elements.
fn scalar(column: &ArrayRef) -> Result<ScalarValue> {
    Ok(match column.data_type() {
        DataType::List(_) => ScalarValue::List(Arc::new(column.as_list().clone())),
        DataType::LargeList(_) => ScalarValue::LargeList(Arc::new(column.as_list().clone())),
        DataType::FixedSizeList(..) => {
            ScalarValue::FixedSizeList(Arc::new(column.as_fixed_size_list().clone()))
        }
        _ => ScalarValue::try_from_array(column, 0)?,
    })
}
