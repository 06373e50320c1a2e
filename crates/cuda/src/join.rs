//! Many queries at once: products by tensor cores name candidates, the processor answers those exactly.
//!
//! ```text
//! queries once: halves, norms, residuals                                                  (halve_vectors)
//! for each chunk of rows: upload; halves, norms, residuals
//!     for each block of queries:
//!         products of all pairs                                                           (multiply_halves)
//!         for each query: the k best upper bounds so far, the rows that they do not exclude (choose_rows)
//! for each query: its candidates that the last bounds do not exclude, answered by the processor's kernel
//! ```
//!
//! A query with more candidates than there is room for is searched by the processor alone. What bounds are made of is in
//! `kernels/join.cu`.

use ogive_kernels::{BatchTopK, Encoding, Metric, Order, Query, Rows, SharedThreshold, TopK};
use rayon::prelude::*;

use crate::device::{Arguments, Device, Memory, Pinned, Queue};
use crate::encoding::{DIMENSION_MAX, Numbers, row_bytes, sign};
use crate::{Error, Result};

/// Sides of the squares that warps make; that of the kernel.
const SIDE: usize = 64;
/// Elements of a step of a product; that of the kernel.
const TILE: usize = 16;
/// The greatest `k` whose bounds the kernel keeps.
const BEST_MAX: usize = 256;
/// Numbers that are known of a vector beside its half.
const FACTS: usize = 4;
/// Rows of a chunk and queries of a block, where the device has room: products of a gigabyte.
const CHUNK_ROWS: usize = 1 << 16;
const BLOCK_QUERIES: usize = 1 << 12;
/// Rows below which a chunk is not worth its calls.
const CHUNK_ROWS_MIN: usize = 1 << 10;
/// Fewer queries are searched one by one.
const QUERIES_MIN: usize = 16;
/// Candidates of a query for which there is room: so many, and so many times `k`.
const CANDIDATES: usize = 512;
const CANDIDATES_EACH: usize = 16;
const KEY_LAST: u32 = u32::MAX;

/// Searches as [`BatchTopK`] makes them, whose pairs are looked at by a device. The results are those of [`BatchTopK`].
#[derive(Debug)]
pub struct DeviceBatchTopK {
    device: Device,
    queries: Vec<Query>,
    k: usize,
    order: Order,
    inner: BatchTopK,
    loaded: Option<Loaded>,
    pairs_scanned: u64,
    pairs_answered: u64,
    failure: Option<String>,
    chunk_rows: usize,
}

impl DeviceBatchTopK {
    /// A search that has seen no rows.
    ///
    /// # Panics
    /// As [`BatchTopK::new`].
    pub fn new(device: Device, queries: Vec<Query>, k: usize, order: Order) -> DeviceBatchTopK {
        DeviceBatchTopK {
            device,
            inner: BatchTopK::new(queries.clone(), k, order),
            queries,
            k,
            order,
            loaded: None,
            pairs_scanned: 0,
            pairs_answered: 0,
            failure: None,
            chunk_rows: CHUNK_ROWS,
        }
    }

    /// The same with chunks of at most so many rows.
    pub fn with_chunk_rows(mut self, rows: usize) -> DeviceBatchTopK {
        self.chunk_rows = rows.clamp(SIDE, CHUNK_ROWS);
        self
    }

    /// As [`BatchTopK::scan`]. Where the device does not take the rows, has no room or fails, the processor searches them:
    /// [`DeviceBatchTopK::take_failure`].
    ///
    /// # Panics
    /// As [`BatchTopK::scan`].
    pub fn scan(&mut self, rows: &Rows<'_>, first_row: u64, selected: Option<&[bool]>) {
        if let Some(selected) = selected {
            assert_eq!(rows.len(), selected.len(), "one selection for each row");
        }
        let measure = self
            .queries
            .first()
            .and_then(|query| measure(query.metric()));
        let takes = self.queries.len() >= QUERIES_MIN
            && (1..=BEST_MAX).contains(&self.k)
            && (1..=DIMENSION_MAX).contains(&rows.dimension())
            && u32::try_from(rows.len()).is_ok()
            && Numbers::new(rows.encoding()).is_some();
        let Some(measure) = measure.filter(|_| takes && !rows.is_empty()) else {
            return self.scan_here(rows, first_row, selected);
        };
        assert_eq!(
            Some(rows.dimension()),
            self.queries.first().map(Query::dimension),
            "dimension of the rows"
        );
        match self.candidates(rows, measure, selected) {
            Ok(found) => self.answer(rows, first_row, selected, &found),
            Err(error) => {
                self.failure = Some(error.to_string());
                // What the device keeps may be of rows that are searched again here, where it would be wrong.
                self.loaded = None;
                self.scan_here(rows, first_row, selected);
            }
        }
    }

