//! Record batches as the CVC writer takes them.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int32Type, Int64Type, Schema,
    UInt8Type,
};
use arrow::record_batch::RecordBatch;
use datafusion_common::{Result, exec_datafusion_err, exec_err, plan_err};

use ogive_cvc::{Column, ColumnValues, Compression, DType, SINGLE_COLUMN};

use crate::cvc::inexact::refuse_inexact;
use crate::cvc::write_options::{FileLayout, WriteOptions};
use crate::scan::ROW_COLUMN;

/// What is written of each batch.
#[derive(Debug, Clone)]
pub struct WrittenColumns {
    /// The file's schema.
    pub schema: ogive_cvc::Schema,
    /// For each column of the file: its index in the batch, its name, its dimension.
    columns: Vec<(usize, String, usize)>,
    /// Whether values may be rounded where they are to be kept.
    lossy: bool,
}

/// Values of one column, flat.
pub enum OwnedValues {
    /// Stays a view of the batch's memory.
    Array(ArrayRef),
}

impl OwnedValues {
    /// As the writer takes them.
    pub fn borrowed(&self) -> ColumnValues<'_> {
        let Self::Array(array) = self;
        match array.data_type() {
            DataType::Float64 => ColumnValues::F64(array.as_primitive::<Float64Type>().values()),
            DataType::Float16 => ColumnValues::F16(array.as_primitive::<Float16Type>().values()),
            DataType::Int32 => ColumnValues::I32(array.as_primitive::<Int32Type>().values()),
            DataType::Int64 => ColumnValues::I64(array.as_primitive::<Int64Type>().values()),
            DataType::Int8 => ColumnValues::I8(array.as_primitive::<Int8Type>().values()),
            DataType::UInt8 => ColumnValues::U8(array.as_primitive::<UInt8Type>().values()),
            _ => ColumnValues::F32(array.as_primitive::<Float32Type>().values()),
        }
    }
}

impl WrittenColumns {
    /// Refuses what no CVC file can hold, from the types alone.
    pub fn check(schema: &Schema, options: &WriteOptions) -> Result<()> {
        let written: Vec<_> = written_fields(schema).collect();
        if written.is_empty() {
            return plan_err!("nothing to write: a CVC file needs a column beside '{ROW_COLUMN}'");
        }
        for (_, field) in &written {
            stored_type(field.name(), element_type(field.data_type()))?;
        }
        for name in options.compressions.keys() {
            if !written.iter().any(|(_, field)| field.name() == name) {
                return plan_err!("option compression: there is no column '{name}' to write");
            }
        }
        if options.layout == FileLayout::Single && written.len() != 1 {
            return plan_err!(
                "option layout 'single': a single-column file holds one column, the query has {}",
                written.len()
            );
        }
        Ok(())
    }

    /// What to write of batches like this one; lists without a fixed size take the length of the
    /// first row's.
    pub fn of(batch: &RecordBatch, options: &WriteOptions) -> Result<Self> {
        let schema = batch.schema();
        Self::check(&schema, options)?;
        let mut columns = Vec::new();
        let mut described = Vec::new();
        for (index, field) in written_fields(&schema) {
            let name = field.name().clone();
            let dimension = dimension_of(&name, batch.column(index).as_ref())?;
            let dtype = stored_type(&name, element_type(field.data_type()))?;
            let is_float = matches!(dtype, DType::Float32 | DType::Float16);
            let is_vector = is_list(field.data_type()) || options.layout == FileLayout::Single;
            let compression = options.compression_of(&name, is_float || is_vector);
            let compression = compression.unwrap_or(match is_float {
                true => Compression::Fp16,
                false => Compression::None,
            });
            described.push((
                Column {
                    name: name.clone(),
                    dtype,
                    dimension,
                    compression,
                },
                is_list(field.data_type()),
            ));
            columns.push((index, name, dimension));
        }
        let single = match (options.layout, described.as_slice()) {
            (FileLayout::Single, _) => true,
            (FileLayout::Columnar, _) => false,
            (FileLayout::Auto, [(only, is_vector)]) => {
                *is_vector
                    && only.compression != Compression::None
                    && (only.name == SINGLE_COLUMN || only.compression == Compression::Lossless)
            }
            (FileLayout::Auto, _) => false,
        };
        let schema = match described.first() {
            Some((only, _)) if single => ogive_cvc::Schema::Single {
                dimension: only.dimension,
                compression: only.compression,
            },
            _ => ogive_cvc::Schema::Columnar(described.into_iter().map(|(c, _)| c).collect()),
        };
        Ok(Self {
            schema,
            columns,
            lossy: options.lossy,
        })
    }

    fn refuse_inexact(
        &self,
        name: &str,
        values: &ArrayRef,
        dtype: DType,
        compression: Compression,
    ) -> Result<()> {
        match self.lossy {
            true => Ok(()),
            false => refuse_inexact(name, values, dtype, compression),
        }
    }
}

/// Fields that are written: `_row` is made by readers.
fn written_fields(schema: &Schema) -> impl Iterator<Item = (usize, &arrow::datatypes::FieldRef)> {
    schema
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| field.name() != ROW_COLUMN)
}

fn is_list(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::FixedSizeList(_, _) | DataType::List(_) | DataType::LargeList(_)
    )
}

fn element_type(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::FixedSizeList(field, _) | DataType::List(field) | DataType::LargeList(field) => {
            field.data_type()
        }
        other => other,
    }
}

