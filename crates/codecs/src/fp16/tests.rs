use half::f16;

use super::*;
use crate::splitmix::Numbers;

fn halves(bytes: &[u8]) -> Vec<f16> {
    let pairs = bytes.as_chunks::<2>().0;
    pairs.iter().map(|pair| f16::from_le_bytes(*pair)).collect()
}

fn same(a: f16, b: f16) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[test]
fn fast_encoding_equals_the_scalar_one_at_every_length_and_offset() {
    #[cfg(target_arch = "x86_64")]
    if !f16c::is_available() {
        println!("skipped: this machine has no F16C");
    }
    let seed = 7;
    let mut numbers = Numbers(seed);
    let mut values: Vec<f32> = (0..300)
        .map(|index| match index % 3 {
            0 => f32::from_bits(numbers.next() as u32),
            1 => (numbers.next() as i32 as f32) / 1e7,
            _ => (numbers.next() as i32 as f32) * 1e-14,
        })
        .collect();
    let odd = [
        0.0,
        -0.0,
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        65519.996,
        65520.0,
        -65520.0,
        5.960_464_5e-8,
        2.980_232_2e-8,
        2.980_232_6e-8,
        6.097_555e-5,
        f32::MAX,
        f32::MIN_POSITIVE,
        1e-45,
        2049.0,
        2051.0,
    ];
    for (slot, value) in values.iter_mut().skip(100).zip(odd) {
        *slot = value;
    }
    for length in 0..=257 {
        for offset in [0, 1, 3] {
            let input = &values[offset..offset + length];
            let mut fast = vec![0xaa];
            encode_f32(input, &mut fast);
            assert_eq!(fast[0], 0xaa, "encoding appends");
            let mut slow = vec![0; length * 2];
            scalar::encode(input, &mut slow);
            for (index, (a, b)) in halves(&fast[1..])
                .into_iter()
                .zip(halves(&slow))
                .enumerate()
            {
                assert!(same(a, b), "seed {seed}, {}: {a} or {b}", input[index]);
            }
            let mut back = vec![0.0; length];
            decode(&fast[1..], &mut back).unwrap();
            let mut slow_back = vec![0.0; length];
            scalar::decode(&fast[1..], &mut slow_back);
            for (a, b) in back.iter().zip(&slow_back) {
                assert!(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()));
            }
        }
    }
}

#[test]
fn every_half_comes_back() {
    let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    let mut values = vec![0.0; 65536];
    decode(&bytes, &mut values).unwrap();
    let mut narrow = Vec::new();
    encode_f32(&values, &mut narrow);
    let wide: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
    let mut from_wide = Vec::new();
    encode_f64(&wide, &mut from_wide);
    for (index, bits) in (0..=u16::MAX).enumerate() {
        let expected = f16::from_bits(bits);
        assert_eq!(values[index].is_nan(), expected.is_nan());
        if !expected.is_nan() {
            assert_eq!(f64::from(values[index]), expected.to_f64_const());
        }
    }
    assert!(
        halves(&narrow)
            .iter()
            .zip(0..=u16::MAX)
            .all(|(half, bits)| same(*half, f16::from_bits(bits)))
    );
    assert!(
        halves(&from_wide)
            .iter()
            .zip(0..=u16::MAX)
            .all(|(half, bits)| same(*half, f16::from_bits(bits)))
    );
}

#[test]
fn doubles_round_once_to_the_nearest() {
    // The oracle: between two neighbouring halves every double is nearer to one, and the middle goes to the even one.
    let seed = 11;
    let mut numbers = Numbers(seed);
    let next_up = |value: f64| f64::from_bits(value.to_bits() + 1);
    let next_down = |value: f64| f64::from_bits(value.to_bits() - 1);
    for bits in 0..0x7bff_u16 {
        let low = f16::from_bits(bits).to_f64_const();
        let high = f16::from_bits(bits + 1).to_f64_const();
        let middle = (low + high) / 2.0;
        let even = if bits % 2 == 0 { bits } else { bits + 1 };
        let part = (numbers.next() % 1000) as f64 / 1000.0;
        let some = low + (high - low) * part;
        let nearest = match some.total_cmp(&middle) {
            std::cmp::Ordering::Less => bits,
            std::cmp::Ordering::Equal => even,
            std::cmp::Ordering::Greater => bits + 1,
        };
        let cases = [
            (next_down(middle), bits),
            (middle, even),
            (next_up(middle), bits + 1),
            (some, nearest),
        ];
        for (value, expected) in cases {
            assert_eq!(
                scalar::half_from_f64(value),
                expected,
                "seed {seed}, {value:e}"
            );
            assert_eq!(
                scalar::half_from_f64(-value),
                expected | 0x8000,
                "seed {seed}, -{value:e}"
            );
        }
    }
    assert_eq!(scalar::half_from_f64(65520.0), 0x7c00);
    assert_eq!(scalar::half_from_f64(next_down(65520.0)), 0x7bff);
    assert_eq!(scalar::half_from_f64(f64::MAX), 0x7c00);
    assert_eq!(scalar::half_from_f64(f64::from_bits(1)), 0);
    assert_eq!(scalar::half_from_f64(f64::NEG_INFINITY), 0xfc00);
    assert!(f16::from_bits(scalar::half_from_f64(f64::NAN)).is_nan());
    assert!(f16::from_bits(scalar::half_from_f64(f64::from_bits(0x7ff0_0000_0000_0001))).is_nan());
}

#[test]
fn wrong_lengths_are_errors() {
    let mut out = [0.0; 2];
    for length in [0, 3, 5, 6] {
        let expected = Err(Error::Length {
            found: length as u64,
            expected: 4,
        });
        assert_eq!(decode(&vec![0; length], &mut out), expected);
    }
}
