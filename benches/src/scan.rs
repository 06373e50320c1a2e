//! Reading whole files: every row decoded and dropped.

use crate::data::DataFiles;
use crate::engine::Engine;
use crate::figure::{Figure, Result};
use crate::timing::{Runs, measure};

/// File, and the SQL name of its table.
const SUBJECTS: [(&str, &str); 3] = [
    ("fp16", "base.fp16.cvc"),
    ("int8", "base.int8.cvc"),
    ("lossless", "base.lossless.cvc"),
];

/// Scans each file: `count(*)`, everything, the vectors alone; once more in a new session each time, where the header is
/// read and every checksum computed.
pub fn scan(files: &DataFiles, threads: usize, runs: Runs) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (subject, file) in SUBJECTS {
        let path = files.text(file);
        // One thread gives rows in their order, which the fingerprint is about.
        let decoded = Engine::new(1, None)?.vectors(&format!("SELECT vector FROM '{path}'"))?;
        let rows = decoded.len();
        let figure = |query: &str| {
            Figure::new("scan", subject)
                .with("query", query)
                .with("threads", threads)
                .with("rows", rows)
                .with("decoded_bytes", decoded.values.len() * 4)
        };
        // A JSON number holds 53 bits.
        figures.push(figure("decoded").with("fingerprint", decoded.fingerprint().to_string()));

        let engine = Engine::new(threads, None)?;
        let table = engine.open(&files.path(file))?;
        for (name, columns) in [("count(*)", "count(*)"), ("*", "*"), ("vector", "vector")] {
            let sql = format!("SELECT {columns} FROM {table}");
            let expected = if name == "count(*)" { 1 } else { rows };
            let times = measure(runs, |_| expect(engine.drain(&sql)?, expected))?;
            figures.push(figure(name).with_times(times));
        }
        let sql = format!("SELECT * FROM '{path}'");
        let times = measure(runs, |_| {
            let engine = Engine::new(threads, None)?;
            expect(engine.drain(&sql)?, rows)?;
            Ok(engine)
        })?;
        figures.push(figure("* (new session)").with_times(times));
    }
    Ok(figures)
}

fn expect(found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(format!("expected {expected} rows, found {found}").into())
}
