//! Files of `COPY` and `INSERT` appear when the whole query has succeeded.
//!
//! DataFusion's sinks end a file where its batches end, and a query that fails ends them just as one that is done: a
//! half-written file takes its name, and perhaps the place of a good one. So a sink is given a store that holds back the
//! last step of every write:
//!
//! ```text
//! sink:   put_multipart(x.csv) .. put_part .. complete    the parts are written, `complete` is only noted
//! here:   the query succeeded                             complete(x.csv), for every file
//!         it failed, or was dropped                       abort(x.csv)
//! ```
//!
//! On the local disk the bytes of every file lie beside its place until all are renamed; in a bucket they are an upload in
//! parts, or wait in memory when they come in one piece. CVC files on the local disk do the same by themselves.
//!
//! A statement that writes many files publishes all or none, as far as a store can: all bytes are where they will be
//! before the first file has its name, and files that got theirs before one failed are removed again.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::datasource::sink::{DataSink, DataSinkExec};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreRegistry;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan};
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    UploadPart,
};
use parking_lot::Mutex;
use url::Url;

/// Puts a [`StagedSink`] around every sink.
#[derive(Debug, Default)]
pub struct StagedSinks;

impl PhysicalOptimizerRule for StagedSinks {
    fn name(&self) -> &str {
        "staged_sinks"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_down(|node| {
            let Some(exec) = node.downcast_ref::<DataSinkExec>() else {
                return Ok(Transformed::no(node));
            };
            if exec.sink().is::<StagedSink>() {
                return Ok(Transformed::no(node));
            }
            let sink = Arc::new(StagedSink {
                original: exec.clone(),
            });
            let staged =
                DataSinkExec::new(Arc::clone(exec.input()), sink, exec.sort_order().clone());
            Ok(Transformed::yes(Arc::new(staged)))
        })
        .data()
    }
}

/// A sink whose files appear when it has succeeded.
#[derive(Debug)]
struct StagedSink {
    /// The plan that has the sink: it lends it, and does not give it away.
    original: DataSinkExec,
}

impl DisplayAs for StagedSink {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.original.sink().fmt_as(t, f)
    }
}

#[async_trait]
impl DataSink for StagedSink {
    fn metrics(&self) -> Option<MetricsSet> {
        self.original.sink().metrics()
    }

    fn schema(&self) -> &SchemaRef {
        self.original.sink().schema()
    }

    async fn write_all(
        &self,
        data: SendableRecordBatchStream,
        context: &Arc<TaskContext>,
    ) -> Result<u64> {
        let stage = Arc::new(Stage::default());
        let staged = Arc::new(staged_context(context, &stage));
        match self.original.sink().write_all(data, &staged).await {
            Ok(rows) => {
                stage.commit().await?;
                Ok(rows)
            }
            Err(error) => {
                stage.discard().await;
                Err(error)
            }
        }
    }
}

/// The same context with staged stores.
fn staged_context(context: &TaskContext, stage: &Arc<Stage>) -> TaskContext {
    let runtime = context.runtime_env();
    let runtime = RuntimeEnv {
        object_store_registry: Arc::new(StagedStores {
            stores: Arc::clone(&runtime.object_store_registry),
            stage: Arc::clone(stage),
        }),
        ..runtime.as_ref().clone()
    };
    TaskContext::new(
        context.task_id(),
        context.session_id(),
        context.session_config().clone(),
        context.scalar_functions().clone(),
        context.higher_order_functions().clone(),
        context.aggregate_functions().clone(),
        context.window_functions().clone(),
        Arc::new(runtime),
    )
}

/// Writes that lack their last step.
#[derive(Debug, Default)]
struct Stage {
    writes: Mutex<Vec<Write>>,
}

#[derive(Debug)]
struct Write {
    store: Arc<dyn ObjectStore>,
    location: Path,
    step: Step,
}

/// The last step of a write.
#[derive(Debug)]
enum Step {
    Whole(PutPayload, PutOptions),
    Complete(Box<dyn MultipartUpload>),
}

impl Stage {
    /// Takes all last steps. When one fails, files of this statement that are new are removed again; one that took the place
    /// of another cannot be undone, and the error names it.
    async fn commit(&self) -> Result<()> {
        let writes = std::mem::take(&mut *self.writes.lock());
        let are_many = writes.len() > 1;
        let mut writes = writes.into_iter();
        let mut published = Vec::new();
        while let Some(write) = writes.next() {
            let Write {
                store,
                location,
                step,
            } = write;
            let was_there = are_many && store.head(&location).await.is_ok();
            let done = match step {
                Step::Whole(payload, options) => store.put_opts(&location, payload, options).await,
                Step::Complete(mut upload) => upload.complete().await,
            };
            if let Err(error) = done {
                self.writes.lock().extend(writes);
                self.discard().await;
                let left = undo(published).await;
                let error = DataFusionError::from(error);
                return Err(if left.is_empty() {
                    error
                } else {
                    error.context(format!(
                        "not all files could be written, and these have the statement's rows already: {}",
                        left.join(", ")
                    ))
                });
            }
            published.push((store, location, was_there));
        }
        Ok(())
    }

