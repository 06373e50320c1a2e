use super::*;
use crate::splitmix::Numbers;

fn check(values: &[f32], what: &str) {
    let (mut fast, mut slow) = (Vec::new(), Vec::new());
    let fast_parameters = encode(values, &mut fast);
    let slow_parameters = scalar::encode(values, &mut slow);
    let bits = |p: Parameters| [p.min, p.scale].map(|x| if x.is_nan() { 1 } else { x.to_bits() });
    assert_eq!(
        bits(fast_parameters),
        bits(slow_parameters),
        "{what}: {values:?}"
    );
    assert_eq!(fast, slow, "{what}: {values:?}");
}

#[test]
fn fast_encoding_equals_the_definition() {
    let seed = 3;
    let mut numbers = Numbers(seed);
    for length in 0..=257 {
        let what = format!("seed {seed}, length {length}");
        let normal: Vec<f32> = (0..length)
            .map(|_| numbers.next() as i32 as f32 / 1e8)
            .collect();
        check(&normal, &what);
        let raw: Vec<f32> = (0..length)
            .map(|_| f32::from_bits(numbers.next() as u32))
            .collect();
        check(&raw, &what);
        // Down where the scale is a handful of the smallest numbers there are, and quotients exceed 255.
        let tiny: Vec<f32> = (0..length)
            .map(|_| f32::from_bits((numbers.next() % 700) as u32))
            .collect();
        check(&tiny, &what);
        let zeros: Vec<f32> = (0..length)
            .map(|_| {
                if numbers.next().is_multiple_of(5) {
                    0.0
                } else {
                    -0.0
                }
            })
            .collect();
        check(&zeros, &what);
        for odd in [
            f32::NAN,
            -f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
            -f32::MAX,
            f32::from_bits(0x7f80_0001),
        ] {
            let mut with_odd = normal.clone();
            if let Some(slot) = with_odd.get_mut(numbers.next() as usize % length.max(1)) {
                *slot = odd;
                check(&with_odd, &what);
            }
        }
    }
}

#[test]
fn what_cannot_be_stored_is_nan_but_for_one_infinity() {
    let back = |values: &[f32]| {
        let mut bytes = Vec::new();
        let parameters = encode(values, &mut bytes);
        assert!(!parameters.is_finite(), "{values:?}");
        let mut out = vec![0.0; values.len()];
        decode(&bytes, parameters, &mut out).unwrap();
        out
    };
    for values in [
        [1.0, f32::NAN, 2.0],
        [1.0, f32::INFINITY, 2.0],
        [1.0, f32::NEG_INFINITY, 2.0],
        [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY],
        [f32::MIN, 0.0, f32::MAX],
    ] {
        assert!(back(&values).iter().all(|x| x.is_nan()), "{values:?}");
    }
    for infinity in [f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(back(&[infinity; 3]), [infinity; 3]);
    }
}

#[test]
fn quotients_stay_where_rounding_by_addition_works() {
    // The worst is a scale rounded down to one step of the smallest subnormal: a range below 1.5 * 255 steps.
    let mut worst = 0.0_f32;
    for range in 1..100_000 {
        let max = f32::from_bits(range);
        let scale = max / 255.0;
        if scale > 0.0 {
            worst = worst.max(max / scale);
        }
    }
    assert!(worst < 400.0, "{worst}");
}

#[test]
fn decoding_rounds_twice_and_takes_every_byte() {
    let parameters = Parameters {
        min: -0.1,
        scale: 0.037_745_099_514_722_824,
    };
    let bytes: Vec<u8> = (0..=255).collect();
    let mut out = [0.0; 256];
    decode(&bytes, parameters, &mut out).unwrap();
    for (byte, value) in bytes.iter().zip(out) {
        let product = (f64::from(*byte) * f64::from(parameters.scale as f32)) as f32;
        let sum = (f64::from(product) + f64::from(parameters.min as f32)) as f32;
        assert_eq!(value, sum);
    }
}

#[test]
fn wrong_lengths_are_errors() {
    let parameters = Parameters {
        min: 0.0,
        scale: 1.0,
    };
    let mut out = [0.0; 2];
    let expected = Err(Error::Length {
        found: 3,
        expected: 2,
    });
    assert_eq!(decode(&[0; 3], parameters, &mut out), expected);
}
