//! A window that rows leave again.

use std::collections::VecDeque;

use arrow::array::ArrayRef;
use datafusion_common::{Result, ScalarValue, not_impl_err};
use datafusion_expr::Accumulator;

use super::state::{States, scalars};
use super::{Addends, Definition, ListAnswers, Sums, VectorColumn};

/// The rows of the window, added up for every answer.
///
/// PostgreSQL does the same for pgvector's aggregates, which have no inverse. Taking a row out of the sums again would
/// leave rounding errors behind: a single large row would wipe out the small ones for the rest of the partition.
#[derive(Debug)]
pub(super) struct SlidingAccumulator {
    definition: Definition,
    rows: VecDeque<Box<[f64]>>,
    elements: usize,
}

impl SlidingAccumulator {
    pub(super) fn new(definition: Definition) -> Self {
        Self {
            definition,
            rows: VecDeque::new(),
            elements: 0,
        }
    }

    fn sums(&self) -> Result<Sums> {
        let mut sums = Sums::default();
        sums.grow(1);
        for row in &self.rows {
            sums.add(&self.definition, 0, Addends::Double(row), 1)?;
        }
        Ok(sums)
    }
}

impl Accumulator for SlidingAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for vector in VectorColumn::of_arguments(values)?.vectors() {
            let mut row = Vec::with_capacity(vector.len());
            vector.append_to(&mut row);
            self.elements += row.len();
            self.rows.push_back(row.into_boxed_slice());
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for _ in VectorColumn::of_arguments(values)?.vectors() {
            let row = self.rows.pop_front();
            self.elements -= row.map_or(0, |row| row.len());
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        not_impl_err!("windows are not computed in parts")
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        scalars(&States::of(&self.sums()?)?)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&ListAnswers::of(&self.definition, &self.sums()?)?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self)
            + self.rows.capacity() * size_of::<Box<[f64]>>()
            + self.elements * size_of::<f64>()
    }
}
