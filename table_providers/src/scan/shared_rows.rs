//! Rows of a search that partitions take over from each other.
//!
//! The partitions of an execution begin with equally many rows each, but do not end at the same time: one thread is woken later
//! than another, or is slower. A partition that is through goes on with what another has left of the same file, from the end,
//! while that one goes on from the front; so they end together, and each row is searched once. Only rows of partitions that have
//! begun are taken: one that runs in another process, or later, keeps its own.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::scan::spans::Span;

/// A piece is a quarter of what is left, so that few are taken and the last are small, and no smaller than this.
const PIECE_BYTES_MIN: usize = 512 * 1024;
/// Nor larger than this: what a thread has taken, it must end itself.
const PIECE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Which file rows belong to: the same one is the same allocation.
pub type File = Arc<dyn Any + Send + Sync>;

/// What the partitions of one execution have left to search.
#[derive(Debug, Default)]
pub struct SharedRows {
    left: Mutex<Vec<Left>>,
}

/// What is left of the rows that one partition began with.
#[derive(Debug)]
struct Left {
    owner: Arc<()>,
    file: File,
    spans: VecDeque<Span>,
    rows: u64,
}

/// A partition's pieces of a file, one after the other: of its own rows first, then of others'.
#[derive(Debug)]
pub struct Pieces {
    shared: Arc<SharedRows>,
    owner: Arc<()>,
    file: File,
    rows_min: u64,
    rows_max: u64,
}

impl SharedRows {
    /// Adds the rows with which a partition begins; `row_bytes` are what is read of each.
    pub fn begin(self: &Arc<Self>, file: File, spans: Vec<Span>, row_bytes: usize) -> Pieces {
        let rows = |bytes: usize| (bytes / row_bytes.max(1)).max(1) as u64;
        let pieces = Pieces {
            shared: Arc::clone(self),
            owner: Arc::default(),
            file: Arc::clone(&file),
            rows_min: rows(PIECE_BYTES_MIN),
            rows_max: rows(PIECE_BYTES_MAX),
        };
        let own = Left {
            owner: Arc::clone(&pieces.owner),
            file,
            rows: spans.iter().map(Span::count).sum(),
            spans: spans.into(),
        };
        if own.rows > 0 {
            self.left.lock().push(own);
        }
        pieces
    }
}

impl Iterator for Pieces {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        let mut all = self.shared.left.lock();
        let own = all
            .iter()
            .position(|left| Arc::ptr_eq(&left.owner, &self.owner));
        let from = own.or_else(|| {
            let others = all.iter().enumerate();
            others
                .filter(|(_, left)| Arc::ptr_eq(&left.file, &self.file))
                .max_by_key(|(_, left)| left.rows)
                .map(|(index, _)| index)
        })?;
        let left = all.get_mut(from)?;
        let rows = (left.rows / 4).clamp(self.rows_min, self.rows_max);
        let piece = match own {
            Some(_) => left.take_first(rows),
            None => left.take_last(rows),
        }?;
        left.rows -= piece.count();
        if left.rows == 0 {
            all.swap_remove(from);
        }
        Some(piece)
    }
}

impl Left {
    /// The first rows, of one chunk.
    fn take_first(&mut self, rows: u64) -> Option<Span> {
        let mut span = self.spans.pop_front()?;
        if span.count() > rows {
            let middle = span.rows.start + rows;
            self.spans.push_front(Span {
                chunk: span.chunk,
                rows: middle..span.rows.end,
            });
            span.rows.end = middle;
        }
        Some(span)
    }

    /// The last rows, of one chunk.
    fn take_last(&mut self, rows: u64) -> Option<Span> {
        let mut span = self.spans.pop_back()?;
        if span.count() > rows {
            let middle = span.rows.end - rows;
            self.spans.push_back(Span {
                chunk: span.chunk,
                rows: span.rows.start..middle,
            });
            span.rows.start = middle;
        }
        Some(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW_BYTES: usize = 1024;

    fn spans(chunks: &[(usize, std::ops::Range<u64>)]) -> Vec<Span> {
        let spans = chunks.iter().map(|(chunk, rows)| Span {
            chunk: *chunk,
            rows: rows.clone(),
        });
        spans.collect()
    }

    fn rows(pieces: impl IntoIterator<Item = Span>) -> Vec<u64> {
        let mut rows: Vec<u64> = pieces.into_iter().flat_map(|span| span.rows).collect();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn one_partition_gets_its_rows_in_order() {
        let shared = Arc::new(SharedRows::default());
        let own = spans(&[(0, 10..9_000), (2, 9_000..9_001), (3, 9_500..20_000)]);
        let pieces: Vec<Span> = shared.begin(Arc::new("a"), own, ROW_BYTES).collect();
        let mut next = 10;
        for piece in &pieces {
            let skipped = if piece.chunk == 3 { 9_500 } else { 0 };
            assert_eq!(piece.rows.start, next.max(skipped));
            assert!(!piece.rows.is_empty());
            assert!(piece.count() as usize * ROW_BYTES <= PIECE_BYTES_MAX);
            next = piece.rows.end;
        }
        assert_eq!(next, 20_000);
        assert!(pieces.len() > 6, "{pieces:?}");
    }

    #[test]
    fn a_partition_that_is_through_takes_from_the_other() {
        let shared = Arc::new(SharedRows::default());
        let file: File = Arc::new("a");
        let mut slow = shared.begin(Arc::clone(&file), spans(&[(0, 0..50_000)]), ROW_BYTES);
        let fast = shared.begin(Arc::clone(&file), spans(&[(1, 50_000..60_000)]), ROW_BYTES);
        let first = slow.next().expect("has rows");
        let taken: Vec<Span> = fast.collect();
        assert_eq!(taken.last().map(|span| span.chunk), Some(0));
        assert_eq!(slow.next(), None, "nothing is left for the slow one");
        let all = taken.into_iter().chain([first]);
        assert_eq!(rows(all), (0..60_000).collect::<Vec<_>>());
    }

    #[test]
    fn rows_of_another_file_are_not_taken() {
        let shared = Arc::new(SharedRows::default());
        let mut one = shared.begin(Arc::new("a"), spans(&[(0, 0..10)]), ROW_BYTES);
        let other = shared.begin(Arc::new("a"), spans(&[(0, 0..20)]), ROW_BYTES);
        assert_eq!(rows(other), (0..20).collect::<Vec<_>>());
        assert_eq!(rows(&mut one), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn one_without_rows_of_its_own_helps() {
        let shared = Arc::new(SharedRows::default());
        let file: File = Arc::new("a");
        let _idle = shared.begin(Arc::clone(&file), spans(&[(0, 0..10)]), ROW_BYTES);
        let helper = shared.begin(file, Vec::new(), ROW_BYTES);
        assert_eq!(rows(helper), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn threads_take_each_row_once() {
        let shared = Arc::new(SharedRows::default());
        let file: File = Arc::new("a");
        let mut found = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4_u64)
                .map(|part| {
                    let own = spans(&[(0, part * 30_000..(part + 1) * 30_000)]);
                    let pieces = shared.begin(Arc::clone(&file), own, ROW_BYTES);
                    scope.spawn(move || rows(pieces))
                })
                .collect();
            let found = threads.into_iter().map(|thread| thread.join());
            found
                .collect::<Result<Vec<_>, _>>()
                .expect("no thread panics")
        })
        .concat();
        found.sort_unstable();
        assert_eq!(found, (0..120_000).collect::<Vec<_>>());
    }
}
