//! Searches over any bytes as rows of any encoding, against sorting the answer of every row.

#![no_main]

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use ogive_fuzz::Random;
use ogive_kernels::{
    Encoding, Metric, Order, Query, Rank, Rows, SharedThreshold, TopK, available_instruction_sets,
    norms, pairwise,
};

const METRICS: [Metric; 7] = [
    Metric::L2,
    Metric::L2Squared,
    Metric::L1,
    Metric::InnerProduct,
    Metric::NegativeInnerProduct,
    Metric::CosineDistance,
    Metric::CosineSimilarity,
];

fuzz_target!(|data: &[u8]| {
    if let Ok(search) = plan(&mut Unstructured::new(data)) {
        check(&search, &mut Random::of(data));
    }
});

/// A search.
#[derive(Debug)]
struct Search {
    metric: Metric,
    order: Order,
    k: usize,
    encoding: Encoding,
    query: Vec<f64>,
    bytes: Vec<u8>,
    rows: usize,
    selected: Option<Vec<bool>>,
    /// NULL vectors, which have numbers behind the rows.
    nulls: u64,
}

fn plan(input: &mut Unstructured<'_>) -> Result<Search> {
    let encoding = match input.int_in_range(0..=5)? {
        0 => Encoding::F64,
        1 => Encoding::F32,
        2 => Encoding::F16,
        3 => Encoding::I8,
        4 => Encoding::U8,
        _ => Encoding::Codes {
            scale: number(input)? as f32,
            min: number(input)? as f32,
        },
    };
    let metric = *input.choose(&METRICS)?;
    let order = Order {
        descending: input.arbitrary()?,
        nulls_first: input.arbitrary()?,
    };
    let k = input.int_in_range(0..=12)?;
    let dimension: usize = input.int_in_range(0..=70)?;
    let rows = input.int_in_range(0..=700)?;
    let nulls = if input.ratio(1, 4)? { 3 } else { 0 };
    let selected: Option<Vec<u8>> = if input.arbitrary()? {
        let length = input.int_in_range(1..=40)?.min(input.len().max(1));
        Some(input.bytes(length)?.to_vec())
    } else {
        None
    };
    let selected = selected.map(|pattern| {
        let bits = pattern
            .iter()
            .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        bits.cycle().take(rows).collect()
    });
    let mut query = Vec::new();
    // As one of the rows, or any numbers.
    let from_row: bool = input.arbitrary()?;
    if !from_row {
        for _ in 0..dimension {
            query.push(number(input)?);
        }
    }
    let needed = rows * dimension * encoding.width();
    let source = input.bytes(input.len())?;
    let mut bytes: Vec<u8> = source.iter().copied().cycle().take(needed).collect();
    bytes.resize(needed, 0);
    // Rows that repeat differ a little, so that there is an order to find.
    let low = if source.is_empty() { 1 } else { source.len() };
    for (round, part) in bytes.chunks_mut(low).enumerate().skip(1) {
        let at = round * 7 % part.len();
        part[at] ^= round as u8;
    }
    if from_row {
        let row = bytes
            .get(..dimension * encoding.width())
            .unwrap_or_default();
        let mut values = vec![0.0; row.len() / encoding.width()];
        let count = usize::from(rows > 0);
        let row = Rows::with_rows(row, count, values.len(), encoding);
        row.expect("a whole row")
            .decode_f32(&mut values[..count * dimension]);
        query = values.into_iter().map(f64::from).collect();
        query.resize(dimension, 0.5);
    }
    Ok(Search {
        metric,
        order,
        k,
        encoding,
        query,
        bytes,
        rows,
        selected,
        nulls,
    })
}

/// Small numbers mostly, and any bits at times.
fn number(input: &mut Unstructured<'_>) -> Result<f64> {
    Ok(match input.int_in_range(0..=9)? {
        0 => f64::from_bits(input.arbitrary()?),
        1 => f64::from(f32::from_bits(input.arbitrary()?)),
        2 => f64::from(input.arbitrary::<i8>()?),
        _ => f64::from(input.arbitrary::<i16>()?) / 1024.0,
    })
}

