//! The `Float64` column that a vector function answers with.

use std::ops::Range;

use arrow::array::{BooleanBufferBuilder, Float64Array};
use arrow::buffer::NullBuffer;

/// One number a row, some of them NULL.
pub(crate) struct Answers {
    values: Vec<f64>,
    /// Made when the first row turns out to be NULL.
    valid: Option<BooleanBufferBuilder>,
}

impl Answers {
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            values: vec![0.0; rows],
            valid: None,
        }
    }

    /// Where to write the answers of `rows`, which must lie within the column.
    pub(crate) fn of_rows(&mut self, rows: Range<usize>) -> &mut [f64] {
        &mut self.values[rows]
    }

    pub(crate) fn set_null(&mut self, row: usize) {
        let rows = self.values.len();
        let valid = self.valid.get_or_insert_with(|| {
            let mut valid = BooleanBufferBuilder::new(rows);
            valid.append_n(rows, true);
            valid
        });
        valid.set_bit(row, false);
    }

    /// The column; rows that are NULL in `nulls` are NULL as well.
    pub(crate) fn finish(mut self, nulls: Option<NullBuffer>) -> Float64Array {
        for value in &mut self.values {
            *value = canonical(*value);
        }
        let undefined = self.valid.map(|mut valid| NullBuffer::new(valid.finish()));
        let nulls = NullBuffer::union(nulls.as_ref(), undefined.as_ref());
        Float64Array::new(self.values.into(), nulls)
    }
}

/// Numbers that are equal in SQL, written the same way: Arrow compares and sorts floats by their bits (IEEE
/// `totalOrder`), where -0 is less than 0 and a NaN whose sign bit is set (what x86 makes of `inf - inf`) is less than
/// everything. Only with the positive NaN is `[0, inf)` a bound that holds for every distance.
pub(crate) fn canonical(value: f64) -> f64 {
    if value.is_nan() {
        f64::NAN
    } else {
        // -0 + 0 is 0; every other number stays.
        value + 0.0
    }
}
