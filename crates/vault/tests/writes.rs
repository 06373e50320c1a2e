//! What is written reads back: here, and by the Python package and sqlite-vec where they are installed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use ogive_vault::{
    Column, ColumnValues, Contents, DType, Encoded, Kv, Metric, NewVector, OnConflict, OpenOptions,
    Slices, Store, Texts, Value, Vault, Vec0Scan, VectorTag, Vectors, append_rows, clear_column,
    create_column, create_kv, create_texts, create_vectors, delete_column_rows, drop_column,
    drop_vectors, encode, insert_column_rows, pack, read_column, update_column_rows,
};

fn new_vault(folder: &Path) -> Vault {
    let options = OpenOptions {
        create: true,
        ..OpenOptions::default()
    };
    Vault::open(folder.join("new.db"), options).unwrap()
}

fn column(vault: &Vault, name: &str) -> Column {
    let reader = vault.reader().unwrap();
    match Contents::read(&reader, &vault.place())
        .unwrap()
        .find("columns", name)
    {
        Some(Store::Column(column)) => column,
        other => panic!("{other:?}"),
    }
}

fn rows(dtype: &str, values: &[Value]) -> Slices {
    let dtype = DType::parse(dtype).unwrap();
    let mut rows = Slices::default();
    for value in values {
        let mut bytes = Vec::new();
        pack(&dtype, value, VectorTag::None, &mut bytes).unwrap();
        assert!(rows.push(&bytes));
    }
    rows
}

