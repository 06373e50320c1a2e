//! What a partial aggregation hands to the next one: the number of rows and their sums.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, LargeListArray, NullBufferBuilder, UInt64Array,
};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, UInt64Type};
use datafusion_common::{Result, ScalarValue, internal_datafusion_err};
use datafusion_expr::utils::format_state_name;

use super::answers::offsets;
use super::{Addends, Sums};

/// A double-precision vector. Offsets have 64 bits: the groups of one state can hold more than 2^31 numbers.
pub(super) fn vector_type() -> DataType {
    DataType::LargeList(Arc::new(Field::new_list_field(DataType::Float64, true)))
}

/// The fields of a state.
pub(super) fn fields(name: &str) -> Vec<FieldRef> {
    vec![
        Arc::new(Field::new(
            format_state_name(name, "count"),
            DataType::UInt64,
            true,
        )),
        Arc::new(Field::new(
            format_state_name(name, "sums"),
            vector_type(),
            true,
        )),
    ]
}

/// States while they are written.
#[derive(Default)]
pub(super) struct States {
    counts: Vec<u64>,
    vectors: VectorList,
}

impl States {
    /// The states of all groups.
    ///
    /// # Errors
    /// More numbers than 64-bit offsets can count.
    pub(super) fn of(sums: &Sums) -> Result<Vec<ArrayRef>> {
        let mut states = Self::default();
        for group in 0..sums.len() {
            let group = sums.get(group);
            states.push(group.map(|(sums, count)| (Addends::Double(sums), count)));
        }
        states.finish()
    }

    /// Appends the sums of so many rows; `None` for no rows.
    pub(super) fn push(&mut self, group: Option<(Addends<'_>, u64)>) {
        self.counts.push(group.map_or(0, |(_, count)| count));
        self.vectors.push(group.map(|(sums, _)| sums));
    }

    /// The columns, in the order of [`fields`].
    ///
    /// # Errors
    /// More numbers than 64-bit offsets can count.
    pub(super) fn finish(self) -> Result<Vec<ArrayRef>> {
        Ok(vec![
            Arc::new(UInt64Array::from(self.counts)),
            Arc::new(self.vectors.finish()?),
        ])
    }
}

/// A list of double-precision vectors while it is written.
#[derive(Default)]
pub(super) struct VectorList {
    values: Vec<f64>,
    ends: Vec<usize>,
    present: Vec<bool>,
}

impl VectorList {
    /// Appends a vector or NULL.
    pub(super) fn push(&mut self, vector: Option<Addends<'_>>) {
        if let Some(vector) = vector {
            vector.append_to(&mut self.values);
        }
        self.ends.push(self.values.len());
        self.present.push(vector.is_some());
    }

    /// The vectors, as [`vector_type`].
    ///
    /// # Errors
    /// More numbers than 64-bit offsets can count.
    pub(super) fn finish(self) -> Result<LargeListArray> {
        let mut nulls = NullBufferBuilder::new(self.present.len());
        nulls.append_slice(&self.present);
        Ok(LargeListArray::try_new(
            Arc::new(Field::new_list_field(DataType::Float64, true)),
            offsets(&self.ends)?,
            Arc::new(Float64Array::from(self.values)),
            nulls.finish(),
        )?)
    }
}

/// States, read.
pub(super) struct StateColumns<'a> {
    counts: &'a UInt64Array,
    vectors: &'a LargeListArray,
    values: &'a [f64],
}

impl<'a> StateColumns<'a> {
    /// # Errors
    /// An internal error for columns that are not those of [`fields`].
    pub(super) fn of(columns: &'a [ArrayRef]) -> Result<Self> {
        let read = || {
            let counts = columns.first()?.as_primitive_opt::<UInt64Type>()?;
            let vectors = columns.get(1)?.as_list_opt::<i64>()?;
            let values = vectors.values().as_primitive_opt::<Float64Type>()?.values();
            (counts.len() == vectors.len()).then_some(Self {
                counts,
                vectors,
                values,
            })
        };
        read().ok_or_else(|| internal_datafusion_err!("not a state of vector sums"))
    }

    /// How many states there are.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    /// The sums of a state and the number of its rows; `None` for a state without rows.
    pub(super) fn get(&self, row: usize) -> Option<(Addends<'a>, u64)> {
        if self.counts.is_null(row) || self.counts.value(row) == 0 || self.vectors.is_null(row) {
            return None;
        }
        let sums = vector(self.vectors, self.values, row);
        Some((sums, self.counts.value(row)))
    }
}

/// The vectors of a list of them, NULL left out.
///
/// # Errors
/// An internal error for another array than [`VectorList`] writes.
pub(super) fn vectors(array: &dyn Array) -> Result<impl Iterator<Item = Addends<'_>>> {
    let read = || {
        let vectors = array.as_list_opt::<i64>()?;
        let values = vectors.values().as_primitive_opt::<Float64Type>()?.values();
        Some((vectors, values))
    };
    let (vectors, values) = read()
        .ok_or_else(|| internal_datafusion_err!("{} is no list of vectors", array.data_type()))?;
    Ok((0..vectors.len())
        .filter(|&row| !vectors.is_null(row))
        .map(move |row| vector(vectors, values, row)))
}

/// Arrow keeps offsets ascending and not negative.
fn vector<'a>(vectors: &LargeListArray, values: &'a [f64], row: usize) -> Addends<'a> {
    let offsets = vectors.offsets();
    Addends::Double(&values[offsets[row] as usize..offsets[row + 1] as usize])
}

/// Each column's only value.
///
/// # Errors
/// A column without one.
pub(super) fn scalars(columns: &[ArrayRef]) -> Result<Vec<ScalarValue>> {
    columns
        .iter()
        .map(|column| ScalarValue::try_from_array(column, 0))
        .collect()
}
