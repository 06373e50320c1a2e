//! Files of the `.fvecs` family.

use super::*;

const VECS: [Format; 3] = [Format::Fvecs, Format::Bvecs, Format::Ivecs];

#[test]
fn extensions_name_formats() {
    for (extension, format) in [
        ("npy", Some(Format::Npy)),
        ("NPY", Some(Format::Npy)),
        ("fvecs", Some(Format::Fvecs)),
        ("bvecs", Some(Format::Bvecs)),
        ("ivecs", Some(Format::Ivecs)),
        ("npz", None),
        (".npy", None),
        ("", None),
    ] {
        assert_eq!(Format::from_extension(extension), format, "{extension}");
    }
}

#[test]
fn reads_layouts() {
    for (format, dtype) in [
        (Format::Fvecs, DType::F32),
        (Format::Bvecs, DType::U8),
        (Format::Ivecs, DType::I32),
    ] {
        let width = dtype.width();
        let file = vecs_file(&vec![(3, vec![1; 3 * width]); 5]);
        let layout = open("t.vecs", format, &file).unwrap();
        assert_eq!((layout.dtype, layout.rows, layout.dimension), (dtype, 5, 3));
        assert_eq!(
            (layout.row_stride, layout.row_header_bytes),
            (4 + 3 * width as u64, 4)
        );
        assert_eq!(
            (layout.data_offset, layout.is_vector, layout.big_endian),
            (0, true, false)
        );
        assert_eq!(
            layout.row_range(1..3),
            layout.row_stride..3 * layout.row_stride
        );
        assert_eq!(
            layout.row_range(4..99),
            4 * layout.row_stride..5 * layout.row_stride
        );
        assert!(layout.row_range(7..99).is_empty());
        layout.check_rows(&file, 0..5).unwrap();
    }
}

#[test]
fn no_bytes_are_an_error_and_no_values_are_fine() {
    for format in VECS {
        let error = open("t.vecs", format, &[]).unwrap_err().to_string();
        assert!(
            error.starts_with("t.vecs: row 0 at byte 0 has 0 bytes"),
            "{error}"
        );
        let file = vecs_file(&vec![(0, vec![]); 6]);
        let hollow = open("t.vecs", format, &file).unwrap();
        assert_eq!((hollow.rows, hollow.dimension), (6, 0));
        hollow.copy_rows(&file, 0..6, &mut []).unwrap();
    }
}

#[test]
fn every_truncation_is_an_error_or_fewer_rows() {
    let file = vecs_file(&vec![(3, vec![1; 12]); 4]);
    for length in 0..file.len() {
        let found = open("t.fvecs", Format::Fvecs, &file[..length]);
        match length % 16 {
            0 if length > 0 => assert_eq!(found.unwrap().rows, length as u64 / 16),
            rest => {
                let error = found.unwrap_err();
                let expected_row_bytes = if length < 4 { 4 } else { 16 };
                assert!(
                    matches!(&error, Error::PartialRow { row, offset, found, expected, .. }
                        if *row == length as u64 / 16 && *offset == row * 16
                        && *found == rest as u64 && *expected == expected_row_bytes),
                    "{length}: {error}"
                );
            }
        }
    }
}

#[test]
fn hostile_dimensions_are_errors() {
    for format in VECS {
        for dimension in [-1, i32::MIN] {
            let file = vecs_file(&[(dimension, vec![0; 64])]);
            let error = open("t.vecs", format, &file).unwrap_err();
            assert!(
                matches!(error, Error::BadDimension { offset: 0, found, .. } if found == dimension)
            );
        }
        let file = vecs_file(&[(i32::MAX, vec![0; 64])]);
        let error = open("t.vecs", format, &file).unwrap_err();
        assert!(
            matches!(
                error,
                Error::PartialRow {
                    row: 0,
                    found: 68,
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn a_row_of_another_dimension_is_named() {
    for other in [2, 4, 0, -3, i32::MAX, i32::MIN] {
        let mut rows = vec![(3, vec![9; 12]); 5];
        rows[3].0 = other;
        let file = vecs_file(&rows);
        let layout = open("t.fvecs", Format::Fvecs, &file).unwrap();
        let mut out = vec![0; 60];
        for error in [
            layout.check_rows(&file, 0..5).unwrap_err(),
            layout.copy_rows(&file, 0..5, &mut out).unwrap_err(),
            layout.check_rows(&file[48..64], 3..4).unwrap_err(),
        ] {
            let Error::RowDimension {
                row,
                offset,
                found,
                expected,
                ..
            } = &error
            else {
                panic!("{error}");
            };
            assert_eq!((*row, *offset, *found, *expected), (3, 48, other, 3));
            assert!(
                error.to_string().starts_with("t.fvecs: row 3 at byte 48"),
                "{error}"
            );
        }
        layout.check_rows(&file[..48], 0..3).unwrap();
    }
    let hollow = vecs_file(&[(0, vec![]), (0, vec![]), (1, vec![])]);
    let layout = open("t.fvecs", Format::Fvecs, &hollow).unwrap();
    assert!(layout.copy_rows(&hollow, 0..3, &mut []).is_err());
}
