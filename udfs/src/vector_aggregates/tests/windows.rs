//! Rows that enter and leave a window.

use arrow::datatypes::DataType;
use datafusion_expr::Accumulator;

use super::{Random, Row, by_rows, column, definitions, element_of, list_of, plain, rounded};
use super::{dense, rows_of};
use crate::vector_aggregates::Operation;
use crate::vector_aggregates::distinct::DistinctAccumulator;
use crate::vector_aggregates::sliding::SlidingAccumulator;

#[test]
fn a_window_has_the_answer_of_its_rows() {
    for seed in 0..20 {
        let random = &mut Random(seed);
        let dimension = 1 + random.below(4);
        for (definition, operation, mark, list) in definitions(dimension) {
            let element = element_of(&list);
            let mut window: Vec<Row> = Vec::new();
            let mut sliding = SlidingAccumulator::new(definition.clone());
            let mut distinct = DistinctAccumulator::new(definition.clone());
            for _ in 0..15 {
                let mut entering =
                    vec![random.addend(dimension, |random| random.kept_number(&element))];
                if let (true, Some(again)) = (random.below(3) == 0, window.first()) {
                    entering.push(again.clone());
                }
                window.extend(entering.clone());
                let leaving: Vec<Row> = window.drain(..random.below(3).min(window.len())).collect();
                for accumulator in [&mut sliding as &mut dyn Accumulator, &mut distinct] {
                    accumulator
                        .update_batch(&[column(&list, &entering)])
                        .unwrap();
                    accumulator
                        .retract_batch(&[column(&list, &leaving)])
                        .unwrap();
                }
                let expected = rounded(by_rows(operation, mark, &window), &element);
                let found = rows_of(&sliding.evaluate().unwrap().to_array().unwrap());
                let case = format!("seed {seed}: {operation:?} {mark:?} {list}");
                assert_eq!(found, [expected], "{case}");

                // pgvector's order of vectors.
                let mut rows = window.clone();
                rows.sort_by(|left, right| left.partial_cmp(right).unwrap());
                rows.dedup();
                let expected = rounded(by_rows(operation, mark, &rows), &element);
                let found = rows_of(&distinct.evaluate().unwrap().to_array().unwrap());
                assert_eq!(found, [expected], "{case}, distinct");
            }
        }
    }
}

#[test]
fn a_large_row_leaves_nothing_behind() {
    let list = list_of(DataType::Float64);
    let mut window = SlidingAccumulator::new(plain(Operation::Sum, &list));
    let large = column(&list, &[dense(&[1e300])]);
    window
        .update_batch(&[column(&list, &[dense(&[1e300]), dense(&[1.0])])])
        .unwrap();
    window.retract_batch(&[large]).unwrap();
    let found = rows_of(&window.evaluate().unwrap().to_array().unwrap());
    assert_eq!(found, [dense(&[1.0])]);
    assert!(window.supports_retract_batch());
}
