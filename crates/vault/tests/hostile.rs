//! Files and bytes that are not what they say: an error that names the place, and the other tables still readable.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;

use ogive_vault::{
    Contents, DType, Element, ErrorKind, Kv, MainKind, OpenOptions, Vault, Vec0Scan, VectorTag,
    decode, decode_as, decode_to_json, normalize_json, read_array, read_cbor, read_column,
    read_msgpack, unpack, value_type,
};

fn sample(folder: &Path, name: &str) -> std::path::PathBuf {
    let path = folder.join("notes.db");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::copy(fixtures.join(format!("{name}.db")), &path).unwrap();
    path
}

fn damage(path: &Path, sql: &str) -> Vault {
    let vault = Vault::open(path, OpenOptions::default()).unwrap();
    let writer = vault.writer().unwrap();
    writer
        .execute_batch("PRAGMA ignore_check_constraints = ON")
        .unwrap();
    writer.execute_batch(sql).unwrap();
    writer.commit().unwrap();
    vault
}

#[test]
fn files_that_are_no_databases() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    for bytes in [&b""[..], b"PAR1", b"SQLite format 4\0......", &[0; 5000]] {
        std::fs::write(&path, bytes).unwrap();
        assert!(!ogive_vault::is_vault(&path));
        let error = Vault::open(&path, OpenOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Open);
        assert!(
            error.to_string().contains("x.db: not a SQLite database"),
            "{error}"
        );
    }
    assert!(Vault::open(folder.path().join("none.db"), OpenOptions::default()).is_err());
    // Cut short, or its header alone.
    let whole = std::fs::read(sample(folder.path(), "combined")).unwrap();
    for length in [16, 100, 4096, 5000, whole.len() / 2] {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(ogive_vault::is_vault(&path));
        let read = Vault::open(&path, OpenOptions::default()).and_then(|vault| {
            let reader = vault.reader()?;
            let contents = Contents::read(&reader, &vault.place())?;
            for column in &contents.columns {
                read_column(&reader, vault.file(), column, 0..u64::MAX)?;
            }
            Kv::new(&reader, vault.file(), &contents.kv[0]).range(&(..), |_, _| true)
        });
        assert!(read.is_err(), "{length}");
    }
    // Any byte changed: an error or other values, never a panic.
    let mut random = 1_u64;
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..4 {
            random = random
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let at = 16 + (random >> 33) as usize % (bytes.len() - 16);
            bytes[at] = (random >> 25) as u8;
        }
        std::fs::write(&path, &bytes).unwrap();
        let _ = Vault::open(&path, OpenOptions::default()).and_then(|vault| {
            let reader = vault.reader()?;
            let contents = Contents::read(&reader, &vault.place())?;
            for column in &contents.columns {
                let _ = read_column(&reader, vault.file(), column, 0..u64::MAX);
            }
            for kv in &contents.kv {
                let _ = Kv::new(&reader, vault.file(), kv).range(&(..), |_, value| {
                    let _ = decode_to_json(value);
                    true
                });
            }
            for table in &contents.vectors {
                let scan = Vec0Scan {
                    table,
                    columns: vec![0, 1],
                    values: true,
                    ids: i64::MIN..=i64::MAX,
                    chunks: i64::MIN..=i64::MAX,
                };
                let _ = scan.run(&reader, &vault.place(), |_| true);
            }
            Ok(())
        });
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("x.db{suffix}")));
        }
    }
}

#[test]
fn columns_whose_directory_lies() {
    let folder = tempfile::tempdir().unwrap();
    for (sample_name, column, sql, words) in [
        (
            "columns_var",
            "str",
            "UPDATE kvault_col_data SET offsets = zeroblob(8)",
            "the length of its offsets",
        ),
        (
            "columns_var",
            "str",
            "UPDATE kvault_col_data SET offsets = CAST(x'0000000000000000ffffffffffffff7f' || offsets AS BLOB) WHERE offsets IS NOT NULL",
            "an offset",
        ),
        (
            "columns_var",
            "bytes",
            "UPDATE kvault_col_data SET payload = x'00'",
            "the length of its bytes",
        ),
        (
            "columns_var",
            "bytes",
            "UPDATE kvault_col_blocks SET row_count = 1 << 60",
            "the length of its offsets",
        ),
        (
            "columns_fixed",
            "num_f64",
            "UPDATE kvault_col_columns SET length = 1 << 60",
            "the file is no larger",
        ),
        (
            "columns_fixed",
            "num_f64",
            "UPDATE kvault_col_blocks SET row_count = row_count * 2",
            "the number of used bytes",
        ),
        (
            "columns_fixed",
            "num_f64",
            "UPDATE kvault_col_blocks SET first_row = first_row + 3",
            "its range of rows",
        ),
        (
            "columns_fixed",
            "num_f64",
            "DELETE FROM kvault_col_blocks",
            "the number of rows in blocks",
        ),
        (
            "columns_fixed",
            "num_f64",
            "UPDATE kvault_col_columns SET elem_size = 1 << 40",
            "the size of a column's rows",
        ),
        (
            "columns_fixed",
            "num_f64",
            "UPDATE kvault_col_columns SET dtype = 'date'",
            "a dtype",
        ),
        (
            "columns_fixed",
            "num_f64",
            "UPDATE kvault_col_format SET version = 2",
            "the version of the column tables",
        ),
        (
            "legacy2_columns",
            "i64",
            "UPDATE col_chunks SET data = x'00'",
            "its length",
        ),
        (
            "legacy2_columns",
            "i64",
            "UPDATE col_meta SET max_chunk_bytes = 0",
            "the size of its chunks",
        ),
        (
            "legacy2_columns",
            "i64",
            "DELETE FROM col_chunks",
            "the chunk is missing",
        ),
        (
            "legacy1",
            "i64",
            "DELETE FROM col_chunks WHERE chunk_idx = 2",
            "the chunk is missing",
        ),
    ] {
        let path = sample(folder.path(), sample_name);
        let vault = damage(&path, sql);
        let reader = vault.reader().unwrap();
        let contents = Contents::read(&reader, &vault.place()).unwrap();
        let column = contents
            .columns
            .iter()
            .find(|found| found.name == column)
            .unwrap();
        let error = read_column(&reader, vault.file(), column, 0..u64::MAX)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{sql}: {error}");
        assert!(
            error.contains(&format!("notes.db: columns.{}", column.name)),
            "{error}"
        );
        drop((reader, vault));
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("notes.db{suffix}")));
        }
    }
}

