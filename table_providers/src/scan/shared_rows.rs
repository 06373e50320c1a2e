//! Rows of a search that partitions look at for each other.
//!
//! The partitions of an execution have about equally many rows each, but do not end at the same time: one thread is woken later than
//! another, or is slower. A partition that is through takes pieces off the end of what another has left of the same file, and
//! brings back what it found in them; so they end together. What comes out of a partition is found among its own rows,
//! whoever looked at them: it does not matter who helps, nor whether he comes back. A piece that is still out when the rest is
//! done is looked at again.

use std::any::Any;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use ogive_kernels::{SharedThreshold, TopK};
use parking_lot::Mutex;

use crate::scan::spans::Span;

/// A piece is a quarter of what is left, so that few are taken and the last are small, or what one chunk or page has of it. What is
/// less than this is not divided.
const PIECE_BYTES_MIN: usize = 256 * 1024;
/// Nor is a piece larger than this: what is out cannot be divided any more.
const PIECE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Searches for more rows than this are not shared: all that a helper has found so far is looked through after each piece.
pub const K_MAX: usize = 4096;

/// Which file rows belong to: the same one is the same allocation.
pub type File = Arc<dyn Any + Send + Sync>;

/// A row and its distance, `None` for NULL.
pub type Found = (u64, Option<f64>);

/// What the partitions of a search have left to look at.
#[derive(Debug, Default)]
pub struct SharedRows {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    begun: u64,
    left: Vec<Left>,
}

/// What is left of the rows of one file that a partition has to search.
#[derive(Debug)]
struct Left {
    id: u64,
    file: File,
    spans: VecDeque<Span>,
    /// Rows in `spans`.
    rows: u64,
    /// Pieces that helpers have.
    out: Vec<Span>,
    /// What helpers have brought.
    found: Vec<Found>,
}

/// One partition's way through a file: its own rows first, then those of others.
#[derive(Debug)]
pub struct Turns {
    shared: Arc<SharedRows>,
    id: u64,
    file: File,
    /// From its first row to its last.
    own: Range<u64>,
    /// What it has looked at for others.
    helped: Vec<Range<u64>>,
    rows_min: u64,
    rows_max: u64,
    found: Vec<Found>,
}

/// Rows to look at.
#[derive(Debug)]
pub struct Piece {
    /// The rows, of one chunk.
    pub span: Span,
    /// Whose they are.
    id: u64,
}

impl SharedRows {
    /// Adds the rows, in order, that a partition has to search; `row_bytes` are what is read of each.
    pub fn begin(self: &Arc<Self>, file: File, spans: Vec<Span>, row_bytes: usize) -> Turns {
        let rows = |bytes: usize| (bytes / row_bytes.max(1)).max(1) as u64;
        let own = spans.first().map_or(0, |first| first.rows.start)
            ..spans.last().map_or(0, |last| last.rows.end);
        let mut state = self.state.lock();
        state.begun += 1;
        let id = state.begun;
        state.left.push(Left {
            id,
            file: Arc::clone(&file),
            rows: spans.iter().map(Span::count).sum(),
            spans: spans.into(),
            out: Vec::new(),
            found: Vec::new(),
        });
        drop(state);
        Turns {
            shared: Arc::clone(self),
            id,
            file,
            own,
            helped: Vec::new(),
            rows_min: rows(PIECE_BYTES_MIN),
            rows_max: rows(PIECE_BYTES_MAX),
            found: Vec::new(),
        }
    }
}

impl State {
    fn place(&self, id: u64) -> Option<usize> {
        self.left.iter().position(|left| left.id == id)
    }
}

impl Turns {
    /// The next piece to look at; [`Self::searched`] takes it back.
    pub fn next(&mut self) -> Option<Piece> {
        let (min, max) = (self.rows_min, self.rows_max);
        let size = |left: &Left| (left.rows / 4).clamp(min, max);
        let mut state = self.shared.state.lock();
        if let Some(place) = state.place(self.id) {
            let own = state.left.get_mut(place)?;
            let span = own.take_first(size(own)).or_else(|| own.out.pop());
            if let Some(span) = span {
                return Some(Piece { span, id: self.id });
            }
            self.found = state.left.swap_remove(place).found;
        }
        let others = state.left.iter_mut();
        let other = others
            .filter(|left| Arc::ptr_eq(&left.file, &self.file))
            .filter(|left| {
                left.last_rows(size(left))
                    .is_some_and(|rows| self.is_new(&rows))
            })
            .max_by_key(|left| left.rows)?;
        let span = other.take_last(size(other))?;
        other.out.push(span.clone());
        self.helped.push(span.rows.clone());
        Some(Piece { span, id: other.id })
    }