    /// What failed is told already; parts that cannot be removed are told of in the log.
    async fn discard(&self) {
        let writes = std::mem::take(&mut *self.writes.lock());
        for write in writes {
            if let Step::Complete(mut upload) = write.step
                && let Err(error) = upload.abort().await
            {
                log::warn!("parts of an unfinished file are left behind: {error}");
            }
        }
    }
}

/// Removes files that were not there before; gives the names of those that stay.
async fn undo(published: Vec<(Arc<dyn ObjectStore>, Path, bool)>) -> Vec<String> {
    let mut left = Vec::new();
    for (store, location, was_there) in published {
        if was_there || store.delete(&location).await.is_err() {
            left.push(location.to_string());
        }
    }
    left
}

/// Hands out stores that write to a stage.
#[derive(Debug)]
struct StagedStores {
    stores: Arc<dyn ObjectStoreRegistry>,
    stage: Arc<Stage>,
}

impl ObjectStoreRegistry for StagedStores {
    fn register_store(
        &self,
        url: &Url,
        store: Arc<dyn ObjectStore>,
    ) -> Option<Arc<dyn ObjectStore>> {
        self.stores.register_store(url, store)
    }

    fn deregister_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        self.stores.deregister_store(url)
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        Ok(Arc::new(StagedStore {
            store: self.stores.get_store(url)?,
            stage: Arc::clone(&self.stage),
            is_local: url.scheme() == "file",
        }))
    }
}

/// A store whose writes wait for their last step. It prints as the store that it is.
#[derive(Debug)]
struct StagedStore {
    store: Arc<dyn ObjectStore>,
    stage: Arc<Stage>,
    is_local: bool,
}

impl StagedStore {
    fn note(&self, location: &Path, step: Step) {
        self.stage.writes.lock().push(Write {
            store: Arc::clone(&self.store),
            location: location.clone(),
            step,
        });
    }
}

impl fmt::Display for StagedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

/// What a write that waits is answered with.
const NOTED: PutResult = PutResult {
    e_tag: None,
    version: None,
};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for StagedStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        // On disk the bytes go to where there may be no room for them now, and the name is all that is left to do.
        if self.is_local && matches!(options.mode, PutMode::Overwrite) {
            let multipart = PutMultipartOptions {
                attributes: options.attributes,
                tags: options.tags,
                extensions: options.extensions,
            };
            let mut upload = self.store.put_multipart_opts(location, multipart).await?;
            upload.put_part(payload).await?;
            self.note(location, Step::Complete(upload));
        } else {
            self.note(location, Step::Whole(payload, options));
        }
        Ok(NOTED)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        let upload = self.store.put_multipart_opts(location, options).await?;
        Ok(Box::new(StagedUpload {
            upload: Some(upload),
            store: Arc::clone(&self.store),
            location: location.clone(),
            stage: Arc::clone(&self.stage),
        }))
    }

    async fn get_opts(
        &self,
        location: &Path,
        options: GetOptions,
    ) -> object_store::Result<GetResult> {
        self.store.get_opts(location, options).await
    }

    async fn get_ranges(
        &self,
        location: &Path,
        ranges: &[Range<u64>],
    ) -> object_store::Result<Vec<Bytes>> {
        self.store.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.store.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.store.copy_opts(from, to, options).await
    }

    async fn rename_opts(
        &self,
        from: &Path,
        to: &Path,
        options: RenameOptions,
    ) -> object_store::Result<()> {
        self.store.rename_opts(from, to, options).await
    }
}

/// An upload whose completion is noted on the stage.
#[derive(Debug)]
struct StagedUpload {
    /// Until it is complete.
    upload: Option<Box<dyn MultipartUpload>>,
    store: Arc<dyn ObjectStore>,
    location: Path,
    stage: Arc<Stage>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MultipartUpload for StagedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        match &mut self.upload {
            Some(upload) => upload.put_part(data),
            None => Box::pin(async { Err(ended()) }),
        }
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        let upload = self.upload.take().ok_or_else(ended)?;
        self.stage.writes.lock().push(Write {
            store: Arc::clone(&self.store),
            location: self.location.clone(),
            step: Step::Complete(upload),
        });
        Ok(NOTED)
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        match self.upload.take() {
            Some(mut upload) => upload.abort().await,
            None => Err(ended()),
        }
    }
}

