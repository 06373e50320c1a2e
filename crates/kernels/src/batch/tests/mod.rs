//! Batches against searches for each query alone. A failing case names its seed.

mod gates;

use super::BatchTopK;
use super::looks::Looks;
use crate::tests::{ENCODINGS, FLAVOURS, Flavour, METRICS, PRECISIONS, Random, Stored, sets};
use crate::{Encoding, InstructionSet, Metric, Order, Query, Rows, SharedThreshold, TopK};

const ORDERS: [Order; 4] = [
    order(false, false),
    order(false, true),
    order(true, false),
    order(true, true),
];

const fn order(descending: bool, nulls_first: bool) -> Order {
    Order {
        descending,
        nulls_first,
    }
}

/// Metrics that are made of products.
const PRODUCTS: [Metric; 6] = [
    Metric::L2,
    Metric::L2Squared,
    Metric::InnerProduct,
    Metric::NegativeInnerProduct,
    Metric::CosineDistance,
    Metric::CosineSimilarity,
];

type Results = Vec<(u64, Option<u64>)>;

fn bits(results: &[(u64, Option<f64>)]) -> Results {
    let bits = |(row, value): &(u64, Option<f64>)| (*row, value.map(f64::to_bits));
    results.iter().map(bits).collect()
}

/// The results of each query on its own.
fn alone(
    queries: &[Query],
    rows: &Rows<'_>,
    selected: Option<&[bool]>,
    order: Order,
    k: usize,
) -> Vec<Results> {
    let alone = |query: &Query| {
        let shared = SharedThreshold::new();
        let mut top = TopK::new(query.clone(), k, order);
        top.scan(rows, 0, selected, &shared);
        bits(&top.results(&shared))
    };
    queries.iter().map(alone).collect()
}

fn results(search: &BatchTopK) -> Vec<Results> {
    let queries = 0..search.queries();
    queries.map(|query| bits(&search.results(query))).collect()
}

struct Case {
    queries: Vec<Query>,
    stored: Stored,
    order: Order,
    k: usize,
    selected: Option<Vec<bool>>,
    name: String,
}

fn check(case: &Case, random: &mut Random) -> BatchTopK {
    let rows = case.stored.rows();
    let selected = case.selected.as_deref();
    let expected = alone(&case.queries, &rows, selected, case.order, case.k);

    let mut whole = BatchTopK::new(case.queries.clone(), case.k, case.order);
    whole.scan(&rows, 0, selected);
    assert_eq!(results(&whole), expected, "{}", case.name);
    let wanted = selected.map_or(rows.len(), |s| s.iter().filter(|s| **s).count());
    let pairs = wanted * case.queries.len();
    assert_eq!(whole.pairs_scanned(), pairs as u64, "{}", case.name);

    // Two parts, cut into blocks, taking turns.
    let half = rows.len() / 2;
    let mut left = BatchTopK::new(case.queries.clone(), case.k, case.order);
    let mut parts = [left.sibling(), left.sibling()];
    let (mut start, end) = ([0, half], [half, rows.len()]);
    while start != end {
        let part = random.below(2);
        let stop = (start[part] + 1 + random.below(300)).min(end[part]);
        let range = start[part]..stop;
        parts[part].scan(
            &rows.slice(range.clone()),
            range.start as u64,
            selected.map(|selected| &selected[range]),
        );
        start[part] = stop;
    }
    for part in parts {
        left.merge(part);
    }
    assert_eq!(results(&left), expected, "in parts: {}", case.name);
    assert_eq!(left.pairs_scanned(), pairs as u64, "{}", case.name);
    whole
}

struct Shape {
    dimension: usize,
    rows: usize,
    queries: usize,
}

fn generated(shape: &Shape, metric: Metric, encoding: Encoding, random: &mut Random) -> Case {
    let seed = random.0;
    let flavour = random.pick(&FLAVOURS);
    // Mostly alike, as they are in practice.
    let other = random.pick(&FLAVOURS);
    let asked = random.pick(&[flavour, flavour, flavour, other]);
    let (set, precision) = (random.pick(&sets()), random.pick(&PRECISIONS));
    let order = random.pick(&ORDERS);
    let k = random.pick(&[0, 1, 2, 5, 10, 60, 1000, usize::MAX]);
    let values = flavour.vector(random, shape.rows * shape.dimension);
    let stored = Stored::new(&values, shape.rows, shape.dimension, encoding);
    let queries = (0..shape.queries)
        .map(|_| {
            let query = asked.vector(random, shape.dimension);
            Query::new(metric, &query)
                .with_instruction_set(set)
                .with_precision(precision)
        })
        .collect();
    let selected = match random.below(4) {
        0 => Some((0..shape.rows).map(|_| random.below(3) > 0).collect()),
        1 => Some((0..shape.rows).map(|_| random.below(20) == 0).collect()),
        _ => None,
    };
    let name = format!(
        "seed {seed} {set} {precision:?} {metric} {encoding:?} {flavour:?} asked {asked:?} {order:?} k {k} of {} x {}, {} queries",
        shape.rows, shape.dimension, shape.queries
    );
    Case {
        queries,
        stored,
        order,
        k,
        selected,
        name,
    }
}