/// The number type that a column's values are stored as before compression.
fn stored_type(name: &str, element: &DataType) -> Result<DType> {
    Ok(match element {
        DataType::Float64 | DataType::Float32 => DType::Float32,
        DataType::Float16 => DType::Float16,
        DataType::Int64 | DataType::UInt32 => DType::Int64,
        DataType::Int32 | DataType::Int16 | DataType::UInt16 => DType::Int32,
        DataType::Int8 => DType::Int8,
        DataType::UInt8 | DataType::Boolean => DType::UInt8,
        other => {
            return plan_err!(
                "column '{name}' has type {other}: CVC files hold numbers and fixed-size lists of numbers; leave the column out, cast it, or write Parquet"
            );
        }
    })
}

/// The type that values are handed to the writer in.
fn handed_type(element: &DataType, dtype: DType) -> DataType {
    match (element, dtype) {
        // The writer rounds once, and knows which numbers are too large.
        (DataType::Float64, _) => DataType::Float64,
        (_, DType::Float32) => DataType::Float32,
        (_, DType::Float16) => DataType::Float16,
        (_, DType::Int32) => DataType::Int32,
        (_, DType::Int64) => DataType::Int64,
        (_, DType::Int8) => DataType::Int8,
        (_, DType::UInt8) => DataType::UInt8,
    }
}

fn dimension_of(name: &str, array: &dyn Array) -> Result<usize> {
    Ok(match array.data_type() {
        DataType::FixedSizeList(_, size) => usize::try_from(*size).unwrap_or(0),
        DataType::List(_) if array.is_empty() => return unknown(name),
        DataType::LargeList(_) if array.is_empty() => return unknown(name),
        DataType::List(_) => array.as_list::<i32>().value_length(0) as usize,
        DataType::LargeList(_) => array.as_list::<i64>().value_length(0) as usize,
        _ => 1,
    })
}

fn unknown(name: &str) -> Result<usize> {
    exec_err!(
        "column '{name}' is a list of no fixed size and there are no rows to tell its dimension; cast it to FixedSizeList, or write at least one row"
    )
}

/// The values of a batch, flat, one entry a column of the file.
pub fn owned_values(columns: &WrittenColumns, batch: &RecordBatch) -> Result<Vec<OwnedValues>> {
    columns
        .columns
        .iter()
        .enumerate()
        .map(|(position, (index, name, dimension))| {
            let array = batch.column(*index);
            let flat = flatten(name, array, *dimension)?;
            let wanted = match &columns.schema {
                // Compressed columns take numbers as they are and round once.
                ogive_cvc::Schema::Single { compression, .. } => {
                    columns.refuse_inexact(name, &flat, DType::Float32, *compression)?;
                    flat.data_type().clone()
                }
                ogive_cvc::Schema::Columnar(described) => {
                    let column = described.get(position).ok_or_else(|| {
                        exec_datafusion_err!("column '{name}' is not in the file")
                    })?;
                    let kept = match column.compression {
                        Compression::Lossless => DType::Float32,
                        _ => column.dtype,
                    };
                    columns.refuse_inexact(name, &flat, kept, column.compression)?;
                    handed_type(flat.data_type(), column.dtype)
                }
            };
            let wanted = takes(&wanted);
            Ok(OwnedValues::Array(if *flat.data_type() == wanted {
                flat
            } else {
                cast(&flat, &wanted)?
            }))
        })
        .collect()
}

/// The nearest type that the writer has a variant for.
fn takes(wanted: &DataType) -> DataType {
    match wanted {
        DataType::Int16 | DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::Boolean => DataType::UInt8,
        other => other.clone(),
    }
}

fn flatten(name: &str, array: &ArrayRef, dimension: usize) -> Result<ArrayRef> {
    if array.null_count() > 0 {
        return exec_err!(
            "column '{name}' holds {} NULL(s) and CVC files hold none: filter them out (WHERE {name} IS NOT NULL) or replace them",
            array.null_count()
        );
    }
    let values = match array.data_type() {
        DataType::FixedSizeList(_, size) => {
            let list = array.as_fixed_size_list();
            let size = usize::try_from(*size).unwrap_or(0);
            list.values().slice(list.offset() * size, list.len() * size)
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            same_lengths(
                name,
                offsets.windows(2).map(|w| (w[1] - w[0]) as usize),
                dimension,
            )?;
            let (first, last) = ends(offsets.first().copied(), offsets.last().copied());
            list.values().slice(first as usize, (last - first) as usize)
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let offsets = list.value_offsets();
            same_lengths(
                name,
                offsets.windows(2).map(|w| (w[1] - w[0]) as usize),
                dimension,
            )?;
            let (first, last) = ends(offsets.first().copied(), offsets.last().copied());
            list.values().slice(first as usize, (last - first) as usize)
        }
        _ => array.slice(0, array.len()),
    };
    if values.null_count() > 0 {
        return exec_err!("column '{name}' holds vectors with NULL elements; CVC files hold none");
    }
    Ok(values)
}

fn ends<T: Default>(first: Option<T>, last: Option<T>) -> (T, T) {
    (first.unwrap_or_default(), last.unwrap_or_default())
}

fn same_lengths(
    name: &str,
    mut lengths: impl Iterator<Item = usize>,
    dimension: usize,
) -> Result<()> {
    match lengths.find(|length| *length != dimension) {
        None => Ok(()),
        Some(found) => exec_err!(
            "column '{name}' holds vectors of {dimension} and of {found} dimensions; a CVC column has one dimension"
        ),
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    #[test]
    fn half_floats_are_handed_over_as_they_are() {
        let values =
            OwnedValues::Array(std::sync::Arc::new(arrow::array::Float16Array::from(vec![
                f16::from_f32(1.5),
            ])));
        assert!(matches!(values.borrowed(), ColumnValues::F16(v) if v == [f16::from_f32(1.5)]));
    }
}
