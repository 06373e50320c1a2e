//! The frame of one page.

use super::{MAGIC_PAGE, StoredPage, VERSION, array, check_field, check_page, check_start};
use crate::Error;
use crate::pages::{Codec, PAGE_SIZE};

/// Bytes before the stored ones.
const HEADER_BYTES: usize = 20;
pub(super) const DICTIONARY_OFFSET: u64 = 12;
const CHECKSUM_OFFSET: usize = 16;

/// A value of up to a page, stored.
///
/// ```text
///  0  4  magic number 89 4F 47 50
///  4  1  version, 1
///  5  1  codec: 0 none, 1 same-fill, 2 LZ4 block, 3 Zstd frame
///  6  2  original length in bytes, 0 to 4096
///  8  2  stored length in bytes, at most the original one (same-fill: 8)
/// 10  2  zero
/// 12  4  dictionary of a Zstd frame: CRC-32 of its bytes; 0 for none
/// 16  4  CRC-32 of the stored bytes and then of bytes 0 to 15
/// 20     the stored bytes, and nothing after them
/// ```
///
/// Introduced with version 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompressedPage<'a> {
    bytes: &'a [u8],
    codec: Codec,
    original_bytes: usize,
    dictionary: u32,
    checksum: u32,
}

impl<'a> CompressedPage<'a> {
    /// Reads the shape of a frame. Its checksum is another question, [`StoredPage::verify`].
    ///
    /// # Errors
    /// [`Error::Short`] for a header that is cut, [`Error::Field`] or [`Error::Bound`] for a field that says what it cannot,
    /// [`Error::Length`] for stored bytes that are not as many as the header says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        check_start(bytes, MAGIC_PAGE)?;
        let [codec] = array(bytes, 5, "the codec of a page")?;
        let original_bytes = usize::from(u16::from_le_bytes(array(
            bytes,
            6,
            "the original length of a page",
        )?));
        let stored_bytes = usize::from(u16::from_le_bytes(array(
            bytes,
            8,
            "the stored length of a page",
        )?));
        let zero = u16::from_le_bytes(array(bytes, 10, "a field that is zero")?);
        let dictionary = u32::from_le_bytes(array(bytes, 12, "the dictionary of a page")?);
        let checksum = u32::from_le_bytes(array(bytes, CHECKSUM_OFFSET, "the checksum of a page")?);
        if original_bytes > PAGE_SIZE {
            return Err(Error::Bound {
                what: "original length of a page",
                offset: 6,
                found: original_bytes as u64,
                expected: Box::new(0..=PAGE_SIZE as u64),
            });
        }
        let codec = check_page(codec, 5, original_bytes, stored_bytes, 8)?;
        check_field("a field that is zero", 10, zero.into(), 0)?;
        if bytes.len() != HEADER_BYTES + stored_bytes {
            return Err(Error::Length {
                found: bytes.len() as u64,
                expected: (HEADER_BYTES + stored_bytes) as u64,
            });
        }
        Ok(Self {
            bytes,
            codec,
            original_bytes,
            dictionary,
            checksum,
        })
    }

    /// What the stored bytes are.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// Bytes of the page before it was compressed.
    pub fn original_bytes(&self) -> usize {
        self.original_bytes
    }

    /// The dictionary that a Zstd page needs.
    pub fn dictionary(&self) -> Option<u32> {
        Some(self.dictionary).filter(|id| *id != 0)
    }

    /// The page, not verified.
    pub fn stored_page(&self) -> StoredPage<'a> {
        StoredPage {
            page: 0,
            codec: self.codec,
            original_bytes: self.original_bytes,
            stored: self.bytes.get(HEADER_BYTES..).unwrap_or_default(),
            offset: HEADER_BYTES as u64,
            header: self.bytes.get(..CHECKSUM_OFFSET).unwrap_or_default(),
            checksum: self.checksum,
            checksum_offset: CHECKSUM_OFFSET as u64,
        }
    }
}

/// Appends a frame. `original_bytes` and `stored` are those of a page, at most [`PAGE_SIZE`]; `sum` is the CRC-32 of
/// `stored`.
pub(in crate::pages) fn write(
    codec: Codec,
    dictionary: u32,
    original_bytes: usize,
    stored: &[u8],
    sum: u32,
    out: &mut Vec<u8>,
) {
    debug_assert!(original_bytes <= PAGE_SIZE && stored.len() <= PAGE_SIZE);
    let mut header = [0; CHECKSUM_OFFSET];
    let (start, named) = header.split_at_mut(DICTIONARY_OFFSET as usize);
    start[..4].copy_from_slice(&MAGIC_PAGE);
    start[4] = VERSION;
    start[5] = codec as u8;
    start[6..8].copy_from_slice(&(original_bytes as u16).to_le_bytes());
    start[8..10].copy_from_slice(&(stored.len() as u16).to_le_bytes());
    named.copy_from_slice(&dictionary.to_le_bytes());
    let mut hasher = crc32fast::Hasher::new_with_initial(sum);
    hasher.update(&header);
    out.extend_from_slice(&header);
    out.extend_from_slice(&hasher.finalize().to_le_bytes());
    out.extend_from_slice(stored);
}
