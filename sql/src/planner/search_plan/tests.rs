//! The plan that is put together, beside the one that the rules make.

use datafusion::arrow::array::{Float32Builder, Int64Array, ListBuilder, RecordBatch};
use datafusion::physical_plan::displayable;

use super::*;
use crate::{Session as OgiveSession, SessionBuilder};

const DIMENSION: usize = 4;

/// A file of `rows` vectors.
async fn write(path: &std::path::Path, rows: usize) {
    let elements: Vec<String> = (1..=DIMENSION)
        .map(|i| format!("CAST(value * {i} % 101 AS FLOAT)"))
        .collect();
    let copy = format!(
        "COPY (SELECT arrow_cast([{}], 'FixedSizeList({DIMENSION}, Float32)') AS vector FROM generate_series(1, {rows})) \
         TO '{}' OPTIONS ('compression' 'fp16', 'chunk_rows' '64')",
        elements.join(", "),
        path.display()
    );
    let session = SessionBuilder::new().build().unwrap();
    session.sql(&copy).await.unwrap().collect().await.unwrap();
}

/// `few` and `many`, which is more than a batch; `parts`, a folder of two files; and `memory`.
async fn session(folder: &std::path::Path, settings: &[&str]) -> OgiveSession {
    let session = SessionBuilder::new().build().unwrap();
    for setting in settings {
        session.sql(&format!("SET {setting}")).await.unwrap();
    }
    for (name, place) in [
        ("few", "few.cvc"),
        ("many", "many.cvc"),
        ("parts", "parts/"),
    ] {
        let create = format!(
            "CREATE EXTERNAL TABLE {name} STORED AS CVC LOCATION '{}/{place}'",
            folder.display()
        );
        session.sql(&create).await.unwrap();
    }
    let mut vectors = ListBuilder::new(Float32Builder::new());
    for row in 0..10 {
        vectors.append_value((0..DIMENSION).map(|i| Some((row * i) as f32)));
    }
    let batch = RecordBatch::try_from_iter([
        ("_row", Arc::new(Int64Array::from_iter_values(0..10)) as _),
        ("vector", Arc::new(vectors.finish()) as _),
    ]);
    let context = session.context();
    context.register_batch("memory", batch.unwrap()).unwrap();
    session
}

fn shown(plan: &Arc<dyn ExecutionPlan>) -> String {
    format!(
        "{}{:?}",
        displayable(plan.as_ref()).indent(true),
        plan.schema()
    )
}

/// The plan that the rules make, and the other where there is one.
async fn both(session: &OgiveSession, sql: &str) -> (String, Option<String>) {
    let frame = session.sql(sql).await.unwrap();
    let (state, plan) = frame.into_parts();
    let plan = state.optimize(&plan).unwrap();
    let planner = DefaultPhysicalPlanner::default();
    let by_rules = planner.create_physical_plan(&plan, &state).await.unwrap();
    if !is_search(&plan, &state) {
        return (shown(&by_rules), None);
    }
    let bare = WithoutRules::new(&state);
    let initial = planner.create_physical_plan(&plan, &bare).await.unwrap();
    let together = put_together(&initial, state.config_options()).unwrap();
    (shown(&by_rules), together.map(|plan| shown(&plan)))
}

async fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("parts")).unwrap();
    for (name, rows) in [
        ("few", 10),
        ("many", 9_000),
        ("parts/a", 700),
        ("parts/b", 300),
    ] {
        write(&folder.path().join(format!("{name}.cvc")), rows).await;
    }
    folder
}

/// Settings that decide how a scan is divided.
const SETTINGS: [&[&str]; 8] = [
    &["datafusion.execution.target_partitions = 1"],
    &["datafusion.execution.target_partitions = 2"],
    &[
        "datafusion.execution.target_partitions = 3",
        "ogive.split_min_bytes = 0",
    ],
    &[
        "datafusion.execution.target_partitions = 3",
        "ogive.split_min_bytes = 0",
        "datafusion.execution.batch_size = 4",
    ],
    &[
        "datafusion.execution.target_partitions = 4",
        "ogive.split_min_bytes = 0",
        "datafusion.execution.use_row_number_estimates_to_optimize_partitioning = true",
    ],
    &[
        "datafusion.execution.target_partitions = 2",
        "datafusion.optimizer.repartition_file_scans = false",
    ],
    &[
        "datafusion.execution.target_partitions = 2",
        "datafusion.optimizer.repartition_file_scans = false",
        "datafusion.optimizer.enable_round_robin_repartition = false",
    ],
    &[
        "datafusion.execution.target_partitions = 2",
        "ogive.split_min_bytes = 0",
        "datafusion.optimizer.prefer_existing_sort = true",
    ],
];

