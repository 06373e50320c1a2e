//! One search while it runs: what is excluded, what is read, and when to turn to a scan of all rows.

use std::ops::Range;

use ogive_kernels::{LOOKUP_ROWS, Rank, Rows, SharedThreshold, TopK};

use super::best::Best;
use super::coded::Coded;
use super::encoder::SECOND_HEADER_BYTES;
use super::file::{Kind, Source, read};
use super::index::FlatIndex;
use super::query::Prepared;
use super::request::{Found, Search};
use super::scan::Scan;
use super::statistics::Statistics;
use crate::bitmap::{ranges_of, ranges_of_rows};
use crate::{ExactRows, FileError, SearchError};

/// Best estimates that are read exactly first, for each row wanted: with 1 the threshold is loose, with 4 more rows are
/// read than it saves.
pub(super) const ESTIMATES: usize = 2;

/// A search of fewer than this many rows for each row wanted reads them all.
const ROWS_FOR_EACH: u64 = 8;

/// Where fewer rows of a block than this pass a filter, reading them costs no more than scanning the block's codes.
const SPARSE: u64 = 3;

/// When the second stage leaves more than one row in so many, or is left because it decides too little and there are so many,
/// all are scanned: a row here and there in memory costs several times one of a scan.
const LEFT_MAX: usize = 8;

/// The bytes of the second stage that are worth reading, as a share of those of a scan: a byte of it costs about three
/// times as much, as its rows do not follow each other and are compared one by one.
const SECOND_SHARE_MAX: f64 = 0.3;

/// Many wanted rows are read too slowly to ask after a part of the scan whether codes say anything.
const PROBE_K_MAX: usize = 100;

/// What must be left of that part to give up.
const PROBE_LEFT: f64 = 0.8;

/// A search that must read more than one row in so many exactly from the start reads them all.
const EXCEPTIONS_MAX: u64 = 3;

/// Rows of the second stage that are looked at before it is asked whether it decides enough, and the share, one in so many,
/// that is.
const SECOND_TRIAL: usize = 512;
const SECOND_DECIDES: usize = 4;

/// Ranges of the second stage that are asked for at a time.
const SECOND_GROUP: usize = 16;

/// Rows of a range at most.
const SECOND_RANGE: u64 = 64;

/// Longer ranges come fast enough by themselves.
const ASKED_BYTES_MAX: usize = 64 << 10;

/// One search while it runs.
pub(super) struct Work<'a, S, R> {
    pub(super) index: &'a FlatIndex<S>,
    pub(super) search: Search<'a>,
    pub(super) rows: &'a R,
    pub(super) coded: Coded<'a>,
    pub(super) values: Vec<f64>,
    /// Bytes of an exact row, once one was read.
    pub(super) exact_row_bytes: f64,
    pub(super) statistics: Statistics,
}

impl<'a, S: Source, R: ExactRows> Work<'a, S, R> {
    pub(super) fn new(index: &'a FlatIndex<S>, search: &Search<'a>, rows: &'a R) -> Self {
        Work {
            index,
            search: *search,
            rows,
            coded: Coded {
                rows: index.rows(),
                filter: search.filter,
                uncoded: index.uncoded.as_ref(),
            },
            values: Vec::new(),
            exact_row_bytes: (index.dimension() * size_of::<f32>()) as f64,
            statistics: Statistics::default(),
        }
    }

    /// Counts what a first stage did.
    pub(super) fn add_scan(&mut self, scan: &Scan<'_>) {
        self.statistics.codes_scanned += scan.rows;
        self.statistics.bytes_read += scan.blocks * self.index.shape().block_bytes() as u64;
    }

