//! How many bits each group of eight directions gets.
//!
//! The bound's width is `Σ σ(q_i) σ(r_i) = Σ λ_i ρ(b_i)` for queries like the rows, where `ρ(b)` is the share that `b` bits
//! lose. So the next bits go where `λ (ρ(b) - ρ(b'))` a bit is greatest; as ρ falls less and less, this greedy choice
//! is the best one. A share of flat spectrum in λ costs little for queries like the rows and saves much for others.

use super::levels::{BITS, lost};

/// Directions that get the same number of bits.
pub(super) const GROUP: usize = 8;

/// The share of flat spectrum: on real embeddings, costs a tenth for queries like the rows and saves three quarters of
/// the rows read for others.
const FLAT: f64 = 0.3;

/// Bits for each group of `variances` (greatest first), at most `budget` in all, eight directions times the bits of each
/// group. `total` is the variance in all directions, those that are left out included, `dimension` their number.
pub(super) fn allocate(variances: &[f64], total: f64, dimension: usize, budget: usize) -> Vec<u8> {
    let flat = FLAT * total / dimension.max(1) as f64;
    let worth: Vec<f64> = variances
        .chunks(GROUP)
        .map(|group| group.iter().map(|v| (1.0 - FLAT) * v + flat).sum())
        .collect();
    let mut chosen = vec![0_usize; worth.len()];
    let mut left = budget;
    loop {
        let upgrades = chosen.iter().enumerate().filter_map(|(group, level)| {
            let (from, to) = (BITS[*level], *BITS.get(level + 1)?);
            let cost = usize::from(to - from) * GROUP;
            let gain = worth[group] * (lost(from) - lost(to)) / cost as f64;
            (cost <= left && gain > 0.0).then_some((gain, group, cost))
        });
        // The first of equals, so that the choice does not depend on how the maximum is found.
        let best = upgrades.fold(None, |best: Option<(f64, usize, usize)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        });
        let Some((_, group, cost)) = best else {
            return chosen.into_iter().map(|level| BITS[level]).collect();
        };
        chosen[group] += 1;
        left -= cost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_fall_with_the_variance_and_use_the_budget() {
        let variances: Vec<f64> = (0..384).map(|i| 1.0 / (1.0 + f64::from(i))).collect();
        let total = variances.iter().sum();
        for budget in [0, 8, 100, 480, 768, 1024] {
            let bits = allocate(&variances, total, 384, budget);
            assert!(bits.is_sorted_by(|a, b| a >= b), "{bits:?}");
            let used: usize = bits.iter().map(|b| usize::from(*b) * GROUP).sum();
            assert!(used <= budget && budget - used < 32, "{used} of {budget}");
        }
        assert_eq!(allocate(&[0.0; 8], 0.0, 8, 64), [0]);
    }
}
