//! Where an index's bytes are.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;

use crate::FileError;

/// The bytes of an index: in memory, in a mapped file, in an object.
pub trait Source: Send + Sync {
    /// How many bytes there are.
    fn bytes(&self) -> u64;

    /// The bytes of a range that lies within [`Source::bytes`]; exactly as many.
    ///
    /// # Errors
    /// When they cannot be read.
    fn read(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>>;
}

impl Source for [u8] {
    fn bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>> {
        let range = usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok());
        range
            .and_then(|(start, end)| self.get(start..end))
            .map(Cow::Borrowed)
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Source for Vec<u8> {
    fn bytes(&self) -> u64 {
        self.as_slice().bytes()
    }

    fn read(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>> {
        self.as_slice().read(range)
    }
}

impl<S: Source + ?Sized> Source for &S {
    fn bytes(&self) -> u64 {
        (**self).bytes()
    }

    fn read(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>> {
        (**self).read(range)
    }
}

impl<S: Source + ?Sized> Source for std::sync::Arc<S> {
    fn bytes(&self) -> u64 {
        (**self).bytes()
    }

    fn read(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>> {
        (**self).read(range)
    }
}

/// The bytes of a range, or what is wrong with it.
pub(in crate::flat) fn read<'a, S: Source + ?Sized>(
    source: &'a S,
    what: &'static str,
    range: Range<u64>,
) -> Result<Cow<'a, [u8]>, FileError> {
    let (start, end) = (range.start, range.end);
    let expected = end.saturating_sub(start);
    let truncated = |found| FileError::Truncated {
        what,
        offset: start,
        found,
        expected,
    };
    if end > source.bytes() {
        return Err(truncated(source.bytes().saturating_sub(start)));
    }
    let bytes = source
        .read(range)
        .map_err(|source| FileError::Read { start, end, source })?;
    if bytes.len() as u64 != expected {
        return Err(truncated(bytes.len() as u64));
    }
    Ok(bytes)
}

/// Where an index is written.
pub trait Sink {
    /// Writes bytes at an offset; what lies between writes is zeros.
    ///
    /// # Errors
    /// When they cannot be written.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
}

impl Sink for Vec<u8> {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let end = start
            .checked_add(bytes.len())
            .ok_or(io::ErrorKind::OutOfMemory)?;
        if self.len() < end {
            self.resize(end, 0);
        }
        if let Some(place) = self.get_mut(start..end) {
            place.copy_from_slice(bytes);
        }
        Ok(())
    }
}

impl Sink for File {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.write_all(bytes)
    }
}
