use ogive_kernels::{BatchTopK, Encoding, Metric, Order, Precision, Query};

use super::{ENCODINGS, FLAVOURS, METRICS, Random, assert_same, device, number, rows, stored};
use crate::driver::emulated;
use crate::{Device, DeviceBatchTopK};

fn check(device: &Device, random: &mut Random, plain: bool) -> DeviceBatchTopK {
    let seed = random.0;
    let flavour = if plain {
        "plain"
    } else {
        random.pick(&FLAVOURS)
    };
    let encoding = random.pick(&ENCODINGS);
    let metric = if plain {
        random.pick(&[Metric::L2, Metric::InnerProduct, Metric::CosineDistance])
    } else {
        random.pick(&METRICS)
    };
    let dimension = random.pick(&[1, 3, 16, 17, 48]);
    let dimension = if plain { 96 } else { dimension };
    let count = if plain {
        3000
    } else {
        random.pick(&[1, 33, 64, 65, 400])
    };
    let queries = if plain {
        20
    } else {
        random.pick(&[1, 16, 65, 130])
    };
    let mut values: Vec<f64> = (0..count * dimension)
        .map(|_| number(flavour, random))
        .collect();
    if !plain && random.below(4) == 0 {
        let period = dimension * (1 + random.below(count));
        for at in period..values.len() {
            values[at] = values[at - period];
        }
    }
    let precision = random.pick(&[Precision::Double, Precision::Single]);
    let asked: Vec<Query> = (0..queries)
        .map(|_| {
            let query: Vec<f64> = (0..dimension).map(|_| number(flavour, random)).collect();
            Query::new(metric, &query).with_precision(precision)
        })
        .collect();
    let k = if plain {
        10
    } else {
        random.pick(&[1, 2, 10, 100, 300])
    };
    let order = Order {
        descending: metric == Metric::InnerProduct || (!plain && random.below(2) == 0),
        nulls_first: random.below(2) == 0,
    };
    let selected: Option<Vec<bool>> =
        (!plain && random.below(3) == 0).then(|| (0..count).map(|_| random.below(3) > 0).collect());
    let bytes = stored(&values, encoding);
    let all = rows(&bytes, count, dimension, encoding);
    let mut here = BatchTopK::new(asked.clone(), k, order);
    here.scan(&all, 5, selected.as_deref());
    let mut there = DeviceBatchTopK::new(device.clone(), asked, k, order)
        .with_chunk_rows(random.pick(&[64, 1000]));
    let cut = random.below(count + 1);
    for part in [0..cut, cut..count] {
        let selected = selected.as_ref().map(|selected| &selected[part.clone()]);
        there.scan(&all.slice(part.clone()), 5 + part.start as u64, selected);
    }
    let text = format!(
        "seed {seed}: {metric}, {encoding:?}, {flavour}, {queries} x {count} x {dimension}, k {k}, {order:?}"
    );
    for query in 0..queries {
        assert_same(
            &there.results(query),
            &here.results(query),
            &format!("{text}, query {query}"),
        );
    }
    assert_eq!(there.pairs_scanned(), here.pairs_scanned(), "{text}");
    there
}

#[test]
fn results_are_the_processors() {
    let Some(device) = device() else { return };
    let mut random = Random(41);
    for _ in 0..250 {
        let mut there = check(&device, &mut random, false);
        assert_eq!(there.take_failure(), None);
    }
}

#[test]
fn most_pairs_are_excluded_by_their_bounds() {
    let Some(device) = device() else { return };
    let mut random = Random(42);
    for _ in 0..12 {
        let there = check(&device, &mut random, true);
        // Twenty queries, ten rows each, two scans.
        assert!(there.pairs_answered() < 1200, "{}", there.pairs_answered());
    }
}

#[test]
fn the_processor_joins_where_there_is_no_room() {
    let Some(device) = emulated::device(100_000) else {
        return;
    };
    let mut random = Random(43);
    let mut there = check(&device, &mut random, true);
    let failure = there.take_failure().unwrap();
    assert!(failure.contains("no room for"), "{failure}");
}

#[test]
fn bits_and_double_precision_are_left_to_the_processor() {
    let Some(device) = device() else { return };
    let bytes = stored(&[1.0; 32], Encoding::F64);
    let queries = vec![Query::new(Metric::L2, &[0.0; 4]); 20];
    let order = Order {
        descending: false,
        nulls_first: false,
    };
    let mut there = DeviceBatchTopK::new(device, queries, 2, order);
    there.scan(&rows(&bytes, 8, 4, Encoding::F64), 0, None);
    assert_same(
        &there.results(19),
        &[(0, Some(2.0)), (1, Some(2.0))],
        "ties by row",
    );
    assert_eq!(there.take_failure(), None);
}
