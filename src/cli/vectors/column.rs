//! A column of vectors in anything that SQL reads.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int32Type, Int64Type, Schema,
    UInt8Type,
};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

use super::{DType, Values};
use crate::cli::error::{Failure, Result};
use crate::cli::sql::{open_in_order, quote_name};

/// The rows of one column.
pub struct ColumnVectors {
    stream: SendableRecordBatchStream,
    name: String,
    column: String,
    dimension: usize,
    dtype: DType,
    rows: u64,
    /// The first rows, read to learn the dimension.
    first: Option<ArrayRef>,
}

impl ColumnVectors {
    pub async fn open(name: &str, column: Option<&str>) -> Result<Self> {
        let (session, schema) = open_in_order(name).await?;
        let column = choose(name, &schema, column)?;
        let table = crate::cli::sql::quote_text(name);
        let frame = session
            .sql(&format!("SELECT {} FROM {table}", quote_name(&column)))
            .await?;
        let mut stream = frame.execute_stream().await?;
        let data_type = stream.schema().field(0).data_type().clone();
        let element = element_type(&data_type).unwrap_or(&data_type);
        let dtype = number_type(element).ok_or_else(|| {
            Failure::about(
                name,
                format_args!("column '{column}' is {data_type}, expected vectors of numbers"),
            )
        })?;
        let first = next_rows(&mut stream).await?;
        let dimension = match (&data_type, &first) {
            (DataType::FixedSizeList(_, dimension), _) => {
                usize::try_from(*dimension).unwrap_or_default()
            }
            (_, Some(array)) if element_type(&data_type).is_some() => {
                element_count(array, 0).unwrap_or_default()
            }
            (_, Some(_)) => 1,
            (_, None) => 0,
        };
        Ok(Self {
            stream,
            name: name.to_owned(),
            column,
            dimension,
            dtype,
            rows: 0,
            first,
        })
    }

    pub fn dimension(&self) -> usize {
        self.dimension
    }

    pub fn dtype(&self) -> DType {
        self.dtype
    }

    pub async fn next(&mut self) -> Result<Option<Values>> {
        let array = match self.first.take() {
            Some(array) => array,
            None => match next_rows(&mut self.stream).await? {
                Some(array) => array,
                None => return Ok(None),
            },
        };
        let values = self.flatten(&array)?;
        self.rows += array.len() as u64;
        Ok(Some(values))
    }

    /// The numbers of every row, after a look at each row's length.
    fn flatten(&self, array: &ArrayRef) -> Result<Values> {
        let mut row = 0;
        while row < array.len() {
            let found = if array.is_null(row) {
                None
            } else {
                element_count(array, row)
            };
            match found {
                None => return Err(self.error(row, "it is NULL, expected a vector")),
                Some(found) if found != self.dimension => {
                    let problem = format!(
                        "found {found} number(s), expected {} as in the first row",
                        self.dimension
                    );
                    return Err(self.error(row, &problem));
                }
                Some(_) => row += 1,
            }
        }
        let elements = elements(array);
        if elements.null_count() > 0 {
            let position = (0..elements.len())
                .find(|position| elements.is_null(*position))
                .unwrap_or_default();
            let row = position / self.dimension.max(1);
            return Err(self.error(row, "an element is NULL, expected a number"));
        }
        extract(&elements, self.dtype)
    }

    fn error(&self, row: usize, problem: &str) -> Failure {
        let row = self.rows + row as u64;
        Failure::about(
            &self.name,
            format_args!("column '{}', row {row}: {problem}", self.column),
        )
    }
}

async fn next_rows(stream: &mut SendableRecordBatchStream) -> Result<Option<ArrayRef>> {
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        if batch.num_rows() > 0 {
            return Ok(batch.columns().first().map(Arc::clone));
        }
    }
    Ok(None)
}

