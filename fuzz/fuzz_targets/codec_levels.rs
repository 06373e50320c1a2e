//! Parquet's runs and packed bits: what is read of them must be what their definition gives, bit by bit.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ogive_codecs::levels::{Run, Runs, all_are, list_length, unpack};
use ogive_fuzz::{Random, with_memory};

/// Values that are compared one by one.
const VALUES_MAX: usize = 5000;

// The first byte is the number of bits, the others are a sequence, and then a plan of one.
fuzz_target!(|data: &[u8]| {
    let Some((width, bytes)) = data.split_first() else {
        return;
    };
    let width = u32::from(*width) % 40;
    let mut random = Random::of(data);
    check(bytes, width, &mut random);
    // Levels of one bit are all that lists need.
    check(bytes, 1, &mut random);
    if width <= 32 {
        check_written(bytes, width, &mut random);
    }
});

fn check(bytes: &[u8], width: u32, random: &mut Random) {
    let expected = by_bits(bytes, width);
    let (count, found) = with_memory("reading", 8 * VALUES_MAX, || {
        let mut found = Vec::with_capacity(VALUES_MAX);
        expand(bytes, width, &mut found);
        let mut runs = Runs::new(bytes, width);
        let count = runs.by_ref().count();
        assert_eq!(runs.next(), None, "a sequence that ended goes on");
        (count, found)
    });
    assert_eq!(found, expected, "values of {width} bits");
    assert!(count <= bytes.len(), "a run has no bytes");
    assert!(width <= 32 || count == 0);

    for _ in 0..4 {
        let count = random.up_to(expected.len() + 1);
        // Of what a sequence holds beyond the last value that was compared nothing is known.
        if count > VALUES_MAX {
            continue;
        }
        let some = expected.get(..count);
        let value = match expected.first() {
            Some(first) if random.up_to(7) > 0 => *first,
            _ => random.bits() as u32 >> random.up_to(31),
        };
        assert_eq!(
            all_are(bytes, width, count, value),
            some.is_some_and(|some| some.iter().all(|found| *found == value)),
            "the first {count} are {value}"
        );
        if width == 1 {
            let expected = some.and_then(lists);
            assert_eq!(list_length(bytes, count), expected, "{count} levels");
        }
    }
    // However many values are asked for, what takes time are the bytes.
    let _ = all_are(bytes, width, usize::MAX >> random.up_to(63), 0);
    let _ = list_length(bytes, usize::MAX >> random.up_to(63));
    let far = usize::MAX >> random.up_to(63);
    assert_eq!(unpack(bytes, width, far), packed(bytes, width, far));
    let near = random.up_to(8 * bytes.len());
    assert_eq!(unpack(bytes, width, near), packed(bytes, width, near));
}

/// The first values of a sequence, as its runs give them.
fn expand(bytes: &[u8], width: u32, values: &mut Vec<u32>) {
    for run in Runs::new(bytes, width) {
        let room = VALUES_MAX - values.len();
        match run {
            Run::Repeated { count, value } => {
                assert!(count > 0);
                values.extend(std::iter::repeat_n(value, count.min(room)));
            }
            Run::Packed { bytes, count } => {
                let value = |index| unpack(bytes, width, index).expect("a value of the run");
                values.extend((0..count.min(room)).map(value));
            }
        }
    }
}

/// The first values of a sequence, one bit after another as the format describes them.
fn by_bits(bytes: &[u8], width: u32) -> Vec<u32> {
    let mut values = Vec::new();
    let mut at = 0;
    while width <= 32 && run_by_bits(bytes, width, &mut at, &mut values).is_some() {}
    values
}

