//! Statistics of Parquet that do not say how many values are NULL.
//!
//! The format allows a writer to leave the count out, and that is not the count 0. DataFusion takes it for 0 where it prunes
//! and where it counts: `k IS NULL` finds nothing, `count(k)` counts every row. What lacks the count is given to it without
//! statistics, which it takes for unknown.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion_common::{Result, Statistics};
use datafusion_datasource_parquet::metadata::DFParquetMetadata;
use datafusion_session::Session;
use object_store::{ObjectMeta, ObjectStore};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};

/// Whether a column chunk has statistics without the count, and may hold NULL.
fn lacks_count(column: &ColumnChunkMetaData) -> bool {
    let is_absent =
        |statistics: &parquet::file::statistics::Statistics| statistics.null_count_opt().is_none();
    column.column_descr().max_def_level() > 0 && column.statistics().is_some_and(is_absent)
}

fn any_lacks_count(metadata: &ParquetMetaData) -> bool {
    let mut groups = metadata.row_groups().iter();
    groups.any(|group| group.columns().iter().any(lacks_count))
}

/// The metadata without statistics that lack the count; most files have none.
pub(super) fn with_known_counts(
    metadata: Arc<ParquetMetaData>,
) -> Result<Arc<ParquetMetaData>, ParquetError> {
    if !any_lacks_count(&metadata) {
        return Ok(metadata);
    }
    let groups = metadata
        .row_groups()
        .iter()
        .map(|group| without_unknown(group.clone()))
        .collect::<Result<Vec<_>, ParquetError>>()?;
    let builder = Arc::unwrap_or_clone(metadata).into_builder();
    Ok(Arc::new(builder.set_row_groups(groups).build()))
}

fn without_unknown(group: RowGroupMetaData) -> Result<RowGroupMetaData, ParquetError> {
    let columns = group
        .columns()
        .iter()
        .map(|column| match lacks_count(column) {
            true => column.clone().into_builder().clear_statistics().build(),
            false => Ok(column.clone()),
        })
        .collect::<Result<Vec<_>, ParquetError>>()?;
    group.into_builder().set_column_metadata(columns).build()
}

/// A file's statistics, if those that DataFusion makes of it are not to be believed.
///
/// # Errors
/// The file cannot be read.
pub async fn known_statistics(
    state: &dyn Session,
    store: &Arc<dyn ObjectStore>,
    file: &ObjectMeta,
    schema: &SchemaRef,
) -> Result<Option<Statistics>> {
    let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
    // It has just been read, and is in the cache.
    let metadata = DFParquetMetadata::new(store.as_ref(), file)
        .with_file_metadata_cache(Some(cache))
        .fetch_metadata()
        .await?;
    if !any_lacks_count(&metadata) {
        return Ok(None);
    }
    let known = with_known_counts(metadata)?;
    DFParquetMetadata::statistics_from_parquet_metadata(&known, schema).map(Some)
}
