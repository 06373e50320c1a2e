//! The right answer, the slow way.

use crate::figure::Result;
use crate::npy::Vectors;

/// The nearest rows of one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// Squared distance of every row.
    distances: Vec<f64>,
    /// Squared distance of the last row that belongs to the answer.
    farthest: f64,
    k: usize,
}

/// Computes every distance in double precision and sorts.
pub fn nearest(vectors: &Vectors, query: &[f32], k: usize) -> Neighbours {
    let distances: Vec<f64> = vectors.rows().map(|row| l2_squared(row, query)).collect();
    let mut sorted = distances.clone();
    let k = k.min(sorted.len());
    if k < sorted.len() {
        sorted.select_nth_unstable_by(k.saturating_sub(1), f64::total_cmp);
    }
    let farthest = sorted.iter().take(k).copied().fold(0.0, f64::max);
    Neighbours {
        distances,
        farthest,
        k,
    }
}

fn l2_squared(row: &[f32], query: &[f32]) -> f64 {
    // Eight sums side by side, or the additions wait for one another.
    let (rows, queries) = (row.chunks_exact(8), query.chunks_exact(8));
    let tail = rows.remainder().iter().zip(queries.remainder());
    let tail: f64 = tail
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
        .sum();
    let mut sums = [0.0_f64; 8];
    for (a, b) in rows.zip(queries) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            let difference = f64::from(*a) - f64::from(*b);
            *sum += difference * difference;
        }
    }
    sums.iter().sum::<f64>() + tail
}

impl Neighbours {
    /// How many of `rows` belong to the answer; rows as far as the last one all do.
    pub fn hits(&self, rows: &[u64]) -> usize {
        // Rounding of the sum: rows that are copies of one another must count alike.
        let limit = self.farthest * (1.0 + 1e-12);
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        rows.dedup();
        rows.iter()
            .filter_map(|row| self.distances.get(usize::try_from(*row).ok()?))
            .filter(|distance| **distance <= limit)
            .count()
    }

    /// The share of the answer that `rows` has.
    pub fn recall(&self, rows: &[u64]) -> f64 {
        self.hits(rows) as f64 / self.k.max(1) as f64
    }

    /// The distances of the answer, ascending.
    pub fn distances(&self) -> Vec<f64> {
        let mut sorted = self.distances.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
            .iter()
            .take(self.k)
            .map(|squared| squared.sqrt())
            .collect()
    }

    /// Fails unless `rows` is the answer.
    pub fn check(&self, rows: &[u64], what: &str) -> Result<()> {
        if rows.len() == self.k && self.hits(rows) == self.k {
            return Ok(());
        }
        Err(format!(
            "{what}: {} of {} nearest rows found, in {rows:?}",
            self.hits(rows),
            self.k
        )
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_and_repeats_do_not() {
        let vectors = Vectors {
            dimension: 1,
            values: vec![3.0, 1.0, 2.0, 2.0, 9.0],
        };
        let answer = nearest(&vectors, &[0.0], 2);
        assert!(answer.check(&[1, 2], "a").is_ok());
        assert!(answer.check(&[3, 1], "a").is_ok());
        assert!(answer.check(&[1, 1], "a").is_err());
        assert!(answer.check(&[1, 0], "a").is_err());
        assert_eq!(answer.recall(&[1, 0]), 0.5);
        assert_eq!(answer.distances(), [1.0, 2.0_f64]);
    }

    #[test]
    fn lanes_and_tail_add_up() {
        let row: Vec<f32> = (0..19).map(|i| i as f32).collect();
        let expected: f64 = (0..19).map(|i| f64::from(i * i)).sum();
        assert_eq!(l2_squared(&row, &[0.0; 19]), expected);
    }
}