fn texts(vault: &Vault, name: &str) -> Vec<String> {
    let column = column(vault, name);
    let reader = vault.reader().unwrap();
    match read_column(&reader, vault.file(), &column, 0..u64::MAX).unwrap() {
        ColumnValues::Texts(rows) => rows
            .iter()
            .map(|row| String::from_utf8(row.to_vec()).unwrap())
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn floats(vault: &Vault, name: &str) -> Vec<f64> {
    let column = column(vault, name);
    let reader = vault.reader().unwrap();
    match read_column(&reader, vault.file(), &column, 0..u64::MAX).unwrap() {
        ColumnValues::Numbers(ogive_vault::Numbers::F64(numbers)) => numbers,
        other => panic!("{other:?}"),
    }
}

/// What is known of the file's contents is what the file holds: after changes of this vault, of another one, and of the file itself.
#[test]
fn contents_are_known_and_live() {
    let folder = tempfile::tempdir().unwrap();
    let vault = new_vault(folder.path());
    let first = vault.contents().unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &vault.contents().unwrap()));
    let other = Vault::open(folder.path().join("new.db"), OpenOptions::default()).unwrap();
    for (writing, table) in [(&vault, "a"), (&other, "b")] {
        let writer = writing.writer().unwrap();
        create_kv(&writer, writing.file(), table).unwrap();
        assert!(vault.contents().unwrap().find("kv", table).is_none());
        writer.commit().unwrap();
        assert!(vault.contents().unwrap().find("kv", table).is_some());
    }
    // Rows change no table, and columns come without a change of the schema.
    let before = vault.contents().unwrap();
    let writer = other.writer().unwrap();
    let Some(Store::Kv(table)) = before.find("kv", "a") else {
        panic!("{before:?}");
    };
    Kv::new(&writer, other.file(), &table)
        .put(b"k", b"v", OnConflict::Refuse)
        .unwrap();
    writer.commit().unwrap();
    assert!(std::sync::Arc::ptr_eq(&before, &vault.contents().unwrap()));
    for name in ["x", "y"] {
        let writer = other.writer().unwrap();
        create_column(
            &writer,
            other.file(),
            name,
            "i64",
            ogive_vault::BLOCK_BYTES_DEFAULT,
        )
        .unwrap();
        writer.commit().unwrap();
        assert!(vault.contents().unwrap().find("columns", name).is_some());
    }
    let writer = other.writer().unwrap();
    let column = column(&other, "y");
    append_rows(
        &writer,
        other.file(),
        &column,
        &rows("i64", &[Value::Int(7)]),
    )
    .unwrap();
    writer.commit().unwrap();
    assert_eq!(vault.contents().unwrap().columns[1].length, 1);
    let writer = other.writer().unwrap();
    drop_column(&writer, other.file(), &column).unwrap();
    writer.commit().unwrap();
    assert!(vault.contents().unwrap().find("columns", "y").is_none());
    // Another file in its place.
    drop(other);
    vault
        .maintain("emptying the log", "PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let path = folder.path().join("another.db");
    let options = OpenOptions {
        create: true,
        ..OpenOptions::default()
    };
    {
        let another = Vault::open(&path, options).unwrap();
        let writer = another.writer().unwrap();
        create_kv(&writer, another.file(), "c").unwrap();
        writer.commit().unwrap();
    }
    std::fs::rename(&path, folder.path().join("new.db")).unwrap();
    let contents = vault.contents().unwrap();
    assert_eq!(contents.names("kv"), ["c"]);
    assert!(contents.columns.is_empty());
}

/// A column beside a vector that goes through the same changes.
#[test]
fn columns_change_as_lists_do() {
    let folder = tempfile::tempdir().unwrap();
    let vault = new_vault(folder.path());
    let file = vault.file();
    let writer = vault.writer().unwrap();
    create_column(&writer, file, "f", "f64", 64).unwrap();
    create_column(&writer, file, "s", "str", 64).unwrap();
    writer.commit().unwrap();
    let mut random = 7_u64;
    let mut next = move |below: u64| {
        random = random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (random >> 33) % below
    };
    let (mut f, mut s): (Vec<f64>, Vec<String>) = (Vec::new(), Vec::new());
    for step in 0..120 {
        let writer = vault.writer().unwrap();
        let (fc, sc) = (column(&vault, "f"), column(&vault, "s"));
        let length = f.len() as u64;
        match next(6) {
            0..=2 => {
                let count = next(20) as usize;
                let new: Vec<f64> = (0..count).map(|at| (step * 100 + at) as f64).collect();
                let words: Vec<String> = (0..count)
                    .map(|at| "é".repeat((at * 7) % 50) + &step.to_string())
                    .collect();
                append_rows(
                    &writer,
                    file,
                    &fc,
                    &rows(
                        "f64",
                        &new.iter().map(|x| Value::Float(*x)).collect::<Vec<_>>(),
                    ),
                )
                .unwrap();
                append_rows(
                    &writer,
                    file,
                    &sc,
                    &rows(
                        "str",
                        &words
                            .iter()
                            .map(|x| Value::Text(x.clone()))
                            .collect::<Vec<_>>(),
                    ),
                )
                .unwrap();
                f.extend(new);
                s.extend(words);
            }
            3 if length > 0 => {
                let at = next(length);
                assert_eq!(
                    update_column_rows(&writer, file, &fc, &[(at, 0.5_f64.to_le_bytes().to_vec())])
                        .unwrap(),
                    1
                );
                update_column_rows(&writer, file, &sc, &[(at, b"changed".to_vec())]).unwrap();
                f[at as usize] = 0.5;
                s[at as usize] = "changed".to_owned();
                assert!(update_column_rows(&writer, file, &fc, &[(length, vec![0; 8])]).is_err());
            }
            4 if length > 0 => {
                let at = [next(length), next(length), length + 3];
                let gone = delete_column_rows(&writer, file, &fc, &at).unwrap();
                assert_eq!(delete_column_rows(&writer, file, &sc, &at).unwrap(), gone);
                let keep = |index: usize| !at.contains(&(index as u64));
                let mut index = 0;
                f.retain(|_| {
                    index += 1;
                    keep(index - 1)
                });
                let mut index = 0;
                s.retain(|_| {
                    index += 1;
                    keep(index - 1)
                });
            }
            _ => {
                let at = next(length + 1);
                insert_column_rows(&writer, file, &fc, at, &rows("f64", &[Value::Float(-1.0)]))
                    .unwrap();
                insert_column_rows(
                    &writer,
                    file,
                    &sc,
                    at,
                    &rows("str", &[Value::Text(String::new())]),
                )
                .unwrap();
                f.insert(at as usize, -1.0);
                s.insert(at as usize, String::new());
            }
        }
        writer.commit().unwrap();
        assert_eq!(floats(&vault, "f"), f, "step {step}");
        assert_eq!(texts(&vault, "s"), s, "step {step}");
    }
    // Undone with its transaction.
    let writer = vault.writer().unwrap();
    clear_column(&writer, file, &column(&vault, "f")).unwrap();
    drop(writer);
    assert_eq!(floats(&vault, "f"), f);
    let writer = vault.writer().unwrap();
    drop_column(&writer, file, &column(&vault, "f")).unwrap();
    writer.commit().unwrap();
    let reader = vault.reader().unwrap();
    assert_eq!(
        Contents::read(&reader, &vault.place())
            .unwrap()
            .names("columns"),
        ["s"]
    );
}

#[test]
fn vectors_change_as_maps_do() {
    let folder = tempfile::tempdir().unwrap();
    let vault = new_vault(folder.path());
    let writer = vault.writer().unwrap();
    create_vectors(&writer, vault.file(), "odd \"name\"", 3, Metric::L2).unwrap();
    assert!(create_vectors(&writer, vault.file(), "Odd \"name\"", 3, Metric::L2).is_err());
    writer.commit().unwrap();
    let mut expected: BTreeMap<i64, (Vec<f32>, Vec<u8>)> = BTreeMap::new();
    let reader = vault.reader().unwrap();
    let contents = Contents::read(&reader, &vault.place()).unwrap();
    drop(reader);
    let table = &contents.vectors[0];
    let writer = vault.writer().unwrap();
    let vectors = Vectors::new(&writer, vault.file(), table).unwrap();
    for at in 0..2500_i64 {
        let vector = [at as f32, 1.0, 2.0];
        let value = at.to_string().into_bytes();
        let id = vectors
            .insert(NewVector {
                id: (at % 500 == 9).then_some(at * 1000),
                vector: &vector,
                value: &value,
            })
            .unwrap();
        expected.insert(id, (vector.to_vec(), value));
        if at % 3 == 0 {
            assert_eq!(vectors.delete_rows(&[id, 999_999_999]).unwrap(), 1);
            expected.remove(&id);
        }
    }
    let id = *expected.keys().next().unwrap();
    assert!(
        vectors
            .insert(NewVector {
                id: Some(id),
                vector: &[0.0; 3],
                value: b""
            })
            .is_err()
    );
    assert!(
        vectors
            .insert(NewVector {
                id: None,
                vector: &[0.0; 2],
                value: b""
            })
            .is_err()
    );
    assert!(
        vectors
            .update(id, Some(&[9.0, 9.0, 9.0]), Some(b"new"))
            .unwrap()
    );
    assert!(!vectors.update(-5, None, None).unwrap());
    expected.insert(id, (vec![9.0; 3], b"new".to_vec()));
    writer.commit().unwrap();
    let reader = vault.reader().unwrap();
    let mut found = BTreeMap::new();
    Vec0Scan {
        table,
        columns: vec![1],
        values: true,
        ids: i64::MIN..=i64::MAX,
        chunks: i64::MIN..=i64::MAX,
    }
    .run(&reader, &vault.place(), |batch| {
        let [
            ogive_vault::Vec0BatchColumn::Vectors {
                numbers: ogive_vault::Numbers::F32(numbers),
                ..
            },
        ] = batch.columns.as_slice()
        else {
            panic!()
        };
        let Some(ogive_vault::RowColumn {
            values: ogive_vault::RowValues::Bytes(values),
            ..
        }) = &batch.values
        else {
            panic!()
        };
        for (row, id) in batch.ids.iter().enumerate() {
            found.insert(
                *id,
                (
                    numbers[row * 3..row * 3 + 3].to_vec(),
                    values.get(row).to_vec(),
                ),
            );
        }
        true
    })
    .unwrap();
    assert!(found == expected);
    drop(reader);
    let writer = vault.writer().unwrap();
    drop_vectors(&writer, vault.file(), table).unwrap();
    writer.commit().unwrap();
    let reader = vault.reader().unwrap();
    let left: i64 = reader
        .query_row(
            "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn all_readers_are_of_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let vault = new_vault(folder.path());
    let writer = vault.writer().unwrap();
    create_kv(&writer, vault.file(), "kv").unwrap();
    writer.commit().unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let mut at = 0_u64;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let writer = vault.writer().unwrap();
                writer
                    .execute("INSERT INTO kv VALUES (?1, x'00')", [at.to_le_bytes()])
                    .unwrap();
                writer.commit().unwrap();
                at += 1;
                std::thread::sleep(std::time::Duration::from_micros(300));
            }
        });
        for _ in 0..100 {
            let readers = vault.readers(4).unwrap();
            let counts: Vec<i64> = readers
                .iter()
                .map(|reader| {
                    reader
                        .query_row("SELECT count(*) FROM kv", [], |row| row.get(0))
                        .unwrap()
                })
                .collect();
            assert!(
                counts.windows(2).all(|pair| pair[0] == pair[1]),
                "{counts:?}"
            );
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn values_stream() {
    let folder = tempfile::tempdir().unwrap();
    let vault = new_vault(folder.path());
    let writer = vault.writer().unwrap();
    create_kv(&writer, vault.file(), "kv").unwrap();
    let contents = Contents::read(&writer, &vault.place()).unwrap();
    let kv = Kv::new(&writer, vault.file(), &contents.kv[0]);
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    kv.put(b"big", b"before", OnConflict::Refuse).unwrap();
    assert!(kv.put(b"big", b"again", OnConflict::Refuse).is_err());
    assert!(!kv.put(b"big", b"again", OnConflict::Ignore).unwrap());
    kv.put_from(b"big", bytes.len() as u64, &mut bytes.as_slice())
        .unwrap();
    assert_eq!(kv.get(b"big").unwrap().unwrap(), bytes);
    assert!(
        kv.put_from(b"short", 10, &mut [1_u8, 2].as_slice())
            .is_err()
    );
    assert!(
        kv.put_from(b"huge", u64::MAX, &mut [1_u8, 2].as_slice())
            .is_err()
    );
    assert_eq!(
        kv.read_at(b"big", 2_999_998, u64::MAX)
            .unwrap()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(kv.read_at(b"big", u64::MAX, 4).unwrap().unwrap(), b"");
    assert_eq!(kv.read_at(b"none", 0, 4).unwrap(), None);
    assert_eq!(
        kv.put_many([("a", "1"), ("b", "2"), ("a", "3")], OnConflict::Replace)
            .unwrap(),
        3
    );
    assert_eq!(kv.get(b"a").unwrap().unwrap(), b"3");
    assert!(kv.delete(b"a").unwrap());
    assert!(!kv.delete(b"a").unwrap());
}

/// A Python with the package, sqlite-vec and a SQLite that loads extensions; `OGIVE_VAULT_PYTHON` names it.
fn python() -> Option<String> {
    let python = std::env::var("OGIVE_VAULT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let check = Command::new(&python)
        .args(["-c", "import kohakuvault, sqlite_vec, pysqlite3, numpy"])
        .output();
    match check {
        Ok(output) if output.status.success() => Some(python),
        _ => {
            eprintln!(
                "SKIPPED: {python} has no kohakuvault, sqlite_vec, pysqlite3 and numpy; set OGIVE_VAULT_PYTHON to one that has"
            );
            None
        }
    }
}

#[test]
fn the_package_and_sqlite_vec_read_what_is_written() {
    let Some(python) = python() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let vault = new_vault(folder.path());
    let file = vault.file().to_owned();
    let writer = vault.writer().unwrap();
    create_kv(&writer, &file, "kv").unwrap();
    create_texts(&writer, &file, "text_vault", &["content"]).unwrap();
    create_vectors(&writer, &file, "vec_kvault", 4, Metric::Cosine).unwrap();
    for dtype in ["f64", "i32", "bool", "str", "msgpack", "vec:f32:2", "bytes"] {
        create_column(&writer, &file, dtype, dtype, 256).unwrap();
    }
    let contents = Contents::read(&writer, &vault.place()).unwrap();
    let kv = Kv::new(&writer, &file, &contents.kv[0]);
    let map = ogive_vault::read_json(r#"{"b": [1, 2.5, null], "a": "é"}"#).unwrap();
    for (key, value) in [
        ("int", Encoded::Int(42)),
        ("float", Encoded::Float(1.5)),
        ("str", Encoded::Text("hé")),
        ("json", Encoded::Json(&map)),
        ("msgpack", Encoded::MsgPack(&map)),
        ("cbor", Encoded::Cbor(&map)),
        ("raw", Encoded::Raw(b"raw")),
    ] {
        kv.put(key.as_bytes(), &encode(value).unwrap(), OnConflict::Replace)
            .unwrap();
    }
    let texts = Texts::new(&writer, &file, &contents.texts[0]);
    for at in 0..5 {
        texts
            .insert(
                None,
                &[Some(&format!("whale number {at}"))],
                &encode(Encoded::Int(at)).unwrap(),
            )
            .unwrap();
    }
    texts.delete_rows(&[2]).unwrap();
    texts
        .update(3, &[(0, Some("shark"))], Some(b"fish"))
        .unwrap();
    let vectors = Vectors::new(&writer, &file, &contents.vectors[0]).unwrap();
    for at in 0..1500 {
        let vector = [at as f32 + 1.0, 1.0, 0.0, -1.0];
        vectors
            .insert(NewVector {
                id: None,
                vector: &vector,
                value: &encode(Encoded::Int(at)).unwrap(),
            })
            .unwrap();
    }
    vectors
        .delete_rows(&(100..200).collect::<Vec<_>>())
        .unwrap();
    for found in &contents.columns {
        let values: Vec<Value> = (0..100_i64)
            .map(|at| match found.dtype_name.as_str() {
                "f64" => Value::Float(at as f64 / 4.0),
                "i32" => Value::Int(i128::from(at)),
                "bool" => Value::Bool(at % 2 == 0),
                "str" => Value::Text("é".repeat(at as usize)),
                "msgpack" => Value::Map(vec![("n".to_owned(), Value::Int(at.into()))]),
                "bytes" => Value::Bytes(vec![1; at as usize * 10]),
                _ => Value::List(vec![Value::Float(at as f64), Value::Float(0.5)]),
            })
            .collect();
        append_rows(&writer, &file, found, &rows(&found.dtype_name, &values)).unwrap();
    }
    writer.commit().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_back.py");
    let path = folder.path().join("new.db");
    let output = Command::new(&python)
        .arg(script)
        .arg(&path)
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{said}");
    // And what sqlite-vec and the package have changed reads here.
    let reader = vault.reader().unwrap();
    let contents = Contents::read(&reader, &vault.place()).unwrap();
    let mut ids = Vec::new();
    Vec0Scan {
        table: &contents.vectors[0],
        columns: vec![],
        values: true,
        ids: i64::MIN..=i64::MAX,
        chunks: i64::MIN..=i64::MAX,
    }
    .run(&reader, &vault.place(), |batch| {
        ids.extend(batch.ids);
        true
    })
    .unwrap();
    ids.sort_unstable();
    let wanted: Vec<i64> = (1..=1502)
        .filter(|id| !(100..200).contains(id) && *id != 7)
        .collect();
    assert_eq!(ids, wanted);
    assert_eq!(floats(&vault, "f64").len(), 101);
}

/// Who copies the file alone has all of it.
#[test]
fn nothing_is_left_in_the_log_when_a_vault_is_let_go_of() {
    let folder = tempfile::tempdir().unwrap();
    let vault = new_vault(folder.path());
    let writer = vault.writer().unwrap();
    create_kv(&writer, vault.file(), "t").unwrap();
    writer.commit().unwrap();
    // Readers that are kept may not put the log into the file.
    drop(vault.readers(3).unwrap());
    drop(vault);
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["new.db"]);
}
