//! `ORDER BY <distance> LIMIT k` and ranges of distances through an index: the rows that comparing all of them would find.
//!
//! One partition searches a file's codes, the one that has its first byte; the others have no rows of it. Whatever is wrong
//! with the index, the same partition compares the file's rows instead.

use std::sync::Arc;

use datafusion_common::{DataFusionError, Result};
use datafusion_physical_plan::metrics::{
    Count, ExecutionPlanMetricsSet, MetricBuilder, MetricType,
};
use futures::TryStreamExt;
use ogive_index::flat::{Found, RangeSearch, Search as IndexSearch, Statistics};
use ogive_index::{Bitmap, SearchError};
use ogive_kernels::{Query, Rank};

use crate::blocking::blocking;
use crate::index::{Indexes, OpenIndex};
use crate::scan::access::ChosenIndex;
use crate::scan::exact_rows::{ColumnRows, sample_of};
use crate::scan::file_scan::FileScan;
use crate::scan::request::{BYTES_BETWEEN_YIELDS, RangeRequest, Search};
use crate::scan::spans::Span;

/// A search of one file through its index.
#[derive(Debug, Clone)]
pub struct Certified {
    /// Where the index is opened.
    pub indexes: Arc<Indexes>,
    /// The index.
    pub chosen: ChosenIndex,
    /// Counters.
    pub metrics: IndexMetrics,
}

/// What `EXPLAIN ANALYZE` shows of searches through indexes.
#[derive(Debug, Clone)]
pub struct IndexMetrics {
    codes_scanned: Count,
    decided_by_codes: Count,
    decided_by_second: Count,
    read_exactly: Count,
    codes_bytes: Count,
}

impl IndexMetrics {
    /// Registers the counters of a partition.
    pub fn new(set: &ExecutionPlanMetricsSet, partition: usize) -> Self {
        let counter = |name: &'static str| {
            MetricBuilder::new(set)
                .with_type(MetricType::Summary)
                .counter(name, partition)
        };
        Self {
            codes_scanned: counter("index_codes_scanned"),
            decided_by_codes: counter("index_rows_decided_by_codes"),
            decided_by_second: counter("index_rows_decided_by_second_stage"),
            read_exactly: counter("index_rows_read_exactly"),
            codes_bytes: counter("index_bytes_read"),
        }
    }

    fn add(&self, done: &Statistics) {
        let add = |counter: &Count, more: u64| counter.add(usize::try_from(more).unwrap_or(0));
        add(&self.codes_scanned, done.codes_scanned);
        add(&self.decided_by_codes, done.decided_by_codes);
        add(&self.decided_by_second, done.decided_by_second);
        add(&self.read_exactly, done.read_exactly);
        add(&self.codes_bytes, done.bytes_read);
    }
}

/// An index that is open, with what a search through it needs.
struct Ready {
    index: Arc<OpenIndex>,
    rows: ColumnRows,
    filter: Option<Arc<Bitmap>>,
    /// Whether the search is short and waits for nothing.
    inline: bool,
}

impl Certified {
    /// The rows that can be in the answer, ascending; `None` when all must be compared. `spans` are those of the whole file
    /// that may have rows that pass the predicate.
    pub async fn nearest(
        &self,
        scan: &FileScan,
        spans: &[Span],
        column: usize,
        search: &Search,
        query: &Query,
    ) -> Result<Option<Vec<u64>>> {
        let Some(ready) = self.ready(scan, spans, column).await? else {
            return Ok(None);
        };
        let (k, order) = (search.request().k, search.request().order);
        let wanted = query.clone();
        let found = self
            .run(&ready, move |index, rows, filter| {
                let mut search = IndexSearch::new(&wanted, k);
                search.order = order;
                search.filter = filter;
                index.codes.search(&search, rows)
            })
            .await?;
        let Some(mut found) = found else {
            return Ok(None);
        };
        let is_full = found.rows.len() >= k;
        let last = found.rows.last().map(|(_, value)| *value);
        if let Some(last) = last.filter(|_| is_full) {
            search.threshold().lower_to(Rank::new(order, last));
            if search.request().ties {
                let Some(distance) = last.filter(|value| !value.is_nan()) else {
                    return Ok(None);
                };
                match self.within(&ready, query, distance).await? {
                    Some(all) => found = all,
                    None => return Ok(None),
                }
            }
        }
        Ok(Some(numbers(found)))
    }

