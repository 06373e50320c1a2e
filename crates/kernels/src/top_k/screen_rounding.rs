//! Room for the `f64` roundings of the screens' own arithmetic.

/// Moves a bound away from the answers it must not exclude by far more than the few roundings that made it, and those
/// that make the exact answer from its sums, can lose (2^-45 relative; each loses 2^-53).
#[inline(always)]
pub(super) fn outward(bound: f64) -> f64 {
    bound - bound.abs() * ROUNDINGS
}

/// A relative allowance for up to 2^7 roundings of `f64` numbers of similar magnitude.
pub(super) const ROUNDINGS: f64 = 1.0 / (1_u64 << 45) as f64;
