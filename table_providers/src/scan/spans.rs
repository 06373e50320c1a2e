//! Which rows of a file a partition reads.

use std::ops::Range;

use datafusion_datasource::FileRange;

use crate::scan::file::ArrayFile;

/// Some rows of one chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The chunk.
    pub chunk: usize,
    /// Row numbers in the file; inside the chunk, not empty.
    pub rows: Range<u64>,
}

impl Span {
    /// How many rows.
    pub fn count(&self) -> u64 {
        self.rows.end - self.rows.start
    }
}

/// What a partition may cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// Anywhere between two rows.
    Row,
    /// Between chunks only: a chunk is read as a whole anyway.
    Chunk,
}

/// The spans of a byte range, or of the whole file.
///
/// Row `r` of `n` stands at byte `floor(r * size / n)`, a chunk where its middle row stands; a
/// range takes what stands in it. So ranges that tile the bytes tile the rows, wherever they are
/// cut.
pub fn spans_of(
    file: &dyn ArrayFile,
    range: Option<&FileRange>,
    file_bytes: u64,
    granularity: Granularity,
) -> Vec<Span> {
    let total = file.rows();
    let wanted = match range {
        None => 0..total,
        Some(range) => {
            let start = range.start.max(0).cast_unsigned();
            let end = range.end.max(0).cast_unsigned();
            if granularity == Granularity::Chunk {
                return (0..file.chunk_count())
                    .filter_map(|chunk| {
                        let rows = file.chunk_rows(chunk);
                        let middle = rows.start + (rows.end - rows.start) / 2;
                        let place = byte_of_row(middle, total, file_bytes);
                        (!rows.is_empty() && start <= place && place < end)
                            .then_some(Span { chunk, rows })
                    })
                    .collect();
            }
            first_row_at(start, total, file_bytes)..first_row_at(end, total, file_bytes)
        }
    };
    let mut spans = Vec::new();
    if wanted.is_empty() {
        return spans;
    }
    for chunk in file.chunk_of(wanted.start)..file.chunk_count() {
        let held = file.chunk_rows(chunk);
        if held.start >= wanted.end {
            break;
        }
        let rows = held.start.max(wanted.start)..held.end.min(wanted.end);
        if !rows.is_empty() {
            spans.push(Span { chunk, rows });
        }
    }
    spans
}

fn byte_of_row(row: u64, rows: u64, file_bytes: u64) -> u64 {
    let place = u128::from(row) * u128::from(file_bytes) / u128::from(rows.max(1));
    u64::try_from(place).unwrap_or(u64::MAX)
}

/// The first row that stands at or after a byte.
fn first_row_at(byte: u64, rows: u64, file_bytes: u64) -> u64 {
    if file_bytes == 0 {
        return rows;
    }
    let row = (u128::from(byte) * u128::from(rows)).div_ceil(u128::from(file_bytes));
    u64::try_from(row).unwrap_or(u64::MAX).min(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_tile_the_bytes_tile_the_rows() {
        for rows in [0, 1, 2, 7, 100, 1_000_003] {
            for bytes in [1, 3, 100, 4096, 999_999_937] {
                for cuts in [1_u64, 2, 3, 7] {
                    let mut next = 0;
                    for part in 0..cuts {
                        let start = first_row_at(bytes * part / cuts, rows, bytes);
                        let end = first_row_at(bytes * (part + 1) / cuts, rows, bytes);
                        assert_eq!(
                            start, next,
                            "{rows} rows, {bytes} bytes, cut {part} of {cuts}"
                        );
                        next = end;
                    }
                    assert_eq!(next, rows);
                }
            }
        }
    }

    #[test]
    fn a_row_stands_inside_the_range_that_takes_it() {
        for row in 0..1000 {
            let place = byte_of_row(row, 1000, 77_777);
            assert!(first_row_at(place, 1000, 77_777) <= row);
            assert!(first_row_at(place + 1, 1000, 77_777) > row);
        }
    }
}
