//! Every instruction set against portable code, and that against the definition.

use super::{ENCODINGS, FLAVOURS, Flavour, Random, Stored, decoded, same, sets};
use crate::{Encoding, InstructionSet, approximate, decode, exact, integer};

/// Lengths around every step, and past it.
const LENGTHS: std::ops::RangeInclusive<usize> = 0..=257;
/// Two for each place that kernels read at once, and one more.
const ROWS: usize = 9;

#[test]
fn exact_sums_are_the_same_in_every_set() {
    let sums = [
        exact::Sum::L2Squared,
        exact::Sum::L1,
        exact::Sum::Dot,
        exact::Sum::Squares,
        exact::Sum::DotAndSquares,
    ];
    let sets = sets();
    for seed in LENGTHS {
        let dimension = seed;
        let mut random = Random(seed as u64);
        for encoding in ENCODINGS {
            let flavour = random.pick(&FLAVOURS);
            let values = flavour.vector(&mut random, ROWS * dimension);
            let stored = Stored::new(&values, ROWS, dimension, encoding);
            let flavour = random.pick(&FLAVOURS);
            let vector = flavour.vector(&mut random, dimension);
            let query = exact::Padded::new(vector.iter().copied());
            for sum in sums {
                let run = |set| {
                    let (mut out, mut squares) = ([0.0; ROWS], [0.0; ROWS]);
                    let rows = stored.rows();
                    exact::sums(set, sum, &rows, &query, &mut out, &mut squares);
                    (out, squares)
                };
                let oracle = run(InstructionSet::Scalar);
                check_definition(sum, &decoded(&stored.rows()), &vector, oracle);
                for set in &sets {
                    let found = run(*set);
                    for row in 0..ROWS {
                        assert!(
                            same(found.0[row], oracle.0[row]) && same(found.1[row], oracle.1[row]),
                            "{set} {sum:?} {encoding:?} seed {seed}: {found:?} != {oracle:?}"
                        );
                    }
                }
            }
        }
    }
}

/// Sixteen lanes against one plain loop.
fn check_definition(
    sum: exact::Sum,
    elements: &[f64],
    query: &[f64],
    found: ([f64; ROWS], [f64; ROWS]),
) {
    if query.is_empty() {
        assert_eq!(found, ([0.0; ROWS], [0.0; ROWS]));
        return;
    }
    for (row, elements) in elements.chunks(query.len()).enumerate() {
        let (mut expected, mut squares, mut magnitude) = (0.0, 0.0, 0.0);
        for (x, q) in elements.iter().zip(query) {
            let term = match sum {
                exact::Sum::L2Squared => (x - q) * (x - q),
                exact::Sum::L1 => (x - q).abs(),
                exact::Sum::Dot | exact::Sum::DotAndSquares => x * q,
                exact::Sum::Squares => x * x,
            };
            expected += term;
            magnitude += term.abs();
            squares += x * x;
        }
        let close = |found: f64, expected: f64, magnitude: f64| {
            same(found, expected)
                || (found - expected).abs() <= magnitude * 1e-13
                || !magnitude.is_finite()
        };
        assert!(
            close(found.0[row], expected, magnitude),
            "{sum:?}: {} is not {expected}",
            found.0[row]
        );
        if sum == exact::Sum::DotAndSquares {
            assert!(close(found.1[row], squares, squares));
        }
    }
}

#[test]
fn approximate_sums_are_within_their_bound() {
    let sums = [
        approximate::Sum::L2Squared,
        approximate::Sum::L1,
        approximate::Sum::DotAndSquares,
    ];
    let sets = sets();
    let long = [1000, 4096, 20_011];
    for dimension in LENGTHS.chain(long) {
        let mut random = Random(dimension as u64 + 1000);
        for encoding in [Encoding::F32, Encoding::F16] {
            for flavour in FLAVOURS {
                let values = flavour.vector(&mut random, ROWS * dimension);
                let stored = Stored::new(&values, ROWS, dimension, encoding);
                let vector: Vec<f32> = flavour
                    .vector(&mut random, dimension)
                    .iter()
                    .map(|x| *x as f32)
                    .collect();
                for set in &sets {
                    for sum in sums {
                        check_bound(*set, sum, &stored, &vector);
                    }
                }
            }
        }
    }
}

