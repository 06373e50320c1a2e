//! Damaged files.

use ogive_kernels::{Encoding, Metric, Query};

use super::data::{Flavour, Random, table, values};
use crate::FileError;
use crate::flat::{BuildOptions, FlatIndex, MappedFile, Measure, Search, build_file};

fn file(measure: Measure) -> Vec<u8> {
    let mut random = Random(1);
    let rows = values(Flavour::Odd, 200, 12, &mut random);
    let table = table(&rows, 12, Encoding::F32, None);
    let index = FlatIndex::build(&table.rows(), &BuildOptions::new(measure)).unwrap();
    index.source().clone()
}

#[test]
fn every_changed_byte_is_noticed() {
    let good = file(Measure::L2);
    let index = FlatIndex::open(good.clone()).unwrap();
    assert_eq!((index.rows(), index.dimension()), (200, 12));
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        if let Err(error) = FlatIndex::open(bad.clone()) {
            assert!(!error.to_string().is_empty());
            continue;
        }
        // Between sections nothing is read.
        assert_eq!(good[at], 0, "byte {at} may be anything");
    }
}

#[test]
fn every_cut_file_is_refused() {
    let good = file(Measure::Cosine);
    for length in 0..good.len() {
        let error = FlatIndex::open(good[..length].to_vec()).unwrap_err();
        let named = matches!(
            error,
            FileError::Truncated { .. } | FileError::NotAnIndex { .. }
        );
        assert!(named, "{length}: {error}");
    }
}

#[test]
fn errors_say_what_was_found() {
    let good = file(Measure::L2);
    let with = |at: usize, byte: u8| {
        let mut bad = good.clone();
        bad[at] = byte;
        FlatIndex::open(bad).unwrap_err().to_string()
    };
    assert_eq!(
        with(8, 7),
        "index: byte 8: format version 7 is not supported, expected 1; build the index again"
    );
    assert!(with(0, b'X').contains("not such an ogive index: it starts with XGVFLAT"));
    assert!(with(30, 1).contains("the header at byte 0: checksum"));
    let error = FlatIndex::open(good[..1000].to_vec())
        .unwrap_err()
        .to_string();
    assert!(error.contains("it is cut short"), "{error}");
}

#[test]
fn a_mapped_file_answers_as_memory_does() {
    let mut random = Random(1);
    let rows = values(Flavour::Odd, 200, 12, &mut random);
    let table = table(&rows, 12, Encoding::F32, None);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docs.flat");
    std::fs::write(&path, file(Measure::L2)).unwrap();
    let mapped = FlatIndex::open(MappedFile::open(&path).unwrap()).unwrap();
    let memory = FlatIndex::open(file(Measure::L2)).unwrap();
    let query = Query::new(Metric::L2, &rows[36..48]);
    let search = Search::new(&query, 5);
    let found = mapped.search(&search, &table.rows()).unwrap();
    assert_eq!(found, memory.search(&search, &table.rows()).unwrap());
    assert!(mapped.memory_bytes() < 100_000);
}

#[test]
fn files_appear_whole_under_the_name_of_their_content() {
    let mut random = Random(1);
    let rows = values(Flavour::Odd, 200, 12, &mut random);
    let table = table(&rows, 12, Encoding::F32, None);
    let folder = tempfile::tempdir().unwrap();
    let names = || {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<Vec<_>>()
    };
    let stop = |_| false;
    let options = BuildOptions {
        progress: Some(&stop),
        ..BuildOptions::new(Measure::L2)
    };
    assert!(build_file(&table.rows(), &options, folder.path()).is_err());
    assert!(
        names().is_empty(),
        "a build that was stopped leaves nothing"
    );
    let options = BuildOptions::new(Measure::L2);
    let first = build_file(&table.rows(), &options, folder.path()).unwrap();
    let second = build_file(&table.rows(), &options, folder.path()).unwrap();
    assert_eq!(first, second);
    assert_eq!(names(), [first.name]);
    assert!(std::fs::read(&first.path).unwrap() == file(Measure::L2));
    FlatIndex::open(MappedFile::open(&first.path).unwrap()).unwrap();
}
