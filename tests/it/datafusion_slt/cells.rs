//! Values as DataFusion's sqllogictest files write them.

use bigdecimal::BigDecimal;
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType, Fields,
    Float16Type, Float32Type, Float64Type,
};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::ArrayFormatter;
use datafusion::common::config::{ConfigField, FormatOptions};
use sqllogictest::ColumnType;

/// The letters of DataFusion's files: `query TIR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letter {
    Boolean,
    Date,
    Integer,
    Timestamp,
    Float,
    Text,
    Other,
}

impl ColumnType for Letter {
    fn from_char(value: char) -> Option<Self> {
        Some(match value {
            'B' => Self::Boolean,
            'D' => Self::Date,
            'I' => Self::Integer,
            'P' => Self::Timestamp,
            'R' => Self::Float,
            'T' => Self::Text,
            _ => Self::Other,
        })
    }

    fn to_char(&self) -> char {
        match self {
            Self::Boolean => 'B',
            Self::Date => 'D',
            Self::Integer => 'I',
            Self::Timestamp => 'P',
            Self::Float => 'R',
            Self::Text => 'T',
            Self::Other => '?',
        }
    }
}

pub fn letters(fields: &Fields) -> Vec<Letter> {
    fields.iter().map(|f| letter(f.data_type())).collect()
}

fn letter(data_type: &DataType) -> Letter {
    match data_type {
        DataType::Boolean => Letter::Boolean,
        DataType::Date32 | DataType::Date64 | DataType::Time32(_) | DataType::Time64(_) => {
            Letter::Date
        }
        DataType::Timestamp(_, _) => Letter::Timestamp,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Letter::Text,
        DataType::Dictionary(_, values) if letter(values) == Letter::Text => Letter::Text,
        t if t.is_integer() => Letter::Integer,
        t if t.is_floating() || t.is_decimal() => Letter::Float,
        _ => Letter::Other,
    }
}

/// The rows of a batch; a plan, which is one cell of many lines, becomes a row a line.
pub fn rows(batch: &RecordBatch) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for row in 0..batch.num_rows() {
        let mut cells: Vec<String> = batch.columns().iter().map(|c| cell(c, row)).collect();
        match cells.pop() {
            Some(last) if last.contains('\n') => {
                rows.push(cells);
                for (number, line) in last.split('\n').enumerate() {
                    let text = line.trim_start();
                    let dashes = "-".repeat(line.len() - text.len());
                    rows.push(vec![format!("{:02}){dashes}{text}", number + 1)]);
                }
            }
            Some(last) => {
                cells.push(last);
                rows.push(cells);
            }
            None => rows.push(cells),
        }
    }
    rows
}

fn cell(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "NULL".to_string();
    }
    match column.data_type() {
        DataType::Null => "NULL".to_string(),
        DataType::Float16 => {
            let value = column.as_primitive::<Float16Type>().value(row);
            float(value.to_f64(), &value.to_string())
        }
        DataType::Float32 => {
            let value = column.as_primitive::<Float32Type>().value(row);
            float(f64::from(value), &value.to_string())
        }
        DataType::Float64 => {
            let value = column.as_primitive::<Float64Type>().value(row);
            float(value, &value.to_string())
        }
        DataType::Decimal32(_, scale) => decimal::<Decimal32Type>(column, row, *scale),
        DataType::Decimal64(_, scale) => decimal::<Decimal64Type>(column, row, *scale),
        DataType::Decimal128(_, scale) => decimal::<Decimal128Type>(column, row, *scale),
        DataType::Decimal256(_, scale) => decimal::<Decimal256Type>(column, row, *scale),
        DataType::Utf8 => text(column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => text(column.as_string::<i64>().value(row)),
        DataType::Utf8View => text(column.as_string_view().value(row)),
        DataType::Dictionary(_, _) => {
            let dictionary = column.as_any_dictionary();
            cell(dictionary.values(), dictionary.normalized_keys()[row])
        }
        _ => {
            let mut options = FormatOptions::default();
            options.set("null", "NULL").unwrap();
            let options = (&options).try_into().unwrap();
            let formatter = ArrayFormatter::try_new(column.as_ref(), &options).unwrap();
            formatter.value(row).to_string()
        }
    }
}

fn text(value: &str) -> String {
    if value.is_empty() {
        "(empty)".to_string()
    } else {
        value.trim_end_matches('\n').replace('\0', "\\0")
    }
}

/// A float in full digits, at most twelve of them after the point.
fn float(value: f64, shortest: &str) -> String {
    if value.is_nan() {
        "NaN".to_string()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_string()
    } else {
        rounded(shortest, 12)
    }
}

fn decimal<T: DecimalType>(column: &ArrayRef, row: usize, scale: i8) -> String {
    let value = column.as_primitive::<T>().value(row);
    rounded(&T::format_decimal(value, u8::MAX, scale), i64::from(scale))
}

fn rounded(number: &str, digits: i64) -> String {
    let number: BigDecimal = number.parse().unwrap();
    number.round(digits).normalized().to_plain_string()
}
