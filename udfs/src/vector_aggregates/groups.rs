//! All groups of a `GROUP BY` at once.

use arrow::array::{ArrayRef, BooleanArray};
use datafusion_common::{Result, internal_err};
use datafusion_expr::{EmitTo, GroupsAccumulator};

use super::state::{StateColumns, States};
use super::{Definition, ListAnswers, Sums, VectorColumn};

/// The sums of every group.
#[derive(Debug)]
pub(super) struct VectorGroupsAccumulator {
    definition: Definition,
    sums: Sums,
}

impl VectorGroupsAccumulator {
    pub(super) fn new(definition: Definition) -> Self {
        Self {
            definition,
            sums: Sums::default(),
        }
    }
}

impl GroupsAccumulator for VectorGroupsAccumulator {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let column = VectorColumn::of_arguments(values)?;
        check_rows(column.len(), group_indices, opt_filter)?;
        self.sums.grow(total_num_groups);
        for (row, &group) in group_indices.iter().enumerate() {
            if let Some(vector) = column.vector(row, opt_filter) {
                self.sums.add(&self.definition, group, vector, 1)?;
            }
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        let states = StateColumns::of(values)?;
        check_rows(states.len(), group_indices, None)?;
        self.sums.grow(total_num_groups);
        for (row, &group) in group_indices.iter().enumerate() {
            if let Some((sums, count)) = states.get(row) {
                self.sums.add(&self.definition, group, sums, count)?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        ListAnswers::of(&self.definition, &self.sums.take(emit_to))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        States::of(&self.sums.take(emit_to))
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let column = VectorColumn::of_arguments(values)?;
        if let Some(filter) = opt_filter
            && filter.len() != column.len()
        {
            return internal_err!("a filter of {} for {} rows", filter.len(), column.len());
        }
        let mut states = States::default();
        for row in 0..column.len() {
            states.push(column.vector(row, opt_filter).map(|vector| (vector, 1)));
        }
        states.finish()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.sums.heap_bytes()
    }
}

fn check_rows(rows: usize, groups: &[usize], filter: Option<&BooleanArray>) -> Result<()> {
    if groups.len() != rows || filter.is_some_and(|filter| filter.len() != rows) {
        return internal_err!("{} groups for {rows} rows", groups.len());
    }
    Ok(())
}
