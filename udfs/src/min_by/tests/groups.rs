//! Groups, however their rows arrive, against the rows of each sorted.

use arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::{Case, Random, Row, key_types, value_types};
use crate::min_by::accumulator::MinByAccumulator;
use crate::min_by::groups::MinByGroupsAccumulator;

fn states_of(accumulator: &mut dyn Accumulator) -> Vec<ArrayRef> {
    let states = accumulator.state().unwrap();
    states
        .iter()
        .map(|state| state.to_array().unwrap())
        .collect()
}

/// Every type of value with some type of key, and the other way around.
fn cases(random: &mut Random) -> Vec<Case> {
    let (values, keys) = (value_types(), key_types());
    let mut found = Vec::new();
    for value in &values {
        let key = &keys[random.below(keys.len())];
        found.push(Case::generated(random, value, key));
    }
    for key in &keys {
        let value = &values[random.below(values.len())];
        found.push(Case::generated(random, value, key));
    }
    found
}

#[test]
fn groups_have_the_first_of_their_rows() {
    for seed in 0..60 {
        let random = &mut Random(seed);
        for case in cases(random) {
            let (count, groups) = (1 + random.below(120), 1 + random.below(6));
            let rows: Vec<Row> = (0..count).map(|_| random.keyed_row()).collect();
            let filter: Vec<Option<bool>> = (0..count)
                .map(|_| [Some(true), Some(true), Some(false), None][random.below(4)])
                .collect();
            let filtered = random.below(2) == 0;
            let indices: Vec<usize> = (0..count).map(|_| random.below(groups)).collect();

            let mut accumulator = MinByGroupsAccumulator::new(case.call());
            let mut row = 0;
            while row < count {
                let end = (row + 1 + random.below(20)).min(count);
                let mask = BooleanArray::from(filter[row..end].to_vec());
                let mask = filtered.then_some(&mask);
                let columns = case.columns(&rows[row..end]);
                accumulator
                    .update_batch(&columns, &indices[row..end], mask, groups)
                    .unwrap();
                row = end;
            }
            let found = accumulator.evaluate(EmitTo::All).unwrap();
            let members: Vec<Vec<Row>> = (0..groups)
                .map(|group| {
                    (0..count)
                        .filter(|&row| indices[row] == group)
                        .filter(|&row| !filtered || filter[row] == Some(true))
                        .map(|row| rows[row])
                        .collect()
                })
                .collect();
            let firsts: Vec<_> = members.iter().map(|rows| case.first(rows)).collect();
            assert_eq!(&found, &case.answers(&firsts), "seed {seed}: {case:?}");

            for (rows, first) in members.iter().zip(firsts) {
                let mut single = MinByAccumulator::new(case.call());
                single.update_batch(&case.columns(rows)).unwrap();
                let expected = case.answers(&[first]);
                // A window asks again and again.
                for _ in 0..2 {
                    let found = single.evaluate().unwrap().to_array().unwrap();
                    assert_eq!(&found, &expected, "seed {seed}: {case:?}");
                }
            }
        }
    }
}