/// Searches and nothing else; `T` is a table.
const SEARCHES: [&str; 13] = [
    "SELECT _row FROM T ORDER BY l2_distance(vector, [1.0, 2.0, 3.0, 4.0]) LIMIT 10",
    "SELECT * FROM T ORDER BY vector <=> [1.0, 2.0, 3.0, 4.0] LIMIT 3",
    "SELECT _row, l2_distance(vector, [1.0, 2.0, 3.0, 4.0]) AS d FROM T ORDER BY d LIMIT 10",
    "SELECT l2_distance(vector, [1.0, 2.0, 3.0, 4.0]) AS d, _row AS id FROM T ORDER BY d, id LIMIT 10",
    "SELECT _row + 1 AS next FROM T ORDER BY l1_distance(vector, [1.0, 2.0, 3.0, 4.0]) LIMIT 10",
    "SELECT vector FROM T ORDER BY inner_product(vector, [1.0, 2.0, 3.0, 4.0]) DESC LIMIT 5",
    "SELECT 1 - cosine_distance(vector, [1.0, 2.0, 3.0, 4.0]) AS s FROM T ORDER BY cosine_distance(vector, [1.0, 2.0, 3.0, 4.0]) LIMIT 5",
    "SELECT _row FROM T WHERE _row > 5 ORDER BY l2_distance(vector, [1.0, 2.0, 3.0, 4.0]) LIMIT 10",
    "SELECT _row FROM T WHERE l2_distance(vector, [1.0, 2.0, 3.0, 4.0]) < 90 ORDER BY l2_distance(vector, [1.0, 2.0, 3.0, 4.0]) LIMIT 10",
    "SELECT x.d FROM (SELECT _row, l2_distance(vector, [1.0, 2.0, 3.0, 4.0]) AS d FROM T) x ORDER BY x.d NULLS FIRST LIMIT 10",
    "SELECT _row, _row AS again FROM T AS t ORDER BY l2_distance(t.vector, [1.0, 2.0, 3.0, 4.0]) LIMIT 100",
    "SELECT d FROM (SELECT _row, l2_distance(vector, [1.0, 2.0, 3.0, 4.0]) AS d FROM T ORDER BY d LIMIT 10) x",
    "SELECT _row FROM (SELECT _row, vector FROM T ORDER BY l2_distance(vector, [1.0, 2.0, 3.0, 4.0]), _row LIMIT 10) x",
];

/// More than that, or less.
const OTHERS: [&str; 9] = [
    "SELECT _row FROM T ORDER BY l2_distance(vector, [1.0, 2.0, 3.0, 4.0])",
    "SELECT _row FROM T ORDER BY _row LIMIT 10",
    "SELECT _row FROM T ORDER BY l2_distance(vector, [1.0, 2.0, 3.0, 4.0]) LIMIT 10 OFFSET 2",
    "SELECT _row FROM T ORDER BY l2_distance(vector, [1.0, 2.0, 3.0, 4.0]) LIMIT 0",
    "SELECT count(*) FROM (SELECT _row FROM T ORDER BY l2_distance(vector, [1.0, 2.0, 3.0, 4.0]) LIMIT 10) x",
    "SELECT _row FROM (SELECT * FROM T ORDER BY l2_distance(vector, [1.0, 2.0, 3.0, 4.0]) LIMIT 10) x WHERE _row > 3",
    "SELECT _row FROM T ORDER BY l2_distance(vector, (SELECT vector FROM few WHERE _row = 1)) LIMIT 10",
    "SELECT t._row FROM T AS t LEFT JOIN few USING (_row) ORDER BY l2_distance(t.vector, [1.0, 2.0, 3.0, 4.0]) LIMIT 10",
    "SELECT _row, (SELECT max(_row) FROM few) AS m FROM T ORDER BY l2_distance(vector, [1.0, 2.0, 3.0, 4.0]) LIMIT 10",
];

#[tokio::test]
async fn a_search_has_the_plan_that_the_rules_make() {
    let folder = files().await;
    let (mut tried, mut made) = (0, 0);
    for settings in SETTINGS {
        let session = session(folder.path(), settings).await;
        for table in ["few", "many", "parts"] {
            for search in SEARCHES {
                let sql = search.replace(" T", &format!(" {table}"));
                let (by_rules, together) = both(&session, &sql).await;
                tried += 1;
                if let Some(together) = together {
                    made += 1;
                    assert_eq!(together, by_rules, "{settings:?}: {sql}");
                }
            }
        }
    }
    // What is left out would need an operator that divides rows.
    assert!(made * 10 > tried * 9, "{made} of {tried}");
}

#[tokio::test]
async fn what_is_no_search_is_left_to_the_rules() {
    let folder = files().await;
    let session = session(folder.path(), SETTINGS[2]).await;
    for other in OTHERS {
        let sql = other.replace(" T", " many");
        let (_, together) = both(&session, &sql).await;
        assert_eq!(together, None, "{sql}");
    }
    let (_, together) = both(&session, &SEARCHES[0].replace(" T", " memory")).await;
    assert_eq!(
        together, None,
        "a table in memory has no scan that takes the request"
    );
    for setting in [
        "ogive.enable_search_plan = false",
        "ogive.enable_top_k = false",
        "datafusion.optimizer.repartition_sorts = false",
    ] {
        let session = self::session(folder.path(), &[setting]).await;
        let (_, together) = both(&session, &SEARCHES[0].replace(" T", " many")).await;
        assert_eq!(together, None, "{setting}");
    }
}

#[tokio::test]
async fn a_session_with_a_rule_of_its_own_keeps_it() {
    let mut builder = datafusion::execution::SessionStateBuilder::new_with_default_features();
    crate::register_all(&mut builder);
    let state = builder.build();
    assert!(knows(state.physical_optimizers()));
    let more = datafusion::execution::SessionStateBuilder::from(state)
        .with_physical_optimizer_rule(Arc::new(ProjectionPushdown::new()))
        .build();
    assert!(!knows(more.physical_optimizers()));
}
