//! Bounds against sums in `f64`, and the vector forms against the portable one.

use super::{Coded, Panels, STRETCH, SumLine, Tiles, encode, run, scalar};
use crate::batch::tile::{LINE, Line, Shape};
use crate::tests::{Flavour, Random, sets};

/// Rows and a panel of queries, all about `centre`.
struct Case {
    rows: Vec<Vec<f32>>,
    queries: Vec<Vec<f32>>,
    dimension: usize,
}

const DIMENSIONS: [usize; 13] = [32, 33, 35, 48, 63, 64, 65, 100, 127, 128, 384, 1000, 1536];

/// From nothing to what is left to exact sums.
const SCALES: [f64; 8] = [1.0, 1.0, 0.0, 1e-3, 1e-12, 1e-30, 1e17, 1e30];

fn generated(random: &mut Random, dimension: usize, rows: usize, queries: usize) -> Case {
    let flavour = random.pick(&[Flavour::Plain, Flavour::Coarse, Flavour::Tiny]);
    let mut vector = || -> Vec<f32> {
        let scale = random.pick(&SCALES);
        let (spike, centre) = (
            random.below(3 * dimension.max(1)),
            random.pick(&[0.0, 0.0, 100.0]),
        );
        let number = |at| {
            let spike = if at == spike { 50.0 } else { 1.0 };
            ((flavour.number(random) * spike + centre) * scale) as f32
        };
        (0..dimension).map(number).collect()
    };
    Case {
        rows: (0..rows).map(|_| vector()).collect(),
        queries: (0..queries).map(|_| vector()).collect(),
        dimension,
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
    products.sum()
}

/// The sum of products as codes have it, from their own sum, and how far it may be off.
fn bound(panels: &Panels, query: usize, sum: i32, row: Coded) -> (f64, f64) {
    let queries = panels.queries(0);
    let of = |lines: &[Line]| f64::from(lines[query / LINE].0[query % LINE]);
    let near = f64::from(sum) * of(queries.scales) * f64::from(row.scale);
    let lost =
        f64::from(row.lost) * of(queries.coded_lengths) + f64::from(row.length) * of(queries.lost);
    (near, lost)
}

struct Answer {
    sums: Vec<SumLine>,
    masks: Vec<u32>,
    coded: Vec<Coded>,
    codes: Vec<u8>,
}

fn work(
    case: &Case,
    shape: Shape,
    panels: &Panels,
    gates: &[Line],
    run: impl FnOnce(Tiles<'_>),
) -> Answer {
    let stride = case.dimension.next_multiple_of(STRETCH) + 3;
    let padded = case.rows.len().next_multiple_of(shape.rows);
    let mut answer = Answer {
        sums: vec![SumLine::ZERO; padded * shape.lines],
        masks: vec![0; case.rows.len()],
        coded: Vec::new(),
        codes: vec![0; padded * stride],
    };
    for (row, codes) in case.rows.iter().zip(answer.codes.chunks_mut(stride)) {
        let codes = &mut codes[..row.len()];
        let coded = encode(shape.set(), row, dot(row, row), codes);
        answer.coded.push(coded);
    }
    run(Tiles {
        panel: panels.codes(0),
        stretches: panels.stretches(),
        codes: &answer.codes,
        stride,
        coded: &answer.coded,
        terms: &vec![1.0; case.rows.len()],
        queries: panels.queries(0),
        offsets: gates,
        slopes: &vec![Line::ZERO; shape.lines],
        sums: &mut answer.sums,
        masks: &mut answer.masks,
    });
    answer
}

/// Every sum of products is within its bound, passes the gate that it is itself, and every set agrees with portable
/// code about sums.
#[test]
fn bounds_hold() {
    for set in sets() {
        let shape = Shape::new(set);
        let mut random = Random(11);
        for dimension in DIMENSIONS {
            let Some(_) = Panels::new(shape, dimension, 1) else {
                println!("no codes with {set}");
                break;
            };
            for _ in 0..20 {
                let rows = 1 + random.below(30);
                let case = generated(&mut random, dimension, rows, shape.queries());
                let factor = random.pick(&[1.0, -1.0]);
                let mut panels = Panels::new(shape, dimension, 1).unwrap();
                for (index, query) in case.queries.iter().enumerate() {
                    panels.set(shape, index, query, factor, dot(query, query));
                }
                check(&case, shape, &panels, factor);
            }
        }
    }
}

fn check(case: &Case, shape: Shape, panels: &Panels, factor: f32) {
    let name = format!("{shape:?} {} {factor}", case.dimension);
    // The gate of each query is its sum with one of the rows.
    let sum = |row: &[f32], query: &[f32]| f64::from(factor) * dot(row, query);
    let mut gates = vec![Line::ZERO; shape.lines];
    let gate_row = |query: usize| query % case.rows.len();
    for (index, query) in case.queries.iter().enumerate() {
        let gate = sum(&case.rows[gate_row(index)], query) as f32;
        gates[index / LINE].0[index % LINE] = gate.next_down();
    }
    let answer = work(case, shape, panels, &gates, |tiles| run(shape, tiles));
    let portable = work(case, shape, panels, &gates, |tiles| {
        scalar::tiles(tiles, shape.lines);
    });
    assert_eq!(answer.codes, portable.codes, "{name}");
    for (row, vector) in case.rows.iter().enumerate() {
        for (index, query) in case.queries.iter().enumerate() {
            let (line, lane) = (index / LINE, index % LINE);
            let place = row * shape.lines + line;
            let codes = answer.sums[place].0[lane];
            assert_eq!(codes, portable.sums[place].0[lane], "{name}");

            let (near, lost) = bound(panels, index, codes, answer.coded[row]);
            let exact = sum(vector, query);
            let off = (exact - near).abs();
            // What `f64` itself loses counts only where nothing is lost.
            let noise = 1e-12 * (dot(vector, vector) * dot(query, query)).sqrt();
            assert!(
                lost.is_nan() || off <= lost + noise,
                "{name}: {exact} for {near} by {lost}"
            );
            let gate = f64::from(gates[line].0[lane]);
            let passes = answer.masks[row] & 1 << index != 0;
            if gate_row(index) == row || exact >= gate {
                assert!(passes, "{name}: {exact} at {gate}, {near} by {lost}");
            }
            // And bounds are of use: a sum that is far below does not pass.
            if near + lost * 1.001 + noise < gate {
                assert!(!passes, "{name}: {near} by {lost} passes {gate}");
            }
        }
    }
}

#[test]
fn codes_lose_what_they_say() {
    let mut random = Random(12);
    for set in sets() {
        for dimension in 0..200 {
            let case = generated(&mut random, dimension, 1, 0);
            let row = &case.rows[0];
            let mut codes = vec![0; dimension];
            let coded = encode(set, row, dot(row, row), &mut codes);
            let lost = row.iter().zip(&codes).map(|(x, code)| {
                assert!((1..=63).contains(code));
                let meant = f64::from(coded.scale) * (f64::from(*code) - 32.0);
                (f64::from(*x) - meant).powi(2)
            });
            assert!(lost.sum::<f64>().sqrt() <= f64::from(coded.lost));
            assert!(dot(row, row).sqrt() <= f64::from(coded.length));
            // A 31st of the greatest, halved, for each element.
            let greatest = row.iter().fold(0.0, |most, x| f32::max(most, x.abs()));
            let most = f64::from(greatest) / 61.0 * (dimension as f64).sqrt();
            assert!(
                f64::from(coded.lost) <= most.max(1e-6 * f64::from(coded.length)) * 1.001
                    || coded.lost.is_infinite()
            );
        }
    }
}

#[test]
fn nothing_is_claimed_about_what_is_no_number_or_too_long_or_too_short() {
    for odd in [f32::NAN, f32::INFINITY, 1e30, 1e-20] {
        for set in sets() {
            let mut vector = vec![0.0; 40];
            vector[7] = odd;
            let coded = encode(set, &vector, dot(&vector, &vector), &mut [0; 40]);
            assert_eq!(coded.lost, f32::INFINITY, "{odd}");
        }
    }
    let zero = encode(
        crate::active_instruction_set(),
        &[0.0; 40],
        0.0,
        &mut [0; 40],
    );
    assert_eq!((zero.lost, zero.length), (0.0, 0.0));
}
