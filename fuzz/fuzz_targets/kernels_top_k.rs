//! Searches over any bytes as rows of any encoding, against sorting the answer of every row.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ogive_fuzz::{Random, Search};
use ogive_kernels::{
    BatchTopK, Encoding, Metric, Precision, Query, Rank, Rows, SharedThreshold, TopK,
    available_instruction_sets, norms, pairwise, pairwise_with_precision,
};

fuzz_target!(|data: &[u8]| {
    let mut random = Random::of(data);
    if let Ok(search) = Search::of(data, &mut random) {
        check(&search, &mut random);
    }
});

fn check(search: &Search, random: &mut Random) {
    let query = search.query(0);
    let answers = search.answers(&query);
    let sorted = search.sorted(&answers);
    let expected = &sorted[..search.k.min(sorted.len())];

    let sets = available_instruction_sets();
    for set in &sets {
        let query = query.clone().with_instruction_set(*set);
        assert_eq!(bits(&search.answers(&query)), bits(&answers), "{set}");
    }
    check_pairs(search, &answers);
    // One set an input, so that there are more inputs.
    let set = sets[random.up_to(sets.len() - 1)];
    let query = query.with_instruction_set(set);
    check_scan(search, &query, expected, random);
    check_partitions(search, &query, expected, random);
    check_ties(search, &query, &sorted, random);
    check_batch(search, &search.batch(set), random);
}

fn bits(answers: &[Option<f64>]) -> Vec<Option<u64>> {
    answers
        .iter()
        .map(|answer| answer.map(f64::to_bits))
        .collect()
}

fn ranked(search: &Search, results: Vec<(u64, Option<f64>)>) -> Vec<(Rank, u64)> {
    let rank = |(row, value)| (Rank::new(search.order, value), row);
    results.into_iter().map(rank).collect()
}

/// One search, given the rows in blocks.
fn check_scan(search: &Search, query: &Query, expected: &[(Rank, u64)], random: &mut Random) {
    let shared = SharedThreshold::new();
    let mut top = TopK::new(query.clone(), search.k, search.order);
    for (start, rows) in search.blocks(random) {
        top.scan(
            &rows,
            start as u64,
            search.selected(start, rows.len()),
            &shared,
        );
    }
    for null in 0..search.nulls {
        top.offer(search.rows as u64 + null, None, &shared);
    }
    assert_eq!(ranked(search, top.results(&shared)), expected, "results");
    let mut numbers: Vec<u64> = expected.iter().map(|(_, row)| *row).collect();
    numbers.sort_unstable();
    assert_eq!(top.candidates(&shared), numbers, "candidates");
    assert_eq!(top.rows_scanned(), search.seen());
}

/// Two searches that share a threshold, in turns: together they must hold every row of the result.
fn check_partitions(search: &Search, query: &Query, expected: &[(Rank, u64)], random: &mut Random) {
    let shared = SharedThreshold::new();
    let mut parts = [(); 2].map(|()| TopK::new(query.clone(), search.k, search.order));
    for (start, rows) in search.blocks(random) {
        let selected = search.selected(start, rows.len());
        parts[random.up_to(1)].scan(&rows, start as u64, selected, &shared);
    }
    for null in 0..search.nulls {
        parts[random.up_to(1)].offer(search.rows as u64 + null, None, &shared);
    }
    let results = parts.iter().flat_map(|part| part.results(&shared));
    let mut merged = ranked(search, results.collect());
    merged.sort_unstable();
    merged.truncate(search.k);
    assert_eq!(merged, expected, "two partitions");
}

/// A search for all rows that are as good as one that is known.
fn check_ties(search: &Search, query: &Query, sorted: &[(Rank, u64)], random: &mut Random) {
    let Some((limit, _)) = sorted.get(search.k) else {
        return;
    };
    let shared = SharedThreshold::new();
    shared.lower_to(*limit);
    let mut top = TopK::new(query.clone(), usize::MAX, search.order);
    for (start, rows) in search.blocks(random) {
        top.scan(
            &rows,
            start as u64,
            search.selected(start, rows.len()),
            &shared,
        );
    }
    for null in 0..search.nulls {
        top.offer(search.rows as u64 + null, None, &shared);
    }
    let end = sorted.partition_point(|(rank, _)| rank <= limit);
    assert_eq!(ranked(search, top.results(&shared)), sorted[..end], "ties");
}

