//! `.npy` files cut, bent and fed wrongly.

use super::*;

#[test]
fn every_truncation_is_an_error() {
    for major in [1, 2, 3] {
        let text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
        let file = npy_file(major, text, 24);
        assert!(open("t.npy", Format::Npy, &file).is_ok());
        for length in 0..file.len() {
            let error = open("t.npy", Format::Npy, &file[..length]).unwrap_err();
            assert!(matches!(error, Error::Truncated { found, .. } if found == length as u64));
        }
    }
}

#[test]
fn bent_headers_never_panic_or_reach_past_the_file() {
    let seed = 0x6e70_7901;
    println!("seed {seed:#x}");
    let mut random = SplitMix64(seed);
    let mut whole = npy_header(DType::F32, 5, 3);
    whole.resize(whole.len() + 60, 7);
    let words: [&[u8]; 8] = [
        b"(",
        b")",
        b",",
        b"'",
        b"99999999999999999999",
        b"True",
        b"0",
        b"L",
    ];
    let check = |file: &[u8]| {
        if let Ok(layout) = open("t.npy", Format::Npy, file) {
            let range = layout.row_range(0..layout.rows);
            assert!(range.end <= file.len() as u64, "{layout:?}");
        }
    };
    for at in 0..whole.len() {
        for byte in 0..=255 {
            let mut file = whole.clone();
            file[at] = byte;
            check(&file);
        }
    }
    for _ in 0..20_000 {
        let mut file = whole.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(90) as usize;
            let word = words[random.below(8) as usize];
            file[at..at + word.len()].copy_from_slice(word);
        }
        check(&file);
    }
}

#[test]
fn feeding_is_checked() {
    let file = npy_header(DType::F32, 0, 3);
    let mut reader = LayoutReader::new("t.npy", Format::Npy, 128);
    assert_eq!(reader.next().unwrap(), Progress::Need(0..128));
    let short = reader.feed(0..127, &file[..127]).unwrap_err();
    assert!(matches!(short, Error::WrongRange { offset: 0, .. }));
    assert!(reader.feed(1..128, &file[1..]).is_err());
    let length = reader.feed(0..128, &file[..100]).unwrap_err();
    assert!(matches!(
        length,
        Error::WrongLength {
            found: 100,
            expected: 128,
            ..
        }
    ));
    assert_eq!(reader.next().unwrap(), Progress::Need(0..128));
    // More than was asked for is fine, and so is feeding after the end.
    let mut more = file.clone();
    more.extend([1, 2, 3]);
    reader.feed(0..131, &more).unwrap();
    assert!(matches!(reader.next().unwrap(), Progress::Done(_)));
    reader.feed(0..131, &more).unwrap();
    reader.feed(100..131, &more[100..]).unwrap();
    assert!(matches!(reader.next().unwrap(), Progress::Done(_)));
}