/// Reads a run; `None` at the end, and where there is no run.
fn run_by_bits(bytes: &[u8], width: u32, at: &mut usize, values: &mut Vec<u32>) -> Option<()> {
    let (mut header, mut digits) = (0_u128, 0);
    loop {
        let byte = number(bytes, *at, 8)?;
        *at += 8;
        header |= u128::from(byte % 128) << (7 * digits);
        digits += 1;
        if byte < 128 {
            break;
        }
        if digits == 5 {
            return None;
        }
    }
    let length = header >> 1;
    if header >= 1 << 32 || length == 0 {
        return None;
    }
    if header & 1 == 0 {
        let stored = width.next_multiple_of(8);
        let value = number(bytes, *at, stored)?;
        *at += stored as usize;
        if u64::from(value) >= 1 << width {
            return None;
        }
        for _ in 0..length.min(VALUES_MAX as u128) {
            keep(values, value);
        }
        return Some(());
    }
    for index in 0..8 * length {
        // Without bits there may be billions.
        if width == 0 && index > VALUES_MAX as u128 {
            break;
        }
        // The end of the bytes is the end of the sequence.
        keep(values, number(bytes, *at, width)?);
        *at += width as usize;
    }
    Some(())
}

fn keep(values: &mut Vec<u32>, value: u32) {
    if values.len() < VALUES_MAX {
        values.push(value);
    }
}

/// The value at `index` of values of `width` bits.
fn packed(bytes: &[u8], width: u32, index: usize) -> Option<u32> {
    if width > 32 {
        return None;
    }
    number(bytes, index.checked_mul(width as usize)?, width)
}

/// The number in `width` bits from bit `at` on, the lowest first.
fn number(bytes: &[u8], at: usize, width: u32) -> Option<u32> {
    let end = at.checked_add(width as usize)?;
    if end > 8 * bytes.len() && width > 0 {
        return None;
    }
    let bit = |place: usize| u32::from(bytes[place / 8] >> (place % 8) & 1);
    Some((at..end).rev().fold(0, |sum, place| sum << 1 | bit(place)))
}

/// The length of lists that begin where a level is 0, if there are any and they have one.
fn lists(levels: &[u32]) -> Option<usize> {
    let starts: Vec<usize> = (0..levels.len()).filter(|i| levels[*i] == 0).collect();
    let length = *starts.get(1).unwrap_or(&levels.len());
    let whole = levels.len().is_multiple_of(length.max(1));
    let regular = starts.iter().enumerate().all(|(i, at)| *at == i * length);
    let all = starts.len() * length == levels.len();
    (!starts.is_empty() && whole && regular && all).then_some(length)
}

/// Writes runs of values that the bytes choose, in every way that the format allows, and reads them.
fn check_written(plan: &[u8], width: u32, random: &mut Random) {
    let mask = ((1_u64 << width) - 1) as u32;
    let (mut bytes, mut values) = (Vec::new(), Vec::new());
    for choice in plan.chunks(5) {
        let mut raw = [0; 4];
        raw[..choice.len() - 1].copy_from_slice(&choice[1..]);
        let value = u32::from_le_bytes(raw) & mask;
        let length = usize::from(choice[0] >> 1) + 1;
        if values.len() + 8 * length > VALUES_MAX {
            break;
        }
        if choice[0] & 1 == 0 {
            write_header((length << 1) as u32, &mut bytes);
            bytes.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
            values.extend(std::iter::repeat_n(value, length));
        } else {
            write_header((length << 1 | 1) as u32, &mut bytes);
            let group: Vec<u32> = (0..8 * length)
                .map(|_| random.bits() as u32 & mask)
                .collect();
            write_packed(&group, width, &mut bytes);
            values.extend(group);
        }
    }
    let mut found = Vec::new();
    expand(&bytes, width, &mut found);
    assert_eq!(found, values, "values just written");
}

fn write_header(mut header: u32, bytes: &mut Vec<u8>) {
    while header >= 128 {
        bytes.push((header % 128) as u8 | 128);
        header /= 128;
    }
    bytes.push(header as u8);
}

fn write_packed(values: &[u32], width: u32, bytes: &mut Vec<u8>) {
    let bits: Vec<u8> = values
        .iter()
        .flat_map(|value| (0..width).map(move |place| (value >> place & 1) as u8))
        .collect();
    bytes.extend(
        bits.chunks(8)
            .map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | bit)),
    );
}
