//! One group: a query without `GROUP BY`, or a window that only grows.

use arrow::array::ArrayRef;
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::Accumulator;

use super::state::{StateColumns, States, scalars};
use super::{Definition, ListAnswers, Sums, VectorColumn};

/// The sums of all rows so far.
#[derive(Debug)]
pub(super) struct VectorAccumulator {
    definition: Definition,
    sums: Sums,
}

impl VectorAccumulator {
    pub(super) fn new(definition: Definition) -> Self {
        let mut sums = Sums::default();
        sums.grow(1);
        Self { definition, sums }
    }
}

impl Accumulator for VectorAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for vector in VectorColumn::of_arguments(values)?.vectors() {
            self.sums.add(&self.definition, 0, vector, 1)?;
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let states = StateColumns::of(states)?;
        for (sums, count) in (0..states.len()).filter_map(|row| states.get(row)) {
            self.sums.add(&self.definition, 0, sums, count)?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        scalars(&States::of(&self.sums)?)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&ListAnswers::of(&self.definition, &self.sums)?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.sums.heap_bytes()
    }
}
