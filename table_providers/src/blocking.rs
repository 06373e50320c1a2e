//! Work that waits for files, beside the runtime's threads.

use datafusion_common::{DataFusionError, Result};
use datafusion_common_runtime::SpawnedTask;

/// Runs what waits for a file beside the runtime's threads.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    SpawnedTask::spawn_blocking(work)
        .join_unwind()
        .await
        .map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?
}
