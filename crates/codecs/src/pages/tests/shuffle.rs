use super::corpora;
use crate::pages::shuffle::{shuffle, shuffle_any, unshuffle, unshuffle_any};

#[test]
fn planes_are_those_of_the_slow_twin_and_come_back() {
    for length in corpora::lengths().chain([9001]) {
        let (_, bytes) = corpora::of_length(length, 3).remove(2);
        for width in [0, 1, 2, 3, 4, 7, 8, 12, 16, 255, 4096] {
            let mut planes = vec![0; length];
            let mut expected = vec![0; length];
            shuffle(&bytes, width, &mut planes);
            shuffle_any(&bytes, width, &mut expected);
            assert_eq!(planes, expected, "{length} bytes, width {width}");
            let mut back = vec![0; length];
            unshuffle(&planes, width, &mut back);
            assert_eq!(back, bytes, "{length} bytes, width {width}");
            unshuffle_any(&planes, width, &mut back);
            assert_eq!(back, bytes, "{length} bytes, width {width}");
        }
    }
}

#[test]
fn bytes_after_the_last_whole_value_stay() {
    let mut out = [0; 7];
    shuffle(&[1, 2, 3, 4, 5, 6, 7], 3, &mut out);
    assert_eq!(out, [1, 4, 2, 5, 3, 6, 7]);
}
