//! Opens a partition's files and reads their rows.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion_common::Result;
use datafusion_datasource::PartitionedFile;
use datafusion_datasource::file_stream::{FileOpenFuture, FileOpener};
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use object_store::ObjectStore;

use crate::options::{OnCorruption, ReadOptions};
use crate::scan::access::ChosenIndexes;
use crate::scan::certified::{Certified, IndexMetrics};
use crate::scan::file::ArrayFile;
use crate::scan::file_scan::{FileColumns, FileScan};
use crate::scan::kind::FileKind;
use crate::scan::load::Loader;
use crate::scan::metrics::ScanMetrics;
use crate::scan::opened::{FileCache, OpenedFile, is_local};
use crate::scan::predicate::ScanPredicate;
use crate::scan::request::{RangeRequest, Search};
use crate::scan::spans::{Granularity, spans_of};
use crate::scan::top_k;
use crate::scan::unchanged::refuse_changed;
use crate::warnings::Warnings;

/// Opens the files of one partition.
#[derive(Clone)]
pub struct VectorOpener {
    /// Opened files of the session.
    pub cache: Arc<FileCache>,
    /// Where the files are.
    pub store: Arc<dyn ObjectStore>,
    /// The format.
    pub kind: FileKind,
    /// How to read.
    pub read: ReadOptions,
    /// Columns of the table's files, `_row` last.
    pub file_schema: SchemaRef,
    /// The columns to return, as indices into `file_schema`.
    pub projection: Vec<usize>,
    /// Rows to return.
    pub predicate: Option<Arc<ScanPredicate>>,
    /// Only the nearest rows are wanted.
    pub search: Option<Search>,
    /// Only rows with a distance in a range pass the predicate.
    pub range: Option<RangeRequest>,
    /// Files that are searched through an index.
    pub indexes: Option<ChosenIndexes>,
    /// Counters of such searches.
    pub index_metrics: Option<IndexMetrics>,
    /// Rows a batch at most.
    pub batch_rows: usize,
    /// Counters.
    pub metrics: ScanMetrics,
    /// For damage that does not fail the query.
    pub warnings: Option<Arc<Warnings>>,
}

impl FileOpener for VectorOpener {
    fn open(&self, partitioned: PartitionedFile) -> Result<FileOpenFuture> {
        let opener = self.clone();
        Ok(async move { opener.rows_of(partitioned).await }.boxed())
    }
}

impl VectorOpener {
    async fn rows_of(
        self,
        partitioned: PartitionedFile,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let meta = &partitioned.object_meta;
        let map = self.read.memory_map;
        let (file, cost) = self.cache.open(&self.store, meta, self.kind, map).await?;
        let (listed, name) = (meta.clone(), file.name.clone());
        let is_local = is_local(&self.store);
        self.metrics.add(cost);
        let columns = FileColumns::map(&self.file_schema, &file)?;
        let granularity = self.granularity(&file);
        // Pieces of a chunk must not each cost as much as all of it, and damage is told of by chunk.
        let strict_and_mapped =
            file.bytes.is_mapped() && self.read.on_corruption == OnCorruption::Error;
        let certified = self
            .certified(&partitioned)
            .filter(|_| self.search.is_some() || strict_and_mapped);
        if certified.is_some()
            && partitioned
                .range
                .as_ref()
                .is_some_and(|range| range.start > 0)
        {
            return Ok(stream::empty().boxed());
        }
        let spans = spans_of(
            file.layout.as_ref(),
            partitioned.range.as_ref().filter(|_| certified.is_none()),
            meta.size,
            granularity,
        );
        let spans = match &self.predicate {
            None => spans,
            Some(predicate) => {
                let (kept, pruned) = predicate.prune(file.layout.as_ref(), spans)?;
                self.metrics.chunks_pruned.add(pruned);
                kept
            }
        };
        let loader = Loader {
            file,
            read: self.read,
            metrics: self.metrics.clone(),
            warnings: self.warnings.clone(),
            told: Arc::default(),
        };
        let shares_rows = self.read.share_rows
            && granularity == Granularity::Row
            && strict_and_mapped
            && !self.read.release_behind;
        let scan = FileScan {
            shares_rows,
            output: Arc::new(self.file_schema.project(&self.projection)?),
            projection: self.projection,
            predicate: self.predicate,
            batch_rows: batch_rows(loader.file.layout.as_ref(), self.read, self.batch_rows),
            columns,
            loader,
        };
        // Where reading takes requests, or damage is tolerated, one pass is better than two.
        let range = self.range.filter(|_| strict_and_mapped);
        let search = self
            .search
            .filter(|search| scan.columns.is_searchable(search.request().column));
        let range = range.filter(|range| scan.columns.is_searchable(range.request.column));
        let rows = match (search, range) {
            (Some(search), _) => top_k::nearest(scan, spans, search, certified).await?,
            (None, Some(range)) => top_k::in_range(scan, spans, range, certified).await?,
            (None, None) => scan.stream(spans),
        };
        if !is_local {
            return Ok(rows);
        }
        let unchanged = stream::once(async move { refuse_changed(&listed, &name) });
        let end = unchanged.filter_map(|done| std::future::ready(done.err().map(Err)));
        Ok(rows.chain(end).boxed())
    }

    /// The index of a file, if its search goes through one.
    fn certified(&self, file: &PartitionedFile) -> Option<Certified> {
        let indexes = self.indexes.as_ref()?;
        Some(Certified {
            indexes: Arc::clone(&indexes.indexes),
            chosen: indexes.of(&file.object_meta.location)?.clone(),
            metrics: self.index_metrics.clone()?,
        })
    }

    /// Chunks of an object are read as a whole when their checksum is checked, and where rows
    /// cannot be addressed; they are then not shared between partitions.
    fn granularity(&self, file: &OpenedFile) -> Granularity {
        let layout = file.layout.as_ref();
        let addressable = (0..layout.columns().len())
            .all(|column| layout.chunk_count() == 0 || layout.row_addressable(0, column));
        let verifies =
            self.read.verify && !file.bytes.is_mapped() && layout.record_range(0).is_some();
        if addressable && !verifies {
            Granularity::Row
        } else {
            Granularity::Chunk
        }
    }
}

/// Rows a batch: as many as decode to about `batch_bytes`, so that a batch is still in cache
/// when the next operator reads it.
fn batch_rows(layout: &dyn ArrayFile, read: ReadOptions, rows_max: usize) -> usize {
    let row_bytes: usize = layout
        .columns()
        .iter()
        .map(|column| column.dimension * column.element.primitive_width().unwrap_or(4))
        .sum();
    (read.batch_bytes / row_bytes.max(1)).clamp(64, rows_max.max(64))
}
