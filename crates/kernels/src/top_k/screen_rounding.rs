//! Room for the `f64` roundings of the screens' own arithmetic.

/// An allowance, relative to the magnitudes involved, for the roundings of `f64` sums over `dimension` terms: those
/// that a screen computes and those of the exact answer, which a bound must not exclude. A sum loses at most
/// 2^-53 a term; what surrounds it takes far fewer than 64 roundings more.
pub(super) fn roundings(dimension: usize) -> f64 {
    (dimension as f64 + 64.0) * f64::EPSILON
}

/// Moves a bound toward better answers by a relative allowance. An infinite one, which says that a sum overflowed rather
/// than that the answer is infinite, becomes NaN or `-inf`.
#[inline(always)]
pub(super) fn outward(bound: f64, roundings: f64) -> f64 {
    bound - bound.abs() * roundings
}