#[test]
fn tables_that_only_look_like_stores() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample(folder.path(), "kv_keys");
    let vault = damage(
        &path,
        "CREATE TABLE col_meta(a, b); CREATE TABLE col_chunks(c); CREATE TABLE kvault_col_format(x);
         CREATE TABLE almost(key BLOB PRIMARY KEY, value TEXT); CREATE TABLE kvault(key BLOB, value BLOB);
         CREATE VIEW broken AS SELECT * FROM missing;",
    );
    let reader = vault.reader().unwrap();
    let contents = Contents::read(&reader, &vault.place()).unwrap();
    assert_eq!(contents.names("kv"), ["kv"]);
    assert_eq!(contents.names("columns"), [""; 0]);
    assert_eq!(
        contents.names("main"),
        [
            "almost",
            "broken",
            "col_chunks",
            "col_meta",
            "kvault",
            "kvault_col_format"
        ]
    );
    let broken = contents
        .main
        .iter()
        .find(|table| table.name == "broken")
        .unwrap();
    assert!(matches!(broken.kind, MainKind::Unreadable(_)));
}

#[test]
fn vector_chunks_of_a_wrong_length() {
    let folder = tempfile::tempdir().unwrap();
    for (sql, words) in [
        (
            "UPDATE l2_3_vector_chunks00 SET vectors = x'00'",
            "its length",
        ),
        (
            "UPDATE l2_3_chunks SET validity = zeroblob(1 << 20)",
            "its validity map",
        ),
        (
            "UPDATE l2_3_chunks SET rowids = 'text'",
            "its list of rowids",
        ),
        (
            "UPDATE l2_3_chunks SET size = 1 << 40",
            "its number of slots",
        ),
        ("DELETE FROM l2_3_vector_chunks00", "its part"),
        ("UPDATE l2_3_metadatachunks00 SET data = x''", "its length"),
    ] {
        let path = sample(folder.path(), "vectors");
        let vault = damage(&path, sql);
        let reader = vault.reader().unwrap();
        let contents = Contents::read(&reader, &vault.place()).unwrap();
        let scan = |name: &str| {
            let table = contents
                .vectors
                .iter()
                .find(|table| table.name == name)
                .unwrap();
            let scan = Vec0Scan {
                table,
                columns: vec![0, 1],
                values: true,
                ids: i64::MIN..=i64::MAX,
                chunks: i64::MIN..=i64::MAX,
            };
            scan.run(&reader, &vault.place(), |_| true)
        };
        let error = scan("l2_3").unwrap_err().to_string();
        assert!(
            error.contains(words) && error.contains("chunk 1"),
            "{sql}: {error}"
        );
        scan("cos8").unwrap();
        drop(reader);
        drop(vault);
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("notes.db{suffix}")));
        }
    }
}

#[test]
fn decoders_take_any_bytes() {
    let mut random = 3_u64;
    let mut next = || {
        random = random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (random >> 33) as usize
    };
    let dtypes: Vec<DType> = [
        "i64",
        "f16",
        "bool",
        "str",
        "str:5:utf16le",
        "str:utf16",
        "str:cp1252",
        "bytes:4",
        "vec:f32:2:2",
        "vec:u8",
        "msgpack",
        "msgpack:9",
        "cbor",
    ]
    .into_iter()
    .map(|name| DType::parse(name).unwrap())
    .collect();
    for round in 0..40_000 {
        let mut bytes: Vec<u8> = (0..next() % 40).map(|_| next() as u8).collect();
        if round % 2 == 0 {
            let header = [0x89, 0x4B, 1, (next() % 8) as u8, 0, 0, 0, 0, 0x56, 0x4B];
            bytes.splice(0..0, header);
        }
        let kind = value_type(&bytes);
        let _ = (
            decode(&bytes),
            decode_to_json(&bytes),
            decode_as(&bytes, kind),
        );
        let _ = (
            read_array(&bytes).map(|array| array.to_value()),
            read_msgpack(&bytes).is_ok(),
            read_cbor(&bytes).is_ok(),
        );
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = normalize_json(text);
        }
        for dtype in &dtypes {
            let _ = (
                unpack(dtype, &bytes, VectorTag::Byte),
                unpack(dtype, &bytes, VectorTag::None),
            );
        }
    }
    // Depth and sizes that no memory holds.
    assert!(read_msgpack(&[0x91; 100_000]).is_err());
    assert!(read_cbor(&[0x81; 100_000]).is_err());
    assert!(read_msgpack(&[0xDD, 0xFF, 0xFF, 0xFF, 0xFF]).is_err());
    assert!(read_cbor(&[0x9B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]).is_err());
    assert!(read_cbor(&[0x5B, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]).is_err());
    let mut empty = vec![Element::U8.code().unwrap(), 3];
    empty.extend([0xFF, 0xFF, 0xFF, 0x0F, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0, 0, 0]);
    let _ = read_array(&empty).map(|array| array.to_value());
}