    fn scan_here(&mut self, rows: &Rows<'_>, first_row: u64, selected: Option<&[bool]>) {
        let before = (self.inner.pairs_scanned(), self.inner.pairs_answered());
        self.inner.scan(rows, first_row, selected);
        self.pairs_scanned += self.inner.pairs_scanned() - before.0;
        self.pairs_answered += self.inner.pairs_answered() - before.1;
    }

    /// As [`BatchTopK::offer`].
    ///
    /// # Panics
    /// As [`BatchTopK::offer`].
    pub fn offer(&mut self, query: usize, row: u64, value: Option<f64>) {
        self.pairs_scanned += 1;
        self.inner.offer(query, row, value);
    }

    /// As [`BatchTopK::results`].
    ///
    /// # Panics
    /// As [`BatchTopK::results`].
    pub fn results(&self, query: usize) -> Vec<(u64, Option<f64>)> {
        self.inner.results(query)
    }

    /// As [`BatchTopK::pairs_scanned`].
    pub fn pairs_scanned(&self) -> u64 {
        self.pairs_scanned
    }

    /// As [`BatchTopK::pairs_answered`].
    pub fn pairs_answered(&self) -> u64 {
        self.pairs_answered
    }

    /// Why the processor did work of the device, the last time that it did; the next call starts afresh.
    pub fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// Has the device look at all pairs.
    fn candidates(
        &mut self,
        rows: &Rows<'_>,
        measure: u32,
        selected: Option<&[bool]>,
    ) -> Result<Vec<Candidates>> {
        if self.loaded.is_none() {
            self.loaded = Some(Loaded::new(&self.device, &self.queries, self.k)?);
        }
        let Some(loaded) = self.loaded.as_mut() else {
            return Ok(Vec::new());
        };
        let mut chunk_rows = self.chunk_rows.min(rows.len());
        let mut block_queries = BLOCK_QUERIES.min(loaded.padded);
        let mut chunk = loop {
            match Chunk::new(&self.device, rows, chunk_rows, block_queries, loaded.stride) {
                Ok(chunk) => break chunk,
                Err(Error::Memory { .. }) if block_queries > SIDE => {
                    block_queries = (block_queries / 2).next_multiple_of(SIDE);
                }
                Err(Error::Memory { .. }) if chunk_rows > CHUNK_ROWS_MIN => chunk_rows /= 2,
                Err(error) => return Err(error),
            }
        };
        let order = sign(
            self.queries
                .first()
                .map_or(Metric::L2, |query| query.metric()),
            self.order.descending,
        );
        let relative = ((loaded.stride + 64) as f64 / f64::from(1 << 21)) as f32;
        for start in (0..rows.len()).step_by(chunk.rows_max) {
            let end = rows.len().min(start + chunk.rows_max);
            let part = rows.slice(start..end);
            let selected = selected.map(|selected| &selected[start..end]);
            chunk.begin(&part, selected, loaded.stride)?;
            chunk.search(loaded, start, part.len(), selected.is_some(), |arguments| {
                arguments
                    .int(measure)
                    .int(self.k as u32)
                    .float(relative)
                    .float(order)
            })?;
        }
        drop(chunk);
        loaded.take()
    }

    /// Answers what the device could not exclude.
    fn answer(
        &mut self,
        rows: &Rows<'_>,
        first_row: u64,
        selected: Option<&[bool]>,
        found: &[Candidates],
    ) {
        let scanned = selected.map_or(rows.len(), |selected| {
            selected.iter().filter(|selected| **selected).count()
        });
        self.pairs_scanned += scanned as u64 * self.queries.len() as u64;
        let (k, order) = (self.k, self.order);
        let answers: Vec<Vec<(u64, Option<f64>)>> = self
            .queries
            .par_iter()
            .zip(found)
            .map(|(query, candidates)| match candidates {
                Candidates::Rows(candidates) => candidates
                    .iter()
                    .map(|row| {
                        let row = *row as usize;
                        let mut value = [0.0];
                        let undefined = query.distances(&rows.slice(row..row + 1), &mut value);
                        let value = undefined.is_empty().then_some(value[0]);
                        (first_row + row as u64, value)
                    })
                    .collect(),
                Candidates::TooMany => {
                    let shared = SharedThreshold::new();
                    let mut search = TopK::new(query.clone(), k, order);
                    search.scan(rows, first_row, selected, &shared);
                    search.results(&shared)
                }
            })
            .collect();
        for (query, answers) in answers.into_iter().enumerate() {
            self.pairs_answered += answers.len() as u64;
            for (row, value) in answers {
                self.inner.offer(query, row, value);
            }
        }
    }
}

