//! Many values at a time: cut into pages, spread over all threads, put together in order.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::frame::{self, Frame, StoredPage};
use super::{
    Algorithm, Codec, Compressor, CompressorBuilder, DevicePage, Dictionary, PAGE_SIZE,
    PageCompressor, PageDevice, RawFormat, Statistics, Stored, pages_of,
};
use crate::Error;

/// Pages that a thread takes at a time: half a megabyte, a tenth of a millisecond and more.
const PAGES_PER_TASK: usize = 128;
/// Fewer pages than this are done by the caller's thread: waking another takes longer.
const PAGES_ALONE_MAX: usize = 16;

/// Values one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// A value; no bytes past the last one.
    pub fn get(&self, index: usize) -> &[u8] {
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(usize::MAX),
            None => 0,
        };
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The bytes of all values, and where each ends.
    pub fn into_parts(self) -> (Vec<u8>, Vec<usize>) {
        (self.bytes, self.ends)
    }
}

/// Settings with the compressors made for them, which are kept for the next call. It is shared between threads; each
/// takes a compressor of its own.
#[derive(Debug)]
pub struct PageBatch {
    settings: CompressorBuilder,
    dictionary: Option<Dictionary>,
    idle: Mutex<Vec<Compressor>>,
    device: Option<Arc<dyn PageDevice>>,
    /// Why the device did not do what it was given, since it was last asked.
    device_failure: Mutex<Option<String>>,
}

/// What a task made: for every page its codec, length and checksum, and the stored bytes of all.
#[derive(Debug, Default)]
struct Made {
    pages: Vec<(Stored, u32)>,
    stored: Vec<u8>,
}

/// A page to bring back, and where to.
struct Job<'a> {
    page: StoredPage<'a>,
    has_dictionary: bool,
    out: &'a mut [u8],
}

impl PageBatch {
    /// Batches with these settings.
    ///
    /// # Errors
    /// Those of [`CompressorBuilder::build`].
    pub fn new(settings: CompressorBuilder) -> Result<Self, Error> {
        let compressor = settings.build()?;
        Ok(Self {
            dictionary: compressor.dictionary().cloned(),
            settings,
            idle: Mutex::new(vec![compressor]),
            device: None,
            device_failure: Mutex::default(),
        })
    }

    /// The same with a device, which is given the batches that it takes. Where it fails the processor does its work:
    /// [`Self::take_device_failure`].
    pub fn with_device(mut self, device: Arc<dyn PageDevice>) -> Self {
        self.device = Some(device);
        self
    }

    /// Why the device did not do what it was given, the last time that it did not; the next call starts afresh.
    pub fn take_device_failure(&self) -> Option<String> {
        self.device_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// What a device makes of a batch that it takes.
    fn on_device<T>(
        &self,
        pages: usize,
        compress: bool,
        work: impl FnOnce(&dyn PageDevice) -> Result<T, String>,
    ) -> Option<T> {
        let device = self.device.as_deref()?;
        if !device.takes(pages, compress) {
            return None;
        }
        match work(device) {
            Ok(done) => Some(done),
            Err(failure) => {
                *self
                    .device_failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) =
                    Some(format!("{}: {failure}", device.name()));
                None
            }
        }
    }

    /// Does something with a compressor that nobody else uses meanwhile.
    fn with_compressor<T>(
        &self,
        work: impl FnOnce(&mut Compressor) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut compressor = match kept {
            Some(compressor) => compressor,
            None => self.settings.build()?,
        };
        let done = work(&mut compressor);
        idle().push(compressor);
        done
    }

    /// A frame for every value.
    ///
    /// # Errors
    /// [`Error::Memory`], or [`Error::Zstd`] where the library refuses to work; no value is at fault.
    pub fn compress(&self, values: &[&[u8]]) -> Result<Values, Error> {
        if let Some(made) = self.compress_on_device(values) {
            return Ok(self.assemble(values, &[made]));
        }
        let made = self.pages(values, |pages| {
            let mut made = Made {
                pages: Vec::with_capacity(pages.len()),
                stored: Vec::with_capacity(pages.len() * PAGE_SIZE / 2),
            };
            self.each(pages, |out, stored| {
                let stored_bytes = out.get(..stored.bytes).unwrap_or_default();
                made.pages.push((stored, crc32fast::hash(stored_bytes)));
                made.stored.extend_from_slice(stored_bytes);
            })?;
            Ok(made)
        })?;
        Ok(self.assemble(values, &made))
    }

    fn compress_on_device(&self, values: &[&[u8]]) -> Option<Made> {
        if self.settings.algorithm() != Algorithm::Lz4 {
            return None;
        }
        let count: usize = values
            .iter()
            .map(|value| value.len().div_ceil(PAGE_SIZE))
            .sum();
        let stored = self.on_device(count, true, |device| {
            let pages: Vec<&[u8]> = values
                .iter()
                .flat_map(|value| value.chunks(PAGE_SIZE))
                .collect();
            device.compress_lz4(&pages)
        })?;
        let mut rest = stored.bytes.as_slice();
        let parts: Vec<&[u8]> = stored
            .pages
            .iter()
            .map(|page| {
                let (part, later) = rest.split_at_checked(page.bytes).unwrap_or_default();
                rest = later;
                part
            })
            .collect();
        let sums: Vec<u32> = parts.par_iter().map(|part| crc32fast::hash(part)).collect();
        Some(Made {
            pages: stored.pages.into_iter().zip(sums).collect(),
            stored: stored.bytes,
        })
    }

