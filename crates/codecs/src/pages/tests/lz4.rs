use super::corpora;
use crate::Error;
use crate::pages::lz4::{
    Compressor, block_bytes_max, decompress_into_plainly, decompress_into_with, decompressed_bytes,
};
use crate::pages::{Backend, available_backends};
use crate::splitmix::Numbers;

/// A block that all decoders must bring back.
fn check_block(name: &str, block: &[u8], expected: &[u8]) {
    assert_eq!(decompressed_bytes(block).unwrap(), expected.len(), "{name}");
    let mut out = vec![0xee; expected.len()];
    decompress_into_plainly(block, &mut out).unwrap();
    assert!(out == expected, "{name}: plainly");
    for backend in available_backends() {
        out.fill(0xee);
        decompress_into_with(backend, block, &mut out).unwrap();
        assert!(out == expected, "{name}: {backend}");
    }
    assert!(
        lz4_flex::block::decompress(block, expected.len()).unwrap() == expected,
        "{name}: lz4_flex"
    );
}

fn check_value(compressor: &mut Compressor, name: &str, value: &[u8]) {
    let mut out = vec![0; block_bytes_max(value.len())];
    let fast = compressor.compress_into(value, &mut out).unwrap();
    check_block(
        &format!("{name}, {} bytes", value.len()),
        &out[..fast],
        value,
    );
    for level in [1, 4, 9, 12] {
        let bytes = compressor.search_into(level, value, &mut out).unwrap();
        let name = format!("{name}, {} bytes, level {level}", value.len());
        check_block(&name, &out[..bytes], value);
    }
    let theirs = lz4_flex::block::compress(value);
    check_block(
        &format!("{name}, {} bytes, theirs", value.len()),
        &theirs,
        value,
    );
}

#[test]
fn blocks_of_every_length_are_read_by_every_decoder() {
    let mut compressor = Compressor::new();
    for length in corpora::lengths() {
        for (name, value) in corpora::of_length(length, length as u64) {
            check_value(&mut compressor, name, &value);
        }
    }
}

#[test]
fn blocks_longer_than_the_window_are_read_by_every_decoder() {
    let mut compressor = Compressor::new();
    for length in [32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 200_000] {
        for (name, value) in corpora::of_length(length, 7) {
            check_value(&mut compressor, name, &value);
        }
    }
    // The same 70,000 bytes twice: farther back than a match can start.
    let mut value = corpora::of_length(70_000, 8).remove(2).1;
    value.extend_from_within(..);
    check_value(&mut compressor, "far", &value);
}

#[test]
fn a_level_that_searches_is_smaller_than_a_fast_block() {
    let mut compressor = Compressor::new();
    for (name, page) in corpora::of_length(4096, 5) {
        let mut out = vec![0; block_bytes_max(page.len())];
        let fast = compressor.compress_into(&page, &mut out).unwrap();
        let high = compressor.search_into(12, &page, &mut out).unwrap();
        let theirs = lz4_flex::block::compress(&page).len();
        assert!(
            high <= fast && high <= theirs,
            "{name}: {high}, {fast}, {theirs}"
        );
    }
}

#[test]
fn blocks_that_do_not_fit_are_none_and_nothing_is_written_past_the_end() {
    let mut compressor = Compressor::new();
    for (name, page) in corpora::of_length(4096, 6) {
        let mut out = vec![0; block_bytes_max(page.len())];
        let needed = compressor.compress_into(&page, &mut out).unwrap();
        for room in [
            0,
            1,
            5,
            12,
            40,
            needed - 1,
            needed,
            needed + 31,
            needed + 32,
            4096,
        ] {
            let mut out = vec![0; room];
            let made = compressor.compress_into(&page, &mut out);
            assert!(made.is_none_or(|made| made <= room), "{name}, {room}");
            assert!(made.is_some() || room < needed + 32, "{name}, {room}");
            let made = compressor.search_into(9, &page, &mut out);
            assert!(made.is_none_or(|made| made <= room), "{name}, {room}");
        }
    }
}

