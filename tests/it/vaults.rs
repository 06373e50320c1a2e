//! Vaults under other writers, and under kill -9.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use ogive::{Session, SessionBuilder};
use ogive_vault::{OpenOptions, Vault};

/// Names the file to a test that is run as a child.
const CHILD_FILE: &str = "OGIVE_TEST_VAULT";

async fn attached(file: &Path) -> Session {
    let session = SessionBuilder::new()
        .with_target_partitions(2)
        .build()
        .unwrap();
    let attach = format!("ATTACH '{}' AS v", file.display());
    session.sql(&attach).await.unwrap();
    session
}

async fn run(session: &Session, sql: &str) {
    let frame = session.sql(sql).await.unwrap();
    frame
        .collect()
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn number(session: &Session, sql: &str) -> i64 {
    let frame = session.sql(sql).await.unwrap();
    let batches = frame
        .collect()
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

async fn make_tables(session: &Session) {
    for sql in [
        "CREATE TABLE v.kv.t (key BYTEA, value BYTEA)",
        "CREATE TABLE v.columns.c (value BIGINT)",
        "CREATE TABLE v.main.rows (id INTEGER PRIMARY KEY, batch INTEGER)",
        "CREATE TABLE v.vectors.docs (id BIGINT, vector vector(2), value BYTEA)",
    ] {
        run(session, sql).await;
    }
}

/// What a child process does until it is killed: a batch of ten rows into each store, then its number on stdout.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_inserts() {
    let Some(file) = std::env::var_os(CHILD_FILE) else {
        return;
    };
    let session = attached(Path::new(&file)).await;
    let mut batch = number(&session, "SELECT coalesce(max(batch), -1) + 1 FROM v.rows").await;
    loop {
        let series = "generate_series(1, 10)";
        run(&session, "BEGIN").await;
        run(
            &session,
            &format!("INSERT INTO v.kv.t SELECT '{batch}/' || value, 'x' FROM {series}"),
        )
        .await;
        run(
            &session,
            &format!("INSERT INTO v.columns.c SELECT {batch} FROM {series}"),
        )
        .await;
        run(
            &session,
            &format!(
                "INSERT INTO v.vectors.docs (vector) SELECT make_array({batch}::float, value::float) FROM {series}"
            ),
        )
        .await;
        run(
            &session,
            &format!("INSERT INTO v.rows (batch) SELECT {batch} FROM {series}"),
        )
        .await;
        run(&session, "COMMIT").await;
        println!("\nstored {batch}");
        batch += 1;
    }
}

/// Kills that a run of the test sends; more by `OGIVE_KILLS`.
fn kills() -> usize {
    let given = std::env::var("OGIVE_KILLS").ok();
    given.and_then(|kills| kills.parse().ok()).unwrap_or(10)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_no_half_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("v.db");
    {
        let session = attached(&file).await;
        make_tables(&session).await;
    }
    let mut acknowledged = -1;
    for kill in 0..kills() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["vaults::child_that_inserts", "--exact", "--nocapture"])
            .env(CHILD_FILE, &file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let stored = |line: String| line.strip_prefix("stored ").map(|n| n.parse().unwrap());
        // Some have begun to insert, some are in the middle of it.
        let first = lines.by_ref().map_while(Result::ok).find_map(stored);
        acknowledged = acknowledged.max(first.unwrap_or(-1));
        std::thread::sleep(Duration::from_millis(kill as u64 * 7 % 45));
        child.kill().unwrap();
        for batch in lines.map_while(Result::ok).filter_map(stored) {
            acknowledged = acknowledged.max(batch);
        }
        child.wait().unwrap();

        let session = attached(&file).await;
        let batches = number(&session, "SELECT count(DISTINCT batch) FROM v.rows").await;
        assert!(batches > acknowledged, "{batches} of {acknowledged}");
        for count in [
            "SELECT count(*) FROM v.rows",
            "SELECT count(*) FROM v.kv.t",
            "SELECT count(*) FROM v.columns.c",
            "SELECT count(*) FROM v.vectors.docs",
        ] {
            assert_eq!(number(&session, count).await, batches * 10, "{count}");
        }
        let vault = Vault::open(&file, OpenOptions::default()).unwrap();
        let reader = vault.reader().unwrap();
        let check: String = reader
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(check, "ok");
    }
    assert!(acknowledged > 0);
}

