use ogive_kernels::{Encoding, Metric, Precision, Query};

use super::{ENCODINGS, FLAVOURS, METRICS, Random, device, number, rows, same, stored};
use crate::Error;

#[test]
fn distances_are_the_processors_to_the_last_bit() {
    let Some(device) = device() else { return };
    let mut random = Random(21);
    for case in 0..600 {
        let seed = random.0;
        let flavour = random.pick(&FLAVOURS);
        let encoding = random.pick(&ENCODINGS);
        let metric = random.pick(&METRICS);
        let precision = random.pick(&[Precision::Double, Precision::Single]);
        let dimension = random.pick(&[1, 2, 3, 15, 16, 17, 31, 33, 64, 127, 200]);
        let count = random.pick(&[0, 1, 2, 3, 50]);
        let values: Vec<f64> = (0..count * dimension)
            .map(|_| number(flavour, &mut random))
            .collect();
        let query: Vec<f64> = (0..dimension)
            .map(|_| number(flavour, &mut random))
            .collect();
        let query = Query::new(metric, &query).with_precision(precision);
        let bytes = stored(&values, encoding);
        let rows = rows(&bytes, count, dimension, encoding);
        let (mut found, mut expected) = (vec![0.0; count], vec![0.0; count]);
        let undefined = device.distances(&query, &rows, &mut found).unwrap();
        assert_eq!(undefined, query.distances(&rows, &mut expected));
        for (a, b) in found.iter().zip(&expected) {
            assert!(
                same(Some(*a), Some(*b)),
                "case {case}, seed {seed}: {metric} over {encoding:?} {flavour} rows: {a} and {b}"
            );
        }
    }
}

#[test]
fn bits_are_counted() {
    let Some(device) = device() else { return };
    let mut random = Random(22);
    for dimension in [8, 16, 64, 256, 264, 1024, 4000] {
        for metric in [Metric::Hamming, Metric::Jaccard] {
            let values: Vec<f64> = (0..40 * dimension)
                .map(|_| number("coarse", &mut random))
                .collect();
            let query: Vec<f64> = (0..dimension)
                .map(|_| f64::from(u8::from(random.unit() < 0.3)))
                .collect();
            let query = Query::new(metric, &query);
            let bytes = stored(&values, Encoding::Bits);
            let rows = rows(&bytes, 40, dimension, Encoding::Bits);
            let (mut found, mut expected) = (vec![0.0; 40], vec![0.0; 40]);
            device.distances(&query, &rows, &mut found).unwrap();
            query.distances(&rows, &mut expected);
            assert_eq!(found, expected, "{metric}, {dimension} bits");
        }
    }
}

#[test]
fn double_precision_is_left_to_the_processor() {
    let Some(device) = device() else { return };
    let bytes = stored(&[1.0, 2.0], Encoding::F64);
    let query = Query::new(Metric::L2, &[0.0, 0.0]);
    let error = device
        .distances(&query, &rows(&bytes, 1, 2, Encoding::F64), &mut [0.0])
        .unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
}
