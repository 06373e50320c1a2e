//! Batches of pages: LZ4 both ways and same-fill, a warp a page.
//!
//! A batch is cut into chunks. Each is copied into page-locked memory and worked on in a queue of its own, while the one before
//! it is brought back; two are in flight.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ogive_codecs::pages::{Codec, DevicePage, DeviceStored, PAGE_SIZE, PageDevice, Stored};
use rayon::prelude::*;

use crate::device::{Arguments, Device, Memory, Pinned, Queue};
use crate::rates::best_of;
use crate::{Error, Result};

/// Pages of a chunk: 32 MiB, a millisecond of the bus.
const CHUNK_PAGES: usize = 8192;
/// Below this a chunk is not worth its calls: the batch is left to the processor.
const CHUNK_PAGES_MIN: usize = 128;
/// Chunks that are worked on at once.
const IN_FLIGHT: usize = 2;
/// Fewer pages than this are done by the processor before the first of them would be on the device.
const BATCH_PAGES_MIN: usize = 512;

/// The codec numbers of the kernels are those of frames.
const _: () =
    assert!(Codec::None as u32 == 0 && Codec::SameFill as u32 == 1 && Codec::Lz4 as u32 == 2);

/// A device as page codecs use it. It keeps the memory of chunks from one batch to the next.
#[derive(Debug)]
pub struct DevicePages {
    device: Device,
    name: String,
    /// What the processor would do itself in the same time; see [`DevicePages::where_it_pays`].
    threads: Option<usize>,
    idle: Mutex<Idle>,
}

#[derive(Debug)]
struct Idle {
    chunk_pages: usize,
    chunks: Vec<Chunk>,
}

/// Bytes a second that the device brings through in and out of the host, and a thread of the processor, each way: what is
/// assumed, in units of 100 MB/s. A bus of 25 GB/s carries every page in, and what is made of it out.
const DEVICE_RATE: usize = 120;
const THREAD_COMPRESSES: usize = 7;
const THREAD_DECOMPRESSES: usize = 35;

impl DevicePages {
    /// Gives the device every batch of [more than a few](PageDevice::takes) pages.
    pub fn new(device: Device) -> DevicePages {
        DevicePages {
            name: format!("cuda ({})", device.info().name),
            device,
            threads: None,
            idle: Mutex::new(Idle {
                chunk_pages: CHUNK_PAGES,
                chunks: Vec::new(),
            }),
        }
    }

    /// Gives the device only what so many threads of the processor would be slower at, by the rates that are assumed of both: the
    /// bus is what limits the device, so a few threads decompress as fast.
    pub fn where_it_pays(device: Device, threads: usize) -> DevicePages {
        DevicePages {
            threads: Some(threads),
            ..DevicePages::new(device)
        }
    }

