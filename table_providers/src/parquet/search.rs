//! `ORDER BY <distance> LIMIT k` over the pages of Parquet files.
//!
//! The vector column is searched where it lies; then DataFusion's own reader fetches the other
//! columns of the winners, and their vectors come from the pages that were searched.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeListArray, Float16Array, Float32Array, Float64Array, ListArray,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion_common::{Result, exec_datafusion_err, internal_err};
use datafusion_datasource::PartitionedFile;
use datafusion_datasource::file::FileSource;
use datafusion_datasource::file_groups::FileGroup;
use datafusion_datasource::file_scan_config::{FileScanConfig, FileScanConfigBuilder};
use datafusion_datasource::source::DataSourceExec;
use datafusion_datasource_parquet::ParquetRowSelection;
use datafusion_datasource_parquet::source::ParquetSource;
use datafusion_execution::TaskContext;
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_expr::projection::{ProjectionExpr, ProjectionExprs};
use datafusion_physical_plan::ExecutionPlan;
use futures::TryStreamExt;
use ogive_kernels::{Encoding, Query, Rows, SharedThreshold, TopK};
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};

use super::pages::{VectorPage, VectorPages};
use super::vectors::ParquetVectors;
use crate::options::OgiveOptions;
use crate::scan::{BYTES_BETWEEN_YIELDS, K_MAX, Search, Span, TopKRequest, refuse_changed};

/// The files of a Parquet scan with their vector column found.
#[derive(Debug)]
pub struct ParquetSearch {
    config: FileScanConfig,
    /// The vector column in the table's schema.
    column: usize,
    /// By file group, then by file.
    groups: Vec<Vec<Arc<VectorPages>>>,
}

impl ParquetSearch {
    /// The scan's files, opened; `None` when the scan has to be run as it is: a file is not local,
    /// is compressed, has NULL vectors or vectors of several lengths, or rows are filtered.
    ///
    /// `column` is in terms of what the scan returns.
    pub async fn open(
        config: &FileScanConfig,
        column: usize,
        cache: &ParquetVectors,
        context: &TaskContext,
    ) -> Result<Option<Self>> {
        let source = config.file_source();
        if !source.is::<ParquetSource>() || source.filter().is_some() || config.limit.is_some() {
            return Ok(None);
        }
        let schema = source.table_schema();
        let Some(columns) = plain_columns(source.as_ref()) else {
            return Ok(None);
        };
        let Some(field) = columns
            .get(column)
            .and_then(|column| schema.file_schema().fields().get(*column))
        else {
            return Ok(None);
        };
        let store = context
            .runtime_env()
            .object_store(&config.object_store_url)?;
        let map = OgiveOptions::memory_map_of(context.session_config().options());
        let mut groups = Vec::with_capacity(config.file_groups.len());
        for group in &config.file_groups {
            let mut opened = Vec::with_capacity(group.len());
            for file in group.iter() {
                // A selection of rows is somebody else's request.
                if file.extensions.get::<ParquetRowSelection>().is_some()
                    || file
                        .extensions
                        .get::<datafusion_datasource_parquet::ParquetAccessPlan>()
                        .is_some()
                {
                    return Ok(None);
                }
                match cache.open(&store, &file.object_meta, field, map).await? {
                    Some(pages) => opened.push(pages),
                    None => return Ok(None),
                }
            }
            groups.push(opened);
        }
        Ok(Some(Self {
            config: config.clone(),
            column,
            groups,
        }))
    }

    /// The rows of a partition that can be among the nearest; `None` when the vectors are not of
    /// the query's dimension.
    pub async fn nearest(
        &self,
        partition: usize,
        request: &TopKRequest,
        context: &Arc<TaskContext>,
    ) -> Result<Option<(Vec<RecordBatch>, usize)>> {
        let search = request.open(partition);
        let (Some(files), Some(opened)) = (
            self.config.file_groups.get(partition),
            self.groups.get(partition),
        ) else {
            return internal_err!("no file group {partition}");
        };
        let options = context.session_config().options();
        let shares_rows = options.execution.enable_file_stream_work_stealing && request.k <= K_MAX;
        let mut batches = Vec::new();
        let mut scanned = 0;
        for (file, pages) in files.iter().zip(opened) {
            let mine = spans_in(pages, file);
            let Some(query) = search.query(pages.dimension)? else {
                return Ok(None);
            };
            let rows = nearest_rows(pages, mine, query, &search, shares_rows, &mut scanned).await?;
            if !rows.is_empty() {
                batches.extend(self.winners(file, pages, &rows, context).await?);
            }
            refuse_changed(
                &file.object_meta,
                &format!("/{}", file.object_meta.location),
            )?;
        }
        Ok(Some((batches, scanned)))
    }