/// Rows of every way there is: counted at once, in two stages, or as states of single rows; groups taken out early.
#[test]
fn partial_states_merge_and_groups_leave_from_the_front() {
    for seed in 0..60 {
        let random = &mut Random(seed);
        for case in cases(random) {
            let groups = 1 + random.below(9);
            let mut members: Vec<Vec<Row>> = vec![Vec::new(); groups];
            let mut last = MinByGroupsAccumulator::new(case.call());
            let mut single = MinByAccumulator::new(case.call());
            let mut all_rows = Vec::new();
            for _ in 0..random.below(6) {
                let count = random.below(30);
                let rows: Vec<Row> = (0..count).map(|_| random.keyed_row()).collect();
                let indices: Vec<usize> = (0..count).map(|_| random.below(groups)).collect();
                all_rows.extend(&rows);
                for (row, &group) in rows.iter().zip(&indices) {
                    members[group].push(*row);
                }
                let columns = case.columns(&rows);
                match random.below(3) {
                    0 => last.update_batch(&columns, &indices, None, groups).unwrap(),
                    1 => {
                        let states = last.convert_to_state(&columns, None).unwrap();
                        last.merge_batch(&states, &indices, groups).unwrap();
                    }
                    _ => {
                        let mut first = MinByGroupsAccumulator::new(case.call());
                        first
                            .update_batch(&columns, &indices, None, groups)
                            .unwrap();
                        let split = random.below(groups + 1);
                        let states = first.state(EmitTo::First(split)).unwrap();
                        let all: Vec<usize> = (0..groups).collect();
                        last.merge_batch(&states, &all[..split], groups).unwrap();
                        let states = first.state(EmitTo::All).unwrap();
                        last.merge_batch(&states, &all[split..], groups).unwrap();
                    }
                }
                let mut part = MinByAccumulator::new(case.call());
                part.update_batch(&columns).unwrap();
                single.merge_batch(&states_of(&mut part)).unwrap();
            }

            last.update_batch(&case.columns(&[]), &[], None, groups)
                .unwrap();
            let leaving = random.below(groups + 1);
            let found = last.evaluate(EmitTo::First(leaving)).unwrap();
            let firsts = |members: &[Vec<Row>]| -> Vec<_> {
                members.iter().map(|rows| case.first(rows)).collect()
            };
            let expected = case.answers(&firsts(&members[..leaving]));
            assert_eq!(&found, &expected, "seed {seed}: {case:?}");
            // The groups that stay are numbered from 0 now, and take more rows.
            let late: Vec<Row> = (leaving..groups).map(|_| random.keyed_row()).collect();
            let indices: Vec<usize> = (0..late.len()).collect();
            last.update_batch(&case.columns(&late), &indices, None, late.len())
                .unwrap();
            for (group, row) in late.into_iter().enumerate() {
                members[leaving + group].push(row);
            }
            let found = last.evaluate(EmitTo::All).unwrap();
            let expected = case.answers(&firsts(&members[leaving..]));
            assert_eq!(&found, &expected, "seed {seed}: {case:?}");

            let found = single.evaluate().unwrap().to_array().unwrap();
            let expected = case.answers(&[case.first(&all_rows)]);
            assert_eq!(&found, &expected, "seed {seed}: {case:?}");
        }
    }
}

#[test]
fn states_have_the_types_that_were_announced() {
    let random = &mut Random(1);
    for case in cases(random) {
        let call = case.call();
        let announced = crate::min_by::state::fields("call", call.value_type());
        let rows: Vec<Row> = (0..20).map(|_| random.keyed_row()).collect();
        let columns = case.columns(&rows);
        let mut accumulator = MinByGroupsAccumulator::new(call);
        accumulator
            .update_batch(&columns, &[0; 20], None, 2)
            .unwrap();
        let converted = accumulator.convert_to_state(&columns, None).unwrap();
        let kept = accumulator.state(EmitTo::All).unwrap();
        let empty = accumulator.state(EmitTo::All).unwrap();
        for states in [converted, kept, empty] {
            let types: Vec<_> = states.iter().map(|state| state.data_type()).collect();
            let wanted: Vec<_> = announced.iter().map(|field| field.data_type()).collect();
            assert_eq!(types, wanted, "{case:?}");
            assert!(states.iter().all(|state| state.null_count() == 0));
        }
    }
}

#[test]
fn columns_that_are_no_state_are_refused() {
    let random = &mut Random(2);
    let case = Case {
        count: Some(3),
        ..cases(random).remove(0)
    };
    let rows: Vec<Row> = (0..5).map(|_| random.keyed_row()).collect();
    let columns = case.columns(&rows);
    let mut accumulator = MinByGroupsAccumulator::new(case.call());
    assert!(accumulator.merge_batch(&columns, &[0; 5], 1).is_err());
    assert!(accumulator.merge_batch(&[], &[], 1).is_err());
    assert!(
        accumulator
            .update_batch(&columns, &[0; 4], None, 1)
            .is_err()
    );
    assert!(
        accumulator
            .update_batch(&columns[..1], &[0; 5], None, 1)
            .is_err()
    );
    let mask = BooleanArray::from(vec![true; 4]);
    assert!(
        accumulator
            .update_batch(&columns, &[0; 5], Some(&mask), 1)
            .is_err()
    );
}
