//! Memory that a search takes, over a file larger than it may have.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Float64Type;

use crate::data::DataFiles;
use crate::engine::{Engine, row_numbers};
use crate::figure::{Figure, Result};
use crate::nearest::nearest;
use crate::resident::{Resident, while_watched};
use crate::top_k::{K, parameter};

/// Searches, then scans, the large file under a limit. The limit is on what operators hold; mapped pages belong to the
/// kernel's cache and come on top, hence two figures.
pub fn memory(files: &DataFiles, threads: usize, limit_bytes: usize) -> Result<Vec<Figure>> {
    let path = files.text("large.fp16.cvc");
    let file_bytes = std::fs::metadata(&path)
        .map_err(|e| format!("{path}: {e}"))?
        .len();
    let engine = Engine::new(threads, Some(limit_bytes))?;
    let table = engine.open(&files.path("large.fp16.cvc"))?;
    let queries = files.queries()?;
    let query = queries.rows().next().ok_or("there are no queries")?;
    let before = Resident::now()?;
    let figure = |subject: &str| {
        Figure::new("memory", subject)
            .with("threads", threads)
            .with("file_bytes", file_bytes)
            .with("limit_bytes", limit_bytes)
            .with("anonymous_before", before.anonymous)
    };
    let sql = format!("SELECT l2_distance(vector, $1) AS d FROM {table} ORDER BY d LIMIT {K}");
    let parameters = parameter(table, "d", query).parameters;
    let (found, searched) = while_watched(|| engine.query(&sql, parameters))?;
    let after_search = Resident::now()?.high_water;
    let (_, scanned) = while_watched(|| engine.drain(&format!("SELECT * FROM {table}")))?;
    let after_scan = Resident::now()?.high_water;
    check(files, query, &found)?;
    Ok([
        ("top-10", searched, after_search),
        ("SELECT *", scanned, after_scan),
    ]
    .map(|(subject, peak, high_water)| {
        figure(subject)
            .with("peak_anonymous", peak.anonymous)
            .with("peak_total", peak.total)
            .with("high_water", high_water)
            .with("looks", peak.looks)
    })
    .to_vec())
}

/// The large file repeats the rows of the other, so its nearest rows are copies of that one's nearest. Done last: it takes
/// memory itself.
fn check(files: &DataFiles, query: &[f32], found: &[RecordBatch]) -> Result<()> {
    let engine = Engine::new(1, None)?;
    let stored = engine.vectors(&format!(
        "SELECT vector FROM '{}'",
        files.text("base.fp16.cvc")
    ))?;
    let count = format!("SELECT count(*) FROM '{}'", files.text("large.fp16.cvc"));
    let rows: u64 = row_numbers(&engine.query(&count, vec![])?)?.iter().sum();
    let repeats = usize::try_from(rows)? / stored.len().max(1);
    let distances = nearest(&stored, query, K).distances();
    let expected = distances
        .iter()
        .flat_map(|d| std::iter::repeat_n(*d, repeats))
        .take(K);
    let found: Vec<f64> = found
        .iter()
        .filter_map(|batch| batch.column(0).as_primitive_opt::<Float64Type>())
        .flat_map(|column| column.values().to_vec())
        .collect();
    let near = |(a, b): (&f64, f64)| (a - b).abs() <= 1e-9 * b;
    if found.len() == K && found.iter().zip(expected).all(near) {
        return Ok(());
    }
    Err(format!("wrong distances: {found:?}").into())
}
