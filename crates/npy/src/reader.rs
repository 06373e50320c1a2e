//! Opening an array file, without reading it.

use std::ops::Range;

use crate::error::Error;
use crate::format::Format;
use crate::header::{self, Parsed};
use crate::layout::ArrayLayout;

/// How much of the file the first [`Progress::Need`] asks for at most, in bytes: the whole header of any `.npy` file that
/// NumPy writes for a plain array (128 bytes), with room for other writers' padding.
const PROBE_BYTES: u64 = 4096;

/// What a [`LayoutReader`] wants next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// These bytes of the file, given to [`LayoutReader::feed`].
    Need(Range<u64>),
    /// Nothing more: this is the array.
    Done(ArrayLayout),
}

/// Finds out how an array lies in a file: ask [`next`](Self::next), answer with [`feed`](Self::feed), until done.
///
/// A small header costs one read, a longer one two or three; no more than 64 KiB and a few bytes are ever asked for or
/// kept.
#[derive(Debug)]
pub struct LayoutReader {
    file: String,
    format: Format,
    file_bytes: u64,
    /// The file's first bytes, as far as they were needed.
    head: Vec<u8>,
    /// How long `head` has to become.
    wanted: u64,
    takes_fortran_order: bool,
}

impl LayoutReader {
    /// A reader for a file of `file_bytes` bytes in `format`; `name` is what errors call it.
    pub fn new(name: &str, format: Format, file_bytes: u64) -> LayoutReader {
        let probe = match format {
            Format::Npy => PROBE_BYTES,
            Format::Fvecs | Format::Bvecs | Format::Ivecs => 4,
        };
        LayoutReader {
            file: name.to_owned(),
            format,
            file_bytes,
            head: Vec::new(),
            wanted: probe.min(file_bytes),
            takes_fortran_order: false,
        }
    }

    /// Takes arrays in Fortran order too, whose rows [`ArrayLayout::gather_rows`] puts together.
    #[must_use]
    pub fn with_fortran_order(mut self) -> LayoutReader {
        self.takes_fortran_order = true;
        self
    }

    /// The range to feed, or the layout.
    ///
    /// # Errors
    /// When the bytes so far, or the file's size, show that the file is damaged or holds an array that is not
    /// supported. Asking again gives the same answer.
    #[expect(
        clippy::should_implement_trait,
        reason = "not an iterator: the caller must answer between two calls"
    )]
    pub fn next(&mut self) -> Result<Progress, Error> {
        loop {
            let held = self.head.len() as u64;
            if held < self.wanted {
                return Ok(Progress::Need(held..self.wanted));
            }
            let parsed = match self.format.row_dtype() {
                Some(dtype) => header::rows(&self.file, dtype, &self.head, self.file_bytes)?,
                None => header::npy(&self.file, &self.head, self.file_bytes)?,
            };
            match parsed {
                Parsed::NeedUpTo(end) => self.wanted = end,
                Parsed::Layout(layout) => {
                    return match &layout.fortran {
                        Some((offset, shape)) if !self.takes_fortran_order => {
                            Err(Error::FortranOrder {
                                file: self.file.clone(),
                                offset: *offset,
                                found: shape.clone(),
                                expected: "C order (rows one after another)",
                            })
                        }
                        _ => Ok(Progress::Done(layout)),
                    };
                }
            }
        }
    }

    /// Takes the bytes of `range`, which must cover the range last asked for; whatever lies outside that is ignored.
    ///
    /// # Errors
    /// [`Error::WrongRange`] when something asked for is missing, [`Error::WrongLength`] when `bytes` is not as long as
    /// `range`. The reader is then as it was.
    pub fn feed(&mut self, range: Range<u64>, bytes: &[u8]) -> Result<(), Error> {
        let held = self.head.len() as u64;
        if range.start > held || range.end < self.wanted {
            return Err(Error::WrongRange {
                file: self.file.clone(),
                offset: held,
                found: range,
                expected: held..self.wanted,
            });
        }
        let expected = range.end.saturating_sub(range.start);
        if bytes.len() as u64 != expected {
            return Err(Error::WrongLength {
                file: self.file.clone(),
                what: "the piece that was fed",
                offset: range.start,
                found: bytes.len() as u64,
                expected: u128::from(expected),
            });
        }
        // Both ends lie within `bytes`, whose length is a usize.
        let skip = (held - range.start) as usize;
        let end = (self.wanted - range.start) as usize;
        self.head
            .extend_from_slice(bytes.get(skip..end).unwrap_or_default());
        Ok(())
    }
}