fn ended() -> object_store::Error {
    object_store::Error::Generic {
        store: "upload",
        source: "the upload has ended".into(),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::SessionStateBuilder;
    use datafusion::prelude::SessionContext;
    use futures::TryStreamExt;
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    use super::*;

    async fn files(store: &InMemory) -> Vec<String> {
        let listed: Vec<ObjectMeta> = store.list(None).try_collect().await.unwrap();
        listed
            .into_iter()
            .map(|meta| meta.location.to_string())
            .collect()
    }

    #[tokio::test]
    async fn objects_appear_when_the_query_has_succeeded() {
        let state = SessionStateBuilder::new_with_default_features()
            .with_physical_optimizer_rule(Arc::new(StagedSinks))
            .build();
        let context = SessionContext::new_with_state(state);
        let store = Arc::new(InMemory::new());
        context.register_object_store(
            &Url::parse("mem://bucket").unwrap(),
            Arc::clone(&store) as _,
        );
        // The sizes that come in one piece and in parts.
        for (rows, place) in [(10, "small"), (1_000_000, "large")] {
            for kind in ["csv", "json", "parquet", "arrow"] {
                let copy = |divisor: &str| {
                    format!(
                        "COPY (SELECT value * 10 / {divisor} AS x, value AS y FROM generate_series(1, {rows})) \
                         TO 'mem://bucket/{place}.{kind}'"
                    )
                };
                let failing = copy(&format!("(value - {rows} + 1)"));
                let failed = context.sql(&failing).await.unwrap().collect().await;
                assert!(failed.is_err(), "{failing}");
                assert_eq!(files(&store).await, [""; 0], "{failing}");
                let whole = copy("1");
                context.sql(&whole).await.unwrap().collect().await.unwrap();
                let name = format!("{place}.{kind}");
                assert_eq!(files(&store).await, [name.as_str()]);
                store.delete(&Path::from(name)).await.unwrap();
            }
        }
    }
    /// A store that has room for some files and refuses the others.
    #[derive(Debug)]
    struct Refusing {
        store: Arc<InMemory>,
        refused: &'static str,
    }

    impl fmt::Display for Refusing {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Refusing")
        }
    }

    #[async_trait]
    impl ObjectStore for Refusing {
        async fn put_opts(
            &self,
            location: &Path,
            payload: PutPayload,
            options: PutOptions,
        ) -> object_store::Result<PutResult> {
            if location.as_ref().contains(self.refused) {
                return Err(object_store::Error::Generic {
                    store: "Refusing",
                    source: "no room".into(),
                });
            }
            self.store.put_opts(location, payload, options).await
        }

        async fn put_multipart_opts(
            &self,
            location: &Path,
            options: PutMultipartOptions,
        ) -> object_store::Result<Box<dyn MultipartUpload>> {
            self.store.put_multipart_opts(location, options).await
        }

        async fn get_opts(
            &self,
            location: &Path,
            options: GetOptions,
        ) -> object_store::Result<GetResult> {
            self.store.get_opts(location, options).await
        }

        fn delete_stream(
            &self,
            locations: BoxStream<'static, object_store::Result<Path>>,
        ) -> BoxStream<'static, object_store::Result<Path>> {
            self.store.delete_stream(locations)
        }

        fn list(
            &self,
            prefix: Option<&Path>,
        ) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
            self.store.list(prefix)
        }

        async fn list_with_delimiter(
            &self,
            prefix: Option<&Path>,
        ) -> object_store::Result<ListResult> {
            self.store.list_with_delimiter(prefix).await
        }

        async fn copy_opts(
            &self,
            from: &Path,
            to: &Path,
            options: CopyOptions,
        ) -> object_store::Result<()> {
            self.store.copy_opts(from, to, options).await
        }
    }

    #[tokio::test]
    async fn many_files_appear_together() {
        let state = SessionStateBuilder::new_with_default_features()
            .with_physical_optimizer_rule(Arc::new(StagedSinks))
            .build();
        let context = SessionContext::new_with_state(state);
        let store = Arc::new(InMemory::new());
        let refusing = Refusing {
            store: Arc::clone(&store),
            refused: "p=7",
        };
        context.register_object_store(&Url::parse("mem://b").unwrap(), Arc::new(refusing));
        for kind in ["csv", "json", "parquet", "arrow"] {
            let copy = format!(
                "COPY (SELECT value AS x, value % 10 AS p FROM generate_series(1, 100)) TO 'mem://b/t/' STORED AS {kind} PARTITIONED BY (p)"
            );
            let failed = context.sql(&copy).await.unwrap().collect().await;
            let error = failed.unwrap_err().to_string();
            assert!(error.contains("no room"), "{error}");
            assert_eq!(files(&store).await, [""; 0], "{kind}");
        }
    }
}