    /// Whether there is anything that [`DevicePages::where_it_pays`] would take from so many threads: to be asked before a device
    /// is looked for, which takes a driver a second.
    pub fn can_pay(threads: usize) -> bool {
        threads.saturating_mul(THREAD_COMPRESSES.min(THREAD_DECOMPRESSES)) < DEVICE_RATE
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A chunk's memory, smaller ones where the device has no room for the usual.
    fn chunk(&self) -> Result<Chunk> {
        let chunk_pages = {
            let mut idle = self.idle();
            if let Some(chunk) = idle.chunks.pop() {
                return Ok(chunk);
            }
            idle.chunk_pages
        };
        match Chunk::new(&self.device, chunk_pages) {
            Err(Error::Memory { .. }) if chunk_pages / 2 >= CHUNK_PAGES_MIN => {
                let mut idle = self.idle();
                idle.chunk_pages = idle.chunk_pages.min(chunk_pages / 2);
                drop(idle);
                self.chunk()
            }
            made => made,
        }
    }

    fn give_back(&self, chunk: Chunk) {
        let mut idle = self.idle();
        if idle.chunks.len() < IN_FLIGHT {
            idle.chunks.push(chunk);
        }
    }

    /// Compresses pages.
    ///
    /// # Errors
    /// [`Error::Driver`]; [`Error::Memory`] where there is no room for the smallest chunk.
    pub fn compress(&self, pages: &[&[u8]]) -> Result<DeviceStored> {
        if let Some(page) = pages.iter().find(|page| page.len() > PAGE_SIZE) {
            return Err(Error::Unsupported {
                what: format!("a page of {} bytes", page.len()),
            });
        }
        let mut stored = DeviceStored::default();
        let mut begun: VecDeque<Chunk> = VecDeque::new();
        let mut rest = pages;
        while !rest.is_empty() || !begun.is_empty() {
            if !rest.is_empty() && begun.len() < IN_FLIGHT {
                let mut chunk = match self.chunk() {
                    // The chunk in flight may be all that there is room for.
                    Err(Error::Memory { .. }) if !begun.is_empty() => {
                        self.finish_compressing(&mut begun, &mut stored)?;
                        continue;
                    }
                    made => made?,
                };
                let (now, later) = rest.split_at(rest.len().min(chunk.pages_max));
                rest = later;
                chunk.begin_compressing(now)?;
                begun.push_back(chunk);
                if begun.len() < IN_FLIGHT && !rest.is_empty() {
                    continue;
                }
            }
            self.finish_compressing(&mut begun, &mut stored)?;
        }
        Ok(stored)
    }

    fn finish_compressing(
        &self,
        begun: &mut VecDeque<Chunk>,
        stored: &mut DeviceStored,
    ) -> Result<()> {
        if let Some(mut chunk) = begun.pop_front() {
            chunk.finish_compressing(stored)?;
            self.give_back(chunk);
        }
        Ok(())
    }

    /// Brings pages back, and says of each whether it did.
    ///
    /// # Errors
    /// As [`DevicePages::compress`].
    pub fn decompress(&self, pages: &mut [DevicePage<'_>]) -> Result<Vec<bool>> {
        let mut good = Vec::with_capacity(pages.len());
        let mut begun: VecDeque<(Chunk, &mut [DevicePage<'_>])> = VecDeque::new();
        let mut rest = pages;
        while !rest.is_empty() || !begun.is_empty() {
            if !rest.is_empty() && begun.len() < IN_FLIGHT {
                match self.chunk() {
                    Err(Error::Memory { .. }) if !begun.is_empty() => {}
                    made => {
                        let mut chunk = made?;
                        let count = rest.len().min(chunk.pages_max);
                        let (now, later) = std::mem::take(&mut rest).split_at_mut(count);
                        rest = later;
                        chunk.begin_decompressing(now)?;
                        begun.push_back((chunk, now));
                        if begun.len() < IN_FLIGHT && !rest.is_empty() {
                            continue;
                        }
                    }
                }
            }
            if let Some((mut chunk, pages)) = begun.pop_front() {
                chunk.finish_decompressing(pages, &mut good)?;
                self.give_back(chunk);
            }
        }
        Ok(good)
    }
}

impl DevicePages {
    /// Bytes of the pages that fit a chunk, bytes as they are stored, and the best times of the kernels both ways.
    pub(crate) fn time_kernels(
        &self,
        pages: &[&[u8]],
    ) -> Result<(usize, usize, Duration, Duration)> {
        let mut chunk = self.chunk()?;
        let pages = &pages[..pages.len().min(chunk.pages_max)];
        chunk.begin_compressing(pages)?;
        let compress = best_of(&chunk.queue, 5, || chunk.launch_compression())?;
        let mut stored = DeviceStored::default();
        chunk.finish_compressing(&mut stored)?;
        let mut outs = vec![[0; PAGE_SIZE]; pages.len()];
        let mut rest = stored.bytes.as_slice();
        let jobs: Vec<DevicePage<'_>> = stored
            .pages
            .iter()
            .zip(pages)
            .zip(&mut outs)
            .map(|((made, page), out)| {
                let (bytes, later) = rest.split_at(made.bytes);
                rest = later;
                DevicePage {
                    codec: made.codec,
                    stored: bytes,
                    out: &mut out[..page.len()],
                }
            })
            .collect();
        chunk.begin_decompressing(&jobs)?;
        let decompress = best_of(&chunk.queue, 5, || chunk.launch_decompression())?;
        self.give_back(chunk);
        let bytes = pages.iter().map(|page| page.len()).sum();
        Ok((bytes, stored.bytes.len(), compress, decompress))
    }
}

impl PageDevice for DevicePages {
    fn name(&self) -> &str {
        &self.name
    }

    fn takes(&self, pages: usize, compress: bool) -> bool {
        let thread = if compress {
            THREAD_COMPRESSES
        } else {
            THREAD_DECOMPRESSES
        };
        let pays = self
            .threads
            .is_none_or(|threads| threads.saturating_mul(thread) < DEVICE_RATE);
        pays && pages >= BATCH_PAGES_MIN
    }

    fn compress_lz4(&self, pages: &[&[u8]]) -> Result<DeviceStored, String> {
        self.compress(pages).map_err(|error| error.to_string())
    }

    fn decompress(&self, pages: &mut [DevicePage<'_>]) -> Result<Vec<bool>, String> {
        DevicePages::decompress(self, pages).map_err(|error| error.to_string())
    }
}

/// Numbers on both sides.
#[derive(Debug)]
struct Both<T> {
    host: Pinned<T>,
    device: Memory<T>,
}

/// The memory of a chunk and the queue that works on it. The queue comes first, so that it is waited for before the memory
/// goes.
#[derive(Debug)]
struct Chunk {
    queue: Queue,
    pages_max: usize,
    pages: usize,
    input: Both<u8>,
    output: Both<u8>,
    blocks: Memory<u8>,
    lengths: Both<u32>,
    same: Both<u32>,
    stored: Both<u32>,
    codecs: Both<u32>,
    status: Both<u32>,
    starts: Both<u64>,
}

impl Chunk {
    fn new(device: &Device, pages: usize) -> Result<Chunk> {
        fn both<T: crate::device::Plain>(device: &Device, count: usize) -> Result<Both<T>> {
            Ok(Both {
                device: device.allocate(count)?,
                host: device.allocate_pinned(count)?,
            })
        }
        Ok(Chunk {
            queue: device.open_queue()?,
            pages_max: pages,
            pages: 0,
            input: both(device, pages * PAGE_SIZE)?,
            output: both(device, pages * PAGE_SIZE)?,
            blocks: device.allocate(pages * PAGE_SIZE)?,
            lengths: both(device, pages)?,
            same: both(device, pages)?,
            stored: both(device, pages)?,
            codecs: both(device, pages)?,
            status: both(device, pages)?,
            starts: both(device, pages)?,
        })
    }

    /// Enqueues the pages and what is to be made of them.
    fn begin_compressing(&mut self, pages: &[&[u8]]) -> Result<()> {
        self.pages = pages.len();
        self.input.host[..pages.len() * PAGE_SIZE]
            .par_chunks_exact_mut(PAGE_SIZE)
            .zip(pages.par_iter())
            .for_each(|(slot, page)| {
                let (start, rest) = slot.split_at_mut(page.len());
                start.copy_from_slice(page);
                rest.fill(0);
            });
        for (length, page) in self.lengths.host.iter_mut().zip(pages) {
            *length = page.len() as u32;
        }
        let (count, bytes) = (pages.len(), pages.len() * PAGE_SIZE);
        // SAFETY: the memory is the chunk's, is as long as the kernels expect, and is not looked at before the queue was waited
        // for in `finish_compressing` or by `Drop`.
        unsafe {
            let queue = &self.queue;
            queue.upload(&self.input.host[..bytes], &self.input.device, 0)?;
            queue.upload(&self.lengths.host[..count], &self.lengths.device, 0)?;
        }
        self.launch_compression()?;
        // SAFETY: as above.
        unsafe {
            let queue = &self.queue;
            queue.download(&self.same.device, 0, &mut self.same.host[..count])?;
            queue.download(&self.stored.device, 0, &mut self.stored.host[..count])
        }
    }

    fn launch_compression(&self) -> Result<()> {
        let count = self.pages;
        // SAFETY: the memory is the chunk's and has room for so many pages.
        unsafe {
            let queue = &self.queue;
            queue.launch(
                "same_fill_detect",
                count as u64,
                &mut Arguments::new()
                    .memory(&self.input.device)
                    .memory(&self.lengths.device)
                    .memory(&self.same.device)
                    .int(count as u32),
            )?;
            queue.launch(
                "lz4_compress",
                count as u64,
                &mut Arguments::new()
                    .memory(&self.input.device)
                    .memory(&self.lengths.device)
                    .memory(&self.same.device)
                    .memory(&self.blocks)
                    .memory(&self.stored.device)
                    .int(count as u32),
            )
        }
    }

    /// Brings back what was made, packed on the device so that the bus carries nothing else.
    fn finish_compressing(&mut self, stored: &mut DeviceStored) -> Result<()> {
        self.queue.wait()?;
        let count = self.pages;
        let mut total = 0;
        for page in 0..count {
            let length = self.lengths.host[page] as usize;
            let (codec, bytes) = match (self.same.host[page], self.stored.host[page]) {
                (0, 0) => (Codec::None, length),
                (0, bytes) => (Codec::Lz4, bytes as usize),
                _ => (Codec::SameFill, ogive_codecs::pages::same_fill::WORD_BYTES),
            };
            self.codecs.host[page] = codec as u32;
            self.stored.host[page] = bytes as u32;
            self.starts.host[page] = total as u64;
            total += bytes;
            stored.pages.push(Stored { codec, bytes });
        }
        assert!(
            total <= self.output.device.len(),
            "no page is stored in more bytes than it has"
        );
        // SAFETY: as in `begin_compressing`; the sums of lengths were just checked.
        unsafe {
            let queue = &self.queue;
            queue.upload(&self.codecs.host[..count], &self.codecs.device, 0)?;
            queue.upload(&self.stored.host[..count], &self.stored.device, 0)?;
            queue.upload(&self.starts.host[..count], &self.starts.device, 0)?;
            queue.launch(
                "gather_stored",
                count as u64,
                &mut Arguments::new()
                    .memory(&self.input.device)
                    .memory(&self.blocks)
                    .memory(&self.codecs.device)
                    .memory(&self.stored.device)
                    .memory(&self.starts.device)
                    .memory(&self.output.device)
                    .int(count as u32),
            )?;
            queue.download(&self.output.device, 0, &mut self.output.host[..total])?;
        }
        self.queue.wait()?;
        stored.bytes.extend_from_slice(&self.output.host[..total]);
        Ok(())
    }

    /// Enqueues stored pages and bringing them back.
    fn begin_decompressing(&mut self, pages: &[DevicePage<'_>]) -> Result<()> {
        self.pages = pages.len();
        let mut total = 0;
        for (index, page) in pages.iter().enumerate() {
            // What is longer than a page is no stored page: the device is told of a length that it refuses.
            let fits = page.stored.len() <= PAGE_SIZE && page.out.len() <= PAGE_SIZE;
            let stored = if fits { page.stored } else { &[] };
            self.input.host[total..total + stored.len()].copy_from_slice(stored);
            self.starts.host[index] = total as u64;
            self.stored.host[index] = stored.len() as u32;
            self.codecs.host[index] = if fits { page.codec as u32 } else { u32::MAX };
            self.lengths.host[index] = page.out.len().min(PAGE_SIZE) as u32;
            total += stored.len();
        }
        let (count, bytes) = (pages.len(), pages.len() * PAGE_SIZE);
        // SAFETY: as in `begin_compressing`: starts and lengths lie in the input, which was just filled.
        unsafe {
            let queue = &self.queue;
            queue.upload(&self.input.host[..total], &self.input.device, 0)?;
            queue.upload(&self.starts.host[..count], &self.starts.device, 0)?;
            queue.upload(&self.stored.host[..count], &self.stored.device, 0)?;
            queue.upload(&self.codecs.host[..count], &self.codecs.device, 0)?;
            queue.upload(&self.lengths.host[..count], &self.lengths.device, 0)?;
        }
        self.launch_decompression()?;
        // SAFETY: as above.
        unsafe {
            let queue = &self.queue;
            queue.download(&self.status.device, 0, &mut self.status.host[..count])?;
            queue.download(&self.output.device, 0, &mut self.output.host[..bytes])
        }
    }

    fn launch_decompression(&self) -> Result<()> {
        let count = self.pages;
        // SAFETY: as in `launch_compression`.
        unsafe {
            self.queue.launch(
                "decompress_pages",
                count as u64,
                &mut Arguments::new()
                    .memory(&self.input.device)
                    .memory(&self.starts.device)
                    .memory(&self.stored.device)
                    .memory(&self.codecs.device)
                    .memory(&self.lengths.device)
                    .memory(&self.output.device)
                    .memory(&self.status.device)
                    .int(count as u32),
            )
        }
    }

    fn finish_decompressing(
        &mut self,
        pages: &mut [DevicePage<'_>],
        good: &mut Vec<bool>,
    ) -> Result<()> {
        self.queue.wait()?;
        let status = &self.status.host[..self.pages];
        let slots = &self.output.host[..self.pages * PAGE_SIZE];
        pages
            .par_iter_mut()
            .zip(slots.par_chunks_exact(PAGE_SIZE))
            .zip(status.par_iter())
            .filter(|(_, status)| **status == 0)
            .for_each(|((page, slot), _)| page.out.copy_from_slice(&slot[..page.out.len()]));
        good.extend(status.iter().map(|status| *status == 0));
        Ok(())
    }
}
