//! The frame of a value of many pages.

use super::{
    MAGIC_PAGES, StoredPage, VERSION, array, check_field, check_page, check_start, checksum, part,
};
use crate::Error;
use crate::pages::{Codec, PAGE_SIZE, Stored};

const HEADER_BYTES: usize = 24;
const ENTRY_BYTES: usize = 8;
const CHECKSUM_BYTES: usize = 4;
pub(super) const DICTIONARY_OFFSET: u64 = 16;

/// A value of any length, stored page by page. Any page can be read alone.
///
/// ```text
///  0   4  magic number 89 4F 47 52
///  4   1  version, 1
///  5   1  zero
///  6   2  bytes of a page, 4096
///  8   8  original length in bytes, L; there are n = ceil(L / 4096) pages
/// 16   4  dictionary of the Zstd frames: CRC-32 of its bytes; 0 for none
/// 20   4  CRC-32 of bytes 0 to 19
/// 24  8n  for each page
///         0  1  codec: 0 none, 1 same-fill, 2 LZ4 block, 3 Zstd frame
///         1  1  zero
///         2  2  stored length in bytes, at most the page's (same-fill: 8)
///         4  4  CRC-32 of the stored bytes
///      4  CRC-32 of the 8n bytes before it
///         the stored bytes of each page, and nothing after them
/// ```
///
/// Introduced with version 1. Values of up to a page are written as [`CompressedPage`](super::CompressedPage).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompressedPages<'a> {
    entries: &'a [u8],
    stored: &'a [u8],
    original_bytes: u64,
    dictionary: u32,
}

impl<'a> CompressedPages<'a> {
    /// Reads the shape of a frame and checks its header. The checksums of the pages are another question,
    /// [`StoredPage::verify`].
    ///
    /// # Errors
    /// [`Error::Short`] for a frame that is cut before its first page, [`Error::Field`] or [`Error::Bound`] for a field that
    /// says what it cannot, [`Error::Checksum`] for a changed header, [`Error::Length`] for stored bytes that are not as
    /// many as the header says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        check_start(bytes, MAGIC_PAGES)?;
        let header = part(bytes, 0, HEADER_BYTES, "the header of a page frame")?;
        let found = u32::from_le_bytes(array(header, 20, "the checksum of the header")?);
        check_sum(20, found, header.get(..20).unwrap_or_default())?;
        let [zero] = array(header, 5, "a field that is zero")?;
        check_field("a field that is zero", 5, zero.into(), 0)?;
        let page_bytes = u16::from_le_bytes(array(header, 6, "the bytes of a page")?);
        check_field("bytes of a page", 6, page_bytes.into(), PAGE_SIZE as u64)?;
        let original_bytes = u64::from_le_bytes(array(header, 8, "the original length")?);
        let dictionary = u32::from_le_bytes(array(header, 16, "the dictionary")?);