fn check_bound(set: InstructionSet, sum: approximate::Sum, stored: &Stored, vector: &[f32]) {
    let rows = stored.rows();
    let query = approximate::Padded::new(vector.iter().copied());
    let (mut out, mut squares) = ([0.0; ROWS], [0.0; ROWS]);
    assert!(approximate::sums(
        set,
        sum,
        &rows,
        &query,
        &mut out,
        &mut squares
    ));
    let dimension = vector.len();
    let relative = approximate::relative_error(dimension);
    let absolute = approximate::absolute_error(dimension);
    let elements = decoded(&rows);
    for row in 0..ROWS {
        let elements = &elements[row * dimension..][..dimension];
        let terms: Vec<f64> = elements
            .iter()
            .zip(vector)
            .map(|(x, q)| match sum {
                approximate::Sum::L2Squared => (x - f64::from(*q)).powi(2),
                approximate::Sum::L1 => (x - f64::from(*q)).abs(),
                approximate::Sum::DotAndSquares => x * f64::from(*q),
            })
            .collect();
        let magnitude: f64 = terms.iter().map(|term| term.abs()).sum();
        let expected: f64 = terms.iter().sum();
        let found = f64::from(out[row]);
        if found.is_finite() {
            assert!(
                (found - expected).abs() <= relative * magnitude + absolute,
                "{set} {sum:?} dimension {dimension}: {found} is not {expected}"
            );
        } else {
            // Single precision gave up: something was not finite, or it overflowed.
            assert!(!magnitude.is_finite() || magnitude > 1e38);
        }
        if sum == approximate::Sum::DotAndSquares && squares[row].is_finite() {
            let expected: f64 = elements.iter().map(|x| x * x).sum();
            let found = f64::from(squares[row]);
            assert!((found - expected).abs() <= relative * expected + absolute);
        }
    }
}

#[test]
fn single_pair_functions_agree_with_a_plain_loop() {
    for dimension in LENGTHS {
        let mut random = Random(dimension as u64 + 5000);
        let mut vector = || -> Vec<f32> {
            let values = Flavour::Plain.vector(&mut random, dimension);
            values.iter().map(|x| *x as f32).collect()
        };
        let (a, b) = (vector(), vector());
        let plain = |term: fn(f64, f64) -> f64| -> f64 {
            a.iter()
                .zip(&b)
                .map(|(a, b)| term((*a).into(), (*b).into()))
                .sum()
        };
        let close = |found: f32, expected: f64| (f64::from(found) - expected).abs() < 1e-2;
        assert!(close(crate::dot_f32(&a, &b), plain(|a, b| a * b)));
        assert!(close(crate::l1_f32(&a, &b), plain(|a, b| (a - b).abs())));
        assert!(close(
            crate::l2_squared_f32(&a, &b),
            plain(|a, b| (a - b) * (a - b))
        ));
    }
}

#[test]
fn integer_sums_are_the_same_in_every_set() {
    let sums = [
        integer::Sum::Dot,
        integer::Sum::DotAndSquares,
        integer::Sum::DotSquaresAndTotal,
        integer::Sum::L1,
    ];
    let sets = sets();
    for dimension in LENGTHS.chain([4096, integer::DIMENSION_MAX]) {
        let mut random = Random(dimension as u64 + 9000);
        for extreme in [false, true] {
            let bytes: Vec<u8> = (0..ROWS * dimension)
                .map(|_| if extreme { 255 } else { random.next() as u8 })
                .collect();
            let rows = crate::Rows::with_rows(&bytes, ROWS, dimension, Encoding::U8).unwrap();
            for sum in sums {
                let largest = if sum == integer::Sum::L1 {
                    255 << integer::L1_SHIFT
                } else {
                    let most = integer::MAGNITUDE_SUM_MAX as usize / dimension.max(1);
                    most.min(i16::MAX as usize)
                };
                let vector: Vec<i16> = (0..dimension)
                    .map(|_| {
                        let value = if extreme {
                            largest
                        } else {
                            random.below(largest + 1)
                        };
                        // For l1 the far side of a code of 255 is a query of 0.
                        if sum == integer::Sum::L1 {
                            if extreme { 0 } else { value as i16 }
                        } else if extreme || random.below(2) == 0 {
                            value as i16
                        } else {
                            -(value as i16)
                        }
                    })
                    .collect();
                let query = integer::Padded::new(vector.iter().copied());
                for flip in [0, 0x80] {
                    check_integer(&sets, sum, &rows, flip, &query, &vector);
                }
            }
        }
    }
}

