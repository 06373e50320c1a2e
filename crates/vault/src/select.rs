//! A SELECT of SQLite's, and its rows in typed buffers.

use rusqlite::types::{Value as SqlValue, ValueRef};
use rusqlite::{Connection, params_from_iter};

use crate::columns::Slices;
use crate::error::{Place, Result};

/// Rows of a batch at most.
pub const BATCH_ROWS_MAX: usize = 8192;
/// A batch ends when its texts and bytes together are as long.
const BATCH_BYTES: usize = 1 << 20;

/// What a column of the result is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadAs {
    /// 64-bit integers.
    Integer,
    /// Double precision; integers are converted.
    Float,
    /// 0 and 1.
    Boolean,
    /// UTF-8 texts.
    Text,
    /// Bytes; texts are their bytes.
    Bytes,
    /// Texts of whatever is there: numbers in digits, bytes if they are UTF-8.
    AnyText,
}

/// What becomes of a value that is not of its column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mismatch {
    /// It is read as NULL, and counted.
    #[default]
    Null,
    /// It is an error.
    Refuse,
}

/// A statement to read rows with.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// Its text.
    pub sql: String,
    /// Values of its parameters, in order.
    pub parameters: Vec<SqlValue>,
    /// What its columns are read as.
    pub columns: Vec<ReadAs>,
    /// What becomes of other values.
    pub mismatch: Mismatch,
}

/// A column of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct RowColumn {
    /// Which rows have a value; `None` where all have.
    pub valid: Option<Vec<bool>>,
    /// The values; zeros and nothing where a row has none.
    pub values: RowValues,
}

/// Values of a column of a batch.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each is what ReadAs says")]
pub enum RowValues {
    Integers(Vec<i64>),
    Floats(Vec<f64>),
    Booleans(Vec<bool>),
    Texts(Slices),
    Bytes(Slices),
}

/// Some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct RowBatch {
    /// How many.
    pub rows: usize,
    /// Their columns.
    pub columns: Vec<RowColumn>,
    /// Values that were not of their column's type, and are NULL therefore.
    pub mismatches: u64,
}