    /// The rows that can be in a range of distances, ascending; `None` when all must be compared.
    pub async fn in_range(
        &self,
        scan: &FileScan,
        spans: &[Span],
        column: usize,
        range: &RangeRequest,
        query: &Query,
    ) -> Result<Option<Vec<u64>>> {
        let unfiltered = FileScan {
            predicate: None,
            ..scan.clone()
        };
        let Some(ready) = self.ready(&unfiltered, spans, column).await? else {
            return Ok(None);
        };
        let found = self.within(&ready, query, range.limit).await?;
        Ok(found.map(numbers))
    }

    async fn within(&self, ready: &Ready, query: &Query, distance: f64) -> Result<Option<Found>> {
        let query = query.clone();
        self.run(ready, move |index, rows, filter| {
            let range = RangeSearch {
                query: &query,
                distance,
                filter,
            };
            index.codes.search_range(&range, rows)
        })
        .await
    }

    async fn run(
        &self,
        ready: &Ready,
        search: impl FnOnce(
            &OpenIndex,
            &ColumnRows,
            Option<&Bitmap>,
        ) -> std::result::Result<Found, SearchError<DataFusionError>>
        + Send
        + 'static,
    ) -> Result<Option<Found>> {
        let done = if ready.inline {
            search(&ready.index, &ready.rows, ready.filter.as_deref())
        } else {
            let (index, rows) = (Arc::clone(&ready.index), ready.rows.clone());
            let filter = ready.filter.clone();
            blocking(move || Ok(search(&index, &rows, filter.as_deref()))).await?
        };
        match done {
            Ok(found) => {
                self.metrics.add(&found.statistics);
                ready.index.add(&found.statistics);
                Ok(Some(found))
            }
            Err(SearchError::Rows { source }) => Err(source),
            Err(other) => {
                self.warn(&ready.rows, &other);
                Ok(None)
            }
        }
    }

    async fn ready(&self, scan: &FileScan, spans: &[Span], column: usize) -> Result<Option<Ready>> {
        let Some(rows) = ColumnRows::new(scan.loader.clone(), column) else {
            return Ok(None);
        };
        let (indexes, chosen) = (Arc::clone(&self.indexes), self.chosen.clone());
        let file = Arc::clone(&scan.loader.file);
        let is_small = chosen.sidecar.manifest.file_bytes <= BYTES_BETWEEN_YIELDS as u64;
        let open = move || indexes.open(&chosen.sidecar, &chosen.source, || sample_of(&file));
        let opened = match is_small {
            true => open(),
            false => blocking(move || Ok(open())).await?,
        };
        let index = match opened {
            Ok(index) => index,
            Err(why) => {
                self.warn(&rows, &why);
                return Ok(None);
            }
        };
        let filter = match &scan.predicate {
            None => None,
            Some(predicate) => Some(match index.filter(predicate.expr()) {
                Some(known) => known,
                None => {
                    let bitmap = Arc::new(passing(scan, spans).await?);
                    index.keep_filter(Arc::clone(predicate.expr()), Arc::clone(&bitmap));
                    bitmap
                }
            }),
        };
        let scanned = index.codes.rows() * index.codes.code_bytes() as u64;
        let inline = scan.loader.file.bytes.is_mapped() && scanned <= BYTES_BETWEEN_YIELDS as u64;
        Ok(Some(Ready {
            index,
            rows,
            filter,
            inline,
        }))
    }

    fn warn(&self, rows: &ColumnRows, why: &dyn std::fmt::Display) {
        let (sidecar, source) = (&self.chosen.sidecar, &self.chosen.source);
        self.indexes.warn_of(rows.warnings(), sidecar, source, why);
    }
}

/// The rows of a file that pass the predicate.
async fn passing(scan: &FileScan, spans: &[Span]) -> Result<Bitmap> {
    let mut bitmap = Bitmap::empty(scan.loader.file.layout.rows());
    let stored = scan.stored(scan.predicate_columns().iter().copied());
    let mut loaded = scan.loaded(spans.to_vec(), stored);
    while let Some(span) = loaded.try_next().await? {
        for (span, rows) in scan.pieces(&Arc::new(span)) {
            match scan.mask(&span, rows.clone())? {
                None => rows.for_each(|row| bitmap.insert(row)),
                Some(mask) => {
                    let passing = mask.values().set_indices();
                    passing.for_each(|index| bitmap.insert(rows.start + index as u64));
                }
            }
        }
    }
    Ok(bitmap)
}

fn numbers(found: Found) -> Vec<u64> {
    let mut rows: Vec<u64> = found.rows.into_iter().map(|(row, _)| row).collect();
    rows.sort_unstable();
    rows
}
