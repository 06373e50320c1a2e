//! Building the graph.
//!
//! ```text
//! for each batch of rows:
//!     for each row, in any thread: walk the graph as it is; compare with the earlier rows of the batch;
//!                                  choose neighbours on each of its levels
//!     in the order of rows: write their links
//!     for each row that was linked to, in any thread: choose among its links and the new ones
//! ```

use std::collections::BTreeMap;
use std::ops::Range;

use super::file::{AlignedBytes, write};
use super::graph::{Graph, LEVELS_MAX, distance};
use super::index::HnswIndex;
use super::traversal::{Effort, Near, Seen, Walk};
use crate::flat::{DIMENSION_MAX, Measure};
use crate::{BuildError, ExactRows};

/// What to build.
#[derive(Clone, Copy)]
pub struct HnswOptions<'a> {
    /// The measure that searches will use.
    pub measure: Measure,
    /// Links of a row on each level, 2 to 100; twice as many on the lowest.
    pub m: usize,
    /// Rows that an insertion keeps in view, 4 to 1,000.
    pub ef_construction: usize,
    /// Threads that walk.
    pub threads: usize,
    /// Called with the number of rows that are done; `false` stops the build.
    pub progress: Option<&'a dyn Fn(u64) -> bool>,
}

impl HnswOptions<'_> {
    /// pgvector's defaults: `m` of 16, `ef_construction` of 64; one thread.
    pub fn new(measure: Measure) -> HnswOptions<'static> {
        HnswOptions {
            measure,
            m: 16,
            ef_construction: 64,
            threads: 1,
            progress: None,
        }
    }
}

/// Rows of a batch at most; fewer while the graph is small, so that few rows miss each other.
const BATCH: usize = 512;
const BATCH_SHARE: usize = 32;

impl HnswIndex<AlignedBytes> {
    /// Builds a graph in memory. Rows with an element that is infinite or NaN, and zero rows under cosine, are kept
    /// beside it.
    ///
    /// # Errors
    /// [`BuildError::Unsupported`] for options, dimensions and numbers of rows outside their ranges;
    /// [`BuildError::Cancelled`] when `progress` says so; otherwise when rows cannot be read.
    pub fn build<R: ExactRows>(
        rows: &R,
        options: &HnswOptions<'_>,
    ) -> Result<Self, BuildError<R::Error>> {
        check(
            "the dimension",
            rows.dimension() as u64,
            1..DIMENSION_MAX as u64 + 1,
            "1 to 4096",
        )?;
        check(
            "the number of rows",
            rows.rows(),
            0..u64::from(u32::MAX) / 128,
            "at most 33554430",
        )?;
        check("m", options.m as u64, 2..101, "2 to 100")?;
        check(
            "ef_construction",
            options.ef_construction as u64,
            4..1001,
            "4 to 1000",
        )?;
        let (vectors, exceptions) = vectors(rows, options.measure)?;
        let nulls: Vec<u64> = rows
            .nulls()
            .map(|nulls| nulls.ranges().into_iter().flatten().collect())
            .unwrap_or_default();
        let absent =
            |row: u64| exceptions.binary_search(&row).is_ok() || nulls.binary_search(&row).is_ok();
        let present: Vec<u32> = (0..rows.rows())
            .filter(|row| !absent(*row))
            .map(|row| row as u32)
            .collect();
        let mut growing = Growing::new(options, rows.dimension(), vectors, &present);
        let mut done = 0;
        while done < present.len() {
            let size = (done / BATCH_SHARE).clamp(1, BATCH);
            let end = present.len().min(done + size);
            growing.insert(&present[done..end], options.threads.max(1));
            done = end;
            if options
                .progress
                .is_some_and(|progress| !progress(done as u64))
            {
                return Err(BuildError::Cancelled);
            }
        }
        let double = rows.is_double();
        let bytes = write(&growing.graph(), double, rows.rows(), &exceptions, &nulls);
        HnswIndex::open_unverified(bytes).map_err(|source| BuildError::Damaged { source })
    }
}

fn check<E: std::error::Error>(
    what: &'static str,
    found: u64,
    range: Range<u64>,
    expected: &'static str,
) -> Result<(), BuildError<E>> {
    if range.contains(&found) {
        return Ok(());
    }
    Err(BuildError::Unsupported {
        what,
        found,
        expected,
    })
}