/// The limits of the format, which the reference decoder relies on.
#[test]
fn the_last_bytes_are_literals() {
    let mut compressor = Compressor::new();
    for length in 0..=64 {
        let value = vec![b'x'; length];
        let mut out = vec![0; block_bytes_max(length)];
        for level in 0..=12 {
            let bytes = match level {
                0 => compressor.compress_into(&value, &mut out),
                level => compressor.search_into(level, &value, &mut out),
            }
            .unwrap();
            if length < 13 {
                assert_eq!(bytes, 1 + length, "{length} bytes, level {level}");
                continue;
            }
            // One literal, one match, five literals.
            let tail = [&[0x50][..], &[b'x'; 5]].concat();
            assert!(
                out[..bytes].ends_with(&tail),
                "{length} bytes, level {level}"
            );
        }
    }
}

/// All decoders agree on whether bytes are a block and on what it becomes, whatever they are.
#[test]
fn hostile_blocks_are_refused_by_all_alike() {
    let mut numbers = Numbers(11);
    let mut compressor = Compressor::new();
    let mut accepted = 0;
    for round in 0..20_000 {
        let length = (numbers.next() % 700) as usize;
        let kinds = corpora::of_length(length.max(1), round);
        let (_, value) = &kinds[(numbers.next() % 6) as usize];
        let mut out = vec![0; block_bytes_max(value.len())];
        let bytes = compressor.compress_into(value, &mut out).unwrap();
        let mut block = out[..bytes].to_vec();
        for _ in 0..numbers.next() % 4 {
            let at = (numbers.next() % block.len() as u64) as usize;
            match numbers.next() % 4 {
                0 => block.truncate(at.max(1)),
                1 => block[at] = 0xff,
                2 => block[at] = 0,
                _ => block[at] ^= 1 << (numbers.next() % 8),
            }
        }
        let expected_bytes = match numbers.next() % 4 {
            0 => (numbers.next() % 800) as usize,
            _ => value.len(),
        };
        accepted += usize::from(check_hostile(&block, expected_bytes));
    }
    assert!(accepted > 1000, "{accepted}");
}

/// With a wall of known bytes after the output.
fn check_hostile(block: &[u8], bytes: usize) -> bool {
    let mut expected = vec![0; bytes];
    let plainly = decompress_into_plainly(block, &mut expected);
    for backend in available_backends() {
        let mut out = vec![0x5a; bytes + 64];
        let found = decompress_into_with(backend, block, &mut out[..bytes]);
        assert_eq!(found, plainly, "{backend}");
        assert!(out[bytes..].iter().all(|byte| *byte == 0x5a), "{backend}");
        if found.is_ok() {
            assert!(out[..bytes] == expected, "{backend}");
        }
    }
    plainly.is_ok()
}

#[test]
fn errors_say_where_and_what() {
    let mut out = [0; 20];
    let backend = Backend::best();
    let mut check = |block: &[u8], expected: Error| {
        assert_eq!(
            decompress_into_with(backend, block, &mut out),
            Err(expected)
        );
    };
    check(
        &[],
        Error::Short {
            what: "a token",
            offset: 0,
            found: 0,
            expected: 1,
        },
    );
    check(
        &[0x30, 1, 2],
        Error::Short {
            what: "literals",
            offset: 1,
            found: 2,
            expected: 3,
        },
    );
    check(
        &[0x10, 9, 2, 0, 0],
        Error::Bound {
            what: "distance of a match",
            offset: 2,
            found: 2,
            expected: Box::new(1..=1),
        },
    );
    check(
        &[0x1f, 9, 1, 0, 200, 0],
        Error::Bound {
            what: "length of a match",
            offset: 2,
            found: 219,
            expected: Box::new(4..=19),
        },
    );
    check(
        &[0x10, 9],
        Error::Length {
            found: 1,
            expected: 20,
        },
    );
}
