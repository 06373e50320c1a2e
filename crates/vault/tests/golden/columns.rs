use ogive_vault::{Column, ColumnReader, ColumnValues, Layout, Value, read_column};
use serde_json::Value as Json;

use crate::expected::{Copied, expected, npy, open, same_bytes, same_value};

/// One row as a value.
fn row(values: &ColumnValues, at: usize) -> Value {
    match values {
        ColumnValues::Bytes(rows) => Value::Bytes(rows.get(at).to_vec()),
        ColumnValues::FixedBytes { data, size } => {
            Value::Bytes(data[at * size..(at + 1) * size].to_vec())
        }
        ColumnValues::Texts(rows) => Value::Text(String::from_utf8(rows.get(at).to_vec()).unwrap()),
        ColumnValues::Json(rows) => Value::Json(String::from_utf8(rows.get(at).to_vec()).unwrap()),
        ColumnValues::Numbers(numbers) => {
            let size = numbers.element().size();
            ogive_vault::unpack(
                &ogive_vault::DType::Scalar(numbers.element()),
                &numbers.as_bytes()[at * size..(at + 1) * size],
                ogive_vault::VectorTag::None,
            )
            .unwrap()
        }
        other => panic!("{other:?}"),
    }
}

fn check(file: &Copied, column: &Column, wanted: &Json) {
    let label = format!("{} of {}", column.name, file.vault.file());
    assert_eq!(
        column.dtype_name,
        wanted["dtype"].as_str().unwrap(),
        "{label}"
    );
    if let Some(length) = wanted["length"].as_u64() {
        assert_eq!(column.length, length, "{label}");
    }
    let all = read_column(&file.reader, file.vault.file(), column, 0..u64::MAX)
        .unwrap_or_else(|error| panic!("{label}: {error}"));
    assert_eq!(all.rows() as u64, column.length, "{label}");
    if let Some(name) = wanted["npy"].as_str() {
        let bytes = npy(name);
        let found = match &all {
            ColumnValues::Numbers(numbers) | ColumnValues::FixedVectors { numbers, .. } => {
                numbers.as_bytes().to_vec()
            }
            ColumnValues::FixedBytes { data, .. } => data.clone(),
            other => panic!("{label}: {other:?}"),
        };
        assert_eq!(found, bytes, "{label}");
    } else {
        let values = wanted["values"].as_array().unwrap();
        assert_eq!(values.len(), all.rows(), "{label}");
        for (at, wanted) in values.iter().enumerate() {
            let same = match (&all, wanted["t"].as_str().unwrap()) {
                (ColumnValues::Vectors { offsets, numbers }, "array") => {
                    let size = numbers.element().size();
                    let span = offsets[at] as usize * size..offsets[at + 1] as usize * size;
                    same_bytes(&numbers.as_bytes()[span], wanted)
                }
                (_, _) => same_value(&row(&all, at), wanted),
            };
            assert!(same, "{label}: row {at}: {wanted}");
        }
    }
    // Any range is that part of the whole.
    let length = column.length;
    for (start, end) in [
        (0, 1),
        (length / 2, length),
        (length / 3, length / 3 + 7),
        (length, length + 5),
    ] {
        let end = end.min(length);
        let part = read_column(&file.reader, file.vault.file(), column, start..end).unwrap();
        assert_eq!(
            part.rows() as u64,
            end.saturating_sub(start),
            "{label} {start}..{end}"
        );
        if !matches!(
            part,
            ColumnValues::Vectors { .. } | ColumnValues::FixedVectors { .. }
        ) {
            for at in 0..part.rows() {
                let (found, wanted) = (row(&part, at), row(&all, start as usize + at));
                assert_eq!(
                    format!("{found:?}"),
                    format!("{wanted:?}"),
                    "{label} {start}..{end}"
                );
            }
        }
    }
    // Batches one after the other are the whole.
    let reader = ColumnReader::new(&file.reader, file.vault.file(), column).unwrap();
    let mut next = 0;
    reader
        .scan(0..u64::MAX, |first, values| {
            assert_eq!(first, next, "{label}");
            next += values.rows() as u64;
            true
        })
        .unwrap();
    assert_eq!(next, length, "{label}");
}

#[test]
fn columns_of_every_layout() {
    let mut checked = 0;
    for name in crate::expected::FILES {
        let wanted = expected(name);
        let file = open(name);
        for (key, old) in [("columns", false), ("legacy_columns", true)] {
            let Some(columns) = wanted[key].as_array() else {
                continue;
            };
            for wanted in columns {
                let stored = wanted["name"].as_str().unwrap();
                let column = file
                    .contents
                    .columns
                    .iter()
                    .find(|column| {
                        column.stored_name == stored && (!old || column.layout < Layout::Three)
                    })
                    .unwrap_or_else(|| panic!("{name} has no column {stored}"));
                check(&file, column, wanted);
                checked += 1;
            }
            if !old && name != "mixed" {
                assert_eq!(file.contents.columns.len(), columns.len(), "{name}");
            }
        }
    }
    assert!(checked > 100, "{checked}");
}

#[test]
fn the_newest_layout_has_the_name() {
    let file = open("mixed");
    let names = file.contents.names("columns");
    assert_eq!(
        names,
        ["shared", "new_only", "shared (layout 2)", "old_only"]
    );
}