/// All rows as `f32`, row-major, and those that have no place in a graph.
type Vectors = (Vec<f32>, Vec<u64>);

/// All rows, at unit length under cosine.
fn vectors<R: ExactRows>(rows: &R, measure: Measure) -> Result<Vectors, BuildError<R::Error>> {
    let dimension = rows.dimension();
    let mut vectors = Vec::new();
    let whole = 0..rows.rows();
    if !whole.is_empty() {
        rows.read(&[whole], &mut |_, rows| {
            let start = vectors.len();
            vectors.resize(start + rows.len() * dimension, 0.0);
            rows.decode_f32(&mut vectors[start..]);
        })
        .map_err(|source| BuildError::Rows { source })?;
    }
    let mut exceptions = Vec::new();
    for (index, row) in vectors.chunks_exact_mut(dimension).enumerate() {
        let squares: f64 = row.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
        // Squares that overflow `f32` cannot be compared in it.
        let mut usable = squares < 1e36;
        if measure == Measure::Cosine {
            usable &= squares > 1e-36;
            let inverse = 1.0 / squares.sqrt();
            row.iter_mut()
                .for_each(|x| *x = (f64::from(*x) * inverse) as f32);
        }
        if !usable {
            row.fill(0.0);
            if !rows
                .nulls()
                .is_some_and(|nulls| nulls.contains(index as u64))
            {
                exceptions.push(index as u64);
            }
        }
    }
    Ok((vectors, exceptions))
}

