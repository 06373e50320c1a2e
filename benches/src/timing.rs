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

/// What [`measure_in_turn`] times: a run and its number.
pub type Task<'a> = Box<dyn FnMut(usize) -> Result<()> + 'a>;

/// [`measure`] of several tasks whose times are to be compared: run `i` of each follows run `i` of the one before, so that
/// whatever else the machine does meanwhile, it does to all of them.
pub fn measure_in_turn(runs: Runs, tasks: &mut [Task<'_>]) -> Result<Vec<Spread>> {
    for i in 0..runs.warm {
        for task in tasks.iter_mut() {
            task(i)?;
        }
    }
    let mut times = vec![Vec::with_capacity(runs.timed); tasks.len()];
    for i in 0..runs.timed {
        for (task, times) in tasks.iter_mut().zip(&mut times) {
            let start = Instant::now();
            task(i)?;
            times.push(start.elapsed());
        }
    }
    Ok(times.into_iter().map(Spread::of).collect())
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
    fn tasks_take_turns() {
        let order = std::cell::RefCell::new(Vec::new());
        let mut tasks: Vec<Task<'_>> = (0..2)
            .map(|task| -> Task<'_> {
                let order = &order;
                Box::new(move |run| {
                    order.borrow_mut().push((run, task));
                    Ok(())
                })
            })
            .collect();
        let spreads = measure_in_turn(Runs { warm: 0, timed: 2 }, &mut tasks).unwrap();
        assert_eq!(spreads.len(), 2);
        assert_eq!(*order.borrow(), [(0, 0), (0, 1), (1, 0), (1, 1)]);
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
