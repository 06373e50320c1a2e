//! Searches: what is asked, what is found, and the order of work.

use std::ops::Range;

use ogive_kernels::{
    Encoding, LOOKUP_ROWS, Metric, Order, Query, Rank, Rows, SharedThreshold, TopK,
};

use super::coded::Coded;
use super::encoder::SECOND_HEADER_BYTES;
use super::file::{Kind, Source, read};
use super::index::FlatIndex;
use super::query::Prepared;
use super::statistics::Statistics;
use crate::bitmap::{ranges_of, ranges_of_rows};
use crate::{Bitmap, ExactRows, FileError, SearchError};

/// Blocks that are read at a time: about 200 KB, which stays in a second-level cache for a batch of queries.
const SLAB_BLOCKS: usize = 32;

/// Queries of a batch that share a pass over the codes.
const BATCH: usize = 16;

/// Best estimates that are read exactly first, for each row wanted: with 1 the threshold is loose, with 4 more rows are
/// read than it saves.
const ESTIMATES: usize = 2;

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

/// The share of the blocks, one in so many, after which it is asked whether codes say anything about the query; tables of fewer
/// blocks are scanned before that could help, and many wanted rows are read too slowly for it.
const PROBE: usize = 16;
const PROBE_BLOCKS_MIN: usize = 512;
const PROBE_K_MAX: usize = 100;

/// What must be left of them to give up.
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

/// A search for the `k` nearest rows.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// The query, with its metric and precision.
    pub query: &'a Query,
    /// How many rows are wanted.
    pub k: usize,
    /// How rows are sorted by their distance.
    pub order: Order,
    /// The rows that may be found; all without.
    pub filter: Option<&'a Bitmap>,
}

impl<'a> Search<'a> {
    /// Nearest first, NULLs last, no filter.
    pub fn new(query: &'a Query, k: usize) -> Search<'a> {
        Search {
            query,
            k,
            order: nearest_first(query.metric()),
            filter: None,
        }
    }

    /// The same among the rows of a filter.
    pub fn with_filter(mut self, filter: &'a Bitmap) -> Search<'a> {
        self.filter = Some(filter);
        self
    }
}

/// A search for all rows that are as near as a distance, or nearer.
#[derive(Debug, Clone, Copy)]
pub struct RangeSearch<'a> {
    /// The query, with its metric and precision.
    pub query: &'a Query,
    /// The distance (for similarities, the similarity), itself included.
    pub distance: f64,
    /// The rows that may be found; all without.
    pub filter: Option<&'a Bitmap>,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Row numbers with their exact values (`None` is NULL), first in the order first; equal ones by row number.
    pub rows: Vec<(u64, Option<f64>)>,
    /// What was done.
    pub statistics: Statistics,
}

/// Memory of searches, kept from one to the next: four bytes for each row.
#[derive(Debug, Default)]
pub struct Scratch {
    bounds: Vec<Vec<f32>>,
}

pub(super) fn nearest_first(metric: Metric) -> Order {
    Order {
        descending: matches!(metric, Metric::InnerProduct | Metric::CosineSimilarity),
        nulls_first: false,
    }
}

impl<S: Source> FlatIndex<S> {
    /// Finds the `k` rows that come first, those that an exact scan finds: always `k` of them, or all that match. `rows`
    /// are the rows that were indexed.
    ///
    /// # Errors
    /// When the rows are not as many or as long as those that were indexed, or bytes cannot be read.
    pub fn search<R: ExactRows>(
        &self,
        search: &Search<'_>,
        rows: &R,
    ) -> Result<Found, SearchError<R::Error>> {
        self.search_with(search, rows, &mut Scratch::default())
    }

    /// The same with memory of an earlier search.
    ///
    /// # Errors
    /// As [`FlatIndex::search`].
    pub fn search_with<R: ExactRows>(
        &self,
        search: &Search<'_>,
        rows: &R,
        scratch: &mut Scratch,
    ) -> Result<Found, SearchError<R::Error>> {
        let mut found = self.batch(std::slice::from_ref(search), rows, scratch)?;
        Ok(found.pop().unwrap_or(Found {
            rows: Vec::new(),
            statistics: Statistics::default(),
        }))
    }

