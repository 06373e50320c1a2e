use super::*;
use crate::splitmix::Numbers;

/// The decoder as the layout reads, by another Zstd call: `None` for what is no payload.
fn plainly(bytes: &[u8]) -> Option<Vec<u32>> {
    let word = |at: usize| -> Option<u32> {
        Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
    };
    let count = word(0)? as usize;
    if word(4)? != 1 || count > bytes.len() {
        return None;
    }
    let mut values = Vec::new();
    let mut at = 8;
    while values.len() < count {
        let n = (count - values.len()).min(65_536);
        let length = word(at)?;
        let stored_bytes = (length & 0x7fff_ffff) as usize;
        let stored = bytes.get(at + 4..at + 4 + stored_bytes)?;
        let exponents = if length >> 31 == 1 {
            let mut decoded = vec![0; n + 1];
            let made = zstd_safe::decompress(decoded.as_mut_slice(), stored).ok()?;
            decoded.truncate(made);
            (stored_bytes < n && stored_bytes > 0).then_some(decoded)?
        } else {
            stored.to_vec()
        };
        if exponents.len() != n {
            return None;
        }
        at += 4 + stored_bytes;
        let planes = bytes.get(at..at + 3 * n)?;
        for (index, exponent) in exponents.iter().enumerate() {
            let rotated = u32::from(*exponent) << 24
                | u32::from(planes[2 * n + index]) << 16
                | u32::from(planes[n + index]) << 8
                | u32::from(planes[index]);
            values.push(rotated.rotate_right(1));
        }
        at += 3 * n;
    }
    (at == bytes.len()).then_some(values)
}

fn kinds(count: usize, seed: u64) -> Vec<(&'static str, Vec<f32>)> {
    let mut numbers = Numbers(seed);
    let mut unit = move || (numbers.next() >> 40) as f32 / (1 << 24) as f32;
    // The sum of twelve is nearly normal: what elements of embeddings are like.
    let normal = (0..count)
        .map(|_| ((0..12).map(|_| unit()).sum::<f32>() - 6.0) * 0.05)
        .collect();
    let mut numbers = Numbers(seed + 1);
    let any = (0..count)
        .map(|_| f32::from_bits(numbers.next() as u32))
        .collect();
    let odd = (0..count)
        .map(|index| [0.0, -0.0, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE, 1e-45][index % 6])
        .collect();
    vec![
        ("normal", normal),
        ("any", any),
        ("odd", odd),
        ("zeros", vec![0.0; count]),
    ]
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn every_bit_comes_back() {
    for count in [0, 1, 2, 7, 255, 256, 1000, 65_535, 65_536, 65_537, 200_000] {
        for (kind, values) in kinds(count, 7) {
            let mut bytes = b"before".to_vec();
            encode(&values, &mut bytes).unwrap();
            let payload = &bytes[6..];
            let length = payload.len() as u64;
            assert!(length <= payload_bytes_max(count as u64), "{kind} {count}");
            assert!(length >= payload_bytes_min(count as u64), "{kind} {count}");
            assert_eq!(value_count(payload), Ok(count as u32));
            let mut back = vec![1.5; count];
            decode(payload, &mut back).unwrap();
            assert_eq!(bits(&back), bits(&values), "{kind} {count}");
            assert_eq!(plainly(payload), Some(bits(&values)), "{kind} {count}");
        }
    }
}

#[test]
fn embeddings_get_a_sixth_smaller_and_noise_hardly_larger() {
    let all = kinds(300_000, 8);
    let ratio = |values: &[f32]| {
        let mut bytes = Vec::new();
        encode(values, &mut bytes).unwrap();
        values.len() as f64 * 4.0 / bytes.len() as f64
    };
    let embeddings = ratio(&all[0].1);
    assert!((1.17..1.25).contains(&embeddings), "{embeddings}");
    assert!(ratio(&all[1].1) > 0.9999);
}

#[test]
fn damage_is_an_error_or_other_values_as_the_plain_decoder_says() {
    let mut numbers = Numbers(9);
    let mut refused = 0;
    for count in [1, 300, 70_000] {
        for (kind, values) in kinds(count, 10) {
            let mut bytes = Vec::new();
            encode(&values, &mut bytes).unwrap();
            for _ in 0..150 {
                let mut bad = bytes.clone();
                match numbers.next() % 3 {
                    0 => bad.truncate((numbers.next() % bytes.len() as u64) as usize),
                    1 => bad.push(0),
                    _ => {
                        // The start is where the structure is.
                        let near = if numbers.next().is_multiple_of(2) {
                            40
                        } else {
                            bytes.len()
                        };
                        let at = numbers.next() as usize % near.min(bytes.len());
                        bad[at] ^= 1 << (numbers.next() % 8);
                    }
                }
                let mut out = vec![0.0; count];
                let expected = plainly(&bad).filter(|values| values.len() == count);
                match decode(&bad, &mut out) {
                    Ok(()) => assert_eq!(Some(bits(&out)), expected, "{kind} {count}"),
                    Err(error) => {
                        refused += 1;
                        assert_eq!(expected, None, "{kind} {count}: {error}");
                    }
                }
            }
        }
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn errors_say_what_and_where() {
    let mut bytes = Vec::new();
    encode(&[1.0; 300], &mut bytes).unwrap();
    let message = |bytes: &[u8], count: usize| {
        decode(bytes, &mut vec![0.0; count])
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        message(&bytes, 299),
        "number of values at byte 0 is 300, expected 299"
    );
    assert_eq!(
        message(&bytes[..2], 300),
        "number of values at byte 0 needs 4 bytes, 2 are left"
    );
    let mut other = bytes.clone();
    other[4] = 2;
    assert_eq!(message(&other, 300), "version at byte 4 is 2, expected 1");
    other[4] = 1;
    other[8] = 0;
    assert_eq!(
        message(&other, 300),
        "length of exponents at byte 8 is 0, expected 1 to 299"
    );
    let more = [bytes.as_slice(), &[0]].concat();
    assert!(message(&more, 300).contains(&format!("the payload has {} bytes", more.len())));
}