    /// Whether every file's vectors are of the query's dimension.
    pub fn fits(&self, request: &TopKRequest) -> Result<bool> {
        for pages in self.groups.iter().flatten() {
            if request.query_of(pages.dimension)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn winners(
        &self,
        file: &PartitionedFile,
        pages: &VectorPages,
        rows: &[u64],
        context: &Arc<TaskContext>,
    ) -> Result<Vec<RecordBatch>> {
        let schema = self.config.projected_schema()?;
        let vectors = gather(pages, rows, schema.field(self.column).data_type())?;
        let others: Vec<usize> = (0..schema.fields().len())
            .filter(|column| *column != self.column)
            .collect();
        let read = if others.is_empty() {
            Vec::new()
        } else {
            self.read_others(file, pages.rows, rows, &others, context)
                .await?
        };
        let mut at = 0;
        let mut batches = Vec::new();
        if others.is_empty() {
            batches.push(assemble(&schema, self.column, vectors, None)?);
            return Ok(batches);
        }
        for batch in read {
            let part = vectors.slice(at, batch.num_rows().min(rows.len() - at));
            at += part.len();
            batches.push(assemble(&schema, self.column, part, Some(&batch))?);
        }
        if at != rows.len() {
            return internal_err!("asked for {} rows of a Parquet file, got {at}", rows.len());
        }
        Ok(batches)
    }

    /// The columns beside the vector, of some rows of a file, by DataFusion's reader.
    async fn read_others(
        &self,
        file: &PartitionedFile,
        file_rows: u64,
        rows: &[u64],
        others: &[usize],
        context: &Arc<TaskContext>,
    ) -> Result<Vec<RecordBatch>> {
        let mut selectors = Vec::new();
        let mut next = 0;
        for row in rows {
            selectors.push(RowSelector::skip((row - next) as usize));
            selectors.push(RowSelector::select(1));
            next = row + 1;
        }
        selectors.push(RowSelector::skip((file_rows - next) as usize));
        let mut chosen = file.clone();
        chosen.range = None;
        chosen
            .extensions
            .insert(ParquetRowSelection::new(RowSelection::from(selectors)));

        let source = self.config.file_source();
        let schema = self.config.projected_schema()?;
        let projection = ProjectionExprs::new(others.iter().map(|column| {
            let name = schema.field(*column).name();
            ProjectionExpr::new(Arc::new(Column::new(name, *column)), name.clone())
        }));
        let Some(source) = source.try_pushdown_projection(&projection)? else {
            return internal_err!("a Parquet scan refused a projection of columns");
        };
        let config = FileScanConfigBuilder::from(self.config.clone())
            .with_source(source)
            .with_file_groups(vec![FileGroup::new(vec![chosen])])
            .with_preserve_order(true)
            .build();
        DataSourceExec::from_data_source(config)
            .execute(0, Arc::clone(context))?
            .try_collect()
            .await
    }
}

/// The table's columns that a scan returns, if it returns columns and nothing else.
fn plain_columns(source: &dyn FileSource) -> Option<Vec<usize>> {
    let projection = source.projection()?;
    projection
        .iter()
        .map(|projected| {
            projected
                .expr
                .downcast_ref::<Column>()
                .map(|column| column.index())
        })
        .collect()
}

/// The rows of the pages of a file's byte range: those pages whose middle lies in it.
fn spans_in(pages: &VectorPages, file: &PartitionedFile) -> Vec<Span> {
    let range = match &file.range {
        Some(range) => range.start.unsigned_abs()..range.end.unsigned_abs(),
        None => 0..u64::MAX,
    };
    let all = pages.pages.iter().enumerate();
    all.filter(|(_, page)| {
        let middle = page.offset + page.values.len() as u64 / 2;
        range.contains(&middle.min(file.object_meta.size.saturating_sub(1)))
    })
    .map(|(chunk, page)| Span {
        chunk,
        rows: page.first_row..page.first_row + page.rows as u64,
    })
    .collect()
}

async fn nearest_rows(
    pages: &Arc<VectorPages>,
    mine: Vec<Span>,
    query: Query,
    search: &Search,
    shares_rows: bool,
    scanned: &mut usize,
) -> Result<Vec<u64>> {
    let request = search.request();
    let mut top_k = TopK::new(query.clone(), request.k, request.order);
    let threshold = search.threshold();
    let mut bytes = 0;
    let candidates = if shares_rows {
        let row_bytes = pages.dimension * pages.encoding.width();
        let file = Arc::clone(pages);
        let mut turns = search.rows().begin(file, mine.clone(), row_bytes);
        while let Some(piece) = turns.next() {
            *scanned += scan(pages, &piece.span, &mut top_k, threshold, &mut bytes).await?;
            turns.searched(piece, |rows| top_k.results_in(rows, threshold));
        }
        turns.candidates(&mut top_k, threshold)
    } else {
        for span in &mine {
            *scanned += scan(pages, span, &mut top_k, threshold, &mut bytes).await?;
        }
        top_k.candidates(threshold)
    };
    if !request.ties {
        return Ok(candidates);
    }
    // The k-th value is known now. One more pass takes every row up to it, ties included.
    let exactly = SharedThreshold::new();
    exactly.lower_to(threshold.get());
    top_k = TopK::new(query, usize::MAX, request.order);
    for span in &mine {
        *scanned += scan(pages, span, &mut top_k, &exactly, &mut bytes).await?;
    }
    Ok(top_k.candidates(&exactly))
}

/// Searches rows of one page; returns how many. `bytes` are those looked at since others could run.
async fn scan(
    pages: &VectorPages,
    span: &Span,
    top_k: &mut TopK,
    threshold: &SharedThreshold,
    bytes: &mut usize,
) -> Result<usize> {
    let Some(page) = pages.pages.get(span.chunk) else {
        return internal_err!("no page {}", span.chunk);
    };
    let (first, count) = (span.rows.start - page.first_row, span.count() as usize);
    let block = rows_of_page(pages, page, first as usize..first as usize + count)?;
    top_k.scan(&block, span.rows.start, None, threshold);
    *bytes += block.bytes().len();
    if *bytes >= BYTES_BETWEEN_YIELDS {
        *bytes = 0;
        tokio::task::yield_now().await;
    }
    Ok(count)
}

fn rows_of_page<'a>(
    pages: &VectorPages,
    page: &'a VectorPage,
    rows: Range<usize>,
) -> Result<Rows<'a>> {
    let all = Rows::with_rows(&page.values, page.rows, pages.dimension, pages.encoding)
        .map_err(|e| exec_datafusion_err!("Parquet page at offset {}: {e}", page.offset))?;
    Ok(all.slice(rows))
}

