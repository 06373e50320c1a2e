//! What the kinds of screens have in common: what they bound, and the bounds that stand for none.

use crate::Metric;

/// What a kind of screen bounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounded {
    /// Its answer in double precision.
    pub(super) metric: Metric,
    /// Squares of a row outside of which its cosine is unknown, beside the limits that the screen has itself.
    pub(super) squares: (f64, f64),
}

impl Bounded {
    pub(super) fn double(metric: Metric) -> Bounded {
        Bounded {
            metric,
            // A dot product over an infinite norm would look like a certain zero.
            squares: (0.0, f64::MAX),
        }
    }
}

/// Stands for a bound beyond the limit; no answer, and so no limit, is beyond it.
pub(super) const OUT: f64 = f64::MAX;

/// What a gate is wider by than the limit that it is made of, relative to the square of a distance, 2^-20: more than the
/// roundings on the way to it, those to `f32` among them. Only speed depends on it.
pub(super) const GATE_ROOM: f64 = 1.0 + 1.0 / (1 << 20) as f64;
