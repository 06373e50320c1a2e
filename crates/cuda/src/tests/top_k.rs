use ogive_kernels::{Encoding, Metric, Order, Precision, Query, SharedThreshold, TopK};

use super::{ENCODINGS, FLAVOURS, METRICS, Random, assert_same, device, number, rows, stored};
use crate::driver::emulated;
use crate::{Device, DeviceTopK};

/// A search by the processor and one by the device of the same rows.
struct Case {
    text: String,
    bytes: Vec<u8>,
    count: usize,
    dimension: usize,
    encoding: Encoding,
    query: Query,
    k: usize,
    order: Order,
    selected: Option<Vec<bool>>,
}

impl Case {
    fn generate(random: &mut Random) -> Case {
        let seed = random.0;
        let flavour = random.pick(&FLAVOURS);
        let is_bits = random.below(5) == 0;
        let encoding = if is_bits {
            Encoding::Bits
        } else {
            random.pick(&ENCODINGS)
        };
        let metric = if is_bits {
            random.pick(&[Metric::Hamming, Metric::Jaccard])
        } else {
            random.pick(&METRICS)
        };
        let dimension = if is_bits {
            random.pick(&[8, 64, 200])
        } else {
            random.pick(&[1, 3, 16, 17, 48, 100])
        };
        let count = random.pick(&[1, 5, 31, 32, 33, 300, 1500]);
        let mut values: Vec<f64> = (0..count * dimension)
            .map(|_| number(flavour, random))
            .collect();
        // Now and then the same rows over and over, so that answers tie.
        if random.below(4) == 0 {
            let period = dimension * (1 + random.below(count));
            for at in period..values.len() {
                values[at] = values[at - period];
            }
        }
        let query: Vec<f64> = (0..dimension).map(|_| number(flavour, random)).collect();
        let precision = random.pick(&[Precision::Double, Precision::Single]);
        Case {
            text: format!("seed {seed}: {metric}, {encoding:?}, {flavour}, {count} x {dimension}"),
            bytes: stored(&values, encoding),
            count,
            dimension,
            encoding,
            query: Query::new(metric, &query).with_precision(precision),
            k: random.pick(&[1, 2, 10, 100, 2000]),
            order: Order {
                descending: random.below(2) == 0,
                nulls_first: random.below(2) == 0,
            },
            selected: (random.below(3) == 0)
                .then(|| (0..count).map(|_| random.below(3) > 0).collect()),
        }
    }

    /// Compares both, and gives the search by the device.
    fn check(&self, device: &Device, cuts: &[usize]) -> DeviceTopK {
        let all = rows(&self.bytes, self.count, self.dimension, self.encoding);
        let (shared, shared_there) = (SharedThreshold::new(), SharedThreshold::new());
        let mut here = TopK::new(self.query.clone(), self.k, self.order);
        let mut there = DeviceTopK::new(device.clone(), self.query.clone(), self.k, self.order);
        here.scan(&all, 7, self.selected.as_deref(), &shared);
        let mut start = 0;
        for end in cuts.iter().copied().chain([self.count]) {
            let selected = self.selected.as_ref().map(|selected| &selected[start..end]);
            there.scan(
                &all.slice(start..end),
                7 + start as u64,
                selected,
                &shared_there,
            );
            start = end;
        }
        assert_same(
            &there.results(&shared_there),
            &here.results(&shared),
            &self.text,
        );
        assert_eq!(there.candidates(&shared_there), here.candidates(&shared));
        assert_eq!(there.rows_scanned(), here.rows_scanned(), "{}", self.text);
        there
    }
}

#[test]
fn results_are_the_processors() {
    let Some(device) = device() else { return };
    let mut random = Random(31);
    for _ in 0..1500 {
        let case = Case::generate(&mut random);
        let cut = random.below(case.count + 1);
        let mut there = case.check(&device, &[cut]);
        assert_eq!(there.take_failure(), None, "{}", case.text);
    }
}

/// The number that a key stands for.
fn number_of(key: u32) -> f64 {
    let bits = if key & 1 << 31 == 0 {
        !key
    } else {
        key & !(1 << 31)
    };
    f32::from_bits(bits).into()
}