/// Seconds that readers and writers go on beside each other; more by `OGIVE_SECONDS`.
fn seconds() -> u64 {
    let given = std::env::var("OGIVE_SECONDS").ok();
    given.and_then(|seconds| seconds.parse().ok()).unwrap_or(3)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_and_writers_beside_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("v.db");
    let session = attached(&file).await;
    make_tables(&session).await;
    let is_over = Arc::new(AtomicBool::new(false));
    // Another program: SQLite itself, in a thread, with a connection of its own.
    let other = {
        let (file, is_over) = (file.clone(), Arc::clone(&is_over));
        std::thread::spawn(move || {
            let vault = Vault::open(&file, OpenOptions::default()).unwrap();
            let mut written = 0;
            while !is_over.load(Ordering::Relaxed) {
                let writer = vault.writer().unwrap();
                writer
                    .execute_batch(
                        "INSERT INTO rows (batch) VALUES (-1), (-1), (-1), (-1), (-1), (-1), (-1), (-1), (-1), (-1)",
                    )
                    .unwrap();
                writer.commit().unwrap();
                written += 1;
                std::thread::sleep(Duration::from_millis(3));
            }
            written
        })
    };
    let mut readers = Vec::new();
    for _ in 0..8 {
        let session = attached(&file).await;
        let is_over = Arc::clone(&is_over);
        readers.push(tokio::spawn(async move {
            let mut before = 0;
            while !is_over.load(Ordering::Relaxed) {
                // Both counts are of one moment, whatever is written between their scans.
                let torn = number(
                    &session,
                    "SELECT (SELECT count(*) FROM v.rows) - 2 * (SELECT count(*) FROM v.rows) + (SELECT count(*) FROM v.rows)",
                )
                .await;
                assert_eq!(torn, 0);
                let count = number(&session, "SELECT count(*) FROM v.rows").await;
                assert!(count >= before && count % 10 == 0, "{count} after {before}");
                before = count;
            }
        }));
    }
    let end = Instant::now() + Duration::from_secs(seconds());
    let mut written = 0;
    while Instant::now() < end {
        run(
            &session,
            "INSERT INTO v.rows (batch) SELECT 1 FROM generate_series(1, 10)",
        )
        .await;
        written += 1;
    }
    is_over.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    written += other.join().unwrap();
    let rows = number(&session, "SELECT count(*) FROM v.rows").await;
    assert_eq!(rows, written * 10);
}

/// The nearest rows by a search in the scan are those of a search above it: over chunks with gaps, typed columns, filters, ranges,
/// every metric and order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_in_the_scan_find_what_sorting_finds() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("v.db");
    let session = attached(&file).await;
    for sql in [
        "CREATE TABLE v.vectors.docs (id BIGINT, vector vector(3), value BYTEA)",
        "CREATE TABLE v.columns.c (value vector(3))",
        "CREATE TABLE v.columns.d (value vector(3)) WITH (dtype = 'vec:f64:3')",
    ] {
        run(&session, sql).await;
    }
    // Values repeat, so that there are ties; a few rows are zero, which have no cosine.
    let rows = "SELECT make_array((value * 7919 % 41 - 20)::float, (value * 104729 % 37 - 18)::float, (value % 3)::float * (value % 5)::float) FROM generate_series(1, 2600)";
    run(
        &session,
        &format!("INSERT INTO v.vectors.docs (vector) {rows}"),
    )
    .await;
    run(&session, &format!("INSERT INTO v.columns.c {rows}")).await;
    run(&session, &format!("INSERT INTO v.columns.d {rows}")).await;
    run(
        &session,
        "DELETE FROM v.vectors.docs WHERE id % 7 = 3 OR id BETWEEN 1000 AND 1030",
    )
    .await;
    run(
        &session,
        "INSERT INTO v.vectors.docs (vector) VALUES ('[0,0,0]'), ('[1,2,3]')",
    )
    .await;
    let mut compared = 0;
    let metrics = ["<->", "<=>", "<+>", "<#>"];
    for (table, id, vector, metrics) in [
        ("v.vectors.docs", "id", "vector", &metrics[..]),
        ("v.columns.c", "idx", "value", &metrics[..2]),
        ("v.columns.d", "idx", "value", &metrics[..1]),
    ] {
        for operator in metrics {
            for filter in [
                "",
                &format!("WHERE {id} % 3 = 1"),
                &format!("WHERE {id} BETWEEN 900 AND 1100"),
                &format!("WHERE {vector} {operator} [1, 2, 0.5] < 0.7 AND {id} > 20"),
                &format!("WHERE {vector} {operator} [1, 2, 0.5] >= 1.5"),
                &format!("WHERE {id} < 0"),
            ] {
                for order in ["", "DESC NULLS FIRST", "DESC NULLS LAST"] {
                    for (k, more) in [(10, ""), (7, ", 1"), (3000, ", 1")] {
                        let distance = format!("{vector} {operator} [1, 2, 0.5]");
                        let by = format!("ORDER BY {distance} {order}{}", more.replace('1', id));
                        // Which of equals come is free where nothing decides: then distances are compared.
                        let wanted = if more.is_empty() { &distance } else { id };
                        let query =
                            format!("SELECT {wanted} AS w FROM {table} {filter} {by} LIMIT {k}");
                        let mut answers = Vec::new();
                        for enabled in [true, false] {
                            run(&session, &format!("SET ogive.enable_top_k = {enabled}")).await;
                            let frame = session.sql(&query).await.unwrap();
                            let batches = frame.collect().await.unwrap();
                            answers.push(
                                datafusion::arrow::util::pretty::pretty_format_batches(&batches)
                                    .unwrap()
                                    .to_string(),
                            );
                        }
                        assert_eq!(answers[0], answers[1], "{query}");
                        compared += 1;
                    }
                }
            }
        }
    }
    assert_eq!(compared, (4 + 2 + 1) * 6 * 3 * 3);
    run(&session, "SET ogive.enable_top_k = true").await;
    // Within a block, the rows that it has changed itself are searched.
    run(&session, "BEGIN").await;
    run(
        &session,
        "INSERT INTO v.vectors.docs (id, vector) VALUES (-5, '[900,0,0]')",
    )
    .await;
    let nearest = "SELECT id FROM v.vectors.docs ORDER BY vector <-> [901, 0, 0] LIMIT 1";
    assert_eq!(number(&session, nearest).await, -5);
    run(&session, "ROLLBACK").await;
    assert_ne!(number(&session, nearest).await, -5);
}