    /// Says that a piece has been looked at; `found` tells what may be among the nearest of some rows.
    pub fn searched(&mut self, piece: Piece, found: impl FnOnce(Range<u64>) -> Vec<Found>) {
        if piece.id == self.id {
            return;
        }
        let found = found(piece.span.rows.clone());
        let mut state = self.shared.state.lock();
        let Some(place) = state.place(piece.id) else {
            return;
        };
        let Some(left) = state.left.get_mut(place) else {
            return;
        };
        // Otherwise its owner did not wait.
        if let Some(out) = left.out.iter().position(|span| *span == piece.span) {
            left.out.swap_remove(out);
            left.found.extend(found);
        }
    }

    /// The candidates among the partition's own rows, when all pieces have been looked at with `top_k`.
    pub fn candidates(mut self, top_k: &mut TopK, threshold: &SharedThreshold) -> Vec<u64> {
        for (row, value) in self.found() {
            top_k.offer(row, value, threshold);
        }
        self.own(top_k.candidates(threshold))
    }

    /// What others found among the partition's own rows, when [`Self::next`] has come to the end of them.
    fn found(&mut self) -> Vec<Found> {
        std::mem::take(&mut self.found)
    }

    /// The partition's own among some rows.
    fn own(&self, mut rows: Vec<u64>) -> Vec<u64> {
        rows.retain(|row| self.own.contains(row));
        rows
    }

    /// Whether rows are none that the partition has looked at. Others have them too when a file is listed twice, or when executions
    /// of one plan overlap; found twice, they would count as two of the nearest.
    fn is_new(&self, rows: &Range<u64>) -> bool {
        let apart = |seen: &Range<u64>| rows.end <= seen.start || seen.end <= rows.start;
        apart(&self.own) && self.helped.iter().all(apart)
    }
}

impl Drop for Turns {
    /// Nobody helps a search that has been given up.
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        if let Some(place) = state.place(self.id) {
            state.left.swap_remove(place);
        }
    }
}

impl Left {
    /// The first rows, of one chunk.
    fn take_first(&mut self, rows: u64) -> Option<Span> {
        let first = self.spans.front_mut()?;
        let taken = Span {
            chunk: first.chunk,
            rows: first.rows.start..first.rows.end.min(first.rows.start + rows),
        };
        first.rows.start = taken.rows.end;
        if first.rows.is_empty() {
            self.spans.pop_front();
        }
        self.rows -= taken.count();
        Some(taken)
    }

    /// What [`Self::take_last`] would take.
    fn last_rows(&self, rows: u64) -> Option<Range<u64>> {
        let last = &self.spans.back()?.rows;
        Some(last.start.max(last.end.saturating_sub(rows))..last.end)
    }