    /// What compressing the values would come to.
    ///
    /// # Errors
    /// As [`Self::compress`].
    pub fn statistics(&self, values: &[&[u8]]) -> Result<Statistics, Error> {
        let parts = self.pages(values, |pages| {
            let mut statistics = Statistics::default();
            let mut lengths = pages.iter().map(|page| page.len());
            self.each(pages, |_, stored| {
                statistics.add(lengths.next().unwrap_or_default(), stored);
            })?;
            Ok(statistics)
        })?;
        let mut sum = Statistics::default();
        for part in &parts {
            sum.merge(part);
        }
        Ok(sum)
    }

    /// Cuts values into pages and has tasks done over them, in order.
    fn pages<T: Send>(
        &self,
        values: &[&[u8]],
        task: impl Fn(&[&[u8]]) -> Result<T, Error> + Send + Sync,
    ) -> Result<Vec<T>, Error> {
        let mut pages: Vec<&[u8]> = Vec::with_capacity(values.len());
        for value in values {
            pages.extend(value.chunks(PAGE_SIZE));
        }
        if pages.len() <= PAGES_ALONE_MAX {
            return Ok(vec![task(&pages)?]);
        }
        let done: Vec<Result<T, Error>> = pages.par_chunks(PAGES_PER_TASK).map(task).collect();
        done.into_iter().collect()
    }

    /// Compresses pages one by one.
    fn each(
        &self,
        pages: &[&[u8]],
        mut take: impl FnMut(&[u8; PAGE_SIZE], Stored),
    ) -> Result<(), Error> {
        self.with_compressor(|compressor| {
            let mut out = [0; PAGE_SIZE];
            for page in pages {
                let stored = match pages_of(page) {
                    ([page], []) => compressor.compress_into(page, &mut out)?,
                    _ => compressor.compress_tail_into(page, &mut out)?,
                };
                take(&out, stored);
            }
            Ok(())
        })
    }

    /// Puts the frames together.
    fn assemble(&self, values: &[&[u8]], made: &[Made]) -> Values {
        let stored_bytes: usize = made.iter().map(|made| made.stored.len()).sum();
        let mut pages_left = made.iter().flat_map(Made::pages);
        let mut bytes = Vec::with_capacity(stored_bytes + values.len() * 48 + stored_bytes / 64);
        let mut ends = Vec::with_capacity(values.len());
        let id = self.dictionary.as_ref().map_or(0, Dictionary::id);
        let mut run: Vec<(Stored, u32, &[u8])> = Vec::new();
        for value in values {
            run.clear();
            run.extend(pages_left.by_ref().take(value.len().div_ceil(PAGE_SIZE)));
            let is_zstd = run.iter().any(|(stored, ..)| stored.codec == Codec::Zstd);
            let dictionary = if is_zstd { id } else { 0 };
            match run.as_slice() {
                [] => frame::write_page(Codec::None, 0, 0, &[], 0, &mut bytes),
                [(stored, sum, page)] => {
                    frame::write_page(
                        stored.codec,
                        dictionary,
                        value.len(),
                        page,
                        *sum,
                        &mut bytes,
                    );
                }
                pages => frame::write_pages(value.len() as u64, dictionary, pages, &mut bytes),
            }
            ends.push(bytes.len());
        }
        Values { bytes, ends }
    }

    /// The values of frames.
    ///
    /// # Errors
    /// Those of [`Frame::parse`]; [`Error::Page`] for a page that is not what was written or cannot be decoded, and
    /// [`Error::Dictionary`] for one that needs another dictionary; the first one in order.
    pub fn decompress(&self, frames: &[&[u8]]) -> Result<Values, Error> {
        let mut parsed = Vec::with_capacity(frames.len());
        let mut ends = Vec::with_capacity(frames.len());
        let mut total = 0_usize;
        for bytes in frames {
            let frame = Frame::parse(bytes)?;
            self.check_dictionary(&frame)?;
            // At most 512 times the bytes of the frame, as it holds eight bytes of each page at the least.
            total += frame.original_bytes() as usize;
            ends.push(total);
            parsed.push(frame);
        }
        let mut bytes = vec![0; total];
        let mut rest = bytes.as_mut_slice();
        let mut jobs = Vec::with_capacity(total / PAGE_SIZE + frames.len());
        for frame in &parsed {
            if frame.original_bytes() == 0 {
                frame.verify()?;
            }
            for page in frame.pages() {
                let (out, later) = rest
                    .split_at_mut_checked(page.original_bytes)
                    .unwrap_or_default();
                rest = later;
                jobs.push(Job {
                    page,
                    has_dictionary: frame.dictionary().is_some(),
                    out,
                });
            }
        }
        let jobs_left = self.bring_back_on_device(&mut jobs)?;
        if jobs_left.is_some_and(|refused| refused == 0) {
            return Ok(Values { bytes, ends });
        }
        if jobs.len() <= PAGES_ALONE_MAX {
            self.bring_back(&mut jobs)?;
        } else {
            let done: Vec<Result<(), Error>> = jobs
                .par_chunks_mut(PAGES_PER_TASK)
                .map(|jobs| self.bring_back(jobs))
                .collect();
            done.into_iter().collect::<Result<(), Error>>()?;
        }
        Ok(Values { bytes, ends })
    }

