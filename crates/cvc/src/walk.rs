//! Following the records from front to back.

use std::ops::Range;

use ogive_codecs::lossless;

use crate::error::{Error, Result};
use crate::layout::{Chunk, Layout};
use crate::schema::Compression;

/// Where a reader stands: it needs bytes, or it is done.
#[derive(Debug, Clone)]
pub enum Progress {
    /// Feed these bytes of the file (or a longer range that starts here).
    Need(Range<u64>),
    /// Everything is known.
    Done(Layout),
}

/// Bytes of the file that are at hand, and where they start.
#[derive(Clone, Copy)]
pub(crate) struct Window<'a> {
    pub(crate) start: u64,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Window<'a> {
    /// Nothing at hand.
    pub(crate) const EMPTY: Window<'static> = Window {
        start: 0,
        bytes: &[],
    };

    pub(crate) fn get(&self, range: Range<u64>) -> Option<&'a [u8]> {
        let start = usize::try_from(range.start.checked_sub(self.start)?).ok()?;
        let end = usize::try_from(range.end.checked_sub(self.start)?).ok()?;
        self.bytes.get(start..end)
    }
}

/// A little-endian `u32` at the start of `bytes`.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = bytes.get(offset..offset.checked_add(4)?)?;
    bytes.try_into().ok().map(u32::from_le_bytes)
}

impl Layout {
    /// Places the records that have no place yet, as far as arithmetic and the bytes at hand allow. Returns the prefix that
    /// is needed to go on; `None` when every record has its place.
    pub(crate) fn place_records(&mut self, window: Window<'_>) -> Result<Option<Range<u64>>> {
        let prefix = self.version.record_prefix_bytes();
        let mut here = match self.placed.checked_sub(1) {
            None => self.header_bytes,
            Some(previous) => self
                .record_range(previous)
                .map_or(self.header_bytes, |range| range.end),
        };
        for index in self.placed..self.chunks.len() {
            let Some(chunk) = self.chunks.get(index) else {
                break;
            };
            let start = chunk.start.unwrap_or(here);
            if start < here {
                return Err(Error::Overlap {
                    file: (*self.file).into(),
                    place: self.place(index),
                    offset: start,
                    found: here,
                    expected: start,
                });
            }
            let payload_start = start.saturating_add(prefix);
            if payload_start > self.file_bytes {
                return Err(self.cut(index, "its record's prefix", start, prefix));
            }
            let payload_bytes = match chunk.payload_bytes {
                Some(bytes) => bytes,
                None => {
                    let Some(bytes) = window.get(start..payload_start) else {
                        return Ok(Some(start..payload_start));
                    };
                    let stored = u64::from(u32_at(bytes, 0).unwrap_or(0));
                    self.check_lossless_length(index, chunk, start, stored)?;
                    stored
                }
            };
            here = payload_start.saturating_add(payload_bytes);
            if here > self.file_bytes {
                return Err(self.cut(index, "its payload", payload_start, payload_bytes));
            }
            if let Some(chunk) = self.chunks.get_mut(index) {
                chunk.start = Some(start);
                chunk.payload_bytes = Some(payload_bytes);
                for part in &mut chunk.columns {
                    part.size.get_or_insert(payload_bytes);
                }
            }
            self.placed = index + 1;
        }
        Ok(None)
    }

    fn cut(&self, chunk: usize, what: &'static str, offset: u64, expected: u64) -> Error {
        Error::Truncated {
            file: (*self.file).into(),
            place: self.place(chunk),
            what,
            offset,
            found: self.file_bytes.saturating_sub(offset),
            expected,
        }
    }

    /// The length that a record of variable length states must at least be possible.
    fn check_lossless_length(
        &self,
        index: usize,
        chunk: &Chunk,
        start: u64,
        stored: u64,
    ) -> Result<()> {
        let dimension = self.columns.first().map_or(0, |column| column.dimension);
        let values = chunk.rows.saturating_mul(dimension as u64);
        let least = lossless::payload_bytes_min(values);
        let most = lossless::payload_bytes_max(values);
        debug_assert!(
            chunk
                .columns
                .iter()
                .all(|part| part.compression == Compression::Lossless)
        );
        if (least..=most).contains(&stored) {
            return Ok(());
        }
        Err(Error::BadRecord {
            file: (*self.file).into(),
            place: self.place(index),
            what: "the payload",
            offset: start,
            found: stored,
            expected: if stored < least { least } else { most },
        })
    }
}

/// Finds the records of a layout that [`Layout::records_known`] is false for, one prefix at a time.
///
/// ```
/// # fn walk(layout: ogive_cvc::Layout, file: &[u8]) -> Result<ogive_cvc::Layout, ogive_cvc::Error> {
/// let mut walk = ogive_cvc::RecordWalk::new(layout);
/// loop {
///     match walk.next()? {
///         ogive_cvc::Progress::Need(range) => {
///             walk.feed(range.clone(), &file[range.start as usize..range.end as usize])?;
///         }
///         ogive_cvc::Progress::Done(layout) => return Ok(layout),
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct RecordWalk {
    layout: Layout,
}

impl RecordWalk {
    /// Starts at the first record whose place is not known.
    pub fn new(layout: Layout) -> Self {
        Self { layout }
    }

    /// The next prefix, or the finished layout. Calling again without [`feed`](Self::feed) says the same.
    ///
    /// # Errors
    /// [`Error::Truncated`] when a record runs past the end of the file, [`Error::Overlap`] when two share bytes.
    #[expect(
        clippy::should_implement_trait,
        reason = "not an iterator: it waits to be fed between calls"
    )]
    pub fn next(&mut self) -> Result<Progress> {
        match self.layout.place_records(Window::EMPTY)? {
            Some(range) => Ok(Progress::Need(range)),
            None => Ok(Progress::Done(self.layout.clone())),
        }
    }

    /// Takes bytes of the file. A range longer than the one asked for saves calls: all prefixes inside it are used.
    ///
    /// # Errors
    /// As [`next`](Self::next); [`Error::BadRecord`] for an impossible length, and [`Error::BadRequest`] when `bytes` is not
    /// as long as `range`.
    pub fn feed(&mut self, range: Range<u64>, bytes: &[u8]) -> Result<()> {
        check_fed(&self.layout.file, &range, bytes)?;
        let window = Window {
            start: range.start,
            bytes,
        };
        self.layout.place_records(window)?;
        Ok(())
    }
}

/// Refuses bytes that are not those of the range they are said to be.
pub(crate) fn check_fed(file: &str, range: &Range<u64>, bytes: &[u8]) -> Result<()> {
    let expected = range.end.saturating_sub(range.start);
    if bytes.len() as u64 == expected {
        return Ok(());
    }
    Err(Error::BadRequest {
        file: file.into(),
        what: "number of bytes fed",
        found: bytes.len().to_string().into(),
        expected: format!("{expected}, for bytes {}..{}", range.start, range.end).into(),
    })
}