impl RowColumn {
    /// No values.
    pub fn empty(read_as: ReadAs) -> Self {
        Self {
            valid: None,
            values: match read_as {
                ReadAs::Integer => RowValues::Integers(Vec::new()),
                ReadAs::Float => RowValues::Floats(Vec::new()),
                ReadAs::Boolean => RowValues::Booleans(Vec::new()),
                ReadAs::Text | ReadAs::AnyText => RowValues::Texts(Slices::default()),
                ReadAs::Bytes => RowValues::Bytes(Slices::default()),
            },
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match &self.values {
            RowValues::Integers(values) => values.len(),
            RowValues::Floats(values) => values.len(),
            RowValues::Booleans(values) => values.len(),
            RowValues::Texts(values) | RowValues::Bytes(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn bytes(&self) -> usize {
        match &self.values {
            RowValues::Texts(values) | RowValues::Bytes(values) => values.data.len(),
            _ => 0,
        }
    }

    /// Appends a NULL.
    pub fn push_null(&mut self) {
        let rows = self.len();
        self.valid
            .get_or_insert_with(|| vec![true; rows])
            .push(false);
        match &mut self.values {
            RowValues::Integers(values) => values.push(0),
            RowValues::Floats(values) => values.push(0.0),
            RowValues::Booleans(values) => values.push(false),
            RowValues::Texts(values) | RowValues::Bytes(values) => {
                // Nothing more always fits.
                let _ = values.push(&[]);
            }
        }
    }

    /// Appends a value; what is wrong with it where it is not of the type.
    pub fn push(&mut self, read_as: ReadAs, value: ValueRef<'_>) -> Result<(), &'static str> {
        let pushed = match (read_as, &mut self.values, value) {
            (_, _, ValueRef::Null) => {
                self.push_null();
                return Ok(());
            }
            (ReadAs::Integer, RowValues::Integers(values), ValueRef::Integer(number)) => {
                values.push(number);
                true
            }
            (ReadAs::Integer, RowValues::Integers(values), ValueRef::Real(number))
                if number.fract() == 0.0 && number.abs() < 9.0e15 =>
            {
                values.push(number as i64);
                true
            }
            (ReadAs::Float, RowValues::Floats(values), ValueRef::Real(number)) => {
                values.push(number);
                true
            }
            (ReadAs::Float, RowValues::Floats(values), ValueRef::Integer(number)) => {
                values.push(number as f64);
                true
            }
            (ReadAs::Boolean, RowValues::Booleans(values), ValueRef::Integer(number @ (0 | 1))) => {
                values.push(number == 1);
                true
            }
            (ReadAs::Text | ReadAs::AnyText, RowValues::Texts(values), ValueRef::Text(text)) => {
                if std::str::from_utf8(text).is_err() {
                    return Err("a text that is not UTF-8");
                }
                values.push(text)
            }
            (
                ReadAs::Bytes,
                RowValues::Bytes(values),
                ValueRef::Blob(bytes) | ValueRef::Text(bytes),
            ) => values.push(bytes),
            (ReadAs::AnyText, RowValues::Texts(values), value) => match value {
                ValueRef::Integer(number) => values.push(number.to_string().as_bytes()),
                ValueRef::Real(number) => values.push(number.to_string().as_bytes()),
                ValueRef::Blob(bytes) if std::str::from_utf8(bytes).is_ok() => values.push(bytes),
                _ => return Err("bytes that are not UTF-8"),
            },
            (_, _, value) => {
                return Err(match value {
                    ValueRef::Null => "NULL",
                    ValueRef::Integer(_) => "an integer",
                    ValueRef::Real(_) => "a float",
                    ValueRef::Text(_) => "a text",
                    ValueRef::Blob(_) => "bytes",
                });
            }
        };
        if let Some(valid) = &mut self.valid {
            valid.push(pushed);
        }
        if pushed {
            Ok(())
        } else {
            Err("more than 2 GiB")
        }
    }
}

impl Select {
    /// Runs it, and gives the rows batch by batch until `on_batch` returns `false`.
    pub fn run(
        &self,
        connection: &Connection,
        place: &Place,
        mut on_batch: impl FnMut(RowBatch) -> bool,
    ) -> Result<()> {
        let reading = |error| place.sqlite("reading rows", error);
        let mut statement = connection.prepare_cached(&self.sql).map_err(reading)?;
        let mut rows = statement
            .query(params_from_iter(&self.parameters))
            .map_err(reading)?;
        let mut batch = self.empty();
        let mut row_number = 0_u64;
        while let Some(row) = rows.next().map_err(reading)? {
            for (index, (column, read_as)) in
                batch.columns.iter_mut().zip(&self.columns).enumerate()
            {
                let value = row.get_ref(index).map_err(reading)?;
                if let Err(found) = column.push(*read_as, value) {
                    if self.mismatch == Mismatch::Refuse || found == "more than 2 GiB" {
                        let name = row.as_ref().column_name(index).unwrap_or("?").to_owned();
                        return Err(place.at(format!("row {row_number} of the result")).bad_request(
                            "a value that does not fit its column's type",
                            format!("{found} in column {name}"),
                            format!("{read_as:?}; set ogive.sqlite_types to 'null' or 'text' to read it"),
                        ));
                    }
                    column.push_null();
                    batch.mismatches += 1;
                }
            }
            batch.rows += 1;
            row_number += 1;
            let bytes: usize = batch.columns.iter().map(RowColumn::bytes).sum();
            let full = batch.rows == BATCH_ROWS_MAX || bytes >= BATCH_BYTES;
            if full && !on_batch(std::mem::replace(&mut batch, self.empty())) {
                return Ok(());
            }
        }
        if batch.rows > 0 {
            on_batch(batch);
        }
        Ok(())
    }

    fn empty(&self) -> RowBatch {
        RowBatch {
            rows: 0,
            columns: self
                .columns
                .iter()
                .map(|read_as| RowColumn::empty(*read_as))
                .collect(),
            mismatches: 0,
        }
    }
}

/// A condition of a SELECT, with its parameters as `?`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Its text.
    pub sql: String,
    /// Values of its parameters, in order.
    pub parameters: Vec<SqlValue>,
}

/// The parts of a SELECT.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Expressions, and what they are read as.
    pub columns: Vec<(String, ReadAs)>,
    /// What follows FROM.
    pub from: String,
    /// Conditions, all of which have to hold.
    pub conditions: Vec<Condition>,
    /// What follows ORDER BY.
    pub order: Option<String>,
    /// Rows at most.
    pub limit: Option<u64>,
    /// What becomes of values of other types.
    pub mismatch: Mismatch,
}

impl Query {
    /// The statement.
    pub fn to_select(&self) -> Select {
        let mut sql = "SELECT ".to_owned();
        if self.columns.is_empty() {
            // Rows are counted, and nothing is read of them.
            sql.push_str("NULL");
        }
        for (index, (column, _)) in self.columns.iter().enumerate() {
            if index > 0 {
                sql.push_str(", ");
            }
            sql.push_str(column);
        }
        sql.push_str(" FROM ");
        sql.push_str(&self.from);
        let mut parameters = Vec::new();
        for (index, condition) in self.conditions.iter().enumerate() {
            sql.push_str(if index == 0 { " WHERE " } else { " AND " });
            sql.push_str(&condition.sql);
            parameters.extend(condition.parameters.iter().cloned());
        }
        if let Some(order) = &self.order {
            sql.push_str(" ORDER BY ");
            sql.push_str(order);
        }
        if let Some(limit) = self.limit {
            sql.push_str(&format!(" LIMIT {limit}"));
        }
        Select {
            sql,
            parameters,
            columns: self.columns.iter().map(|(_, read_as)| *read_as).collect(),
            mismatch: self.mismatch,
        }
    }
}
