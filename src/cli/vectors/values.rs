//! Numbers of one of the types that are written here.

use half::f16;
use ogive_cvc::ColumnValues;

/// The type of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DType {
    /// IEEE binary64.
    F64,
    /// IEEE binary32.
    F32,
    /// IEEE binary16.
    F16,
    /// 64-bit signed.
    I64,
    /// 32-bit signed.
    I32,
    /// 8-bit signed.
    I8,
    /// 8-bit unsigned.
    U8,
}

/// Rows of numbers, row after row.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// IEEE binary64.
    F64(Vec<f64>),
    /// IEEE binary32.
    F32(Vec<f32>),
    /// IEEE binary16.
    F16(Vec<f16>),
    /// 64-bit signed.
    I64(Vec<i64>),
    /// 32-bit signed.
    I32(Vec<i32>),
    /// 8-bit signed.
    I8(Vec<i8>),
    /// 8-bit unsigned.
    U8(Vec<u8>),
}

impl Values {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        match self {
            Self::F64(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F16(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::U8(values) => values.len(),
        }
    }

    /// As a CVC writer takes them.
    pub fn as_column(&self) -> ColumnValues<'_> {
        match self {
            Self::F64(values) => ColumnValues::F64(values),
            Self::F32(values) => ColumnValues::F32(values),
            Self::F16(values) => ColumnValues::F16(values),
            Self::I64(values) => ColumnValues::I64(values),
            Self::I32(values) => ColumnValues::I32(values),
            Self::I8(values) => ColumnValues::I8(values),
            Self::U8(values) => ColumnValues::U8(values),
        }
    }

    /// Each number rounded to the nearest `f32`.
    pub fn into_f32(self) -> Vec<f32> {
        match self {
            Self::F64(values) => values.into_iter().map(|value| value as f32).collect(),
            Self::F32(values) => values,
            Self::F16(values) => values.into_iter().map(f16::to_f32).collect(),
            Self::I64(values) => values.into_iter().map(|value| value as f32).collect(),
            Self::I32(values) => values.into_iter().map(|value| value as f32).collect(),
            Self::I8(values) => values.into_iter().map(f32::from).collect(),
            Self::U8(values) => values.into_iter().map(f32::from).collect(),
        }
    }

    /// The numbers as integers, or the position and value of the first that is not one from `low` to `high`.
    pub fn into_integers(self, low: i64, high: i64) -> Result<Vec<i64>, (usize, f64)> {
        let from_float = |position: usize, value: f64| {
            // Both bounds fit 32 bits, so they and all integers between them are exact in an f64.
            let fits = value.fract() == 0.0 && value >= low as f64 && value <= high as f64;
            if fits {
                Ok(value as i64)
            } else {
                Err((position, value))
            }
        };
        let from_integer = |position: usize, value: i64| {
            if (low..=high).contains(&value) {
                Ok(value)
            } else {
                Err((position, value as f64))
            }
        };
        fn each<T>(
            values: Vec<T>,
            convert: impl Fn(usize, T) -> Result<i64, (usize, f64)>,
        ) -> Result<Vec<i64>, (usize, f64)> {
            values
                .into_iter()
                .enumerate()
                .map(|(position, value)| convert(position, value))
                .collect()
        }
        match self {
            Self::F64(values) => each(values, from_float),
            Self::F32(values) => each(values, |at, value| from_float(at, f64::from(value))),
            Self::F16(values) => each(values, |at, value| from_float(at, value.to_f64())),
            Self::I64(values) => each(values, from_integer),
            Self::I32(values) => each(values, |at, value| from_integer(at, i64::from(value))),
            Self::I8(values) => each(values, |at, value| from_integer(at, i64::from(value))),
            Self::U8(values) => each(values, |at, value| from_integer(at, i64::from(value))),
        }
    }

    /// Their bytes, little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        fn bytes<T: Copy, const N: usize>(
            values: &[T],
            to_bytes: impl Fn(T) -> [u8; N],
        ) -> Vec<u8> {
            values.iter().flat_map(|value| to_bytes(*value)).collect()
        }
        match self {
            Self::F64(values) => bytes(values, f64::to_le_bytes),
            Self::F32(values) => bytes(values, f32::to_le_bytes),
            Self::F16(values) => bytes(values, f16::to_le_bytes),
            Self::I64(values) => bytes(values, i64::to_le_bytes),
            Self::I32(values) => bytes(values, i32::to_le_bytes),
            Self::I8(values) => bytes(values, i8::to_le_bytes),
            Self::U8(values) => values.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_taken_only_when_they_are() {
        assert_eq!(
            Values::F32(vec![0.0, 255.0]).into_integers(0, 255),
            Ok(vec![0, 255])
        );
        assert_eq!(
            Values::F32(vec![0.0, 0.5]).into_integers(0, 255),
            Err((1, 0.5))
        );
        assert_eq!(Values::I8(vec![-1]).into_integers(0, 255), Err((0, -1.0)));
        assert_eq!(
            Values::I64(vec![256]).into_integers(0, 255),
            Err((0, 256.0))
        );
        assert!(Values::F64(vec![f64::NAN]).into_integers(0, 255).is_err());
    }
}
