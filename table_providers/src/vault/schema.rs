//! The Arrow schema of each store.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_common::{Result, exec_err};
use ogive_udfs::element_type;
use ogive_vault::{
    Column, DType, MainKind, MainTable, Mismatch, Place, ReadAs, ScalarType, SqlType, Store,
    Vec0Role, Vec0Table, VectorElement,
};

use crate::error::vault_error;
use crate::vault::arrays::list_field;

/// The column that [`VaultTable::with_rowid`](crate::VaultTable::with_rowid) adds: SQLite's number of the row.
pub const ROWID_COLUMN: &str = crate::changes::ROW_ID;

/// Key of a field's metadata: the sizes of the dimensions of a flat array, outermost first, `2,3`.
pub const SHAPE_METADATA: &str = "ogive.shape";

/// What is done with values that do not fit the declared type of their column: `SET ogive.sqlite_types`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum SqliteTypes {
    /// They are NULL, and a warning says how many.
    #[default]
    Null,
    /// They are an error.
    Strict,
    /// Every column is text.
    Text,
}

impl SqliteTypes {
    /// The choice of a word.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "null" => Self::Null,
            "strict" => Self::Strict,
            "text" => Self::Text,
            _ => return None,
        })
    }

    pub(super) fn mismatch(self) -> Mismatch {
        match self {
            Self::Strict => Mismatch::Refuse,
            Self::Null | Self::Text => Mismatch::Null,
        }
    }
}

/// What a declared type is read as.
pub fn read_as(sql_type: SqlType, types: SqliteTypes) -> ReadAs {
    if types == SqliteTypes::Text {
        return ReadAs::AnyText;
    }
    match sql_type {
        SqlType::Integer => ReadAs::Integer,
        SqlType::Real | SqlType::Numeric => ReadAs::Float,
        SqlType::Boolean => ReadAs::Boolean,
        SqlType::Text => ReadAs::Text,
        SqlType::Blob => ReadAs::Bytes,
        SqlType::Any => ReadAs::AnyText,
    }
}

/// The Arrow type of what is read.
pub fn arrow_type(read_as: ReadAs) -> DataType {
    match read_as {
        ReadAs::Integer => DataType::Int64,
        ReadAs::Float => DataType::Float64,
        ReadAs::Boolean => DataType::Boolean,
        ReadAs::Text | ReadAs::AnyText => DataType::Utf8,
        ReadAs::Bytes => DataType::Binary,
    }
}

/// The schema of a store's table, with the column of row numbers where it is asked for.
pub fn schema_of(
    store: &Store,
    file: &str,
    types: SqliteTypes,
    with_rowid: bool,
) -> Result<SchemaRef> {
    let mut fields = match store {
        Store::Kv(_) => vec![
            Field::new("key", DataType::Binary, false),
            Field::new("value", DataType::Binary, false),
            decoded_field(),
        ],
        Store::Column(column) => vec![
            // NULL in an INSERT means the next one.
            Field::new("idx", DataType::Int64, true),
            value_field(column, file)?,
        ],
        Store::Vectors(table) => {
            let mut fields = vec![Field::new("id", DataType::Int64, true)];
            for column in &table.columns {
                if matches!(column.role, Vec0Role::Vector { .. }) {
                    fields.push(Field::new(&column.name, vec0_type(column.role), false));
                }
            }
            fields.extend([Field::new("value", DataType::Binary, true), decoded_field()]);
            fields
        }
        Store::Text(table) => {
            let mut fields = vec![Field::new("id", DataType::Int64, true)];
            fields.extend(
                table
                    .columns
                    .iter()
                    .map(|name| Field::new(name, DataType::Utf8, true)),
            );
            fields.extend([
                Field::new("value", DataType::Binary, true),
                decoded_field(),
                Field::new("rank", DataType::Float64, true),
            ]);
            fields
        }
        Store::Main(table) => main_fields(table, file, types)?,
    };
    if with_rowid {
        fields.push(Field::new(ROWID_COLUMN, DataType::Int64, false));
    }
    Ok(Arc::new(Schema::new(fields)))
}

