//! Numbers that a column without loss cannot hold: its floats have 24 bits, those of SQL have 53 and its integers 64.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, UInt32Type};
use datafusion_common::{Result, exec_err};
use ogive_cvc::{Compression, DType};

/// Refuses values that would come back as others from a column that promises to keep them. `fp16` and `int8` promise
/// nothing.
pub fn refuse_inexact(
    name: &str,
    values: &ArrayRef,
    dtype: DType,
    compression: Compression,
) -> Result<()> {
    let keeps = matches!(compression, Compression::None | Compression::Lossless);
    if !keeps || dtype != DType::Float32 {
        return Ok(());
    }
    let found = match values.data_type() {
        DataType::Float64 => first_inexact(
            values.as_primitive::<Float64Type>().values(),
            |value| f64::from(value as f32),
            // What would become infinite is for the writer to refuse, or not.
            |value, stored| value == stored || value.is_nan() || stored.is_infinite(),
        ),
        DataType::Int64 => first_inexact(
            values.as_primitive::<Int64Type>().values(),
            |value| f64::from(value as f32),
            // As wide integers: as a float, the value would be rounded in the same way.
            |value, stored| i128::from(value) == stored as i128,
        ),
        DataType::Int32 => first_inexact(
            values.as_primitive::<Int32Type>().values(),
            |value| f64::from(value as f32),
            |value, stored| f64::from(value) == stored,
        ),
        DataType::UInt32 => first_inexact(
            values.as_primitive::<UInt32Type>().values(),
            |value| f64::from(value as f32),
            |value, stored| f64::from(value) == stored,
        ),
        _ => None,
    };
    match found {
        None => Ok(()),
        Some((value, stored)) => exec_err!(
            "column '{name}': {value} cannot be stored with compression '{compression}', whose numbers are of single precision: it would read back as {stored}; cast the column to REAL, write Parquet, or allow it with OPTIONS (lossy 'true')"
        ),
    }
}

/// The first value that is not what is stored of it, and both.
fn first_inexact<T: Copy + std::fmt::Display>(
    values: &[T],
    stored: impl Fn(T) -> f64,
    is_same: impl Fn(T, f64) -> bool,
) -> Option<(String, f64)> {
    values.iter().find_map(|value| {
        let read = stored(*value);
        (!is_same(*value, read)).then(|| (value.to_string(), read))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float32Array, Float64Array, Int32Array, Int64Array};

    use super::*;

    #[test]
    fn values_stay_what_they_are_or_are_refused() {
        let double = |value| Arc::new(Float64Array::from(vec![1.5, value])) as ArrayRef;
        let long = |value| Arc::new(Int64Array::from(vec![1, value])) as ArrayRef;
        let int = |value| Arc::new(Int32Array::from(vec![1, value])) as ArrayRef;
        for (values, is_kept) in [
            (double(16_777_216.0), true),
            (double(16_777_217.0), false),
            (double(0.1), false),
            (double(f64::NAN), true),
            (double(f64::NEG_INFINITY), true),
            (double(1e300), true),
            (double(-0.0), true),
            (long(1 << 40), true),
            (long((1 << 40) + 1), false),
            (long(i64::MAX), false),
            (long(i64::MIN), true),
            (int(16_777_217), false),
            (int(i32::MIN), true),
            (Arc::new(Float32Array::from(vec![0.1])) as ArrayRef, true),
        ] {
            for (compression, expected) in [
                (Compression::None, is_kept),
                (Compression::Lossless, is_kept),
                (Compression::Fp16, true),
                (Compression::Int8, true),
            ] {
                let done = refuse_inexact("x", &values, DType::Float32, compression);
                assert_eq!(done.is_ok(), expected, "{values:?} {compression}");
            }
        }
        let exact = refuse_inexact("x", &long(i64::MAX), DType::Int64, Compression::None);
        assert!(exact.is_ok());
    }
}
