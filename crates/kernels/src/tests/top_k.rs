//! Searches against sorting every exact answer.

use super::answers::METRICS;
use super::{ENCODINGS, FLAVOURS, Flavour, PRECISIONS, Random, Stored, sets};
use crate::{
    Encoding, InstructionSet, Metric, Order, Precision, Query, Rank, Rows, SharedThreshold, TopK,
};

pub(super) const ORDERS: [Order; 4] = [
    Order {
        descending: false,
        nulls_first: false,
    },
    Order {
        descending: false,
        nulls_first: true,
    },
    Order {
        descending: true,
        nulls_first: false,
    },
    Order {
        descending: true,
        nulls_first: true,
    },
];

/// The row numbers and values of the first `k`, by sorting all answers.
fn sorted(
    query: &Query,
    rows: &Rows<'_>,
    selected: Option<&[bool]>,
    order: Order,
    k: usize,
) -> Vec<(u64, Option<f64>)> {
    let mut out = vec![0.0; rows.len()];
    let undefined = query.distances(rows, &mut out);
    let mut all: Vec<(Rank, u64)> = out
        .iter()
        .enumerate()
        .filter(|(row, _)| selected.is_none_or(|selected| selected[*row]))
        .map(|(row, value)| {
            let value = (!undefined.contains(&row)).then_some(*value);
            (Rank::new(order, value), row as u64)
        })
        .collect();
    all.sort();
    all.truncate(k);
    all.iter()
        .map(|(rank, row)| (*row, rank.value(order)))
        .collect()
}

/// Scans in blocks of random length.
fn scan_in_blocks(
    top: &mut TopK,
    rows: &Rows<'_>,
    first_row: u64,
    selected: Option<&[bool]>,
    shared: &SharedThreshold,
    random: &mut Random,
) {
    let mut start = 0;
    while start < rows.len() {
        let end = (start + 1 + random.below(700)).min(rows.len());
        top.scan(
            &rows.slice(start..end),
            first_row + start as u64,
            selected.map(|selected| &selected[start..end]),
            shared,
        );
        start = end;
    }
}

fn bits(results: &[(u64, Option<f64>)]) -> Vec<(u64, Option<u64>)> {
    results
        .iter()
        .map(|(row, value)| (*row, value.map(f64::to_bits)))
        .collect()
}

pub(super) struct Case {
    pub(super) query: Query,
    pub(super) stored: Stored,
    pub(super) order: Order,
    pub(super) k: usize,
    pub(super) selected: Option<Vec<bool>>,
    pub(super) seed: u64,
}

pub(super) fn check(case: &Case) {
    let rows = case.stored.rows();
    let selected = case.selected.as_deref();
    let expected = sorted(&case.query, &rows, selected, case.order, case.k);
    let context = || {
        format!(
            "seed {} {} {:?} {:?} {:?} k {} of {} x {}",
            case.seed,
            case.query.metric(),
            case.query.precision(),
            rows.encoding(),
            case.order,
            case.k,
            rows.len(),
            rows.dimension()
        )
    };

    let mut random = Random(case.seed);
    let shared = SharedThreshold::default();
    let mut top = TopK::new(case.query.clone(), case.k, case.order);
    scan_in_blocks(&mut top, &rows, 0, selected, &shared, &mut random);
    assert_eq!(
        bits(&top.results(&shared)),
        bits(&expected),
        "{}",
        context()
    );
    let mut numbers: Vec<u64> = expected.iter().map(|(row, _)| *row).collect();
    numbers.sort_unstable();
    assert_eq!(top.candidates(&shared), numbers, "{}", context());
    let wanted = selected.map_or(rows.len(), |s| s.iter().filter(|s| **s).count());
    assert_eq!(top.rows_scanned(), wanted as u64, "{}", context());

    // The pass after that, when the k-th value is known and everything as good is wanted.
    if let Some((_, last)) = expected.last().filter(|_| expected.len() == case.k) {
        let exactly = SharedThreshold::new();
        exactly.lower_to(Rank::new(case.order, *last));
        let mut top = TopK::new(case.query.clone(), usize::MAX, case.order);
        scan_in_blocks(&mut top, &rows, 0, selected, &exactly, &mut random);
        let mut tied = sorted(&case.query, &rows, selected, case.order, rows.len());
        tied.retain(|(_, value)| Rank::new(case.order, *value) <= exactly.get());
        assert_eq!(
            bits(&top.results(&exactly)),
            bits(&tied),
            "ties: {}",
            context()
        );
    }

    // Two partitions that share a threshold, taking turns.
    let shared = SharedThreshold::new();
    let half = rows.len() / 2;
    let mut parts = [(); 2].map(|()| TopK::new(case.query.clone(), case.k, case.order));
    let mut start = [0, half];
    let end = [half, rows.len()];
    while start != end {
        let part = random.below(2);
        let stop = (start[part] + 1 + random.below(300)).min(end[part]);
        parts[part].scan(
            &rows.slice(start[part]..stop),
            start[part] as u64,
            selected.map(|selected| &selected[start[part]..stop]),
            &shared,
        );
        start[part] = stop;
    }
    let mut merged: Vec<(Rank, u64)> = parts
        .iter()
        .flat_map(|part| part.results(&shared))
        .map(|(row, value)| (Rank::new(case.order, value), row))
        .collect();
    merged.sort();
    merged.truncate(case.k);
    let merged: Vec<_> = merged
        .iter()
        .map(|(rank, row)| (*row, rank.value(case.order)))
        .collect();
    assert_eq!(bits(&merged), bits(&expected), "shared: {}", context());

    // The first partition is told what the second has found in its two halves.
    let [mut owner, helper] = parts;
    let quarter = half + (rows.len() - half) / 2;
    for part in [quarter..rows.len(), half..quarter] {
        let part = part.start as u64..part.end as u64;
        for (row, value) in helper.results_in(part.clone(), &shared) {
            assert!(part.contains(&row), "{}", context());
            owner.offer(row, value, &shared);
        }
    }
    assert_eq!(
        bits(&owner.results(&shared)),
        bits(&expected),
        "helped: {}",
        context()
    );
}

