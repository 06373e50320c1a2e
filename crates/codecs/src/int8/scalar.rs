//! The codec as its definition reads: the twin of the block-wise loops.

use super::Parameters;

pub(super) fn encode(values: &[f32], out: &mut Vec<u8>) -> Parameters {
    let Some(first) = values.first() else {
        return Parameters {
            min: 0.0,
            scale: 1.0,
        };
    };
    let (mut min, mut max) = (*first, *first);
    for value in values {
        if value.is_nan() || min.is_nan() {
            (min, max) = (f32::NAN, f32::NAN);
        } else {
            // Equal values are zeros of two signs: the last one stays.
            min = if *value <= min { *value } else { min };
            max = if *value > max { *value } else { max };
        }
    }
    let scale = if max == min { 1.0 } else { (max - min) / 255.0 };
    for value in values {
        let rounded = ((value - min) / scale).round_ties_even();
        // What a 32-bit conversion does on x86-64: anything outside its range, NaN included, is i32::MIN.
        let wide = if rounded >= i32::MIN as f32 && rounded < -(i32::MIN as f32) {
            rounded as i32
        } else {
            i32::MIN
        };
        out.push(wide as u8);
    }
    Parameters {
        min: f64::from(min),
        scale: f64::from(scale),
    }
}