/// What products say about a metric, as the kernel numbers them.
fn measure(metric: Metric) -> Option<u32> {
    match metric {
        Metric::L2 | Metric::L2Squared => Some(0),
        Metric::InnerProduct | Metric::NegativeInnerProduct => Some(1),
        Metric::CosineDistance | Metric::CosineSimilarity => Some(2),
        Metric::L1 | Metric::Hamming | Metric::Jaccard => None,
    }
}

/// The rows that the device found for a query.
enum Candidates {
    Rows(Vec<u32>),
    TooMany,
}

/// Queries in the memory of the device, with what was found for each.
#[derive(Debug)]
struct Loaded {
    queue: Queue,
    k: usize,
    room: usize,
    queries: usize,
    padded: usize,
    stride: usize,
    halves: Memory<u16>,
    facts: Memory<f32>,
    best: Memory<u32>,
    rows: Memory<u32>,
    keys: Memory<u32>,
    found: Memory<u32>,
    /// Of the queries as they were given, until they are halves.
    host: Pinned<u8>,
    device: Memory<u8>,
}

impl Loaded {
    fn new(device: &Device, queries: &[Query], k: usize) -> Result<Loaded> {
        let dimension = queries.first().map_or(0, Query::dimension);
        let stride = dimension.next_multiple_of(TILE);
        let padded = queries.len().next_multiple_of(SIDE);
        let room = CANDIDATES + CANDIDATES_EACH * k;
        let row_bytes = dimension * 4;
        let mut loaded = Loaded {
            k,
            room,
            queries: queries.len(),
            padded,
            stride,
            halves: device.allocate(padded * stride)?,
            facts: device.allocate(padded * FACTS)?,
            best: device.allocate(queries.len() * k)?,
            rows: device.allocate(queries.len() * room)?,
            keys: device.allocate(queries.len() * room)?,
            found: device.allocate(queries.len())?,
            host: device.allocate_pinned(queries.len() * row_bytes)?,
            device: device.allocate(queries.len() * row_bytes)?,
            queue: device.open_queue()?,
        };
        for (slot, query) in loaded.host.chunks_exact_mut(row_bytes.max(1)).zip(queries) {
            let vector = query.vector(Encoding::F32);
            for (bytes, x) in slot.as_chunks_mut::<4>().0.iter_mut().zip(vector) {
                *bytes = (*x as f32).to_le_bytes();
            }
        }
        // SAFETY: the memory is this one's, whose queue is dropped first, and not touched before the wait.
        unsafe {
            let queue = &loaded.queue;
            queue.upload(&loaded.host, &loaded.device, 0)?;
            queue.launch(
                "halve_vectors",
                padded as u64,
                &mut Arguments::new()
                    .memory(&loaded.device)
                    .long(row_bytes)
                    .long(queries.len())
                    .long(padded)
                    .int(dimension as u32)
                    .int(stride as u32)
                    .int(0)
                    .float(1.0)
                    .float(0.0)
                    .memory(&loaded.halves)
                    .memory(&loaded.facts),
            )?;
            // Every bit set is the last key.
            queue.fill(&loaded.best, 0xff, queries.len() * k)?;
            queue.fill(&loaded.found, 0, queries.len())?;
        }
        loaded.queue.wait()?;
        Ok(loaded)
    }

    /// What was found since the last time; bounds are kept.
    fn take(&mut self) -> Result<Vec<Candidates>> {
        let mut best = vec![0; self.queries * self.k];
        let mut found = vec![0; self.queries];
        let mut rows = vec![0; self.queries * self.room];
        let mut keys = vec![0; self.queries * self.room];
        // SAFETY: the vectors outlive the wait, also where a call fails: nothing is returned before it.
        let enqueued = unsafe {
            let queue = &self.queue;
            queue
                .download(&self.best, 0, &mut best)
                .and_then(|()| queue.download(&self.found, 0, &mut found))
                .and_then(|()| queue.download(&self.rows, 0, &mut rows))
                .and_then(|()| queue.download(&self.keys, 0, &mut keys))
                .and_then(|()| queue.fill(&self.found, 0, self.queries))
        };
        self.queue.wait()?;
        enqueued?;
        Ok((0..self.queries)
            .map(|query| {
                let count = found[query] as usize;
                if count > self.room {
                    return Candidates::TooMany;
                }
                let limit = best[query * self.k..(query + 1) * self.k]
                    .iter()
                    .max()
                    .copied()
                    .unwrap_or(KEY_LAST);
                let start = query * self.room;
                Candidates::Rows(
                    rows[start..start + count]
                        .iter()
                        .zip(&keys[start..start + count])
                        .filter(|(_, key)| **key <= limit)
                        .map(|(row, _)| *row)
                        .collect(),
                )
            })
            .collect())
    }
}