fn decoded_field() -> Field {
    Field::new("decoded", DataType::Utf8, true)
}

fn value_field(column: &Column, file: &str) -> Result<Field> {
    let dtype = match &column.dtype {
        Ok(dtype) => dtype,
        Err(error) => {
            return Err(vault_error(
                Place::table(file, "columns", &column.name).value(error.clone()),
            ));
        }
    };
    let value_type = match dtype {
        DType::Scalar(element) => element_type(*element),
        DType::FixedVector { element, shape } => {
            let dimensions: usize = shape.iter().product();
            let size = i32::try_from(dimensions).unwrap_or(i32::MAX);
            let data_type = DataType::FixedSizeList(list_field(element_type(*element)), size);
            let field = Field::new("value", data_type, false);
            if shape.len() < 2 {
                return Ok(field);
            }
            let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
            return Ok(field.with_metadata(HashMap::from([(
                SHAPE_METADATA.to_owned(),
                sizes.join(","),
            )])));
        }
        DType::Vector(element) => DataType::List(list_field(element_type(*element))),
        DType::Bytes(Some(size)) if column.is_fixed() => {
            DataType::FixedSizeBinary(i32::try_from(*size).unwrap_or(i32::MAX))
        }
        DType::Bytes(_) => DataType::Binary,
        DType::Text { .. } | DType::MsgPack(_) | DType::Cbor(_) => DataType::Utf8,
    };
    Ok(Field::new("value", value_type, false))
}

/// The Arrow type of a column of a `vec0` table.
pub fn vec0_type(role: Vec0Role) -> DataType {
    match role {
        Vec0Role::Vector {
            element,
            dimensions,
            ..
        } => {
            let element = match element {
                VectorElement::Float32 => DataType::Float32,
                VectorElement::Int8 => DataType::Int8,
                VectorElement::Bit => DataType::Boolean,
            };
            DataType::FixedSizeList(
                list_field(element),
                i32::try_from(dimensions).unwrap_or(i32::MAX),
            )
        }
        Vec0Role::PrimaryKey(scalar)
        | Vec0Role::Partition { scalar, .. }
        | Vec0Role::Metadata { scalar, .. }
        | Vec0Role::Auxiliary { scalar, .. } => arrow_type(scalar.read_as()),
    }
}

/// A `vec0` table without a key of its own shows its row numbers under this name.
pub const VEC0_ROWID: &str = "rowid";

/// Whether the table shows its row numbers besides its columns.
pub fn shows_rowid(table: &Vec0Table) -> bool {
    !table
        .columns
        .iter()
        .any(|column| matches!(column.role, Vec0Role::PrimaryKey(ScalarType::Integer)))
        && !table.has_text_key()
}

fn main_fields(table: &MainTable, file: &str, types: SqliteTypes) -> Result<Vec<Field>> {
    match &table.kind {
        MainKind::Table { columns, .. } | MainKind::View { columns } => Ok(columns
            .iter()
            .map(|column| {
                Field::new(
                    &column.name,
                    arrow_type(read_as(column.sql_type, types)),
                    true,
                )
            })
            .collect()),
        MainKind::Fts5 { columns } => {
            let mut fields = vec![Field::new("rowid", DataType::Int64, true)];
            fields.extend(
                columns
                    .iter()
                    .map(|name| Field::new(name, DataType::Utf8, true)),
            );
            fields.push(Field::new("rank", DataType::Float64, true));
            Ok(fields)
        }
        MainKind::Vec0(table) => {
            let mut fields = Vec::new();
            if shows_rowid(table) {
                fields.push(Field::new(VEC0_ROWID, DataType::Int64, false));
            }
            fields.extend(
                table
                    .columns
                    .iter()
                    .map(|column| Field::new(&column.name, vec0_type(column.role), true)),
            );
            Ok(fields)
        }
        MainKind::Unreadable(reason) => {
            exec_err!("{file}: main.{}: cannot be read: {reason}", table.name)
        }
    }
}
