//! What a partition of a scan reads, and the reading of it: blocking, over one connection.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion_common::{DataFusionError, Result, exec_datafusion_err, internal_err};
use ogive_vault::{
    Column, ColumnReader, Place, Query, RowBatch, RowValues, SqliteConnection, Vec0Batch,
    Vec0BatchColumn, Vec0Scan, Vec0Table, refreshed,
};

use crate::error::vault_error;
use crate::vault::arrays;
use crate::vault::filters::Ranges;

/// Where rows come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A SELECT.
    Rows {
        /// Its parts.
        query: Query,
        /// The columns of the batch.
        outputs: Vec<RowOutput>,
        /// It counts the rows, and no column is wanted.
        counts: bool,
    },
    /// A typed column.
    Column {
        /// The column.
        column: Box<Column>,
        /// Rows wanted.
        rows: Vec<Range<u64>>,
        /// The columns of the batch.
        outputs: Vec<ColumnOutput>,
        /// Rows at most.
        limit: Option<usize>,
    },
    /// Typed columns of one length, side by side.
    Columns {
        /// The columns.
        columns: Vec<Column>,
        /// Rows wanted.
        rows: Vec<Range<u64>>,
        /// The columns of the batch: values of the column of that place, or indexes.
        outputs: Vec<Option<usize>>,
        /// Rows at most.
        limit: Option<usize>,
    },
    /// A `vec0` table.
    Vec0 {
        /// The table.
        table: Box<Vec0Table>,
        /// Its columns that are read.
        columns: Vec<usize>,
        /// The package's values are read as well.
        values: bool,
        /// Ids wanted.
        ids: Ranges,
        /// Chunks wanted.
        chunks: RangeInclusive<i64>,
        /// The columns of the batch.
        outputs: Vec<Vec0Output>,
        /// Rows at most.
        limit: Option<usize>,
    },
}

/// A column of a batch out of a SELECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowOutput {
    /// The SELECT's column of that place.
    Read(usize),
    /// The stored values of that place as JSON text, for rows that the column of the other place names.
    Decoded {
        /// The values.
        values: usize,
        /// What names the rows.
        names: usize,
    },
}

/// A column of a batch out of a typed column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnOutput {
    /// Indexes, from 0 on.
    Index,
    /// Values.
    Value,
}

/// A column of a batch out of a `vec0` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vec0Output {
    /// Ids.
    Id,
    /// The read column of that place.
    Read(usize),
    /// The package's stored values.
    Value,
    /// Those as JSON text.
    Decoded,
}

/// Tells of values that did not fit their column's type.
pub type OnMismatch<'a> = &'a mut dyn FnMut(u64);

impl Source {
    /// Rows at most, where it has a limit.
    pub fn limit(&self) -> Option<usize> {
        match self {
            Self::Rows { query, .. } => query.limit.and_then(|limit| usize::try_from(limit).ok()),
            Self::Column { limit, .. } | Self::Columns { limit, .. } | Self::Vec0 { limit, .. } => {
                *limit
            }
        }
    }

    /// The same, of that many rows at most; `None` where it gives no rows but their number.
    pub fn with_limit(&self, rows: usize) -> Option<Self> {
        let rows = self.limit().map_or(rows, |limit| limit.min(rows));
        let mut source = self.clone();
        match &mut source {
            Self::Rows { counts: true, .. } => return None,
            Self::Rows { query, .. } => query.limit = Some(rows as u64),
            Self::Column { limit, .. } | Self::Columns { limit, .. } | Self::Vec0 { limit, .. } => {
                *limit = Some(rows)
            }
        }
        Some(source)
    }

