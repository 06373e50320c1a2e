//! `pages(path)`: the pages of files and devices, in order.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int64Array};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use datafusion_common::Result;
use datafusion_datasource::ListingTableUrl;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_physical_plan::streaming::PartitionStream;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use super::files::{self, PageFile};
use crate::listing::listing_url;

/// Bytes of a batch: enough that a batch of pages is worth waking other threads for, and few enough for a cache.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// Pages of one or more files, one after the other; each counts its own from 0.
#[derive(Debug, Clone)]
pub(super) struct PageSource {
    path: String,
    url: ListingTableUrl,
    page_bytes: usize,
    schema: SchemaRef,
}

impl PageSource {
    pub(super) fn new(path: String, page_bytes: usize) -> Result<Self> {
        let schema = Schema::new(vec![
            Field::new("page", DataType::Int64, false),
            Field::new("start", DataType::Int64, false),
            Field::new("bytes", DataType::Binary, false),
        ]);
        Ok(Self {
            url: listing_url(&path)?,
            path,
            page_bytes,
            schema: Arc::new(schema),
        })
    }

    async fn batches(
        self,
        context: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let files = files::open(&self.url, &self.path, &context).await?;
        let each = files.into_iter().map(move |file| {
            let (source, file) = (self.clone(), Arc::new(file));
            let step = (BATCH_BYTES / source.page_bytes).max(1) as u64 * source.page_bytes as u64;
            let starts = (0..file.length()).step_by(step as usize);
            stream::iter(starts)
                .then(move |start| source.clone().batch(Arc::clone(&file), start, step))
        });
        Ok(stream::iter(each).flatten().boxed())
    }

    /// The pages from byte `start` on, up to `step` bytes of them.
    async fn batch(self, file: Arc<PageFile>, start: u64, step: u64) -> Result<RecordBatch> {
        let range = start..(start + step).min(file.length());
        let bytes = file.read(range.clone()).await?;
        // What was read before is not read again.
        if let Some(before) = start.checked_sub(4 * step) {
            file.release(&(before..before + step));
        }
        let batch = self.pages(start, bytes)?;
        // Reading memory does not wait for anything; others want to run, too.
        tokio::task::yield_now().await;
        Ok(batch)
    }

    fn pages(&self, start: u64, bytes: Bytes) -> Result<RecordBatch> {
        let length = bytes.len();
        let ends = (0..length)
            .step_by(self.page_bytes)
            .map(|start| (start + self.page_bytes).min(length) as i32);
        let offsets: Vec<i32> = std::iter::once(0).chain(ends).collect();
        let starts: Vec<i64> = (0..length)
            .step_by(self.page_bytes)
            .map(|at| (start + at as u64).cast_signed())
            .collect();
        let page = |start: &i64| start / self.page_bytes as i64;
        // The pages are where they were read: nothing is copied.
        let values = BinaryArray::try_new(
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Buffer::from(bytes),
            None,
        )?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(starts.iter().map(page).collect::<Int64Array>()),
            Arc::new(Int64Array::from(starts)),
            Arc::new(values),
        ];
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

impl PartitionStream for PageSource {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let source = self.clone();
        let batches = stream::once(source.batches(context)).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches,
        ))
    }
}