/// Rows in the memory of the device, and their products with a block of queries.
#[derive(Debug)]
struct Chunk {
    queue: Queue,
    rows_max: usize,
    padded: usize,
    block_queries: usize,
    host: Pinned<u8>,
    device: Memory<u8>,
    selected: (Pinned<u8>, Memory<u8>),
    halves: Memory<u16>,
    facts: Memory<f32>,
    products: Memory<f32>,
}

impl Chunk {
    fn new(
        device: &Device,
        rows: &Rows<'_>,
        rows_max: usize,
        block_queries: usize,
        stride: usize,
    ) -> Result<Chunk> {
        let padded = rows_max.next_multiple_of(SIDE);
        let bytes = rows_max * row_bytes(rows)?;
        Ok(Chunk {
            rows_max,
            padded,
            block_queries,
            products: device.allocate(padded * block_queries)?,
            halves: device.allocate(padded * stride)?,
            facts: device.allocate(padded * FACTS)?,
            device: device.allocate(bytes)?,
            selected: (
                device.allocate_pinned(rows_max)?,
                device.allocate(rows_max)?,
            ),
            host: device.allocate_pinned(bytes)?,
            queue: device.open_queue()?,
        })
    }

    /// Enqueues rows and their halves.
    fn begin(&mut self, rows: &Rows<'_>, selected: Option<&[bool]>, stride: usize) -> Result<()> {
        let Some(numbers) = Numbers::new(rows.encoding()) else {
            return Err(Error::Unsupported {
                what: format!("{:?}", rows.encoding()),
            });
        };
        // The rows before are on the device by now; their products may not be.
        self.queue.wait()?;
        let bytes = rows.bytes();
        self.host[..bytes.len()]
            .par_chunks_mut(1 << 20)
            .zip(bytes.par_chunks(1 << 20))
            .for_each(|(to, from)| to.copy_from_slice(from));
        if let Some(selected) = selected {
            for (slot, selected) in self.selected.0.iter_mut().zip(selected) {
                *slot = u8::from(*selected);
            }
        }
        // SAFETY: the memory is the chunk's, whose queue is dropped first, and not touched before the next wait.
        unsafe {
            let queue = &self.queue;
            queue.upload(&self.host[..bytes.len()], &self.device, 0)?;
            if selected.is_some() {
                queue.upload(&self.selected.0[..rows.len()], &self.selected.1, 0)?;
            }
            queue.launch(
                "halve_vectors",
                self.padded as u64,
                &mut Arguments::new()
                    .memory(&self.device)
                    .long(row_bytes(rows)?)
                    .long(rows.len())
                    .long(self.padded)
                    .int(rows.dimension() as u32)
                    .int(stride as u32)
                    .int(numbers.encoding)
                    .float(numbers.scale)
                    .float(numbers.min)
                    .memory(&self.halves)
                    .memory(&self.facts),
            )
        }
    }

    /// Enqueues the search of `count` rows, the first of which is `first`, for all queries, and waits for it. `settings` adds
    /// the arguments that say what is searched for.
    fn search(
        &mut self,
        loaded: &Loaded,
        first: usize,
        count: usize,
        is_selected: bool,
        settings: impl Fn(Arguments) -> Arguments,
    ) -> Result<()> {
        let selected = if is_selected {
            self.selected.1.address()
        } else {
            0
        };
        for start in (0..loaded.queries).step_by(self.block_queries) {
            let block = (loaded.padded - start).min(self.block_queries);
            let queries = (loaded.queries - start).min(block);
            // SAFETY: products have room for so many pairs; queries and what is found for them are as long as all queries, of which
            // these are a part. Everything lives until the wait below.
            unsafe {
                let queue = &self.queue;
                queue.launch(
                    "multiply_halves",
                    (block / SIDE * (self.padded / SIDE)) as u64,
                    &mut Arguments::new()
                        .address(loaded.halves.at(start * loaded.stride))
                        .memory(&self.halves)
                        .int(block as u32)
                        .int(self.padded as u32)
                        .int(loaded.stride as u32)
                        .memory(&self.products),
                )?;
                let arguments = Arguments::new()
                    .memory(&self.products)
                    .address(loaded.facts.at(start * FACTS))
                    .memory(&self.facts)
                    .int(queries as u32)
                    .long(count)
                    .long(self.padded)
                    .long(first)
                    .address(selected);
                queue.launch(
                    "choose_rows",
                    queries as u64,
                    &mut settings(arguments)
                        .int(loaded.room as u32)
                        .address(loaded.best.at(start * loaded.k))
                        .address(loaded.rows.at(start * loaded.room))
                        .address(loaded.keys.at(start * loaded.room))
                        .address(loaded.found.at(start)),
                )?;
            }
        }
        self.queue.wait()
    }
}
