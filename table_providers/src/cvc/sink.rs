//! Writing CVC files from a query: `COPY .. TO` and `INSERT INTO`.

use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion_common::{DataFusionError, Result, exec_err, not_impl_err};
use datafusion_common_runtime::{JoinSet, SpawnedTask};
use datafusion_datasource::file_sink_config::{FileSink, FileSinkConfig};
use datafusion_datasource::sink::{DataSink, DataSinkExec};
use datafusion_datasource::write::demux::DemuxedStreamReceiver;
use datafusion_datasource::write::get_writer_schema;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_expr::dml::InsertOp;
use datafusion_physical_expr_common::sort_expr::LexRequirement;
use datafusion_physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use ogive_cvc::{FileWriter, WholeFile, Writer};
use tokio::sync::mpsc::Receiver;

use crate::cvc::columns::{WrittenColumns, owned_values};
use crate::cvc::write_options::WriteOptions;
use crate::error::cvc_error;

/// Bytes handed to an upload at a time.
const UPLOAD_BYTES: usize = 8 * 1024 * 1024;

/// Writes each file of the sink as one CVC file.
pub struct CvcSink {
    config: FileSinkConfig,
    options: WriteOptions,
}

impl CvcSink {
    /// The plan that writes `input`.
    pub fn plan(
        input: Arc<dyn ExecutionPlan>,
        config: FileSinkConfig,
        options: WriteOptions,
        order: Option<LexRequirement>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if config.insert_op != InsertOp::Append {
            return not_impl_err!(
                "{} of CVC files: chunks are only ever added in new files; write to another place",
                config.insert_op
            );
        }
        // Types that no CVC file can hold are refused before anything runs.
        WrittenColumns::check(&get_writer_schema(&config), &options)?;
        let sink = Arc::new(Self { config, options });
        Ok(Arc::new(DataSinkExec::new(input, sink, order)))
    }
}

#[async_trait]
impl FileSink for CvcSink {
    fn config(&self) -> &FileSinkConfig {
        &self.config
    }

    async fn spawn_writer_tasks_and_join(
        &self,
        _context: &Arc<TaskContext>,
        demux_task: SpawnedTask<Result<()>>,
        mut files: DemuxedStreamReceiver,
        store: Arc<dyn ObjectStore>,
    ) -> Result<u64> {
        let mut writers: JoinSet<Result<Unfinished>> = JoinSet::new();
        let schema = get_writer_schema(&self.config);
        while let Some((path, batches)) = files.recv().await {
            let file = FileTask {
                schema: Arc::clone(&schema),
                options: self.options.clone(),
                store: Arc::clone(&store),
                path,
            };
            writers.spawn(async move { file.write(batches).await });
        }
        let mut unfinished = Vec::new();
        while let Some(written) = writers.join_next().await {
            match written {
                Ok(written) => unfinished.push(written?),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(error) => return Err(DataFusionError::ExecutionJoin(Box::new(error))),
            }
        }
        demux_task
            .join_unwind()
            .await
            .map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))??;
        // A query that fails ends its batches as one that is done does. Only now is it known that
        // all rows came, and only now do files appear under their names.
        let mut whole = Vec::with_capacity(unfinished.len());
        for file in unfinished {
            whole.push(file.assemble().await?);
        }
        publish(whole).await
    }
}

/// Gives all files their names, or none as far as that can be undone.
async fn publish(files: Vec<Assembled>) -> Result<u64> {
    let (mut rows, mut published, mut left) = (0, Vec::new(), Vec::new());
    for file in files {
        let target = match &file {
            Assembled::Local(file) => Some((file.target().to_owned(), file.target().exists())),
            Assembled::Remote(..) => None,
        };
        match file.publish().await {
            Ok(more) => {
                rows += more;
                published.extend(target);
            }
            Err(error) => {
                for (path, was_there) in published {
                    if was_there || std::fs::remove_file(&path).is_err() {
                        left.push(path.display().to_string());
                    }
                }
                return Err(if left.is_empty() {
                    error
                } else {
                    error.context(format!(
                        "not all files could be written, and these have the statement's rows already: {}",
                        left.join(", ")
                    ))
                });
            }
        }
    }
    Ok(rows)
}

#[async_trait]
impl DataSink for CvcSink {
    fn schema(&self) -> &SchemaRef {
        self.config.output_schema()
    }

    async fn write_all(
        &self,
        data: SendableRecordBatchStream,
        context: &Arc<TaskContext>,
    ) -> Result<u64> {
        FileSink::write_all(self, data, context).await
    }
}

impl fmt::Debug for CvcSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CvcSink")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for CvcSink {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CvcSink(chunk_rows={})", self.options.file.chunk_rows)
    }
}

