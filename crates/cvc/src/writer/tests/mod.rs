//! Files written here, read back and compared with those of other writers.

mod reference;
mod refusals;

use std::io::Cursor;

use super::*;
use crate::tests::fixtures::{self, Array, Numbers, assert_same, text};
use crate::{Compression, DType, ErrorKind, open_slice, read_all_f32, upgrade};

fn writer(schema: Schema, options: WriteOptions) -> Writer<Cursor<Vec<u8>>> {
    Writer::new(schema, options, Cursor::new(Vec::new())).unwrap()
}

fn file(writer: Writer<Cursor<Vec<u8>>>) -> Vec<u8> {
    let mut file = Vec::new();
    let finished = writer.finish().unwrap();
    let expected = finished.header.len() as u64 + finished.spool_bytes;
    assert_eq!(finished.copy_to(&mut file).unwrap(), expected);
    file
}

/// Gives a writer rows in pieces of uneven size.
fn write_in_pieces(
    writer: &mut Writer<Cursor<Vec<u8>>>,
    arrays: &[Array],
    rows: std::ops::Range<usize>,
    numbers: &mut Numbers,
) {
    let widths: Vec<usize> = writer
        .columns()
        .iter()
        .map(|column| column.dimension)
        .collect();
    let mut at = rows.start;
    while at < rows.end {
        let end = (at + 1 + numbers.below(13)).min(rows.end);
        let pieces: Vec<Array> = arrays
            .iter()
            .zip(&widths)
            .map(|(array, width)| piece(array, at * width..end * width))
            .collect();
        let values: Vec<ColumnValues<'_>> = pieces.iter().map(Array::values).collect();
        writer.write(&values).unwrap();
        at = end;
    }
}

fn piece(array: &Array, range: std::ops::Range<usize>) -> Array {
    match array {
        Array::F32(values) => Array::F32(values[range].to_vec()),
        Array::F64(values) => Array::F64(values[range].to_vec()),
        Array::F16(values) => Array::F16(values[range].to_vec()),
        Array::I32(values) => Array::I32(values[range].to_vec()),
        Array::I64(values) => Array::I64(values[range].to_vec()),
        Array::I8(values) => Array::I8(values[range].to_vec()),
        Array::U8(values) => Array::U8(values[range].to_vec()),
    }
}

#[test]
fn mmap_files_of_any_number_of_chunks_can_be_read() {
    for compression in [Compression::Fp16, Compression::Int8, Compression::Lossless] {
        for chunks in [0, 1, 37, 38, 39, 70, 71, 72, 75, 76, 77, 90, 200, 300, 1000] {
            let values: Vec<f32> = (0..chunks * 4).map(|index| index as f32 / 8.0).collect();
            let options = WriteOptions {
                chunk_rows: 1,
                mmap_optimized: true,
                ..WriteOptions::default()
            };
            let mut writer = writer(
                Schema::Single {
                    dimension: 4,
                    compression,
                },
                options,
            );
            writer.write(&[ColumnValues::F32(&values)]).unwrap();
            let bytes = file(writer);
            let layout = open_slice("x.cvc", &bytes)
                .unwrap_or_else(|error| panic!("{compression}, {chunks}: {error}"));
            assert!(layout.mmap_optimized());
            assert!((0..chunks).all(|chunk| {
                layout
                    .record_range(chunk)
                    .unwrap()
                    .start
                    .is_multiple_of(PAGE_BYTES)
            }));
            let back = read_all_f32(&layout, &bytes, 0).unwrap();
            if compression == Compression::Lossless {
                assert_eq!(back, values);
            }
            assert_eq!(back.len(), values.len());
        }
    }
}

