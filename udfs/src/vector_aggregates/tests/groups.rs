//! Groups, however their rows arrive, against the rows of each one by one.

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::datatypes::DataType;
use datafusion_common::Result;
use datafusion_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::{Random, Row, by_rows, column, definitions, dense, element_of, list_of, marked, plain};
use super::{rounded, rows_of};
use crate::vector_aggregates::Operation;
use crate::vector_aggregates::accumulator::VectorAccumulator;
use crate::vector_aggregates::distinct::DistinctAccumulator;
use crate::vector_aggregates::groups::VectorGroupsAccumulator;
use crate::vector_types::SqlVectorType;

fn states_of(accumulator: &mut dyn Accumulator) -> Vec<ArrayRef> {
    let states = accumulator.state().unwrap();
    states
        .iter()
        .map(|state| state.to_array().unwrap())
        .collect()
}

#[test]
fn groups_have_the_answers_of_their_rows_in_order() {
    for seed in 0..40 {
        let random = &mut Random(seed);
        let dimension = [1, 3, 8, 300][random.below(4)];
        for (definition, operation, mark, list) in definitions(dimension) {
            let element = element_of(&list);
            let (count, groups) = (1 + random.below(50), 1 + random.below(6));
            let rows: Vec<Row> = (0..count)
                .map(|_| random.addend(dimension, |random| random.kept_number(&element)))
                .collect();
            let filter: Vec<Option<bool>> = (0..count)
                .map(|_| [Some(true), Some(true), Some(false), None][random.below(4)])
                .collect();
            let filtered = random.below(2) == 0;
            let indices: Vec<usize> = (0..count).map(|_| random.below(groups)).collect();

            let mut accumulator = VectorGroupsAccumulator::new(definition.clone());
            let mut row = 0;
            while row < count {
                let end = (row + 1 + random.below(20)).min(count);
                let mask = BooleanArray::from(filter[row..end].to_vec());
                accumulator
                    .update_batch(
                        &[column(&list, &rows[row..end])],
                        &indices[row..end],
                        filtered.then_some(&mask),
                        groups,
                    )
                    .unwrap();
                row = end;
            }
            let found = accumulator.evaluate(EmitTo::All).unwrap();
            assert_eq!(found.data_type(), definition.answer_type());
            let case = format!("seed {seed}: {operation:?} {mark:?} {list}");
            for (group, found) in rows_of(&found).into_iter().enumerate() {
                let members: Vec<Row> = (0..count)
                    .filter(|&row| indices[row] == group)
                    .filter(|&row| !filtered || filter[row] == Some(true))
                    .map(|row| rows[row].clone())
                    .collect();
                let expected = rounded(by_rows(operation, mark, &members), &element);
                assert_eq!(found, expected, "{case}, group {group}");

                let mut single = VectorAccumulator::new(definition.clone());
                single.update_batch(&[column(&list, &members)]).unwrap();
                let answer = single.evaluate().unwrap();
                assert_eq!(&answer.data_type(), definition.answer_type(), "{case}");
                assert_eq!(rows_of(&answer.to_array().unwrap()), [expected], "{case}");
            }
        }
    }
}

/// Rows of every way there is: counted at once, in two stages, or as states of single rows; groups taken out early.
#[test]
fn partial_states_merge_and_groups_leave_from_the_front() {
    for seed in 0..60 {
        let random = &mut Random(seed);
        let dimension = 1 + random.below(5);
        for (definition, operation, mark, list) in definitions(dimension) {
            let groups = 1 + random.below(9);
            let mut members: Vec<Vec<Row>> = vec![Vec::new(); groups];
            let mut last = VectorGroupsAccumulator::new(definition.clone());
            let mut single = VectorAccumulator::new(definition.clone());
            for _ in 0..random.below(5) {
                let count = random.below(9);
                let rows: Vec<Row> = (0..count)
                    .map(|_| random.addend(dimension, Random::exact_number))
                    .collect();
                let indices: Vec<usize> = (0..count).map(|_| random.below(groups)).collect();
                for (row, &group) in rows.iter().zip(&indices) {
                    members[group].push(row.clone());
                }
                let values = [column(&list, &rows)];
                match random.below(3) {
                    0 => last.update_batch(&values, &indices, None, groups).unwrap(),
                    1 => {
                        let states = last.convert_to_state(&values, None).unwrap();
                        last.merge_batch(&states, &indices, groups).unwrap();
                    }
                    _ => {
                        let mut first = VectorGroupsAccumulator::new(definition.clone());
                        first.update_batch(&values, &indices, None, groups).unwrap();
                        let split = random.below(groups + 1);
                        let states = first.state(EmitTo::First(split)).unwrap();
                        let all: Vec<usize> = (0..groups).collect();
                        last.merge_batch(&states, &all[..split], groups).unwrap();
                        let states = first.state(EmitTo::All).unwrap();
                        last.merge_batch(&states, &all[split..], groups).unwrap();
                    }
                }
                let mut part = VectorAccumulator::new(definition.clone());
                part.update_batch(&values).unwrap();
                single.merge_batch(&states_of(&mut part)).unwrap();
            }
            let case = format!("seed {seed}: {operation:?} {mark:?} {list}");
            let element = element_of(&list);
            let expected: Vec<Row> = members
                .iter()
                .map(|rows| rounded(by_rows(operation, mark, rows), &element))
                .collect();

            last.update_batch(&[column(&list, &[])], &[], None, groups)
                .unwrap();
            let first = random.below(groups + 1);
            let mut found = rows_of(&last.evaluate(EmitTo::First(first)).unwrap());
            assert_eq!(found.len(), first, "{case}");
            // The groups that stay are numbered from 0 now, and take more rows.
            let late: Vec<Row> = (first..groups)
                .map(|_| dense(&vec![1.5; dimension]))
                .collect();
            let indices: Vec<usize> = (0..late.len()).collect();
            last.update_batch(&[column(&list, &late)], &indices, None, late.len())
                .unwrap();
            found.extend(rows_of(&last.evaluate(EmitTo::All).unwrap()));
            for group in 0..groups {
                let mut expected = expected[group].clone();
                if group >= first {
                    members[group].push(late[group - first].clone());
                    expected = rounded(by_rows(operation, mark, &members[group]), &element);
                    members[group].pop();
                }
                assert_eq!(found[group], expected, "{case}, group {group}");
            }

            let answer = single.evaluate().unwrap().to_array().unwrap();
            let all = rounded(by_rows(operation, mark, &members.concat()), &element);
            assert_eq!(rows_of(&answer), [all], "{case}");
        }
    }
}

