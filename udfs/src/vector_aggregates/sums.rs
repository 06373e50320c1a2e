//! Running sums of many groups.

use datafusion_common::{Result, internal_err};
use datafusion_expr::EmitTo;

use super::{Addends, Definition};

/// The sums of any number of groups, in one buffer.
///
/// Every group has its own dimension, that of its first row, so that a column of vectors of mixed dimensions can be
/// grouped by them. A group takes room in the buffer when its first row comes; groups without rows have none.
#[derive(Debug, Default)]
pub(super) struct Sums {
    groups: Vec<Group>,
    values: Vec<f64>,
}

/// A group's rows so far, and where their sums lie.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    count: u64,
    start: usize,
    dimension: usize,
}

impl Sums {
    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Makes the groups at least so many.
    pub(super) fn grow(&mut self, groups: usize) {
        if groups > self.groups.len() {
            self.groups.resize(groups, Group::default());
        }
    }

    /// Adds to a group the sums of `count` rows, or one row.
    ///
    /// # Errors
    /// Those of [`Definition::add`]; an internal error when there is no such group.
    pub(super) fn add(
        &mut self,
        definition: &Definition,
        group: usize,
        row: Addends<'_>,
        count: u64,
    ) -> Result<()> {
        let Some(found) = self.groups.get_mut(group) else {
            return internal_err!("group {group} of {}", self.groups.len());
        };
        if found.count == 0 {
            found.start = self.values.len();
            found.dimension = row.len();
            row.append_to(&mut self.values);
        } else {
            let span = found.start..found.start + found.dimension;
            definition.add(&mut self.values[span], row)?;
        }
        found.count += count;
        Ok(())
    }

    /// A group's sums and the number of its rows; `None` for a group without rows.
    pub(super) fn get(&self, group: usize) -> Option<(&[f64], u64)> {
        let found = self.groups.get(group).filter(|found| found.count > 0)?;
        let span = found.start..found.start + found.dimension;
        Some((&self.values[span], found.count))
    }

    /// Takes the first groups out; those behind them move up.
    pub(super) fn take(&mut self, emit_to: EmitTo) -> Sums {
        let first = match emit_to {
            EmitTo::All => self.groups.len(),
            EmitTo::First(first) => first.min(self.groups.len()),
        };
        let mut rest = Sums::default();
        if let Some(staying) = self.groups.get(first..).filter(|groups| !groups.is_empty()) {
            let room = staying.iter().map(|group| group.dimension).sum();
            rest.groups.reserve_exact(staying.len());
            rest.values.reserve_exact(room);
            for group in staying {
                let span = group.start..group.start + group.dimension;
                rest.groups.push(Group {
                    start: rest.values.len(),
                    ..*group
                });
                rest.values.extend_from_slice(&self.values[span]);
            }
        }
        self.groups.truncate(first);
        std::mem::replace(self, rest)
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.groups.capacity() * size_of::<Group>() + self.values.capacity() * size_of::<f64>()
    }
}
