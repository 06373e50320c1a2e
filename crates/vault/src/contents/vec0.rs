//! Tables of sqlite-vec's module `vec0`, from the text of their definition.

use std::fmt;

use crate::sql_text::{tokens, unquoted};

/// A `vec0` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vec0Table {
    /// Its name.
    pub name: String,
    /// Its columns as they were declared.
    pub columns: Vec<Vec0Column>,
    /// Slots of a chunk.
    pub chunk_size: usize,
}

/// A column of a `vec0` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vec0Column {
    /// Its name.
    pub name: String,
    /// What it is for, and its type.
    pub role: Vec0Role,
}

/// What a column of a `vec0` table is for. Indexes count within the columns of the same role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vec0Role {
    /// The key: the rowid if an integer, else a text beside it.
    PrimaryKey(ScalarType),
    /// Vectors, in the chunks' blobs.
    Vector {
        /// Which of the vector columns.
        index: usize,
        /// Type of the elements.
        element: VectorElement,
        /// Elements of a vector.
        dimensions: usize,
        /// Distance of searches.
        metric: Metric,
    },
    /// All rows of a chunk have one value.
    Partition {
        /// Which of the partition columns.
        index: usize,
        /// Its type.
        scalar: ScalarType,
    },
    /// A value a slot, in the chunks' blobs.
    Metadata {
        /// Which of the metadata columns.
        index: usize,
        /// Its type.
        scalar: ScalarType,
    },
    /// A column of an ordinary table beside.
    Auxiliary {
        /// Which of the auxiliary columns.
        index: usize,
        /// Its type.
        scalar: ScalarType,
    },
}

/// Type of a column that holds no vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "they are SQLite's")]
pub enum ScalarType {
    Boolean,
    Integer,
    Float,
    Text,
    Blob,
}

/// Type of a vector's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VectorElement {
    /// Single precision.
    Float32,
    /// One signed byte.
    Int8,
    /// One bit, the least significant of a byte first.
    Bit,
}

/// Distance of a `vec0` column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Euclidean, with the square root.
    L2,
    /// Sum of absolute differences.
    L1,
    /// One less the cosine.
    Cosine,
    /// Bits that differ.
    Hamming,
}

