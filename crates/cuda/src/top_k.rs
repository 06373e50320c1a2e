//! The `k` rows that come first: the device names candidates, the processor answers those exactly.
//!
//! ```text
//! for each chunk of rows, two in flight:
//!     copy it into page-locked memory, upload                                   (threads of the processor; the bus)
//!     two keys a row, between which its answer lies                             (decoding, distance and bound in one pass)
//!     the k-th best upper key, and the rows that it does not exclude            (four passes over the keys)
//! for each candidate: its answer, by the kernel of the processor
//! ```
//!
//! What bounds are made of, and why they hold, is in `kernels/search.cu`. A chunk with more candidates than there is room for
//! (rows of which nothing is known, or tied in great numbers) is searched by the processor.

use std::collections::VecDeque;

use ogive_kernels::{Encoding, Order, Query, Rows, SharedThreshold, TopK};
use rayon::prelude::*;

use crate::device::{Arguments, Device, Memory, Pinned, Queue};
use crate::encoding::{Numbers, row_bytes, sign, takes};
use crate::{Error, Result};

/// Bytes of rows in a chunk, where the device has room.
const CHUNK_BYTES: usize = 64 << 20;
/// Below this a chunk is not worth its calls.
const CHUNK_BYTES_MIN: usize = 1 << 20;
const IN_FLIGHT: usize = 2;
/// Candidates of a chunk for which there is room, beside four times `k`.
const CANDIDATES: usize = 1 << 16;
/// Bytes that a thread copies at a time.
const COPY_BYTES: usize = 1 << 20;
/// A lower key that says nothing; see `kernels/warp.cuh`.
const KEY_LAST: u32 = u32::MAX;
/// Rows that a warp screens, and keys that it counts, at a time; those of the kernels.
const ROWS_AT_ONCE: usize = 4;
const STRIP: usize = 1024;

/// A search as [`TopK`] is one, whose rows are looked at by a device. Its results are those of [`TopK`].
#[derive(Debug)]
pub struct DeviceTopK {
    device: Device,
    query: Query,
    order: Order,
    k: usize,
    /// What was found, and what searches instead of the device.
    inner: TopK,
    /// Of both sides.
    rows_scanned: u64,
    rows_answered: u64,
    chunk_bytes: usize,
    failure: Option<String>,
}

impl DeviceTopK {
    /// A search that has seen no rows.
    pub fn new(device: Device, query: Query, k: usize, order: Order) -> DeviceTopK {
        DeviceTopK {
            device,
            inner: TopK::new(query.clone(), k, order),
            query,
            order,
            k,
            rows_scanned: 0,
            rows_answered: 0,
            chunk_bytes: CHUNK_BYTES,
            failure: None,
        }
    }

    /// The same with chunks of at most so many bytes: a budget for the memory of the device is about twice that.
    pub fn with_chunk_bytes(mut self, bytes: usize) -> DeviceTopK {
        self.chunk_bytes = bytes.clamp(CHUNK_BYTES_MIN, CHUNK_BYTES);
        self
    }

    /// As [`TopK::scan`]. Where the device does not take the rows, has no room or fails, the processor searches them:
    /// [`DeviceTopK::take_failure`].
    ///
    /// # Panics
    /// As [`TopK::scan`].
    pub fn scan(
        &mut self,
        rows: &Rows<'_>,
        first_row: u64,
        selected: Option<&[bool]>,
        shared: &SharedThreshold,
    ) {
        assert_eq!(
            rows.dimension(),
            self.query.dimension(),
            "dimension of the rows"
        );
        if let Some(selected) = selected {
            assert_eq!(rows.len(), selected.len(), "one selection for each row");
        }
        let takes = takes(&self.query, rows.encoding(), rows.dimension());
        if !takes || self.k == 0 || rows.is_empty() {
            return self.scan_here(rows, first_row, selected, shared);
        }
        let done = self.stream(rows, first_row, selected, shared);
        if let Err((done, error)) = done {
            self.failure = Some(error.to_string());
            let rest = rows.slice(done..rows.len());
            let selected = selected.map(|selected| &selected[done..]);
            self.scan_here(&rest, first_row + done as u64, selected, shared);
        }
    }

    /// Has the processor search rows.
    fn scan_here(
        &mut self,
        rows: &Rows<'_>,
        first_row: u64,
        selected: Option<&[bool]>,
        shared: &SharedThreshold,
    ) {
        let before = (self.inner.rows_scanned(), self.inner.rows_answered());
        self.inner.scan(rows, first_row, selected, shared);
        self.rows_scanned += self.inner.rows_scanned() - before.0;
        self.rows_answered += self.inner.rows_answered() - before.1;
    }

