//! `ogive convert`: a file's rows in another format.

use std::path::Path;

use datafusion::arrow::datatypes::{DataType, Schema};
use ogive_cvc::Compression;
use ogive_npy::Format as ArrayFormat;

use crate::cli::arguments::ConvertArguments;
use crate::cli::bytes::extension_of;
use crate::cli::error::{Failure, Result};
use crate::cli::interrupt::Interrupt;
use crate::cli::number_table::write_csv;
use crate::cli::output::{Output, OutputFolder};
use crate::cli::pack::{PackOptions, pack};
use crate::cli::progress::rows_spinner;
use crate::cli::render::say;
use crate::cli::sql::{ROW_COLUMN, open_in_order, own_columns, quote_text};
use crate::cli::vectors::{ArrayWriter, Vectors, element_type};

/// What writes the output.
enum Route {
    /// One column of vectors becomes an array.
    Array(ArrayFormat),
    /// Text of numbers becomes a CVC file.
    Pack,
    /// Rows become lines, and vectors as many fields as they have numbers.
    Csv,
    /// The session has a writer for all columns.
    Copy,
}

/// Runs the command.
pub async fn run(arguments: ConvertArguments, interrupt: Interrupt) -> Result<()> {
    let output = arguments.output.as_path();
    let route = route(
        &extension_of(&arguments.input),
        &extension_of(&output.to_string_lossy()),
        &arguments,
    )?;
    let rows = match route {
        Route::Array(format) => Some(to_array(&arguments, format, &interrupt).await?),
        Route::Csv => Some(to_csv(&arguments, &interrupt).await?),
        Route::Copy => {
            copy(&arguments, &interrupt).await?;
            None
        }
        Route::Pack => {
            let options = PackOptions {
                compression: arguments.compression.unwrap_or(Compression::Lossless),
                chunk_rows: ogive_cvc::CHUNK_ROWS_DEFAULT,
                mmap_optimized: false,
                replace: arguments.force,
                quiet: arguments.quiet,
            };
            let vectors = Vectors::open(&arguments.input, None).await?;
            // It says itself what it wrote.
            return pack(vectors, &arguments.input, output, &options, &interrupt).await;
        }
    };
    if let (Some(rows), false) = (rows, arguments.quiet) {
        say(format_args!("{}: {rows} row(s).", output.display()));
    }
    Ok(())
}

fn route(from: &str, to: &str, arguments: &ConvertArguments) -> Result<Route> {
    let route = match (to, ArrayFormat::from_extension(to)) {
        (_, Some(format)) => Route::Array(format),
        ("csv", _) => Route::Csv,
        ("cvc", _) if matches!(from, "csv" | "tsv") => Route::Pack,
        ("cvc" | "parquet" | "json" | "arrow", _) => Route::Copy,
        _ => {
            return Err(Failure::Wrong(format!(
                "cannot write '{}', expected .cvc, .npy, .fvecs, .bvecs, .ivecs, .parquet, .csv, .json or .arrow",
                arguments.output.display()
            )));
        }
    };
    if arguments.column.is_some() && !matches!(route, Route::Array(_)) {
        return Err(Failure::Wrong(
            "--column: only .npy, .fvecs, .bvecs and .ivecs hold a single column".to_owned(),
        ));
    }
    if arguments.compression.is_some() && to != "cvc" {
        return Err(Failure::Wrong(
            "--compression: only .cvc files have one".to_owned(),
        ));
    }
    Ok(route)
}

async fn to_array(
    arguments: &ConvertArguments,
    format: ArrayFormat,
    interrupt: &Interrupt,
) -> Result<u64> {
    let open = Vectors::open(&arguments.input, arguments.column.as_deref());
    let mut vectors = interrupt.guard(open).await??;
    if vectors.dimension() == 0 {
        return Err(Failure::about(&arguments.input, "holds no vectors"));
    }
    let mut target = Output::create(&arguments.output, arguments.force)?;
    let name = arguments.output.display().to_string();
    let mut writer = ArrayWriter::new(
        target.file_mut(),
        name,
        format,
        vectors.dtype(),
        vectors.dimension(),
    )?;
    let spinner = rows_spinner("converting,", arguments.quiet);
    while let Some(values) = interrupt.guard(vectors.next()).await?? {
        spinner.inc((values.len() / vectors.dimension().max(1)) as u64);
        writer.write(values)?;
        interrupt.check()?;
    }
    let rows = writer.finish()?;
    target.commit()?;
    Ok(rows)
}

async fn to_csv(arguments: &ConvertArguments, interrupt: &Interrupt) -> Result<u64> {
    let (session, schema) = interrupt.guard(open_in_order(&arguments.input)).await??;
    let sql = format!(
        "SELECT {} FROM {}",
        own_columns(&schema),
        quote_text(&arguments.input)
    );
    let frame = interrupt.guard(session.sql(&sql)).await??;
    let stream = interrupt.guard(frame.execute_stream()).await??;
    let mut target = Output::create(&arguments.output, arguments.force)?;
    let spinner = rows_spinner("converting,", arguments.quiet);
    let rows = write_csv(
        stream,
        target.file_mut(),
        &arguments.input,
        &spinner,
        interrupt,
    )
    .await?;
    target.commit()?;
    Ok(rows)
}

async fn copy(arguments: &ConvertArguments, interrupt: &Interrupt) -> Result<()> {
    let (session, schema) = interrupt.guard(open_in_order(&arguments.input)).await??;
    let target = OutputFolder::create(&arguments.output, arguments.force)?;
    let options = match extension_of(&arguments.output.to_string_lossy()).as_str() {
        "cvc" => {
            let compression = arguments
                .compression
                .unwrap_or_else(|| exact_compression(&schema));
            // Digits of a text are those of the nearest number, of whichever precision.
            let input = extension_of(&arguments.input);
            let is_text = matches!(input.as_str(), "csv" | "tsv" | "json" | "jsonl" | "ndjson");
            let lossy = arguments.lossy || is_text;
            format!(" OPTIONS (compression '{compression}', lossy '{lossy}')")
        }
        _ => String::new(),
    };
    let sql = format!(
        "COPY (SELECT {} FROM {}) TO {}{options}",
        own_columns(&schema),
        quote_text(&arguments.input),
        quote_text(&absolute(&target.path())?),
    );
    let spinner = rows_spinner("converting,", arguments.quiet);
    let frame = interrupt.guard(session.sql(&sql)).await??;
    interrupt.guard(frame.collect()).await??;
    spinner.finish_and_clear();
    target.commit()
}

/// What keeps every value: another format is no wish to lose digits.
fn exact_compression(schema: &Schema) -> Compression {
    let mut own = schema
        .fields()
        .iter()
        .filter(|field| field.name() != ROW_COLUMN);
    match (
        own.next().and_then(|field| element_type(field.data_type())),
        own.next(),
    ) {
        (Some(DataType::Float32), None) => Compression::Lossless,
        _ => Compression::None,
    }
}

/// Relative paths would depend on what the session takes them to be relative to.
fn absolute(path: &Path) -> Result<String> {
    Ok(std::path::absolute(path)?.to_string_lossy().into_owned())
}