impl Metric {
    /// The name that the definition has.
    pub fn name(self) -> &'static str {
        match self {
            Self::L2 => "l2",
            Self::L1 => "l1",
            Self::Cosine => "cosine",
            Self::Hamming => "hamming",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Most dimensions of a vector that sqlite-vec allows.
const DIMENSIONS_MAX: usize = 8192;
/// Most slots of a chunk that sqlite-vec allows.
const CHUNK_SIZE_MAX: usize = 4096;
/// What it takes where nothing is said.
const CHUNK_SIZE_DEFAULT: usize = 1024;

impl Vec0Table {
    /// The ordinary tables behind it.
    pub fn shadow_tables(&self) -> Vec<String> {
        let name = &self.name;
        let mut tables = vec![
            format!("{name}_info"),
            format!("{name}_chunks"),
            format!("{name}_rowids"),
        ];
        let mut auxiliary = false;
        for column in &self.columns {
            match column.role {
                Vec0Role::Vector { index, .. } => {
                    tables.push(format!("{name}_vector_chunks{index:02}"));
                }
                Vec0Role::Metadata { index, scalar } => {
                    tables.push(format!("{name}_metadatachunks{index:02}"));
                    if scalar == ScalarType::Text {
                        tables.push(format!("{name}_metadatatext{index:02}"));
                    }
                }
                Vec0Role::Auxiliary { .. } => auxiliary = true,
                Vec0Role::PrimaryKey(_) | Vec0Role::Partition { .. } => {}
            }
        }
        if auxiliary {
            tables.push(format!("{name}_auxiliary"));
        }
        tables
    }

    /// The columns are those of the package's vector tables: `value_ref INTEGER, vector float[n]`.
    pub fn is_of_package(&self) -> bool {
        matches!(self.columns.as_slice(), [reference, vector]
            if reference.name == "value_ref"
                && matches!(reference.role, Vec0Role::Metadata { scalar: ScalarType::Integer, .. })
                && vector.name == "vector"
                && matches!(vector.role, Vec0Role::Vector { element: VectorElement::Float32, .. }))
    }

    /// Dimensions and metric of the first vector column.
    pub fn vector(&self) -> Option<(VectorElement, usize, Metric)> {
        self.columns.iter().find_map(|column| match column.role {
            Vec0Role::Vector {
                element,
                dimensions,
                metric,
                ..
            } => Some((element, dimensions, metric)),
            _ => None,
        })
    }

    /// The key is a text, not the rowid.
    pub fn has_text_key(&self) -> bool {
        self.columns
            .iter()
            .any(|column| column.role == Vec0Role::PrimaryKey(ScalarType::Text))
    }
}

impl VectorElement {
    /// Bytes of a vector.
    pub fn vector_bytes(self, dimensions: usize) -> usize {
        match self {
            Self::Float32 => dimensions * 4,
            Self::Int8 => dimensions,
            Self::Bit => dimensions.div_ceil(8),
        }
    }
}

/// Reads the arguments of `USING vec0(..)`; the error says which one is not understood.
pub(super) fn parse(name: &str, arguments: &[String]) -> Result<Vec0Table, String> {
    let mut table = Vec0Table {
        name: name.to_owned(),
        columns: Vec::new(),
        chunk_size: CHUNK_SIZE_DEFAULT,
    };
    let (mut vectors, mut partitions, mut metadata, mut auxiliaries) = (0, 0, 0, 0);
    let next = |counter: &mut usize| {
        *counter += 1;
        *counter - 1
    };
    for argument in arguments {
        let unknown = || format!("'{argument}' in its definition is not understood");
        let words = tokens(argument);
        let lower: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let column_name = |at: usize| words.get(at).map(|word| unquoted(word)).ok_or_else(unknown);
        let (column, role) = match lower.as_slice() {
            ["chunk_size", "=", size] => {
                table.chunk_size = size
                    .parse()
                    .ok()
                    .filter(|size: &usize| {
                        size.is_multiple_of(8) && (8..=CHUNK_SIZE_MAX).contains(size)
                    })
                    .ok_or_else(unknown)?;
                continue;
            }
            [_, kind, "primary", "key"] => {
                let scalar = scalar_type(kind).ok_or_else(unknown)?;
                (column_name(0)?, Vec0Role::PrimaryKey(scalar))
            }
            [_, kind, "partition", "key"] => (
                column_name(0)?,
                Vec0Role::Partition {
                    index: next(&mut partitions),
                    scalar: scalar_type(kind).ok_or_else(unknown)?,
                },
            ),
            ["+", _, kind] => (
                column_name(1)?,
                Vec0Role::Auxiliary {
                    index: next(&mut auxiliaries),
                    scalar: scalar_type(kind).ok_or_else(unknown)?,
                },
            ),
            [_, kind, "[", dimensions, "]", options @ ..] => {
                let element = match *kind {
                    "float" | "f32" => VectorElement::Float32,
                    "int8" | "i8" => VectorElement::Int8,
                    "bit" => VectorElement::Bit,
                    _ => return Err(unknown()),
                };
                let dimensions: usize = dimensions
                    .parse()
                    .ok()
                    .filter(|size: &usize| (1..=DIMENSIONS_MAX).contains(size))
                    .ok_or_else(unknown)?;
                let metric = match options {
                    [] if element == VectorElement::Bit => Metric::Hamming,
                    [] => Metric::L2,
                    ["distance_metric", "=", metric] => match *metric {
                        "l2" => Metric::L2,
                        "l1" => Metric::L1,
                        "cosine" => Metric::Cosine,
                        "hamming" => Metric::Hamming,
                        _ => return Err(unknown()),
                    },
                    _ => return Err(unknown()),
                };
                (
                    column_name(0)?,
                    Vec0Role::Vector {
                        index: next(&mut vectors),
                        element,
                        dimensions,
                        metric,
                    },
                )
            }
            [_, kind] => (
                column_name(0)?,
                Vec0Role::Metadata {
                    index: next(&mut metadata),
                    scalar: scalar_type(kind)
                        .filter(|scalar| *scalar != ScalarType::Blob)
                        .ok_or_else(unknown)?,
                },
            ),
            _ => return Err(unknown()),
        };
        table.columns.push(Vec0Column { name: column, role });
    }
    if vectors == 0 {
        return Err("its definition has no vector column".to_owned());
    }
    Ok(table)
}

fn scalar_type(name: &str) -> Option<ScalarType> {
    Some(match name {
        "boolean" | "bool" => ScalarType::Boolean,
        "integer" | "int" | "int64" => ScalarType::Integer,
        "float" | "double" | "real" => ScalarType::Float,
        "text" => ScalarType::Text,
        "blob" => ScalarType::Blob,
        _ => return None,
    })
}
