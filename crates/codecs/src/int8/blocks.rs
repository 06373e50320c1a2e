//! Loops without branches or calls, which the compiler turns into vector instructions.

/// Values that are looked at together.
const LANES: usize = 16;

/// Adding 1.5 * 2^23 to a number in 0..2^22 leaves the number, rounded to an integer with ties to even, in the low bits of
/// the sum. It is one addition, where `round_ties_even` is a library call on machines without SSE 4.1.
const ROUNDER: f32 = 12_582_912.0;
/// Bound below which `ROUNDER` works. Quotients of finite runs stay under 400 (see the tests).
const ROUNDABLE: f32 = 4_194_304.0;

/// The smallest and the largest value; both NaN when any value is; `None` when there are no values.
///
/// Of zeros of both signs the last one is the smallest. Decoding does not tell them apart; the sign shows only in text that
/// the parameters are written to, and other writers put it there so.
pub(super) fn bounds(values: &[f32]) -> Option<(f32, f32)> {
    let first = *values.first()?;
    let mut low = [first; LANES];
    let mut high = [first; LANES];
    let mut ordered = [true; LANES];
    let (blocks, tail) = values.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            let value = block[lane];
            low[lane] = if value < low[lane] { value } else { low[lane] };
            high[lane] = if value > high[lane] {
                value
            } else {
                high[lane]
            };
            ordered[lane] &= !value.is_nan();
        }
    }
    let mut min = first;
    let mut max = first;
    for value in low.iter().chain(tail) {
        min = if *value < min { *value } else { min };
    }
    for value in high.iter().chain(tail) {
        max = if *value > max { *value } else { max };
    }
    if min == 0.0 {
        min = values
            .iter()
            .rev()
            .find(|value| **value == 0.0)
            .copied()
            .unwrap_or(min);
    }
    let clean = ordered.iter().all(|lane| *lane) && !tail.iter().any(|value| value.is_nan());
    Some(if clean {
        (min, max)
    } else {
        (f32::NAN, f32::NAN)
    })
}

/// Appends one byte a value.
pub(super) fn quantise(values: &[f32], min: f32, scale: f32, out: &mut Vec<u8>) {
    out.extend(values.iter().map(|value| {
        let quotient = (value - min) / scale;
        let low_bits = (quotient + ROUNDER).to_bits() as u8;
        // NaN fails the comparison: it becomes 0, as do infinities.
        if quotient < ROUNDABLE { low_bits } else { 0 }
    }));
}