/// The level of a row: geometric, from a hash of its number.
fn level(row: u32, m: usize) -> u32 {
    let mut z = (u64::from(row) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let unit = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
    let levels = -(1.0 - unit).ln() / (m as f64).ln();
    (levels as u32).min(LEVELS_MAX)
}

/// A graph that rows are added to.
struct Growing {
    measure: Measure,
    dimension: usize,
    m: usize,
    ef: usize,
    entry: u32,
    levels: u32,
    /// Whether there is an entry.
    started: bool,
    vectors: Vec<f32>,
    base: Vec<u32>,
    offsets: Vec<u32>,
    upper: Vec<u32>,
}

/// The neighbours of a row, level 0 first.
type Chosen = Vec<Vec<Near>>;

impl Growing {
    fn new(
        options: &HnswOptions<'_>,
        dimension: usize,
        vectors: Vec<f32>,
        present: &[u32],
    ) -> Growing {
        let rows = vectors.len() / dimension;
        let mut lists = vec![0; rows];
        for row in present {
            lists[*row as usize] = level(*row, options.m);
        }
        let mut offsets = Vec::with_capacity(rows + 1);
        let mut end = 0;
        offsets.push(0);
        for count in lists {
            end += count;
            offsets.push(end);
        }
        Growing {
            measure: options.measure,
            dimension,
            m: options.m,
            ef: options.ef_construction,
            entry: 0,
            levels: 0,
            started: false,
            base: vec![0; rows * (2 * options.m + 1)],
            upper: vec![0; end as usize * (options.m + 1)],
            offsets,
            vectors,
        }
    }

    fn graph(&self) -> Graph<'_> {
        Graph {
            measure: self.measure,
            dimension: self.dimension,
            m: self.m,
            entry: self.entry,
            levels: self.levels,
            vectors: &self.vectors,
            base: &self.base,
            offsets: &self.offsets,
            upper: &self.upper,
        }
    }

    fn insert(&mut self, batch: &[u32], threads: usize) {
        let chosen: Vec<Chosen> = in_threads(threads, batch.len(), &|range, seen| {
            range
                .map(|index| self.neighbours(batch[index], &batch[..index], seen))
                .collect()
        });
        let mut back: BTreeMap<(u32, u32), Vec<Near>> = BTreeMap::new();
        for (row, chosen) in batch.iter().zip(&chosen) {
            for (level, links) in chosen.iter().enumerate() {
                let level = level as u32;
                self.write(*row, level, links);
                for link in links {
                    back.entry((link.row, level))
                        .or_default()
                        .push(Near { row: *row, ..*link });
                }
            }
        }
        let back: Vec<((u32, u32), Vec<Near>)> = back.into_iter().collect();
        let pruned: Vec<Vec<Near>> = in_threads(threads, back.len(), &|range, _| {
            range
                .map(|index| self.with_links(&back[index].0, &back[index].1))
                .collect()
        });
        for (((row, level), _), links) in back.iter().zip(&pruned) {
            self.write(*row, *level, links);
        }
        for row in batch {
            let level = level(*row, self.m);
            if !self.started || level > self.levels {
                (self.entry, self.levels, self.started) = (*row, level, true);
            }
        }
    }

    /// The neighbours of a new row, among those of the graph and the `peers` that come with it.
    fn neighbours(&self, row: u32, peers: &[u32], seen: &mut Seen) -> Chosen {
        let graph = self.graph();
        let vector = graph.vector(row);
        let top = level(row, self.m);
        let mut chosen = vec![Vec::new(); top as usize + 1];
        let mut effort = Effort::default();
        let mut start = Vec::new();
        if self.started {
            start.push(graph.descend(vector, top.min(self.levels), &mut effort));
        }
        let peers: Vec<Near> = peers
            .iter()
            .map(|peer| Near {
                distance: distance(self.measure, vector, graph.vector(*peer)),
                row: *peer,
            })
            .collect();
        for at in (0..=top).rev() {
            let mut found = Vec::new();
            if self.started && at <= self.levels {
                found = graph.walk(
                    vector,
                    Walk {
                        start: &start,
                        level: at,
                        ef: self.ef,
                    },
                    |_| true,
                    seen,
                    &mut effort,
                );
                start.clone_from(&found);
            }
            found.extend(peers.iter().filter(|peer| level(peer.row, self.m) >= at));
            found.sort_unstable();
            found.truncate(self.ef);
            chosen[at as usize] = self.select(&found, self.m);
        }
        chosen
    }

    /// The heuristic of the paper: a candidate is taken unless one that was taken is nearer to it than the new row is;
    /// those passed over fill what is left.
    fn select(&self, candidates: &[Near], room: usize) -> Vec<Near> {
        let graph = self.graph();
        let mut taken: Vec<Near> = Vec::with_capacity(room);
        let mut passed = Vec::new();
        for candidate in candidates {
            if taken.len() == room {
                break;
            }
            let vector = graph.vector(candidate.row);
            let hidden = taken.iter().any(|taken| {
                distance(self.measure, vector, graph.vector(taken.row)) < candidate.distance
            });
            if hidden {
                passed.push(*candidate);
            } else {
                taken.push(*candidate);
            }
        }
        let left = room - taken.len();
        taken.extend(passed.into_iter().take(left));
        taken
    }

    /// The links of a row with new ones, as many as there is room for.
    fn with_links(&self, (row, level): &(u32, u32), new: &[Near]) -> Vec<Near> {
        let graph = self.graph();
        let vector = graph.vector(*row);
        let mut links: Vec<Near> = graph
            .links(*row, *level)
            .iter()
            .map(|link| Near {
                distance: distance(self.measure, vector, graph.vector(*link)),
                row: *link,
            })
            .chain(new.iter().copied())
            .collect();
        let room = self.room(*level);
        if links.len() <= room {
            return links;
        }
        links.sort_unstable();
        links.dedup_by_key(|link| link.row);
        self.select(&links, room)
    }

    fn room(&self, level: u32) -> usize {
        if level == 0 { 2 * self.m } else { self.m }
    }

    fn write(&mut self, row: u32, level: u32, links: &[Near]) {
        let room = self.room(level);
        let (lists, index) = if level == 0 {
            (&mut self.base, row as usize)
        } else {
            let first = self.offsets[row as usize];
            (&mut self.upper, (first + level - 1) as usize)
        };
        let list = &mut lists[index * (room + 1)..(index + 1) * (room + 1)];
        list.fill(0);
        list[0] = links.len().min(room) as u32;
        for (slot, link) in list[1..].iter_mut().zip(links) {
            *slot = link.row;
        }
    }
}

/// The results of `work` over parts of `0..count`, in order, each part in a thread of its own.
fn in_threads<T: Send>(
    threads: usize,
    count: usize,
    work: &(dyn Fn(Range<usize>, &mut Seen) -> Vec<T> + Sync),
) -> Vec<T> {
    let part = count.div_ceil(threads).max(1);
    if threads == 1 || count < 2 * threads {
        return work(0..count, &mut Seen::default());
    }
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..count)
            .step_by(part)
            .map(|start| {
                let range = start..count.min(start + part);
                scope.spawn(move || work(range, &mut Seen::default()))
            })
            .collect();
        parts
            .into_iter()
            .flat_map(|part| {
                part.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    })
}
