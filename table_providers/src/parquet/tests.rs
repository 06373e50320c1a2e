use super::levels::{Run, Runs, all_are, list_length, unpack};

/// Levels of lists of `length`, `lists` times, as the reference writer lays them out: groups of
/// eight bits, or a run when a value repeats.
fn packed(levels: &[u32]) -> Vec<u8> {
    let groups = levels.len().div_ceil(8);
    let mut bytes = vec![(groups << 1 | 1) as u8];
    for group in levels.chunks(8) {
        bytes.push(
            group
                .iter()
                .enumerate()
                .fold(0, |byte, (bit, level)| byte | (*level as u8) << bit),
        );
    }
    bytes
}

#[test]
fn runs_are_read_as_the_format_describes_them() {
    // 3 << 1 | 0: three times 1; then one packed group of eight.
    let bytes = [6, 1, 3, 0b1010_1010];
    let runs: Vec<Run<'_>> = Runs::new(&bytes, 1).collect();
    assert_eq!(
        runs,
        [
            Run::Repeated { count: 3, value: 1 },
            Run::Packed {
                bytes: &[0b1010_1010],
                count: 8
            }
        ]
    );
    assert_eq!(unpack(&[0b1010_1010], 1, 1), Some(1));
    assert_eq!(unpack(&[0b0001_1011], 2, 0), Some(3));
    assert_eq!(unpack(&[0b0001_1011], 2, 1), Some(2));
    assert_eq!(unpack(&[0x34, 0x12], 12, 0), Some(0x234));
    assert_eq!(unpack(&[0x34], 12, 1), None);
}

#[test]
fn lists_of_one_length_are_told_from_others() {
    assert_eq!(list_length(&packed(&[0, 1, 1, 0, 1, 1]), 6), Some(3));
    assert_eq!(list_length(&packed(&[0, 1, 1, 0, 1]), 5), None);
    assert_eq!(
        list_length(&packed(&[1, 1, 0, 1, 1]), 5),
        None,
        "begins inside a list"
    );
    assert_eq!(list_length(&packed(&[0, 0, 0]), 3), Some(1));
    assert_eq!(list_length(&[20, 0], 10), Some(1), "a run of list starts");
    assert_eq!(
        list_length(&[2, 0, 18, 1], 10),
        Some(10),
        "one list in runs"
    );
    assert_eq!(list_length(&[2, 0, 18, 1], 11), None, "levels are missing");
    assert_eq!(list_length(&[], 0), None);
}

#[test]
fn levels_of_a_column_without_nulls_are_all_the_highest() {
    assert!(all_are(&[20, 3], 2, 10, 3));
    assert!(!all_are(&[20, 2], 2, 10, 3));
    assert!(!all_are(&[20, 3], 2, 11, 3));
    assert!(all_are(&[], 2, 0, 3));
}

#[test]
fn hostile_bytes_end_the_sequence() {
    let mut state = 7_u64;
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        for _ in 0..state >> 60 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            bytes.push((state >> 33) as u8);
        }
        for bits in [0, 1, 7, 32, 33] {
            assert!(Runs::new(&bytes, bits).count() <= bytes.len());
        }
        let _ = list_length(&bytes, 1000);
        let _ = all_are(&bytes, 2, 1000, 3);
    }
}
