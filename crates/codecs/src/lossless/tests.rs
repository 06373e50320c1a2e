use super::*;
use crate::splitmix::Numbers;

/// The worked example of the format: one row `[1.0, -2.0]`.
const EXAMPLE: [u8; 26] = [
    2, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0x80, 0x80, 2, 0, 0x3f, 0xc0, 0x40,
];

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Values whose planes have the given numbers of distinct bytes.
fn values_with(distinct: [u64; 4], count: usize, numbers: &mut Numbers) -> Vec<f32> {
    (0..count)
        .map(|_| {
            let bytes = distinct.map(|some| (numbers.next() % some * 255 / some.max(2)) as u8);
            f32::from_bits(u32::from_le_bytes(bytes))
        })
        .collect()
}

#[test]
fn worked_example() {
    let mut bytes = Vec::new();
    encode(&[1.0, -2.0], &mut bytes).unwrap();
    assert_eq!(bytes, EXAMPLE);
    let mut out = [0.0; 2];
    decode(&bytes, &mut out).unwrap();
    assert_eq!(out, [1.0, -2.0]);
    assert_eq!(value_count(&bytes), Ok(2));
}

#[test]
fn fast_paths_equal_the_definition() {
    let seed = 5;
    let mut numbers = Numbers(seed);
    let widths = [
        1, 2, 3, 4, 5, 8, 9, 16, 17, 32, 33, 64, 65, 128, 129, 255, 256,
    ];
    let lengths = (0..=70).chain([255, 256, 257, 1023, 1024, 1025, 3000, 5000]);
    for (round, count) in lengths.enumerate() {
        for shift in 0..4 {
            let distinct =
                [0, 4, 8, 12].map(|plane| widths[(round + shift + plane) % widths.len()]);
            let values = values_with(distinct, count, &mut numbers);
            let (mut fast, mut slow) = (Vec::new(), Vec::new());
            encode(&values, &mut fast).unwrap();
            scalar::encode(&values, &mut slow);
            assert_eq!(fast, slow, "seed {seed}, {count} values, {distinct:?}");
            assert!(fast.len() as u64 >= payload_bytes_min(count as u64));
            assert!(fast.len() as u64 <= payload_bytes_max(count as u64));
            let mut out = vec![0.0; count];
            decode(&fast, &mut out).unwrap();
            assert_eq!(bits(&out), bits(&values));
            assert_eq!(bits(&scalar::decode(&fast)), bits(&values));
            for _ in 0..4 {
                let first = numbers.next() as usize % (count + 1);
                let length = numbers.next() as usize % (count - first + 1);
                let mut part = vec![0.0; length];
                decode_range(&fast, first, &mut part).unwrap();
                assert_eq!(
                    bits(&part),
                    bits(&values[first..first + length]),
                    "seed {seed}, {first} + {length} of {count}"
                );
            }
        }
    }
}

#[test]
fn every_pattern_of_bits_comes_back() {
    let mut numbers = Numbers(9);
    let mut values: Vec<f32> = (0..3000)
        .map(|_| f32::from_bits(numbers.next() as u32))
        .collect();
    values.extend([
        0.0,
        -0.0,
        f32::from_bits(0x7f80_0001),
        f32::from_bits(0xffff_ffff),
    ]);
    let mut bytes = Vec::new();
    encode(&values, &mut bytes).unwrap();
    let mut out = vec![0.0; values.len()];
    decode(&bytes, &mut out).unwrap();
    assert_eq!(bits(&out), bits(&values));
}

#[test]
fn damaged_payloads_are_errors() {
    let mut out = [0.0; 2];
    for length in 0..EXAMPLE.len() {
        let result = decode(&EXAMPLE[..length], &mut out);
        assert!(
            matches!(result, Err(Error::Short { .. })),
            "{length}: {result:?}"
        );
    }
    let mut long = EXAMPLE.to_vec();
    long.push(0);
    assert_eq!(
        decode(&long, &mut out),
        Err(Error::Length {
            found: 27,
            expected: 26
        })
    );
    assert!(matches!(
        decode(&EXAMPLE, &mut [0.0; 3]),
        Err(Error::Field {
            what: "number of values",
            ..
        })
    ));
    let damaged = |at: usize, byte: u8| {
        let mut copy = EXAMPLE;
        copy[at] = byte;
        decode(&copy, &mut [0.0; 2])
    };
    assert!(matches!(
        damaged(5, 2),
        Err(Error::Field {
            what: "bits per code",
            offset: 5,
            found: 2,
            expected: 1
        })
    ));
    assert!(matches!(
        damaged(8, 0),
        Err(Error::Field {
            what: "dictionary size",
            offset: 8,
            found: 0,
            expected: 1
        })
    ));
    assert!(matches!(
        damaged(9, 2),
        Err(Error::Field {
            what: "dictionary size",
            ..
        })
    ));
    let outside = Error::Code {
        plane: 0,
        value: 1,
        offset: 11,
        found: 1,
        expected: 1,
    };
    assert_eq!(damaged(11, 0x40), Err(outside));
    assert_eq!(damaged(11, 0x20), Ok(()), "padding is not looked at");
    assert!(matches!(
        decode_range(&EXAMPLE, 1, &mut out),
        Err(Error::Range {
            first: 1,
            end: 3,
            expected: 2
        })
    ));
    assert!(matches!(
        decode_range(&EXAMPLE, usize::MAX, &mut out),
        Err(Error::Range { .. })
    ));
}

#[test]
fn a_code_outside_a_wide_dictionary_is_found_where_it_is() {
    let values: Vec<f32> = (0..3000).map(|index| f32::from_bits(index % 200)).collect();
    let mut bytes = Vec::new();
    encode(&values, &mut bytes).unwrap();
    let at = 8 + 2 + 200 + 2500;
    bytes[at] = 200;
    let mut out = vec![0.0; values.len()];
    let outside = Error::Code {
        plane: 0,
        value: 2500,
        offset: at as u64,
        found: 200,
        expected: 200,
    };
    assert_eq!(decode(&bytes, &mut out), Err(outside));
    decode_range(&bytes, 2501, &mut out[..400]).unwrap();
}

#[test]
fn noise_never_panics() {
    let seed = 21;
    let mut numbers = Numbers(seed);
    for round in 0..20_000_u64 {
        let mut bytes = Vec::new();
        encode(
            &values_with([1 + round % 7, 3, 1, 2], round as usize % 40, &mut numbers),
            &mut bytes,
        )
        .unwrap();
        let count = value_count(&bytes).unwrap() as usize;
        for _ in 0..1 + round % 3 {
            let at = numbers.next() as usize % bytes.len();
            bytes[at] = numbers.next() as u8;
        }
        let mut out = vec![0.0; count];
        let _ = decode(&bytes, &mut out);
        let first = count / 2;
        let _ = decode_range(&bytes, first, &mut out[first..]);
    }
}