    /// Reads everything, a batch at a time, until `on_batch` returns `false`.
    pub fn read(
        &self,
        reader: &SqliteConnection,
        place: &Place,
        schema: &SchemaRef,
        on_batch: &mut dyn FnMut(RecordBatch) -> bool,
        on_mismatch: OnMismatch<'_>,
    ) -> Result<()> {
        // Engines report their own errors; those of making arrays come out beside.
        let mut failed: Option<DataFusionError> = None;
        let mut give = |batch: Result<RecordBatch>| match batch {
            Ok(batch) => on_batch(batch),
            Err(error) => {
                failed = Some(error);
                false
            }
        };
        match self {
            Self::Rows {
                query,
                counts: true,
                ..
            } => {
                let mut rows = 0;
                query
                    .to_select()
                    .run(reader, place, |batch| {
                        rows = match batch.columns.first().map(|column| &column.values) {
                            Some(RowValues::Integers(counts)) => {
                                counts.first().copied().unwrap_or(0)
                            }
                            _ => 0,
                        };
                        true
                    })
                    .map_err(vault_error)?;
                indexes(0..u64::try_from(rows).unwrap_or(0), |batch| {
                    give(index_batch(batch, &[], schema))
                });
            }
            Self::Rows { query, outputs, .. } => {
                query
                    .to_select()
                    .run(reader, place, |batch| {
                        on_mismatch(batch.mismatches);
                        give(rows_batch(batch, outputs, place, schema))
                    })
                    .map_err(vault_error)?;
            }
            Self::Column {
                column,
                rows,
                outputs,
                limit,
            } => {
                let column = refreshed(reader, &place.file, column).map_err(vault_error)?;
                let columns =
                    ColumnReader::new(reader, &place.file, &column).map_err(vault_error)?;
                let mut left = limit.map_or(u64::MAX, |limit| limit as u64);
                let mut go_on = true;
                for range in rows {
                    let range = range.start..range.end.min(range.start.saturating_add(left));
                    if !go_on || range.is_empty() {
                        break;
                    }
                    if !outputs.contains(&ColumnOutput::Value) {
                        go_on = indexes(range.start..range.end.min(column.length), |batch| {
                            left = left.saturating_sub(batch.end - batch.start);
                            give(index_batch(batch, outputs, schema))
                        });
                        continue;
                    }
                    columns
                        .scan(range, |first, values| {
                            let count = values.rows() as u64;
                            left = left.saturating_sub(count);
                            let batch = arrays::column_values(values).and_then(|values| {
                                column_batch(first..first + count, values, outputs, schema)
                            });
                            go_on = give(batch);
                            go_on
                        })
                        .map_err(vault_error)?;
                }
            }
            Self::Columns {
                columns,
                rows,
                outputs,
                limit,
            } => side_by_side(
                reader,
                place,
                columns,
                (rows, *limit),
                outputs,
                schema,
                give,
            )?,
            Self::Vec0 {
                table,
                columns,
                values,
                ids,
                chunks,
                outputs,
                limit,
            } => {
                let mut left = limit.unwrap_or(usize::MAX);
                let mut go_on = true;
                for range in ids {
                    if !go_on {
                        break;
                    }
                    let scan = Vec0Scan {
                        table,
                        columns: columns.clone(),
                        values: *values,
                        ids: range.clone(),
                        chunks: chunks.clone(),
                    };
                    scan.run(reader, place, |batch| {
                        let batch = vec0_batch(batch, outputs, place, schema).map(|batch| {
                            let rows = batch.num_rows().min(left);
                            left -= rows;
                            batch.slice(0, rows)
                        });
                        go_on = give(batch) && left > 0;
                        go_on
                    })
                    .map_err(vault_error)?;
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

fn batch_of(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}

fn rows_batch(
    batch: RowBatch,
    outputs: &[RowOutput],
    place: &Place,
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let read: Vec<ArrayRef> = batch
        .columns
        .into_iter()
        .map(arrays::row_column)
        .collect::<Result<_>>()?;
    let at = |index: usize| {
        read.get(index)
            .ok_or_else(|| exec_datafusion_err!("the SELECT has no column {index}"))
    };
    let columns = outputs
        .iter()
        .map(|output| match *output {
            RowOutput::Read(index) => at(index).map(Arc::clone),
            RowOutput::Decoded { values, names } => {
                let names = Arc::clone(at(names)?);
                arrays::decoded(at(values)?, place, |row| row_name(&names, row))
            }
        })
        .collect::<Result<_>>()?;
    batch_of(schema, columns, batch.rows)
}

/// A row for an error: by its key or its number.
fn row_name(names: &ArrayRef, row: usize) -> String {
    if let Some(keys) = names.as_any().downcast_ref::<arrow::array::BinaryArray>() {
        return format!("key '{}'", keys.value(row).escape_ascii());
    }
    match names.as_any().downcast_ref::<Int64Array>() {
        Some(numbers) => format!("row {}", numbers.value(row)),
        None => "a row".to_owned(),
    }
}

/// Reads columns row by row, all of them as the connection sees them.
fn side_by_side(
    reader: &SqliteConnection,
    place: &Place,
    columns: &[Column],
    (rows, limit): (&[Range<u64>], Option<usize>),
    outputs: &[Option<usize>],
    schema: &SchemaRef,
    mut give: impl FnMut(Result<RecordBatch>) -> bool,
) -> Result<()> {
    let columns: Vec<Column> = columns
        .iter()
        .map(|column| refreshed(reader, &place.file, column).map_err(vault_error))
        .collect::<Result<_>>()?;
    let length = columns.first().map_or(0, |column| column.length);
    if columns.iter().any(|column| column.length != length) {
        let found: Vec<String> = columns
            .iter()
            .map(|column| format!("{} has {}", column.name, column.length))
            .collect();
        return Err(vault_error(place.bad_request(
            "the numbers of rows of columns side by side",
            found.join(", "),
            "as many in each; read them one by one",
        )));
    }
    let readers: Vec<ColumnReader<'_>> = columns
        .iter()
        .map(|column| ColumnReader::new(reader, &place.file, column).map_err(vault_error))
        .collect::<Result<_>>()?;
    let step = readers.iter().map(ColumnReader::batch_rows).min();
    let step = match outputs.iter().any(Option::is_some) {
        true => step.unwrap_or(INDEX_ROWS),
        false => INDEX_ROWS,
    };
    let mut left = limit.map_or(u64::MAX, |limit| limit as u64);
    for range in rows {
        let end = range.end.min(length).min(range.start.saturating_add(left));
        let mut first = range.start;
        while first < end {
            let batch = first..end.min(first.saturating_add(step));
            let values = |column: &Option<usize>| match column {
                None => Ok(index_array(batch.clone())),
                Some(column) => {
                    let Some(reader) = readers.get(*column) else {
                        return internal_err!("there is no column {column}");
                    };
                    arrays::column_values(reader.read(batch.clone()).map_err(vault_error)?)
                }
            };
            let count = usize::try_from(batch.end - batch.start).unwrap_or(usize::MAX);
            let arrays: Result<Vec<ArrayRef>> = outputs.iter().map(values).collect();
            if !give(arrays.and_then(|arrays| batch_of(schema, arrays, count))) {
                return Ok(());
            }
            left -= batch.end - batch.start;
            first = batch.end;
        }
    }
    Ok(())
}

/// Rows of a batch of indexes alone.
const INDEX_ROWS: u64 = 65_536;

fn indexes(range: Range<u64>, mut on_batch: impl FnMut(Range<u64>) -> bool) -> bool {
    let mut first = range.start;
    while first < range.end {
        let end = range.end.min(first + INDEX_ROWS);
        if !on_batch(first..end) {
            return false;
        }
        first = end;
    }
    true
}

fn index_array(rows: Range<u64>) -> ArrayRef {
    let signed = |row: u64| i64::try_from(row).unwrap_or(i64::MAX);
    Arc::new(Int64Array::from_iter_values(
        signed(rows.start)..signed(rows.end),
    ))
}

pub(super) fn index_batch(
    rows: Range<u64>,
    outputs: &[ColumnOutput],
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let count = usize::try_from(rows.end - rows.start).unwrap_or(usize::MAX);
    let columns = outputs.iter().map(|_| index_array(rows.clone())).collect();
    batch_of(schema, columns, count)
}

pub(super) fn column_batch(
    rows: Range<u64>,
    values: ArrayRef,
    outputs: &[ColumnOutput],
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let count = values.len();
    let columns = outputs
        .iter()
        .map(|output| match output {
            ColumnOutput::Index => index_array(rows.clone()),
            ColumnOutput::Value => Arc::clone(&values),
        })
        .collect();
    batch_of(schema, columns, count)
}

pub(super) fn vec0_batch(
    batch: Vec0Batch,
    outputs: &[Vec0Output],
    place: &Place,
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let rows = batch.ids.len();
    let ids: ArrayRef = Arc::new(Int64Array::from(batch.ids));
    let read: Vec<ArrayRef> = batch
        .columns
        .into_iter()
        .map(|column| match column {
            Vec0BatchColumn::Vectors {
                numbers,
                dimensions,
            } => arrays::fixed_vectors(numbers, dimensions, rows),
            Vec0BatchColumn::Scalars(column) => arrays::row_column(column),
        })
        .collect::<Result<_>>()?;
    let values = batch.values.map(arrays::row_column).transpose()?;
    let value = || {
        values
            .as_ref()
            .ok_or_else(|| exec_datafusion_err!("the values were not read"))
    };
    let columns = outputs
        .iter()
        .map(|output| match *output {
            Vec0Output::Id => Ok(Arc::clone(&ids)),
            Vec0Output::Read(index) => read
                .get(index)
                .map(Arc::clone)
                .ok_or_else(|| exec_datafusion_err!("the scan has no column {index}")),
            Vec0Output::Value => value().map(Arc::clone),
            Vec0Output::Decoded => arrays::decoded(value()?, place, |row| row_name(&ids, row)),
        })
        .collect::<Result<_>>()?;
    batch_of(schema, columns, rows)
}

impl fmt::Display for Source {
    /// What EXPLAIN shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limited = |f: &mut fmt::Formatter<'_>, limit: &Option<usize>| match limit {
            Some(limit) => write!(f, ", limit={limit}"),
            None => Ok(()),
        };
        match self {
            Self::Rows { query, .. } => {
                let select = query.to_select();
                write!(f, "sql=[{}]", select.sql)?;
                if !select.parameters.is_empty() {
                    let values: Vec<String> = select.parameters.iter().map(shown).collect();
                    write!(f, ", parameters=[{}]", values.join(", "))?;
                }
                Ok(())
            }
            Self::Column {
                column,
                rows,
                limit,
                ..
            } => {
                let shown: Vec<String> = rows
                    .iter()
                    .take(4)
                    .map(|range| format!("{}..{}", range.start, range.end))
                    .collect();
                let more = if rows.len() > 4 { ", .." } else { "" };
                write!(
                    f,
                    "dtype={}, layout={}, rows=[{}{more}]",
                    column.dtype_name,
                    column.layout.number(),
                    shown.join(", ")
                )?;
                limited(f, limit)
            }
            Self::Columns {
                columns,
                rows,
                limit,
                ..
            } => {
                let dtypes: Vec<&str> = columns
                    .iter()
                    .map(|column| column.dtype_name.as_str())
                    .collect();
                write!(f, "dtypes=[{}]", dtypes.join(", "))?;
                let all = 0..u64::MAX;
                if rows.as_slice() != std::slice::from_ref(&all) {
                    let shown: Vec<String> = rows
                        .iter()
                        .take(4)
                        .map(|range| format!("{}..{}", range.start, range.end))
                        .collect();
                    let more = if rows.len() > 4 { ", .." } else { "" };
                    write!(f, ", rows=[{}{more}]", shown.join(", "))?;
                }
                limited(f, limit)
            }
            Self::Vec0 {
                table, ids, limit, ..
            } => {
                let metric = table
                    .vector()
                    .map_or("none", |(_, _, metric)| metric.name());
                write!(
                    f,
                    "vec0 chunks of {} slots, metric={metric}",
                    table.chunk_size
                )?;
                if *ids != [i64::MIN..=i64::MAX] {
                    let shown: Vec<String> = ids
                        .iter()
                        .take(4)
                        .map(|range| {
                            if range.start() == range.end() {
                                range.start().to_string()
                            } else {
                                format!("{}..={}", range.start(), range.end())
                            }
                        })
                        .collect();
                    let more = if ids.len() > 4 { ", .." } else { "" };
                    write!(f, ", ids=[{}{more}]", shown.join(", "))?;
                }
                limited(f, limit)
            }
        }
    }
}

fn shown(value: &ogive_vault::SqlValue) -> String {
    use ogive_vault::SqlValue;
    match value {
        SqlValue::Null => "NULL".to_owned(),
        SqlValue::Integer(number) => number.to_string(),
        SqlValue::Real(number) => number.to_string(),
        SqlValue::Text(text) => format!("'{}'", text.replace('\'', "''")),
        SqlValue::Blob(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.chars().any(char::is_control) => format!("b'{text}'"),
            _ => format!(
                "x'{}'",
                bytes
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
            ),
        },
    }
}