/// The vectors of some rows, as the table's type.
fn gather(pages: &VectorPages, rows: &[u64], data_type: &DataType) -> Result<ArrayRef> {
    let row_bytes = pages.dimension * pages.encoding.width();
    let mut bytes = Vec::with_capacity(rows.len() * row_bytes);
    for row in rows {
        let index = pages
            .pages
            .partition_point(|page| page.first_row + page.rows as u64 <= *row);
        let Some(page) = pages.pages.get(index) else {
            return internal_err!("no page holds row {row}");
        };
        let start = (*row - page.first_row) as usize;
        bytes.extend_from_slice(rows_of_page(pages, page, start..start + 1)?.bytes());
    }
    let buffer = Buffer::from_vec(bytes);
    let elements: ArrayRef = match pages.encoding {
        Encoding::F16 => Arc::new(Float16Array::new(aligned(buffer), None)),
        Encoding::F64 => Arc::new(Float64Array::new(aligned(buffer), None)),
        _ => Arc::new(Float32Array::new(aligned(buffer), None)),
    };
    Ok(match data_type {
        DataType::FixedSizeList(field, length) => Arc::new(FixedSizeListArray::try_new(
            Arc::clone(field),
            *length,
            elements,
            None,
        )?),
        DataType::List(field) => Arc::new(ListArray::try_new(
            Arc::clone(field),
            OffsetBuffer::from_lengths(rows.iter().map(|_| pages.dimension)),
            elements,
            None,
        )?),
        other => return internal_err!("cannot return vectors as {other}"),
    })
}

/// The numbers of a buffer, copied if it happens to lie at an odd address.
fn aligned<T: arrow::datatypes::ArrowNativeType>(buffer: Buffer) -> ScalarBuffer<T> {
    if buffer.as_ptr().align_offset(align_of::<T>()) == 0 {
        return ScalarBuffer::from(buffer);
    }
    let mut copy = arrow::buffer::MutableBuffer::new(buffer.len());
    copy.extend_from_slice(buffer.as_slice());
    ScalarBuffer::from(Buffer::from(copy))
}

fn assemble(
    schema: &SchemaRef,
    column: usize,
    vectors: ArrayRef,
    others: Option<&RecordBatch>,
) -> Result<RecordBatch> {
    let rows = vectors.len();
    let mut columns: Vec<ArrayRef> = others.map_or_else(Vec::new, |batch| batch.columns().to_vec());
    columns.insert(column.min(columns.len()), vectors);
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}