/// All queries at once, in one search or two that are merged, against each of them alone.
fn check_batch(search: &Search, queries: &[Query], random: &mut Random) {
    let mut whole = BatchTopK::new(queries.to_vec(), search.k, search.order);
    let mut sibling = (random.up_to(1) == 0).then(|| whole.sibling());
    for (start, rows) in search.blocks(random) {
        let selected = search.selected(start, rows.len());
        let other = sibling.as_mut().filter(|_| random.up_to(1) == 0);
        other
            .unwrap_or(&mut whole)
            .scan(&rows, start as u64, selected);
    }
    for null in 0..search.nulls {
        for query in 0..queries.len() {
            let other = sibling.as_mut().filter(|_| random.up_to(1) == 0);
            let row = search.rows as u64 + null;
            other.unwrap_or(&mut whole).offer(query, row, None);
        }
    }
    if let Some(sibling) = sibling {
        whole.merge(sibling);
    }
    assert_eq!(whole.queries(), queries.len());
    assert_eq!(whole.pairs_scanned(), search.seen() * queries.len() as u64);
    for (index, query) in queries.iter().enumerate() {
        let mut expected = search.sorted(&search.answers(query));
        expected.truncate(search.k);
        let found = ranked(search, whole.results(index));
        assert_eq!(found, expected, "query {index} of {}", queries.len());
    }
}

/// Row against row gives what the query gives, and what its definition gives.
fn check_pairs(search: &Search, answers: &[Option<f64>]) {
    for (start, rows) in search.parts() {
        let expected = &answers[start..start + rows.len()];
        norms(&rows, &mut vec![0.0; rows.len()]);
        if rows.encoding() == Encoding::Bits {
            check_bits(search, &rows, expected);
            continue;
        }
        // Other rows than doubles are compared with the query rounded.
        let rounded = |value: &f64| match rows.encoding() {
            Encoding::F64 => *value,
            _ => f64::from(*value as f32),
        };
        let query: Vec<f64> = search.queries[0].iter().map(rounded).collect();
        let repeated = query.repeat(rows.len());
        let bytes: Vec<u8> = repeated.iter().flat_map(|x| x.to_le_bytes()).collect();
        let right = Rows::with_rows(&bytes, rows.len(), query.len(), Encoding::F64)
            .expect("as many as the rows");
        let mut pairs = vec![0.0; rows.len()];
        let undefined =
            pairwise_with_precision(search.precision, search.metric, &rows, &right, &mut pairs);
        let pair = |(row, pair)| undefined.binary_search(&row).is_err().then_some(pair);
        let pairs: Vec<Option<f64>> = pairs.into_iter().enumerate().map(pair).collect();
        assert_eq!(bits(&pairs), bits(expected), "pairs");
        if search.precision == Precision::Single {
            check_single(search.metric, &rows, &right, expected);
        }
    }
}

/// Single-precision answers by their definition: from double-precision ones that are the sums themselves.
fn check_single(metric: Metric, rows: &Rows<'_>, right: &Rows<'_>, answers: &[Option<f64>]) {
    let rounded = |metric, a: &Rows<'_>, b: &Rows<'_>| -> Vec<f64> {
        let mut sums = vec![0.0; rows.len()];
        pairwise(metric, a, b, &mut sums);
        sums.into_iter().map(|sum| f64::from(sum as f32)).collect()
    };
    let squares = rounded(Metric::L2Squared, rows, right);
    let differences = rounded(Metric::L1, rows, right);
    let dots = rounded(Metric::InnerProduct, rows, right);
    let lefts = rounded(Metric::InnerProduct, rows, rows);
    let rights = rounded(Metric::InnerProduct, right, right);
    for (row, found) in answers.iter().enumerate() {
        let cosine = (dots[row] / (lefts[row] * rights[row]).sqrt()).clamp(-1.0, 1.0);
        let expected = match metric {
            Metric::L2 => squares[row].sqrt(),
            Metric::L2Squared => squares[row],
            Metric::L1 => differences[row],
            Metric::InnerProduct => dots[row],
            Metric::NegativeInnerProduct => -dots[row],
            Metric::CosineDistance => 1.0 - cosine,
            _ => cosine,
        };
        let found = found.expect("a single-precision answer is defined");
        let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
        assert!(
            same,
            "{metric} of row {row} is {found}, expected {expected}"
        );
    }
}

/// Distances between bits, counted one by one.
fn check_bits(search: &Search, rows: &Rows<'_>, answers: &[Option<f64>]) {
    let query: Vec<bool> = search.queries[0].iter().map(|x| *x != 0.0).collect();
    let mut bytes = vec![0_u8; query.len() / 8];
    for (place, bit) in query.iter().enumerate() {
        bytes[place / 8] |= u8::from(*bit) << (place % 8);
    }
    let same = Query::from_bits(search.metric, &bytes).with_precision(search.precision);
    assert_eq!(
        bits(&search.answers(&same)),
        bits(answers),
        "a query of bytes"
    );
    let mut elements = vec![0.0; rows.len() * query.len()];
    rows.decode_f32(&mut elements);
    for (row, found) in answers.iter().enumerate() {
        let row = &elements[row * query.len()..(row + 1) * query.len()];
        let pairs = || row.iter().map(|x| *x != 0.0).zip(&query);
        let both = pairs().filter(|(x, q)| *x && **q).count() as f64;
        let either = pairs().filter(|(x, q)| *x || **q).count() as f64;
        let expected = match search.metric {
            Metric::Hamming => either - both,
            _ if both == 0.0 => 1.0,
            _ => 1.0 - both / either,
        };
        assert_eq!(*found, Some(expected));
    }
}
