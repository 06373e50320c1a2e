//! Opening a file without doing I/O: says which bytes are needed, and is fed them.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{ChunkPlace, Error, Result};
use crate::header::Header;
use crate::json::Json;
use crate::layout::Layout;
use crate::schema::Version;
use crate::walk::{Progress, RecordWalk, Window, check_fed, u32_at};

/// The first four bytes of every file.
pub const MAGIC: [u8; 4] = *b"CVCF";

/// Bytes of the first read: most headers fit, and on an object store 64 KiB cost no more than one byte.
const FIRST_READ_BYTES: u64 = 64 * 1024;

/// Bytes that tell the version and where the header ends, or how much more does: the longer preamble and the first byte
/// of the text behind it.
const PREAMBLE_BYTES_MAX: u64 = 13;

/// Longest header of a file without version field, as the format states it: without it, four bytes of anything would do.
const UNVERSIONED_HEADER_BYTES_MAX: u64 = 100_000_000;

/// Reads the header of a file.
///
/// ```
/// # fn open(file: &[u8]) -> Result<ogive_cvc::Layout, ogive_cvc::Error> {
/// let mut reader = ogive_cvc::LayoutReader::new("x.cvc", file.len() as u64);
/// loop {
///     match reader.next()? {
///         ogive_cvc::Progress::Need(range) => {
///             reader.feed(range.clone(), &file[range.start as usize..range.end as usize])?;
///         }
///         ogive_cvc::Progress::Done(layout) => return Ok(layout),
///     }
/// }
/// # }
/// ```
///
/// For `lossless` files the layout may still lack the places of records: see
/// [`Layout::records_known`](crate::Layout::records_known).
#[derive(Debug)]
pub struct LayoutReader {
    file: Arc<str>,
    file_bytes: u64,
    /// The file from its start on, as far as it was fed.
    bytes: Vec<u8>,
}

/// The preamble, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Preamble {
    pub(crate) version: Version,
    pub(crate) header_end: u64,
}

impl LayoutReader {
    /// `file_name` is for errors only; `file_bytes` is the size of the file.
    pub fn new(file_name: &str, file_bytes: u64) -> Self {
        Self {
            file: file_name.into(),
            file_bytes,
            bytes: Vec::new(),
        }
    }

