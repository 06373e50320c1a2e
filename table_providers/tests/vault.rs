//! SQLite vaults through DataFusion.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::catalog::CatalogProvider;
use datafusion::prelude::{SessionConfig, SessionContext};
use ogive_table_providers::{
    VaultCatalog, VaultTable, fts_match_udf, open_vault, register_vault, vault_table_functions,
};

struct Vault {
    _folder: tempfile::TempDir,
    path: PathBuf,
    context: SessionContext,
    catalog: Arc<VaultCatalog>,
}

impl Vault {
    /// A copy of one of the engine's sample files.
    fn sample(name: &str) -> Self {
        Self::sample_with(name, SessionConfig::new())
    }

    fn sample_with(name: &str, config: SessionConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.db");
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/vault/tests/fixtures");
        std::fs::copy(fixtures.join(format!("{name}.db")), &path).unwrap();
        let context = SessionContext::new_with_config(config.with_information_schema(true));
        let catalogs = Arc::clone(context.state().catalog_list());
        let catalog = register_vault(catalogs.as_ref(), "notes", &path).unwrap();
        for (name, function) in vault_table_functions() {
            context.register_udtf(name, function);
        }
        context.register_udf(fts_match_udf().as_ref().clone());
        Self {
            _folder: folder,
            path,
            context,
            catalog,
        }
    }

