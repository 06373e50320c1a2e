//! Gates against arithmetic.

use crate::approximate::{absolute_error, relative_error};
use crate::batch::screen::Screen;
use crate::tests::{Flavour, METRICS, PRECISIONS, Random};
use crate::{Metric, Order, Query, Rank, Rows};

/// Sums that err as far as they may, toward the worse, still pass the gate of their own answer.
#[test]
fn gates_let_their_own_answer_through() {
    for metric in METRICS {
        for descending in [false, true] {
            let order = Order {
                descending,
                nulls_first: false,
            };
            for seed in 0..3000 {
                let mut random = Random(seed);
                let dimension = 1 + random.below(6);
                let roundings = dimension + 1;
                let Some(screen) = Screen::new(metric, order, dimension, roundings) else {
                    assert_eq!(metric, Metric::L1);
                    continue;
                };
                let flavour = random.pick(&[Flavour::Plain, Flavour::Coarse, Flavour::Tiny]);
                let scale = random.pick(&[1.0, 1.0, 1e-9, 1e8, 1e17]);
                let row: Vec<f32> = (0..dimension)
                    .map(|_| (flavour.number(&mut random) * scale) as f32)
                    .collect();
                // Every now and then the same vector, or one along the same line.
                let query: Vec<f64> = match random.below(3) {
                    0 => row.iter().map(|x| f64::from(*x)).collect(),
                    1 => row.iter().map(|x| f64::from(*x) * -3.0).collect(),
                    _ => (0..dimension)
                        .map(|_| flavour.number(&mut random) * scale)
                        .collect(),
                };
                let asked = Query::new(metric, &query).with_precision(random.pick(&PRECISIONS));
                let mut value = [0.0];
                let rows = Rows::from_f32(&row, dimension).unwrap();
                let undefined = asked.distances(&rows, &mut value);
                let value = undefined.is_empty().then_some(value[0]);

                let pairs = || query.iter().map(|q| f64::from(*q as f32)).zip(row.iter());
                let dot: f64 = pairs().map(|(q, x)| q * f64::from(*x)).sum();
                let q_squares: f64 = pairs().map(|(q, _)| q * q).sum();
                let x_squares: f64 = row.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
                if !screen.knows(q_squares) || !screen.knows(x_squares) {
                    continue;
                }
                let error = relative_error(roundings) * (q_squares * x_squares).sqrt()
                    + absolute_error(dimension);
                let sum = (f64::from(screen.query_factor()) * dot - error) as f32;
                let gate = screen.gate(q_squares, Rank::new(order, value));
                let term = screen.term(x_squares);
                let threshold = term * gate.slope + gate.offset;
                assert!(
                    sum >= threshold,
                    "seed {seed} {metric} {order:?}: {sum} below {threshold}"
                );
            }
        }
    }
}