    /// The last rows, of one chunk.
    fn take_last(&mut self, rows: u64) -> Option<Span> {
        let rows = self.last_rows(rows)?;
        let last = self.spans.back_mut()?;
        let taken = Span {
            chunk: last.chunk,
            rows,
        };
        last.rows.end = taken.rows.start;
        if last.rows.is_empty() {
            self.spans.pop_back();
        }
        self.rows -= taken.count();
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW_BYTES: usize = 1024;

    fn spans(chunks: &[(usize, Range<u64>)]) -> Vec<Span> {
        let spans = chunks.iter().map(|(chunk, rows)| Span {
            chunk: *chunk,
            rows: rows.clone(),
        });
        spans.collect()
    }

    /// Every row is found, with itself as its distance.
    fn all(rows: Range<u64>) -> Vec<Found> {
        rows.map(|row| (row, Some(row as f64))).collect()
    }

    /// Looks at whatever there is; returns the partition's rows, and how many it looked at.
    fn search(mut turns: Turns) -> (Vec<u64>, u64) {
        let (mut found, mut looked_at) = (Vec::new(), 0);
        while let Some(piece) = turns.next() {
            assert!(!piece.span.rows.is_empty());
            assert!(piece.span.count() as usize * ROW_BYTES <= PIECE_BYTES_MAX);
            looked_at += piece.span.count();
            found.extend(piece.span.rows.clone());
            turns.searched(piece, all);
        }
        found.sort_unstable();
        let mut own = turns.own(found);
        own.extend(turns.found().into_iter().map(|(row, _)| row));
        own.sort_unstable();
        (own, looked_at)
    }

    #[test]
    fn one_partition_looks_at_its_rows_in_order() {
        let shared = Arc::new(SharedRows::default());
        let own = spans(&[(0, 10..9_000), (2, 9_000..9_001), (3, 9_500..20_000)]);
        let mut turns = shared.begin(Arc::new("a"), own, ROW_BYTES);
        let (mut next, mut pieces) = (10, 0);
        while let Some(piece) = turns.next() {
            let skipped = if piece.span.chunk == 3 { 9_500 } else { 0 };
            assert_eq!(piece.span.rows.start, next.max(skipped));
            next = piece.span.rows.end;
            pieces += 1;
            turns.searched(piece, |_| panic!("nobody wants to know"));
        }
        assert_eq!(next, 20_000);
        assert!(pieces > 6, "{pieces}");
    }

    #[test]
    fn what_a_helper_finds_is_the_owners() {
        let shared = Arc::new(SharedRows::default());
        let file: File = Arc::new("a");
        let mut slow = shared.begin(Arc::clone(&file), spans(&[(0, 0..50_000)]), ROW_BYTES);
        let fast = shared.begin(Arc::clone(&file), spans(&[(1, 50_000..60_000)]), ROW_BYTES);
        let first = slow.next().expect("has rows").span.rows;
        let (found, looked_at) = search(fast);
        assert_eq!(found, (50_000..60_000).collect::<Vec<_>>());
        assert_eq!(looked_at, 60_000 - first.end);
        let (mut found, looked_at) = search(slow);
        assert_eq!(looked_at, 0);
        found.extend(first);
        found.sort_unstable();
        assert_eq!(found, (0..50_000).collect::<Vec<_>>());
    }

    #[test]
    fn pieces_that_are_not_brought_back_are_looked_at_again() {
        let shared = Arc::new(SharedRows::default());
        let file: File = Arc::new("a");
        let owner = shared.begin(Arc::clone(&file), spans(&[(0, 0..50_000)]), ROW_BYTES);
        let mut gone = shared.begin(Arc::clone(&file), Vec::new(), ROW_BYTES);
        assert!(gone.next().is_some());
        let mut late = shared.begin(file, Vec::new(), ROW_BYTES);
        let piece = late.next().expect("there is work");
        drop(gone);
        let (found, looked_at) = search(owner);
        assert_eq!(found, (0..50_000).collect::<Vec<_>>());
        assert_eq!(looked_at, 50_000);
        late.searched(piece, all);
        assert!(late.next().is_none());
    }

    #[test]
    fn nobody_helps_a_search_that_was_given_up() {
        let shared = Arc::new(SharedRows::default());
        let file: File = Arc::new("a");
        let given_up = shared.begin(Arc::clone(&file), spans(&[(0, 0..50_000)]), ROW_BYTES);
        drop(given_up);
        let helper = shared.begin(file, spans(&[(0, 7..9)]), ROW_BYTES);
        assert_eq!(search(helper), (vec![7, 8], 2));
    }

    #[test]
    fn rows_of_another_file_are_let_be() {
        let shared = Arc::new(SharedRows::default());
        let one = shared.begin(Arc::new("a"), spans(&[(0, 0..10)]), ROW_BYTES);
        let other = shared.begin(Arc::new("a"), spans(&[(0, 0..20)]), ROW_BYTES);
        assert_eq!(search(other), ((0..20).collect(), 20));
        assert_eq!(search(one), ((0..10).collect(), 10));
    }

    #[test]
    fn rows_are_looked_at_once_by_each() {
        let shared = Arc::new(SharedRows::default());
        let file: File = Arc::new("a");
        let begin =
            |rows: Range<u64>| shared.begin(Arc::clone(&file), spans(&[(0, rows)]), ROW_BYTES);
        // Two executions, or a file listed twice.
        let [one, same] = [begin(0..10_000), begin(0..10_000)];
        let [other, same_other] = [begin(10_000..20_000), begin(10_000..20_000)];
        let (first, second): (Vec<u64>, Vec<u64>) =
            ((0..10_000).collect(), (10_000..20_000).collect());
        assert_eq!(search(one), (first.clone(), 20_000));
        let (found, looked_at) = search(same);
        assert_eq!(found, first);
        assert!((10_000..=20_000).contains(&looked_at), "{looked_at}");
        assert_eq!(search(other).0, second);
        assert_eq!(search(same_other).0, second);
    }

    #[test]
    fn rows_between_a_partitions_own_are_let_be() {
        let shared = Arc::new(SharedRows::default());
        let file: File = Arc::new("a");
        let around = spans(&[(0, 0..10), (2, 20..30)]);
        let outer = shared.begin(Arc::clone(&file), around, ROW_BYTES);
        let inner = shared.begin(file, spans(&[(1, 10..20)]), ROW_BYTES);
        let own: Vec<u64> = (0..10).chain(20..30).collect();
        assert_eq!(search(outer), (own, 20));
        assert_eq!(search(inner), ((10..20).collect(), 10));
    }

    #[test]
    fn threads_find_their_own_rows() {
        let shared = Arc::new(SharedRows::default());
        let file: File = Arc::new("a");
        let parts = 4_u64;
        std::thread::scope(|scope| {
            for part in 0..parts {
                let own = part * 30_000..(part + 1) * 30_000;
                let turns = shared.begin(Arc::clone(&file), spans(&[(0, own.clone())]), ROW_BYTES);
                scope.spawn(move || assert_eq!(search(turns).0, own.collect::<Vec<_>>()));
            }
        });
    }
}
