//! Frames: stored pages that say what they are.
//!
//! A value of up to a page is a [`CompressedPage`], a longer one [`CompressedPages`]; both begin with a magic number, a
//! version and lengths. Every byte is covered by a CRC-32, which no change of up to four neighbouring bytes escapes; where a
//! checksum's extent depends on a length, that length is covered by another checksum that is verified before, or is
//! compared with the bytes there are. Parsing looks at the shape and at the checksums of everything but the stored pages;
//! those are checked by [`StoredPage::verify`], so that many threads can do it.
//!
//! All integers are little-endian.

mod page;
mod run;

pub use page::CompressedPage;
pub(in crate::pages) use page::write as write_page;
pub use run::CompressedPages;
pub(in crate::pages) use run::write as write_pages;

use super::{Codec, PAGE_SIZE};
use crate::Error;

/// The version of the layouts that are written. Readers refuse others.
pub const VERSION: u8 = 1;

/// Bytes with which each kind of frame begins; the first is in no text.
const MAGIC_PAGE: [u8; 4] = [0x89, b'O', b'G', b'P'];
const MAGIC_PAGES: [u8; 4] = [0x89, b'O', b'G', b'R'];

/// A stored page inside a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredPage<'a> {
    /// The page, from 0.
    pub page: u64,
    /// What the stored bytes are.
    pub codec: Codec,
    /// Bytes of the page before it was compressed.
    pub original_bytes: usize,
    /// The stored bytes.
    pub stored: &'a [u8],
    /// Where they start in the frame.
    pub offset: u64,
    /// Bytes that the checksum covers as well, after the stored ones.
    header: &'a [u8],
    checksum: u32,
    checksum_offset: u64,
}

impl StoredPage<'_> {
    /// Whether the stored bytes are those that were written.
    ///
    /// # Errors
    /// [`Error::Page`] with [`Error::Checksum`].
    pub fn verify(&self) -> Result<(), Error> {
        let expected = checksum(&[self.stored, self.header]);
        if expected == self.checksum {
            return Ok(());
        }
        Err(self.error(Error::Checksum {
            offset: self.checksum_offset,
            found: self.checksum,
            expected,
        }))
    }

    /// An error about this page.
    pub(super) fn error(&self, source: Error) -> Error {
        Error::Page {
            page: self.page,
            offset: self.offset,
            source: Box::new(source),
        }
    }
}

/// A frame of either kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Up to a page.
    Page(CompressedPage<'a>),
    /// More than a page.
    Pages(CompressedPages<'a>),
}

impl<'a> Frame<'a> {
    /// Reads the shape of a frame.
    ///
    /// # Errors
    /// Those of [`CompressedPage::parse`] and [`CompressedPages::parse`]; [`Error::Field`] for bytes that begin like
    /// neither.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.starts_with(&MAGIC_PAGES) {
            CompressedPages::parse(bytes).map(Self::Pages)
        } else {
            CompressedPage::parse(bytes).map(Self::Page)
        }
    }

    /// Bytes of the value before it was compressed.
    pub fn original_bytes(&self) -> u64 {
        match self {
            Self::Page(page) => page.original_bytes() as u64,
            Self::Pages(pages) => pages.original_bytes(),
        }
    }

    /// Stored bytes of all pages, without the headers.
    pub fn stored_bytes(&self) -> u64 {
        self.pages().map(|page| page.stored.len() as u64).sum()
    }

    /// The dictionary that Zstd pages need.
    pub fn dictionary(&self) -> Option<u32> {
        match self {
            Self::Page(page) => page.dictionary(),
            Self::Pages(pages) => pages.dictionary(),
        }
    }

    /// Where the dictionary is named.
    pub(super) fn dictionary_offset(&self) -> u64 {
        match self {
            Self::Page(_) => page::DICTIONARY_OFFSET,
            Self::Pages(_) => run::DICTIONARY_OFFSET,
        }
    }

    /// The pages, in order. A value without bytes has none.
    pub fn pages(&self) -> impl Iterator<Item = StoredPage<'a>> + use<'a> {
        let (one, many) = match self {
            Self::Page(page) => (Some(page.stored_page()), None),
            Self::Pages(pages) => (None, Some(pages.pages())),
        };
        one.into_iter()
            .filter(|page| page.original_bytes > 0)
            .chain(many.into_iter().flatten())
    }

    /// The codec of all pages; `None` where they differ. A value without bytes is [`Codec::None`].
    pub fn codec(&self) -> Option<Codec> {
        let mut codecs = self.pages().map(|page| page.codec);
        let first = codecs.next().unwrap_or(Codec::None);
        codecs.all(|codec| codec == first).then_some(first)
    }

    /// Whether all stored bytes are those that were written.
    ///
    /// # Errors
    /// [`Error::Page`] for the first page that is not.
    pub fn verify(&self) -> Result<(), Error> {
        if let Self::Page(page) = self {
            return page.stored_page().verify();
        }
        self.pages().try_for_each(|page| page.verify())
    }
}

/// CRC-32 of parts, one after the other.
fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

/// A part of a frame, or how many bytes are missing for it.
fn part<'a>(
    bytes: &'a [u8],
    offset: usize,
    length: usize,
    what: &'static str,
) -> Result<&'a [u8], Error> {
    let rest = bytes.get(offset..).unwrap_or_default();
    rest.get(..length).ok_or(Error::Short {
        what,
        offset: offset as u64,
        found: rest.len() as u64,
        expected: length as u64,
    })
}

fn array<const N: usize>(
    bytes: &[u8],
    offset: usize,
    what: &'static str,
) -> Result<[u8; N], Error> {
    let mut array = [0; N];
    array.copy_from_slice(part(bytes, offset, N, what)?);
    Ok(array)
}

fn check_field(what: &'static str, offset: u64, found: u64, expected: u64) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Field {
        what,
        offset,
        found,
        expected,
    })
}

/// Magic number and version.
fn check_start(bytes: &[u8], magic: [u8; 4]) -> Result<(), Error> {
    let found = array::<4>(bytes, 0, "the magic number of a page frame")?;
    check_field(
        "magic number of a page frame",
        0,
        u32::from_le_bytes(found).into(),
        u32::from_le_bytes(magic).into(),
    )?;
    let [version] = array(bytes, 4, "the version of a page frame")?;
    check_field("version of a page frame", 4, version.into(), VERSION.into())
}

/// The codec, and whether it can have stored so many bytes.
fn check_page(
    codec: u8,
    codec_offset: u64,
    original_bytes: usize,
    stored_bytes: usize,
    stored_offset: u64,
) -> Result<Codec, Error> {
    let codec = Codec::from_number(codec).ok_or(Error::Bound {
        what: "codec of a page",
        offset: codec_offset,
        found: codec.into(),
        expected: Box::new(0..=Codec::ALL.len() as u64 - 1),
    })?;
    let (least, most) = match codec {
        Codec::None => (original_bytes, original_bytes),
        Codec::SameFill => (super::same_fill::WORD_BYTES, super::same_fill::WORD_BYTES),
        Codec::Lz4 | Codec::Zstd => (1, original_bytes.min(PAGE_SIZE)),
    };
    if !(least..=most).contains(&stored_bytes) {
        return Err(Error::Bound {
            what: "stored length of a page",
            offset: stored_offset,
            found: stored_bytes as u64,
            expected: Box::new(least as u64..=most as u64),
        });
    }
    Ok(codec)
}