fn check(search: &Search, random: &mut Random) {
    let dimension = search.query.len();
    let rows = Rows::with_rows(&search.bytes, search.rows, dimension, search.encoding)
        .expect("as many bytes as the rows need");
    let query = Query::new(search.metric, &search.query);
    let mut answers = vec![0.0; rows.len()];
    let undefined = query.distances(&rows, &mut answers);
    let expected = sorted(search, &answers, &undefined);

    for set in available_instruction_sets() {
        let query = query.clone().with_instruction_set(set);
        let mut same = vec![0.0; rows.len()];
        assert_eq!(query.distances(&rows, &mut same), undefined, "{set}");
        assert_eq!(bits(&same), bits(&answers), "{set}");
        check_scan(search, &query, &rows, &expected, random);
    }
    check_partitions(search, &query, &rows, &expected, random);
    check_pairs(search, &rows, &answers, &undefined);
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// The first `k` by sorting all answers.
fn sorted(search: &Search, answers: &[f64], undefined: &[usize]) -> Vec<(Rank, u64)> {
    let wanted = |row: usize| {
        search
            .selected
            .as_ref()
            .is_none_or(|selected| selected[row])
    };
    let mut all: Vec<(Rank, u64)> = answers
        .iter()
        .enumerate()
        .filter(|(row, _)| wanted(*row))
        .map(|(row, answer)| {
            let value = undefined.binary_search(&row).is_err().then_some(*answer);
            (Rank::new(search.order, value), row as u64)
        })
        .collect();
    let nulls = (0..search.nulls).map(|null| answers.len() as u64 + null);
    all.extend(nulls.map(|row| (Rank::new(search.order, None), row)));
    all.sort_unstable();
    all.truncate(search.k);
    all
}

/// One search, given the rows in blocks of any length.
fn check_scan(
    search: &Search,
    query: &Query,
    rows: &Rows<'_>,
    expected: &[(Rank, u64)],
    random: &mut Random,
) {
    let shared = SharedThreshold::new();
    let mut top = TopK::new(query.clone(), search.k, search.order);
    let mut start = 0;
    while start < rows.len() {
        let end = (start + 1 + random.up_to(400)).min(rows.len());
        scan(&mut top, search, rows, start, end, &shared);
        start = end;
    }
    for null in 0..search.nulls {
        top.offer(rows.len() as u64 + null, None, &shared);
    }
    let found: Vec<(Rank, u64)> = top
        .results(&shared)
        .into_iter()
        .map(|(row, value)| (Rank::new(search.order, value), row))
        .collect();
    assert_eq!(found, expected, "results");
    let mut numbers: Vec<u64> = expected.iter().map(|(_, row)| *row).collect();
    numbers.sort_unstable();
    assert_eq!(top.candidates(&shared), numbers, "candidates");
    let selected = |selected: &Vec<bool>| selected.iter().filter(|one| **one).count();
    let seen = search.selected.as_ref().map_or(rows.len(), selected) as u64 + search.nulls;
    assert_eq!(top.rows_scanned(), seen);
}

fn scan(
    top: &mut TopK,
    search: &Search,
    rows: &Rows<'_>,
    start: usize,
    end: usize,
    shared: &SharedThreshold,
) {
    let selected = search
        .selected
        .as_ref()
        .map(|selected| &selected[start..end]);
    top.scan(&rows.slice(start..end), start as u64, selected, shared);
}

/// Two searches that share a threshold, in turns: together they must hold every row of the result.
fn check_partitions(
    search: &Search,
    query: &Query,
    rows: &Rows<'_>,
    expected: &[(Rank, u64)],
    random: &mut Random,
) {
    let shared = SharedThreshold::new();
    let mut parts = [(); 2].map(|()| TopK::new(query.clone(), search.k, search.order));
    let middle = random.up_to(rows.len());
    let mut start = [0, middle];
    let end = [middle, rows.len()];
    while start != end {
        let part = random.up_to(1);
        let stop = (start[part] + 1 + random.up_to(300)).min(end[part]);
        scan(&mut parts[part], search, rows, start[part], stop, &shared);
        start[part] = stop;
    }
    for null in 0..search.nulls {
        parts[random.up_to(1)].offer(rows.len() as u64 + null, None, &shared);
    }
    let mut merged: Vec<(Rank, u64)> = parts
        .iter()
        .flat_map(|part| part.results(&shared))
        .map(|(row, value)| (Rank::new(search.order, value), row))
        .collect();
    merged.sort_unstable();
    merged.truncate(search.k);
    assert_eq!(merged, expected, "two partitions");
}

/// Row against row gives what the query gives.
fn check_pairs(search: &Search, rows: &Rows<'_>, answers: &[f64], undefined: &[usize]) {
    norms(rows, &mut vec![0.0; rows.len()]);
    // Other rows than doubles are compared with the query rounded.
    let rounded = |value: &f64| match search.encoding {
        Encoding::F64 => *value,
        _ => f64::from(*value as f32),
    };
    let query: Vec<f64> = search.query.iter().map(rounded).collect();
    let repeated: Vec<f64> = query
        .iter()
        .copied()
        .cycle()
        .take(rows.len() * query.len())
        .collect();
    let bytes: Vec<u8> = repeated
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let right = Rows::with_rows(&bytes, rows.len(), query.len(), Encoding::F64)
        .expect("as many as the rows");
    let mut pairs = vec![0.0; rows.len()];
    assert_eq!(pairwise(search.metric, rows, &right, &mut pairs), undefined);
    assert_eq!(bits(&pairs), bits(answers), "pairs");
}
