//! `ORDER BY <distance> LIMIT k` inside the scan.
//!
//! Distances are computed over the stored codes, block by block; only the rows that can be in
//! the result are decoded. What comes out is a superset of the true `k` nearest of the whole
//! query together with those of the other partitions, so DataFusion's own Sort and Limit above
//! give the answer.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion_common::{Result, ScalarValue, exec_datafusion_err};
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::PhysicalExpr;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use ogive_kernels::{
    InstructionSet, Metric, Order, Precision, Query, Rank, Rows, SharedThreshold, TopK,
};
use ogive_udfs::{constant_vector, rows_of};
use parking_lot::Mutex;

use crate::options::OnCorruption;
use crate::scan::file::ColumnEncoding;
use crate::scan::file_scan::FileScan;
use crate::scan::load::LoadedSpan;
use crate::scan::shared_rows::{K_MAX, SharedRows, Turns};
use crate::scan::spans::Span;

/// Bytes scanned between two points at which other work of the process may run. Not fewer: a yield asks the whole runtime for
/// such work and wakes a thread that has none.
pub(crate) const BYTES_BETWEEN_YIELDS: usize = 16 * 1024 * 1024;

/// The `k` rows that come first by a distance.
#[derive(Debug, Clone)]
pub struct TopKRequest {
    /// The distance.
    pub metric: Metric,
    /// How precise distances are.
    pub precision: Precision,
    /// The instructions that distances are computed with.
    pub instructions: InstructionSet,
    /// The vector column, as an index into the file schema.
    pub column: usize,
    /// Its name, for `EXPLAIN`.
    pub column_name: String,
    /// The query vector: no columns, evaluated once when the scan starts.
    pub query: Arc<dyn PhysicalExpr>,
    /// How many rows.
    pub k: usize,
    /// Ascending or descending, and where NULL goes.
    pub order: Order,
    /// Further sort keys follow: every row as far as the `k`-th must be returned.
    pub ties: bool,
    shared: Arc<Mutex<Execution>>,
}

/// What the partitions of one execution share.
#[derive(Debug, Default)]
struct Execution {
    opened: Vec<usize>,
    threshold: Arc<SharedThreshold>,
    rows: Arc<SharedRows>,
}

impl TopKRequest {
    /// A request; `query` has no columns.
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request")]
    pub fn new(
        metric: Metric,
        precision: Precision,
        column: usize,
        column_name: String,
        query: Arc<dyn PhysicalExpr>,
        k: usize,
        order: Order,
        ties: bool,
    ) -> Self {
        Self {
            metric,
            precision,
            instructions: ogive_kernels::active_instruction_set(),
            column,
            column_name,
            query,
            k,
            order,
            ties,
            shared: Arc::default(),
        }
    }

    /// The same request, answered by other instructions.
    pub fn with_instructions(mut self, instructions: InstructionSet) -> Self {
        self.instructions = instructions;
        self
    }

    /// The search of one partition. Partitions of one execution share a threshold and look at rows
    /// for each other; a plan that is run again starts afresh.
    pub fn open(&self, partition: usize) -> Search {
        let mut execution = self.shared.lock();
        if execution.opened.contains(&partition) {
            *execution = Execution::default();
        }
        execution.opened.push(partition);
        Search {
            request: self.clone(),
            threshold: Arc::clone(&execution.threshold),
            rows: Arc::clone(&execution.rows),
        }
    }
}

impl TopKRequest {
    /// The query vector for vectors of `dimension`; `None` when there is nothing to search with:
    /// it is NULL or of another dimension, which the distance function deals with.
    pub fn query_of(&self, dimension: usize) -> Result<Option<Query>> {
        let one_row = RecordBatch::try_new_with_options(
            Arc::new(Schema::empty()),
            vec![],
            &RecordBatchOptions::new().with_row_count(Some(1)),
        )?;
        let value = match self.query.evaluate(&one_row)? {
            ColumnarValue::Scalar(value) => value,
            ColumnarValue::Array(array) => ScalarValue::try_from_array(&array, 0)?,
        };
        let vector = constant_vector(&value)?;
        Ok(vector
            .filter(|vector| vector.len() == dimension)
            .map(|vector| {
                Query::new(self.metric, &vector)
                    .with_precision(self.precision)
                    .with_instruction_set(self.instructions)
            }))
    }
}

