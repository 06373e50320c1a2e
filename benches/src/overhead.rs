//! What a query costs before it looks at a row: the search of `top_k` over a file of ten rows.

use crate::data::DataFiles;
use crate::engine::{Engine, row_numbers};
use crate::figure::{Figure, Result};
use crate::timing::{Runs, measure};
use crate::top_k::{parameter, text};

/// Times the call as a whole, and up to a stage of planning, over an open table and over a quoted path.
pub fn overhead(
    files: &DataFiles,
    threads: usize,
    runs: Runs,
    settings: &[String],
) -> Result<Vec<Figure>> {
    let engine = Engine::new(threads, None)?;
    engine.set(settings)?;
    let path = files.text("ten.cvc");
    let tables = [
        (
            "open table",
            engine.open(&files.path("ten.cvc"))?.to_owned(),
        ),
        ("path", format!("'{path}'")),
    ];
    let queries = files.queries()?;
    let query = queries.rows().next().ok_or("there are no queries")?;
    let mut figures = Vec::new();
    for (subject, table) in &tables {
        for (form, call) in [
            ("parameter", parameter(table, "_row", query)),
            ("text", text(table, "_row", query)),
        ] {
            let mut rows = row_numbers(&engine.query(&call.sql, call.parameters.clone())?)?;
            rows.sort_unstable();
            if rows != (0..10).collect::<Vec<u64>>() {
                return Err(format!("expected all ten rows, found {rows:?}").into());
            }
            let figure = || Figure::new("overhead", subject).with("threads", threads);
            let whole = measure(runs, |_| engine.query(&call.sql, call.parameters.clone()))?;
            figures.push(figure().with("query", form).with_times(whole));
            let parsed = measure(runs, |_| Ok(engine.session().parse(&call.sql)?))?;
            let named = measure(runs, |_| engine.logical_plan(&call.sql))?;
            let planned = measure(runs, |_| engine.plan(&call.sql, call.parameters.clone()))?;
            for (stage, times) in [
                ("parsed", parsed),
                ("logical plan", named),
                ("physical plan", planned),
            ] {
                let query = format!("{form}, up to {stage}");
                figures.push(figure().with("query", query).with_times(times));
            }
        }
    }
    Ok(figures)
}