    async fn run(&self, sql: &str) -> Vec<RecordBatch> {
        self.try_run(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    async fn try_run(&self, sql: &str) -> datafusion::error::Result<Vec<RecordBatch>> {
        self.context.sql(sql).await?.collect().await
    }

    /// The cells of a result, rows by `|` and lines.
    async fn rows(&self, sql: &str) -> Vec<String> {
        let batches = self.run(sql).await;
        if batches.iter().all(|batch| batch.num_rows() == 0) {
            return Vec::new();
        }
        let table = pretty_format_batches(&batches).unwrap().to_string();
        table
            .lines()
            .filter(|line| line.starts_with('|'))
            .skip(1)
            .map(|line| {
                line.trim_matches('|')
                    .split('|')
                    .map(str::trim)
                    .collect::<Vec<_>>()
                    .join("|")
            })
            .collect()
    }

    async fn table(&self, schema: &str, name: &str) -> VaultTable {
        let schema = self.catalog.schema(schema).unwrap();
        let table = schema.table(name).await.unwrap().unwrap();
        table.downcast_ref::<VaultTable>().unwrap().clone()
    }

    fn sqlite(&self, sql: &str) {
        let transaction = self.catalog.begin().unwrap();
        transaction.execute(sql).unwrap();
        transaction.commit().unwrap();
    }
}

#[tokio::test]
async fn keys_in_order_by_range_and_prefix() {
    let vault = Vault::sample("kv_keys");
    assert_eq!(
        vault.rows("SELECT count(*) FROM notes.kv.kv").await,
        ["271"]
    );
    for filter in [
        "key LIKE 'user:000%'",
        "starts_with(CAST(key AS VARCHAR), 'user:000')",
        "key >= 'user:000' AND key < 'user:001'",
        "key BETWEEN 'user:000' AND 'user:000zz'",
    ] {
        let sql = format!("SELECT count(*) FROM notes.kv.kv WHERE {filter}");
        assert_eq!(vault.rows(&sql).await, ["85"], "{filter}");
        let plan = vault.rows(&format!("EXPLAIN {sql}")).await.join("\n");
        assert!(
            plan.contains("VaultScanExec") && plan.contains("key >= ?"),
            "{plan}"
        );
        assert!(!plan.contains("FilterExec"), "{plan}");
    }
    let first = vault
        .rows("SELECT key FROM notes.kv.kv ORDER BY key LIMIT 3")
        .await;
    assert_eq!(first, ["", "00", "0000"]);
    let plan = vault
        .rows("EXPLAIN SELECT key FROM notes.kv.kv ORDER BY key DESC LIMIT 3")
        .await
        .join("\n");
    assert!(
        plan.contains("ORDER BY key DESC LIMIT 3") && !plan.contains("SortExec"),
        "{plan}"
    );
    assert_eq!(
        vault
            .rows("SELECT key FROM notes.kv.kv WHERE key IN ('a', 'b', 'none') ORDER BY key")
            .await,
        ["61", "62"]
    );
    assert_eq!(
        vault
            .rows("SELECT key FROM notes.kv.kv WHERE key = 'a' OR key = X'00' ORDER BY key")
            .await,
        ["00", "61"]
    );
    assert_eq!(
        vault
            .rows("SELECT count(*) FROM notes.kv.kv WHERE key = NULL")
            .await,
        ["0"]
    );
    assert_eq!(
        vault
            .rows("SELECT count(*) FROM (SELECT 1 FROM notes.kv.kv LIMIT 7)")
            .await,
        ["7"]
    );
}

#[tokio::test]
async fn values_decode_when_asked_for() {
    let vault = Vault::sample("combined");
    let rows = vault
        .rows("SELECT CAST(key AS VARCHAR) AS name, decoded FROM notes.kv.kv ORDER BY key")
        .await;
    assert_eq!(rows, ["blob|", r#"cfg|{"a":1}"#, "vec|[0.0,1.0,2.0,3.0]"]);
    let vault = Vault::sample("kv_values");
    // Bytes that only look like a header fail by themselves, and say where.
    let error = vault
        .try_run("SELECT decoded FROM notes.kv.kv")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("notes.db: kv.kv: key 'looks/bad_close'"),
        "{error}"
    );
    let good = vault
        .run("SELECT decoded FROM notes.kv.kv WHERE key < 'looks' OR key > 'looks0'")
        .await;
    assert!(good.iter().map(RecordBatch::num_rows).sum::<usize>() > 70);
}

#[tokio::test]
async fn columns_of_all_layouts() {
    let vault = Vault::sample("columns_fixed");
    assert_eq!(
        vault
            .rows("SELECT idx, value FROM notes.columns.num_i16 WHERE idx IN (1, 33) OR idx >= 39")
            .await
            .len(),
        3
    );
    assert_eq!(
        vault
            .rows("SELECT count(value), min(idx), max(idx) FROM notes.columns.num_f64")
            .await,
        ["40|0|39"]
    );
    let plan = vault.rows("EXPLAIN SELECT value FROM notes.columns.num_i16 WHERE idx BETWEEN 3 AND 7 ORDER BY idx").await.join("\n");
    assert!(
        plan.contains("rows=[3..8]") && !plan.contains("SortExec") && !plan.contains("FilterExec"),
        "{plan}"
    );
    let types = vault
        .rows("SELECT table_name, data_type FROM information_schema.columns WHERE table_catalog = 'notes' AND column_name = 'value' ORDER BY 1")
        .await;
    assert!(types.contains(&"num_f16|Float16".to_owned()), "{types:?}");
    assert!(
        types
            .iter()
            .any(|row| row.starts_with("vec:f32:3|FixedSizeList(3")),
        "{types:?}"
    );
    for name in [
        "columns_default",
        "columns_fixed",
        "columns_var",
        "columns_names",
        "legacy1",
        "legacy2_all",
        "legacy2_columns",
        "legacy2_default",
        "mixed",
        "combined",
    ] {
        let vault = Vault::sample(name);
        let schema = vault.catalog.schema("columns").unwrap();
        for table in schema.table_names() {
            let sql = format!(
                "SELECT count(*), count(value), count(idx) FROM notes.columns.\"{}\"",
                table.replace('"', "\"\"")
            );
            let batches = vault.run(&sql).await;
            assert_eq!(
                batches[0].column(0).as_ref(),
                batches[0].column(1).as_ref(),
                "{name} {table}"
            );
            let whole = format!(
                "SELECT * FROM notes.columns.\"{}\"",
                table.replace('"', "\"\"")
            );
            let read: usize = vault
                .run(&whole)
                .await
                .iter()
                .map(RecordBatch::num_rows)
                .sum();
            let info = vault
                .run(&format!(
                    "SELECT rows FROM vault_info('{}') WHERE store = 'columns' AND name = '{}'",
                    vault.path.display(),
                    table.replace('\'', "''")
                ))
                .await;
            let rows = info[0]
                .column(0)
                .as_any()
                .downcast_ref::<datafusion::arrow::array::Int64Array>()
                .unwrap()
                .value(0);
            assert_eq!(read as i64, rows, "{name} {table}");
        }
    }
}

#[tokio::test]
async fn vectors_and_their_values() {
    let vault = Vault::sample("vectors");
    assert_eq!(
        vault.rows("SELECT count(*) FROM notes.vectors.many").await,
        ["522"]
    );
    assert_eq!(
        vault
            .rows("SELECT id, decoded FROM notes.vectors.cos8 WHERE id <= 4 ORDER BY id")
            .await,
        [r#"1|{"i":0}"#, "3|", "4|[1,2]"]
    );
    let nearest = vault.rows("SELECT id FROM notes.vectors.l2_3 ORDER BY array_distance(vector, make_array(0.0, 0.0, 0.0)) LIMIT 2").await;
    assert_eq!(nearest.len(), 2);
    let plan = vault
        .rows("EXPLAIN SELECT id FROM notes.vectors.cos8 WHERE id BETWEEN 3 AND 9")
        .await
        .join("\n");
    assert!(
        plan.contains("ids=[3..=9]") && !plan.contains("FilterExec"),
        "{plan}"
    );
    assert_eq!(
        vault
            .rows("SELECT id FROM notes.vectors.cos8 LIMIT 2")
            .await
            .len(),
        2
    );
}

#[tokio::test]
async fn texts_and_matches() {
    let vault = Vault::sample("text");
    assert_eq!(
        vault
            .rows("SELECT count(*) FROM notes.text.text_vault")
            .await,
        ["20"]
    );
    let all = vault
        .rows("SELECT id, content, decoded, rank FROM notes.text.text_vault WHERE id = 2")
        .await;
    assert_eq!(all, [r#"2|The slow brown turtle|{"doc":1}|"#]);
    let found = vault.rows("SELECT id, rank < 0 FROM notes.text.text_vault WHERE fts_match(id, 'turtle OR search') ORDER BY rank").await;
    assert!(
        found.len() >= 2 && found.iter().all(|row| row.ends_with("true")),
        "{found:?}"
    );
    let found = vault
        .rows("SELECT id FROM notes.text.text_vault WHERE fts_match(content, 'slow') AND id < 3")
        .await;
    assert_eq!(found, ["2"]);
    let plan = vault.rows("EXPLAIN SELECT id, rank FROM notes.text.text_vault WHERE fts_match(id, 'fox') ORDER BY rank LIMIT 5").await.join("\n");
    assert!(
        plan.contains("MATCH ?")
            && plan.contains("ORDER BY t.rank LIMIT 5")
            && !plan.contains("SortExec"),
        "{plan}"
    );
    assert!(
        vault
            .try_run("SELECT id FROM notes.text.text_vault WHERE fts_match(id, 'fox') OR id = 1")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn ordinary_tables_are_typed_as_declared() {
    let vault = Vault::sample("kv_keys");
    vault.sqlite(
        "CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, height REAL, active BOOLEAN, data BLOB, born DATE, loose);
         INSERT INTO people VALUES (1, 'Ada', 1.6, 1, x'00ff', '1815-12-10', 42), (2, 'ada', 1.7, 0, NULL, NULL, 'x'),
             (3, 'Bob', 'tall', 7, 'text', 5, 2.5);
         CREATE VIEW tall AS SELECT name FROM people WHERE height > 1.65;
         CREATE VIRTUAL TABLE docs USING fts5(title, body); INSERT INTO docs VALUES ('moby', 'the whale');
         CREATE TABLE \"odd \"\"name\" (x INT); CREATE TABLE no_number(k TEXT PRIMARY KEY, v INT) WITHOUT ROWID;",
    );
    assert_eq!(
        vault
            .rows("SELECT * FROM notes.main.people ORDER BY id")
            .await,
        [
            "1|Ada|1.6|true|00ff|1815-12-10|42",
            "2|ada|1.7|false|||x",
            "3|Bob|||74657874||2.5"
        ]
    );
    assert_eq!(
        vault
            .rows("SELECT id FROM notes.main.people WHERE name = 'ada'")
            .await,
        ["2"]
    );
    assert_eq!(
        vault
            .rows("SELECT id FROM notes.main.people WHERE height > 1.65")
            .await,
        ["2"]
    );
    assert_eq!(
        vault
            .rows("SELECT id FROM notes.main.people WHERE NOT height > 1.65")
            .await,
        ["1"]
    );
    assert_eq!(
        vault
            .rows(
                "SELECT id FROM notes.main.people WHERE name LIKE 'A%' OR id = 3 ORDER BY id DESC"
            )
            .await,
        ["3", "1"]
    );
    assert_eq!(
        vault
            .rows("SELECT id FROM notes.main.people WHERE name >= 'B' AND name < 'b'")
            .await,
        ["2", "3"]
    );
    let plan = vault
        .rows("EXPLAIN SELECT id FROM notes.main.people WHERE height > 1.65 ORDER BY id")
        .await
        .join("\n");
    assert!(
        plan.contains("height\" > ?") && !plan.contains("FilterExec") && !plan.contains("SortExec"),
        "{plan}"
    );
    // Bob's height is a text, which SQLite takes for greater than any number.
    assert_eq!(
        vault
            .rows("SELECT * FROM notes.main.tall ORDER BY name")
            .await,
        ["Bob", "ada"]
    );
    assert_eq!(
        vault
            .rows("SELECT title FROM notes.main.docs WHERE fts_match(rowid, 'whale')")
            .await,
        ["moby"]
    );
    assert_eq!(
        vault
            .rows("SELECT count(*) FROM notes.main.\"odd \"\"name\"")
            .await,
        ["0"]
    );
    assert!(vault.table("main", "no_number").await.with_rowid().is_err());
    vault
        .catalog
        .set_types(ogive_table_providers::SqliteTypes::Strict);
    let error = vault
        .try_run("SELECT height FROM notes.main.people")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("notes.db: main.people") && error.contains("height"),
        "{error}"
    );
    vault
        .catalog
        .set_types(ogive_table_providers::SqliteTypes::Text);
    assert_eq!(
        vault
            .rows("SELECT height FROM notes.main.people WHERE id = '3'")
            .await,
        ["tall"]
    );
}

#[tokio::test]
async fn a_catalogue_is_live() {
    let vault = Vault::sample("combined");
    assert!(
        vault
            .try_run("SELECT * FROM notes.main.later")
            .await
            .is_err()
    );
    vault.sqlite("CREATE TABLE later(x INTEGER); INSERT INTO later VALUES (5)");
    assert_eq!(vault.rows("SELECT x FROM notes.main.LATER").await, ["5"]);
    let listed = vault.rows("SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = 'notes' ORDER BY 1, 2").await;
    for row in [
        "columns|f",
        "columns|s",
        "kv|kv",
        "kv|media",
        "main|later",
        "text|text_vault",
        "vectors|vk",
    ] {
        assert!(listed.contains(&row.to_owned()), "{row} in {listed:?}");
    }
    assert!(
        !listed
            .iter()
            .any(|row| row.contains("vk_") || row.contains("kvault") || row.contains("sqlite_")),
        "{listed:?}"
    );
    let info = vault
        .rows(&format!(
            "SELECT store, name, layout, type, rows, bytes > 0 FROM vault_info('{}')",
            vault.path.display()
        ))
        .await;
    assert!(
        info.contains(&"vectors|vk|vec0|float[4] cosine|6|true".to_owned()),
        "{info:?}"
    );
    assert!(
        info.contains(&"columns|f|3|f64|50|true".to_owned()),
        "{info:?}"
    );
}

#[tokio::test]
async fn inserts_into_every_store() {
    let vault = Vault::sample("combined");
    assert_eq!(
        vault
            .rows("INSERT INTO notes.kv.kv (key, value) VALUES ('new', 'one'), ('cfg', 'two')")
            .await,
        ["2"]
    );
    assert_eq!(vault.rows("SELECT CAST(value AS VARCHAR) FROM notes.kv.kv WHERE key IN ('new', 'cfg') ORDER BY key").await, ["two", "one"]);
    assert_eq!(
        vault
            .rows("INSERT INTO notes.columns.f (value) SELECT value * 2 FROM notes.columns.f")
            .await,
        ["50"]
    );
    assert_eq!(
        vault
            .rows("SELECT count(*), max(idx) FROM notes.columns.f")
            .await,
        ["100|99"]
    );
    assert_eq!(
        vault
            .rows("INSERT INTO notes.columns.s (value) VALUES ('é'), ('')")
            .await,
        ["2"]
    );
    assert!(
        vault
            .try_run("INSERT INTO notes.columns.s (idx, value) VALUES (3, 'x')")
            .await
            .is_err()
    );
    assert!(
        vault
            .try_run("INSERT INTO notes.columns.s (value) VALUES (NULL)")
            .await
            .is_err()
    );
    assert_eq!(
        vault.rows("SELECT count(*) FROM notes.columns.s").await,
        ["22"]
    );
    assert_eq!(vault.rows("INSERT INTO notes.vectors.vk (vector, value) VALUES (make_array(1.0, 0.0, 0.0, 0.0), 'v')").await, ["1"]);
    assert_eq!(
        vault
            .rows("SELECT count(*), max(id) FROM notes.vectors.vk")
            .await,
        ["7|8"]
    );
    assert!(vault.try_run("INSERT INTO notes.vectors.vk (id, vector, value) VALUES (8, make_array(1.0, 0.0, 0.0, 0.0), 'v')").await.is_err());
    assert_eq!(
        vault
            .rows("INSERT INTO notes.text.text_vault (content, value) VALUES ('a leviathan', 'v')")
            .await,
        ["1"]
    );
    assert_eq!(
        vault
            .rows("SELECT content FROM notes.text.text_vault WHERE fts_match(id, 'leviathan')")
            .await,
        ["a leviathan"]
    );
    vault.sqlite("CREATE TABLE t(id INTEGER PRIMARY KEY, x REAL, s TEXT)");
    assert_eq!(
        vault
            .rows("INSERT INTO notes.main.t (x, s) VALUES (1.5, 'a'), (NULL, 'b')")
            .await,
        ["2"]
    );
    assert_eq!(
        vault.rows("SELECT * FROM notes.main.t ORDER BY id").await,
        ["1|1.5|a", "2||b"]
    );
    // A query that fails half-way leaves nothing behind.
    assert!(
        vault
            .try_run(
                "INSERT INTO notes.main.t (x) SELECT CAST(value AS DOUBLE) FROM notes.columns.s"
            )
            .await
            .is_err()
    );
    assert_eq!(vault.rows("SELECT count(*) FROM notes.main.t").await, ["2"]);
    assert!(vault.try_run("DELETE FROM notes.kv.kv").await.is_err());
    assert_eq!(
        vault
            .rows("EXPLAIN INSERT INTO notes.main.t (x) VALUES (1)")
            .await
            .iter()
            .filter(|row| row.contains("VaultSink"))
            .count(),
        1
    );
    assert_eq!(vault.rows("SELECT count(*) FROM notes.main.t").await, ["2"]);
    let read_only = open_vault(&vault.path, true).unwrap();
    assert!(read_only.begin().is_err());
}

#[tokio::test]
async fn rows_change_by_their_numbers() {
    let vault = Vault::sample("combined");
    vault.sqlite(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x REAL); INSERT INTO t VALUES (5, 1.0), (6, 2.0)",
    );
    for (schema, name, value) in [
        ("kv", "kv", "SELECT CAST('changed' AS BYTEA) AS value"),
        ("columns", "f", "SELECT CAST(-1.5 AS DOUBLE) AS value"),
        ("columns", "s", "SELECT 'changed' AS value"),
        ("vectors", "vk", "SELECT CAST('changed' AS BYTEA) AS value"),
        ("text", "text_vault", "SELECT 'changed' AS content"),
        ("main", "t", "SELECT CAST(-1.5 AS DOUBLE) AS x"),
    ] {
        let table = vault.table(schema, name).await.with_rowid().unwrap();
        vault
            .context
            .register_table("target", Arc::new(table.clone()))
            .unwrap();
        let numbers: Vec<i64> = vault
            .rows("SELECT __row_id FROM target ORDER BY __row_id")
            .await
            .iter()
            .map(|row| row.parse().unwrap())
            .collect();
        let batch = vault.run(value).await.remove(0);
        let batch = datafusion::arrow::compute::cast(
            batch.column(0),
            table_type(&table, batch.schema().field(0).name()).as_ref(),
        )
        .map(|array| {
            RecordBatch::try_from_iter([(batch.schema().field(0).name().clone(), array)]).unwrap()
        })
        .unwrap();
        let transaction = vault.catalog.begin().unwrap();
        assert_eq!(
            transaction
                .update_rows(&table, &numbers[..1], &batch)
                .unwrap(),
            1,
            "{schema}"
        );
        assert_eq!(
            transaction
                .delete_rows(&table, &[numbers[1], 123_456_789])
                .unwrap(),
            1,
            "{schema}"
        );
        transaction.commit().unwrap();
        let left = vault.rows("SELECT __row_id FROM target").await.len();
        assert_eq!(left, numbers.len() - 1, "{schema}");
        let column = batch.schema().field(0).name().clone();
        let changed = vault
            .rows(&format!(
                "SELECT CAST({column} AS VARCHAR) FROM target WHERE __row_id = {}",
                numbers[0]
            ))
            .await;
        assert!(
            changed == ["changed"] || changed == ["-1.5"],
            "{schema} {changed:?}"
        );
        vault.context.deregister_table("target").unwrap();
        let transaction = vault.catalog.begin().unwrap();
        let table = vault.table(schema, name).await;
        transaction.drop_table(&table).unwrap();
        transaction.commit().unwrap();
        assert!(!vault.catalog.schema(schema).unwrap().table_exist(name));
    }
    let transaction = vault.catalog.begin().unwrap();
    transaction.create_kv("a").unwrap();
    transaction.create_column("b", "vec:f32:2").unwrap();
    transaction.create_vectors("c", 2, "cosine").unwrap();
    transaction.create_texts("d", &["title", "body"]).unwrap();
    transaction.commit().unwrap();
    assert_eq!(
        vault
            .rows("INSERT INTO notes.vectors.c (vector, value) VALUES (make_array(3.0, 4.0), 'v')")
            .await,
        ["1"]
    );
    assert_eq!(
        vault.rows("SELECT id, vector FROM notes.vectors.c").await,
        ["1|[0.6, 0.8]"]
    );
    assert_eq!(
        vault
            .rows("INSERT INTO notes.columns.b (value) VALUES (make_array(3.0, 4.0))")
            .await,
        ["1"]
    );
    assert_eq!(
        vault.rows("SELECT value FROM notes.columns.b").await,
        ["[3.0, 4.0]"]
    );
}

fn table_type(table: &VaultTable, column: &str) -> Box<datafusion::arrow::datatypes::DataType> {
    use datafusion::catalog::TableProvider;
    Box::new(
        table
            .schema()
            .field_with_name(column)
            .unwrap()
            .data_type()
            .clone(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_statement_sees_one_moment() {
    let vault = Vault::sample_with("combined", SessionConfig::new().with_target_partitions(4));
    vault.sqlite("CREATE TABLE a(id INTEGER PRIMARY KEY, x INTEGER); CREATE TABLE b(x INTEGER);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 210000) INSERT INTO a SELECT i, 1 FROM n;
        INSERT INTO b VALUES (210000)");
    let plan = vault
        .rows("EXPLAIN SELECT sum(x) FROM notes.main.a")
        .await
        .join("\n");
    assert!(plan.contains("partitions=4"), "{plan}");
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let catalog = Arc::clone(&vault.catalog);
    let stopped = Arc::clone(&stop);
    let writing = std::thread::spawn(move || {
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            let transaction = catalog.begin().unwrap();
            transaction.execute("INSERT INTO a(x) VALUES (1); DELETE FROM a WHERE id = (SELECT min(id) FROM a); INSERT INTO a(x) VALUES (1); UPDATE b SET x = x + 1").unwrap();
            transaction.commit().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    });
    for _ in 0..6 {
        let found = vault.rows("SELECT (SELECT sum(x) FROM notes.main.a) - (SELECT sum(x) FROM notes.main.b), (SELECT count(id) FROM notes.main.a) - (SELECT max(x) FROM notes.main.b)").await;
        assert_eq!(found, ["0|0"]);
        let found = vault
            .rows("SELECT count(a.x) - max(b.x) FROM notes.main.a CROSS JOIN notes.main.b")
            .await;
        assert_eq!(found, ["0"]);
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writing.join().unwrap();
}

#[tokio::test]
async fn tables_of_sqlite_vec_itself() {
    let vault = Vault::sample("foreign_vec0");
    assert_eq!(
        vault.rows("SELECT count(*) FROM notes.main.f").await,
        ["19"]
    );
    assert_eq!(
        vault
            .rows("SELECT * FROM notes.main.f WHERE id IN ('id2', 'id13') ORDER BY id")
            .await,
        [
            "id13|p1|[13.0, 13.0, 13.0, 13.0]|[13, 13, 13, 13]|[true, false, true, true, false, false, false, false, false, true, false, false, true, true, true, true]|130|6.5|true|ttttttttttttt|aux13|78787878787878787878787878",
            "id2|p0|[2.0, 2.0, 2.0, 2.0]|[2, 2, 2, 2]|[false, true, false, false, false, false, false, false, true, false, true, true, true, true, true, true]|20|1.0|false|tt|aux2|7878",
        ]
    );
    assert_eq!(vault.rows("SELECT doc_id FROM notes.main.g WHERE doc_id > 3 ORDER BY array_distance(emb, make_array(0.0, 0.0, 0.0))").await, ["6", "11"]);
    let info = vault
        .rows(&format!(
            "SELECT name, layout, type, rows FROM vault_info('{}') WHERE store = 'main'",
            vault.path.display()
        ))
        .await;
    assert_eq!(
        info,
        [
            "f|vec0|float[4] cosine|19",
            "g|vec0|float[3] l2|3",
            "kvt|vec0|float[4] cosine|0"
        ]
    );
}