impl fmt::Display for TopKRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TopKRequest {
            metric,
            column_name,
            k,
            order,
            ..
        } = self;
        write!(f, "[{}({column_name}), k={k}", metric.short_name())?;
        if order.descending {
            write!(f, ", desc")?;
        }
        write!(f, ", access=exact]")
    }
}

/// A request under way in one partition.
#[derive(Debug, Clone)]
pub struct Search {
    request: TopKRequest,
    threshold: Arc<SharedThreshold>,
    rows: Arc<SharedRows>,
}

impl Search {
    /// [`TopKRequest::query_of`].
    pub fn query(&self, dimension: usize) -> Result<Option<Query>> {
        self.request.query_of(dimension)
    }

    /// What is searched for.
    pub fn request(&self) -> &TopKRequest {
        &self.request
    }

    /// What the partitions of the execution tell each other.
    pub fn threshold(&self) -> &SharedThreshold {
        &self.threshold
    }

    /// What the partitions of the execution have left to search.
    pub(crate) fn rows(&self) -> &Arc<SharedRows> {
        &self.rows
    }
}

/// `WHERE <distance> < limit`: only rows whose distance comes before a limit are wanted.
#[derive(Debug, Clone)]
pub struct RangeRequest {
    /// The distance, and the order in which the limit comes last.
    pub request: TopKRequest,
    /// The last distance wanted.
    pub limit: f64,
}

impl fmt::Display for RangeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = &self.request;
        let sign = if request.order.descending { ">" } else { "<" };
        write!(
            f,
            "[{}({}) {sign} {}]",
            request.metric.short_name(),
            request.column_name,
            self.limit
        )
    }
}

/// Files of which more than one row in this many is in range are read as a whole.
const RANGE_SPARSE: usize = 8;
/// Runs of matching rows that are handed on as one batch.
const RUNS_A_BATCH: usize = 64;

/// The rows of one file that pass its filter, found by the screen of a range that the filter asks for.
pub async fn in_range(
    scan: FileScan,
    spans: Vec<Span>,
    range: RangeRequest,
) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    let layout = Arc::clone(&scan.loader.file.layout);
    let column = scan.columns.get(range.request.column);
    let dimension = layout.columns().get(column).map(|column| column.dimension);
    let query = match dimension {
        Some(dimension) => range.request.query_of(dimension)?,
        None => None,
    };
    let Some(query) = query else {
        return Ok(scan.stream(spans));
    };
    let order = range.request.order;
    let threshold = SharedThreshold::new();
    threshold.lower_to(Rank::new(order, Some(range.limit)));
    let mut top_k = TopK::new(query, usize::MAX, order);
    let blind = FileScan {
        predicate: None,
        ..scan.clone()
    };
    let loaded = blind.loaded(spans.clone(), blind.searched(column));
    search_loaded(&blind, loaded, column, &mut top_k, &threshold).await?;
    let rows = top_k.candidates(&threshold);
    let all: u64 = spans.iter().map(Span::count).sum();
    if rows.len() as u64 * RANGE_SPARSE as u64 > all {
        return Ok(scan.stream(spans));
    }
    let wanted = scan
        .projection
        .iter()
        .chain(scan.predicate_columns())
        .copied()
        .collect::<Vec<_>>();
    let loaded = scan.loaded(runs(&scan, rows), scan.stored(wanted));
    let output = Arc::clone(&scan.output);
    Ok(loaded
        .map(move |span: Result<LoadedSpan>| {
            let span = span?;
            scan.batch(&span, span.span.rows.clone())
        })
        .try_filter_map(|batch| std::future::ready(Ok(batch)))
        .try_chunks(RUNS_A_BATCH)
        .map(move |batches| {
            let batches = batches.map_err(|error| error.1)?;
            Ok(arrow::compute::concat_batches(&output, &batches)?)
        })
        .boxed())
}

/// Rows by number, ascending, as runs within chunks.
fn runs(scan: &FileScan, rows: Vec<u64>) -> Vec<Span> {
    let layout = &scan.loader.file.layout;
    let mut spans: Vec<Span> = Vec::new();
    for row in rows {
        let chunk = layout.chunk_of(row);
        match spans.last_mut() {
            Some(last) if last.chunk == chunk && last.rows.end == row => last.rows.end += 1,
            _ => spans.push(Span {
                chunk,
                rows: row..row + 1,
            }),
        }
    }
    spans
}

