//! `avg(DISTINCT ..)` and `sum(DISTINCT ..)`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, LargeListArray};
use arrow::datatypes::{Field, FieldRef};
use datafusion_common::{Result, ScalarValue, internal_err};
use datafusion_expr::Accumulator;
use datafusion_expr::utils::format_state_name;

use super::answers::offsets;
use super::state::{VectorList, vector_type, vectors};
use super::{Addends, Definition, ListAnswers, Sums, VectorColumn};

/// The different rows of a group, of all rows or of a window, with how often each is there.
///
/// They are added up in pgvector's order of vectors, which makes the answer the same however the rows arrive.
#[derive(Debug)]
pub(super) struct DistinctAccumulator {
    definition: Definition,
    rows: BTreeMap<Row, u64>,
    elements: usize,
}

/// A vector, ordered by its first elements that differ. Both zeros are equal, and so is NaN to itself.
#[derive(Debug)]
struct Row(Box<[f64]>);

impl Ord for Row {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |&element: &f64| match element {
            0.0 => 0.0,
            nan if nan.is_nan() => f64::NAN,
            number => number,
        };
        let pairs = self.0.iter().map(key).zip(other.0.iter().map(key));
        pairs
            .map(|(left, right)| left.total_cmp(&right))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }
}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Row {}

impl DistinctAccumulator {
    pub(super) fn new(definition: Definition) -> Self {
        Self {
            definition,
            rows: BTreeMap::new(),
            elements: 0,
        }
    }

    fn insert(&mut self, vector: Addends<'_>) {
        let row = row_of(vector);
        let dimension = row.0.len();
        let times = self.rows.entry(row).or_insert(0);
        if *times == 0 {
            self.elements += dimension;
        }
        *times += 1;
    }

    fn remove(&mut self, vector: Addends<'_>) -> Result<()> {
        let row = row_of(vector);
        match self.rows.get_mut(&row) {
            Some(times) if *times > 1 => *times -= 1,
            Some(_) => {
                self.rows.remove(&row);
                self.elements -= row.0.len();
            }
            None => return internal_err!("a row leaves the window that never entered it"),
        }
        Ok(())
    }
}

fn row_of(vector: Addends<'_>) -> Row {
    let mut elements = Vec::with_capacity(vector.len());
    vector.append_to(&mut elements);
    Row(elements.into_boxed_slice())
}

/// The state: one list of all different rows.
pub(super) fn fields(name: &str) -> Vec<FieldRef> {
    vec![Arc::new(Field::new_large_list(
        format_state_name(name, "distinct"),
        Field::new_list_field(vector_type(), true),
        false,
    ))]
}

impl Accumulator for DistinctAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for vector in VectorColumn::of_arguments(values)?.vectors() {
            self.insert(vector);
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for vector in VectorColumn::of_arguments(values)?.vectors() {
            self.remove(vector)?;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.first().and_then(|state| state.as_list_opt::<i64>()) else {
            return internal_err!("not a state of distinct vectors");
        };
        for list in lists.iter().flatten() {
            for vector in vectors(&list)? {
                self.insert(vector);
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut rows = VectorList::default();
        for row in self.rows.keys() {
            rows.push(Some(Addends::Double(&row.0)));
        }
        let rows = rows.finish()?;
        let list = LargeListArray::try_new(
            Arc::new(Field::new_list_field(vector_type(), true)),
            offsets(&[rows.len()])?,
            Arc::new(rows),
            None,
        )?;
        Ok(vec![ScalarValue::LargeList(Arc::new(list))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut sums = Sums::default();
        sums.grow(1);
        for row in self.rows.keys() {
            sums.add(&self.definition, 0, Addends::Double(&row.0), 1)?;
        }
        ScalarValue::try_from_array(&ListAnswers::of(&self.definition, &sums)?, 0)
    }

    fn size(&self) -> usize {
        // A tree's nodes are at least half full.
        let entry = 2 * size_of::<(Row, u64)>();
        size_of_val(self) + self.rows.len() * entry + self.elements * size_of::<f64>()
    }
}
