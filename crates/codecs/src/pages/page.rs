//! The unit of everything here.

/// Bytes of a page: what the processors' page tables, zram and SQLite's newer databases use.
pub const PAGE_SIZE: usize = 4096;

/// A whole page.
pub type Page = [u8; PAGE_SIZE];

/// The whole pages of `bytes`, and what is left after the last of them.
pub fn pages_of(bytes: &[u8]) -> (&[Page], &[u8]) {
    bytes.as_chunks::<PAGE_SIZE>()
}
