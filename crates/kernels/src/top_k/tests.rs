//! Every bound a screen gives, against the exact answer it must not exclude.

use super::screen::Screen;
use crate::query::BLOCK_ROWS;
use crate::tests::{ENCODINGS, FLAVOURS, Flavour, METRICS, PRECISIONS, Random, Stored, sets};
use crate::{Encoding, Metric, Order, Precision, Query, Rows};

/// Checks the bounds of at most a block of rows; gives the largest gap between a bound and its answer, relative to
/// the largest answer, or `None` where there is no screen or a bound is unknown.
fn check(query: &Query, rows: &Rows<'_>, descending: bool, context: &str) -> Option<f64> {
    let order = Order {
        descending,
        nulls_first: false,
    };
    let mut screen = Screen::unprepared();
    screen.prepare(query, order, rows);
    let mut bounds = [0.0; BLOCK_ROWS];
    let bounds = &mut bounds[..rows.len()];
    if !screen.bounds(query, rows, f64::INFINITY, bounds) {
        return None;
    }
    check_limits(&screen, query, rows, bounds, context);
    let mut answers = vec![0.0; rows.len()];
    let undefined = query.distances(rows, &mut answers);
    let mut gap = Some(0.0_f64);
    let largest = answers.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
    for (row, (bound, answer)) in bounds.iter().zip(&answers).enumerate() {
        assert!(*bound != f64::INFINITY, "{context}");
        if !bound.is_finite() {
            gap = None;
            continue;
        }
        assert!(!undefined.contains(&row), "NULL but bounded: {context}");
        assert!(!answer.is_nan(), "NaN but bounded: {context}");
        let badness = if descending { -answer } else { *answer };
        assert!(
            *bound <= badness,
            "row {row}: bound {bound} excludes {badness}: {context}"
        );
        gap = gap.map(|gap| gap.max((badness - bound) / largest));
    }
    gap
}

/// Whatever the limit, a bound is beyond it where it is without one, and otherwise the same.
fn check_limits(screen: &Screen, query: &Query, rows: &Rows<'_>, bounds: &[f64], context: &str) {
    let mut limits = vec![
        f64::NEG_INFINITY,
        -1.0,
        -0.0,
        0.0,
        f64::MAX,
        f64::from(f32::MAX),
    ];
    for bound in bounds.iter().take(8).filter(|bound| !bound.is_nan()) {
        limits.extend([*bound, bound.next_up(), bound.next_down()]);
        limits.extend([*bound * 0.99, *bound * (1.0 - 1e-7), *bound * (1.0 + 1e-7)]);
    }
    let mut limited = vec![0.0; rows.len()];
    for limit in limits {
        assert!(screen.bounds(query, rows, limit, &mut limited));
        for (row, (bound, limited)) in bounds.iter().zip(&limited).enumerate() {
            if *bound > limit {
                let finite = *limited < f64::INFINITY;
                assert!(
                    *limited > limit && finite,
                    "row {row}: {limited} under {limit}: {context}"
                );
            } else {
                assert_eq!(
                    bound.to_bits(),
                    limited.to_bits(),
                    "row {row}, limit {limit}: {context}"
                );
            }
        }
    }
}

#[test]
fn no_bound_excludes_its_answer() {
    for seed in 0..6000_u64 {
        let mut random = Random(seed + 20_000_000);
        let dimension = 1 + random.below(300);
        let rows = 1 + random.below(40);
        let encoding = random.pick(&ENCODINGS);
        let values = random.pick(&FLAVOURS).vector(&mut random, rows * dimension);
        let stored = Stored::new(&values, rows, dimension, encoding);
        let vector = match random.below(3) {
            0 => values[..dimension].to_vec(),
            1 => {
                // Parallel to a stored row, nearly.
                let by = random.unit() * 2.0 - 1.0;
                values[..dimension].iter().map(|x| x * by).collect()
            }
            _ => random.pick(&FLAVOURS).vector(&mut random, dimension),
        };
        let metric = random.pick(&METRICS);
        let precision = random.pick(&PRECISIONS);
        for set in sets_quietly() {
            let query = Query::new(metric, &vector)
                .with_precision(precision)
                .with_instruction_set(set);
            for descending in [false, true] {
                let context =
                    format!("seed {seed} {set} {metric} {precision:?} {encoding:?} {descending}");
                check(&query, &stored.rows(), descending, &context);
            }
        }
    }
}

fn sets_quietly() -> Vec<crate::InstructionSet> {
    crate::available_instruction_sets()
}

fn precisions_and_directions() -> impl Iterator<Item = (Precision, bool)> {
    PRECISIONS
        .into_iter()
        .flat_map(|precision| [false, true].map(|descending| (precision, descending)))
}

