//! Byte planes: decoding whole, in ranges and bit by bit must agree on values and on what cannot be decoded.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ogive_codecs::{Error, lossless};
use ogive_fuzz::{Random, with_memory};

fuzz_target!(|data: &[u8]| {
    let Ok(count) = lossless::value_count(data) else {
        assert!(data.len() < 4);
        assert!(lossless::decode(data, &mut []).is_err());
        return;
    };
    let mut random = Random::of(data);
    // A careful reader asks before it makes room for values.
    let bounds =
        lossless::payload_bytes_min(count.into())..=lossless::payload_bytes_max(count.into());
    if !bounds.contains(&(data.len() as u64)) {
        let mut few = vec![0.0; random.up_to(64)];
        assert!(lossless::decode(data, &mut few).is_err());
        assert!(lossless::decode_range(data, random.up_to(64), &mut few).is_err());
        return;
    }
    let count = count as usize;
    let mut whole = vec![0.0; count];
    let decoded = with_memory("decoding", 1 << 12, || lossless::decode(data, &mut whole));
    let expected = by_bits(data);
    match (&decoded, &expected) {
        (Ok(()), Some(values)) => {
            for (index, (found, expected)) in whole.iter().zip(values).enumerate() {
                assert_eq!(Some(found.to_bits()), *expected, "value {index}");
            }
        }
        (Err(Error::Code { value, .. }), Some(values)) => {
            assert!(values[*value as usize].is_none(), "value {value} is good");
        }
        (Err(_), None) => {}
        (decoded, _) => panic!(
            "{decoded:?} for a payload whose shape is {}",
            expected.is_some()
        ),
    }

    for _ in 0..8 {
        let end = random.up_to(count);
        let start = random.up_to(end);
        let mut some = vec![0.0; end - start];
        let range = lossless::decode_range(data, start, &mut some);
        match &expected {
            None => assert!(range.is_err(), "a range of a payload of bad shape"),
            Some(values) => {
                let values = &values[start..end];
                assert_eq!(
                    range.is_ok(),
                    values.iter().all(Option::is_some),
                    "{range:?}"
                );
                if range.is_ok() {
                    for (found, expected) in some.iter().zip(values) {
                        assert_eq!(Some(found.to_bits()), *expected, "in {start}..{end}");
                    }
                }
            }
        }
    }
    assert!(lossless::decode_range(data, count, &mut [0.0]).is_err());
    assert!(lossless::decode_range(data, usize::MAX, &mut [0.0]).is_err());

    if decoded.is_ok() {
        let mut bytes = Vec::new();
        lossless::encode(&whole, &mut bytes).expect("few values");
        assert!(bounds.contains(&(bytes.len() as u64)));
        let mut back = vec![0.0; count];
        lossless::decode(&bytes, &mut back).expect("bytes just written");
        assert!(
            back.iter()
                .zip(&whole)
                .all(|(a, b)| a.to_bits() == b.to_bits()),
            "values come back"
        );
    }
});

/// The bits of every value, read as the format's definition says; `None` for a value with a code outside its dictionary,
/// and for all where the planes do not fit the payload.
fn by_bits(data: &[u8]) -> Option<Vec<Option<u32>>> {
    let count = u32::from_le_bytes(data.get(..4)?.try_into().ok()?) as usize;
    let widths = data.get(4..8)?;
    let mut values = vec![Some(0_u32); count];
    let mut at = 8;
    for (plane, width) in widths.iter().enumerate() {
        let entries = usize::from(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?));
        if entries > 256 || (entries == 0 && count > 0) {
            return None;
        }
        let bits = (1..=8).find(|bits| 1 << bits >= entries)?;
        if usize::from(*width) != bits && count > 0 {
            return None;
        }
        let dictionary = data.get(at + 2..at + 2 + entries)?;
        at += 2 + entries;
        let codes = data.get(at..at + (count * bits).div_ceil(8))?;
        at += codes.len();
        for (index, value) in values.iter_mut().enumerate() {
            let code = (index * bits..(index + 1) * bits).fold(0_usize, |code, bit| {
                code << 1 | usize::from(codes[bit / 8] >> (7 - bit % 8) & 1)
            });
            *value = value
                .zip(dictionary.get(code))
                .map(|(value, byte)| value | u32::from(*byte) << (8 * plane));
        }
    }
    (at == data.len()).then_some(values)
}
