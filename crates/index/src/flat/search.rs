//! Searches, and the order of work.

use std::ops::Range;

use ogive_kernels::{Encoding, LOOKUP_ROWS, Query, Rank};

use super::best::Best;
use super::file::{Kind, Source, read};
use super::index::FlatIndex;
use super::request::{Found, RangeSearch, Scratch, Search, nearest_first};
use super::scan::Scan;
use super::statistics::Statistics;
use super::work::{ESTIMATES, Work};
use crate::{ExactRows, FileError, SearchError};

/// Blocks that are read at a time: about 200 KB, which stays in a second-level cache for a batch of queries.
const SLAB_BLOCKS: usize = 32;

/// Queries of a batch that share a pass over the codes.
const BATCH: usize = 16;

/// The share of the blocks, one in so many, after which it is asked whether codes say anything about the query; tables of
/// fewer blocks are scanned before that could help.
const PROBE: usize = 16;
const PROBE_BLOCKS_MIN: usize = 512;

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
            work.add_scan(&scan);
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
                        work.add_scan(&scan);
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