    fn check_dictionary(&self, frame: &Frame<'_>) -> Result<(), Error> {
        let Some(expected) = frame.dictionary() else {
            return Ok(());
        };
        let found = self.dictionary.as_ref().map(Dictionary::id);
        if found == Some(expected) {
            return Ok(());
        }
        // A name that was changed is no name: say first that it was.
        frame.verify()?;
        Err(Error::Dictionary {
            offset: frame.dictionary_offset(),
            found,
            expected,
        })
    }

    /// Has a device bring pages back, and says how many it refused; `None` where it was not asked, or failed.
    fn bring_back_on_device(&self, jobs: &mut [Job<'_>]) -> Result<Option<usize>, Error> {
        let takes = self
            .device
            .as_deref()
            .is_some_and(|device| device.takes(jobs.len(), false));
        if !takes || jobs.iter().any(|job| job.page.codec == Codec::Zstd) {
            return Ok(None);
        }
        let checked: Vec<Result<(), Error>> =
            jobs.par_iter().map(|job| job.page.verify()).collect();
        checked.into_iter().collect::<Result<(), Error>>()?;
        let done = self.on_device(jobs.len(), false, |device| {
            let mut pages: Vec<DevicePage<'_>> = jobs
                .iter_mut()
                .map(|job| DevicePage {
                    codec: job.page.codec,
                    stored: job.page.stored,
                    out: job.out,
                })
                .collect();
            device.decompress(&mut pages)
        });
        Ok(done.map(|done| done.iter().filter(|done| !**done).count()))
    }

    fn bring_back(&self, jobs: &mut [Job<'_>]) -> Result<(), Error> {
        self.with_compressor(|compressor| {
            for job in jobs {
                job.page.verify()?;
                let dictionary = self.dictionary.as_ref().filter(|_| job.has_dictionary);
                compressor
                    .decompress_with(dictionary, job.page.codec, job.page.stored, job.out)
                    .map_err(|source| job.page.error(source))?;
            }
            Ok(())
        })
    }

    /// A plain block or frame for every value; the level and the dictionary are those given here.
    ///
    /// # Errors
    /// Those of [`RawFormat::check`]; [`Error::TooMany`] for a value that is too long.
    pub fn compress_raw(
        &self,
        format: RawFormat,
        level: Option<i32>,
        dictionary: Option<&Dictionary>,
        values: &[&[u8]],
    ) -> Result<Values, Error> {
        format.check(level, dictionary)?;
        self.raw(values, |compressor, value| {
            format.compress(compressor, level, dictionary, value)
        })
    }

    /// The values of plain blocks or frames.
    ///
    /// # Errors
    /// The [`Error`] of the format; [`Error::TooMany`] for what becomes longer than [`RawFormat::BYTES_MAX`].
    pub fn decompress_raw(
        &self,
        format: RawFormat,
        dictionary: Option<&Dictionary>,
        values: &[&[u8]],
    ) -> Result<Values, Error> {
        format.check(None, dictionary)?;
        self.raw(values, |compressor, value| {
            format.decompress(compressor, dictionary, value)
        })
    }

    fn raw(
        &self,
        values: &[&[u8]],
        work: impl Fn(&mut Compressor, &[u8]) -> Result<Vec<u8>, Error> + Send + Sync,
    ) -> Result<Values, Error> {
        let one = |value: &&[u8]| self.with_compressor(|compressor| work(compressor, value));
        let done: Vec<Result<Vec<u8>, Error>> = if values.len() <= PAGES_ALONE_MAX {
            values.iter().map(one).collect()
        } else {
            values
                .par_iter()
                .with_min_len(PAGES_ALONE_MAX)
                .map(one)
                .collect()
        };
        let mut all = Values::default();
        for value in done {
            all.bytes.extend_from_slice(&value?);
            all.ends.push(all.bytes.len());
        }
        Ok(all)
    }
}

impl Made {
    /// The pages with their bytes.
    fn pages(&self) -> impl Iterator<Item = (Stored, u32, &[u8])> {
        let mut rest = self.stored.as_slice();
        self.pages.iter().map(move |(stored, sum)| {
            let (page, later) = rest.split_at_checked(stored.bytes).unwrap_or_default();
            rest = later;
            (*stored, *sum, page)
        })
    }
}