/// The nearest rows of one file.
pub async fn nearest(
    scan: FileScan,
    spans: Vec<Span>,
    search: Search,
) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    let layout = Arc::clone(&scan.loader.file.layout);
    let column = scan.columns.get(search.request.column);
    let dimension = layout
        .columns()
        .get(column)
        .map(|column| column.dimension)
        .ok_or_else(|| exec_datafusion_err!("top-k over a column that the file does not have"))?;
    let Some(query) = search.query(dimension)? else {
        return Ok(scan.stream(spans));
    };
    let Search {
        request,
        threshold,
        rows,
    } = search;
    let searched = scan.searched(column);
    let mut top_k = TopK::new(query.clone(), request.k, request.order);
    let candidates = match spans.first() {
        Some(first) if scan.shares_rows && request.k <= K_MAX => {
            let row_bytes = scan.loader.span_bytes(first, &searched) / first.count();
            let file = Arc::clone(&scan.loader.file);
            let turns = rows.begin(file, spans.clone(), row_bytes as usize);
            search_in_turns(&scan, turns, &searched, column, &mut top_k, &threshold).await?
        }
        _ => {
            let loaded = scan.loaded(spans.clone(), searched.clone());
            search_loaded(&scan, loaded, column, &mut top_k, &threshold).await?;
            top_k.candidates(&threshold)
        }
    };
    if !request.ties {
        return winners(scan, candidates);
    }
    // The k-th value is known now. One more pass takes every row up to it, ties included.
    let exactly = SharedThreshold::new();
    exactly.lower_to(threshold.get());
    top_k = TopK::new(query, usize::MAX, request.order);
    let loaded = scan.loaded(spans, searched);
    search_loaded(&scan, loaded, column, &mut top_k, &exactly).await?;
    winners(scan, top_k.candidates(&exactly))
}

/// Searches a partition's rows, and others' when it is through; returns the candidates among its own.
async fn search_in_turns(
    scan: &FileScan,
    mut turns: Turns,
    searched: &[usize],
    column: usize,
    top_k: &mut TopK,
    threshold: &SharedThreshold,
) -> Result<Vec<u64>> {
    let mut bytes = 0;
    while let Some(piece) = turns.next() {
        for span in scan.loader.load(vec![piece.span.clone()], searched).await? {
            search_span(scan, span, column, top_k, threshold, &mut bytes).await?;
        }
        turns.searched(piece, |rows| top_k.results_in(rows, threshold));
    }
    Ok(turns.candidates(top_k, threshold))
}

async fn search_loaded(
    scan: &FileScan,
    mut loaded: BoxStream<'static, Result<LoadedSpan>>,
    column: usize,
    top_k: &mut TopK,
    threshold: &SharedThreshold,
) -> Result<()> {
    let mut bytes = 0;
    while let Some(span) = loaded.try_next().await? {
        search_span(scan, span, column, top_k, threshold, &mut bytes).await?;
    }
    Ok(())
}

