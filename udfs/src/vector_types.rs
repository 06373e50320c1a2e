//! pgvector's types in Arrow: how their values are stored, and the mark that tells them from lists.
//!
//! | SQL | Arrow |
//! |---|---|
//! | `vector(n)`, `vector` | `FixedSizeList<Float32, n>`, `List<Float32>` |
//! | `halfvec(n)`, `halfvec` | `FixedSizeList<Float16, n>`, `List<Float16>` |
//! | `bit(n)`, `varbit` | `FixedSizeList<Boolean, n>`, `List<Boolean>` |
//! | `sparsevec(n)`, `sparsevec` | `Struct<dimensions Int32, indices List<Int32>, values List<Float32>>`; indices from 0, `n` in the extension metadata |
//!
//! The mark is Arrow's extension type metadata on the field, so a file that keeps the Arrow schema
//! (Parquet, Arrow IPC) brings the type back.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};

/// Arrow's key for the name of an extension type.
pub const EXTENSION_NAME: &str = "ARROW:extension:name";
/// Arrow's key for the parameters of an extension type.
pub const EXTENSION_METADATA: &str = "ARROW:extension:metadata";

/// A type of pgvector's, or PostgreSQL's bit string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SqlVectorType {
    /// Single-precision elements.
    Vector,
    /// Half-precision elements.
    Halfvec,
    /// Bits.
    Bit,
    /// Elements that are not zero, with their places.
    Sparsevec,
}

impl SqlVectorType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Vector, Self::Halfvec, Self::Bit, Self::Sparsevec];

    /// The name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vector => "vector",
            Self::Halfvec => "halfvec",
            Self::Bit => "bit",
            Self::Sparsevec => "sparsevec",
        }
    }

    /// The name of the Arrow extension type.
    pub fn extension_name(self) -> &'static str {
        match self {
            Self::Vector => "ogive.vector",
            Self::Halfvec => "ogive.halfvec",
            Self::Bit => "ogive.bit",
            Self::Sparsevec => "ogive.sparsevec",
        }
    }

    /// The type that a field is marked as; `None` for an ordinary field, or one whose storage is
    /// not what the mark says.
    pub fn of(field: &Field) -> Option<Self> {
        let name = field.metadata().get(EXTENSION_NAME)?;
        let found = Self::ALL
            .into_iter()
            .find(|candidate| candidate.extension_name() == name)?;
        found.is_stored_as(field.data_type()).then_some(found)
    }

    /// The field of a column of this type, NULL allowed; `length` is the type modifier.
    pub fn field(self, name: &str, length: Option<usize>) -> Field {
        let mut metadata = HashMap::from([(
            EXTENSION_NAME.to_string(),
            self.extension_name().to_string(),
        )]);
        if let (Self::Sparsevec, Some(length)) = (self, length) {
            metadata.insert(EXTENSION_METADATA.to_string(), length.to_string());
        }
        Field::new(name, self.storage(length), true).with_metadata(metadata)
    }

    /// How values are stored.
    pub fn storage(self, length: Option<usize>) -> DataType {
        let list = |element: DataType| {
            let field = Arc::new(Field::new_list_field(element, true));
            match length.and_then(|length| i32::try_from(length).ok()) {
                Some(length) => DataType::FixedSizeList(field, length),
                None => DataType::List(field),
            }
        };
        match self {
            Self::Vector => list(DataType::Float32),
            Self::Halfvec => list(DataType::Float16),
            Self::Bit => list(DataType::Boolean),
            Self::Sparsevec => DataType::Struct(sparsevec_fields()),
        }
    }

    /// The type modifier of a field of this type.
    pub fn length_of(self, field: &Field) -> Option<usize> {
        match field.data_type() {
            DataType::FixedSizeList(_, length) => usize::try_from(*length).ok(),
            DataType::Struct(_) => field.metadata().get(EXTENSION_METADATA)?.parse().ok(),
            _ => None,
        }
    }

    /// Whether pgvector casts values of this type to another wherever one is wanted.
    pub fn casts_implicitly_to(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Vector, Self::Halfvec | Self::Sparsevec) | (Self::Halfvec, Self::Sparsevec)
        )
    }

    pub(crate) fn is_stored_as(self, data_type: &DataType) -> bool {
        match (self, data_type) {
            (Self::Sparsevec, DataType::Struct(fields)) => {
                fields.len() == 3
                    && fields
                        .iter()
                        .zip(&sparsevec_fields())
                        .all(|(found, wanted)| found.name() == wanted.name())
            }
            (_, DataType::FixedSizeList(element, _) | DataType::List(element)) => {
                let wanted = match self {
                    Self::Vector => DataType::Float32,
                    Self::Halfvec => DataType::Float16,
                    Self::Bit => DataType::Boolean,
                    Self::Sparsevec => return false,
                };
                *element.data_type() == wanted
            }
            _ => false,
        }
    }
}

/// The children of a `sparsevec`.
pub fn sparsevec_fields() -> Fields {
    let list = |element| DataType::List(Arc::new(Field::new_list_field(element, true)));
    Fields::from(vec![
        Field::new("dimensions", DataType::Int32, true),
        Field::new("indices", list(DataType::Int32), true),
        Field::new("values", list(DataType::Float32), true),
    ])
}

/// The type that the arguments with one of pgvector's have in common, by its implicit casts: `vector` to `halfvec`, both
/// to `sparsevec`. That of the first where there is none.
pub(crate) fn common_type(fields: &[FieldRef]) -> Option<SqlVectorType> {
    let mut types = fields.iter().filter_map(|field| SqlVectorType::of(field));
    let first = types.next()?;
    Some(types.fold(first, |common, other| {
        if common.casts_implicitly_to(other) {
            other
        } else {
            common
        }
    }))
}
