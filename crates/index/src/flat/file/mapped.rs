//! Index files on a local disk.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use memmap2::Mmap;

use super::Source;

/// A file, mapped: its pages are read as they are needed, and shared by all who map it.
#[derive(Debug)]
pub struct MappedFile(Mmap);

impl MappedFile {
    /// Maps a file. Index files are never changed once they have their name: replacing one leaves mappings intact.
    ///
    /// # Errors
    /// When the file cannot be opened or mapped.
    pub fn open(path: &Path) -> io::Result<MappedFile> {
        let file = File::open(path)?;
        #[expect(
            unsafe_code,
            reason = "files of indexes are immutable: they are written beside their place and renamed"
        )]
        // SAFETY: nothing that this crate writes changes or cuts a file that has its final name. A program that does is
        // in the same position as with any mapped file (a signal, or bytes that no longer fit their checksums).
        let map = unsafe { Mmap::map(&file) }?;
        Ok(MappedFile(map))
    }
}

impl Source for MappedFile {
    fn bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>> {
        let bytes: &[u8] = &self.0;
        bytes.read(range)
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
