//! `INSERT INTO` a vault's table.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion_common::{DataFusionError, Result, exec_err, not_impl_err};
use datafusion_common_runtime::SpawnedTask;
use datafusion_datasource::sink::{DataSink, DataSinkExec};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_expr::dml::InsertOp;
use datafusion_physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan};
use futures::{StreamExt, TryStreamExt};
use ogive_vault::{OnConflict, Writer};

use crate::blocking::blocking;
use crate::error::vault_error;
use crate::vault::block::Block;
use crate::vault::insert::{check_writable, insert_batch};
use crate::vault::target::VaultTarget;

/// Writes what a query gives to a table, in one transaction.
pub struct VaultSink {
    table: VaultTarget,
    block: Arc<Block>,
}

impl VaultSink {
    /// The plan that writes `input`.
    pub fn plan(
        table: &VaultTarget,
        block: &Arc<Block>,
        input: Arc<dyn ExecutionPlan>,
        insert_op: InsertOp,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let place = table.place();
        let table = match insert_op {
            InsertOp::Append => table.clone(),
            InsertOp::Replace => VaultTarget {
                on_conflict: OnConflict::Replace,
                ..table.clone()
            },
            InsertOp::Overwrite => {
                return not_impl_err!("{place}: INSERT OVERWRITE; DELETE its rows, then INSERT");
            }
        };
        check_writable(&table)?;
        Ok(Arc::new(DataSinkExec::new(
            input,
            Arc::new(Self {
                table,
                block: Arc::clone(block),
            }),
            None,
        )))
    }
}

impl fmt::Debug for VaultSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultSink")
            .field("table", self.table.place())
            .finish_non_exhaustive()
    }
}

impl DisplayAs for VaultSink {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table.place().table.as_deref().unwrap_or_default();
        write!(f, "VaultSink(table={table})")
    }
}

/// Batches that may wait to be written.
const BATCHES_WAITING: usize = 2;

#[async_trait]
impl DataSink for VaultSink {
    fn schema(&self) -> &SchemaRef {
        self.table.schema_ref()
    }

    async fn write_all(
        &self,
        mut data: SendableRecordBatchStream,
        _context: &Arc<TaskContext>,
    ) -> Result<u64> {
        if let Some(open) = self.block.current() {
            // All rows are there before the first is written, which the query could see.
            let rows: Vec<RecordBatch> = data.try_collect().await?;
            let table = self.table.clone();
            return blocking(move || {
                open.with(|transaction| {
                    let stored = rows.iter().map(|rows| transaction.insert(&table, rows));
                    stored.sum()
                })
            })
            .await;
        }
        // A batch, or the word that all of them came; without it the transaction is undone.
        let (sender, mut receiver) =
            tokio::sync::mpsc::channel::<Option<RecordBatch>>(BATCHES_WAITING);
        let table = self.table.clone();
        let writing = SpawnedTask::spawn_blocking(move || -> Result<u64> {
            let mut writer: Option<Writer> = None;
            let mut rows = 0;
            while let Some(batch) = receiver.blocking_recv() {
                let open = match writer.take() {
                    Some(open) => open,
                    None => table.vault().writer().map_err(vault_error)?,
                };
                match batch {
                    Some(batch) => {
                        rows += insert_batch(&open, &table, &batch)?;
                        writer = Some(open);
                    }
                    None => {
                        open.commit().map_err(vault_error)?;
                        return Ok(rows);
                    }
                }
            }
            exec_err!(
                "{}: the query ended early; nothing was written",
                table.place()
            )
        });
        let mut failed = None;
        while let Some(batch) = data.next().await {
            match batch {
                // Nobody receives any more when writing has failed, which is what is reported then.
                Ok(batch) => {
                    if sender.send(Some(batch)).await.is_err() {
                        break;
                    }
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        // Scans of the same file let go of it before the commit, which may have to be alone with it.
        drop(data);
        if failed.is_none() {
            let _ = sender.send(None).await;
        }
        drop(sender);
        let written = writing
            .join_unwind()
            .await
            .map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?;
        match failed {
            Some(error) => Err(error),
            None => written,
        }
    }
}
