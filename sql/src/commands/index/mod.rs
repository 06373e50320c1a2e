//! `CREATE INDEX`, `DROP INDEX`, `REINDEX`, `SHOW INDEXES`; the table functions `index_stats` and `index_verify`.
//!
//! ```text
//! CREATE INDEX [CONCURRENTLY] [IF NOT EXISTS] [name] ON docs | 'docs.cvc'
//!     [USING flat | auto | hnsw | ivfflat] (embedding [vector_cosine_ops]) [WITH (..)] [WHERE ..]
//! DROP INDEX [CONCURRENTLY] [IF EXISTS] name [ON docs | 'docs.cvc']
//! REINDEX [(STALE)] INDEX | TABLE [CONCURRENTLY] name
//! SHOW INDEXES [FROM docs | 'docs.cvc']
//! ```

mod build;
mod definition;
mod functions;
mod known;
mod names;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::TableReference;
use datafusion::common::{Result, not_impl_err};
use datafusion::dataframe::DataFrame;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    CreateIndex, ObjectName, ObjectType, Statement as SqlStatement, Value,
};
use ogive_table_providers::{BuildIndex, Warnings, drop_sidecar};

use self::build::{build, column_of, vector_table};
use self::definition::{Definition, Method};
use self::known::{KnownIndex, known, known_of};
use self::names::{last_part, named_table, reference, refused, unknown};
use crate::commands::settings::empty;
use crate::parser::{REINDEX, SHOW_INDEXES, STALE, TABLE};

pub(crate) use functions::index_table_functions;

/// Runs such a statement; `None` for another.
///
/// # Errors
/// The table, the column or the index is not there; the name is taken; what the column is does not fit; files cannot be read or
/// written.
pub(crate) async fn run(
    context: &SessionContext,
    warnings: &Warnings,
    statement: &SqlStatement,
) -> Result<Option<DataFrame>> {
    match statement {
        SqlStatement::CreateIndex(create) => self::create(context, warnings, create).await?,
        SqlStatement::Drop {
            object_type: ObjectType::Index,
            if_exists,
            names,
            table,
            ..
        } => {
            for name in names {
                self::drop(context, warnings, name, table.as_ref(), *if_exists).await?;
            }
        }
        SqlStatement::Pragma { name, value, .. } => {
            let text = match value.as_ref().map(|value| &value.value) {
                Some(Value::SingleQuotedString(text)) => Some(text.as_str()),
                _ => None,
            };
            let words = name.to_string();
            let mut words = words.split('.');
            match (words.next(), text) {
                (Some(SHOW_INDEXES), text) => return show(context, text).await.map(Some),
                (Some(REINDEX), Some(text)) => {
                    let (mut of_table, mut only_stale) = (false, false);
                    for word in words {
                        of_table |= word == TABLE;
                        only_stale |= word == STALE;
                    }
                    reindex(context, text, of_table, only_stale).await?;
                }
                _ => return Ok(None),
            }
        }
        _ => return Ok(None),
    }
    empty(context).map(Some)
}

async fn create(context: &SessionContext, warnings: &Warnings, create: &CreateIndex) -> Result<()> {
    let reference = reference(&create.table_name)?;
    let state = context.state();
    let table = named_table(&state, &reference).await?;
    if !build::is_file_or_memory(&table) {
        return Err(build::not_indexed(&reference));
    }
    let schema = table.schema();
    let definition = Definition::read(create, &schema)?;
    if let Method::Other(method) = &definition.method {
        warnings.push(format!(
            "no {method} index is built on {}: filters are part of the scan, and read little where files say what is in them",
            definition.column
        ));
        return Ok(());
    }
    let mut known = known(&state).await?;
    known.extend(known_of(&state, &table).await?);
    let is_taken = |name: &str| known.iter().any(|index| index.name == name);
    let name = match &definition.name {
        Some(name) => name.clone(),
        None => free_name(&reference, &definition.column, is_taken),
    };
    if is_taken(&name) {
        let message = format!("relation \"{name}\" already exists");
        if create.if_not_exists {
            warnings.push(format!("{message}, skipping"));
            return Ok(());
        }
        return Err(refused(
            "42P07",
            message,
            "DROP INDEX removes it, REINDEX INDEX builds it again.",
        ));
    }
    let Some(measure) = definition.measure else {
        warnings.push(format!(
            "no index is built for {}: searches by it compare all rows",
            definition.operator_class
        ));
        return Ok(());
    };
    let Some(files) = vector_table(&table) else {
        warnings.push(format!(
            "no index is built over {reference}: rows of tables in memory and of attached databases are compared, and the answer is exact"
        ));
        return Ok(());
    };
    if let Some(notice) = definition.notice() {
        warnings.push(notice);
    }
    let request = BuildIndex {
        name,
        column: definition.column.clone(),
        measure,
        bits: definition.bits,
        threads: state.config().target_partitions(),
    };
    build(&state, files, request, false).await
}

