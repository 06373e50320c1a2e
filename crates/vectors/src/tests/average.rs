//! The state of an average, as pgvector's tests use it.

use super::{shown, shown_dense};
use crate::{StateArray, accumulate, average, combine};

fn state(array: &[f64]) -> StateArray {
    let array: Vec<Option<f64>> = array.iter().copied().map(Some).collect();
    StateArray::of("test", Some(&array)).unwrap()
}

#[test]
fn states() {
    let wrong = |array: Option<&[Option<f64>]>| {
        shown(StateArray::of("vector_avg", array), |_| String::new())
    };
    let expected = "XX000 vector_avg: expected state array";
    assert_eq!(wrong(None), expected);
    assert_eq!(wrong(Some(&[])), expected);
    assert_eq!(wrong(Some(&[None, Some(1.0)])), expected);

    let accumulated = |array: &[f64]| {
        shown(accumulate::<f32>(state(array), &[1.0, 2.0, 3.0]), |state| {
            format!("{:?}", state.into_array())
        })
    };
    assert_eq!(accumulated(&[0.0]), "[1.0, 1.0, 2.0, 3.0]");
    assert_eq!(accumulated(&[0.0, 0.0, 0.0, 0.0]), "[1.0, 1.0, 2.0, 3.0]");
    assert_eq!(
        accumulated(&[0.0, 0.0]),
        "22000 expected 1 dimensions, not 3"
    );

    let combined = |left: &[f64], right: &[f64]| {
        shown(combine(state(left), state(right)), |state| {
            format!("{:?}", state.into_array())
        })
    };
    assert_eq!(combined(&[1.0, 2.0], &[3.0, 4.0]), "[4.0, 6.0]");
    assert_eq!(combined(&[0.0], &[0.0]), "[0.0]");
    assert_eq!(combined(&[0.0], &[2.0, 1.0]), "[2.0, 1.0]");
    assert_eq!(
        combined(&[1.0, 2.0], &[3.0, 4.0, 5.0]),
        "22000 expected 1 dimensions, not 2"
    );
    assert_eq!(
        combined(&[0.0], &[0.0; 16_002]),
        "54000 vector cannot have more than 16000 dimensions"
    );

    let of = |array: &[f64]| shown_dense(average::<f32>(&state(array)).map(Option::unwrap));
    assert_eq!(of(&[2.0, 2.0, 4.0, 6.0]), "[1,2,3]");
    assert_eq!(of(&[1.0]), "22000 vector must have at least 1 dimension");
    assert_eq!(average::<f32>(&state(&[0.0])), Ok(None));
}
