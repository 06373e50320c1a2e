//! Rows copied out of a file, against a copy made a value at a time.

use super::*;

/// The slow twin of `copy_rows`: finds each value on its own and turns it around byte by byte.
fn copy_slowly(layout: &ArrayLayout, file: &[u8], rows: Range<u64>) -> Vec<u8> {
    let width = layout.dtype.width();
    let mut out = Vec::new();
    for row in rows {
        for column in 0..layout.dimension {
            let start = layout.data_offset + row * layout.row_stride + layout.row_header_bytes;
            let start = start as usize + column * width;
            for byte in 0..width {
                let byte = if layout.big_endian {
                    width - 1 - byte
                } else {
                    byte
                };
                out.push(file[start + byte]);
            }
        }
    }
    out
}

fn compare(layout: &ArrayLayout, file: &[u8], rows: Range<u64>) {
    let bytes = piece(file, layout.row_range(rows.clone()));
    let count = (rows.end - rows.start) as usize * layout.dimension * layout.dtype.width();
    let mut out = vec![0xaa; count];
    layout.check_rows(bytes, rows.clone()).unwrap();
    layout.copy_rows(bytes, rows.clone(), &mut out).unwrap();
    assert_eq!(
        out,
        copy_slowly(layout, file, rows.clone()),
        "{layout:?} {rows:?}"
    );
}

#[test]
fn generated_npy_files_round_trip() {
    let seed = 0x6e70_7902;
    println!("seed {seed:#x}");
    let mut random = SplitMix64(seed);
    for case in 0..2_000 {
        let dtype = DTYPES[random.below(12) as usize];
        let (rows, dimension) = (random.below(9), random.below(40) as usize);
        let values = random.bytes(rows as usize * dimension * dtype.width());
        let mut file = npy_header(dtype, rows, dimension);
        let big_endian = case % 2 == 1 && dtype.width() > 1;
        if big_endian {
            let mark = file.iter().position(|&byte| byte == b'<').unwrap();
            file[mark] = b'>';
        }
        file.extend(&values);
        let layout = open("t.npy", Format::Npy, &file).unwrap();
        assert_eq!((layout.rows, layout.dimension), (rows, dimension));
        assert_eq!((layout.dtype, layout.big_endian), (dtype, big_endian));
        if !big_endian {
            assert_eq!(copy_slowly(&layout, &file, 0..rows), values);
        }
        let start = random.below(rows + 1);
        compare(&layout, &file, 0..rows);
        compare(&layout, &file, start..rows);
        compare(&layout, &file, start..start);
    }
}

#[test]
fn generated_vecs_files_round_trip() {
    let seed = 0x6e70_7903;
    println!("seed {seed:#x}");
    let mut random = SplitMix64(seed);
    for _ in 0..2_000 {
        let format = [Format::Fvecs, Format::Bvecs, Format::Ivecs][random.below(3) as usize];
        let width = if format == Format::Bvecs { 1 } else { 4 };
        let (count, dimension) = (1 + random.below(9), random.below(40) as i32);
        let rows: Vec<_> = (0..count)
            .map(|_| (dimension, random.bytes(dimension as usize * width)))
            .collect();
        let file = vecs_file(&rows);
        let layout = open("t.vecs", format, &file).unwrap();
        assert_eq!((layout.rows, layout.dimension), (count, dimension as usize));
        let values: Vec<u8> = rows.into_iter().flat_map(|(_, values)| values).collect();
        assert_eq!(copy_slowly(&layout, &file, 0..count), values);
        let start = random.below(count + 1);
        compare(&layout, &file, 0..count);
        compare(&layout, &file, start..count);
    }
}

#[test]
fn big_endian_values_come_out_little_endian() {
    let mut file = npy_file(
        1,
        b"{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}",
        0,
    );
    file.extend(1.5f32.to_be_bytes());
    file.extend((-2.25f32).to_be_bytes());
    let layout = open("t.npy", Format::Npy, &file).unwrap();
    let mut out = [0; 8];
    layout
        .copy_rows(piece(&file, layout.row_range(0..2)), 0..2, &mut out)
        .unwrap();
    assert_eq!(out[..4], 1.5f32.to_le_bytes());
    assert_eq!(out[4..], (-2.25f32).to_le_bytes());
}

