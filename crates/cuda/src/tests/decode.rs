use ogive_codecs::{fp16, int8, lossless};

use super::{Random, device, number};
use crate::Error;

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn every_half_is_what_the_processor_reads() {
    let Some(device) = device() else { return };
    let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    for count in [0, 1, 31, 1023, 1024, 1025, 65_536] {
        let bytes = &bytes[..count * 2];
        let (mut found, mut expected) = (vec![0.0; count], vec![0.0; count]);
        device.decode_fp16(bytes, &mut found).unwrap();
        fp16::decode(bytes, &mut expected).unwrap();
        assert_eq!(bits(&found), bits(&expected), "{count}");
    }
    let error = device.decode_fp16(&bytes[..3], &mut [0.0]).unwrap_err();
    assert!(matches!(error, Error::Bytes(_)), "{error}");
}

#[test]
fn int8_rounds_twice() {
    let Some(device) = device() else { return };
    let mut random = Random(11);
    for count in [0, 1, 255, 1024, 5000] {
        let bytes: Vec<u8> = (0..count).map(|_| random.next() as u8).collect();
        for _ in 0..20 {
            let parameters = int8::Parameters {
                min: number("plain", &mut random),
                scale: number("mixed", &mut random),
            };
            let (mut found, mut expected) = (vec![0.0; count], vec![0.0; count]);
            device.decode_int8(&bytes, parameters, &mut found).unwrap();
            int8::decode(&bytes, parameters, &mut expected).unwrap();
            assert_eq!(bits(&found), bits(&expected), "{parameters:?}");
        }
    }
}

#[test]
fn lossless_comes_back_and_bad_codes_are_the_processors_errors() {
    let Some(device) = device() else { return };
    let mut random = Random(12);
    let mut refused = 0;
    for case in 0..60 {
        let count = random.pick(&[0, 1, 7, 8, 9, 1000, 1025, 3000]);
        let kinds = 1 + random.below(300);
        let palette: Vec<f32> = (0..kinds)
            .map(|_| f32::from_bits(random.next() as u32))
            .collect();
        let values: Vec<f32> = (0..count).map(|_| random.pick(&palette)).collect();
        let mut bytes = Vec::new();
        lossless::encode(&values, &mut bytes).unwrap();
        let mut found = vec![0.0; count];
        device.decode_lossless(&bytes, &mut found).unwrap();
        assert_eq!(bits(&found), bits(&values), "case {case}");
        for _ in 0..20 {
            let mut bad = bytes.clone();
            let at = random.below(bad.len());
            bad[at] ^= 1 << random.below(8);
            let mut expected = vec![0.0; count];
            let (mine, here) = (
                device.decode_lossless(&bad, &mut found),
                lossless::decode(&bad, &mut expected),
            );
            match here {
                Ok(()) => {
                    mine.unwrap();
                    assert_eq!(bits(&found), bits(&expected), "case {case}, byte {at}");
                }
                Err(error) => {
                    refused += 1;
                    assert_eq!(mine, Err(Error::Bytes(error)), "case {case}, byte {at}");
                }
            }
        }
    }
    assert!(refused > 100, "{refused}");
}