/// Searches the rows of a span; `bytes` are those looked at since others could run.
async fn search_span(
    scan: &FileScan,
    span: LoadedSpan,
    column: usize,
    top_k: &mut TopK,
    threshold: &SharedThreshold,
    bytes: &mut usize,
) -> Result<()> {
    for (span, rows) in search_pieces(scan, column, &Arc::new(span)) {
        scan.loader
            .metrics
            .rows_scanned
            .add((rows.end - rows.start) as usize);
        *bytes += search_rows(scan, &span, column, rows.clone(), top_k, threshold)?;
        scan.loader.done_with(&span, &[column], &rows);
        if *bytes >= BYTES_BETWEEN_YIELDS {
            *bytes = 0;
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

/// Runs of rows to search at a time: a batch when a filter has to be evaluated or values have to
/// be decoded first, otherwise as much as may pass between two yields.
fn search_pieces(
    scan: &FileScan,
    column: usize,
    span: &Arc<LoadedSpan>,
) -> Vec<(Arc<LoadedSpan>, Range<u64>)> {
    let layout = &scan.loader.file.layout;
    let encoding = layout.column_encoding(span.span.chunk, column);
    let dimension = layout
        .columns()
        .get(column)
        .map_or(1, |column| column.dimension);
    match encoding {
        ColumnEncoding::Rows(encoding) if scan.predicate.is_none() && span.filled.is_none() => {
            let row_bytes = (dimension * encoding.width()).max(1);
            let step = (BYTES_BETWEEN_YIELDS / row_bytes).max(256) as u64;
            let rows = span.span.rows.clone();
            (rows.start..rows.end)
                .step_by(step as usize)
                .map(|start| (Arc::clone(span), start..rows.end.min(start + step)))
                .collect()
        }
        _ => scan.pieces(span).collect(),
    }
}

/// Searches some rows; returns the bytes looked at.
fn search_rows(
    scan: &FileScan,
    span: &LoadedSpan,
    column: usize,
    rows: Range<u64>,
    top_k: &mut TopK,
    threshold: &SharedThreshold,
) -> Result<usize> {
    let mask = scan.mask(span, rows.clone())?;
    if mask.as_ref().is_some_and(|mask| mask.true_count() == 0) {
        return Ok(0);
    }
    let selected: Option<Vec<bool>> = mask.as_ref().map(selection);
    let layout = &scan.loader.file.layout;
    let dimension = layout
        .columns()
        .get(column)
        .map_or(0, |column| column.dimension);
    let count = (rows.end - rows.start) as usize;
    if let (ColumnEncoding::Rows(encoding), None) =
        (layout.column_encoding(span.span.chunk, column), span.filled)
    {
        let (held, bytes) = span.column(column)?;
        let row_bytes = dimension * encoding.width();
        let start = (rows.start - held.start) as usize * row_bytes;
        let codes = bytes
            .get(start..start + count * row_bytes)
            .ok_or_else(|| exec_datafusion_err!("{}: a span is short", scan.loader.file.name))?;
        let block = Rows::with_rows(codes, count, dimension, encoding)
            .map_err(|e| exec_datafusion_err!("{}: {e}", scan.loader.file.name))?;
        top_k.scan(&block, rows.start, selected.as_deref(), threshold);
        return Ok(codes.len());
    }
    let array = scan.loader.array(span, column, rows.clone())?;
    let decoded = match rows_of(array.as_ref()) {
        Some(block) => Some(block),
        None => {
            let message = format!("cannot search a column of type {}", array.data_type());
            return Err(exec_datafusion_err!("{message}"));
        }
    };
    if let Some(block) = decoded {
        top_k.scan(&block, rows.start, selected.as_deref(), threshold);
    }
    Ok(count * dimension * 4)
}

fn selection(mask: &BooleanArray) -> Vec<bool> {
    mask.values().iter().collect()
}

/// The rows that won, with every projected column; nothing else of the file is read for them.
fn winners(scan: FileScan, rows: Vec<u64>) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    let spans = runs(&scan, rows);
    let columns = scan.stored(scan.projection.iter().copied());
    let mut loader = scan.loader.clone();
    if !loader.file.bytes.is_mapped() && !matches!(loader.read.on_corruption, OnCorruption::Fill(_))
    {
        // The chunks were checked when they were searched; now single rows are enough.
        loader.read.verify = false;
    }
    let scan = FileScan {
        loader,
        predicate: None,
        ..scan
    };
    let loaded = scan.loaded(spans, columns);
    let output: SchemaRef = Arc::clone(&scan.output);
    let batches: BoxStream<'static, Result<RecordBatch>> = loaded
        .map(move |span: Result<LoadedSpan>| {
            let span = span?;
            let rows = span.span.rows.clone();
            let batch = scan.decode(&span, rows, &scan.projection, Arc::clone(&scan.output))?;
            scan.loader.metrics.rows_decoded.add(batch.num_rows());
            Ok(batch)
        })
        .boxed();
    // Winners lie apart, so each decodes to a batch of a row or two: hand them on together.
    Ok(stream::once(async move {
        let batches: Vec<RecordBatch> = batches.try_collect().await?;
        Ok(arrow::compute::concat_batches(&output, &batches)?)
    })
    .try_filter(|batch| std::future::ready(batch.num_rows() > 0))
    .boxed())
}

/// Whether a column's values are lists that [`rows_of`] understands.
pub fn is_searchable(data_type: &arrow::datatypes::DataType) -> bool {
    use arrow::datatypes::DataType::{FixedSizeList, Float16, Float32, Float64, Int8, UInt8};
    matches!(data_type, FixedSizeList(element, _)
        if matches!(element.data_type(), Float16 | Float32 | Float64 | Int8 | UInt8))
}
