//! Every good sample file, value for value.

use serde_json::Value;

use super::fixtures::{self, Array, assert_same, text};
use crate::{Compression, DType, Json, Layout, Version, open_slice, read_all_f32};

fn good_files() -> Vec<Value> {
    let mut files = fixtures::manifest();
    files.retain(|entry| entry["expect"] != "error");
    files
}

#[test]
fn every_value_is_right() {
    let files = good_files();
    assert!(files.len() > 80);
    for entry in &files {
        let name = text(entry, "file");
        let bytes = fixtures::bytes(name);
        let layout = open_slice(name, &bytes).unwrap_or_else(|error| panic!("{error}"));
        assert!(layout.records_known());
        if entry.get("column_files").is_none() {
            let expected = fixtures::npy(text(entry, "expected"));
            let values = read_all_f32(&layout, &bytes, 0).unwrap();
            if layout.columns()[0].compression == Compression::Lossless {
                let bits =
                    |values: &[f32]| -> Vec<u32> { values.iter().map(|x| x.to_bits()).collect() };
                assert_eq!(bits(&values), bits(expected.f32()), "{name}");
            }
            assert_same(&values, expected.f32(), name);
            continue;
        }
        for (index, column) in entry["column_files"].as_array().unwrap().iter().enumerate() {
            let what = format!("{name}, {}", text(column, "name"));
            let expected = fixtures::npy(text(column, "expected"));
            if layout.columns()[index].compression == Compression::None {
                assert_eq!(raw_column(&layout, &bytes, index), expected.raw(), "{what}");
            }
            match layout.columns()[index].stored_dtype() {
                DType::Float32 => {
                    assert_same(
                        &read_all_f32(&layout, &bytes, index).unwrap(),
                        expected.f32(),
                        &what,
                    );
                }
                DType::Float16 => {
                    let Array::F16(halves) = &expected else {
                        panic!("{what}")
                    };
                    let wide: Vec<f32> = halves.iter().map(|half| half.to_f32()).collect();
                    assert_same(&read_all_f32(&layout, &bytes, index).unwrap(), &wide, &what);
                }
                _ => assert!(read_all_f32(&layout, &bytes, index).is_err(), "{what}"),
            }
        }
    }
}

/// A column's bytes in all chunks, each checked.
fn raw_column(layout: &Layout, file: &[u8], column: usize) -> Vec<u8> {
    let mut raw = Vec::new();
    for chunk in 0..layout.chunks().len() {
        let range = layout.record_range(chunk).unwrap();
        let record = &file[range.start as usize..range.end as usize];
        let payload = layout.check_record(chunk, record).unwrap();
        let bytes = layout.column_bytes(chunk, column, payload).unwrap();
        let range = layout.column_range(chunk, column).unwrap();
        assert_eq!(bytes, &file[range.start as usize..range.end as usize]);
        raw.extend_from_slice(bytes);
    }
    raw
}

#[test]
fn layouts_say_what_the_manifest_says() {
    for entry in &good_files() {
        let name = text(entry, "file");
        let Some(version) = entry["format_version"].as_str() else {
            continue;
        };
        let bytes = fixtures::bytes(name);
        let layout = open_slice(name, &bytes).unwrap();
        assert_eq!(layout.version().to_string(), version, "{name}");
        assert_eq!(layout.is_columnar(), version == "2.0", "{name}");
        assert_eq!(
            layout.rows(),
            entry["num_vectors"].as_u64().unwrap(),
            "{name}"
        );
        assert_eq!(layout.file_bytes(), bytes.len() as u64);
        assert_eq!(layout.mmap_optimized(), name.contains("mmap"));
        let rows: Vec<u64> = layout.chunks().iter().map(|chunk| chunk.rows).collect();
        let expected: Vec<u64> = entry["chunk_rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_u64().unwrap())
            .collect();
        assert_eq!(rows, expected, "{name}");
        if !layout.is_columnar() {
            assert_eq!(layout.columns()[0].name, "vector");
            assert_eq!(
                layout.columns()[0].compression.to_string(),
                text(entry, "compression")
            );
            assert_eq!(
                layout.columns()[0].dimension as u64,
                entry["dimension"].as_u64().unwrap()
            );
        }
        let columns = entry["columns"].as_array();
        for (column, expected) in layout.columns().iter().zip(columns.into_iter().flatten()) {
            assert_eq!(column.name, text(expected, "name"));
            assert_eq!(column.dtype.to_string(), text(expected, "dtype"));
            assert_eq!(
                column.compression.to_string(),
                text(expected, "compression")
            );
            assert_eq!(
                column.dimension as u64,
                expected["dimension"].as_u64().unwrap()
            );
        }
        for (chunk, place) in entry["file_offsets"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            assert_eq!(
                layout.record_range(chunk).unwrap().start,
                place.as_u64().unwrap()
            );
        }
        for (chunk, metadata) in entry["chunk_metadata"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            let found = layout.chunks()[chunk].metadata.as_ref().unwrap();
            assert!(
                found.equals(&Json::parse(metadata.to_string().as_bytes()).unwrap()),
                "{name}"
            );
        }
        assert!(layout.memory_bytes() > size_of::<Layout>());
    }
}

#[test]
fn sections_filter_to_the_true_rows() {
    let mut filters = 0;
    for entry in &good_files() {
        let name = text(entry, "file");
        let Some(sections) = entry["sections"].as_array() else {
            continue;
        };
        let bytes = fixtures::bytes(name);
        let layout = open_slice(name, &bytes).unwrap();
        assert_eq!(layout.sections().len(), sections.len());
        for (found, expected) in layout.sections().iter().zip(sections) {
            assert_eq!(found.start, expected["start_index"].as_u64().unwrap());
            assert_eq!(found.end, expected["end_index"].as_u64().unwrap());
        }
        for filter in entry["filters"].as_array().into_iter().flatten() {
            let value = Json::parse(filter["value"].to_string().as_bytes()).unwrap();
            let rows: Vec<u64> = layout
                .sections()
                .iter()
                .filter(|section| section.matches(text(filter, "key"), &value))
                .flat_map(|section| section.start..section.end)
                .collect();
            let expected: Vec<u64> = filter["rows"]
                .as_array()
                .unwrap()
                .iter()
                .map(|x| x.as_u64().unwrap())
                .collect();
            assert_eq!(rows, expected, "{name}, {filter}");
            filters += 1;
        }
    }
    assert!(filters > 20);
}

#[test]
fn versions_have_names() {
    assert_eq!(Version::V0.to_string(), "0.x");
    assert_eq!(Version::V1 { minor: 0 }.to_string(), "1.0");
    assert_eq!(Version::V2 { minor: 3 }.to_string(), "2.3");
    for compression in Compression::ALL {
        assert_eq!(compression.to_string().parse(), Ok(compression));
    }
    for dtype in DType::ALL {
        assert_eq!(dtype.to_string().parse(), Ok(dtype));
    }
    assert!("FP16".parse::<Compression>().is_err());
    assert!("float64".parse::<DType>().is_err());
}
