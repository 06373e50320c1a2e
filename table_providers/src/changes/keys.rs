//! Keys that rows must not share.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, ListArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::row::{OwnedRow, RowConverter, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion_common::{Constraint, Constraints, DataFusionError, Result};
use ogive_vectors::VectorError;

/// The columns of a key, and how its values are compared.
#[derive(Debug)]
pub struct KeyColumns {
    columns: Vec<usize>,
    converter: RowConverter,
    is_primary: bool,
}

impl KeyColumns {
    /// The key over some columns of a table.
    ///
    /// # Errors
    /// A column of a type whose values cannot be compared.
    pub fn try_new(columns: &[usize], is_primary: bool, schema: &Schema) -> Result<Self> {
        let fields = columns
            .iter()
            .map(|column| SortField::new(schema.field(*column).data_type().clone()))
            .collect();
        Ok(Self {
            columns: columns.to_vec(),
            converter: RowConverter::new(fields)?,
            is_primary,
        })
    }

    /// The columns' numbers in the table.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The name of its constraint, as PostgreSQL gives one.
    pub fn constraint_name(&self, table: &str, schema: &Schema) -> String {
        match self.is_primary {
            true => format!("{table}_pkey"),
            false => format!("{table}_{}_key", self.names(schema).join("_")),
        }
    }

    fn names<'a>(&self, schema: &'a Schema) -> Vec<&'a str> {
        let columns = self.columns.iter();
        columns
            .map(|column| schema.field(*column).name().as_str())
            .collect()
    }

    /// The key of each row of a batch with the table's columns; none where a part of it is NULL,
    /// which equals no other.
    ///
    /// # Errors
    /// Arrow's.
    pub fn values(&self, rows: &RecordBatch) -> Result<Vec<Option<OwnedRow>>> {
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|column| with_one_zero(rows.column(*column)))
            .collect::<Result<_>>()?;
        let values = self.converter.convert_columns(&columns)?;
        Ok((0..rows.num_rows())
            .map(|row| {
                let whole = columns.iter().all(|column| column.is_valid(row));
                whole.then(|| values.row(row).owned())
            })
            .collect())
    }

    /// PostgreSQL's error about the first row whose key another has.
    ///
    /// # Errors
    /// That one (23505).
    pub fn check<'a>(
        &self,
        table: &str,
        batches: impl IntoIterator<Item = &'a RecordBatch>,
    ) -> Result<()> {
        let mut seen = HashSet::new();
        for rows in batches {
            for (row, value) in self.values(rows)?.into_iter().enumerate() {
                if let Some(value) = value
                    && !seen.insert(value)
                {
                    return Err(self.duplicate(table, rows, row));
                }
            }
        }
        Ok(())
    }

    /// PostgreSQL's error (23505) about the key of a row, which is there already.
    pub(super) fn duplicate(&self, table: &str, rows: &RecordBatch, row: usize) -> DataFusionError {
        duplicate_key(self, table, rows, row)
    }
}

/// Numbers with 0 in place of -0, which is equal to it; rows are compared by their bytes. Those in lists too.
fn with_one_zero(column: &ArrayRef) -> Result<ArrayRef> {
    use arrow::datatypes::{Float16Type, Float32Type, Float64Type};
    Ok(match column.data_type() {
        DataType::Float16 => Arc::new(
            column
                .as_primitive::<Float16Type>()
                .unary::<_, Float16Type>(|value| value + half::f16::ZERO),
        ),
        DataType::Float32 => Arc::new(
            column
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(|value| value + 0.0),
        ),
        DataType::Float64 => Arc::new(
            column
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(|value| value + 0.0),
        ),
        DataType::FixedSizeList(field, length) => {
            let lists = column.as_fixed_size_list();
            let values = with_one_zero(lists.values())?;
            let nulls = lists.nulls().cloned();
            let lists = FixedSizeListArray::try_new(Arc::clone(field), *length, values, nulls)?;
            Arc::new(lists)
        }
        DataType::List(field) => {
            let lists = column.as_list::<i32>();
            let (offsets, nulls) = (lists.offsets().clone(), lists.nulls().cloned());
            let values = with_one_zero(lists.values())?;
            Arc::new(ListArray::try_new(
                Arc::clone(field),
                offsets,
                values,
                nulls,
            )?)
        }
        _ => Arc::clone(column),
    })
}

/// The keys of a table.
///
/// # Errors
/// As [`KeyColumns::try_new`].
pub fn keys_of(constraints: &Constraints, schema: &Schema) -> Result<Vec<KeyColumns>> {
    constraints
        .iter()
        .map(|constraint| match constraint {
            Constraint::PrimaryKey(columns) => KeyColumns::try_new(columns, true, schema),
            Constraint::Unique(columns) => KeyColumns::try_new(columns, false, schema),
        })
        .collect()
}

/// PostgreSQL's error about a key that is there already.
fn duplicate_key(key: &KeyColumns, table: &str, rows: &RecordBatch, row: usize) -> DataFusionError {
    let schema = rows.schema();
    let names = key.names(&schema);
    let values: Vec<String> = key
        .columns
        .iter()
        .map(|column| text_of(rows.column(*column).as_ref(), row))
        .collect();
    let constraint = key.constraint_name(table, &schema);
    let error = VectorError::new(
        "23505",
        format!("duplicate key value violates unique constraint \"{constraint}\""),
    )
    .with_detail(format!(
        "Key ({})=({}) already exists.",
        names.join(", "),
        values.join(", ")
    ));
    DataFusionError::External(Box::new(error))
}

/// Refuses columns of a table with a NULL where there must be none: in a column that is `NOT NULL` or of the primary key.
///
/// # Errors
/// PostgreSQL's (23502).
pub fn refuse_nulls(
    table: &str,
    schema: &Schema,
    constraints: &Constraints,
    columns: &[ArrayRef],
) -> Result<()> {
    let is_primary = |number: usize| {
        constraints.iter().any(|constraint| {
            matches!(constraint, Constraint::PrimaryKey(columns) if columns.contains(&number))
        })
    };
    for (number, (field, column)) in schema.fields().iter().zip(columns).enumerate() {
        let must_be = !field.is_nullable() || is_primary(number);
        if must_be && column.logical_null_count() > 0 {
            let error = VectorError::new(
                "23502",
                format!(
                    "null value in column \"{}\" of relation \"{table}\" violates not-null constraint",
                    field.name()
                ),
            );
            return Err(DataFusionError::External(Box::new(error)));
        }
    }
    Ok(())
}

fn text_of(column: &dyn Array, row: usize) -> String {
    let bytes = matches!(
        column.data_type(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView
    );
    match ArrayFormatter::try_new(column, &FormatOptions::default()) {
        Ok(values) if bytes => format!("\\x{}", values.value(row)),
        Ok(values) => values.value(row).to_string(),
        Err(_) => "..".to_string(),
    }
}
