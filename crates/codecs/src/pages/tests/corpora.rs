//! Generated pages of the kinds that matter.

use crate::pages::PAGE_SIZE;
use crate::splitmix::Numbers;

/// Bytes of `length` of each kind, with a name.
pub(super) fn of_length(length: usize, seed: u64) -> Vec<(&'static str, Vec<u8>)> {
    let mut numbers = Numbers(seed);
    let words: Vec<Vec<u8>> = (0..64)
        .map(|_| {
            let letters = 2 + numbers.next() % 9;
            (0..letters)
                .map(|_| b'a' + (numbers.next() % 26) as u8)
                .collect()
        })
        .collect();
    let mut text = Vec::new();
    while text.len() < length {
        text.extend_from_slice(&words[(numbers.next() % 64 * (numbers.next() % 64) / 64) as usize]);
        text.push(b' ');
    }
    text.truncate(length);
    let random: Vec<u8> = (0..length).map(|_| numbers.next() as u8).collect();
    let skewed = (0..length)
        .map(|_| (numbers.next() % 16 * (numbers.next() % 16) / 16) as u8)
        .collect();
    // A short pattern, then runs of other periods.
    let period = 1 + (numbers.next() % 40) as usize;
    let mut periodic: Vec<u8> = (0..length).map(|at| random[at % period]).collect();
    for at in 0..periodic.len() / 97 {
        periodic[at * 97] ^= numbers.next() as u8;
    }
    let mut records = Vec::new();
    let mut row = 0_u64;
    while records.len() < length {
        row += 1 + numbers.next() % 3;
        records.extend_from_slice(&row.to_le_bytes());
        records.extend_from_slice(&[0; 6]);
        records.push((numbers.next() % 4) as u8);
    }
    records.truncate(length);
    vec![
        ("zeros", vec![0; length]),
        ("text", text),
        ("random", random),
        ("skewed", skewed),
        ("periodic", periodic),
        ("records", records),
    ]
}

/// Lengths around the places where code changes its way, up to a page.
pub(super) fn lengths() -> impl Iterator<Item = usize> {
    (0..=300).chain([511, 512, 513, 1000, 2048, 4031, 4095, PAGE_SIZE])
}