    /// The bytes needed next, or the layout. Calling again without [`feed`](Self::feed) says the same.
    ///
    /// # Errors
    /// [`Error::NotCvc`], [`Error::UnsupportedVersion`], [`Error::Truncated`], [`Error::BadHeader`] and
    /// [`Error::Overlap`]: everything that header and file size tell.
    #[expect(
        clippy::should_implement_trait,
        reason = "not an iterator: it waits to be fed between calls"
    )]
    pub fn next(&mut self) -> Result<Progress> {
        let at_hand = self.bytes.len() as u64;
        // A caller may get less than was asked for: what follows must not take that for the end of the file.
        if at_hand < self.file_bytes.min(PREAMBLE_BYTES_MAX) {
            return Ok(Progress::Need(
                at_hand..self.file_bytes.min(FIRST_READ_BYTES),
            ));
        }
        let doubtful = self.doubtful_end();
        if at_hand < doubtful {
            return Ok(Progress::Need(at_hand..doubtful));
        }
        let preamble = self.preamble()?;
        if at_hand < preamble.header_end {
            return Ok(Progress::Need(at_hand..preamble.header_end));
        }
        let mut layout = self.header(preamble).layout()?;
        layout.place_records(Window {
            start: 0,
            bytes: &self.bytes,
        })?;
        Ok(Progress::Done(layout))
    }

    /// Takes bytes of the file. More than was asked for is welcome; after less, the rest is asked for.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when `bytes` is not as long as `range`, or leaves a gap after what was fed before.
    pub fn feed(&mut self, range: Range<u64>, bytes: &[u8]) -> Result<()> {
        check_fed(&self.file, &range, bytes)?;
        let at_hand = self.bytes.len() as u64;
        if range.start > at_hand || range.end > self.file_bytes {
            return Err(Error::BadRequest {
                file: (*self.file).into(),
                what: "bytes fed",
                found: format!("{}..{}", range.start, range.end).into(),
                expected: format!("bytes from {at_hand} on, to {} at most", self.file_bytes).into(),
            });
        }
        let known = usize::try_from(at_hand - range.start).unwrap_or(usize::MAX);
        self.bytes
            .extend_from_slice(bytes.get(known..).unwrap_or_default());
        Ok(())
    }

    fn header(&self, preamble: Preamble) -> Header<'_> {
        let range = preamble.version.header_start()..preamble.header_end;
        let window = Window {
            start: 0,
            bytes: &self.bytes,
        };
        Header {
            file: Arc::clone(&self.file),
            version: preamble.version,
            file_bytes: self.file_bytes,
            text: window.get(range).unwrap_or_default(),
        }
    }

    /// The preamble, the part of the file that tells where the header ends.
    pub(crate) fn preamble(&self) -> Result<Preamble> {
        let magic = self.bytes.get(..4).unwrap_or(&self.bytes);
        if magic != MAGIC && !(self.file_bytes < 4 && MAGIC.starts_with(magic)) {
            return Err(Error::NotCvc {
                file: (*self.file).into(),
                found: format!("\"{}\"", magic.escape_ascii()).into(),
            });
        }
        let word = u32_at(&self.bytes, 4).ok_or_else(|| self.cut("the version", 4, 4))?;
        let (major, minor) = (word as u16, (word >> 16) as u16);
        if !(1..=10).contains(&major) || minor > 100 || self.is_unversioned(word) {
            let length = u64::from(word);
            if length > UNVERSIONED_HEADER_BYTES_MAX {
                return Err(Error::BadHeader {
                    file: (*self.file).into(),
                    place: ChunkPlace::NONE,
                    offset: 4,
                    what: "its length".into(),
                    found: length.to_string().into(),
                    expected: UNVERSIONED_HEADER_BYTES_MAX.to_string().into(),
                });
            }
            return self.with_header(Version::V0, length);
        }
        let version = match major {
            1 => Version::V1 { minor },
            2 => Version::V2 { minor },
            _ => {
                return Err(Error::UnsupportedVersion {
                    file: (*self.file).into(),
                    major,
                    minor,
                });
            }
        };
        let length = u32_at(&self.bytes, 8).ok_or_else(|| self.cut("the header's length", 8, 4))?;
        self.with_header(version, u64::from(length))
    }

    fn with_header(&self, version: Version, length: u64) -> Result<Preamble> {
        let start = version.header_start();
        if start + length > self.file_bytes {
            return Err(self.cut("the header", start, length));
        }
        Ok(Preamble {
            version,
            header_end: start + length,
        })
    }

    fn cut(&self, what: &'static str, offset: u64, expected: u64) -> Error {
        Error::Truncated {
            file: (*self.file).into(),
            place: ChunkPlace::NONE,
            what,
            offset,
            found: self.file_bytes.saturating_sub(offset),
            expected,
        }
    }

    /// Whether four bytes that look like a version are the header length of a file without one. Its JSON starts at byte 8,
    /// that of a versioned file at byte 12. Both bytes are `{` in a versioned file whose header length happens to start so;
    /// then a text of the unversioned length that is JSON decides.
    ///
    /// [`doubtful_end`](Self::doubtful_end) is at hand by then. The doubtful lengths are 1 to 10, which no header has, and 65537 to 6553610.
    fn is_unversioned(&self, length: u32) -> bool {
        if self.bytes.get(8) != Some(&b'{') || length < 1 << 16 {
            return false;
        }
        if self.bytes.get(12) != Some(&b'{') {
            return true;
        }
        let window = Window {
            start: 0,
            bytes: &self.bytes,
        };
        match window.get(8..8 + u64::from(length)) {
            Some(text) => Json::parse(text).is_ok(),
            None => false,
        }
    }

    /// Where the text ends that has to be read to tell the version; 0 where the first bytes tell it.
    fn doubtful_end(&self) -> u64 {
        let braces = self.bytes.get(8) == Some(&b'{') && self.bytes.get(12) == Some(&b'{');
        match u32_at(&self.bytes, 4) {
            Some(word)
                if braces
                    && (1..=10).contains(&(word as u16))
                    && (1..=100).contains(&(word >> 16)) =>
            {
                let end = 8 + u64::from(word);
                if end <= self.file_bytes { end } else { 0 }
            }
            _ => 0,
        }
    }
}

/// The layout of a file that is in memory, records walked.
///
/// # Errors
/// As [`LayoutReader::next`] and [`RecordWalk::next`](crate::RecordWalk::next).
pub fn open_slice(file_name: &str, bytes: &[u8]) -> Result<Layout> {
    let whole = 0..bytes.len() as u64;
    let mut reader = LayoutReader::new(file_name, whole.end);
    if !bytes.is_empty() {
        reader.feed(whole.clone(), bytes)?;
    }
    let layout = match reader.next()? {
        Progress::Done(layout) => layout,
        Progress::Need(range) => {
            return Err(reader.cut("the header", range.start, range.end - range.start));
        }
    };
    if layout.records_known() {
        return Ok(layout);
    }
    let mut walk = RecordWalk::new(layout);
    walk.feed(whole, bytes)?;
    match walk.next()? {
        Progress::Done(layout) => Ok(layout),
        Progress::Need(range) => Err(reader.cut("a record", range.start, range.end - range.start)),
    }
}
