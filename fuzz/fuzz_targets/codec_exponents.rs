//! Entropy-coded exponents: whatever the bytes, an error or values whose payload decodes to the same; round trips are exact.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ogive_codecs::exponents;

fuzz_target!(|data: &[u8]| {
    if let Ok(count) = exponents::value_count(data) {
        // A careful reader asks before it makes room for values.
        let bounds =
            exponents::payload_bytes_min(count.into())..=exponents::payload_bytes_max(count.into());
        if bounds.contains(&(data.len() as u64)) {
            let mut values = vec![0.0; count as usize];
            if exponents::decode(data, &mut values).is_ok() {
                round_trip(&values);
            }
        } else {
            assert!(exponents::decode(data, &mut vec![0.0; (count as usize).min(1000)]).is_err());
        }
    }
    let values: Vec<f32> = data
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    round_trip(&values);
});

fn round_trip(values: &[f32]) {
    let mut bytes = Vec::new();
    exponents::encode(values, &mut bytes).expect("so few values fit");
    assert!(bytes.len() as u64 <= exponents::payload_bytes_max(values.len() as u64));
    let mut back = vec![0.0; values.len()];
    exponents::decode(&bytes, &mut back).expect("what was just written");
    for (value, back) in values.iter().zip(&back) {
        assert_eq!(value.to_bits(), back.to_bits());
    }
}
