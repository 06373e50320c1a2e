//! Batches of new rows to a vault: `INSERT INTO`, and what [`VaultTransaction`](crate::VaultTransaction) is given.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use datafusion_common::{Result, exec_datafusion_err, exec_err, plan_err};
use ogive_udfs::vault_value;
use ogive_vault::{
    Column, DType, Kv, Layout, MainKind, MainTable, NewVector, Place, Rows, Slices, SqlValue,
    Store, Texts, Value, VectorTag, Vectors, Writer, append_rows, pack, read_json,
};

use crate::error::vault_error;
use crate::vault::target::VaultTarget;

/// What can never be written is refused before anything runs.
pub(super) fn check_writable(table: &VaultTarget) -> Result<()> {
    let place = table.place();
    if table.vault().options().read_only {
        return plan_err!("{place}: the file is attached READ_ONLY");
    }
    match table.store() {
        Store::Column(column) if column.layout < Layout::Three => plan_err!(
            "{place}: columns of layout {} are read-only; CREATE a new column and INSERT into it from this one",
            column.layout.number()
        ),
        Store::Main(MainTable { kind, .. }) => match kind {
            MainKind::Table { .. } | MainKind::Fts5 { .. } => Ok(()),
            other => plan_err!("{place}: a {} cannot be written", other.name()),
        },
        _ => Ok(()),
    }
}

/// Inserts the rows of a batch, whose columns are known by their names; how many.
pub fn insert_batch(writer: &Writer, table: &VaultTarget, batch: &RecordBatch) -> Result<u64> {
    let file = table.vault().file();
    let place = table.place();
    match table.store() {
        Store::Kv(kv) => {
            let (keys, values) = (bytes(batch, "key", place)?, bytes(batch, "value", place)?);
            let kv = Kv::new(writer, file, kv);
            let mut rows = 0;
            for row in 0..batch.num_rows() {
                let (Some(key), Some(value)) = (keys.get(row), values.get(row)) else {
                    return exec_err!(
                        "{place}: row {row} of the input: key and value must not be NULL"
                    );
                };
                let stored = kv
                    .put(key, value, table.on_conflict())
                    .map_err(vault_error)?;
                rows += u64::from(stored);
            }
            Ok(rows)
        }
        Store::Column(column) => {
            let rows = column_rows(column, batch, place)?;
            let first = append_rows(writer, file, column, &rows).map_err(vault_error)?;
            if let Some(indexes) = batch.column_by_name("idx") {
                let indexes = indexes.as_primitive_opt::<Int64Type>();
                for (row, index) in indexes.into_iter().flatten().enumerate() {
                    let next = first + row as u64;
                    if index.is_some_and(|index| u64::try_from(index) != Ok(next)) {
                        return exec_err!(
                            "{place}: row {row} of the input: idx is {}, expected {next}: new rows are appended; leave idx out",
                            index.unwrap_or_default()
                        );
                    }
                }
            }
            Ok(rows.len() as u64)
        }
        Store::Vectors(vec0) => {
            let vectors = Vectors::new(writer, file, vec0).map_err(vault_error)?;
            let ids = integers(batch, "id");
            let values = bytes(batch, "value", place)?;
            let given = floats(batch, "vector", place)?;
            for row in 0..batch.num_rows() {
                let Some(vector) = given.get(row) else {
                    return exec_err!(
                        "{place}: row {row} of the input: the vector must not be NULL, nor any of its elements"
                    );
                };
                let new = NewVector {
                    id: ids.get(row),
                    vector,
                    value: values.get(row).unwrap_or_default(),
                };
                vectors.insert(new).map_err(vault_error)?;
            }
            Ok(batch.num_rows() as u64)
        }
        Store::Text(texts) => {
            let ids = integers(batch, "id");
            let values = bytes(batch, "value", place)?;
            let columns: Vec<Option<&StringArray>> = texts
                .columns
                .iter()
                .map(|name| strings(batch, name))
                .collect();
            let target = Texts::new(writer, file, texts);
            for row in 0..batch.num_rows() {
                let new: Vec<Option<&str>> =
                    columns.iter().map(|column| text_at(*column, row)).collect();
                target
                    .insert(ids.get(row), &new, values.get(row).unwrap_or_default())
                    .map_err(vault_error)?;
            }
            Ok(batch.num_rows() as u64)
        }
        Store::Main(MainTable { name, kind }) => {
            let names: Vec<&str> = match kind {
                MainKind::Table { columns, .. } => columns
                    .iter()
                    .filter(|column| !column.generated)
                    .map(|column| column.name.as_str())
                    .filter(|name| batch.column_by_name(name).is_some())
                    .collect(),
                MainKind::Fts5 { columns } => std::iter::once("rowid")
                    .chain(columns.iter().map(String::as_str))
                    .filter(|name| batch.column_by_name(name).is_some())
                    .collect(),
                other => return plan_err!("{place}: a {} cannot be written", other.name()),
            };
            let arrays: Vec<&ArrayRef> = names
                .iter()
                .filter_map(|name| batch.column_by_name(name))
                .collect();
            let rows = (0..batch.num_rows())
                .map(|row| {
                    arrays
                        .iter()
                        .map(|array| cell(array, row))
                        .collect::<Result<Vec<_>>>()
                })
                .collect::<Result<Vec<_>>>()?;
            Rows::new(writer, file, name)
                .insert(&names, rows)
                .map_err(vault_error)
        }
    }
}

