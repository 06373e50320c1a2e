//! `fp16` and `int8`: what is decoded and encoded must be what the definitions say, by arithmetic of another kind.

#![no_main]

use half::f16;
use libfuzzer_sys::fuzz_target;
use ogive_codecs::{fp16, int8};
use ogive_fuzz::{assert_same_f32, int8_by_definition, int8_can_hold, with_memory};

fuzz_target!(|data: &[u8]| {
    with_memory("both codecs", (1 << 16) + 64 * data.len(), || {
        check_halves(data);
        let floats: Vec<f32> = data
            .chunks_exact(4)
            .map(|raw| f32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]))
            .collect();
        check_f32(&floats);
        let doubles: Vec<f64> = data
            .chunks_exact(8)
            .map(|raw| f64::from_le_bytes(std::array::from_fn(|index| raw[index])))
            .collect();
        check_f64(&doubles);
        check_bytes(data);
        check_int8(&floats);
    });
});

/// All bytes as halves.
fn check_halves(data: &[u8]) {
    let count = data.len() / 2;
    let bytes = &data[..2 * count];
    let mut values = vec![0.0; count];
    fp16::decode(bytes, &mut values).expect("two bytes a value");
    for (raw, value) in bytes.chunks_exact(2).zip(&values) {
        let half = f16::from_le_bytes([raw[0], raw[1]]);
        assert_same_f32("a half", &[*value], &[half.to_f32_const()]);
        assert_eq!(value.is_sign_negative(), half.is_sign_negative());
    }
    let mut back = Vec::new();
    fp16::encode_f32(&values, &mut back);
    for ((raw, back), value) in bytes.chunks_exact(2).zip(back.chunks_exact(2)).zip(&values) {
        assert!(
            raw == back || value.is_nan(),
            "{raw:?} came back as {back:?}"
        );
    }
    assert!(fp16::decode(bytes, &mut vec![0.0; count + 1]).is_err());
    if data.len() % 2 == 1 {
        assert!(fp16::decode(data, &mut values).is_err());
    }
}

fn check_f32(values: &[f32]) {
    let mut bytes = vec![7];
    fp16::encode_f32(values, &mut bytes);
    assert_eq!(bytes.len(), 1 + 2 * values.len());
    assert_eq!(bytes[0], 7, "encoders append");
    for (value, raw) in values.iter().zip(bytes[1..].chunks_exact(2)) {
        check_nearest(f64::from(*value), f16::from_le_bytes([raw[0], raw[1]]));
    }
}

fn check_f64(values: &[f64]) {
    let mut bytes = Vec::new();
    fp16::encode_f64(values, &mut bytes);
    assert_eq!(bytes.len(), 2 * values.len());
    for (value, raw) in values.iter().zip(bytes.chunks_exact(2)) {
        check_nearest(*value, f16::from_le_bytes([raw[0], raw[1]]));
    }
}

/// The half is the one nearest to the value, and of two the even one. Neighbours and the points between them are exact
/// in 64 bits.
fn check_nearest(value: f64, half: f16) {
    assert_eq!(half.is_nan(), value.is_nan(), "{value:e} became {half:e}");
    if value.is_nan() {
        return;
    }
    assert_eq!(
        half.is_sign_negative(),
        value.is_sign_negative(),
        "{value:e} became {half:e}"
    );
    // Infinity stands where the next number would be.
    let number = |bits: u16| match bits {
        0x7c00 => 65536.0,
        bits => f16::from_bits(bits).to_f64(),
    };
    let size = half.to_bits() & 0x7fff;
    let even = size & 1 == 0;
    let value = value.abs();
    if size > 0 {
        let middle = (number(size - 1) + number(size)) / 2.0;
        assert!(
            value > middle || (value == middle && even),
            "{value:e} became {half:e}, too large"
        );
    }
    if size < 0x7c00 {
        let middle = (number(size) + number(size + 1)) / 2.0;
        assert!(
            value < middle || (value == middle && even),
            "{value:e} became {half:e}, too small"
        );
    }
}

/// All bytes but the first 16 as codes, those as parameters.
fn check_bytes(data: &[u8]) {
    let Some((parameters, codes)) = data.split_at_checked(16) else {
        return;
    };
    let number =
        |at: usize| f64::from_le_bytes(std::array::from_fn(|index| parameters[at + index]));
    let parameters = int8::Parameters {
        min: number(0),
        scale: number(8),
    };
    let _ = parameters.is_finite();
    let mut values = vec![0.0; codes.len()];
    int8::decode(codes, parameters, &mut values).expect("one byte a value");
    let (min, scale) = (parameters.min as f32, parameters.scale as f32);
    let expected: Vec<f32> = codes
        .iter()
        .map(|code| std::hint::black_box(f32::from(*code) * scale) + min)
        .collect();
    assert_same_f32("codes", &values, &expected);
    assert!(int8::decode(codes, parameters, &mut vec![0.0; codes.len() + 1]).is_err());
}

fn check_int8(values: &[f32]) {
    let mut bytes = vec![7];
    let parameters = int8::encode(values, &mut bytes);
    assert_eq!((bytes.len(), bytes[0]), (1 + values.len(), 7));
    let mut back = vec![0.0; values.len()];
    int8::decode(&bytes[1..], parameters, &mut back).expect("bytes just written");
    assert_eq!(parameters.is_finite(), int8_can_hold(values));
    assert_same_f32("int8", &back, &int8_by_definition(values));
}