#[test]
fn batches_find_what_single_searches_find() {
    for dimension in 1..=70 {
        for (index, metric) in METRICS.into_iter().enumerate() {
            for (other, encoding) in ENCODINGS.into_iter().enumerate() {
                let mut random = Random((dimension * 100 + index * 10 + other) as u64);
                let shape = Shape {
                    dimension,
                    rows: random.below(400),
                    queries: random.below(40),
                };
                let case = generated(&shape, metric, encoding, &mut random);
                check(&case, &mut random);
            }
        }
    }
}

#[test]
fn long_vectors_are_summed_in_stretches() {
    for dimension in [127, 129, 255, 256, 257, 384, 511, 513, 1000, 2049, 16_000] {
        for (index, metric) in PRODUCTS.into_iter().enumerate() {
            let mut random = Random((dimension * 10 + index) as u64);
            let shape = Shape {
                dimension,
                rows: if dimension > 3000 { 60 } else { 200 },
                queries: if dimension > 3000 { 5 } else { 33 },
            };
            let encoding = random.pick(&ENCODINGS);
            let case = generated(&shape, metric, encoding, &mut random);
            check(&case, &mut random);
        }
    }
}

#[test]
fn equal_rows_are_kept_by_number() {
    for set in sets() {
        for metric in METRICS {
            for order in ORDERS {
                let mut random = Random(7);
                // A few vectors, zero among them, many times over.
                let mut few = Flavour::Coarse.vector(&mut random, 5 * 9);
                few[..9].fill(0.0);
                let repeated = (0..700).flat_map(|_| {
                    let start = random.below(5) * 9;
                    few[start..start + 9].to_vec()
                });
                let values: Vec<f64> = repeated.collect();
                let case = Case {
                    queries: few
                        .chunks(9)
                        .map(|query| Query::new(metric, query).with_instruction_set(set))
                        .collect(),
                    stored: Stored::new(&values, 700, 9, Encoding::F32),
                    order,
                    k: 200,
                    selected: None,
                    name: format!("{set} {metric} {order:?}"),
                };
                check(&case, &mut random);
            }
        }
    }
}

/// Plain vectors about `centre`, with as many queries as `set` has use for and more.
fn plain(metric: Metric, set: InstructionSet, centre: f64) -> Case {
    let mut random = Random(99);
    let (rows, dimension) = (3000, 48);
    let mut vector = |len| -> Vec<f64> {
        let vector = Flavour::Plain.vector(&mut random, len).into_iter();
        vector.map(|x| x + centre).collect()
    };
    let values = vector(rows * dimension);
    let query = |_| Query::new(metric, &vector(dimension)).with_instruction_set(set);
    Case {
        queries: (0..50).map(query).collect(),
        stored: Stored::new(&values, rows, dimension, Encoding::F32),
        order: order(
            matches!(metric, Metric::InnerProduct | Metric::CosineSimilarity),
            false,
        ),
        k: 5,
        selected: None,
        name: format!("{set} {metric} about {centre}"),
    }
}

fn share_answered(search: &BatchTopK) -> f64 {
    search.pairs_answered() as f64 / search.pairs_scanned() as f64
}

#[test]
fn few_pairs_are_answered() {
    for set in sets() {
        for metric in PRODUCTS {
            let case = plain(metric, set, 0.0);
            let share = share_answered(&check(&case, &mut Random(1)));
            assert!(share < 0.02, "{share} of {}", case.name);
        }
    }
}

#[test]
fn near_vectors_far_from_zero_are_searched_one_by_one() {
    for set in sets() {
        let case = plain(Metric::L2, set, 5000.0);
        let search = check(&case, &mut Random(1));
        assert!(search.singles.iter().all(Option::is_some), "{}", case.name);
        let share = share_answered(&search);
        assert!(share < 0.2, "{share} of {}", case.name);
    }
}