/// PostgreSQL's name for an index without one.
fn free_name(table: &TableReference, column: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let table = table.table();
    let file = table.rsplit('/').next().unwrap_or(table);
    let stem = match table.contains(['/', '.']) {
        true => std::path::Path::new(file).file_stem().map_or_else(
            || file.to_string(),
            |stem| stem.to_string_lossy().into_owned(),
        ),
        false => table.to_string(),
    };
    let stem: String = stem
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let name = format!("{stem}_{column}_idx");
    let mut number = 0;
    let mut candidate = name.clone();
    while is_taken(&candidate) {
        number += 1;
        candidate = format!("{name}{number}");
    }
    candidate
}

async fn drop(
    context: &SessionContext,
    warnings: &Warnings,
    name: &ObjectName,
    table: Option<&ObjectName>,
    if_exists: bool,
) -> Result<()> {
    let state = context.state();
    let name = last_part(name)?;
    let found = match table {
        Some(table) => {
            let table = named_table(&state, &reference(table)?).await?;
            known_of(&state, &table).await?
        }
        None => known(&state).await?,
    };
    let found: Vec<KnownIndex> = found
        .into_iter()
        .filter(|index| index.name == name)
        .collect();
    let Some(index) = one_of(&name, found)? else {
        if if_exists {
            warnings.push(format!("index \"{name}\" does not exist, skipping"));
            return Ok(());
        }
        return Err(unknown(&name));
    };
    for sidecar in index.sidecars() {
        drop_sidecar(sidecar)?;
    }
    Ok(())
}

async fn reindex(
    context: &SessionContext,
    name: &str,
    of_table: bool,
    only_stale: bool,
) -> Result<()> {
    let state = context.state();
    if of_table {
        let table = named_table(&state, &TableReference::bare(name)).await?;
        for index in known_of(&state, &table).await? {
            self::rebuild(context, &index, only_stale).await?;
        }
        return Ok(());
    }
    let found = known(&state).await?;
    let found = found.into_iter().filter(|index| index.name == name);
    let Some(index) = one_of(name, found.collect())? else {
        return Err(unknown(name));
    };
    self::rebuild(context, &index, only_stale).await
}

async fn rebuild(context: &SessionContext, index: &KnownIndex, only_stale: bool) -> Result<()> {
    let state = context.state();
    let Some(manifest) = index.sidecars().first().map(|sidecar| &sidecar.manifest) else {
        return Ok(());
    };
    let request = BuildIndex {
        name: index.name.clone(),
        column: manifest.column.clone(),
        measure: manifest.measure,
        bits: None,
        threads: state.config().target_partitions(),
    };
    for reference in index.tables()? {
        let table = named_table(&state, &reference).await?;
        let Some(files) = vector_table(&table) else {
            return not_impl_err!("{reference} is no longer a table of vector files");
        };
        column_of(&table.schema(), &request.column)?;
        build(&state, files, request.clone(), only_stale).await?;
    }
    Ok(())
}

async fn show(context: &SessionContext, table: Option<&str>) -> Result<DataFrame> {
    let state = context.state();
    let indexes = match table {
        Some(table) => {
            let table = named_table(&state, &TableReference::bare(table)).await?;
            known_of(&state, &table).await?
        }
        None => known(&state).await?,
    };
    let batch: RecordBatch = known::as_rows(&indexes)?;
    context.read_batch(batch)
}

/// The one index of a name: two tables may have one each, if they were never seen together.
fn one_of(name: &str, mut found: Vec<KnownIndex>) -> Result<Option<KnownIndex>> {
    if found.len() > 1 {
        let tables: Vec<String> = found.iter().map(|index| index.table_name.clone()).collect();
        return Err(refused(
            "42P09",
            format!(
                "index name \"{name}\" is ambiguous: {} have one",
                tables.join(", ")
            ),
            "DROP INDEX name ON table, REINDEX TABLE table say which.",
        ));
    }
    Ok(found.pop())
}