/// Bytes of a column of a batch, by row.
pub(super) struct BytesColumn<'a>(Option<&'a arrow::array::BinaryArray>);

impl<'a> BytesColumn<'a> {
    pub(super) fn get(&self, row: usize) -> Option<&'a [u8]> {
        let array = self.0?;
        array.is_valid(row).then(|| array.value(row))
    }
}

pub(super) fn bytes<'a>(
    batch: &'a RecordBatch,
    name: &str,
    place: &Place,
) -> Result<BytesColumn<'a>> {
    match batch.column_by_name(name) {
        None => Ok(BytesColumn(None)),
        Some(array) => match array.as_binary_opt::<i32>() {
            Some(array) => Ok(BytesColumn(Some(array))),
            None => exec_err!("{place}: {name} is {}, expected Binary", array.data_type()),
        },
    }
}

/// Integers of a column of a batch, by row.
struct IntegerColumn<'a>(Option<&'a arrow::array::Int64Array>);

impl IntegerColumn<'_> {
    fn get(&self, row: usize) -> Option<i64> {
        let array = self.0?;
        array.is_valid(row).then(|| array.value(row))
    }
}

fn integers<'a>(batch: &'a RecordBatch, name: &str) -> IntegerColumn<'a> {
    IntegerColumn(
        batch
            .column_by_name(name)
            .and_then(|array| array.as_primitive_opt::<Int64Type>()),
    )
}

/// Vectors of a column of a batch, by row.
pub(super) struct FloatsColumn<'a> {
    lists: &'a arrow::array::FixedSizeListArray,
    numbers: &'a arrow::array::Float32Array,
}

impl<'a> FloatsColumn<'a> {
    pub(super) fn get(&self, row: usize) -> Option<&'a [f32]> {
        let length = usize::try_from(self.lists.value_length()).ok()?;
        let start = usize::try_from(self.lists.value_offset(row)).ok()?;
        let whole = self.numbers.null_count() == 0
            || (start..start + length).all(|at| self.numbers.is_valid(at));
        (self.lists.is_valid(row) && whole)
            .then(|| self.numbers.values().get(start..start + length))
            .flatten()
    }
}

pub(super) fn floats<'a>(
    batch: &'a RecordBatch,
    name: &str,
    place: &Place,
) -> Result<FloatsColumn<'a>> {
    let lists = batch
        .column_by_name(name)
        .and_then(|array| array.as_fixed_size_list_opt())
        .ok_or_else(|| exec_datafusion_err!("{place}: {name} is missing or no vector"))?;
    let numbers = lists
        .values()
        .as_primitive_opt::<Float32Type>()
        .ok_or_else(|| exec_datafusion_err!("{place}: {name} is not of Float32 elements"))?;
    Ok(FloatsColumn { lists, numbers })
}

pub(super) fn strings<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a StringArray> {
    batch
        .column_by_name(name)
        .and_then(|array| array.as_string_opt::<i32>())
}

pub(super) fn text_at(column: Option<&StringArray>, row: usize) -> Option<&str> {
    let column = column?;
    column.is_valid(row).then(|| column.value(row))
}

