//! Tiles of every shape against sums in `f64`.

#[cfg(target_arch = "x86_64")]
use crate::InstructionSet;
use crate::approximate::{absolute_error, relative_error};
use crate::tests::{Flavour, Random, sets};

use super::{LINE, Line, Shape, Tiles, run};

/// Numbers where tiles may not look: behind the last element of a row and the last row.
const STRIDE_EXTRA: usize = 3;

fn check(
    shape: Shape,
    dimension: usize,
    rows: usize,
    random: &mut Random,
    run: impl Fn(Shape, Tiles<'_>),
) {
    let name = format!("{shape:?} {rows} x {dimension}");
    let mut number = || Flavour::Plain.number(random) as f32;
    let (stride, padded) = (dimension + STRIDE_EXTRA, rows.next_multiple_of(shape.rows));
    let values: Vec<f32> = (0..padded * stride).map(|_| number()).collect();
    let mut lines = |len: usize| -> Vec<Line> {
        (0..len * shape.lines)
            .map(|_| Line([(); LINE].map(|()| number())))
            .collect()
    };
    let (panel, mut offsets, slopes) = (lines(dimension), lines(1), lines(1));
    offsets[0].0[3] = f32::NAN;
    offsets[0].0[4] = f32::INFINITY;
    offsets[0].0[5] = f32::NEG_INFINITY;
    let mut terms: Vec<f32> = (0..rows).map(|row| row as f32 * 0.125).collect();
    if let Some(term) = terms.last_mut() {
        *term = f32::NAN;
    }
    let mut sums = vec![Line::ZERO; padded * shape.lines];
    let mut masks = vec![0; rows];
    run(
        shape,
        Tiles {
            panel: &panel,
            dimension,
            values: &values,
            stride,
            terms: &terms,
            offsets: &offsets,
            slopes: &slopes,
            sums: &mut sums,
            masks: &mut masks,
        },
    );
    for row in 0..rows {
        for query in 0..shape.queries() {
            let (line, lane) = (query / LINE, query % LINE);
            let products = (0..dimension).map(|at| {
                let x = f64::from(values[row * stride + at]);
                x * f64::from(panel[at * shape.lines + line].0[lane])
            });
            let (mut expected, mut magnitude) = (0.0, 0.0);
            for product in products {
                expected += product;
                magnitude += product.abs();
            }
            let sum = sums[row * shape.lines + line].0[lane];
            let error =
                relative_error(shape.roundings(dimension)) * magnitude + absolute_error(dimension);
            let off = (f64::from(sum) - expected).abs();
            assert!(off <= error, "{name}: row {row} query {query} off by {off}");

            let (offset, slope) = (offsets[line].0[lane], slopes[line].0[lane]);
            let gate = f64::from(terms[row]) * f64::from(slope) + f64::from(offset);
            let margin = f64::from(sum) - gate;
            let passes = masks[row] & 1 << query != 0;
            if margin.is_nan() || margin.abs() > 1e-3 {
                assert_eq!(passes, margin.is_nan() || margin > 0.0, "{name}: {margin}");
            }
        }
    }
}

#[test]
fn tiles_are_within_their_error() {
    let mut random = Random(3);
    for set in sets() {
        for dimension in (1..=70).chain([127, 128, 129, 255, 256, 257, 513, 1000]) {
            let rows = 1 + random.below(40);
            check(Shape::new(set), dimension, rows, &mut random, run);
        }
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn wide_tiles_are_within_their_error() {
    use super::{avx2, avx512};
    if !InstructionSet::Avx2.is_available() {
        println!("skipped: avx2 not available on this machine");
        return;
    }
    let shape = Shape {
        set: InstructionSet::Avx2,
        rows: avx512::ROWS,
        lines: avx512::LINES,
    };
    let mut random = Random(4);
    for dimension in (1..=70).chain([127, 128, 129, 255, 256, 257, 513, 1000]) {
        let rows = 1 + random.below(40);
        check(shape, dimension, rows, &mut random, |shape, tiles| {
            let stretch = shape.stretch(tiles.dimension);
            // SAFETY: the set is available; `check` makes all lengths for the shape it is given.
            unsafe { avx2::enter_wide(tiles, stretch) }
        });
    }
}

#[test]
fn stretches_cover_every_dimension() {
    for set in sets() {
        let shape = Shape::new(set);
        for dimension in 0..5000 {
            let stretch = shape.stretch(dimension);
            assert!(stretch >= 1 && stretch <= dimension.max(1));
            assert!(shape.roundings(dimension) <= 256 + 1 + dimension / 64);
        }
        assert_eq!(24 % shape.rows, 0, "rows of a block are whole tiles");
    }
}
