//! What cannot be written, and what is said about it.

use super::*;

#[test]
fn values_that_int8_cannot_hold_are_refused_by_row() {
    let schema = Schema::Single {
        dimension: 2,
        compression: Compression::Int8,
    };
    let refused = |values: ColumnValues<'_>| {
        let mut writer = writer(
            schema.clone(),
            WriteOptions {
                chunk_rows: 2,
                ..WriteOptions::default()
            },
        );
        writer.write(&[ColumnValues::F32(&[1.0, 2.0])]).unwrap();
        let error = writer
            .write(&[values])
            .and_then(|()| writer.finish().map(|_| ()))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadInput);
        error.to_string()
    };
    let message = refused(ColumnValues::F32(&[0.0, 1.0, 2.0, f32::NAN]));
    assert!(
        message.starts_with("row 2, column 'vector': NaN cannot be stored with compression 'int8'"),
        "{message}"
    );
    let message = refused(ColumnValues::F64(&[0.0, 1e300]));
    assert!(
        message.starts_with("row 1, column 'vector': 1000"),
        "{message}"
    );
    let message = refused(ColumnValues::F32(&[f32::MAX, f32::MIN]));
    assert!(
        message.starts_with("row 0, column 'vector': the chunk of 2 rows"),
        "{message}"
    );
}

#[test]
fn finite_values_that_would_become_infinite_are_refused_by_row() {
    let column = |compression| Column {
        name: "v".to_owned(),
        dtype: DType::Float32,
        dimension: 2,
        compression,
    };
    let write = |compression, non_finite, values: ColumnValues<'_>| {
        let schema = match compression {
            Compression::Lossless => Schema::Single {
                dimension: 2,
                compression,
            },
            _ => Schema::Columnar(vec![column(compression)]),
        };
        let options = WriteOptions {
            non_finite,
            ..WriteOptions::default()
        };
        let mut writer = writer(schema, options);
        writer.write(&[ColumnValues::F32(&[1.0, 2.0])]).unwrap();
        writer.write(&[values])?;
        let mut file = Vec::new();
        writer.finish()?.copy_to(&mut file)?;
        read_all_f32(&open_slice("x.cvc", &file)?, &file, 0)
    };
    use Compression::{Fp16, Lossless, None};
    let inf = f32::INFINITY;
    let far = [0.0; 2 * 2000];
    let mut late = far;
    late[2 * 1999 + 1] = -65_520.0;
    for (compression, values, row, stored) in [
        (Fp16, ColumnValues::F32(&[0.0, 70_000.0]), 1, inf),
        (Fp16, ColumnValues::F32(&late), 2000, -inf),
        (Fp16, ColumnValues::F64(&[0.0, 65_520.0]), 1, inf),
        (Fp16, ColumnValues::I32(&[0, i32::MIN]), 1, -inf),
        (Fp16, ColumnValues::I64(&[0, 65_520]), 1, inf),
        (None, ColumnValues::F64(&[0.0, 1e39]), 1, inf),
        (Lossless, ColumnValues::F64(&[0.0, -1e39]), 1, -inf),
    ] {
        let error = write(compression, NonFinite::Refuse, values).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadInput);
        let message = error.to_string();
        assert!(
            message.starts_with(&format!("row {row}, column 'v")),
            "{message}"
        );
        assert!(message.contains(compression.name()), "{message}");
        let read = write(compression, NonFinite::Allow, values).unwrap();
        assert_eq!(read.last(), Some(&stored));
    }
    // What fits, and what was not finite before, is stored as it is.
    for values in [
        ColumnValues::F32(&[65_519.9, -65_504.0]),
        ColumnValues::F64(&[65_519.9, f64::NEG_INFINITY]),
        ColumnValues::F32(&[f32::NAN, inf]),
        ColumnValues::I64(&[65_519, -65_519]),
    ] {
        write(Fp16, NonFinite::Refuse, values).unwrap();
    }
    let read = write(None, NonFinite::Refuse, ColumnValues::F64(&[0.1, 2.5])).unwrap();
    assert_eq!(read.last_chunk(), Some(&[0.1, 2.5]));
}

