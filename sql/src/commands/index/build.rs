//! Builds the index of a table's files, a file at a time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::MemTable;
use datafusion::execution::SessionState;
use datafusion::execution::memory_pool::MemoryConsumer;
use ogive_table_providers::{BuildIndex, IndexFile, Indexes, OgiveOptions, VectorTable, row_store};

use super::names::refused;

/// What a build holds beside its codes: rows that a thread encodes at a time, and bytes of the sample.
const SLAB_ROWS: usize = 1024;
const SAMPLE_BYTES: usize = 32 << 20;

/// The table, if it is of files that are indexed.
pub(super) fn vector_table(table: &Arc<dyn TableProvider>) -> Option<&VectorTable> {
    table.downcast_ref::<VectorTable>()
}

/// The type of a column, or PostgreSQL's error.
pub(super) fn column_of(schema: &Schema, column: &str) -> Result<DataType> {
    let field = schema.field_with_name(column).map_err(|_| {
        let names = schema.fields().iter().map(|field| field.name().as_str());
        refused(
            "42703",
            format!("column \"{column}\" does not exist"),
            &format!("There are: {}.", names.collect::<Vec<_>>().join(", ")),
        )
    })?;
    Ok(field.data_type().clone())
}

/// Whether a table is of files that are indexed, or has rows that need no index.
pub(super) fn is_file_or_memory(table: &Arc<dyn TableProvider>) -> bool {
    vector_table(table).is_some() || table.is::<MemTable>() || row_store(table).is_some()
}

/// What is said of the others.
pub(super) fn not_indexed(name: &TableReference) -> DataFusionError {
    refused(
        "0A000",
        format!(
            "{name} is not a table of .cvc, .npy or TexMex files: other tables are not indexed yet"
        ),
        "Searches compare all rows, and the answer is exact. COPY .. TO 'x.cvc' makes a file that can be indexed.",
    )
}

/// What the session knows of indexes.
pub(super) fn indexes(state: &SessionState) -> Arc<Indexes> {
    state
        .config()
        .get_extension::<Indexes>()
        .unwrap_or_default()
}

/// `ogive.index_location`.
pub(super) fn location(state: &SessionState) -> Option<PathBuf> {
    let settings = state.config_options().extensions.get::<OgiveOptions>()?;
    settings.index_location()
}

/// Builds an index of all files, or of those whose index is not of what they are now.
pub(super) async fn build(
    state: &SessionState,
    table: &VectorTable,
    request: BuildIndex,
    only_stale: bool,
) -> Result<()> {
    let (indexes, location) = (indexes(state), location(state));
    let files = table.index_files(state, &request.column).await?;
    if files.is_empty() {
        return Err(refused(
            "55000",
            "the table has no files to index".to_string(),
            "Write its files first.",
        ));
    }
    for file in files {
        if only_stale && indexes.has_current(file.source(), location.as_deref(), &request.name) {
            continue;
        }
        let held = held_bytes(&file, request.threads);
        let reservation =
            MemoryConsumer::new("CREATE INDEX").register(&state.runtime_env().memory_pool);
        reservation.try_grow(held)?;
        let (request, location) = (request.clone(), location.clone());
        let stop = StopOnDrop(Arc::default());
        let stopped = Arc::clone(&stop.0);
        let progress = indexes.begin(&request.name, &file.source().name, file.rows());
        let built = SpawnedTask::spawn_blocking(move || {
            let done = |rows: u64| {
                progress.done.store(rows, Ordering::Relaxed);
                !stopped.load(Ordering::Relaxed)
            };
            file.build(&request, location.as_deref(), &done)
        });
        let built = built.join_unwind().await;
        built.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))??;
        drop(reservation);
    }
    Ok(())
}

/// Ends a build when nobody waits for it any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn held_bytes(file: &IndexFile, threads: usize) -> usize {
    let dimension = file.dimension();
    let rotation = dimension.saturating_mul(dimension).saturating_mul(16);
    let slabs = SLAB_ROWS.saturating_mul(dimension).saturating_mul(16);
    rotation
        .saturating_add(slabs.saturating_mul(threads.max(1)))
        .saturating_add(SAMPLE_BYTES.min(file.rows() as usize * dimension * 8))
}