    /// As [`TopK::offer`].
    pub fn offer(&mut self, row: u64, value: Option<f64>, shared: &SharedThreshold) {
        self.rows_scanned += 1;
        self.inner.offer(row, value, shared);
    }

    /// As [`TopK::candidates`].
    pub fn candidates(&self, shared: &SharedThreshold) -> Vec<u64> {
        self.inner.candidates(shared)
    }

    /// As [`TopK::results`].
    pub fn results(&self, shared: &SharedThreshold) -> Vec<(u64, Option<f64>)> {
        self.inner.results(shared)
    }

    /// As [`TopK::rows_scanned`].
    pub fn rows_scanned(&self) -> u64 {
        self.rows_scanned
    }

    /// As [`TopK::rows_answered`].
    pub fn rows_answered(&self) -> u64 {
        self.rows_answered
    }

    /// Why the processor did work of the device, the last time that it did; the next call starts afresh.
    pub fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// Searches rows chunk by chunk; with an error, how many rows were dealt with.
    fn stream(
        &mut self,
        rows: &Rows<'_>,
        first_row: u64,
        selected: Option<&[bool]>,
        shared: &SharedThreshold,
    ) -> Result<(), (usize, Error)> {
        let stride = row_bytes(rows).map_err(|error| (0, error))?.max(1);
        let mut idle = self.chunks(rows, stride).map_err(|error| (0, error))?;
        let mut begun: VecDeque<Chunk> = VecDeque::new();
        let (mut sent, mut done) = (0, 0);
        let mut limit = KEY_LAST;
        while sent < rows.len() || !begun.is_empty() {
            if sent < rows.len()
                && let Some(mut chunk) = idle.pop()
            {
                let end = rows.len().min(sent + chunk.rows_max);
                let part = rows.slice(sent..end);
                let part_selected = selected.map(|selected| &selected[sent..end]);
                chunk
                    .begin(self, &part, sent, part_selected, limit)
                    .map_err(|error| (done, error))?;
                begun.push_back(chunk);
                sent = end;
                continue;
            }
            let Some(mut chunk) = begun.pop_front() else {
                break;
            };
            let range = chunk.first..chunk.first + chunk.rows;
            let found = chunk.finish().map_err(|error| (done, error))?;
            limit = limit.min(found.limit);
            self.take(
                rows,
                first_row,
                range.clone(),
                selected,
                &found,
                limit,
                shared,
            );
            done = range.end;
            idle.push(chunk);
        }
        Ok(())
    }