fn check_integer(
    sets: &[InstructionSet],
    sum: integer::Sum,
    rows: &crate::Rows<'_>,
    flip: u8,
    query: &integer::Padded,
    vector: &[i16],
) {
    for set in sets {
        let mut found = [integer::Totals::default(); ROWS];
        integer::sums(*set, sum, rows, flip, query, &mut found);
        for (row, found) in found.iter().enumerate() {
            let start = row * vector.len();
            let codes = || {
                rows.bytes()[start..start + vector.len()]
                    .iter()
                    .map(|byte| i64::from(byte ^ flip))
            };
            let pairs = codes().zip(vector).map(|(c, q)| (c, i64::from(*q)));
            let expected: i64 = if sum == integer::Sum::L1 {
                pairs.map(|(c, q)| ((c << 6) - q).abs()).sum()
            } else {
                pairs.map(|(c, q)| c * q).sum()
            };
            let squares: i64 = codes().map(|c| c * c).sum();
            let total: i64 = codes().sum();
            let (has_squares, has_total) = match sum {
                integer::Sum::Dot | integer::Sum::L1 => (false, false),
                integer::Sum::DotAndSquares => (true, false),
                integer::Sum::DotSquaresAndTotal => (true, true),
            };
            let context = format!("{set} {sum:?} dimension {} flip {flip}", vector.len());
            assert_eq!(i64::from(found.sum), expected, "{context}");
            let squares = if has_squares { squares } else { 0 };
            assert_eq!(i64::from(found.squares), squares, "{context}");
            let total = if has_total { total } else { 0 };
            assert_eq!(i64::from(found.total), total, "{context}");
        }
    }
}

#[test]
fn decoding_is_the_same_in_every_set() {
    let sets = sets();
    for dimension in LENGTHS {
        let mut random = Random(dimension as u64 + 12_000);
        for encoding in ENCODINGS {
            let flavour = random.pick(&FLAVOURS);
            let values = flavour.vector(&mut random, ROWS * dimension);
            let stored = Stored::new(&values, ROWS, dimension, encoding);
            let expected = decoded(&stored.rows());
            for set in &sets {
                let mut out = vec![0.0; ROWS * dimension];
                decode::decode_f32(*set, &stored.rows(), &mut out);
                for (found, expected) in out.iter().zip(&expected) {
                    assert!(
                        same((*found).into(), (*expected as f32).into()),
                        "{set} {encoding:?} {flavour:?}: {found} is not {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_half_and_every_code_decodes_as_defined() {
    let halves: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    let bytes: Vec<u8> = (0..=u8::MAX).collect();
    let awkward = [
        (0.0, 1.5),
        (f32::NAN, 0.0),
        (f32::MAX, f32::MIN),
        (1e-45, -1e-45),
        (0.1, -12.7),
        (1.0, f32::INFINITY),
    ];
    let mut blocks = vec![
        crate::Rows::new(&halves, 1, Encoding::F16).unwrap(),
        crate::Rows::new(&bytes, 1, Encoding::I8).unwrap(),
        crate::Rows::new(&bytes, 1, Encoding::U8).unwrap(),
    ];
    blocks.extend(awkward.iter().map(|(scale, min)| {
        let encoding = Encoding::Codes {
            scale: *scale,
            min: *min,
        };
        crate::Rows::new(&bytes, 1, encoding).unwrap()
    }));
    for rows in blocks {
        for set in sets() {
            let mut out = vec![0.0; rows.len()];
            decode::decode_f32(set, &rows, &mut out);
            for (found, expected) in out.iter().zip(decoded(&rows)) {
                assert!(same((*found).into(), expected), "{set} {rows:?}");
            }
        }
    }
}
