//! Repeating something and saying how long it took.

use std::time::{Duration, Instant};

use crate::figure::Result;

/// How often to repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runs {
    /// Runs whose time is not taken.
    pub warm: usize,
    /// Runs whose time is taken.
    pub timed: usize,
}

/// Times of single runs, in seconds: a tenth, a half and nine tenths of them were faster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The tenth percentile.
    pub p10_s: f64,
    /// The median.
    pub p50_s: f64,
    /// The ninetieth percentile.
    pub p90_s: f64,
    /// How many runs there were.
    pub runs: usize,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let last = times.len().saturating_sub(1);
            let place = (last as f64 * share).round() as usize;
            times.get(place).map_or(0.0, Duration::as_secs_f64)
        };
        Self {
            p10_s: at(0.1),
            p50_s: at(0.5),
            p90_s: at(0.9),
            runs: times.len(),
        }
    }
}

/// Times `run(i)`; `i` counts up from 0 over the warm runs and again over the timed ones. What a run returns is dropped
/// after the clock has stopped.
pub fn measure<T>(runs: Runs, mut run: impl FnMut(usize) -> Result<T>) -> Result<Spread> {
    for i in 0..runs.warm {
        std::hint::black_box(run(i)?);
    }
    let mut times = Vec::with_capacity(runs.timed);
    for i in 0..runs.timed {
        let start = Instant::now();
        let answer = std::hint::black_box(run(i)?);
        times.push(start.elapsed());
        drop(answer);
    }
    Ok(Spread::of(times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let times = (1..=11).rev().map(Duration::from_secs).collect();
        let spread = Spread::of(times);
        assert_eq!(
            (spread.p10_s, spread.p50_s, spread.p90_s, spread.runs),
            (2.0, 6.0, 10.0, 11)
        );
    }

    #[test]
    fn warm_runs_are_not_timed() {
        let mut calls = 0;
        let runs = Runs { warm: 2, timed: 3 };
        let spread = measure(runs, |_| {
            calls += 1;
            Ok(())
        });
        assert_eq!((calls, spread.unwrap().runs), (5, 3));
    }
}