    /// Memory for chunks: smaller ones where there is no room, one where there is none for two.
    fn chunks(&self, rows: &Rows<'_>, stride: usize) -> Result<Vec<Chunk>> {
        let mut bytes = self.chunk_bytes;
        loop {
            let rows_max = (bytes / stride).clamp(1, rows.len());
            let needed = rows.len().div_ceil(rows_max).min(IN_FLIGHT);
            match Chunk::new(&self.device, self, rows.encoding(), rows_max, stride) {
                Ok(first) => {
                    let mut chunks = vec![first];
                    if needed > 1
                        && let Ok(second) =
                            Chunk::new(&self.device, self, rows.encoding(), rows_max, stride)
                    {
                        chunks.push(second);
                    }
                    return Ok(chunks);
                }
                Err(Error::Memory { .. }) if bytes / 2 >= CHUNK_BYTES_MIN && rows_max > 1 => {
                    bytes /= 2;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Answers the candidates of a chunk, the rows of `range`.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a scan, and what was found in a part of it"
    )]
    fn take(
        &mut self,
        rows: &Rows<'_>,
        first_row: u64,
        range: std::ops::Range<usize>,
        selected: Option<&[bool]>,
        found: &Found,
        limit: u32,
        shared: &SharedThreshold,
    ) {
        let first_of_chunk = first_row + range.start as u64;
        let part = rows.slice(range.clone());
        let selected = selected.map(|selected| &selected[range]);
        let Some(candidates) = &found.candidates else {
            return self.scan_here(&part, first_of_chunk, selected, shared);
        };
        self.rows_scanned += selected.map_or(part.len(), |selected| {
            selected.iter().filter(|selected| **selected).count()
        }) as u64;
        let query = &self.query;
        let answers: Vec<(u64, Option<f64>)> = candidates
            .par_iter()
            .with_min_len(64)
            .filter(|(_, key)| *key <= limit)
            .map(|(row, _)| {
                let row = *row as usize;
                let mut value = [0.0];
                let undefined = query.distances(&part.slice(row..row + 1), &mut value);
                let value = undefined.is_empty().then_some(value[0]);
                (first_of_chunk + row as u64, value)
            })
            .collect();
        self.rows_answered += answers.len() as u64;
        for (row, value) in answers {
            self.inner.offer(row, value, shared);
        }
    }
}

/// What the device made of a chunk.
struct Found {
    /// No row of a greater lower key is among the first `k`.
    limit: u32,
    /// Rows of the chunk and their lower keys; `None` where there are more than there is room for.
    candidates: Option<Vec<(u32, u32)>>,
}

/// Rows in the memory of the device, to be searched more than once.
#[derive(Debug)]
pub struct DeviceRows {
    memory: Memory<u8>,
    rows: usize,
}

impl Device {
    /// Copies rows to the device.
    ///
    /// # Errors
    /// [`Error::Memory`] where there is no room, [`Error::Driver`].
    pub fn load(&self, rows: &Rows<'_>) -> Result<DeviceRows> {
        let memory = self.allocate::<u8>(rows.bytes().len())?;
        let queue = self.open_queue()?;
        // SAFETY: both live until the queue was waited for.
        unsafe { queue.upload(rows.bytes(), &memory, 0)? };
        queue.wait()?;
        Ok(DeviceRows {
            memory,
            rows: rows.len(),
        })
    }
}

impl DeviceTopK {
    /// As [`DeviceTopK::scan`] over rows that are in the memory of the device already. `rows` are the same rows on this side,
    /// for the answers to the candidates.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for rows that devices are not given; [`Error::Memory`], [`Error::Driver`].
    ///
    /// # Panics
    /// When there are not so many rows, or of another size.
    pub fn scan_loaded(
        &mut self,
        loaded: &DeviceRows,
        rows: &Rows<'_>,
        first_row: u64,
        shared: &SharedThreshold,
    ) -> Result<()> {
        assert_eq!(loaded.rows, rows.len(), "rows on both sides");
        assert_eq!(
            loaded.memory.len(),
            rows.bytes().len(),
            "bytes on both sides"
        );
        if !takes(&self.query, rows.encoding(), rows.dimension())
            || self.query.dimension() != rows.dimension()
            || u32::try_from(rows.len()).is_err()
        {
            return Err(Error::Unsupported {
                what: format!("{} rows of {:?}", rows.len(), rows.encoding()),
            });
        }
        if self.k == 0 || rows.is_empty() {
            return Ok(());
        }
        let mut search = Search::new(&self.device, self, rows.encoding(), rows.len())?;
        search.begin(
            self,
            &loaded.memory,
            row_bytes(rows)?,
            rows,
            false,
            KEY_LAST,
        )?;
        let found = search.finish()?;
        let limit = found.limit;
        self.take(rows, first_row, 0..rows.len(), None, &found, limit, shared);
        Ok(())
    }
}

#[cfg(test)]
impl DeviceTopK {
    /// The keys of all rows, for the audit of bounds.
    pub(crate) fn keys(&self, rows: &Rows<'_>) -> Vec<(u32, u32)> {
        let loaded = self.device.load(rows).unwrap();
        let mut search = Search::new(&self.device, self, rows.encoding(), rows.len()).unwrap();
        let stride = row_bytes(rows).unwrap();
        search
            .begin(self, &loaded.memory, stride, rows, false, KEY_LAST)
            .unwrap();
        let (mut lower, mut upper) = (vec![0; rows.len()], vec![0; rows.len()]);
        // SAFETY: the vectors live until the queue was waited for.
        unsafe {
            search.queue.download(&search.lower, 0, &mut lower).unwrap();
            search.queue.download(&search.upper, 0, &mut upper).unwrap();
        }
        search.queue.wait().unwrap();
        lower.into_iter().zip(upper).collect()
    }
}

/// Rows on their way, with the search of them.
#[derive(Debug)]
struct Chunk {
    search: Search,
    host: Pinned<u8>,
    device: Memory<u8>,
    rows_max: usize,
    first: usize,
    rows: usize,
}

impl Chunk {
    fn new(
        device: &Device,
        of: &DeviceTopK,
        encoding: Encoding,
        rows_max: usize,
        stride: usize,
    ) -> Result<Chunk> {
        Ok(Chunk {
            search: Search::new(device, of, encoding, rows_max)?,
            device: device.allocate(rows_max * stride)?,
            host: device.allocate_pinned(rows_max * stride)?,
            rows_max,
            first: 0,
            rows: 0,
        })
    }

    fn begin(
        &mut self,
        of: &DeviceTopK,
        rows: &Rows<'_>,
        first: usize,
        selected: Option<&[bool]>,
        limit: u32,
    ) -> Result<()> {
        (self.first, self.rows) = (first, rows.len());
        let bytes = rows.bytes();
        self.host[..bytes.len()]
            .par_chunks_mut(COPY_BYTES)
            .zip(bytes.par_chunks(COPY_BYTES))
            .for_each(|(to, from)| to.copy_from_slice(from));
        if let Some(selected) = selected {
            for (slot, selected) in self.search.selected.0.iter_mut().zip(selected) {
                *slot = u8::from(*selected);
            }
        }
        // SAFETY: the memory is the chunk's and is not touched before `finish`, or dropped before the search's queue.
        unsafe {
            self.search
                .queue
                .upload(&self.host[..bytes.len()], &self.device, 0)?;
        }
        self.search.begin(
            of,
            &self.device,
            row_bytes(rows)?,
            rows,
            selected.is_some(),
            limit,
        )
    }

    fn finish(&mut self) -> Result<Found> {
        self.search.finish()
    }
}

/// What a search of rows in the memory of the device takes.
#[derive(Debug)]
struct Search {
    queue: Queue,
    query: (Pinned<u8>, Memory<u8>),
    selected: (Pinned<u8>, Memory<u8>),
    lower: Memory<u32>,
    upper: Memory<u32>,
    /// The bits of the k-th key so far, how many are left; then the limit, and the number of candidates.
    numbers: (Pinned<u32>, Memory<u32>),
    counts: Memory<u32>,
    rows: (Pinned<u32>, Memory<u32>),
    keys: (Pinned<u32>, Memory<u32>),
    room: usize,
}

/// Places in [`Search::numbers`].
const LIMIT: usize = 2;
const FOUND: usize = 3;

impl Search {
    fn new(
        device: &Device,
        of: &DeviceTopK,
        encoding: Encoding,
        rows_max: usize,
    ) -> Result<Search> {
        let room = CANDIDATES
            .saturating_add(of.k.saturating_mul(4))
            .min(rows_max);
        let query: Vec<u8> = match encoding {
            Encoding::Bits => of.query.bits().to_vec(),
            encoding => of
                .query
                .vector(encoding)
                .iter()
                .flat_map(|x| (*x as f32).to_le_bytes())
                .collect(),
        };
        let mut search = Search {
            query: (
                device.allocate_pinned(query.len())?,
                device.allocate(query.len())?,
            ),
            selected: (
                device.allocate_pinned(rows_max)?,
                device.allocate(rows_max)?,
            ),
            lower: device.allocate(rows_max)?,
            upper: device.allocate(rows_max)?,
            numbers: (device.allocate_pinned(4)?, device.allocate(4)?),
            counts: device.allocate(256)?,
            rows: (device.allocate_pinned(room)?, device.allocate(room)?),
            keys: (device.allocate_pinned(room)?, device.allocate(room)?),
            room,
            queue: device.open_queue()?,
        };
        search.query.0.copy_from_slice(&query);
        // SAFETY: the memory is the search's, whose queue is dropped first.
        unsafe {
            search.queue.upload(&search.query.0, &search.query.1, 0)?;
        }
        Ok(search)
    }

    /// Enqueues the search of `rows`, which are in `memory`; with `is_selected`, of those that `selected` names.
    fn begin(
        &mut self,
        of: &DeviceTopK,
        memory: &Memory<u8>,
        stride: usize,
        rows: &Rows<'_>,
        is_selected: bool,
        limit: u32,
    ) -> Result<()> {
        let count = rows.len();
        self.numbers
            .0
            .copy_from_slice(&[0, of.k.min(u32::MAX as usize) as u32, limit, 0]);
        let metric = of.query.metric();
        let sign = sign(metric, of.order.descending);
        // SAFETY: every array is as long as the kernels are told, and none is touched before `finish` has waited.
        unsafe {
            let queue = &self.queue;
            queue.upload(&self.numbers.0, &self.numbers.1, 0)?;
            queue.fill(&self.counts, 0, 256)?;
            let selected = if is_selected {
                queue.upload(&self.selected.0[..count], &self.selected.1, 0)?;
                self.selected.1.address()
            } else {
                0
            };
            match Numbers::new(rows.encoding()) {
                Some(numbers) => {
                    let vector = of.query.vector(rows.encoding());
                    let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
                    let dimension = rows.dimension() as f64;
                    // Room for the sums, and for what follows them, twice what is proven; `kernels/search.cu` says of what.
                    let relative = (dimension + 64.0) / f64::from(1 << 23);
                    let absolute = (dimension + 16.0) * 2.0 * f64::from(f32::MIN_POSITIVE);
                    let screen = match metric {
                        ogive_kernels::Metric::L2 | ogive_kernels::Metric::L2Squared => 0,
                        ogive_kernels::Metric::L1 => 1,
                        ogive_kernels::Metric::InnerProduct
                        | ogive_kernels::Metric::NegativeInnerProduct => 2,
                        _ => 3,
                    };
                    queue.launch(
                        "screen_vectors",
                        count.div_ceil(ROWS_AT_ONCE) as u64,
                        &mut Arguments::new()
                            .memory(memory)
                            .long(stride)
                            .long(count)
                            .int(rows.dimension() as u32)
                            .memory(&self.query.1)
                            .int(numbers.encoding)
                            .int(screen)
                            .float(numbers.scale)
                            .float(numbers.min)
                            .float(query_norm(screen, norm))
                            .float(relative as f32)
                            .float(absolute as f32)
                            .float(sign)
                            .address(selected)
                            .memory(&self.lower)
                            .memory(&self.upper),
                    )?;
                }
                None => queue.launch(
                    "screen_bits",
                    count as u64,
                    &mut Arguments::new()
                        .memory(memory)
                        .long(stride)
                        .long(count)
                        .memory(&self.query.1)
                        .int(u32::from(metric == ogive_kernels::Metric::Jaccard))
                        .float(sign)
                        .address(selected)
                        .memory(&self.lower)
                        .memory(&self.upper),
                )?,
            }
            let limit = self.numbers.1.at(LIMIT);
            for shift in [24, 16, 8, 0] {
                queue.launch(
                    "count_digits",
                    count.div_ceil(STRIP) as u64,
                    &mut Arguments::new()
                        .memory(&self.upper)
                        .long(count)
                        .memory(&self.numbers.1)
                        .int(shift)
                        .memory(&self.counts),
                )?;
                queue.launch(
                    "choose_digit",
                    1,
                    &mut Arguments::new()
                        .memory(&self.numbers.1)
                        .int(shift)
                        .memory(&self.counts)
                        .address(limit),
                )?;
            }
            queue.launch(
                "take_candidates",
                count.div_ceil(32) as u64,
                &mut Arguments::new()
                    .memory(&self.lower)
                    .long(count)
                    .address(limit)
                    .memory(&self.rows.1)
                    .memory(&self.keys.1)
                    .int(self.room as u32)
                    .address(self.numbers.1.at(FOUND)),
            )?;
            queue.download(&self.numbers.1, 0, &mut self.numbers.0)
        }
    }

    fn finish(&mut self) -> Result<Found> {
        self.queue.wait()?;
        let limit = self.numbers.0[LIMIT];
        let count = self.numbers.0[FOUND] as usize;
        if count > self.room {
            return Ok(Found {
                limit,
                candidates: None,
            });
        }
        // SAFETY: as in `begin`.
        unsafe {
            self.queue
                .download(&self.rows.1, 0, &mut self.rows.0[..count])?;
            self.queue
                .download(&self.keys.1, 0, &mut self.keys.0[..count])?;
        }
        self.queue.wait()?;
        let mut candidates: Vec<(u32, u32)> = self.rows.0[..count]
            .iter()
            .copied()
            .zip(self.keys.0[..count].iter().copied())
            .collect();
        candidates.sort_unstable();
        Ok(Found {
            limit,
            candidates: Some(candidates),
        })
    }
}

/// The norm of the query as the kernel is given it: rounded up for products, which use it as a bound; as near as can be for
/// cosines, which divide by it, or NaN, which makes everything unknown, where it is outside of what they are proven for.
fn query_norm(screen: u32, norm: f64) -> f32 {
    const COSINE_NORM_MIN: f64 = 1e-9;
    const COSINE_NORM_MAX: f64 = 1e15;
    match screen {
        3 if !(COSINE_NORM_MIN..=COSINE_NORM_MAX).contains(&norm) => f32::NAN,
        3 => norm as f32,
        _ => (norm * (1.0 + 1e-6)) as f32 + f32::MIN_POSITIVE,
    }
}
