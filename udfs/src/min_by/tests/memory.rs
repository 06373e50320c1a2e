//! What is held while rows come and go.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringViewArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion_expr::{EmitTo, GroupsAccumulator};

use super::Case;
use crate::min_by::Side;
use crate::min_by::groups::MinByGroupsAccumulator;

fn case(value_type: DataType, count: Option<usize>) -> Case {
    Case {
        side: Side::Smallest,
        value_type,
        key_type: DataType::Int64,
        count,
        order: None,
    }
}

/// Every row is nearer than all before it, so that each enters its group and pushes another out.
#[test]
fn values_that_were_pushed_out_are_dropped() {
    let case = case(DataType::Utf8View, Some(10));
    let mut accumulator = MinByGroupsAccumulator::new(case.call());
    let (batch, rounds) = (1_000, 100);
    let mut largest = 0;
    for round in 0..rounds {
        let keys: Vec<i64> = (0..batch).map(|row| -(round * batch + row)).collect();
        let texts: StringViewArray = keys.iter().map(|key| Some(format!("{key:0100}"))).collect();
        let counts = Int64Array::from(vec![10; batch as usize]);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(texts),
            Arc::new(Int64Array::from(keys)),
            Arc::new(counts),
        ];
        accumulator
            .update_batch(&columns, &vec![0; batch as usize], None, 1)
            .unwrap();
        largest = largest.max(accumulator.size());
    }
    let all = (batch * rounds * 100) as usize;
    assert!(largest < all / 20, "{largest} of {all} bytes");
    let found = accumulator.evaluate(EmitTo::All).unwrap();
    let texts = found.as_list::<i32>().value(0);
    let nearest = 1 - batch * rounds;
    let expected: StringViewArray = (nearest..nearest + 10)
        .map(|key| Some(format!("{key:0100}")))
        .collect();
    assert_eq!(texts.as_string_view(), &expected);
    assert!(accumulator.size() < 2_000, "{}", accumulator.size());
}

/// The books are even once every group has left.
#[test]
fn what_a_hundred_thousand_groups_hold_is_counted() {
    let case = case(DataType::Int64, None);
    let mut accumulator = MinByGroupsAccumulator::new(case.call());
    let groups = 100_000;
    for start in (0..groups).step_by(1_000) {
        let indices: Vec<usize> = (start..start + 1_000).collect();
        let numbers = Int64Array::from_iter_values(indices.iter().map(|&group| group as i64));
        let columns: Vec<ArrayRef> = vec![Arc::new(numbers.clone()), Arc::new(numbers)];
        accumulator
            .update_batch(&columns, &indices, None, start + 1_000)
            .unwrap();
    }
    let bytes = accumulator.size();
    // A group has a heap of one entry, an entry a key of nine bytes and a value.
    let needed = groups * (24 + 24 + 16 + 8);
    assert!((needed..3 * needed).contains(&bytes), "{bytes} of {needed}");
    let mut left = bytes;
    for first in [1_000, 60_000, 39_000] {
        let found = accumulator.evaluate(EmitTo::First(first)).unwrap();
        assert_eq!(found.len(), first);
        let values = found.as_primitive::<Int64Type>();
        assert!(
            values
                .values()
                .windows(2)
                .all(|pair| pair[0] + 1 == pair[1])
        );
        assert!(accumulator.size() < left);
        left = accumulator.size();
    }
    assert!(left < 2_000, "{left}");
}
