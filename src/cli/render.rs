//! Rows as text.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, OffsetSizeTrait, RecordBatch,
    StringArray,
};
use datafusion::arrow::csv::WriterBuilder as CsvBuilder;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::writer::{JsonArray, LineDelimited};
use datafusion::arrow::json::{Writer as JsonWriter, WriterBuilder as JsonBuilder};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::arrow::util::pretty::pretty_format_batches_with_schema;
use ogive::{schema_as_text, vectors_as_text, with_short_lists};

use crate::cli::arguments::Format;
use crate::cli::error::{Failure, Result};
use crate::cli::printable::printable;

/// Longer headers of tables are cut, in characters.
const HEADER_MAX: usize = 1000;
/// What is left of them.
const HEADER_SHOWN: usize = 100;

/// Lists of more elements than this are shortened in tables.
const LIST_ELEMENTS_MAX: usize = 8;
/// How many elements a shortened list still shows.
const LIST_ELEMENTS_SHOWN: usize = 3;

/// Turns the batches of one result into bytes for stdout.
///
/// It does no I/O: [`write`](Self::write) gives the bytes that there are by then. A table comes only with
/// [`finish`](Self::finish), and so does the bracket that closes a JSON array.
pub struct Renderer {
    schema: SchemaRef,
    form: Form,
}

enum Form {
    Table { texts: Vec<RecordBatch> },
    Separated { delimiter: u8, begun: bool },
    Array(JsonWriter<Vec<u8>, JsonArray>),
    Lines(JsonWriter<Vec<u8>, LineDelimited>),
}

impl Renderer {
    /// A renderer for rows of `schema`.
    pub fn new(format: Format, schema: SchemaRef) -> Self {
        // Programs that read JSON want arrays; people and other texts what PostgreSQL prints.
        let schema = match format {
            Format::Json | Format::NdJson => schema,
            Format::Table | Format::Csv | Format::Tsv => schema_as_text(&schema),
        };
        let json = || JsonBuilder::new().with_explicit_nulls(true);
        let form = match format {
            Format::Table => Form::Table { texts: Vec::new() },
            Format::Csv => Form::Separated {
                delimiter: b',',
                begun: false,
            },
            Format::Tsv => Form::Separated {
                delimiter: b'\t',
                begun: false,
            },
            Format::Json => Form::Array(json().build(Vec::new())),
            Format::NdJson => Form::Lines(json().build(Vec::new())),
        };
        Self { schema, form }
    }

    /// Takes rows; gives what can be printed now.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<Vec<u8>> {
        match &mut self.form {
            Form::Table { texts } => {
                // Text is what a table needs of the rows, and vectors are much longer than their text.
                let batch = as_text(
                    &vectors_as_text(batch)?,
                    |_| true,
                    &options().with_null("NULL"),
                    true,
                )?;
                texts.push(shown(&batch)?);
                Ok(Vec::new())
            }
            Form::Separated { delimiter, begun } => {
                let batch = as_text(
                    &vectors_as_text(batch)?,
                    DataType::is_nested,
                    &options(),
                    false,
                )?;
                let mut bytes = Vec::new();
                CsvBuilder::new()
                    .with_header(!std::mem::replace(begun, true))
                    .with_delimiter(*delimiter)
                    .build(&mut bytes)
                    .write(&batch)?;
                Ok(bytes)
            }
            Form::Array(writer) => {
                writer.write(batch)?;
                Ok(std::mem::take(writer.get_mut()))
            }
            Form::Lines(writer) => {
                writer.write(batch)?;
                Ok(std::mem::take(writer.get_mut()))
            }
        }
    }

    /// There are no more rows; gives the rest.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        if let Form::Separated { begun: false, .. } = self.form {
            // The header line comes with the first rows, or here when there are none.
            return self.write(&RecordBatch::new_empty(Arc::clone(&self.schema)));
        }
        match self.form {
            Form::Table { texts } => {
                let schema = text_schema(&self.schema, |_| true);
                // A distance to a vector that was written out has it in its name.
                let short = |field: &FieldRef| {
                    let field = field.as_ref().clone();
                    let name = printable(&cut(with_short_lists(field.name()))).into_owned();
                    field.with_name(name)
                };
                let schema = Arc::new(Schema::new(
                    schema.fields().iter().map(short).collect::<Vec<_>>(),
                ));
                let table = pretty_format_batches_with_schema(schema, &texts)?;
                Ok(format!("{table}\n").into_bytes())
            }
            Form::Separated { .. } => Ok(Vec::new()),
            Form::Array(mut writer) => {
                writer.finish()?;
                let mut bytes = writer.into_inner();
                bytes.push(b'\n');
                Ok(bytes)
            }
            Form::Lines(mut writer) => {
                writer.finish()?;
                Ok(writer.into_inner())
            }
        }
    }
}

/// A header as long as it may be. Longer ones come from literals that nobody gave a name, and a table would be laid out around
/// them for long.
fn cut(mut header: String) -> String {
    let characters = header.chars().count();
    if characters > HEADER_MAX {
        let end = header.char_indices().nth(HEADER_SHOWN);
        header.truncate(end.map_or(header.len(), |(end, _)| end));
        header.push_str(&format!(".. {} more characters", characters - HEADER_SHOWN));
    }
    header
}