    /// The query for the codes; `None` when all rows had better be read.
    pub(super) fn prepare(&self) -> Option<Prepared> {
        let index = self.index;
        let k = self.search.k as u64;
        let (mut matching, mut touched) = (0, 0);
        if self.search.filter.is_none() {
            // A file that lies about its lists costs time, no more.
            let uncoded = (index.exceptions.len() + index.nulls.len()) as u64;
            matching = index.rows().saturating_sub(uncoded);
            touched = matching.div_ceil(LOOKUP_ROWS as u64);
        } else {
            for block in 0..index.rows().div_ceil(LOOKUP_ROWS as u64) {
                let word = self.coded.word(block as usize);
                matching += u64::from(word.count_ones());
                touched += u64::from(word != 0);
            }
        }
        let wanted = if self.search.k == usize::MAX { 1 } else { k };
        let few = matching < wanted.saturating_mul(ROWS_FOR_EACH) || matching < touched * SPARSE;
        if k == 0 || few || index.exceptions.len() as u64 > matching / EXCEPTIONS_MAX {
            return None;
        }
        let Search { query, order, .. } = self.search;
        Prepared::new(&index.coding, index.header.defect, query, order)
    }

    pub(super) fn top_k(&mut self, scan: &Scan<'_>) -> Result<Found, SearchError<R::Error>> {
        let mut best = Best::new(self.search.order, self.search.k);
        self.add_scan(scan);
        let nulls = self.matching(&self.index.nulls);
        for row in nulls.iter().take(self.search.k) {
            best.offer(None, *row);
        }
        let exceptions = self.matching(&self.index.exceptions);
        self.read_exactly(&exceptions, None, &mut best)?;
        let first = scan.best.rows();
        let numbers: Vec<u64> = first.iter().map(|row| u64::from(*row)).collect();
        self.read_exactly(&numbers, Some(scan), &mut best)?;
        if self.settle(scan, &first, None, &mut best)? {
            return Ok(best.found(self.statistics));
        }
        let known = best.kth_rank();
        self.scan_exactly(known)
    }

    /// Whether so little is excluded among the first `blocks`, by the best rows of those, that all rows had better be
    /// scanned at once. The threshold of fewer rows is looser, so only a clear case counts.
    pub(super) fn is_hopeless(
        &mut self,
        scan: &Scan<'_>,
        blocks: usize,
    ) -> Result<bool, SearchError<R::Error>> {
        if self.search.k > PROBE_K_MAX || scan.rows < (ESTIMATES * self.search.k) as u64 {
            return Ok(false);
        }
        let mut best = Best::new(self.search.order, self.search.k);
        let first: Vec<u64> = scan.best.rows().into_iter().map(u64::from).collect();
        self.read_exactly(&first, Some(scan), &mut best)?;
        if self.second_rows_max(scan.rows) as u64 >= scan.rows {
            return Ok(false);
        }
        let limit = scan
            .prepared
            .narrow_limit(scan.prepared.limit(best.kth_value()));
        let mut left = 0;
        for (block, bounds) in scan
            .bounds
            .chunks_exact(LOOKUP_ROWS)
            .take(blocks)
            .enumerate()
        {
            let word = scan.coded.word(block);
            for (index, bound) in bounds.iter().enumerate() {
                let beyond = *bound > limit;
                left += u64::from(word >> index & 1 == 1 && !beyond);
            }
        }
        Ok(left as f64 > PROBE_LEFT * scan.rows as f64)
    }

    /// The most rows of the second stage that are worth reading.
    pub(super) fn second_rows_max(&self, rows: u64) -> usize {
        let second_row_bytes = (self.index.dimension() + SECOND_HEADER_BYTES) as f64;
        let worth = SECOND_SHARE_MAX * self.exact_row_bytes / second_row_bytes;
        (worth * rows as f64) as usize
    }