/// Rows whose codes lean the way that rounding the query lost most: the error is all that a bound allows for.
#[test]
fn rounding_the_query_at_its_worst_is_allowed_for() {
    sets();
    for seed in 0..300_u64 {
        let mut random = Random(seed + 30_000_000);
        let dimension = 1 + random.below(400);
        let vector: Vec<f64> = Flavour::Plain
            .vector(&mut random, dimension)
            .iter()
            .map(|x| f64::from(*x as f32))
            .collect();
        let (scale, min) = (0.031_25_f32, -4.0_f32);
        let in_codes = |q: f64| (q - f64::from(min)) / f64::from(scale);
        for metric in METRICS {
            let scaled: Vec<f64> = match metric {
                Metric::L2 | Metric::L2Squared => vector.iter().map(|q| in_codes(*q)).collect(),
                Metric::L1 => vector.iter().map(|q| in_codes(*q) * 512.0).collect(),
                _ => vector.clone(),
            };
            let step = if metric == Metric::L1 {
                8.0
            } else {
                scaled.iter().fold(0.0, |max: f64, x| max.max(x.abs())) / 32767.0
            };
            let lost = |x: f64| x / step - (x / step).round();
            let away: Vec<u8> = scaled
                .iter()
                .map(|x| if lost(*x) > 0.0 { 255 } else { 0 })
                .collect();
            let toward: Vec<u8> = away.iter().map(|code| 255 - code).collect();
            let bytes = [away, toward].concat();
            let rows =
                Rows::with_rows(&bytes, 2, dimension, Encoding::Codes { scale, min }).unwrap();
            for (precision, descending) in precisions_and_directions() {
                let query = Query::new(metric, &vector).with_precision(precision);
                let context = format!("seed {seed} {metric} {precision:?} {descending}");
                check(&query, &rows, descending, &context);
            }
        }
    }
}

/// Squares that just do or just do not fit single precision, at either end: with the one a cosine is a number, with the
/// other zero, NaN or one.
#[test]
fn norms_at_the_ends_of_single_precision_are_allowed_for() {
    let ends = [
        f64::from(f32::MAX).sqrt(),
        f64::from(f32::MAX).sqrt() * (1.0 + 1e-7),
        f64::from(f32::MIN_POSITIVE).sqrt(),
        1e-22,
        2.6e-23,
        1.0,
    ];
    for seed in 0..600_u64 {
        let mut random = Random(seed + 90_000_000);
        let dimension = 1 + random.below(20);
        let rows = 60;
        let mut with_norm = |norm: f64| {
            let vector = Flavour::Plain.vector(&mut random, dimension);
            let found = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
            let norm = norm * (1.0 + 2e-7 * (random.unit() - 0.5));
            let scaled: Vec<f64> = vector.iter().map(|x| x / found * norm).collect();
            scaled
        };
        let values: Vec<f64> = (0..rows)
            .flat_map(|row| with_norm(ends[row % ends.len()]))
            .collect();
        let vector = with_norm(ends[seed as usize % ends.len()]);
        let bytes: Vec<u8> = (0..rows * dimension).map(|_| random.next() as u8).collect();
        let stored = Stored::new(&values, rows, dimension, Encoding::F32);
        let scale = random.pick(&[1e17_f32, 1e18, 1.7e19, 6e-20]);
        let codes = Encoding::Codes { scale, min: 0.0 };
        let codes = Rows::with_rows(&bytes, rows, dimension, codes).unwrap();
        for metric in METRICS {
            let query = Query::new(metric, &vector).with_precision(Precision::Single);
            for descending in [false, true] {
                for rows in [stored.rows(), codes] {
                    let context = format!("seed {seed} {metric} {descending} {rows:?}");
                    check(&query, &rows, descending, &context);
                }
            }
        }
    }
}

#[test]
fn bounds_are_close_to_their_answers() {
    for seed in 0..50_u64 {
        let mut random = Random(seed + 40_000_000);
        let (dimension, rows) = (384, 64);
        let values = Flavour::Plain.vector(&mut random, rows * dimension);
        let vector = Flavour::Plain.vector(&mut random, dimension);
        for encoding in ENCODINGS {
            let stored = Stored::new(&values, rows, dimension, encoding);
            for metric in METRICS {
                for (precision, descending) in precisions_and_directions() {
                    let query = Query::new(metric, &vector).with_precision(precision);
                    let context = format!("seed {seed} {metric} {precision:?} {encoding:?}");
                    if encoding == Encoding::F64 {
                        continue;
                    }
                    let gap = check(&query, &stored.rows(), descending, &context);
                    // Halves of a percent of the largest answer decide nearly every row.
                    assert!(gap.is_some_and(|gap| gap < 5e-3), "{gap:?}: {context}");
                }
            }
        }
    }
}
