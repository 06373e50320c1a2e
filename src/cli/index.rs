//! `ogive index`: indexes of vector files.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{DataType, Schema};
use ogive::{Session, SessionBuilder};
use ogive_table_providers::collect_garbage;

use crate::cli::arguments::{
    IndexBuildArguments, IndexCommand, IndexDropArguments, IndexGcArguments, IndexMetric,
    IndexOptions, IndexTableArguments,
};
use crate::cli::error::{Failure, Result};
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::rows_bar;
use crate::cli::render::{print, say};
use crate::cli::sql::{quote_name, quote_text};

/// How often the display is told how far a build is.
const LOOK: Duration = Duration::from_millis(100);

/// Runs the command.
pub async fn run(command: IndexCommand, interrupt: Interrupt) -> Result<()> {
    match command {
        IndexCommand::Build(arguments) => build(arguments, interrupt).await,
        IndexCommand::Refresh(arguments) => refresh(arguments, interrupt).await,
        IndexCommand::Verify(arguments) => verify(arguments).await,
        IndexCommand::Stats(arguments) => stats(arguments).await,
        IndexCommand::Drop(arguments) => drop(arguments).await,
        IndexCommand::Gc(arguments) => gc(&arguments),
    }
}

async fn build(arguments: IndexBuildArguments, interrupt: Interrupt) -> Result<()> {
    let (session, table) = open(&arguments.path, &arguments.options).await?;
    let column = match arguments.column {
        Some(column) => column,
        None => {
            let frame = session
                .sql(&format!("SELECT * FROM {table} LIMIT 0"))
                .await?;
            only_vectors(&arguments.path, frame.schema().as_arrow())?
        }
    };
    let class = match arguments.metric {
        IndexMetric::L2 => "vector_l2_ops",
        IndexMetric::Ip => "vector_ip_ops",
        IndexMetric::Cosine => "vector_cosine_ops",
    };
    let name = arguments
        .name
        .map_or_else(String::new, |name| quote_name(&name));
    let create = format!(
        "CREATE INDEX {name} ON {table} USING flat ({} {class})",
        quote_name(&column)
    );
    with_progress(&session, &create, arguments.options.quiet, &interrupt).await?;
    if !arguments.options.quiet {
        print(listed(&session, &table).await?.as_bytes())?;
    }
    Ok(())
}

async fn refresh(arguments: IndexTableArguments, interrupt: Interrupt) -> Result<()> {
    let (session, table) = open(&arguments.path, &arguments.options).await?;
    let reindex = format!("REINDEX (STALE) TABLE {table}");
    with_progress(&session, &reindex, arguments.options.quiet, &interrupt).await
}

async fn verify(arguments: IndexTableArguments) -> Result<()> {
    let (session, table) = open(&arguments.path, &arguments.options).await?;
    let indexes = session
        .sql(&format!("SHOW INDEXES FROM {table}"))
        .await?
        .collect()
        .await?;
    let names = indexes
        .iter()
        .flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten());
    let mut wrong = 0_usize;
    let mut seen = 0_usize;
    for name in names {
        let rows = session
            .sql(&format!(
                "SELECT file, state, message FROM index_verify({})",
                quote_text(name)
            ))
            .await?
            .collect()
            .await?;
        for batch in &rows {
            let text = |column: usize| batch.column(column).as_string::<i32>();
            for ((file, state), message) in text(0).iter().zip(text(1)).zip(text(2)) {
                let (file, state) = (file.unwrap_or_default(), state.unwrap_or_default());
                seen += 1;
                if state != "ok" {
                    wrong += 1;
                }
                if state != "ok" || !arguments.options.quiet {
                    let message =
                        message.map_or_else(String::new, |message| format!(": {message}"));
                    print(format!("{name} of {file}: {state}{message}\n").as_bytes())?;
                }
            }
        }
    }
    match wrong {
        0 => Ok(()),
        wrong => Err(Failure::Failed(format!(
            "{wrong} of {seen} index files cannot be used; `ogive index refresh` builds them again"
        ))),
    }
}

async fn stats(arguments: IndexTableArguments) -> Result<()> {
    let (session, table) = open(&arguments.path, &arguments.options).await?;
    print(listed(&session, &table).await?.as_bytes())
}

async fn drop(arguments: IndexDropArguments) -> Result<()> {
    let (session, table) = open(&arguments.path, &arguments.options).await?;
    let name = quote_name(&arguments.name);
    session
        .sql(&format!("DROP INDEX {name} ON {table}"))
        .await?;
    Ok(())
}

fn gc(arguments: &IndexGcArguments) -> Result<()> {
    if !arguments.directory.is_dir() {
        return Err(Failure::about(
            arguments.directory.display(),
            "no such directory",
        ));
    }
    for path in collect_garbage(&arguments.directory)? {
        if !arguments.quiet {
            say(format_args!("removed {}", path.display()));
        }
    }
    Ok(())
}

/// A session that has the files as a table, and the table's name in SQL.
async fn open(path: &str, options: &IndexOptions) -> Result<(Session, String)> {
    if !path.contains("://") && !path.contains(['*', '?', '[']) && !Path::new(path).exists() {
        return Err(Failure::about(path, "no such file or directory"));
    }
    let session = SessionBuilder::new().build()?;
    if let Some(location) = &options.location {
        let location = quote_text(&location.to_string_lossy());
        session
            .sql(&format!("SET ogive.index_location = {location}"))
            .await?;
    }
    let name = session.attach(path).await?;
    Ok((session, quote_name(&name)))
}

/// The column, when there is one that can be meant.
fn only_vectors(path: &str, schema: &Schema) -> Result<String> {
    let vectors: Vec<&str> = schema
        .fields()
        .iter()
        .filter(|field| matches!(field.data_type(), DataType::FixedSizeList(..)))
        .map(|field| field.name().as_str())
        .collect();
    match vectors.as_slice() {
        [one] => Ok((*one).to_string()),
        [] => Err(Failure::about(path, "there is no column of vectors")),
        many => Err(Failure::Wrong(format!(
            "{path}: --column says which of {}",
            many.join(", ")
        ))),
    }
}

async fn listed(session: &Session, table: &str) -> Result<String> {
    let frame = session.sql(&format!("SHOW INDEXES FROM {table}")).await?;
    Ok(format!("{}\n", frame.to_string().await?))
}

/// Runs a statement that builds, and shows how far it is.
async fn with_progress(
    session: &Session,
    sql: &str,
    quiet: bool,
    interrupt: &Interrupt,
) -> Result<()> {
    let bar = rows_bar("indexing", quiet);
    let built = async {
        let work = session.sql(sql);
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done.map(|_| ()).map_err(Failure::from),
                () = tokio::time::sleep(LOOK) => {
                    for build in session.index_builds() {
                        bar.set_length(build.rows);
                        bar.set_position(build.done.load(Ordering::Relaxed));
                        bar.set_message(format!("indexing {}", build.file));
                    }
                }
            }
        }
    };
    let done = interrupt.guard(built).await;
    bar.finish_and_clear();
    for warning in session.take_warnings() {
        say(format_args!("warning: {warning}"));
    }
    done?
}