    /// Excludes, and reads what cannot be excluded, but for the rows `done`. Says whether it did: not when too much was
    /// left and all rows had better be scanned.
    pub(super) fn settle(
        &mut self,
        scan: &Scan<'_>,
        done: &[u32],
        range: Option<f64>,
        best: &mut Best,
    ) -> Result<bool, SearchError<R::Error>> {
        let limit =
            |best: &mut Best| range.unwrap_or_else(|| scan.prepared.limit(best.kth_value()));
        let first_limit = limit(best);
        let most = self.second_rows_max(scan.rows);
        let Some(mut left) = scan.within(first_limit, most) else {
            return Ok(false);
        };
        left.retain(|row| done.binary_search(row).is_err());
        let decided = scan.rows - done.len() as u64 - left.len() as u64;
        self.statistics.decided_by_codes = decided;
        let few = scan.rows as usize / LEFT_MAX;
        let Some(mut undecided) = self.second_stage(scan, &left, first_limit, few)? else {
            return Ok(false);
        };
        undecided.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut batch = 32;
        let mut rest = undecided.as_slice();
        while !rest.is_empty() {
            let limit = limit(best);
            let mut numbers = Vec::with_capacity(batch);
            let (now, later) = rest.split_at(batch.min(rest.len()));
            for (bound, row) in now {
                let beyond = *bound > limit;
                if !beyond {
                    numbers.push(u64::from(*row));
                }
            }
            self.statistics.decided_by_second += (now.len() - numbers.len()) as u64;
            numbers.sort_unstable();
            self.read_exactly(&numbers, Some(scan), best)?;
            rest = later;
            batch *= 2;
        }
        Ok(true)
    }

    /// Bounds of the second stage for rows, ascending, without those beyond the limit; nothing when those would be more
    /// than a `few`.
    pub(super) fn second_stage(
        &mut self,
        scan: &Scan<'_>,
        rows: &[u32],
        limit: f64,
        few: usize,
    ) -> Result<Option<Vec<(f64, u32)>>, FileError> {
        let section = self.index.header.section(Kind::Second);
        let row_bytes = self.index.dimension() + SECOND_HEADER_BYTES;
        let mut undecided = Vec::new();
        let ranges = ranges_of_rows(rows.iter().map(|row| u64::from(*row)));
        // Short enough that the trial ends early.
        let ranges: Vec<Range<u64>> = ranges
            .into_iter()
            .flat_map(|range| {
                let starts = range.clone().step_by(SECOND_RANGE as usize);
                starts.map(move |start| start..range.end.min(start + SECOND_RANGE))
            })
            .collect();
        let mut seen = 0;
        for group in ranges.chunks(SECOND_GROUP) {
            if seen >= SECOND_TRIAL && seen - undecided.len() < seen / SECOND_DECIDES {
                // It excludes too little: what is left is read.
                let first_bound = f64::NEG_INFINITY;
                undecided.extend(rows[seen..].iter().map(|row| (first_bound, *row)));
                break;
            }
            let group = group
                .iter()
                .map(|range| {
                    let start = section.offset + range.start * row_bytes as u64;
                    let end = section.offset + range.end * row_bytes as u64;
                    let bytes = read(&self.index.source, Kind::Second.name(), start..end)?;
                    Ok((range.clone(), bytes))
                })
                .collect::<Result<Vec<_>, FileError>>()?;
            if group.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() <= ASKED_BYTES_MAX {
                ask_for(group.iter().map(|(_, bytes)| bytes.as_ref()));
            }
            for (range, bytes) in group {
                for (row, bytes) in range.zip(bytes.chunks_exact(row_bytes)) {
                    let bound = scan.prepared.second_bound(bytes);
                    seen += 1;
                    self.statistics.second_scanned += 1;
                    self.statistics.bytes_read += row_bytes as u64;
                    if bound > limit {
                        self.statistics.decided_by_second += 1;
                    } else {
                        undecided.push((bound, row as u32));
                    }
                }
            }
        }
        Ok((undecided.len() <= few).then_some(undecided))
    }

    /// Those of a list that pass the filter.
    pub(super) fn matching(&self, rows: &[u64]) -> Vec<u64> {
        let filter = self.search.filter;
        let passes = |row: &&u64| filter.is_none_or(|filter| filter.contains(**row));
        rows.iter().filter(passes).copied().collect()
    }

    /// Reads rows, ascending, and offers them; compares them with their bounds.
    pub(super) fn read_exactly(
        &mut self,
        rows: &[u64],
        scan: Option<&Scan<'_>>,
        best: &mut Best,
    ) -> Result<(), SearchError<R::Error>> {
        self.read_ranges(&ranges_of_rows(rows.iter().copied()), scan, best)
    }