    /// Answers several searches, some of which share each pass over the codes.
    ///
    /// # Errors
    /// As [`FlatIndex::search`].
    pub fn search_batch<R: ExactRows>(
        &self,
        searches: &[Search<'_>],
        rows: &R,
        scratch: &mut Scratch,
    ) -> Result<Vec<Found>, SearchError<R::Error>> {
        let mut found = Vec::with_capacity(searches.len());
        for searches in searches.chunks(BATCH) {
            found.extend(self.batch(searches, rows, scratch)?);
        }
        Ok(found)
    }

    /// Finds all rows within a distance.
    ///
    /// # Errors
    /// As [`FlatIndex::search`].
    pub fn search_range<R: ExactRows>(
        &self,
        search: &RangeSearch<'_>,
        rows: &R,
    ) -> Result<Found, SearchError<R::Error>> {
        self.check(search.query, rows)?;
        let order = nearest_first(search.query.metric());
        let farthest = Rank::new(order, Some(search.distance));
        let as_top_k = Search {
            query: search.query,
            k: usize::MAX,
            order,
            filter: search.filter,
        };
        let mut best = Best {
            order,
            k: usize::MAX,
            farthest,
            rows: Vec::new(),
        };
        let mut work = Work::new(self, &as_top_k, rows);
        let prepared = work.prepare();
        let limit = prepared
            .as_ref()
            .map_or(f64::INFINITY, |p| p.limit(Some(search.distance)));
        let mut settled = false;
        if let Some(prepared) = prepared
            && limit < f64::INFINITY
        {
            let mut scan = Scan::new(prepared, work.coded, 0, Vec::new());
            let blocks = self.rows().div_ceil(LOOKUP_ROWS as u64) as usize;
            self.scan(std::slice::from_mut(&mut scan), 0..blocks)?;
            work.statistics.add_scan(self, &scan);
            settled = work.settle(&scan, &[], Some(limit), &mut best)?;
            if settled {
                let exceptions = work.matching(&self.exceptions);
                work.read_exactly(&exceptions, None, &mut best)?;
            }
        }
        if !settled {
            let all = work.all_rows();
            work.read_ranges(&all, None, &mut best)?;
            work.statistics.scanned_exactly = true;
        }
        Ok(best.found(work.statistics))
    }

    fn batch<R: ExactRows>(
        &self,
        searches: &[Search<'_>],
        rows: &R,
        scratch: &mut Scratch,
    ) -> Result<Vec<Found>, SearchError<R::Error>> {
        let mut works = Vec::with_capacity(searches.len());
        let mut scans = Vec::new();
        for search in searches {
            self.check(search.query, rows)?;
            let work = Work::new(self, search, rows);
            let prepared = work.prepare();
            let scanned = prepared.is_some();
            if let Some(prepared) = prepared {
                let bounds = scratch.bounds.pop().unwrap_or_default();
                scans.push(Scan::new(
                    prepared,
                    work.coded,
                    ESTIMATES * search.k,
                    bounds,
                ));
            }
            works.push((work, scanned));
        }
        let blocks = self.rows().div_ceil(LOOKUP_ROWS as u64) as usize;
        let probe = if blocks >= PROBE_BLOCKS_MIN {
            blocks / PROBE
        } else {
            0
        };
        if probe > 0 {
            self.scan(&mut scans, 0..probe)?;
            let mut scans = scans.iter_mut();
            for (work, _) in works.iter_mut().filter(|(_, scanned)| *scanned) {
                if let Some(scan) = scans.next() {
                    scan.hopeless = work.is_hopeless(scan, probe)?;
                }
            }
        }
        self.scan(&mut scans, probe..blocks)?;
        let mut scans = scans.into_iter();
        let mut found = Vec::with_capacity(searches.len());
        for (mut work, scanned) in works {
            let scan = if scanned { scans.next() } else { None };
            found.push(match scan {
                None => work.scan_exactly(None)?,
                Some(scan) => {
                    let one = if scan.hopeless {
                        work.statistics.add_scan(self, &scan);
                        work.scan_exactly(None)?
                    } else {
                        work.top_k(&scan)?
                    };
                    scratch.bounds.push(scan.bounds);
                    one
                }
            });
        }
        Ok(found)
    }

    pub(super) fn check<R: ExactRows>(
        &self,
        query: &Query,
        rows: &R,
    ) -> Result<(), SearchError<R::Error>> {
        let vector = query.vector(Encoding::F64).len() as u64;
        let dimension = self.dimension() as u64;
        for (what, found, expected) in [
            ("the number", rows.rows(), self.rows()),
            ("the dimension", rows.dimension() as u64, dimension),
            ("the dimension of the query", vector, dimension),
            (
                "double precision",
                rows.is_double().into(),
                self.coding.double.into(),
            ),
        ] {
            if found != expected {
                return Err(SearchError::OtherRows {
                    what,
                    found,
                    expected,
                });
            }
        }
        Ok(())
    }

    /// The first stage of several searches, over some of the blocks.
    fn scan(&self, scans: &mut [Scan<'_>], range: Range<usize>) -> Result<(), FileError> {
        if scans.is_empty() {
            return Ok(());
        }
        let block_bytes = self.shape().block_bytes();
        let blocks = self.rows().div_ceil(LOOKUP_ROWS as u64) as usize;
        let section = self.header.section(Kind::Blocks);
        for scan in scans.iter_mut() {
            // What was there is written over, or never read.
            scan.bounds.resize(blocks * LOOKUP_ROWS, 0.0);
        }
        let mut estimates = vec![0.0; SLAB_BLOCKS * LOOKUP_ROWS];
        for first in range.clone().step_by(SLAB_BLOCKS) {
            let slab = first..range.end.min(first + SLAB_BLOCKS);
            if !scans.iter().any(|scan| scan.wants(slab.clone())) {
                continue;
            }
            let start = section.offset + (first * block_bytes) as u64;
            let end = start + (slab.len() * block_bytes) as u64;
            let bytes = read(&self.source, Kind::Blocks.name(), start..end)?;
            for scan in scans.iter_mut() {
                scan.slab(slab.clone(), &bytes, &mut estimates);
            }
        }
        Ok(())
    }
}

impl Statistics {
    fn add_scan<S: Source>(&mut self, index: &FlatIndex<S>, scan: &Scan<'_>) {
        self.codes_scanned += scan.rows;
        self.bytes_read += scan.blocks * index.shape().block_bytes() as u64;
    }
}

/// The first stage of one search.
struct Scan<'a> {
    prepared: Prepared,
    coded: Coded<'a>,
    /// The bound of every row that was scanned.
    bounds: Vec<f32>,
    best: Estimates,
    rows: u64,
    blocks: u64,
    /// Whether codes say too little about this query.
    hopeless: bool,
}

impl<'a> Scan<'a> {
    fn new(prepared: Prepared, coded: Coded<'a>, wanted: usize, bounds: Vec<f32>) -> Scan<'a> {
        Scan {
            prepared,
            coded,
            bounds,
            best: Estimates::new(wanted),
            rows: 0,
            blocks: 0,
            hopeless: false,
        }
    }

    fn wants(&self, mut blocks: Range<usize>) -> bool {
        !self.hopeless && blocks.any(|block| self.coded.word(block) != 0)
    }

    /// Scans the runs of blocks of a slab in which there is anything to find.
    fn slab(&mut self, slab: Range<usize>, bytes: &[u8], estimates: &mut [f32]) {
        if self.hopeless {
            return;
        }
        let block_bytes = self.prepared.lookup.shape().block_bytes();
        let mut block = slab.start;
        while block < slab.end {
            if self.coded.word(block) == 0 {
                block += 1;
                continue;
            }
            let mut end = block + 1;
            while end < slab.end && self.coded.word(end) != 0 {
                end += 1;
            }
            let run = block..end;
            let estimates = &mut estimates[..run.len() * LOOKUP_ROWS];
            self.prepared.lookup.scan(
                &bytes
                    [(run.start - slab.start) * block_bytes..(run.end - slab.start) * block_bytes],
                estimates,
                &mut self.bounds[run.start * LOOKUP_ROWS..run.end * LOOKUP_ROWS],
            );
            self.blocks += run.len() as u64;
            for (block, estimates) in run.zip(estimates.chunks_exact(LOOKUP_ROWS)) {
                let word = self.coded.word(block);
                self.rows += u64::from(word.count_ones());
                self.best.offer(block, word, estimates);
            }
            block = end;
        }
    }

    /// The rows whose bound is not beyond a limit, ascending; nothing when they are more than `most`.
    fn within(&self, limit: f64, most: usize) -> Option<Vec<u32>> {
        let limit = self.prepared.narrow_limit(limit);
        let mut left = Vec::new();
        for (block, bounds) in self.bounds.chunks_exact(LOOKUP_ROWS).enumerate() {
            let mut any = false;
            for bound in bounds {
                // Not `<=`: a bound that is NaN decides nothing.
                let beyond = *bound > limit;
                any |= !beyond;
            }
            if !any {
                continue;
            }
            if left.len() > most {
                return None;
            }
            let word = self.coded.word(block);
            for (index, bound) in bounds.iter().enumerate() {
                let beyond = *bound > limit;
                if word >> index & 1 == 1 && !beyond {
                    left.push((block * LOOKUP_ROWS + index) as u32);
                }
            }
        }
        (left.len() <= most).then_some(left)
    }
}

/// The rows of the best estimates.
struct Estimates {
    wanted: usize,
    /// Estimates that are not below this are not among them.
    limit: f32,
    rows: Vec<(f32, u32)>,
}

impl Estimates {
    fn new(wanted: usize) -> Estimates {
        Estimates {
            wanted,
            limit: if wanted == 0 {
                f32::NEG_INFINITY
            } else {
                f32::INFINITY
            },
            rows: Vec::new(),
        }
    }

    fn offer(&mut self, block: usize, word: u64, estimates: &[f32]) {
        let mut any = false;
        for estimate in estimates {
            any |= *estimate < self.limit;
        }
        if !any {
            return;
        }
        for (index, estimate) in estimates.iter().enumerate() {
            if *estimate < self.limit && word >> index & 1 == 1 {
                self.rows
                    .push((*estimate, (block * LOOKUP_ROWS + index) as u32));
            }
        }
        if self.rows.len() >= 2 * self.wanted + LOOKUP_ROWS {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.rows.len() > self.wanted && self.wanted > 0 {
            let compare = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            let (_, last, _) = self.rows.select_nth_unstable_by(self.wanted - 1, compare);
            self.limit = last.0;
            self.rows.truncate(self.wanted);
        }
    }

    /// Row numbers, ascending.
    fn rows(&self) -> Vec<u32> {
        let mut best = Estimates {
            wanted: self.wanted,
            limit: self.limit,
            rows: self.rows.clone(),
        };
        best.cut();
        let mut rows: Vec<u32> = best.rows.into_iter().map(|(_, row)| row).collect();
        rows.sort_unstable();
        rows
    }
}

/// The rows found so far.
struct Best {
    order: Order,
    k: usize,
    /// Rows that rank after this are not wanted.
    farthest: Rank,
    /// While `k` is finite a heap: the last of them on top.
    rows: Vec<(Rank, u64)>,
}

impl Best {
    fn new(order: Order, k: usize) -> Best {
        Best {
            order,
            k,
            farthest: Rank::new(
                Order {
                    nulls_first: false,
                    ..order
                },
                None,
            ),
            rows: Vec::new(),
        }
    }

    fn offer(&mut self, value: Option<f64>, row: u64) {
        let rank = Rank::new(self.order, value);
        if rank > self.farthest || self.k == 0 {
            return;
        }
        self.rows.push((rank, row));
        // Cut now and then: cheaper than a heap, and it need not be exact before the end.
        if self.k != usize::MAX && self.rows.len() >= self.k.saturating_mul(2) + 64 {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.rows.len() > self.k && self.k > 0 {
            self.rows.select_nth_unstable(self.k - 1);
            self.rows.truncate(self.k);
        }
    }

    /// The rank of the `k`-th row; `None` before there are as many.
    fn kth_rank(&mut self) -> Option<Rank> {
        if self.rows.len() < self.k || self.k == 0 {
            return None;
        }
        self.cut();
        self.rows.iter().max().map(|(rank, _)| *rank)
    }

    /// The value of the `k`-th row; `None` before there are as many, and when it is NULL.
    fn kth_value(&mut self) -> Option<f64> {
        self.kth_rank()?.value(self.order)
    }

    fn found(mut self, statistics: Statistics) -> Found {
        self.cut();
        self.rows.sort_unstable();
        let rows = self.rows.iter();
        Found {
            rows: rows
                .map(|(rank, row)| (*row, rank.value(self.order)))
                .collect(),
            statistics,
        }
    }
}

/// One search while it runs.
struct Work<'a, S, R> {
    index: &'a FlatIndex<S>,
    search: Search<'a>,
    rows: &'a R,
    coded: Coded<'a>,
    values: Vec<f64>,
    /// Bytes of an exact row, once one was read.
    exact_row_bytes: f64,
    statistics: Statistics,
}

impl<'a, S: Source, R: ExactRows> Work<'a, S, R> {
    fn new(index: &'a FlatIndex<S>, search: &Search<'a>, rows: &'a R) -> Self {
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

    /// The query for the codes; `None` when all rows had better be read.
    fn prepare(&self) -> Option<Prepared> {
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

    fn top_k(&mut self, scan: &Scan<'_>) -> Result<Found, SearchError<R::Error>> {
        let mut best = Best::new(self.search.order, self.search.k);
        self.statistics.add_scan(self.index, scan);
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
    fn is_hopeless(
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
    fn second_rows_max(&self, rows: u64) -> usize {
        let second_row_bytes = (self.index.dimension() + SECOND_HEADER_BYTES) as f64;
        let worth = SECOND_SHARE_MAX * self.exact_row_bytes / second_row_bytes;
        (worth * rows as f64) as usize
    }

    /// Excludes, and reads what cannot be excluded, but for the rows `done`. Says whether it did: not when too much was
    /// left and all rows had better be scanned.
    fn settle(
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
    fn second_stage(
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
    fn matching(&self, rows: &[u64]) -> Vec<u64> {
        let filter = self.search.filter;
        let passes = |row: &&u64| filter.is_none_or(|filter| filter.contains(**row));
        rows.iter().filter(passes).copied().collect()
    }

    /// Reads rows, ascending, and offers them; compares them with their bounds.
    fn read_exactly(
        &mut self,
        rows: &[u64],
        scan: Option<&Scan<'_>>,
        best: &mut Best,
    ) -> Result<(), SearchError<R::Error>> {
        self.read_ranges(&ranges_of_rows(rows.iter().copied()), scan, best)
    }

    fn read_ranges(
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
    fn all_rows(&self) -> Vec<Range<u64>> {
        let rows = self.not_null();
        let blocks = self.index.rows().div_ceil(LOOKUP_ROWS as u64) as usize;
        ranges_of((0..blocks).map(|block| rows.word(block)))
    }

    fn not_null(&self) -> Coded<'a> {
        Coded {
            uncoded: self.index.null_set.as_ref(),
            ..self.coded
        }
    }

    /// The exact scan; `k` rows of the rank `known` or a better one are known to exist.
    fn scan_exactly(&mut self, known: Option<Rank>) -> Result<Found, SearchError<R::Error>> {
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
