//! `.npy` headers: those that NumPy writes, those it accepts, and those that nobody should.

use super::*;

#[test]
fn writes_what_numpy_writes() {
    // numpy 2.4.6, numpy.lib.format.write_array_header_1_0
    let text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (100000, 384), }";
    let mut expected = b"\x93NUMPY\x01\x00v\x00".to_vec();
    expected.extend(text);
    expected.resize(127, b' ');
    expected.push(b'\n');
    assert_eq!(npy_header(DType::F32, 100_000, 384), expected);
}

#[test]
fn written_headers_have_one_length_and_read_back() {
    for dtype in DTYPES {
        for dimension in [0, 1, 384, i32::MAX as usize] {
            for rows in [0, 1, 9, 10, 12_345, u64::MAX] {
                let header = npy_header(dtype, rows, dimension);
                assert_eq!(header.len(), NPY_HEADER_BYTES);
                assert_eq!(header.last(), Some(&b'\n'));
            }
        }
        let layout = open("t.npy", Format::Npy, &npy_header(dtype, 0, 384)).unwrap();
        assert_eq!(
            (layout.dtype, layout.rows, layout.dimension),
            (dtype, 0, 384)
        );
        assert_eq!(layout.row_stride, 384 * dtype.width() as u64);
        assert_eq!((layout.is_vector, layout.big_endian), (true, false));
    }
    assert_eq!(
        npy_header(DType::F64, u64::MAX, usize::MAX).len(),
        NPY_HEADER_BYTES
    );
}

#[test]
fn reads_all_versions_and_long_padding() {
    let short = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
    // 5,000 passes the first probe; 65,535 is the longest that is read.
    for length in [short.len(), 5_000, 65_535] {
        let text = format!("{short:length$}");
        for major in [1, 2, 3] {
            let file = npy_file(major, text.as_bytes(), 24);
            let layout = open("t.npy", Format::Npy, &file).unwrap();
            let start = if major == 1 { 10 } else { 12 };
            assert_eq!(layout.data_offset, start + length as u64);
            assert_eq!((layout.rows, layout.dimension), (2, 3));
        }
    }
}

#[test]
fn reads_every_spelling() {
    for (text, data_bytes, expected) in [
        (
            "{'descr':'<f4','fortran_order':False,'shape':(2,3)}",
            24,
            (DType::F32, false, 2, 3, true),
        ),
        (
            "{\"shape\": (2, 3,), \"descr\": \"<f2\", \"fortran_order\": False}",
            12,
            (DType::F16, false, 2, 3, true),
        ),
        (
            " {\t'descr' : '>f8',\r\n'fortran_order':False , 'shape':( 2 , 3 ) } \n",
            48,
            (DType::F64, true, 2, 3, true),
        ),
        (
            "{'descr': '=i4', 'fortran_order': False, 'shape': (5,), }",
            20,
            (DType::I32, false, 5, 1, false),
        ),
        (
            "{'descr': 'u2', 'fortran_order': False, 'shape': (5L, 2L), }",
            20,
            (DType::U16, false, 5, 2, true),
        ),
        (
            "{'descr': '>u1', 'fortran_order': False, 'shape': (5, 2), }",
            10,
            (DType::U8, false, 5, 2, true),
        ),
        (
            "{'descr': '|b1', 'fortran_order': True, 'shape': (5,), }",
            5,
            (DType::Bool, false, 5, 1, false),
        ),
        (
            "{'descr': '<i8', 'fortran_order': True, 'shape': (1, 4), }",
            32,
            (DType::I64, false, 1, 4, true),
        ),
        (
            "{'descr': '<u8', 'fortran_order': True, 'shape': (4, 1), }",
            32,
            (DType::U64, false, 4, 1, true),
        ),
        (
            "{'descr': '>i2', 'fortran_order': True, 'shape': (0, 4), }",
            0,
            (DType::I16, true, 0, 4, true),
        ),
        (
            "{'descr': '|i1', 'fortran_order': False, 'shape': (4, 0), }",
            0,
            (DType::I8, false, 4, 0, true),
        ),
        (
            "{'descr': '<u4', 'fortran_order': False, 'shape': (0,), }",
            0,
            (DType::U32, false, 0, 1, false),
        ),
        // Trailing bytes are another array behind this one, as numpy.save leaves when called twice.
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
            100,
            (DType::F32, false, 2, 3, true),
        ),
    ] {
        let layout = open_text(text, data_bytes).unwrap_or_else(|error| panic!("{text}: {error}"));
        let found = (
            layout.dtype,
            layout.big_endian,
            layout.rows,
            layout.dimension,
            layout.is_vector,
        );
        assert_eq!(found, expected, "{text}");
        assert_eq!(layout.row_header_bytes, 0);
        assert_eq!(layout.data_offset, 10 + text.len() as u64);
    }
}