#[test]
fn the_sums_of_a_hundred_thousand_groups_lie_in_one_buffer() -> Result<()> {
    let list = super::fixed(DataType::Float32, 4);
    let definition = plain(Operation::Sum, &list);
    let groups = 100_000;
    let rows: Vec<Row> = (0..1_000)
        .map(|row| dense(&[f64::from(row), 1.0, 2.0, 3.0]))
        .collect();
    let rows = column(&list, &rows);
    let mut accumulator = VectorGroupsAccumulator::new(definition);
    for round in 0..2 {
        for start in (0..groups).step_by(1_000) {
            let indices: Vec<usize> = (start..start + 1_000).collect();
            let known = if round == 0 { start + 1_000 } else { groups };
            accumulator.update_batch(&[ArrayRef::clone(&rows)], &indices, None, known)?;
        }
    }
    let bytes = accumulator.size();
    let needed = groups * (4 * 8 + 8);
    assert!((needed..4 * needed).contains(&bytes), "{bytes} bytes");
    let found = rows_of(&accumulator.evaluate(EmitTo::All)?);
    assert_eq!(found.len(), groups);
    for (group, found) in found.into_iter().enumerate() {
        let first = (group % 1_000) as f64 * 2.0;
        assert_eq!(found, dense(&[first, 2.0, 4.0, 6.0]), "group {group}");
    }
    assert!(accumulator.size() < 1_000);
    Ok(())
}

#[test]
fn every_group_has_a_dimension_of_its_own() -> Result<()> {
    let definition = marked(Operation::Average, SqlVectorType::Vector, None);
    let rows = [dense(&[1.0, 2.0]), None, dense(&[5.0]), dense(&[3.0, 4.0])];
    let values = [column(&list_of(DataType::Float32), &rows)];
    let mut accumulator = VectorGroupsAccumulator::new(definition);
    accumulator.update_batch(&values, &[2, 0, 1, 2], None, 4)?;
    let found = rows_of(&accumulator.evaluate(EmitTo::All)?);
    assert_eq!(found, [None, dense(&[5.0]), dense(&[2.0, 3.0]), None]);
    Ok(())
}

#[test]
fn distinct_rows_count_once_across_states() -> Result<()> {
    let list = list_of(DataType::Float32);
    let definition = plain(Operation::Sum, &list);
    let mut last = DistinctAccumulator::new(definition.clone());
    let parts = [
        vec![
            dense(&[1.0, 0.0]),
            None,
            dense(&[1.0, -0.0]),
            dense(&[2.0, f64::NAN]),
        ],
        vec![
            dense(&[1.0, 0.0]),
            dense(&[2.0, -f64::NAN]),
            dense(&[4.0, 0.5]),
        ],
        vec![],
    ];
    for part in parts {
        let mut first = DistinctAccumulator::new(definition.clone());
        first.update_batch(&[column(&list, &part)])?;
        last.merge_batch(&states_of(&mut first))?;
    }
    let found = rows_of(&last.evaluate()?.to_array()?).remove(0).unwrap();
    assert_eq!(found[0], Some(7.0));
    assert!(found[1].unwrap().is_nan());
    assert!(last.size() >= 3 * 2 * 8);
    Ok(())
}
