//! Memory that a search takes, over a file larger than it may have.

use crate::data::DataFiles;
use crate::engine::{Engine, row_numbers};
use crate::figure::{Figure, Result};
use crate::resident::{Resident, while_watched};
use crate::top_k::parameter;

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
    let call = parameter(table, "_row", query);
    let (found, searched) =
        while_watched(|| row_numbers(&engine.query(&call.sql, call.parameters.clone())?))?;
    if found.len() != 10 {
        return Err(format!("expected ten rows, found {found:?}").into());
    }
    let after_search = Resident::now()?.high_water;
    let (_, scanned) = while_watched(|| engine.drain(&format!("SELECT * FROM {table}")))?;
    let after_scan = Resident::now()?.high_water;
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
