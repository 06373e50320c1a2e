//! Runs `tests/slt/*.slt` through the front end that every door uses.
//!
//! Each file has a session and an empty folder `$scratch` of its own, files about vaults copies of the sample files in `$vaults`;
//! `$fixtures` and `$examples` stand for the project's, `$backend` for the one that page functions run on. `OGIVE_SLT_COMPLETE=1` writes what is answered into the files,
//! `cargo test --test it slt::top_k` runs one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::DataFusionError;
use ogive::{Session, SessionBuilder};
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner, strict_column_validator};

struct Slt {
    session: Session,
    substitutions: Vec<(String, String)>,
}

#[derive(Debug)]
struct SltError(String);

impl std::fmt::Display for SltError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SltError {}

impl Slt {
    fn new(scratch: &Path) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let session = SessionBuilder::new()
            .with_target_partitions(2)
            .build()
            .unwrap();
        // The files are small, and searches of several partitions are what is to be tested.
        let state = session.context().state_ref();
        let mut state = state.write();
        let options = state.config_mut().options_mut();
        options.set("ogive.split_min_bytes", "0").unwrap();
        drop(state);
        let text = |path: PathBuf| path.to_str().unwrap().to_string();
        Self {
            session,
            substitutions: vec![
                ("$vaults".into(), text(scratch.join(VAULTS))),
                ("$scratch".into(), text(scratch.to_path_buf())),
                ("$fixtures".into(), text(root.join("tests/fixtures"))),
                ("$examples".into(), text(root.join("examples"))),
                (
                    "backend=$backend".into(),
                    format!("backend={}", ogive_udfs::Execution::default().shown()),
                ),
            ],
        }
    }

    /// Paths of this machine as the names they stand for. DataFusion prints them with and without
    /// the leading slash.
    fn hide(&self, text: &str) -> String {
        let mut text = text.to_string();
        for (name, path) in &self.substitutions {
            text = text.replace(path.as_str(), name);
            text = text.replace(path.trim_start_matches('/'), name);
        }
        text
    }

    async fn answer(&self, sql: &str) -> Result<DBOutput<DefaultColumnType>, DataFusionError> {
        let mut sql = sql.to_string();
        for (name, path) in &self.substitutions {
            sql = sql.replace(name.as_str(), path);
        }
        let frame = self.session.sql(&sql).await?;
        let types: Vec<_> = frame
            .schema()
            .fields()
            .iter()
            .map(|f| match ogive_udfs::SqlVectorType::of(f) {
                Some(_) => DefaultColumnType::Text,
                None => column_type(f.data_type()),
            })
            .collect();
        let batches = frame.collect().await?;
        if types.is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        let mut rows = Vec::new();
        for batch in &batches {
            self.rows_of(&ogive::vectors_as_text(batch)?, &mut rows);
        }
        Ok(DBOutput::Rows { types, rows })
    }

    fn rows_of(&self, batch: &RecordBatch, rows: &mut Vec<Vec<String>>) {
        let columns: Vec<Vec<String>> = batch.columns().iter().map(cells).collect();
        for row in 0..batch.num_rows() {
            let mut line = Vec::new();
            for column in &columns {
                // Plans are one cell of many lines; each line is shown as a row of its own.
                line.push(self.hide(&column[row]));
            }
            if line.iter().any(|cell| cell.contains('\n')) {
                let last = line.pop().unwrap();
                for (index, part) in last.trim_end().lines().enumerate() {
                    let mut cells = if index == 0 {
                        line.clone()
                    } else {
                        vec!["+".to_string(); line.len()]
                    };
                    cells.push(format!("{:02}){part}", index + 1));
                    rows.push(cells);
                }
            } else {
                rows.push(line);
            }
        }
    }
}

fn column_type(data_type: &DataType) -> DefaultColumnType {
    match data_type {
        t if t.is_integer() => DefaultColumnType::Integer,
        t if t.is_floating() => DefaultColumnType::FloatingPoint,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(_, _) => {
            DefaultColumnType::Text
        }
        _ => DefaultColumnType::Any,
    }
}