fn case(seed: u64, metric: Metric, precision: Precision, encoding: Encoding, order: Order) -> Case {
    let mut random = Random(seed);
    let dimension = random.pick(&[0, 1, 2, 3, 15, 16, 17, 33, 64, 100]);
    let rows = random.pick(&[0, 1, 5, 255, 256, 257, 700, 1500]);
    let flavour = random.pick(&FLAVOURS);
    let mut values = flavour.vector(&mut random, rows * dimension);
    if dimension > 0 {
        for _ in 0..rows / 10 {
            // Rows that tie, and rows that are zero.
            let (from, to) = (random.below(rows), random.below(rows));
            let copied = values[from * dimension..][..dimension].to_vec();
            values[to * dimension..][..dimension].copy_from_slice(&copied);
            if random.below(3) == 0 {
                values[from * dimension..][..dimension].fill(0.0);
            }
        }
    }
    let flavour = if random.below(3) == 0 {
        random.pick(&FLAVOURS)
    } else {
        flavour
    };
    let vector = if rows > 0 && random.below(4) == 0 {
        // A stored row as the query: distances that cancel to nothing.
        let row = random.below(rows);
        values[row * dimension..][..dimension].to_vec()
    } else {
        flavour.vector(&mut random, dimension)
    };
    let share = random.pick(&[0, 1, 10, 50]);
    let selected =
        (random.below(2) == 0).then(|| (0..rows).map(|_| random.below(100) < share * 2).collect());
    Case {
        query: Query::new(metric, &vector)
            .with_precision(precision)
            .with_instruction_set(random.pick(&sets_once())),
        stored: Stored::new(&values, rows, dimension, encoding),
        order,
        k: random.pick(&[0, 1, 3, 10, rows, rows + 5]),
        selected,
        seed,
    }
}

fn sets_once() -> Vec<InstructionSet> {
    crate::available_instruction_sets()
}

#[test]
fn searches_are_exact() {
    sets();
    let mut seed = 7_000_000;
    for metric in METRICS {
        for encoding in ENCODINGS {
            for order in ORDERS {
                for precision in PRECISIONS {
                    for _ in 0..25 {
                        seed += 1;
                        check(&case(seed, metric, precision, encoding, order));
                    }
                }
            }
        }
    }
}

#[test]
fn searches_over_awkward_codes_are_exact() {
    let awkward = [
        (0.0, 1.5),
        (f32::NAN, 0.0),
        (f32::INFINITY, 1.0),
        (f32::MAX, f32::MIN),
        (1e-45, -1e-45),
        (1e-30, 1e-30),
        (1e-6, 1000.0),
        (1e10, 0.1),
        (1e18, 0.0),
        (6e-20, 0.0),
        (1.0, -127.5),
        (0.013_7, f32::NEG_INFINITY),
    ];
    let mut seed = 8_000_000;
    for (scale, min) in awkward {
        for metric in METRICS {
            for order in ORDERS {
                seed += 1;
                let mut random = Random(seed);
                let precision = PRECISIONS[seed as usize / 2 % 2];
                let encoding = Encoding::Codes { scale, min };
                let mut case = case(seed, metric, precision, encoding, order);
                // Values do not reach such codes: random bytes do.
                let count = case.stored.bytes.len();
                let offset = case.stored.offset;
                for byte in &mut case.stored.bytes[offset.min(count)..] {
                    *byte = random.next() as u8;
                }
                check(&case);
            }
        }
    }
}