#[test]
fn the_best_of_a_block_is_answered_first() {
    for set in sets() {
        // Each row is nearer than the one before it.
        let rows = 2000;
        let values: Vec<f64> = (0..rows).map(|row| f64::from(rows - row)).collect();
        let query = Query::new(Metric::L2, &[0.0]).with_instruction_set(set);
        let case = Case {
            queries: vec![query; 20],
            stored: Stored::new(&values, rows as usize, 1, Encoding::F32),
            order: order(false, false),
            k: 1,
            selected: None,
            name: format!("{set}, worst first"),
        };
        let share = share_answered(&check(&case, &mut Random(1)));
        assert!(share < 0.03, "{share} of {}", case.name);
    }
}

#[test]
fn looks_that_do_not_help_become_rare() {
    let mut looks = Looks::default();
    let mut looked_at = Vec::new();
    for block in 0..200 {
        if looks.is_due() {
            looked_at.push(block);
            let doubts = if block < 130 { 1000 } else { 10 };
            looks.note(doubts, 1000);
        }
    }
    let rare = [0, 2, 6, 14, 30, 62, 94, 126, 158];
    assert_eq!(looked_at[..9], rare);
    // And common again once they help.
    assert!(looked_at[9..].iter().copied().eq(159..200));
}

#[test]
fn threads_share_what_they_find() {
    let case = plain(Metric::CosineDistance, crate::active_instruction_set(), 0.0);
    let rows = case.stored.rows();
    let expected = alone(&case.queries, &rows, None, case.order, case.k);
    let mut search = BatchTopK::new(case.queries.clone(), case.k, case.order);
    std::thread::scope(|scope| {
        let threads = [0, 1, 2, 3].map(|thread| {
            let mut part = search.sibling();
            let rows = &rows;
            scope.spawn(move || {
                for start in (thread * 100..rows.len()).step_by(400) {
                    let end = rows.len().min(start + 100);
                    part.scan(&rows.slice(start..end), start as u64, None);
                }
                part
            })
        });
        for thread in threads {
            search.merge(thread.join().unwrap());
        }
    });
    assert_eq!(results(&search), expected);
}

#[test]
fn bits_are_counted() {
    let mut random = Random(5);
    let bytes: Vec<u8> = (0..500 * 4).map(|_| random.next() as u8).collect();
    let rows = Rows::new(&bytes, 32, Encoding::Bits).unwrap();
    for metric in [Metric::Hamming, Metric::Jaccard] {
        let queries: Vec<Query> = bytes[..80]
            .chunks(4)
            .map(|bytes| Query::from_bits(metric, bytes))
            .collect();
        for order in ORDERS {
            let mut search = BatchTopK::new(queries.clone(), 7, order);
            search.scan(&rows, 0, None);
            let expected = alone(&queries, &rows, None, order, 7);
            assert_eq!(results(&search), expected, "{metric} {order:?}");
        }
    }
}

#[test]
fn known_answers_take_part() {
    let rows = Stored::new(&[1.0, 2.0], 2, 1, Encoding::F32);
    let queries = [0.0, 3.0].map(|q| Query::new(Metric::L2, &[q])).to_vec();
    let mut search = BatchTopK::new(queries, 2, order(false, true));
    search.scan(&rows.rows(), 0, None);
    search.offer(1, 7, None);
    assert_eq!(search.results(0), [(0, Some(1.0)), (1, Some(2.0))]);
    assert_eq!(search.results(1), [(7, None), (1, Some(1.0))]);
    assert_eq!(search.pairs_scanned(), 5);
}

#[test]
fn nothing_is_found_where_nothing_is() {
    let row = Stored::new(&[1.0], 1, 1, Encoding::F32);
    let mut none = BatchTopK::new(Vec::new(), 3, order(false, false));
    none.scan(&row.rows(), 0, None);
    assert_eq!((none.queries(), none.pairs_scanned()), (0, 0));

    let queries = vec![Query::new(Metric::L2, &[]); 5];
    let mut flat = BatchTopK::new(queries, 3, order(false, false));
    let rows = Rows::with_rows(&[], 4, 0, Encoding::F32).unwrap();
    flat.scan(&rows, 10, None);
    let first = [(10, Some(0.0)), (11, Some(0.0)), (12, Some(0.0))];
    assert_eq!(flat.results(4), first);
    assert!(flat.memory_bytes() > 0 && flat.shared_memory_bytes() > 0);
}