/// The message must name the file and the offset, besides the given words.
fn refuse(text: &str, offset: u64, words: &[&str]) {
    let message = open_text(text, 64).expect_err(text).to_string();
    assert!(message.starts_with("t.npy: "), "{message}");
    assert!(
        message.contains(&format!("byte {offset}")),
        "{text}: {message}"
    );
    for word in words {
        assert!(message.contains(word), "{text}: {message} lacks {word}");
    }
}

#[test]
fn refuses_arrays_it_cannot_read_by_name() {
    for (descr, meaning) in [
        ("'|O'", "pickled Python objects"),
        ("'|S10'", "byte strings"),
        ("'<U5'", "text"),
        ("'|V2'", "raw bytes"),
        ("'<c8'", "complex numbers"),
        ("'<M8[ns]'", "dates"),
        ("'<m8[s]'", "time spans"),
        ("'<f16'", "floats of a width"),
        ("'<i3'", "integers of a width"),
        ("''", "not known"),
        ("'<'", "not known"),
        ("'\u{e9}f4'", "not known"),
        ("[('a', '<f4'), ('b', '<i4')]", "structures"),
        ("('<f4', (2,))", "structures"),
    ] {
        let offset = if descr.starts_with('\'') { 21 } else { 20 };
        let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (2, 3), }}");
        refuse(&text, offset, &[meaning]);
    }
    for shape in ["()", "(1, 2, 3)", "(0, 0, 0, 0)"] {
        let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
        refuse(&text, 60, &[shape, "expected one axis"]);
    }
    let fortran = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
    refuse(
        fortran,
        44,
        &["(2, 3)", "Fortran order", "expected C order"],
    );
}

#[test]
fn refuses_hostile_headers() {
    let deep = format!("{{'descr': {}", "[".repeat(60_000));
    for (text, offset, words) in [
        ("", 10, ["the header's end", "'{'"]),
        ("   ", 13, ["the header's end", "'{'"]),
        ("{", 11, ["the header's end", "a key"]),
        ("{}", 10, ["{}", "an entry 'descr'"]),
        ("[]", 10, ["[]", "'{'"]),
        (
            "{'descr': '<f4', 'shape': (2, 3)}",
            10,
            ["shape", "an entry 'fortran_order'"],
        ),
        (
            "{'descr': '<f4', 'fortran_order': False}",
            10,
            ["fortran", "an entry 'shape'"],
        ),
        (
            "{'descr': '<f4', 'descr': '<f4'}",
            28,
            ["descr", "each key once"],
        ),
        ("{'descr': '<f4', 'evil': 1}", 28, ["evil", "the key"]),
        (
            "{'descr': '<f4' 'fortran_order': False}",
            26,
            ["fortran", "',' or '}'"],
        ),
        ("{'descr' '<f4'}", 19, ["<f4", "':'"]),
        ("{,}", 11, [",}", "a key"]),
        ("{'descr': '<f4',, }", 26, [", }", "a key"]),
        ("{'descr': '<f4}", 20, ["<f4", "a string on one line"]),
        ("{'descr': '<f\\x34'}", 20, ["<f", "without a backslash"]),
        (
            "{'descr': __import__('os').system('x')}",
            20,
            ["__import__", "a type such as"],
        ),
        ("{'fortran_order': 1}", 28, ["1}", "True or False"]),
        ("{'fortran_order': Falsey}", 33, ["y}", "',' or '}'"]),
        ("{'shape': (3)}", 20, ["(3)", "a tuple"]),
        ("{'shape': [3]}", 20, ["[3]", "a tuple"]),
        ("{'shape': (,)}", 21, [",)", "an integer"]),
        ("{'shape': (3 4)}", 23, ["4)", "',' or ')'"]),
        ("{'shape': (-1, 4)}", 21, ["-1", "zero or more"]),
        ("{'shape': (3.0, 4)}", 22, [".0", "',' or ')'"]),
        ("{'shape': (03, 4)}", 21, ["03", "leading zeros"]),
        (
            "{'shape': (18446744073709551616, 4)}",
            21,
            ["18446744073709551616", "64 bits"],
        ),
        ("{'shape': (3, 4}", 25, ["}", "',' or ')'"]),
        ("{'shape': (3, 4,", 26, ["the header's end", "an integer"]),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
            66,
            ["x", "nothing after"],
        ),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}\0",
            65,
            ["\\x00", "nothing after"],
        ),
        (&deep, 20, ["[[[", "structures"]),
    ] {
        refuse(text, offset, &words);
    }
}

