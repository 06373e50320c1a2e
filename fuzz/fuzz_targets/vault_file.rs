//! Typed columns and chunks of sqlite-vec whose directories, blocks, offsets and chunks are hostile: in a database that is otherwise
//! sound, as damage of its pages is SQLite's own business.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ogive_fuzz::{Random, with_memory};
use ogive_vault::{
    BLOCK_BYTES_DEFAULT, Contents, DType, NewVector, Place, Slices, SqlValue, SqliteConnection,
    Vec0Scan, VectorTag, Vectors, append_rows, create_column, create_vectors, pack, read_column,
};

const FILE: &str = "fuzz.db";
const ROWS: i64 = 20;
const DIMENSIONS: usize = 3;
const DTYPES: [(&str, &str); 6] = [
    ("a", "i64"),
    ("b", "str"),
    ("c", "vec:f32:3"),
    ("d", "vec:f64"),
    ("e", "bytes:4"),
    ("f", "msgpack"),
];

/// A sound database with a column of each kind and a table of vectors.
fn sound() -> SqliteConnection {
    let connection = SqliteConnection::open_in_memory().expect("memory");
    for (name, dtype_name) in DTYPES {
        let dtype = DType::parse(dtype_name).expect("a known type");
        create_column(&connection, FILE, name, dtype_name, BLOCK_BYTES_DEFAULT.min(96))
            .expect("a new column");
        let mut rows = Slices::default();
        for row in 0..ROWS {
            let value = ogive_vault::read_json(&match dtype_name {
                "i64" | "msgpack" => row.to_string(),
                "str" => format!("\"{row}\""),
                "bytes:4" => String::new(),
                _ => format!("[{row}, 1, 2]"),
            });
            let value = match dtype_name {
                "bytes:4" => ogive_vault::Value::Bytes(vec![7; 4]),
                _ => value.expect("JSON"),
            };
            let mut bytes = Vec::new();
            pack(&dtype, &value, VectorTag::None, &mut bytes).expect("a value of the type");
            assert!(rows.push(&bytes));
        }
        let contents = Contents::read(&connection, &Place::file(FILE)).expect("contents");
        let column = contents.columns.last().expect("the new column");
        append_rows(&connection, FILE, column, &rows).expect("new rows");
    }
    create_vectors(
        &connection,
        FILE,
        "v",
        DIMENSIONS,
        ogive_vault::Metric::L2,
    )
    .expect("a new table");
    let contents = Contents::read(&connection, &Place::file(FILE)).expect("contents");
    let vectors = Vectors::new(&connection, FILE, &contents.vectors[0]).expect("the new table");
    for row in 0..ROWS {
        vectors
            .insert(NewVector {
                id: None,
                vector: &[row as f32; DIMENSIONS],
                value: b"x",
            })
            .expect("a new row");
    }
    connection
}

/// What damage writes into.
const TARGETS: [&str; 16] = [
    "UPDATE kvault_col_columns SET length = ?1 WHERE col_id = ?2",
    "UPDATE kvault_col_columns SET elem_size = ?1 WHERE col_id = ?2",
    "UPDATE kvault_col_columns SET dtype = CAST(?1 AS TEXT) WHERE col_id = ?2",
    "UPDATE kvault_col_blocks SET first_row = ?1 WHERE block_id = ?2",
    "UPDATE kvault_col_blocks SET row_count = ?1 WHERE block_id = ?2",
    "UPDATE kvault_col_blocks SET used_bytes = ?1 WHERE block_id = ?2",
    "UPDATE kvault_col_blocks SET block_no = -?2 WHERE block_id = ?2",
    "UPDATE kvault_col_data SET payload = ?1 WHERE block_id = ?2",
    "UPDATE kvault_col_data SET offsets = ?1 WHERE block_id = ?2",
    "DELETE FROM kvault_col_data WHERE block_id = ?2 OR ?1 IS NULL",
    "UPDATE v_chunks SET size = ?1 WHERE chunk_id < ?2 + 2",
    "UPDATE v_chunks SET validity = ?1 WHERE chunk_id < ?2 + 2",
    "UPDATE v_chunks SET rowids = ?1 WHERE chunk_id < ?2 + 2",
    "UPDATE v_vector_chunks00 SET vectors = ?1 WHERE _rowid_ < ?2 + 2",
    "UPDATE v_metadatachunks00 SET data = ?1 WHERE _rowid_ < ?2 + 2",
    "UPDATE v_rowids SET chunk_id = ?1 WHERE _rowid_ = ?2",
];

fuzz_target!(|data: &[u8]| {
    let mut random = Random::of(data);
    let connection = sound();
    connection
        .execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF")
        .expect("settings");
    for _ in 0..=random.up_to(4) {
        let sql = TARGETS[random.up_to(TARGETS.len() - 1)];
        let value = match random.up_to(3) {
            0 => SqlValue::Integer(random.up_to(64) as i64),
            1 => SqlValue::Integer(i64::MAX - random.up_to(3) as i64),
            2 => SqlValue::Integer(-(random.up_to(9) as i64)),
            _ => SqlValue::Blob(data.get(random.up_to(data.len())..).unwrap_or_default().to_vec()),
        };
        // A constraint may refuse it.
        let _ = connection.execute(
            sql,
            (value, SqlValue::Integer(random.up_to(12) as i64)),
        );
    }
    // The file's own pages are in memory too, and are trusted up to a fixed size.
    with_memory("reading", (64 << 20) + 256 * data.len(), || {
        let place = Place::file(FILE);
        let Ok(contents) = Contents::read(&connection, &place) else {
            return;
        };
        for column in &contents.columns {
            let _ = read_column(&connection, FILE, column, 0..u64::MAX);
            let first = random.up_to(40) as u64;
            if let Ok(some) = read_column(&connection, FILE, column, first..first + 3) {
                assert!(some.rows() <= 3);
            }
        }
        for table in &contents.vectors {
            let scan = Vec0Scan {
                table,
                columns: vec![0, 1],
                values: true,
                ids: i64::MIN..=i64::MAX,
                chunks: i64::MIN..=i64::MAX,
            };
            let _ = scan.run(&connection, &place, |batch| {
                assert!(batch.ids.len() <= table.chunk_size);
                true
            });
            let mut vectors = Vec::new();
            for chunk in scan.chunks(&connection, &place).unwrap_or_default() {
                let slots = 0..random.up_to(2000);
                let count = slots.len();
                let read = scan.vectors_of(&connection, &place, chunk, 1, slots, &mut vectors);
                if read.is_ok() {
                    assert_eq!(vectors.len(), count * DIMENSIONS * 4);
                }
            }
        }
    });
});