/// A column as text; floats are rounded to six significant digits, so that the last bit of a
/// vector instruction does not decide a test.
fn cells(array: &ArrayRef) -> Vec<String> {
    let rounded = |value: f64| {
        if value == 0.0 || !value.is_finite() {
            return format!("{value}");
        }
        let digits = 5 - value.abs().log10().floor() as i32;
        let scale = 10_f64.powi(digits);
        format!("{}", (value * scale).round() / scale)
    };
    let each = |f: &dyn Fn(usize) -> String| -> Vec<String> {
        (0..array.len())
            .map(|row| {
                if array.is_null(row) {
                    "NULL".to_string()
                } else {
                    f(row)
                }
            })
            .collect()
    };
    match array.data_type() {
        DataType::Float64 => each(&|row| rounded(array.as_primitive::<Float64Type>().value(row))),
        DataType::Float32 => {
            each(&|row| rounded(f64::from(array.as_primitive::<Float32Type>().value(row))))
        }
        DataType::Float16 => {
            each(&|row| rounded(array.as_primitive::<Float16Type>().value(row).to_f64()))
        }
        _ => {
            let options = FormatOptions::new().with_null("NULL");
            let formatter = ArrayFormatter::try_new(array.as_ref(), &options).unwrap();
            each(&|row| {
                let mut text = String::new();
                write!(text, "{}", formatter.value(row)).unwrap();
                if text.is_empty() {
                    "(empty)".to_string()
                } else {
                    text
                }
            })
        }
    }
}

/// pgvector's errors with their SQLSTATE, detail and hint; all others as they are.
fn described(error: &DataFusionError) -> String {
    let fields = ogive::ErrorFields::of(error);
    if fields.message == error.strip_backtrace() {
        return fields.message;
    }
    let mut text = format!("{}: {}", fields.sqlstate, fields.message);
    for (name, more) in [("DETAIL", fields.detail), ("HINT", fields.hint)] {
        if let Some(more) = more {
            write!(text, " {name}: {more}").unwrap();
        }
    }
    text
}

#[async_trait]
impl AsyncDB for Slt {
    type Error = SltError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<Self::ColumnType>, Self::Error> {
        self.answer(sql)
            .await
            .map_err(|error| SltError(self.hide(&described(&error))))
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "ogive"
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt")
}

/// The folder of SQLite files in a scratch folder.
const VAULTS: &str = "vaults";

/// SQLite makes files beside a database that is read, so the samples are copied.
fn copy_vaults(to: &Path) {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/vault/tests/fixtures");
    std::fs::create_dir(to).unwrap();
    for sample in std::fs::read_dir(samples).unwrap() {
        let sample = sample.unwrap().path();
        if sample
            .extension()
            .is_some_and(|extension| extension == "db")
        {
            std::fs::copy(&sample, to.join(sample.file_name().unwrap())).unwrap();
        }
    }
}

/// Runs one file.
async fn check(name: &str) {
    let file = folder().join(name).with_extension("slt");
    let scratch = Arc::new(tempfile::tempdir().unwrap());
    if name.starts_with("vault") {
        copy_vaults(&scratch.path().join(VAULTS));
    }
    let mut runner = Runner::new(move || {
        let folder = Arc::clone(&scratch);
        async move { Ok(Slt::new(folder.path())) }
    });
    let result = if std::env::var_os("OGIVE_SLT_COMPLETE").is_some() {
        runner
            .update_test_file(
                &file,
                " ",
                sqllogictest::default_validator,
                sqllogictest::default_normalizer,
                strict_column_validator,
            )
            .await
            .map_err(|error| error.to_string())
    } else {
        runner.with_column_validator(strict_column_validator);
        runner
            .run_file_async(&file)
            .await
            .map_err(|error| error.display(false).to_string())
    };
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// A test for each file, called after it.
macro_rules! files {
    ($($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                check(stringify!($name)).await;
            }
        )*

        #[test]
        fn every_file_has_a_test() {
            let mut files: Vec<String> = std::fs::read_dir(folder())
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|e| e == "slt"))
                .map(|path| path.file_stem().unwrap().to_str().unwrap().to_string())
                .collect();
            files.sort();
            assert_eq!(files, [$(stringify!($name)),*]);
        }
    };
}

files! {
    arrays_of_vectors
    codebase
    comparisons_of_lists
    cvc_functions
    cvc_read
    cvc_write
    damage
    data_changes
    distance_functions
    errors
    explain_decisions
    guarded_distances
    indexes
    knn_join
    min_by
    npy
    other_dialects
    other_formats
    pages
    parquet_statistics
    paths
    postgres_names
    query_recall
    rows
    search_settings
    subqueries
    tables_in_memory
    texts_as_vectors
    top_k
    transactions
    vault_changes
    vaults
    vector_functions
    vector_operators
    vector_search
    vector_types
}