#[test]
fn claims_beyond_the_file_are_errors() {
    for (shape, expected) in [
        ("(3, 4)", "48 bytes"),
        ("(9223372036854775807, 2147483647)", "bytes to hold"),
        ("(9223372036854775807,)", "bytes to hold"),
    ] {
        let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
        let error = open_text(&text, 47).unwrap_err();
        let Error::Truncated {
            offset,
            found,
            expected: needed,
            ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!(
            (*offset, *found),
            (10 + text.len() as u64, 57 + text.len() as u64)
        );
        assert!(*needed > u128::from(*found));
        if expected.starts_with("48") {
            assert_eq!(*needed, u128::from(*offset) + 48);
        }
    }
    for (shape, words) in [
        (
            "(9223372036854775808, 0)",
            "at most 9223372036854775807 rows",
        ),
        ("(0, 2147483648)", "at most 2147483647 values"),
        ("(0, 18446744073709551615)", "at most 2147483647 values"),
    ] {
        let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
        refuse(&text, 60, &[shape, words]);
    }
}

#[test]
fn magic_version_and_length_are_checked() {
    let name = "a.npy";
    let read = |file: &[u8]| open(name, Format::Npy, file).unwrap_err();
    assert!(matches!(
        read(b"\x93NUMPX\x01\x00v\x00"),
        Error::NotNpy { .. }
    ));
    assert!(matches!(read(b"PK"), Error::NotNpy { .. }));
    assert!(matches!(read(b""), Error::Truncated { expected: 10, .. }));
    for version in [[0, 0], [1, 1], [2, 1], [4, 0], [255, 255]] {
        let mut file = npy_header(DType::F32, 0, 1);
        file[6..8].copy_from_slice(&version);
        assert!(matches!(
            read(&file),
            Error::UnsupportedVersion { offset: 6, .. }
        ));
    }
    let mut long = npy_file(2, b"", 0);
    long[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    let error = read(&long);
    assert!(matches!(
        error,
        Error::HeaderTooLong {
            offset: 8,
            found: 0xffff_ffff,
            ..
        }
    ));
    let mut beyond = npy_file(1, b"{}", 0);
    beyond[8..10].copy_from_slice(&u16::MAX.to_le_bytes());
    let error = read(&beyond);
    assert!(
        matches!(
            error,
            Error::Truncated {
                found: 12,
                expected: 65_545,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn messages_do_not_repeat_hostile_bytes() {
    let text = format!("{{'descr': '\x1b[2J{}'", "x".repeat(1000));
    let text = format!("{text}, 'fortran_order': False, 'shape': (1,)}}");
    let message = open_text(&text, 64).unwrap_err().to_string();
    assert!(message.contains("\\x1b[2J"), "{message}");
    assert!(
        message.len() < 400 && !message.contains('\x1b'),
        "{message}"
    );
}