/// Bounds hold of every row, not only where a result depends on it: every answer lies between its keys.
#[test]
fn every_answer_lies_between_its_bounds() {
    let Some(device) = device() else { return };
    let mut random = Random(36);
    let (mut known, mut tight) = (0, 0);
    for _ in 0..1500 {
        let mut case = Case::generate(&mut random);
        if case.encoding == Encoding::Bits {
            continue;
        }
        // Of the metrics that are made of one sum, the one that is that sum.
        let metric = match case.query.metric() {
            Metric::L2 => Metric::L2Squared,
            Metric::NegativeInnerProduct => Metric::InnerProduct,
            Metric::CosineDistance => Metric::CosineSimilarity,
            other => other,
        };
        let vector = case.query.vector(case.encoding).to_vec();
        case.query = Query::new(metric, &vector);
        let all = rows(&case.bytes, case.count, case.dimension, case.encoding);
        let mut answers = vec![0.0; case.count];
        case.query.distances(&all, &mut answers);
        let sign = if case.order.descending { -1.0 } else { 1.0 };
        let search = DeviceTopK::new(device.clone(), case.query.clone(), case.k, case.order);
        for (answer, (lower, upper)) in answers.iter().zip(search.keys(&all)) {
            if (lower, upper) == (0, u32::MAX) {
                continue;
            }
            known += 1;
            let (lower, upper) = (number_of(lower), number_of(upper));
            assert!(
                lower <= sign * answer && sign * answer <= upper,
                "{}: {answer} is not between {lower} and {upper}",
                case.text
            );
            tight += usize::from(upper - lower <= 1e-3 * answer.abs());
        }
    }
    assert!(
        known > 150_000 && tight > known / 2,
        "{known} known, {tight} tight"
    );
}

/// Without this the search could be right and useless.
#[test]
fn most_rows_are_excluded_by_their_bounds() {
    let Some(device) = device() else { return };
    let mut random = Random(32);
    for encoding in ENCODINGS {
        for metric in METRICS {
            let values: Vec<f64> = (0..4000 * 96)
                .map(|_| number("plain", &mut random))
                .collect();
            let query: Vec<f64> = (0..96).map(|_| number("plain", &mut random)).collect();
            let case = Case {
                text: format!("{metric}, {encoding:?}"),
                bytes: stored(&values, encoding),
                count: 4000,
                dimension: 96,
                encoding,
                query: Query::new(metric, &query),
                k: 10,
                order: Order {
                    descending: false,
                    nulls_first: false,
                },
                selected: None,
            };
            let there = case.check(&device, &[]);
            assert!(
                there.rows_answered() < 40,
                "{}: {} rows answered",
                case.text,
                there.rows_answered()
            );
        }
    }
}

fn large(random: &mut Random) -> Case {
    let (count, dimension) = (12_000, 64);
    let values: Vec<f64> = (0..count * dimension)
        .map(|_| number("plain", random))
        .collect();
    let query: Vec<f64> = (0..dimension).map(|_| number("plain", random)).collect();
    Case {
        text: "large".to_string(),
        bytes: stored(&values, Encoding::F32),
        count,
        dimension,
        encoding: Encoding::F32,
        query: Query::new(Metric::L2, &query),
        k: 10,
        order: Order {
            descending: false,
            nulls_first: false,
        },
        selected: None,
    }
}

#[test]
fn chunks_get_smaller_where_there_is_no_room() {
    let case = large(&mut Random(33));
    // The rows take 3,072,000 bytes; chunks of a mebibyte fit.
    for room in [2_500_000, 6_000_000, 100_000_000] {
        let Some(device) = emulated::device(room) else {
            return;
        };
        let mut there = case.check(&device, &[]);
        assert_eq!(there.take_failure(), None, "{room} bytes");
        assert!(there.rows_answered() < 100, "{}", there.rows_answered());
    }
}

#[test]
fn the_processor_searches_where_there_is_no_room_at_all() {
    let case = large(&mut Random(34));
    let Some(device) = emulated::device(100_000) else {
        return;
    };
    let mut there = case.check(&device, &[]);
    let failure = there.take_failure().unwrap();
    assert!(failure.contains("no room for"), "{failure}");
}

#[test]
fn loaded_rows_are_searched_where_they_are() {
    let Some(device) = device() else { return };
    let case = large(&mut Random(35));
    let all = rows(&case.bytes, case.count, case.dimension, case.encoding);
    let loaded = device.load(&all).unwrap();
    let (shared, shared_there) = (SharedThreshold::new(), SharedThreshold::new());
    let mut here = TopK::new(case.query.clone(), case.k, case.order);
    here.scan(&all, 0, None, &shared);
    let mut there = DeviceTopK::new(device, case.query.clone(), case.k, case.order);
    there.scan_loaded(&loaded, &all, 0, &shared_there).unwrap();
    assert_same(
        &there.results(&shared_there),
        &here.results(&shared),
        "loaded",
    );
}