/// One value of an ordinary table.
pub(super) fn cell(array: &ArrayRef, row: usize) -> Result<SqlValue> {
    if array.is_null(row) {
        return Ok(SqlValue::Null);
    }
    Ok(match array.data_type() {
        DataType::Int64 => SqlValue::Integer(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => SqlValue::Real(array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => SqlValue::Integer(array.as_boolean().value(row).into()),
        DataType::Utf8 => SqlValue::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::Binary => SqlValue::Blob(array.as_binary::<i32>().value(row).to_vec()),
        other => return exec_err!("a column of type {other} cannot be written to SQLite"),
    })
}

/// The rows of a typed column as they are stored.
pub(super) fn column_rows(column: &Column, batch: &RecordBatch, place: &Place) -> Result<Slices> {
    let dtype = column
        .dtype
        .as_ref()
        .map_err(|error| vault_error(place.value(error.clone())))?;
    let values = batch
        .column_by_name("value")
        .ok_or_else(|| exec_datafusion_err!("{place}: the input has no column value"))?;
    if let Some(row) = (0..values.len()).find(|row| values.is_null(*row)) {
        return exec_err!(
            "{place}: row {row} of the input: value is NULL, which columns of {dtype} cannot hold"
        );
    }
    if let Some(rows) = flat_rows(values) {
        return Ok(rows);
    }
    let mut rows = Slices::default();
    let mut bytes = Vec::new();
    for row in 0..values.len() {
        let failed = |error| vault_error(place.at(format!("row {row} of the input")).value(error));
        let mut value = vault_value(values, row)?;
        if let (DType::MsgPack(_) | DType::Cbor(_), Value::Text(text)) = (dtype, &value) {
            value = read_json(text).map_err(failed)?;
        }
        bytes.clear();
        pack(dtype, &value, VectorTag::None, &mut bytes).map_err(failed)?;
        if !rows.push(&bytes) {
            return exec_err!("{place}: a batch of more than 2 GiB; write fewer rows at a time");
        }
    }
    Ok(rows)
}

/// Numbers, and lists of one length of them, are stored as Arrow has them.
fn flat_rows(values: &ArrayRef) -> Option<Slices> {
    fn of<T: ArrowPrimitiveType>(
        array: &dyn Array,
        per_row: usize,
        start: usize,
        rows: usize,
    ) -> Option<Slices> {
        let numbers = array.as_primitive_opt::<T>()?;
        if numbers.null_count() > 0 {
            return None;
        }
        let size = size_of::<T::Native>();
        let row_bytes = size.checked_mul(per_row)?;
        let buffer = numbers.values().inner().as_slice();
        let data = buffer
            .get(start * size..start * size + rows * row_bytes)?
            .to_vec();
        let offsets = (0..=rows)
            .map(|row| i32::try_from(row * row_bytes).ok())
            .collect::<Option<Vec<i32>>>()?;
        Some(Slices { offsets, data })
    }
    let (array, per_row, start): (&dyn Array, usize, usize) = match values.as_fixed_size_list_opt()
    {
        Some(lists) => (
            lists.values().as_ref(),
            usize::try_from(lists.value_length()).ok()?,
            usize::try_from(lists.value_offset(0)).ok()?,
        ),
        None => (values.as_ref(), 1, 0),
    };
    let rows = values.len();
    match array.data_type() {
        DataType::Int8 => of::<Int8Type>(array, per_row, start, rows),
        DataType::Int16 => of::<Int16Type>(array, per_row, start, rows),
        DataType::Int32 => of::<Int32Type>(array, per_row, start, rows),
        DataType::Int64 => of::<Int64Type>(array, per_row, start, rows),
        DataType::UInt8 => of::<UInt8Type>(array, per_row, start, rows),
        DataType::UInt16 => of::<UInt16Type>(array, per_row, start, rows),
        DataType::UInt32 => of::<UInt32Type>(array, per_row, start, rows),
        DataType::UInt64 => of::<UInt64Type>(array, per_row, start, rows),
        DataType::Float16 => of::<Float16Type>(array, per_row, start, rows),
        DataType::Float32 => of::<Float32Type>(array, per_row, start, rows),
        DataType::Float64 => of::<Float64Type>(array, per_row, start, rows),
        _ => None,
    }
}
