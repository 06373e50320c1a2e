//! Partitions of a search that are through look at rows of those that are not.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::{TryStreamExt, poll};
use ogive::{Session, SessionBuilder};
use ogive_npy::{DType, npy_header};

/// Twice the bytes after which a search lets others run, and more, for each of two partitions.
const ROWS: usize = 80_000;
const DIMENSION: usize = 256;
const K: usize = 10;

fn write_vectors(path: &Path) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    file.write_all(&npy_header(DType::F32, ROWS as u64, DIMENSION))
        .unwrap();
    let mut state = 1_u32;
    for _ in 0..ROWS * DIMENSION {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let value = (state >> 16) as f32 / 65_536.0;
        file.write_all(&value.to_le_bytes()).unwrap();
    }
    file.flush().unwrap();
}

fn query() -> String {
    let mut numbers = String::from("0.5");
    for place in 1..DIMENSION {
        write!(numbers, ", {}", place as f32 / DIMENSION as f32).unwrap();
    }
    format!("[{numbers}]")
}

async fn session(settings: &[&str]) -> Session {
    let session = SessionBuilder::new()
        .with_target_partitions(2)
        .build()
        .unwrap();
    for setting in settings {
        let set = session.sql(&format!("SET {setting}")).await.unwrap();
        set.collect().await.unwrap();
    }
    session
}

fn numbers(batches: &[RecordBatch]) -> Vec<i64> {
    let columns = batches
        .iter()
        .map(|batch| batch.column(0).as_primitive::<Int64Type>());
    columns
        .flat_map(|column| column.values().to_vec())
        .collect()
}

fn find(plan: &Arc<dyn ExecutionPlan>, name: &str) -> Arc<dyn ExecutionPlan> {
    if plan.name() == name {
        return Arc::clone(plan);
    }
    match plan.children().as_slice() {
        [child] => find(child, name),
        children => panic!("no {name}: {} has {} inputs", plan.name(), children.len()),
    }
}

fn rows_scanned(plan: &Arc<dyn ExecutionPlan>, partition: usize) -> usize {
    let metrics = plan.metrics().unwrap();
    let of_partition = metrics
        .iter()
        .filter(|metric| metric.partition() == Some(partition));
    of_partition
        .filter(|metric| metric.value().name() == "rows_scanned")
        .map(|metric| metric.value().as_usize())
        .sum()
}

/// Runs one partition up to where it lets others run, then the other as a whole, then the rest of the one. Returns the rows
/// that pass the partitions' sorts, and how many rows each partition looked at.
async fn run_in_turn(session: &Session, sql: &str, searches: &str) -> (Vec<i64>, [usize; 2]) {
    let frame = session.sql(sql).await.unwrap();
    let context = Arc::new(TaskContext::from(&session.context().state()));
    let plan = frame.create_physical_plan().await.unwrap();
    let sort = find(&plan, "SortExec(TopK)");
    assert_eq!(sort.output_partitioning().partition_count(), 2, "{sql}");
    let mut slow = sort.execute(0, Arc::clone(&context)).unwrap();
    assert!(poll!(slow.try_next()).is_pending(), "{sql}");
    let fast = sort.execute(1, context).unwrap();
    let of_fast = numbers(&fast.try_collect::<Vec<_>>().await.unwrap());
    let of_slow = numbers(&slow.try_collect::<Vec<_>>().await.unwrap());
    assert!(
        of_slow.iter().max() < of_fast.iter().min(),
        "partitions have rows of each other: {sql}"
    );
    let found = [of_slow, of_fast].concat();
    let searches = find(&plan, searches);
    (
        found,
        [rows_scanned(&searches, 0), rows_scanned(&searches, 1)],
    )
}

#[tokio::test]
async fn rows_of_a_slow_partition_are_searched_once() {
    let scratch = tempfile::tempdir().unwrap();
    let path = |name: &str| scratch.path().join(name).display().to_string();
    write_vectors(Path::new(&path("v.npy")));
    let one = "datafusion.execution.target_partitions = 1";
    let plain = session(&["ogive.enable_top_k = false", one]).await;
    for (name, options) in [
        (
            "v.cvc",
            "STORED AS CVC OPTIONS (compression 'fp16', chunk_rows 7000)",
        ),
        (
            "v.parquet",
            "STORED AS PARQUET OPTIONS ('format.compression' 'uncompressed', 'format.dictionary_enabled' 'false')",
        ),
    ] {
        let copy = format!(
            "COPY (SELECT _row AS id, vector FROM '{}') TO '{}' {options}",
            path("v.npy"),
            path(name)
        );
        plain.sql(&copy).await.unwrap().collect().await.unwrap();
    }
    for (name, id, searches) in [
        ("v.npy", "_row", "DataSourceExec"),
        ("v.cvc", "_row", "DataSourceExec"),
        ("v.parquet", "id", "VectorTopKExec"),
    ] {
        for (filter, second) in [("true", ""), ("true", ", {} % 7"), ("{} % 3 = 1", "")] {
            if name == "v.parquet" && filter != "true" {
                // Not searched in place.
                continue;
            }
            let (filter, second) = (filter.replace("{}", id), second.replace("{}", id));
            let sql = format!(
                "SELECT {id} FROM '{}' WHERE {filter} ORDER BY l2_distance(vector, {}){second} LIMIT {K}",
                path(name),
                query()
            );
            let expected = numbers(&plain.sql(&sql).await.unwrap().collect().await.unwrap());
            assert_eq!(expected.len(), K);

            let sharing = session(&[]).await;
            let (found, [slow, fast]) = run_in_turn(&sharing, &sql, searches).await;
            check(&found, &expected, &sql);
            assert!(fast > slow, "{name}, {filter}{second}: {slow} and {fast}");

            let apart = "datafusion.execution.enable_file_stream_work_stealing = false";
            let apart = session(&[apart]).await;
            let (found, [slow, fast]) = run_in_turn(&apart, &sql, searches).await;
            check(&found, &expected, &sql);
            let page = ROWS / 50;
            assert!(
                slow.abs_diff(fast) < page,
                "{name}, {filter}{second}: {slow} and {fast}"
            );

            // The same plan as a whole, run twice.
            let frame = sharing.sql(&sql).await.unwrap();
            for _ in 0..2 {
                assert_eq!(
                    numbers(&frame.clone().collect().await.unwrap()),
                    expected,
                    "{sql}"
                );
            }
        }
    }
}

/// Each row comes from one partition, and the nearest are among them.
fn check(found: &[i64], expected: &[i64], sql: &str) {
    let mut once = found.to_vec();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), found.len(), "rows came twice: {sql}");
    for row in expected {
        assert!(found.contains(row), "row {row} is missing: {sql}");
    }
}
