//! All groups of a `GROUP BY` at once.

use arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion_common::{Result, internal_err};
use datafusion_expr::{EmitTo, GroupsAccumulator};

use super::{Call, Nearest, state};

/// The first rows of every group.
#[derive(Debug)]
pub(super) struct MinByGroupsAccumulator {
    call: Call,
    nearest: Nearest,
}

impl MinByGroupsAccumulator {
    pub(super) fn new(call: Call) -> Self {
        let nearest = Nearest::new(call.count(), call.value_type());
        Self { call, nearest }
    }
}

impl GroupsAccumulator for MinByGroupsAccumulator {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let rows = self.call.arguments(values, opt_filter)?;
        check_groups(group_indices, rows.len())?;
        self.nearest.grow(total_num_groups);
        let counted = rows
            .counted()
            .map(|(row, key)| (group_indices[row], key, row));
        self.nearest.add(&rows.values, counted)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        let states = values.first().map_or(0, |column| column.len());
        check_groups(group_indices, states)?;
        self.nearest.grow(total_num_groups);
        state::merge(&mut self.nearest, values, |row| group_indices[row])
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        state::answers(&self.call, self.nearest.take(emit_to, false)?)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        state::state_of(&self.call, self.nearest.take(emit_to, true)?)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        state::state_of_rows(&self.call, &self.call.arguments(values, opt_filter)?)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.call.heap_bytes() + self.nearest.heap_bytes()
    }
}

fn check_groups(groups: &[usize], rows: usize) -> Result<()> {
    if groups.len() != rows {
        return internal_err!("{} groups for {rows} rows", groups.len());
    }
    Ok(())
}
