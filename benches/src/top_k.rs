//! The ten nearest rows of one query vector: the whole call, from text to rows.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::MemTable;
use datafusion::scalar::ScalarValue;

use crate::bandwidth::Memory;
use crate::data::DataFiles;
use crate::engine::{Engine, row_numbers};
use crate::figure::{Figure, Result};
use crate::nearest::{Neighbours, nearest};
use crate::npy::Vectors;
use crate::timing::{Runs, Task, measure_in_turn};

/// Rows asked for.
pub const K: usize = 10;
/// Rows in a batch of the table in memory, as DataFusion makes them.
const BATCH_ROWS: usize = 8192;

/// What is searched.
struct Subject {
    name: &'static str,
    /// `None` for the table in memory.
    file: Option<&'static str>,
    id: &'static str,
    /// Stored bytes of one number.
    width: usize,
}

const SUBJECTS: [Subject; 5] = [
    Subject {
        name: "float32 in memory",
        file: None,
        id: "id",
        width: 4,
    },
    Subject {
        name: ".npy",
        file: Some("base.npy"),
        id: "_row",
        width: 4,
    },
    Subject {
        name: "Parquet",
        file: Some("base.parquet"),
        id: "id",
        width: 4,
    },
    Subject {
        name: "fp16 CVC",
        file: Some("base.fp16.cvc"),
        id: "_row",
        width: 2,
    },
    Subject {
        name: "int8 CVC",
        file: Some("base.int8.cvc"),
        id: "_row",
        width: 1,
    },
];

/// Searches every subject with the query vector as a parameter and as text.
///
/// Before a subject is timed, its answers are compared with all distances in double precision over the values that it
/// stores; `recall` is against those of the float32 rows. The subjects take turns with each other and with a plain reading
/// of as many bytes as the float32 rows have, whose speed is `read_gb_s`. `settings` are those of the sessions.
pub fn top_k(
    files: &DataFiles,
    threads: usize,
    runs: Runs,
    settings: &[String],
) -> Result<Vec<Figure>> {
    let base = files.base()?;
    let queries: Vec<Vec<f32>> = files
        .queries()?
        .rows()
        .take(runs.timed.max(1))
        .map(<[f32]>::to_vec)
        .collect();
    let exact: Vec<Neighbours> = queries
        .iter()
        .map(|query| nearest(&base, query, K))
        .collect();
    let mut searches = Vec::new();
    for subject in &SUBJECTS {
        let engine = Arc::new(Engine::new(threads, None)?);
        engine.set(settings)?;
        let table = open(&engine, files, subject, &base)?;
        let forms = [("parameter", parameter as Form), ("text", text as Form)];
        let stored = match subject.width {
            4 => None,
            _ => Some(Engine::new(1, None)?.vectors(&format!(
                "SELECT vector FROM '{}'",
                files.text(subject.file.unwrap_or_default())
            ))?),
        };
        for (form, write) in forms {
            let calls: Vec<Call> = queries
                .iter()
                .map(|query| write(table, subject.id, query))
                .collect();
            let mut recall = 0.0;
            for ((call, query), exact) in calls.iter().zip(&queries).zip(&exact) {
                let rows = row_numbers(&engine.query(&call.sql, call.parameters.clone())?)?;
                match &stored {
                    None => exact.check(&rows, subject.name)?,
                    Some(stored) => nearest(stored, query, K).check(&rows, subject.name)?,
                }
                recall += exact.recall(&rows) / queries.len() as f64;
            }
            let bytes = base.values.len() * subject.width;
            let figure = Figure::new("top_k", subject.name)
                .with("query", form)
                .with("threads", threads)
                .with("recall", recall)
                .with("stored_bytes", bytes);
            searches.push((figure, bytes, Arc::clone(&engine), calls));
        }
    }
    let memory = Memory::new(base.values.len() * 4, threads);
    let mut tasks: Vec<Task<'_>> = vec![Box::new(|_| memory.read())];
    for (_, _, engine, calls) in &searches {
        tasks.push(Box::new(move |run| {
            let call = &calls[run % calls.len()];
            engine.query(&call.sql, call.parameters.clone())?;
            Ok(())
        }));
    }
    let times = measure_in_turn(runs, &mut tasks)?;
    let [read, times @ ..] = times.as_slice() else {
        return Err("nothing was timed".into());
    };
    let read_gb_s = memory.bytes() as f64 / read.p50_s / 1e9;
    let figures = searches
        .iter()
        .zip(times)
        .map(|((figure, bytes, ..), times)| {
            let gb_s = *bytes as f64 / times.p50_s / 1e9;
            figure
                .clone()
                .with("gb_s", gb_s)
                .with("read_gb_s", read_gb_s)
                .with_times(*times)
        });
    Ok(figures.collect())
}

/// A statement and its parameters.
pub struct Call {
    /// The text.
    pub sql: String,
    /// Values of `$1` and on.
    pub parameters: Vec<ScalarValue>,
}

type Form = fn(&str, &str, &[f32]) -> Call;

/// The query vector as `$1`.
pub fn parameter(table: &str, id: &str, query: &[f32]) -> Call {
    let element = Arc::new(Field::new_list_field(DataType::Float32, true));
    let values: ArrayRef = Arc::new(Float32Array::from(query.to_vec()));
    let list = FixedSizeListArray::new(element, query.len() as i32, values, None);
    Call {
        sql: format!("SELECT {id} FROM {table} ORDER BY l2_distance(vector, $1) LIMIT {K}"),
        parameters: vec![ScalarValue::FixedSizeList(Arc::new(list))],
    }
}

/// The query vector written out.
pub fn text(table: &str, id: &str, query: &[f32]) -> Call {
    let mut numbers = String::new();
    for (place, value) in query.iter().enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        // Writing to a String does not fail.
        let _ = write!(numbers, "{comma}{value:?}");
    }
    let sql =
        format!("SELECT {id} FROM {table} ORDER BY l2_distance(vector, [{numbers}]) LIMIT {K}");
    Call {
        sql,
        parameters: vec![],
    }
}

fn open(
    engine: &Engine,
    files: &DataFiles,
    subject: &Subject,
    base: &Vectors,
) -> Result<&'static str> {
    let Some(file) = subject.file else {
        let table = in_memory(base, engine.threads())?;
        engine
            .session()
            .context()
            .register_table("memory", Arc::new(table))?;
        return Ok("memory");
    };
    engine.open(&files.path(file))
}

/// `id` and `vector` in as many partitions as there are threads.
fn in_memory(base: &Vectors, partitions: usize) -> Result<MemTable> {
    let element = Arc::new(Field::new_list_field(DataType::Float32, true));
    let length = i32::try_from(base.dimension)?;
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new(
            "vector",
            DataType::FixedSizeList(Arc::clone(&element), length),
            false,
        ),
    ]));
    let mut batches = vec![Vec::new(); partitions];
    let mut first = 0_i64;
    for (place, rows) in base
        .values
        .chunks(BATCH_ROWS * base.dimension.max(1))
        .enumerate()
    {
        let next = first + i64::try_from(rows.len() / base.dimension.max(1))?;
        let values: ArrayRef = Arc::new(Float32Array::from(rows.to_vec()));
        let vectors = FixedSizeListArray::try_new(Arc::clone(&element), length, values, None)?;
        let batch = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(Int64Array::from_iter_values(first..next)),
                Arc::new(vectors),
            ],
        )?;
        if let Some(partition) = batches.get_mut(place % partitions) {
            partition.push(batch);
        }
        first = next;
    }
    Ok(MemTable::try_new(schema, batches)?)
}