/// One row of facts about something: as a row, or for people as a list of names and values.
pub fn facts(row: &RecordBatch, format: Format) -> Result<Vec<u8>> {
    if format != Format::Table {
        let mut renderer = Renderer::new(format, row.schema());
        let mut bytes = renderer.write(row)?;
        bytes.extend(renderer.finish()?);
        return Ok(bytes);
    }
    let schema = row.schema();
    let width = schema
        .fields()
        .iter()
        .map(|field| field.name().len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for (field, column) in schema.fields().iter().zip(row.columns()) {
        if column.is_null(0) {
            continue;
        }
        let value = ArrayFormatter::try_new(column, &options())?
            .value(0)
            .try_to_string()?;
        text.push_str(&format!("{:width$}  {}\n", field.name(), printable(&value)));
    }
    Ok(text.into_bytes())
}

/// A batch of texts as a table may show them.
fn shown(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch
        .columns()
        .iter()
        .map(|column| {
            let texts = column.as_string::<i32>().iter();
            let texts: StringArray = texts.map(|text| text.map(printable)).collect();
            Arc::new(texts) as ArrayRef
        })
        .collect();
    RecordBatch::try_new(batch.schema(), columns)
}

/// Writes to stdout, at once. A terminal gets no orders from what files hold; a file or a program gets every byte.
pub fn print(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let text = std::str::from_utf8(bytes).ok();
    let shown = text.filter(|_| stdout.is_terminal()).map(printable);
    let bytes = shown.as_deref().map_or(bytes, str::as_bytes);
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::OutputClosed),
        Err(error) => Err(Failure::about("stdout", error)),
        Ok(()) => Ok(()),
    }
}

/// A line on stderr. There is nobody to tell when that is closed.
pub fn say(line: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{}", printable(&line.to_string()));
}

fn options() -> FormatOptions<'static> {
    // A value that cannot be written is an error, not text in its place.
    FormatOptions::new().with_display_error(false)
}

fn text_schema(schema: &Schema, chosen: impl Fn(&DataType) -> bool) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| {
            let data_type = if chosen(field.data_type()) {
                DataType::Utf8
            } else {
                field.data_type().clone()
            };
            Field::new(field.name(), data_type, true)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// The batch with the chosen columns as text.
fn as_text(
    batch: &RecordBatch,
    chosen: impl Fn(&DataType) -> bool,
    options: &FormatOptions<'_>,
    shorten: bool,
) -> Result<RecordBatch, ArrowError> {
    let columns = batch
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            data_type if !chosen(data_type) => Ok(Arc::clone(column)),
            DataType::List(_) if shorten => short_lists(column.as_list::<i32>(), options),
            DataType::LargeList(_) if shorten => short_lists(column.as_list::<i64>(), options),
            DataType::FixedSizeList(..) if shorten => {
                short_vectors(column.as_fixed_size_list(), options)
            }
            _ => plain_text(column, options),
        })
        .collect::<Result<Vec<_>, ArrowError>>()?;
    RecordBatch::try_new(text_schema(&batch.schema(), chosen), columns)
}

fn plain_text(column: &ArrayRef, options: &FormatOptions<'_>) -> Result<ArrayRef, ArrowError> {
    let formatter = ArrayFormatter::try_new(column, options)?;
    let null = options.null();
    texts((0..column.len()).map(|row| {
        if column.is_null(row) {
            Ok(null.to_owned())
        } else {
            formatter.value(row).try_to_string()
        }
    }))
}

fn short_lists<O: OffsetSizeTrait>(
    lists: &GenericListArray<O>,
    options: &FormatOptions<'_>,
) -> Result<ArrayRef, ArrowError> {
    texts((0..lists.len()).map(|row| {
        let list = lists.is_valid(row).then(|| lists.value(row));
        short_list(list.as_ref(), options)
    }))
}

fn short_vectors(
    lists: &FixedSizeListArray,
    options: &FormatOptions<'_>,
) -> Result<ArrayRef, ArrowError> {
    texts((0..lists.len()).map(|row| {
        let list = lists.is_valid(row).then(|| lists.value(row));
        short_list(list.as_ref(), options)
    }))
}

/// `[0.1, 0.2, 0.3, … (384)]`: the first elements and how many there are.
fn short_list(list: Option<&ArrayRef>, options: &FormatOptions<'_>) -> Result<String, ArrowError> {
    let Some(list) = list else {
        return Ok(options.null().to_owned());
    };
    let is_long = list.len() > LIST_ELEMENTS_MAX;
    let shown = if is_long {
        LIST_ELEMENTS_SHOWN
    } else {
        list.len()
    };
    let formatter = ArrayFormatter::try_new(list, options)?;
    let mut text = String::from("[");
    for element in 0..shown {
        if element > 0 {
            text.push_str(", ");
        }
        text.push_str(&formatter.value(element).try_to_string()?);
    }
    if is_long {
        text.push_str(&format!(", … ({})", list.len()));
    }
    text.push(']');
    Ok(text)
}

fn texts(values: impl Iterator<Item = Result<String, ArrowError>>) -> Result<ArrayRef, ArrowError> {
    let values = values.collect::<Result<Vec<_>, ArrowError>>()?;
    Ok(Arc::new(StringArray::from_iter_values(values)))
}
