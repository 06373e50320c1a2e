use super::*;
use crate::splitmix::Numbers;

/// Levels of one bit as the reference writer lays them out where nothing repeats: groups of eight.
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

fn runs(bytes: &[u8], bit_width: u32) -> Vec<Run<'_>> {
    Runs::new(bytes, bit_width).collect()
}

#[test]
fn runs_are_read_as_the_format_describes_them() {
    // 3 << 1 | 0: three times 1; then one packed group of eight.
    assert_eq!(
        runs(&[6, 1, 3, 0b1010_1010], 1),
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

/// The example of the format: the numbers 0 to 7, three bits each.
#[test]
fn values_are_packed_from_the_lowest_bit() {
    let bytes = [0x88, 0xc6, 0xfa];
    let values: Vec<u32> = (0..8).filter_map(|i| unpack(&bytes, 3, i)).collect();
    assert_eq!(values, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(unpack(&bytes, 3, 8), None);
}

#[test]
fn headers_have_as_many_bytes_as_they_need() {
    let some = |count| [Run::Repeated { count, value: 7 }];
    assert_eq!(runs(&[0x80, 0x01, 7], 3), some(64));
    assert_eq!(
        runs(&[0xfe, 0xff, 0xff, 0xff, 0x0f, 7], 3),
        some(usize::MAX >> (usize::BITS - 31))
    );
    assert_eq!(
        runs(&[0x86, 0x80, 0x00, 7], 3),
        some(3),
        "longer than need be"
    );
}

/// The last group of a page, which its writer did not fill up.
#[test]
fn a_last_group_may_be_cut_short() {
    let cut = Run::Packed {
        bytes: &[1, 2, 3],
        count: 2,
    };
    assert_eq!(runs(&[3, 1, 2, 3], 12), [cut]);
    assert_eq!(
        runs(&[3], 12),
        [Run::Packed {
            bytes: &[],
            count: 0
        }]
    );
}

#[test]
fn values_without_bits_are_zeros() {
    let zeros = |count| [Run::Repeated { count, value: 0 }];
    assert_eq!(runs(&[6], 0), zeros(3));
    assert_eq!(runs(&[7], 0), zeros(24));
    assert_eq!(unpack(&[], 0, 9), Some(0));
    // As many as there can be, and yet told at once.
    let most = [0xff, 0xff, 0xff, 0xff, 0x0f].repeat(1000);
    assert!(all_are(&most, 0, 1 << 40, 0));
    assert!(!all_are(&most, 0, usize::MAX, 0));
}

#[test]
fn malformed_runs_end_the_sequence() {
    for (bytes, bit_width) in [
        (&[0x80][..], 1),
        (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 1], 1),
        (&[0xfe, 0xff, 0xff, 0xff, 0x1f, 1], 1),
        (&[6], 1),
        (&[6, 1], 9),
        (&[0, 1, 6, 1], 1),
        (&[1, 6, 1], 1),
        // More bits than a value has.
        (&[6, 2], 1),
        (&[6, 0xff, 0x02], 9),
        (&[6, 0, 0, 0, 0, 0], 33),
        (&[3, 1, 1, 1, 1, 1], 64),
        (&[3, 1, 1, 1, 1, 1], u32::MAX),
    ] {
        let mut runs = Runs::new(bytes, bit_width);
        assert_eq!(runs.next(), None, "{bytes:?}");
        assert_eq!(runs.next(), None, "{bytes:?} once more");
    }
    // What stood behind a value that is too short was once taken for a header.
    let mut runs = Runs::new(&[6, 1, 6, 6], 32);
    assert_eq!((runs.next(), runs.next()), (None, None));
    assert_eq!(unpack(&[0xff; 64], 33, 0), None);
    assert_eq!(unpack(&[0xff; 64], 64, 0), None);
    assert_eq!(unpack(&[0xff; 64], 32, usize::MAX), None);
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
    assert_eq!(list_length(&[6, 3], 3), None, "levels of more than one bit");
    assert_eq!(list_length(&[], 0), None);
}

#[test]
fn levels_of_a_column_without_nulls_are_all_the_highest() {
    assert!(all_are(&[20, 3], 2, 10, 3));
    assert!(!all_are(&[20, 2], 2, 10, 3));
    assert!(!all_are(&[20, 3], 2, 11, 3));
    assert!(all_are(&[], 2, 0, 3));
    assert!(all_are(&[20, 2], 2, 0, 3), "none of them is looked at");
}

#[test]
fn hostile_bytes_end_the_sequence() {
    let mut numbers = Numbers(7);
    for _ in 0..20_000 {
        let length = numbers.next() % 16;
        let bytes: Vec<u8> = (0..length).map(|_| numbers.next() as u8).collect();
        for bits in [0, 1, 7, 32, 33] {
            assert!(Runs::new(&bytes, bits).count() <= bytes.len());
        }
        let _ = list_length(&bytes, 1000);
        let _ = all_are(&bytes, 2, 1000, 3);
    }
}
