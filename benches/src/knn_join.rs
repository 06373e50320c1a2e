//! The ten nearest rows of each of many queries, in one statement.

use crate::data::{DataFiles, make_batch};
use crate::engine::{Engine, row_numbers};
use crate::figure::{Figure, Result};
use crate::nearest::nearest;
use crate::resident::while_watched;
use crate::timing::{Runs, measure};
use crate::top_k::{K, parameter};

/// More than there are rows: a query and a row are one number, since queries come in any order.
const MANY: u64 = 1_000_000_000;
/// Queries whose answers are compared with all distances in double precision.
const CHECKED: usize = 25;
/// Single queries that are timed, to say what all of them would take.
const SINGLE: usize = 25;
/// A join takes seconds: so many runs tell as much as more.
const RUNS: usize = 3;

/// Joins the batch with the base, and runs some of its queries one at a time.
pub fn knn_join(files: &DataFiles, threads: usize, runs: Runs) -> Result<Vec<Figure>> {
    let batch = make_batch(files)?;
    let base = files.base()?;
    let exact: Vec<_> = batch
        .rows()
        .take(CHECKED)
        .map(|query| nearest(&base, query, K))
        .collect();
    drop(base);
    let engine = Engine::new(threads, None)?;
    let table = engine.open(&files.path("base.npy"))?;
    let sql = format!(
        "SELECT q._row * {MANY} + x._row FROM '{}' q CROSS JOIN LATERAL \
         (SELECT d._row FROM {table} d ORDER BY l2_distance(d.vector, q.vector) LIMIT {K}) x",
        files.text("batch.npy")
    );
    let (found, peak) = while_watched(|| engine.query(&sql, vec![]))?;
    let rows = row_numbers(&found)?;
    drop(found);
    if rows.len() != batch.len() * K {
        return Err(format!("{} rows for {} queries", rows.len(), batch.len()).into());
    }
    for (query, exact) in exact.iter().enumerate() {
        let answer: Vec<u64> = rows
            .iter()
            .filter(|row| **row / MANY == query as u64)
            .map(|row| row % MANY)
            .collect();
        exact.check(&answer, "kNN join")?;
    }
    let joins = Runs {
        warm: 0,
        timed: runs.timed.min(RUNS),
    };
    let times = measure(joins, |_| engine.query(&sql, vec![]))?;
    let calls: Vec<_> = batch
        .rows()
        .take(SINGLE)
        .map(|query| parameter(table, "_row", query))
        .collect();
    let singles = Runs {
        warm: runs.warm,
        timed: calls.len(),
    };
    let single = measure(singles, |run| {
        let call = &calls[run % calls.len()];
        engine.query(&call.sql, call.parameters.clone())
    })?;
    let all_single_s = single.p50_s * batch.len() as f64;
    Ok(vec![
        Figure::new("knn_join", "join")
            .with("threads", threads)
            .with("queries", batch.len())
            .with("recall", 1.0)
            .with("single_ms", single.p50_s * 1e3)
            .with("singles_over_join", all_single_s / times.p50_s)
            .with("peak_anonymous", peak.anonymous)
            .with_times(times),
    ])
}
