use super::corpora;
use crate::pages::same_fill::{fill, word_of_with};
use crate::pages::{Backend, available_backends};
use crate::splitmix::Numbers;

/// What the module's first paragraph says, byte by byte.
fn by_definition(bytes: &[u8]) -> bool {
    match bytes.len() {
        0 => false,
        1..=8 => bytes.iter().all(|byte| *byte == bytes[0]),
        _ => (8..bytes.len()).all(|at| bytes[at] == bytes[at - 8]),
    }
}

#[test]
fn every_back_end_finds_what_the_definition_says() {
    for backend in Backend::ALL {
        if !backend.is_available() {
            println!("skipped: {backend}");
        }
    }
    let mut numbers = Numbers(1);
    for length in corpora::lengths() {
        let word = numbers.next().to_le_bytes();
        let mut bytes = vec![0; length + 1];
        // At an odd address.
        fill(&word, &mut bytes[1..]);
        let mut cases = vec![bytes.clone()];
        for _ in 0..24 {
            let mut changed = bytes.clone();
            if length > 0 {
                changed[1 + (numbers.next() % length as u64) as usize] ^= 1 << (numbers.next() % 8);
            }
            cases.push(changed);
        }
        cases.push(vec![7; length + 1]);
        for case in cases {
            let case = &case[1..];
            let expected = by_definition(case);
            for backend in available_backends() {
                let found = word_of_with(backend, case);
                assert_eq!(found.is_some(), expected, "{backend}, {length} bytes");
                if let Some(word) = found {
                    let mut back = vec![0; length];
                    fill(&word, &mut back);
                    assert_eq!(back, case, "{backend}, {length} bytes");
                }
            }
        }
    }
}

#[test]
fn one_changed_byte_anywhere_in_a_page_is_seen() {
    let mut page = [0xab; 4096];
    for at in 0..page.len() {
        page[at] ^= 0x10;
        for backend in available_backends() {
            assert_eq!(word_of_with(backend, &page), None, "{backend}, byte {at}");
        }
        page[at] ^= 0x10;
    }
}
