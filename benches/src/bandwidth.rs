//! What memory gives at best: reading a buffer, and copying one.

use crate::figure::{Figure, Result};
use crate::timing::{Runs, measure};

/// A buffer that is read as fast as memory gives it.
#[derive(Debug)]
pub struct Memory {
    words: Vec<u64>,
    sum: u64,
    threads: usize,
}

impl Memory {
    /// A buffer of `bytes`, for `threads` threads that read a part of it each.
    pub fn new(bytes: usize, threads: usize) -> Self {
        let words: Vec<u64> = (0..bytes as u64 / 8).collect();
        Self {
            sum: sum(&words),
            words,
            threads: threads.max(1),
        }
    }

    /// How many bytes a reading takes in.
    pub fn bytes(&self) -> usize {
        self.words.len() * 8
    }

    fn part(&self) -> usize {
        self.words.len().div_ceil(self.threads).max(1)
    }

    /// Reads all of it once.
    pub fn read(&self) -> Result<()> {
        let total = std::thread::scope(|scope| {
            let parts = self.words.chunks(self.part());
            let parts: Vec<_> = parts.map(|part| scope.spawn(|| sum(part))).collect();
            parts
                .into_iter()
                .map(|part| part.join().unwrap_or_default())
                .fold(0, u64::wrapping_add)
        });
        if total == self.sum {
            Ok(())
        } else {
            Err("the sum is wrong".into())
        }
    }
}

/// Reads and copies `bytes` on `threads` threads, each its own part.
pub fn bandwidth(bytes: usize, threads: usize, runs: Runs) -> Result<Vec<Figure>> {
    let source = Memory::new(bytes, threads);
    // Written once, so that no page of it is fresh when the clock runs.
    let mut target = vec![1_u64; source.words.len()];
    let part = source.part();

    let read = measure(runs, |_| source.read())?;
    let copied = measure(runs, |_| {
        std::thread::scope(|scope| {
            for (to, from) in target.chunks_mut(part).zip(source.words.chunks(part)) {
                scope.spawn(|| to.copy_from_slice(std::hint::black_box(from)));
            }
        });
        Ok(())
    })?;
    if target != source.words {
        return Err("the copy is wrong".into());
    }
    let bytes = source.bytes();
    let figure = |subject: &str| {
        Figure::new("bandwidth", subject)
            .with("threads", threads)
            .with("bytes", bytes)
    };
    Ok(vec![
        figure("read")
            .with_times(read)
            .with("gb_s", bytes as f64 / read.p50_s / 1e9),
        figure("copy")
            .with_times(copied)
            .with("gb_s", bytes as f64 / copied.p50_s / 1e9),
    ])
}

/// Thirty-two sums side by side: enough loads under way that memory, not the adder, is what is waited for.
fn sum(words: &[u64]) -> u64 {
    let (blocks, rest) = words.as_chunks::<32>();
    let mut sums = [0_u64; 32];
    for block in blocks {
        for (sum, word) in sums.iter_mut().zip(block) {
            *sum = sum.wrapping_add(*word);
        }
    }
    sums.iter()
        .chain(rest)
        .fold(0, |total, word| total.wrapping_add(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_with_a_tail() {
        let words: Vec<u64> = (0..100).collect();
        assert_eq!(sum(&words), 4950);
    }

    #[test]
    fn runs() {
        let figures = bandwidth(10_000, 2, Runs { warm: 0, timed: 1 }).unwrap();
        assert_eq!(figures.len(), 2);
    }
}