#[test]
fn arguments_that_do_not_fit_are_errors() {
    let file = vecs_file(&vec![(3, vec![9; 12]); 5]);
    let layout = open("t.fvecs", Format::Fvecs, &file).unwrap();
    let mut out = vec![0; 60];
    let wrong_way = Range { start: 3, end: 2 };
    for rows in [0..6, 6..6, wrong_way, 0..u64::MAX, u64::MAX..u64::MAX] {
        let error = layout.copy_rows(&file, rows.clone(), &mut out).unwrap_err();
        assert!(matches!(
            error,
            Error::RowsOutOfRange {
                expected: 5,
                offset: 80,
                ..
            }
        ));
        assert_eq!(layout.check_rows(&file, rows.clone()), Err(error));
        let range = layout.row_range(rows);
        assert!(range.start <= range.end && range.end <= 80);
    }
    for (bytes, out_bytes) in [(79, 60), (64, 60), (80, 59), (80, 61), (80, 0)] {
        let error = layout
            .copy_rows(&file[..bytes], 0..5, &mut vec![0; out_bytes])
            .unwrap_err();
        assert!(
            matches!(error, Error::WrongLength { offset: 0, .. }),
            "{error}"
        );
    }
}

/// The fields are public: whatever is put into them must end in an error at worst.
#[test]
fn fields_changed_by_a_caller_do_not_panic() {
    let file = vecs_file(&vec![(3, vec![9; 12]); 5]);
    let layout = open("t.fvecs", Format::Fvecs, &file).unwrap();
    let mut wide = layout.clone();
    (wide.row_header_bytes, wide.dimension, wide.row_stride) = (0, 1, 12);
    let error = wide.copy_rows(&file[..12], 0..1, &mut [0; 4]).unwrap_err();
    assert!(
        matches!(
            error,
            Error::WrongLength {
                found: 12,
                expected: 4,
                ..
            }
        ),
        "{error}"
    );

    let seed = 0x6e70_7904;
    println!("seed {seed:#x}");
    let mut random = SplitMix64(seed);
    for _ in 0..20_000 {
        let mut bent = layout.clone();
        let mut value = || [0, 1, 3, 4, 12, 16, 1 << 40, u64::MAX][random.below(8) as usize];
        bent.rows = value();
        bent.dimension = value() as usize;
        bent.data_offset = value();
        bent.row_stride = value();
        bent.row_header_bytes = value();
        bent.big_endian = value() > 4;
        let rows = value()..value();
        let range = bent.row_range(rows.clone());
        assert!(range.start <= range.end);
        let bytes = &file[..(value() as usize).min(80)];
        let mut out = vec![0; (value() as usize).min(60)];
        let checked = bent.check_rows(bytes, rows.clone());
        let copied = bent.copy_rows(bytes, rows, &mut out);
        assert!(copied.is_err() || checked.is_ok());
    }
}

#[test]
fn rows_in_fortran_order_are_put_together() {
    for (descr, width, big_endian) in [("<f4", 4, false), (">i2", 2, true), ("|u1", 1, false)] {
        for (rows, dimension) in [(2_usize, 3_usize), (7, 2), (5, 5)] {
            let text = format!(
                "{{'descr': '{descr}', 'fortran_order': True, 'shape': ({rows}, {dimension}), }}"
            );
            let mut file = b"\x93NUMPY\x01\x00".to_vec();
            file.extend((text.len() as u16).to_le_bytes());
            file.extend(text.as_bytes());
            let data: Vec<u8> = (0..rows * dimension * width)
                .map(|byte| byte as u8)
                .collect();
            file.extend(&data);
            let mut reader = LayoutReader::new("f.npy", Format::Npy, file.len() as u64);
            assert!(matches!(reader.next(), Ok(Progress::Need(_))));
            let mut reader =
                LayoutReader::new("f.npy", Format::Npy, file.len() as u64).with_fortran_order();
            let layout = loop {
                match reader.next().unwrap() {
                    Progress::Need(range) => {
                        reader.feed(range.clone(), piece(&file, range)).unwrap()
                    }
                    Progress::Done(layout) => break layout,
                }
            };
            assert!(layout.is_fortran_order());
            for (start, end) in [(0, rows), (1, rows), (1, 1), (0, 1)] {
                let mut out = vec![0xaa; (end - start) * dimension * width];
                let wanted = start as u64..end as u64;
                layout.gather_rows(&data, wanted, &mut out).unwrap();
                let mut expected = Vec::new();
                for row in start..end {
                    for column in 0..dimension {
                        let at = (column * rows + row) * width;
                        let mut value = data[at..at + width].to_vec();
                        if big_endian {
                            value.reverse();
                        }
                        expected.extend(value);
                    }
                }
                assert_eq!(
                    out, expected,
                    "{descr} {rows} x {dimension}, {start}..{end}"
                );
            }
            let mut short = vec![0; width];
            assert!(
                layout
                    .gather_rows(&data, 0..rows as u64, &mut short)
                    .is_err()
            );
            assert!(layout.gather_rows(&data[1..], 0..1, &mut short).is_err());
        }
    }
}