    pub(super) fn read_ranges(
        &mut self,
        ranges: &[Range<u64>],
        scan: Option<&Scan<'_>>,
        best: &mut Best,
    ) -> Result<(), SearchError<R::Error>> {
        if ranges.is_empty() {
            return Ok(());
        }
        let query = self.search.query;
        let (values, statistics) = (&mut self.values, &mut self.statistics);
        let exact_row_bytes = &mut self.exact_row_bytes;
        let visit = &mut |first: u64, rows: &Rows<'_>| {
            values.clear();
            values.resize(rows.len(), 0.0);
            let undefined = query.distances(rows, values);
            let mut undefined = undefined.into_iter().peekable();
            statistics.read_exactly += rows.len() as u64;
            statistics.bytes_read += rows.bytes().len() as u64;
            *exact_row_bytes = rows.bytes().len() as f64 / rows.len().max(1) as f64;
            for (index, value) in values.iter().enumerate() {
                let value = undefined.next_if_eq(&index).is_none().then_some(*value);
                let row = first + index as u64;
                if let Some(scan) = scan
                    && let Some(bound) = scan.bounds.get(row as usize)
                    && f64::from(*bound) > scan.prepared.limit(value)
                {
                    statistics.violations += 1;
                }
                best.offer(value, row);
            }
        };
        self.rows
            .read(ranges, visit)
            .map_err(|source| SearchError::Rows { source })
    }

    /// The rows that match and are not NULL.
    pub(super) fn all_rows(&self) -> Vec<Range<u64>> {
        let rows = self.not_null();
        let blocks = self.index.rows().div_ceil(LOOKUP_ROWS as u64) as usize;
        ranges_of((0..blocks).map(|block| rows.word(block)))
    }

    pub(super) fn not_null(&self) -> Coded<'a> {
        Coded {
            uncoded: self.index.null_set.as_ref(),
            ..self.coded
        }
    }

    /// The exact scan; `k` rows of the rank `known` or a better one are known to exist.
    pub(super) fn scan_exactly(
        &mut self,
        known: Option<Rank>,
    ) -> Result<Found, SearchError<R::Error>> {
        let Search {
            query, k, order, ..
        } = self.search;
        let shared = SharedThreshold::new();
        if let Some(known) = known {
            shared.lower_to(known);
        }
        let mut top = TopK::new(query.clone(), k, order);
        for row in self.matching(&self.index.nulls).into_iter().take(k) {
            top.offer(row, None, &shared);
        }
        let wanted = self.not_null();
        let ranges = self.all_rows();
        let count: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        let statistics = &mut self.statistics;
        statistics.scanned_exactly = true;
        let mut selected = Vec::new();
        // Many short ranges are read as a whole, with what lies between.
        let joined = join(&ranges);
        let dense = joined
            .iter()
            .map(|range| range.end - range.start)
            .sum::<u64>()
            > count;
        self.rows
            .read(&joined, &mut |first, rows| {
                statistics.read_exactly += rows.len() as u64;
                statistics.bytes_read += rows.bytes().len() as u64;
                selected.clear();
                if dense {
                    selected.extend((first..first + rows.len() as u64).map(|row| {
                        wanted.word((row / LOOKUP_ROWS as u64) as usize)
                            >> (row % LOOKUP_ROWS as u64)
                            & 1
                            == 1
                    }));
                }
                top.scan(rows, first, dense.then_some(selected.as_slice()), &shared);
            })
            .map_err(|source| SearchError::Rows { source })?;
        Ok(Found {
            rows: top.results(&shared),
            statistics: self.statistics,
        })
    }
}

/// Reads a byte of each cache line: lines of rows that lie far apart come from memory at the same time.
fn ask_for<'a>(rows: impl Iterator<Item = &'a [u8]>) {
    const LINE: usize = 64;
    let lines = rows.flat_map(|row| row.iter().step_by(LINE));
    std::hint::black_box(lines.fold(0, |all, byte| all ^ byte));
}

/// Joins ranges with fewer than four rows between them.
fn join(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    const BETWEEN: u64 = 4;
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start - last.end < BETWEEN => last.end = range.end,
            _ => joined.push(range.clone()),
        }
    }
    joined
}
