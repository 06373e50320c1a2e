//! Types that a table declares and its files do not have.
//!
//! ```text
//! CREATE EXTERNAL TABLE t (n SMALLINT, x DOUBLE, v halfvec(2)) STORED AS CVC ..
//!     a file written by INSERT:     int32  float32  2 x float32
//!     what a query of t answers:    Int16  Float64  2 x Float16
//! ```

use arrow::datatypes::DataType;

/// How a column of a file becomes a column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declared {
    /// It is one.
    AsStored,
    /// Every value stays what it is.
    Exactly,
    /// Values may be rounded, so distances to the stored ones are not those to the table's.
    Rounded,
}

impl Declared {
    /// `None` where the file holds something else than the table declares.
    pub fn of(stored: &DataType, declared: &DataType) -> Option<Self> {
        use DataType::{FixedSizeList, LargeList, List};
        match (stored, declared) {
            _ if stored == declared => Some(Self::AsStored),
            (FixedSizeList(stored, size), FixedSizeList(declared, length)) if size == length => {
                Self::of_elements(stored.data_type(), declared.data_type())
            }
            (FixedSizeList(stored, _), List(declared) | LargeList(declared)) => {
                Self::of_elements(stored.data_type(), declared.data_type())
            }
            _ => Self::of_elements(stored, declared),
        }
    }

    fn of_elements(stored: &DataType, declared: &DataType) -> Option<Self> {
        use DataType::{Boolean, Float16, Float32, Float64, UInt8};
        match (stored, declared) {
            (Float16 | Float32, Float32 | Float64) | (Float16, Float16) => Some(Self::Exactly),
            (Float64, Float64) | (UInt8, Boolean) => Some(Self::Exactly),
            (Float32 | Float64, Float16) | (Float64, Float32) => Some(Self::Rounded),
            _ if stored.is_integer() && declared.is_integer() => Some(Self::Exactly),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_kind() {
        use DataType::{Boolean, Float16, Float32, Float64, Int16, Int32, Int64, UInt8, Utf8};
        for (stored, declared, expected) in [
            (Int64, Int64, Some(Declared::AsStored)),
            (Int32, Int16, Some(Declared::Exactly)),
            (Float32, Float64, Some(Declared::Exactly)),
            (UInt8, Boolean, Some(Declared::Exactly)),
            (Float32, Float16, Some(Declared::Rounded)),
            (Float32, Int64, None),
            (Int64, Float64, None),
            (Int64, Utf8, None),
        ] {
            let found = Declared::of(&stored, &declared);
            assert_eq!(found, expected, "{stored} as {declared}");
        }
        let vectors = |element, size| DataType::new_fixed_size_list(element, size, true);
        assert_eq!(
            Declared::of(&vectors(Float32, 2), &vectors(Float32, 3)),
            None
        );
        assert_eq!(
            Declared::of(&vectors(Float32, 2), &DataType::new_list(Float64, true)),
            Some(Declared::Exactly)
        );
    }
}