#[test]
fn long_vectors_are_exact() {
    let mut seed = 9_000_000;
    for dimension in [1000, 4099, 33_000] {
        for metric in METRICS {
            for encoding in ENCODINGS {
                seed += 1;
                let mut random = Random(seed);
                let rows = 300;
                let row = Flavour::Plain.vector(&mut random, dimension);
                // Rows that differ in few elements, so that their distances lie close together.
                let values: Vec<f64> = (0..rows)
                    .flat_map(|_| {
                        let mut row = row.clone();
                        for _ in 0..3 {
                            row[random.below(dimension)] = Flavour::Plain.number(&mut random);
                        }
                        row
                    })
                    .collect();
                let vector = Flavour::Plain.vector(&mut random, dimension);
                for precision in PRECISIONS {
                    check(&Case {
                        query: Query::new(metric, &vector).with_precision(precision),
                        stored: Stored::new(&values, rows, dimension, encoding),
                        order: random.pick(&ORDERS),
                        k: 3,
                        selected: None,
                        seed,
                    });
                }
            }
        }
    }
}

#[test]
fn a_screen_saves_most_of_the_work() {
    let mut random = Random(11);
    let (rows, dimension, k) = (20_000, 64, 10);
    let values = Flavour::Plain.vector(&mut random, rows * dimension);
    let vector = Flavour::Plain.vector(&mut random, dimension);
    for encoding in ENCODINGS {
        let stored = Stored::new(&values, rows, dimension, encoding);
        for (metric, precision) in METRICS
            .into_iter()
            .flat_map(|metric| PRECISIONS.map(|precision| (metric, precision)))
        {
            for set in sets() {
                let query = Query::new(metric, &vector)
                    .with_precision(precision)
                    .with_instruction_set(set);
                let shared = SharedThreshold::new();
                let mut top = TopK::new(query, k, ORDERS[0]);
                top.scan(&stored.rows(), 0, None, &shared);
                if encoding != Encoding::F64 {
                    assert!(
                        top.rows_answered() < 1000,
                        "{set} {metric} {precision:?} {encoding:?}: {}",
                        top.rows_answered()
                    );
                }
            }
        }
    }
}

#[test]
fn memory_is_bounded_whatever_the_order_of_rows() {
    let (rows, dimension, k) = (50_000, 4, 10);
    // Worst first: every row passes the screen; then all alike: every row ties.
    let falling: Vec<f64> = (0..rows * dimension)
        .map(|i| (rows * dimension - i) as f64 / 1000.0)
        .collect();
    let alike = vec![1.0; rows * dimension];
    for values in [falling, alike] {
        let stored = Stored::new(&values, rows, dimension, Encoding::F32);
        let query = Query::new(Metric::L2, &[0.0; 4]);
        let shared = SharedThreshold::new();
        let mut top = TopK::new(query.clone(), k, ORDERS[0]);
        top.scan(&stored.rows(), 0, None, &shared);
        assert!(top.memory_bytes() < 4096);
        let expected = sorted(&query, &stored.rows(), None, ORDERS[0], k);
        assert_eq!(top.results(&shared), expected);
    }
}

#[test]
fn known_values_take_part() {
    for order in ORDERS {
        let shared = SharedThreshold::new();
        let query = Query::new(Metric::L2, &[0.0]);
        let mut top = TopK::new(query, 2, order);
        top.offer(7, None, &shared);
        let values = [3.0_f32, 1.0, 2.0];
        let rows = Rows::from_f32(&values, 1).unwrap();
        top.scan(&rows, 100, None, &shared);
        let expected = match (order.nulls_first, order.descending) {
            (true, false) => [7, 101],
            (true, true) => [7, 100],
            (false, false) => [101, 102],
            (false, true) => [100, 102],
        };
        assert_eq!(top.candidates(&shared), expected, "{order:?}");
        assert_eq!(top.rows_scanned(), 4);
        assert!(top.rows_answered() <= 3);
    }
}

/// Sixteen lanes, of which one overflows upward while the others nearly cancel it: the sum in single precision is
/// infinite, the answer the smallest of all.
#[test]
fn an_overflow_decides_nothing() {
    let (rows, dimension) = (600, 32);
    let mut values = vec![0.0; rows * dimension];
    for row in values.chunks_exact_mut(dimension) {
        row[5] = 1e18;
    }
    let last = &mut values[(rows - 1) * dimension..];
    last[..16].fill(-2.2e17);
    (last[0], last[16]) = (1.75e18, 1.75e18);
    for encoding in [Encoding::F32, Encoding::F64] {
        let stored = Stored::new(&values, rows, dimension, encoding);
        for (metric, order) in [
            (Metric::InnerProduct, ORDERS[0]),
            (Metric::NegativeInnerProduct, ORDERS[2]),
        ] {
            for set in sets() {
                let query = Query::new(metric, &[1e20; 32]).with_instruction_set(set);
                let shared = SharedThreshold::new();
                let mut top = TopK::new(query, 1, order);
                top.scan(&stored.rows(), 0, None, &shared);
                assert_eq!(top.candidates(&shared), [rows as u64 - 1], "{set} {metric}");
            }
        }
    }
}