#[test]
fn input_that_does_not_fit_is_refused() {
    let schema = Schema::Columnar(vec![
        Column {
            name: "a".to_owned(),
            dtype: DType::Float32,
            dimension: 2,
            compression: Compression::Fp16,
        },
        Column {
            name: "b".to_owned(),
            dtype: DType::Int64,
            dimension: 1,
            compression: Compression::None,
        },
    ]);
    let mut writer = writer(schema, WriteOptions::default());
    let a = ColumnValues::F32(&[1.0, 2.0]);
    for (values, message) in [
        (vec![a], "row 0: number of columns: found 1, expected 2"),
        (
            vec![ColumnValues::F32(&[1.0]), ColumnValues::I64(&[1])],
            "row 0: number of values: found 1, expected a multiple of 2 for column 'a'",
        ),
        (
            vec![a, ColumnValues::I64(&[1, 2])],
            "row 0: number of rows: found 2, expected 1 for column 'b'",
        ),
        (
            vec![a, ColumnValues::I32(&[1])],
            "row 0: type of the values: found int32, expected int64 for column 'b'",
        ),
    ] {
        assert_eq!(writer.write(&values).unwrap_err().to_string(), message);
    }
    assert!(writer.set_chunk_metadata(0, Json::Null).is_err());
    assert_eq!(writer.rows(), 0);
}

#[test]
fn schemas_that_no_file_can_have_are_refused() {
    let column = |name: &str, dimension, compression| Column {
        name: name.to_owned(),
        dtype: DType::Float32,
        dimension,
        compression,
    };
    let good = column("a", 1, Compression::None);
    let default = WriteOptions::default();
    let cases = [
        (
            Schema::Single {
                dimension: 0,
                compression: Compression::Fp16,
            },
            default.clone(),
        ),
        (
            Schema::Single {
                dimension: 1,
                compression: Compression::None,
            },
            default.clone(),
        ),
        (
            Schema::Single {
                dimension: 1,
                compression: Compression::Fp16,
            },
            WriteOptions {
                chunk_rows: 0,
                ..default.clone()
            },
        ),
        (Schema::Columnar(vec![]), default.clone()),
        (
            Schema::Columnar(vec![good.clone(), good.clone()]),
            default.clone(),
        ),
        (
            Schema::Columnar(vec![column(" ", 1, Compression::None)]),
            default.clone(),
        ),
        (
            Schema::Columnar(vec![column("a", 1, Compression::Lossless)]),
            default.clone(),
        ),
        (
            Schema::Columnar(vec![good]),
            WriteOptions {
                mmap_optimized: true,
                ..default
            },
        ),
    ];
    for (schema, options) in cases {
        let error = Writer::new(schema, options, Cursor::new(Vec::new())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadInput, "{error}");
    }
}

#[test]
fn metadata_of_a_chunk_that_is_not_there_is_refused() {
    let mut writer = writer(
        Schema::Single {
            dimension: 1,
            compression: Compression::Fp16,
        },
        WriteOptions::default(),
    );
    writer.write(&[ColumnValues::F32(&[1.0])]).unwrap();
    writer.set_chunk_metadata(1, Json::Null).unwrap();
    let error = writer.finish().unwrap_err().to_string();
    assert_eq!(
        error,
        "row 1: number of a described chunk: found 1, expected a number below 1"
    );
}

/// A list in a list, `depth` levels of them.
fn nested(depth: usize) -> Json {
    (0..depth).fold(Json::Null, |inner, _| Json::Array(vec![inner]))
}

#[test]
fn descriptions_that_could_not_be_read_back_are_refused() {
    let described = |section: usize, chunk: usize| {
        let schema = Schema::Single {
            dimension: 1,
            compression: Compression::Fp16,
        };
        let mut writer = writer(schema, WriteOptions::default());
        writer.write(&[ColumnValues::F32(&[1.0])]).unwrap();
        writer.next_section(nested(section));
        writer.set_chunk_metadata(0, nested(chunk)).unwrap();
        writer.write(&[ColumnValues::F32(&[2.0])]).unwrap();
        let mut file = Vec::new();
        writer.finish()?.copy_to(&mut file)?;
        Ok::<Vec<u8>, Error>(file)
    };
    let most = METADATA_DEPTH_MAX;
    let file = described(most, most).unwrap();
    let layout = open_slice("deep.cvc", &file).unwrap();
    assert_eq!(layout.sections()[0].metadata, nested(most));
    assert_eq!(layout.chunks()[0].metadata, Some(nested(most)));
    assert_eq!(
        described(most + 1, 0).unwrap_err().to_string(),
        "row 1: levels of lists and objects in a description: found 196, expected 195 at most"
    );
    let error = described(0, most + 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadInput, "{error}");
}