/// The column that was asked for, or the only one of vectors.
fn choose(name: &str, schema: &Schema, asked: Option<&str>) -> Result<String> {
    let names = || {
        schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    if let Some(asked) = asked {
        return match schema.field_with_name(asked) {
            Ok(field) => Ok(field.name().clone()),
            Err(_) => Err(Failure::about(
                name,
                format_args!("no column '{asked}', found {}", names()),
            )),
        };
    }
    let vectors: Vec<&str> = schema
        .fields()
        .iter()
        .filter(|field| {
            element_type(field.data_type()).is_some_and(|element| number_type(element).is_some())
        })
        .map(|field| field.name().as_str())
        .collect();
    match vectors.as_slice() {
        [only] => Ok((*only).to_owned()),
        [] => Err(Failure::about(
            name,
            format_args!(
                "no column of vectors, found {}; name one with --column",
                names()
            ),
        )),
        several => Err(Failure::about(
            name,
            format_args!(
                "several columns of vectors: {}; choose one with --column",
                several.join(", ")
            ),
        )),
    }
}

/// The type of the elements, if values of the type are lists.
pub fn element_type(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            Some(field.data_type())
        }
        _ => None,
    }
}

/// Elements of one row: of a list its length, of a plain number one. `None` for a null list.
pub fn element_count(array: &ArrayRef, row: usize) -> Option<usize> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::List(_) => usize::try_from(array.as_list::<i32>().value_length(row)).ok(),
        DataType::LargeList(_) => usize::try_from(array.as_list::<i64>().value_length(row)).ok(),
        DataType::FixedSizeList(_, length) => usize::try_from(*length).ok(),
        _ => Some(1),
    }
}

/// The elements of all rows, which have no gaps between them once no row is null.
fn elements(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            let (start, end) = (
                first_offset(lists.value_offsets()),
                last_offset(lists.value_offsets()),
            );
            lists.values().slice(start, end - start)
        }
        DataType::LargeList(_) => {
            let lists = array.as_list::<i64>();
            let (start, end) = (
                first_offset(lists.value_offsets()),
                last_offset(lists.value_offsets()),
            );
            lists.values().slice(start, end - start)
        }
        DataType::FixedSizeList(..) => {
            let lists = array.as_fixed_size_list();
            let length = usize::try_from(lists.value_length()).unwrap_or_default();
            let start = usize::try_from(lists.value_offset(0)).unwrap_or_default();
            lists.values().slice(start, length * lists.len())
        }
        _ => Arc::clone(array),
    }
}

fn first_offset<O: Copy + TryInto<usize>>(offsets: &[O]) -> usize {
    offsets
        .first()
        .and_then(|offset| (*offset).try_into().ok())
        .unwrap_or_default()
}

fn last_offset<O: Copy + TryInto<usize>>(offsets: &[O]) -> usize {
    offsets
        .last()
        .and_then(|offset| (*offset).try_into().ok())
        .unwrap_or_default()
}

/// The type that numbers are read as; `None` for what is no number.
fn number_type(data_type: &DataType) -> Option<DType> {
    match data_type {
        DataType::Float64 | DataType::UInt64 => Some(DType::F64),
        DataType::Float32 => Some(DType::F32),
        DataType::Float16 => Some(DType::F16),
        DataType::Int64 | DataType::UInt32 => Some(DType::I64),
        DataType::Int32 | DataType::Int16 | DataType::UInt16 => Some(DType::I32),
        DataType::Int8 => Some(DType::I8),
        DataType::UInt8 => Some(DType::U8),
        _ => None,
    }
}

fn extract(elements: &ArrayRef, dtype: DType) -> Result<Values> {
    let to = |data_type| cast(elements, &data_type);
    Ok(match dtype {
        DType::F64 => Values::F64(
            to(DataType::Float64)?
                .as_primitive::<Float64Type>()
                .values()
                .to_vec(),
        ),
        DType::F32 => Values::F32(
            to(DataType::Float32)?
                .as_primitive::<Float32Type>()
                .values()
                .to_vec(),
        ),
        DType::F16 => Values::F16(
            to(DataType::Float16)?
                .as_primitive::<Float16Type>()
                .values()
                .to_vec(),
        ),
        DType::I64 => Values::I64(
            to(DataType::Int64)?
                .as_primitive::<Int64Type>()
                .values()
                .to_vec(),
        ),
        DType::I32 => Values::I32(
            to(DataType::Int32)?
                .as_primitive::<Int32Type>()
                .values()
                .to_vec(),
        ),
        DType::I8 => Values::I8(
            to(DataType::Int8)?
                .as_primitive::<Int8Type>()
                .values()
                .to_vec(),
        ),
        DType::U8 => Values::U8(
            to(DataType::UInt8)?
                .as_primitive::<UInt8Type>()
                .values()
                .to_vec(),
        ),
    })
}
