//! What memory gives at best: reading a buffer, and copying one.

use crate::figure::{Figure, Result};
use crate::timing::{Runs, measure};

/// Reads and copies `bytes` on `threads` threads, each its own part.
pub fn bandwidth(bytes: usize, threads: usize, runs: Runs) -> Result<Vec<Figure>> {
    let words = bytes / 8;
    let source: Vec<u64> = (0..words as u64).collect();
    // Written once, so that no page of it is fresh when the clock runs.
    let mut target = vec![1_u64; words];
    let part = words.div_ceil(threads.max(1)).max(1);

    let expected = sum(&source);
    let read = measure(runs, |_| {
        let total = std::thread::scope(|scope| {
            let parts = source.chunks(part).map(|part| scope.spawn(|| sum(part)));
            let parts: Vec<_> = parts.collect();
            parts
                .into_iter()
                .map(|part| part.join().unwrap_or_default())
                .fold(0, u64::wrapping_add)
        });
        if total == expected {
            Ok(())
        } else {
            Err("the sum is wrong".into())
        }
    })?;
    let copied = measure(runs, |_| {
        std::thread::scope(|scope| {
            for (to, from) in target.chunks_mut(part).zip(source.chunks(part)) {
                scope.spawn(|| to.copy_from_slice(std::hint::black_box(from)));
            }
        });
        Ok(())
    })?;
    if target != source {
        return Err("the copy is wrong".into());
    }
    let bytes = words * 8;
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
