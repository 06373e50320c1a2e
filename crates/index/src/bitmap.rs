//! Sets of rows.

use std::ops::Range;

/// A set of rows of a table: one bit a row, in words of 64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    len: u64,
}

impl Bitmap {
    /// No rows of `len`.
    pub fn empty(len: u64) -> Bitmap {
        Bitmap {
            words: vec![0; usize::try_from(len.div_ceil(64)).unwrap_or(usize::MAX)],
            len,
        }
    }

    /// The rows below `len` that `wanted` says `true` to.
    pub fn from_fn(len: u64, mut wanted: impl FnMut(u64) -> bool) -> Bitmap {
        let mut bitmap = Bitmap::empty(len);
        for row in (0..len).filter(|row| wanted(*row)) {
            bitmap.insert(row);
        }
        bitmap
    }

    /// Rows of the table, in the set or not.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the table has no rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a row; one past the table is passed over.
    pub fn insert(&mut self, row: u64) {
        if row < self.len
            && let Some(word) = self.words.get_mut((row / 64) as usize)
        {
            *word |= 1 << (row % 64);
        }
    }

    /// Whether a row is in the set.
    pub fn contains(&self, row: u64) -> bool {
        self.word((row / 64) as usize) >> (row % 64) & 1 == 1
    }

    /// How many rows are in the set.
    pub fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// The rows `64 index ..`, the lowest bit first; no rows past the end.
    pub fn word(&self, index: usize) -> u64 {
        self.words.get(index).copied().unwrap_or(0)
    }

    /// The rows of the set as ranges, ascending, neighbours joined.
    pub fn ranges(&self) -> Vec<Range<u64>> {
        ranges_of(self.words.iter().copied())
    }
}

/// The rows of words of 64 as ranges, ascending, neighbours joined.
pub(crate) fn ranges_of(words: impl Iterator<Item = u64>) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for (index, mut word) in words.enumerate() {
        let mut at = index as u64 * 64;
        while word != 0 {
            let zeros = word.trailing_zeros();
            word >>= zeros;
            at += u64::from(zeros);
            let ones = word.trailing_ones();
            word = word.checked_shr(ones).unwrap_or(0);
            let end = at + u64::from(ones);
            match ranges.last_mut() {
                Some(last) if last.end == at => last.end = end,
                _ => ranges.push(at..end),
            }
            at = end;
        }
    }
    ranges
}

/// Row numbers, ascending and distinct, as ranges.
pub(crate) fn ranges_of_rows(rows: impl IntoIterator<Item = u64>) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for row in rows {
        match ranges.last_mut() {
            Some(last) if last.end == row => last.end += 1,
            _ => ranges.push(row..row + 1),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_the_rows() {
        for step in [1, 2, 3, 63, 64, 65, 1000] {
            for len in [0, 1, 63, 64, 65, 128, 500] {
                let bitmap = Bitmap::from_fn(len, |row| row / step % 2 == 0);
                let rows: Vec<u64> = (0..len).filter(|row| row / step % 2 == 0).collect();
                let ranges = bitmap.ranges();
                assert_eq!(ranges.iter().cloned().flatten().collect::<Vec<_>>(), rows);
                assert!(ranges.windows(2).all(|two| two[0].end < two[1].start));
                assert_eq!(ranges, ranges_of_rows(rows.iter().copied()));
                assert_eq!(bitmap.count(), rows.len() as u64);
            }
        }
    }
}
