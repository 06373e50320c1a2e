//! The door for processors other than this one.

use super::{Codec, Stored};

/// A page to bring back.
#[derive(Debug)]
pub struct DevicePage<'a> {
    /// What the stored bytes are: [`Codec::None`], [`Codec::SameFill`] or [`Codec::Lz4`].
    pub codec: Codec,
    /// The stored bytes.
    pub stored: &'a [u8],
    /// Where the page is to be: as many bytes as it has, at most [`PAGE_SIZE`](super::PAGE_SIZE).
    pub out: &'a mut [u8],
}

/// Pages as they are to be stored.
#[derive(Debug, Default)]
pub struct DeviceStored {
    /// For every page its codec and the number of its stored bytes.
    pub pages: Vec<Stored>,
    /// The stored bytes of all pages, in order.
    pub bytes: Vec<u8>,
}

/// Something beside the processor that pages can be given to, many at a time.
///
/// What it makes keeps the promises of [`PageCompressor`](super::PageCompressor): pages come back bit for bit, on any
/// processor; stored bytes are never more than the page; hostile bytes give the page or are refused. Which bytes it stores is
/// its own affair. It is shared by all threads.
pub trait PageDevice: Send + Sync + std::fmt::Debug {
    /// Its name, for plans.
    fn name(&self) -> &str;

    /// Whether to give it a batch of so many pages, to be compressed or brought back.
    fn takes(&self, pages: usize, compress: bool) -> bool;

    /// What [`Algorithm::Lz4`](super::Algorithm::Lz4) makes of pages of up to [`PAGE_SIZE`](super::PAGE_SIZE) bytes.
    ///
    /// # Errors
    /// Why it did not; nothing is wrong with the pages, and the processor can do it.
    fn compress_lz4(&self, pages: &[&[u8]]) -> Result<DeviceStored, String>;

    /// Brings pages back. For each, whether it did: those that it refuses are given to the processor, which says why.
    ///
    /// # Errors
    /// As [`Self::compress_lz4`].
    fn decompress(&self, pages: &mut [DevicePage<'_>]) -> Result<Vec<bool>, String>;
}