        // A length that lies is found before anything is multiplied or allocated.
        let pages = original_bytes.div_ceil(PAGE_SIZE as u64);
        let room = (bytes.len() - HEADER_BYTES) / ENTRY_BYTES;
        let pages = usize::try_from(pages)
            .ok()
            .filter(|pages| *pages <= room)
            .ok_or(Error::Bound {
                what: "original length of a page frame",
                offset: 8,
                found: original_bytes,
                expected: Box::new(0..=(room as u64).saturating_mul(PAGE_SIZE as u64)),
            })?;
        let entries_bytes = pages * ENTRY_BYTES;
        let entries = part(bytes, HEADER_BYTES, entries_bytes, "the table of the pages")?;
        let sum_offset = HEADER_BYTES + entries_bytes;
        let found = u32::from_le_bytes(array(bytes, sum_offset, "the checksum of the table")?);
        check_sum(sum_offset as u64, found, entries)?;
        let frame = Self {
            entries,
            stored: bytes.get(sum_offset + CHECKSUM_BYTES..).unwrap_or_default(),
            original_bytes,
            dictionary,
        };
        frame.check_entries(bytes.len())?;
        Ok(frame)
    }

    fn check_entries(&self, bytes: usize) -> Result<(), Error> {
        let mut stored = 0;
        for (page, entry) in self.table().iter().enumerate() {
            let offset = (HEADER_BYTES + page * ENTRY_BYTES) as u64;
            let error = |source| Error::Page {
                page: page as u64,
                offset,
                source: Box::new(source),
            };
            check_page(
                entry[0],
                offset,
                self.page_bytes(page),
                stored_bytes(entry),
                offset + 2,
            )
            .map_err(error)?;
            check_field("a field that is zero", offset + 1, entry[1].into(), 0).map_err(error)?;
            stored += stored_bytes(entry);
        }
        if stored != self.stored.len() {
            return Err(Error::Length {
                found: bytes as u64,
                expected: (bytes - self.stored.len() + stored) as u64,
            });
        }
        Ok(())
    }

    fn table(&self) -> &'a [[u8; ENTRY_BYTES]] {
        self.entries.as_chunks().0
    }

    /// Bytes of a page before it was compressed: all have the same, but the last.
    fn page_bytes(&self, page: usize) -> usize {
        let before = page as u64 * PAGE_SIZE as u64;
        (self.original_bytes - before).min(PAGE_SIZE as u64) as usize
    }

    /// Bytes of the value before it was compressed.
    pub fn original_bytes(&self) -> u64 {
        self.original_bytes
    }

    /// The dictionary that Zstd pages need.
    pub fn dictionary(&self) -> Option<u32> {
        Some(self.dictionary).filter(|id| *id != 0)
    }

    /// The pages in order, not verified.
    pub fn pages(&self) -> impl Iterator<Item = StoredPage<'a>> + use<'a> {
        let frame = *self;
        let first = (HEADER_BYTES + frame.entries.len() + CHECKSUM_BYTES) as u64;
        let mut rest = frame.stored;
        let table = frame.table().iter().enumerate();
        table.map_while(move |(page, entry)| {
            let offset = first + (frame.stored.len() - rest.len()) as u64;
            let (stored, later) = rest.split_at_checked(stored_bytes(entry))?;
            rest = later;
            Some(StoredPage {
                page: page as u64,
                codec: Codec::from_number(entry[0])?,
                original_bytes: frame.page_bytes(page),
                stored,
                offset,
                header: &[],
                checksum: u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]),
                checksum_offset: (HEADER_BYTES + page * ENTRY_BYTES + 4) as u64,
            })
        })
    }
}

fn stored_bytes(entry: &[u8; ENTRY_BYTES]) -> usize {
    usize::from(u16::from_le_bytes([entry[2], entry[3]]))
}

fn check_sum(offset: u64, found: u32, bytes: &[u8]) -> Result<(), Error> {
    let expected = checksum(&[bytes]);
    if found == expected {
        return Ok(());
    }
    Err(Error::Checksum {
        offset,
        found,
        expected,
    })
}

/// Appends a frame. The pages are those of a value of `original_bytes` bytes, each with the CRC-32 of its stored bytes.
pub(in crate::pages) fn write(
    original_bytes: u64,
    dictionary: u32,
    pages: &[(Stored, u32, &[u8])],
    out: &mut Vec<u8>,
) {
    debug_assert_eq!(
        pages.len() as u64,
        original_bytes.div_ceil(PAGE_SIZE as u64)
    );
    let append_sum = |out: &mut Vec<u8>, start: usize| {
        let sum = checksum(&[out.get(start..).unwrap_or_default()]);
        out.extend_from_slice(&sum.to_le_bytes());
    };
    let start = out.len();
    out.extend_from_slice(&MAGIC_PAGES);
    out.extend_from_slice(&[VERSION, 0]);
    out.extend_from_slice(&(PAGE_SIZE as u16).to_le_bytes());
    out.extend_from_slice(&original_bytes.to_le_bytes());
    out.extend_from_slice(&dictionary.to_le_bytes());
    append_sum(out, start);
    let start = out.len();
    for (page, sum, stored) in pages {
        out.extend_from_slice(&[page.codec as u8, 0]);
        out.extend_from_slice(&(stored.len() as u16).to_le_bytes());
        out.extend_from_slice(&sum.to_le_bytes());
    }
    append_sum(out, start);
    for (.., stored) in pages {
        out.extend_from_slice(stored);
    }
}
