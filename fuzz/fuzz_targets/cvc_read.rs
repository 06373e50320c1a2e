//! Everything behind the header of a CVC file: the input is a header's text and payloads, put together so that lengths and
//! checksums are right and decoders get to see the payloads.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use ogive_cvc::{ErrorKind, Layout, Version, open_slice, read_all_f32, upgrade};
use ogive_fuzz::{Random, assemble, assert_same_f32, settle, with_memory};

fuzz_target!(|data: &[u8]| {
    let mut file = assemble(data);
    if settle(&mut file).is_none() {
        return;
    }
    let layout = open_slice("fuzz.cvc", &file).expect("lengths and checksums were made right");
    let mut random = Random::of(data);
    let columns: Vec<Option<Vec<f32>>> = (0..layout.columns().len())
        .map(|column| read_column(&layout, &file, column, &mut random))
        .collect();
    if layout.version() == Version::V0 {
        check_upgrade(&layout, &file, &columns);
    }
});

/// The column's values, when they can be had, compared with those that are read a chunk and some rows at a time.
fn read_column(
    layout: &Layout,
    file: &[u8],
    column: usize,
    random: &mut Random,
) -> Option<Vec<f32>> {
    let whole = with_memory("reading a column", (1 << 16) + 64 * file.len(), || {
        read_all_f32(layout, file, column)
    });
    let dimension = layout.columns()[column].dimension;
    let mut values = Vec::new();
    let mut good = true;
    for (index, chunk) in layout.chunks().iter().enumerate() {
        let record = layout.record_range(index).expect("a place");
        let record = &file[record.start as usize..record.end as usize];
        let payload = layout.check_record(index, record).expect("a good record");
        let bytes = layout
            .column_bytes(index, column, payload)
            .expect("inside the payload");
        let rows = chunk.rows as usize;
        let mut all = vec![0.0; rows * dimension];
        let decoded = layout.decode_f32(index, column, bytes, 0..rows, &mut all);
        for _ in 0..4 {
            let end = random.up_to(rows);
            let start = random.up_to(end);
            let mut some = vec![0.0; (end - start) * dimension];
            let part = layout.decode_f32(index, column, bytes, start..end, &mut some);
            if decoded.is_ok() {
                part.expect("rows of a good chunk");
                let expected = &all[start * dimension..end * dimension];
                assert_same_f32("rows of a chunk", &some, expected);
            }
        }
        // Neither rows that are not there nor bytes that are cut may do more than fail.
        let _ = layout.decode_f32(index, column, bytes, rows..rows + 1, &mut all);
        let cut = &bytes[..random.up_to(bytes.len())];
        if decoded.is_ok() && cut.len() < bytes.len() && !all.is_empty() {
            let mut other = vec![0.0; all.len()];
            let error = layout.decode_f32(index, column, cut, 0..rows, &mut other);
            assert!(
                error.is_err(),
                "decoded {} of {} bytes",
                cut.len(),
                bytes.len()
            );
        }
        match decoded {
            Ok(()) => values.extend(all),
            Err(error) => {
                let _ = error.to_string();
                good = false;
                break;
            }
        }
    }
    assert_eq!(whole.is_ok(), good, "all chunks decode alone, or not");
    let whole = whole.ok()?;
    assert_same_f32("chunk by chunk", &values, &whole);
    Some(whole)
}

/// A file without a version must hold the same after it was given one.
fn check_upgrade(layout: &Layout, file: &[u8], columns: &[Option<Vec<f32>>]) {
    let mut upgraded = Vec::new();
    match upgrade("fuzz.cvc", &mut Cursor::new(file), &mut upgraded) {
        Ok(()) => {}
        // Stored places are those of the file that they are in.
        Err(error) if layout.mmap_optimized() => {
            assert_eq!(error.kind(), ErrorKind::BadHeader, "{error}");
            return;
        }
        Err(error) => panic!("upgrading a good file: {error}"),
    }
    let newer = open_slice("upgraded.cvc", &upgraded).expect("an upgraded file");
    assert_ne!(newer.version(), Version::V0);
    assert_eq!(newer.rows(), layout.rows());
    assert_eq!(newer.columns(), layout.columns());
    for (column, values) in columns.iter().enumerate() {
        let back = read_all_f32(&newer, &upgraded, column);
        match values {
            Some(values) => assert_same_f32("upgraded", &back.expect("good values"), values),
            None => assert!(back.is_err(), "damage is gone after an upgrade"),
        }
    }
}
