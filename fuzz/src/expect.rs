//! What values must be.

/// Panics unless the values are the same to the last bit, or both NaN.
pub fn assert_same_f32(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}: number of values");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
        assert!(
            same,
            "{what}: value {index} is {found:?} ({:#010x}), expected {expected:?} ({:#010x})",
            found.to_bits(),
            expected.to_bits()
        );
    }
}

/// What a run of values reads back as from `int8`, by the definition.
pub fn int8_by_definition(values: &[f32]) -> Vec<f32> {
    let (min, spread) = int8_parameters(values);
    let back = |value: &f32| {
        let quotient = ((value - min) / spread).round_ties_even();
        // What is no number has no byte: it is zero then, as where the spread rounds to zero.
        let byte = if quotient.is_finite() {
            (quotient as i64).rem_euclid(256)
        } else {
            0
        };
        byte as f32 * spread + min
    };
    values.iter().map(back).collect()
}

/// Whether `int8` can hold a run of values: numbers that do not span too much.
pub fn int8_can_hold(values: &[f32]) -> bool {
    let (min, spread) = int8_parameters(values);
    values.is_empty() || (min.is_finite() && spread.is_finite())
}

fn int8_parameters(values: &[f32]) -> (f32, f32) {
    if values.iter().any(|value| value.is_nan()) {
        return (f32::NAN, f32::NAN);
    }
    let min = values.iter().copied().fold(f32::INFINITY, f32::min);
    let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let spread = if max == min { 1.0 } else { (max - min) / 255.0 };
    (min, spread)
}
