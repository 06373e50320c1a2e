//! Errors, in pgvector's words and with its SQLSTATEs, and what is no error.

use std::error::Error;

use arrow::datatypes::DataType;
use datafusion_common::{DataFusionError, Result};
use datafusion_expr::{Accumulator, GroupsAccumulator};
use ogive_vectors::VectorError;

use super::{Row, column, dense, fixed, list_of, marked, plain, rows_of};
use crate::vector_aggregates::accumulator::VectorAccumulator;
use crate::vector_aggregates::groups::VectorGroupsAccumulator;
use crate::vector_aggregates::{Definition, Operation};
use crate::vector_types::SqlVectorType;

fn answer(definition: &Definition, list: &DataType, rows: &[Row]) -> Result<Row> {
    let mut accumulator = VectorAccumulator::new(definition.clone());
    accumulator.update_batch(&[column(list, rows)])?;
    Ok(rows_of(&accumulator.evaluate()?.to_array()?).remove(0))
}

fn mistake(error: &DataFusionError) -> (String, &'static str) {
    let DataFusionError::External(error) = error else {
        panic!("{error}");
    };
    let error: &(dyn Error + 'static) = error.as_ref();
    let error = error.downcast_ref::<VectorError>().unwrap();
    (error.message().to_string(), error.sqlstate())
}

#[test]
fn errors_are_those_of_pgvector() {
    use Operation::{Average, Sum};
    use SqlVectorType::{Halfvec, Vector};
    let ragged = [dense(&[1.0, 2.0]), dense(&[3.0])];
    let large = [dense(&[3e38]), dense(&[3e38])];
    let half = [dense(&[65504.0]), dense(&[65504.0])];
    let nan = [dense(&[f64::NAN])];
    let infinite = [dense(&[f64::NEG_INFINITY])];
    for (operation, mark, rows, message, sqlstate) in [
        (
            Average,
            Vector,
            &ragged[..],
            "expected 2 dimensions, not 1",
            "22000",
        ),
        (
            Average,
            Halfvec,
            &ragged,
            "expected 2 dimensions, not 1",
            "22000",
        ),
        (
            Sum,
            Vector,
            &ragged,
            "different vector dimensions 2 and 1",
            "22000",
        ),
        (
            Sum,
            Halfvec,
            &ragged,
            "different halfvec dimensions 2 and 1",
            "22000",
        ),
        (Sum, Vector, &large, "value out of range: overflow", "22003"),
        (Sum, Halfvec, &half, "value out of range: overflow", "22003"),
        (Average, Vector, &nan, "NaN not allowed in vector", "22000"),
        (
            Average,
            Halfvec,
            &infinite,
            "infinite value not allowed in halfvec",
            "22000",
        ),
        (
            Average,
            Vector,
            &[dense(&[])],
            "vector must have at least 1 dimension",
            "22000",
        ),
    ] {
        let definition = marked(operation, mark, None);
        let list = mark.storage(None);
        let error = answer(&definition, &list, rows).unwrap_err();
        assert_eq!(mistake(&error), (message.to_string(), sqlstate));
        let mut groups = VectorGroupsAccumulator::new(definition);
        let error = groups
            .update_batch(&[column(&list, rows)], &vec![3; rows.len()], None, 4)
            .and_then(|()| groups.evaluate(datafusion_expr::EmitTo::All))
            .unwrap_err();
        assert_eq!(mistake(&error), (message.to_string(), sqlstate));
    }
    for (mark, rows) in [(Vector, &large), (Halfvec, &half)] {
        let found = answer(&marked(Average, mark, None), &mark.storage(None), rows).unwrap();
        let expected = if mark == Vector {
            f64::from(3e38_f32)
        } else {
            65504.0
        };
        assert_eq!(found, dense(&[expected]));
    }
}

/// Single precision loses the ones beside 2^24, as pgvector does; plain lists keep them.
#[test]
fn a_sum_of_vectors_is_rounded_after_every_row() {
    let large = f64::from(1 << 24);
    let rows = [dense(&[large]), dense(&[1.0]), dense(&[1.0])];
    let list = list_of(DataType::Float32);
    let vectors = marked(Operation::Sum, SqlVectorType::Vector, None);
    assert_eq!(answer(&vectors, &list, &rows).unwrap(), dense(&[large]));
    let lists = plain(Operation::Sum, &list);
    assert_eq!(answer(&lists, &list, &rows).unwrap(), dense(&[large + 2.0]));
}

#[test]
fn plain_lists_hold_any_number_and_ragged_rows_are_an_error() {
    let list = list_of(DataType::Float32);
    let definition = plain(Operation::Sum, &list);
    let rows = [
        dense(&[f64::INFINITY, 3e38]),
        dense(&[f64::NEG_INFINITY, 3e38]),
    ];
    let found = answer(&definition, &list, &rows).unwrap().unwrap();
    assert!(found[0].unwrap().is_nan());
    assert_eq!(found[1], Some(f64::INFINITY));

    let error = answer(&definition, &list, &[dense(&[1.0]), dense(&[])]).unwrap_err();
    let message = "different vector dimensions 1 and 0";
    assert_eq!(mistake(&error), (message.to_string(), "22000"));
    let empty = [dense(&[]), dense(&[])];
    assert_eq!(answer(&definition, &list, &empty).unwrap(), dense(&[]));
    let nothing = fixed(DataType::Float64, 0);
    let definition = plain(Operation::Average, &nothing);
    assert_eq!(answer(&definition, &nothing, &empty).unwrap(), dense(&[]));
}

#[test]
fn rows_and_groups_that_do_not_match_are_refused() {
    let list = list_of(DataType::Float64);
    let mut groups = VectorGroupsAccumulator::new(plain(Operation::Sum, &list));
    let values = [column(&list, &[dense(&[1.0])])];
    assert!(groups.update_batch(&values, &[0, 0], None, 1).is_err());
    assert!(groups.update_batch(&values, &[7], None, 1).is_err());
    assert!(groups.update_batch(&[], &[], None, 1).is_err());
    assert!(groups.merge_batch(&values, &[0], 1).is_err());
}
