//! Index files: any bytes, and good files with changed bytes whose checksums are made right again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ogive_fuzz::{Random, with_memory};
use ogive_index::MemoryRows;
use ogive_index::flat::{BuildOptions, FlatIndex, Measure, Scratch, Search};
use ogive_kernels::{Metric, Query, Rows};

const DIMENSION: usize = 6;
const ROWS: usize = 70;

fuzz_target!(|data: &[u8]| {
    let mut random = Random::of(data);
    let memory = (1 << 20) + 32 * data.len();
    with_memory("opening", memory, || {
        if let Err(error) = FlatIndex::open(data.to_vec()) {
            assert!(!error.to_string().is_empty());
        }
    });
    let values: Vec<f32> = (0..ROWS * DIMENSION)
        .map(|_| random.up_to(200) as f32 - 100.0)
        .collect();
    let rows = Rows::from_f32(&values, DIMENSION).expect("whole rows");
    let rows = MemoryRows::new(rows);
    let measure = [Measure::L2, Measure::InnerProduct, Measure::Cosine][random.up_to(2)];
    let built = FlatIndex::build(&rows, &BuildOptions::new(measure)).expect("a good table");
    let mut file = built.source().clone();
    // Each three bytes of the input change one of the file.
    for change in data.as_chunks::<3>().0 {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % file.len();
        file[at] ^= change[2];
    }
    mend(&mut file);
    let Ok(index) = FlatIndex::open(file) else {
        return;
    };
    let query = Query::new(
        [Metric::L2, Metric::InnerProduct, Metric::CosineDistance][random.up_to(2)],
        &[1.0, -2.0, 3.0, 0.5, 0.0, 100.0],
    );
    // The answer may be wrong, as the file lies; it must be an answer.
    let mut scratch = Scratch::default();
    for k in [1, 5, ROWS] {
        let _ = index.search_with(&Search::new(&query, k), &rows, &mut scratch);
    }
    let _ = index.audit(&query, &rows);
});

/// Makes checksums right: those of the sections where the header says they are, then the header's.
fn mend(file: &mut [u8]) {
    let number = |file: &[u8], at: usize, bytes: usize| -> Option<usize> {
        let bytes = file.get(at..at.checked_add(bytes)?)?;
        let number = bytes.iter().rev().fold(0_u64, |n, b| n << 8 | u64::from(*b));
        usize::try_from(number).ok()
    };
    let sections = number(file, 56, 4).unwrap_or(0).min(64);
    for section in 0..sections {
        let at = 64 + 24 * section;
        let place = number(file, at + 8, 8).zip(number(file, at + 16, 8));
        let range = place.and_then(|(start, bytes)| Some(start..start.checked_add(bytes)?));
        let Some(bytes) = range.and_then(|range| file.get(range)) else {
            continue;
        };
        let sum = crc32fast::hash(bytes).to_le_bytes();
        if let Some(place) = file.get_mut(at + 4..at + 8) {
            place.copy_from_slice(&sum);
        }
    }
    let Some(length) = number(file, 12, 4) else {
        return;
    };
    if let Some((body, sum)) = file
        .get_mut(..length)
        .and_then(|header| header.split_last_chunk_mut::<4>())
    {
        *sum = crc32fast::hash(body).to_le_bytes();
    }
}
