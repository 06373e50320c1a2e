//! Files that other writers of the format made, byte for byte.

use super::*;

/// The number after `chunk_size=`, or the last argument of a columnar call.
fn chunk_rows(call: &str) -> usize {
    let digits = |text: &str| {
        text.split(|c: char| !c.is_ascii_digit())
            .find(|part| !part.is_empty())
            .map(|x| x.parse().unwrap())
    };
    match call.split_once("chunk_size=") {
        Some((_, rest)) => digits(rest).unwrap(),
        None if call.contains("column") => digits(call.rsplit(',').next().unwrap()).unwrap(),
        None => CHUNK_ROWS_DEFAULT,
    }
}

fn json(value: &serde_json::Value) -> Json {
    Json::parse(value.to_string().as_bytes()).unwrap()
}

fn first_difference(found: &[u8], expected: &[u8], name: &str) {
    if found != expected {
        let at = found
            .iter()
            .zip(expected)
            .take_while(|(a, b)| a == b)
            .count();
        let at = if found[8..12] == expected[8..12] {
            at
        } else {
            12 + found[12..]
                .iter()
                .zip(&expected[12..])
                .take_while(|(a, b)| a == b)
                .count()
        };
        let around = |bytes: &[u8]| {
            bytes[at.saturating_sub(60).min(bytes.len())..(at + 60).min(bytes.len())]
                .escape_ascii()
                .to_string()
        };
        panic!(
            "{name}: differs at byte {at}:\n{}\n{}",
            around(found),
            around(expected)
        );
    }
}

#[test]
fn single_column_files_are_the_package_s_byte_for_byte() {
    let mut numbers = Numbers(1);
    let mut written = 0;
    for entry in fixtures::manifest() {
        let name = text(&entry, "file");
        if !name.starts_with("v1_") || name.starts_with("v1_upgraded") {
            continue;
        }
        let call = text(&entry, "call");
        let schema = Schema::Single {
            dimension: entry["dimension"].as_u64().unwrap() as usize,
            compression: text(&entry, "compression").parse().unwrap(),
        };
        let options = WriteOptions {
            chunk_rows: chunk_rows(call),
            mmap_optimized: call.contains("mmap_optimized=True"),
            non_finite: NonFinite::Allow,
        };
        let input = [fixtures::npy(text(&entry, "input"))];
        let mut writer = writer(schema, options);
        if let Some(sections) = entry["sections"].as_array() {
            for section in sections {
                writer.next_section(json(&section["metadata"]));
                let row = |key: &str| section[key].as_u64().unwrap() as usize;
                write_in_pieces(
                    &mut writer,
                    &input,
                    row("start_index")..row("end_index"),
                    &mut numbers,
                );
            }
        } else {
            let rows = entry["num_vectors"].as_u64().unwrap() as usize;
            write_in_pieces(&mut writer, &input, 0..rows, &mut numbers);
        }
        for (chunk, metadata) in entry["chunk_metadata"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            writer.set_chunk_metadata(chunk, json(metadata)).unwrap();
        }
        first_difference(&file(writer), &fixtures::bytes(name), name);
        written += 1;
    }
    assert!(written > 60, "{written}");
}

#[test]
fn columnar_files_are_the_package_s_byte_for_byte() {
    let mut numbers = Numbers(2);
    let mut written = 0;
    for entry in fixtures::manifest() {
        let name = text(&entry, "file");
        let call = text(&entry, "call");
        if !name.starts_with("v2_columnar") {
            continue;
        }
        let columns = entry["column_files"].as_array().unwrap();
        // Without its input an `int8` column is written from its decoded values, which need not give the same parameters.
        let array = |column: &serde_json::Value| {
            fixtures::npy(
                column["input"]
                    .as_str()
                    .unwrap_or_else(|| text(column, "expected")),
            )
        };
        let arrays: Vec<Array> = columns.iter().map(array).collect();
        let exact = columns
            .iter()
            .all(|column| column["compression"] != "int8" || column.get("input").is_some());
        let schema = Schema::Columnar(
            columns
                .iter()
                .map(|column| Column {
                    name: text(column, "name").to_owned(),
                    dtype: text(column, "dtype").parse().unwrap(),
                    dimension: column["dimension"].as_u64().unwrap() as usize,
                    compression: text(column, "compression").parse().unwrap(),
                })
                .collect(),
        );
        let options = WriteOptions {
            chunk_rows: chunk_rows(call),
            ..WriteOptions::default()
        };
        let mut writer = writer(schema, options);
        for section in entry["sections"].as_array().into_iter().flatten() {
            writer.next_section(json(&section["metadata"]));
            let row = |key: &str| section[key].as_u64().unwrap() as usize;
            write_in_pieces(
                &mut writer,
                &arrays,
                row("start_index")..row("end_index"),
                &mut numbers,
            );
        }
        if entry.get("sections").is_none() {
            let rows = entry["num_vectors"].as_u64().unwrap() as usize;
            write_in_pieces(&mut writer, &arrays, 0..rows, &mut numbers);
        }
        let found = file(writer);
        let expected = fixtures::bytes(name);
        if exact {
            first_difference(&found, &expected, name);
        } else {
            first_difference(
                &without_parameters(&found),
                &without_parameters(&expected),
                name,
            );
        }
        written += 1;
    }
    assert_eq!(written, 5);
}

/// The header of a file, `min` and `scale` left out.
fn without_parameters(file: &[u8]) -> Vec<u8> {
    fn strip(value: &mut Json) {
        match value {
            Json::Object(entries) => {
                entries.retain(|(key, _)| key != "min" && key != "scale");
                entries.iter_mut().for_each(|(_, value)| strip(value));
            }
            Json::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let layout = open_slice("x.cvc", file).unwrap();
    let mut header = Json::parse(&file[12..layout.header_bytes() as usize]).unwrap();
    strip(&mut header);
    header.to_sorted_text().into_bytes()
}

#[test]
fn upgraded_files_are_the_package_s_byte_for_byte() {
    let mut upgraded = 0;
    for entry in fixtures::manifest() {
        let name = text(&entry, "file");
        let Some(rest) = name.strip_prefix("v1_upgraded_from_") else {
            continue;
        };
        let mut target = Vec::new();
        upgrade(rest, &mut Cursor::new(fixtures::bytes(rest)), &mut target).unwrap();
        first_difference(&target, &fixtures::bytes(name), name);
        upgraded += 1;
    }
    assert_eq!(upgraded, 11);
    let versioned = fixtures::bytes("v1_fp16_n25_d6_c10.cvc");
    let error = upgrade("a.cvc", &mut Cursor::new(versioned), &mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.cvc: file version 1.0 has nothing to upgrade, expected 0.x"
    );
}

#[test]
fn unversioned_headers_are_written_as_they_were() {
    for entry in fixtures::manifest() {
        let name = text(&entry, "file");
        if name.starts_with("v0_") {
            let bytes = fixtures::bytes(name);
            let header = &bytes[8..open_slice(name, &bytes).unwrap().header_bytes() as usize];
            assert_eq!(
                Json::parse(header).unwrap().to_spaced_text().as_bytes(),
                header,
                "{name}"
            );
        }
    }
}
