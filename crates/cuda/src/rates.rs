//! How fast the device and the bus are, measured.

use std::time::{Duration, Instant};

use crate::device::{Device, Queue};
use crate::{DevicePages, Result};

/// What limits work on a device, in bytes a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// From page-locked memory of the host to the device.
    pub upload: f64,
    /// From the device to page-locked memory of the host.
    pub download: f64,
    /// Read and written by a copy within the device: twice the bytes that are copied.
    pub device: f64,
}

/// How fast pages are worked on that are in the memory of the device already, in bytes of pages a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageRates {
    /// Same-fill and LZ4, without packing.
    pub compress: f64,
    /// Back again.
    pub decompress: f64,
    /// Bytes of the pages over bytes as they are stored.
    pub ratio: f64,
}

/// The shortest time of some runs of `work`, each waited for.
pub(crate) fn best_of(
    queue: &Queue,
    times: usize,
    mut work: impl FnMut() -> Result<()>,
) -> Result<Duration> {
    // The first run warms up.
    let mut best = Duration::MAX;
    for run in 0..=times.max(1) {
        queue.wait()?;
        let started = Instant::now();
        work()?;
        queue.wait()?;
        if run > 0 {
            best = best.min(started.elapsed());
        }
    }
    Ok(best)
}

pub(crate) fn rate(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / time.as_secs_f64().max(1e-9)
}

impl Device {
    /// Measures copies of `bytes` bytes.
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory) where there is no room for twice as many, or [`Error::Driver`](crate::Error::Driver).
    pub fn measure(&self, bytes: usize) -> Result<Rates> {
        let mut host = self.allocate_pinned::<u8>(bytes)?;
        let (one, other) = (self.allocate::<u8>(bytes)?, self.allocate::<u8>(bytes)?);
        let queue = self.open_queue()?;
        // SAFETY: everything lives until the queue, which was opened last, was waited for.
        let upload = best_of(&queue, 5, || unsafe { queue.upload(&host, &one, 0) })?;
        // SAFETY: as above.
        let device = best_of(&queue, 5, || unsafe { queue.copy(&one, &other) })?;
        // SAFETY: as above.
        let download = best_of(&queue, 5, || unsafe {
            queue.download(&other, 0, &mut host)
        })?;
        Ok(Rates {
            upload: rate(bytes, upload),
            download: rate(bytes, download),
            device: rate(bytes.saturating_mul(2), device),
        })
    }
}

impl DevicePages {
    /// Measures the kernels over as many of the pages as a chunk holds, without the bus.
    ///
    /// # Errors
    /// As [`DevicePages::compress`].
    pub fn measure(&self, pages: &[&[u8]]) -> Result<PageRates> {
        let (bytes, stored, compress, decompress) = self.time_kernels(pages)?;
        Ok(PageRates {
            compress: rate(bytes, compress),
            decompress: rate(bytes, decompress),
            ratio: bytes as f64 / stored.max(1) as f64,
        })
    }
}