#[test]
fn generated_files_come_back() {
    let seed = 6;
    let mut numbers = Numbers(seed);
    for round in 0..150 {
        let rows = numbers.below(60);
        let columns: Vec<Column> = (0..1 + numbers.below(5))
            .map(|index| Column {
                name: format!("column {index} \u{e9}\u{1f600}\""),
                dtype: DType::ALL[numbers.below(6)],
                dimension: 1 + numbers.below(5),
                compression: [Compression::Fp16, Compression::Int8, Compression::None]
                    [numbers.below(3)],
            })
            .collect();
        let arrays: Vec<Array> = columns
            .iter()
            .map(|column| generated(column.dtype, rows * column.dimension, &mut numbers))
            .collect();
        let options = WriteOptions {
            chunk_rows: 1 + numbers.below(20),
            // Some numbers are infinite as halves.
            non_finite: NonFinite::Allow,
            ..WriteOptions::default()
        };
        let mut writer = writer(Schema::Columnar(columns.clone()), options);
        write_in_pieces(&mut writer, &arrays, 0..rows, &mut numbers);
        let bytes = file(writer);
        let layout = open_slice("x.cvc", &bytes)
            .unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error}"));
        assert_eq!(layout.columns(), columns);
        assert_eq!(layout.rows(), rows as u64);
        for (index, (column, array)) in columns.iter().zip(&arrays).enumerate() {
            let raw: Vec<u8> = (0..layout.chunks().len())
                .flat_map(|chunk| layout.column_range(chunk, index).unwrap())
                .map(|at| bytes[at as usize])
                .collect();
            match column.compression {
                Compression::None => assert_eq!(raw, array.raw(), "seed {seed}, round {round}"),
                Compression::Fp16 => {
                    let mut halves = Vec::new();
                    ogive_codecs::fp16::encode_f32(&floats(array), &mut halves);
                    assert_eq!(raw, halves, "seed {seed}, round {round}");
                }
                _ => {
                    let back = read_all_f32(&layout, &bytes, index).unwrap();
                    for (found, expected) in back.iter().zip(floats(array)) {
                        // Values are within 2^24 and so are steps of their range.
                        assert!(
                            (found - expected).abs() <= 2.0_f32.powi(25) / 255.0,
                            "seed {seed}, round {round}"
                        );
                    }
                }
            }
        }
    }
}

fn generated(dtype: DType, count: usize, numbers: &mut Numbers) -> Array {
    let mut next = || numbers.next() as i32 >> 8;
    match dtype {
        DType::Float32 => Array::F32((0..count).map(|_| next() as f32 / 1000.0).collect()),
        DType::Float16 => Array::F16(
            (0..count)
                .map(|_| half::f16::from_f32(next() as f32 / 1000.0))
                .collect(),
        ),
        DType::Int32 => Array::I32((0..count).map(|_| next()).collect()),
        DType::Int64 => Array::I64((0..count).map(|_| i64::from(next())).collect()),
        DType::Int8 => Array::I8((0..count).map(|_| next() as i8).collect()),
        DType::UInt8 => Array::U8((0..count).map(|_| next() as u8).collect()),
    }
}

fn floats(array: &Array) -> Vec<f32> {
    match array {
        Array::F32(values) => values.clone(),
        Array::F64(values) => values.iter().map(|x| *x as f32).collect(),
        Array::F16(values) => values.iter().map(|x| x.to_f32()).collect(),
        Array::I32(values) => values.iter().map(|x| *x as f32).collect(),
        Array::I64(values) => values.iter().map(|x| *x as f32).collect(),
        Array::I8(values) => values.iter().map(|x| f32::from(*x)).collect(),
        Array::U8(values) => values.iter().map(|x| f32::from(*x)).collect(),
    }
}

#[test]
fn lossless_files_keep_every_bit() {
    let mut numbers = Numbers(12);
    let values: Vec<f32> = (0..5000)
        .map(|_| f32::from_bits(numbers.next() as u32))
        .collect();
    let mut writer = writer(
        Schema::Single {
            dimension: 10,
            compression: Compression::Lossless,
        },
        WriteOptions {
            chunk_rows: 33,
            ..WriteOptions::default()
        },
    );
    writer.write(&[ColumnValues::F32(&values)]).unwrap();
    let bytes = file(writer);
    let layout = open_slice("x.cvc", &bytes).unwrap();
    let back = read_all_f32(&layout, &bytes, 0).unwrap();
    assert!(
        back.iter()
            .zip(&values)
            .all(|(a, b)| a.to_bits() == b.to_bits())
    );
}

#[test]
fn files_appear_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.cvc");
    let names = || {
        let mut names: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let schema = Schema::Single {
        dimension: 2,
        compression: Compression::Lossless,
    };
    let mut dropped = FileWriter::create(&path, schema.clone(), WriteOptions::default()).unwrap();
    dropped.write(&[ColumnValues::F32(&[1.0, 2.0])]).unwrap();
    assert_eq!(names().len(), 1);
    drop(dropped);
    assert_eq!(names().len(), 0);
    for round in 0..2 {
        let values: Vec<f32> = (0..2000).map(|index| (index + round) as f32).collect();
        let mut writer = FileWriter::create(
            &path,
            schema.clone(),
            WriteOptions {
                chunk_rows: 7,
                ..WriteOptions::default()
            },
        )
        .unwrap();
        writer.write(&[ColumnValues::F32(&values)]).unwrap();
        assert_eq!(writer.finish().unwrap(), 1000);
        assert_eq!(names(), ["x.cvc"]);
        let bytes = std::fs::read(&path).unwrap();
        let layout = open_slice("x.cvc", &bytes).unwrap();
        assert_same(&read_all_f32(&layout, &bytes, 0).unwrap(), &values, "x.cvc");
    }
    let nowhere = folder.path().join("missing").join("x.cvc");
    let error = FileWriter::create(&nowhere, schema, WriteOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.file(), nowhere.to_str());
}