/// One file being written.
struct FileTask {
    schema: SchemaRef,
    options: WriteOptions,
    store: Arc<dyn ObjectStore>,
    path: Path,
}

/// Where records go until the header is known.
enum Output {
    /// Beside the target, renamed over it once it is whole and synced.
    Local(FileWriter),
    /// In a temporary file, uploaded once it is whole.
    Remote(Writer<File>),
}

/// A file with all its rows, not yet in its place; dropped, it leaves nothing behind.
struct Unfinished {
    task: FileTask,
    output: Output,
}

impl FileTask {
    async fn write(self, mut batches: Receiver<RecordBatch>) -> Result<Unfinished> {
        let mut state: Option<(WrittenColumns, Output)> = None;
        while let Some(batch) = batches.recv().await {
            if batch.num_rows() == 0 {
                continue;
            }
            let (columns, output) = match &mut state {
                Some(state) => state,
                None => {
                    let columns = WrittenColumns::of(&batch, &self.options)?;
                    let output = self.create(&columns)?;
                    state.insert((columns, output))
                }
            };
            let owned = owned_values(columns, &batch)?;
            let values: Vec<_> = owned.iter().map(|values| values.borrowed()).collect();
            match output {
                Output::Local(writer) => writer.write(&values),
                Output::Remote(writer) => writer.write(&values),
            }
            .map_err(cvc_error)?;
        }
        let output = match state {
            Some((_, output)) => output,
            None => {
                let empty = RecordBatch::new_empty(Arc::clone(&self.schema));
                let columns = WrittenColumns::of(&empty, &self.options)?;
                self.create(&columns)?
            }
        };
        Ok(Unfinished { task: self, output })
    }
}

/// A file that lacks its last step.
enum Assembled {
    Local(WholeFile),
    Remote(FileTask, Writer<File>),
}

impl Unfinished {
    async fn assemble(self) -> Result<Assembled> {
        Ok(match self.output {
            Output::Local(writer) => Assembled::Local(blocking(|| writer.assemble()).await?),
            Output::Remote(writer) => Assembled::Remote(self.task, writer),
        })
    }
}

impl Assembled {
    async fn publish(self) -> Result<u64> {
        match self {
            Self::Local(file) => blocking(|| file.publish()).await,
            // Ends with a step that the statement holds back until all files are there.
            Self::Remote(task, writer) => task.upload(writer).await,
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> ogive_cvc::Result<T> + Send + 'static,
) -> Result<T> {
    SpawnedTask::spawn_blocking(work)
        .join_unwind()
        .await
        .map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?
        .map_err(cvc_error)
}

impl FileTask {
    fn create(&self, columns: &WrittenColumns) -> Result<Output> {
        let (schema, options) = (columns.schema.clone(), self.options.file.clone());
        Ok(match self.local_path() {
            Some(path) => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                Output::Local(FileWriter::create(&path, schema, options).map_err(cvc_error)?)
            }
            None => Output::Remote(
                Writer::new(schema, options, tempfile::tempfile()?).map_err(cvc_error)?,
            ),
        })
    }

    fn local_path(&self) -> Option<PathBuf> {
        if self.store.to_string() != "LocalFileSystem(file:///)" {
            return None;
        }
        crate::scan::local_path(&self.path)
    }

    async fn upload(&self, writer: Writer<File>) -> Result<u64> {
        let finished = writer.finish().map_err(cvc_error)?;
        let rows = finished.rows;
        let failed = |source: object_store::Error| {
            DataFusionError::ObjectStore(Box::new(source))
                .context(format!("writing {}/{}", self.store, self.path))
        };
        let multipart = self.store.put_multipart(&self.path).await.map_err(failed)?;
        let mut upload = WriteMultipart::new_with_chunk_size(multipart, UPLOAD_BYTES);
        upload.put(finished.header.into());
        let mut spool = tokio::fs::File::from_std(finished.spool);
        let mut left = finished.spool_bytes;
        let written: Result<()> = async {
            while left > 0 {
                use tokio::io::AsyncReadExt;
                let size = usize::try_from(left)
                    .unwrap_or(UPLOAD_BYTES)
                    .min(UPLOAD_BYTES);
                let mut part = vec![0; size];
                spool.read_exact(&mut part).await?;
                left -= size as u64;
                upload.wait_for_capacity(4).await.map_err(failed)?;
                upload.put(part.into());
            }
            Ok(())
        }
        .await;
        if let Err(error) = written {
            // The parts that have gone up must not stay behind.
            if let Err(abort) = upload.abort().await {
                return exec_err!("{error}; and the upload could not be aborted: {abort}");
            }
            return Err(error);
        }
        upload.finish().await.map_err(failed)?;
        Ok(rows)
    }
}
