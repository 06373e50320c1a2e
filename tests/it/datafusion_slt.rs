//! DataFusion's own sqllogictest files, through ogive's front end.
//!
//! ogive must answer as the file says, but for [`DIFFERENCES`]. Where a file reads data of which
//! we have only a stand-in, plain DataFusion runs beside and says what is right.
//! `OGIVE_SLT=joins` runs the files whose name contains the word; `OGIVE_SLT_BASELINE=1` runs
//! plain DataFusion beside all of them: it must answer as the files say.

mod cells;
mod workspace;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use datafusion::common::Result;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::common::collect;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{SessionConfig, SessionContext};
use ogive::{Session, SessionBuilder};
use sqllogictest::{
    AsyncDB, DBOutput, Normalizer, QueryExpect, Record, Runner, strict_column_validator,
};

use cells::Letter;
use workspace::Workspace;

/// A record that ogive answers otherwise than DataFusion, on purpose.
struct Difference {
    file: &'static str,
    /// The record's SQL, its lines joined.
    sql: &'static str,
    #[expect(dead_code, reason = "for who reads the list")]
    why: &'static str,
}

const POWER: &str = "`^` is PostgreSQL's power, not DataFusion's exclusive or";
const LARGE_LISTS: &str = "ogive's distances take a list and a large list together";
const ARGUMENTS: &str = "ogive's distances count their arguments in words of their own";
const TYPES: &str = "ogive's distances name what they take in words of their own";
const DIMENSIONS: &str = "lists of two lengths are an error in pgvector's words";

const IN_NULLS: &str = "`IN` over a subquery is NULL where PostgreSQL's is";
const OUTSIDE_FILTERS: &str =
    "`IN` and aggregates that are compared with the row outside are planned outside of filters too";
const NOT_NULL: &str = "a NULL in a column that is NOT NULL is PostgreSQL's error";

const JOINED: &str = "small batches of a table with a key are joined";

const DIFFERENCES: &[Difference] = &[
    Difference {
        file: "group_by.slt",
        sql: "explain SELECT DATE_BIN(INTERVAL '2' MINUTE, ts, '2000-01-01') AS ts_chunk, COUNT(keyword) AS alert_keyword_count FROM keywords_stream WHERE keywords_stream.keyword IN (SELECT keyword FROM ALERT_KEYWORDS) GROUP BY ts_chunk;",
        why: JOINED,
    },
    Difference {
        file: "joins.slt",
        sql: "EXPLAIN select join_t1.t1_id, join_t1.t1_name, join_t1.t1_int from join_t1 where join_t1.t1_id + 12 not in (select join_t2.t2_id + 1 from join_t2 where join_t1.t1_int > 0)",
        why: IN_NULLS,
    },
    Difference {
        file: "null_aware_anti_join.slt",
        sql: "SELECT * FROM outer_table WHERE id NOT IN (SELECT id FROM inner_table_no_null) OR id NOT IN (SELECT id FROM inner_table2);",
        why: IN_NULLS,
    },
    Difference {
        file: "subquery.slt",
        sql: "explain select t1.t1_id, t1.t1_name, t1.t1_int from t1 where t1.t1_id = 11 or t1.t1_id + 12 not in (select t2.t2_id + 1 from t2 where t1.t1_int > 0)",
        why: IN_NULLS,
    },
    Difference {
        file: "subquery.slt",
        sql: "SELECT t1_id, t1_name, t1_int FROM t1 order by t1_int in (SELECT t2_int FROM t2 WHERE t1.t1_id > t1.t1_int)",
        why: OUTSIDE_FILTERS,
    },
    Difference {
        file: "subquery.slt",
        sql: "explain SELECT t1_id, (SELECT sum(t2_int) FROM t2 WHERE t2.t2_id < t1.t1_id) as t2_sum from t1",
        why: OUTSIDE_FILTERS,
    },
    Difference {
        file: "insert.slt",
        sql: "insert into table_without_values values(NULL, 300);",
        why: NOT_NULL,
    },
    Difference {
        file: "insert.slt",
        sql: "insert into table_without_values values(3, 300), (NULL, 400);",
        why: NOT_NULL,
    },
    Difference {
        file: "array/array_index.slt",
        sql: "select make_array(1, 2, 3)[2 + 1 - 1:10], make_array(1.0, 2.0, 3.0)[(2 | 2):10], make_array('h', 'e', 'l', 'l', 'o')[6 ^ 6:10];",
        why: POWER,
    },
    Difference {
        file: "array/array_length.slt",
        sql: "select array_distance();",
        why: ARGUMENTS,
    },
    Difference {
        file: "array/array_length.slt",
        sql: "select array_distance([1]);",
        why: ARGUMENTS,
    },
    Difference {
        file: "array/array_length.slt",
        sql: "select array_distance([1], [2], [3]);",
        why: ARGUMENTS,
    },
    Difference {
        file: "array/array_length.slt",
        sql: "select array_distance(1, [1]);",
        why: TYPES,
    },
    Difference {
        file: "array/array_length.slt",
        sql: "select array_distance([1], arrow_cast([1], 'LargeList(Float64)'));",
        why: LARGE_LISTS,
    },
    Difference {
        file: "array/array_length.slt",
        sql: "select array_distance([[1, 1]], [1, 2]);",
        why: TYPES,
    },
    Difference {
        file: "array/array_length.slt",
        sql: "select array_distance([[1, 1]], [[1, 2]]);",
        why: TYPES,
    },
    Difference {
        file: "array/array_length.slt",
        sql: "select array_distance([[1, 2], [100, 100]], [[1, 4], [0, 0]]);",
        why: TYPES,
    },
    Difference {
        file: "cosine_distance.slt",
        sql: "select cosine_distance([1.0, 2.0], [1.0]);",
        why: DIMENSIONS,
    },
    Difference {
        file: "cosine_distance.slt",
        sql: "select cosine_distance(1, 2);",
        why: TYPES,
    },
    Difference {
        file: "cosine_distance.slt",
        sql: "select cosine_distance();",
        why: ARGUMENTS,
    },
    Difference {
        file: "inner_product.slt",
        sql: "select inner_product([1.0, 2.0], [1.0]);",
        why: DIMENSIONS,
    },
    Difference {
        file: "inner_product.slt",
        sql: "select inner_product(1, 2);",
        why: TYPES,
    },
    Difference {
        file: "inner_product.slt",
        sql: "select inner_product();",
        why: ARGUMENTS,
    },
];

/// Records that plain DataFusion answers otherwise than the file says, since the data that they
/// read are not DataFusion's. ogive must answer them as plain DataFusion does all the same.
const ON_OTHER_DATA: &[(&str, usize)] = &[
    ("aggregate.slt", 103),
    ("array_agg.slt", 12),
    ("distinct_on.slt", 17),
    ("group_by.slt", 14),
    ("insert.slt", 1),
    ("limit.slt", 7),
    ("order.slt", 12),
    ("select.slt", 11),
    ("subquery.slt", 1),
    ("subquery_sort.slt", 4),
    ("topk.slt", 4),
    ("union.slt", 1),
    ("window.slt", 91),
    ("window_limits.slt", 28),
];

/// Files that take longest.
const LONG: &[&str] = &[
    "aggregate.slt",
    "array/array_all.slt",
    "group_by.slt",
    "joins.slt",
    "window.slt",
];

enum Engine {
    DataFusion(SessionContext),
    Ogive(Session),
}

impl Engine {
    fn context(&self) -> &SessionContext {
        match self {
            Self::DataFusion(context) => context,
            Self::Ogive(session) => session.context(),
        }
    }

    async fn sql(&self, sql: &str) -> Result<DataFrame> {
        match self {
            Self::DataFusion(context) => context.sql(sql).await,
            Self::Ogive(session) => session.sql(sql).await,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Answer {
    Rows(Vec<Letter>, Vec<Vec<String>>),
    Error(String),
}

/// An engine in a folder of its own; `last` is what it answered last.
#[derive(Clone)]
struct Database {
    engine: Arc<Engine>,
    workspace: Arc<Workspace>,
    last: Arc<Mutex<Option<Answer>>>,
}

impl Database {
    async fn answer(&self, sql: &str) -> Result<(Vec<Letter>, Vec<Vec<String>>)> {
        let frame = self.engine.sql(&self.workspace.resolve(sql)).await?;
        let task = Arc::new(frame.task_ctx());
        let plan = frame.create_physical_plan().await?;
        let schema = plan.schema();
        let stream = execute_stream(plan, task)?;
        let letters = cells::letters(stream.schema().fields());
        let mut rows = Vec::new();
        for batch in collect(stream).await? {
            if !schema.contains(&batch.schema()) {
                return Err(DataFusionError::Internal(format!(
                    "a batch of {:?} for {schema:?}",
                    batch.schema()
                )));
            }
            rows.extend(cells::rows(&ogive::vectors_as_text(&batch)?));
        }
        for row in &mut rows {
            for cell in row {
                *cell = self.workspace.hide(cell);
            }
        }
        Ok((letters, rows))
    }

    /// The settings, to see that a file leaves them as they were. Not those of catalogs: ogive
    /// shows the information schema, which files hide again, and whether a session makes a
    /// catalog changes whenever DataFusion builds it from another.
    fn settings(&self) -> BTreeMap<String, Option<String>> {
        let state = self.engine.context().state();
        let entries = state.config().options().entries();
        entries
            .into_iter()
            .map(|entry| (entry.key, entry.value))
            .filter(|(name, _)| !name.starts_with("datafusion.catalog."))
            .collect()
    }
}

#[derive(Debug)]
struct DatabaseError(String);

impl std::fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataFusion error: {}", self.0)
    }
}

impl std::error::Error for DatabaseError {}

#[async_trait]
impl AsyncDB for Database {
    type Error = DatabaseError;
    type ColumnType = Letter;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<Letter>, DatabaseError> {
        let result = self.answer(sql).await;
        let answer = match &result {
            Ok((letters, rows)) => Answer::Rows(letters.clone(), rows.clone()),
            Err(error) => Answer::Error(self.workspace.hide(&error.strip_backtrace())),
        };
        *self.last.lock().unwrap() = Some(answer);
        match result {
            Ok((types, rows)) if types.is_empty() && rows.is_empty() => {
                Ok(DBOutput::StatementComplete(0))
            }
            Ok((types, rows)) => Ok(DBOutput::Rows { types, rows }),
            Err(error) => Err(DatabaseError(error.strip_backtrace())),
        }
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "DataFusion"
    }

    async fn sleep(duration: std::time::Duration) {
        tokio::time::sleep(duration).await;
    }
}

async fn database(file: &Path, ogive: bool) -> Database {
    let workspace = Workspace::new(file);
    let engine = if ogive {
        Engine::Ogive(
            SessionBuilder::new()
                .with_target_partitions(4)
                .build()
                .unwrap(),
        )
    } else {
        let config = SessionConfig::new().with_target_partitions(4);
        Engine::DataFusion(SessionContext::new_with_config(config))
    };
    workspace.register_tables(file, engine.context()).await;
    Database {
        engine: Arc::new(engine),
        workspace: Arc::new(workspace),
        last: Arc::default(),
    }
}

type Make = Box<dyn Fn() -> std::future::Ready<Result<Database, DatabaseError>> + Send>;

fn runner(database: &Database) -> Runner<Database, Make> {
    let database = database.clone();
    let make: Make = Box::new(move || std::future::ready(Ok(database.clone())));
    let mut runner = Runner::new(make);
    runner.add_label("Datafusion");
    runner.with_column_validator(strict_column_validator);
    runner.with_normalizer(normalized);
    runner.with_validator(as_written);
    runner
}

#[expect(clippy::ptr_arg, reason = "the runner's type of function")]
fn normalized(text: &String) -> String {
    text.trim_end().to_string()
}

const IGNORE: &str = "<slt:ignore>";

/// Whether the rows are the expected ones; `<slt:ignore>` stands for any text.
fn as_written(normalizer: Normalizer, actual: &[Vec<String>], expected: &[String]) -> bool {
    let actual: Vec<String> = actual
        .iter()
        .map(|row| row.join(" ").trim_end().to_string())
        .collect();
    let expected: Vec<String> = expected.iter().map(normalizer).collect();
    if !expected.iter().any(|line| line.contains(IGNORE)) {
        return actual == expected;
    }
    let (actual, expected) = (actual.join("\n"), expected.join("\n"));
    let mut rest = actual.as_str();
    for (index, part) in expected.split(IGNORE).enumerate() {
        match rest.find(part) {
            Some(at) if index > 0 || at == 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    true
}

/// What a file did.
#[derive(Default)]
struct Report {
    name: String,
    records: usize,
    took: Duration,
    /// Records that plain DataFusion answers otherwise than the file says.
    other_data: Vec<String>,
    /// Indices of [`DIFFERENCES`] that occurred.
    differences: Vec<usize>,
    failures: Vec<String>,
}

/// Runs files one after the other in one session. Data that they share is made for the first of
/// them and removed after the last.
async fn run_files(root: PathBuf, names: Vec<String>) -> Vec<Report> {
    let path = root.join(&names[0]);
    let beside = std::env::var_os("OGIVE_SLT_BASELINE").is_some()
        || ON_OTHER_DATA.iter().any(|(name, _)| *name == names[0]);
    let ogive = database(&path, true).await;
    let plain = if beside {
        Some(database(&path, false).await)
    } else {
        None
    };
    let settings = ogive.settings();
    let mut ogive_runner = runner(&ogive);
    let mut plain_runner = plain.as_ref().map(|plain| (plain, runner(plain)));
    let mut reports = Vec::new();
    let files: Vec<Vec<Record<Letter>>> = names
        .iter()
        .map(|name| sqllogictest::parse_file(root.join(name)).unwrap())
        .collect();
    let includes = |part| {
        let files = &files;
        (0..files.len()).filter(move |index| files[*index].iter().any(|r| comes_from(r, part)))
    };
    let first = includes("init_data.slt.part").next().unwrap_or_default();
    let last = includes("cleanup.slt.part").next_back().unwrap_or_default();
    for (index, (name, records)) in names.iter().zip(files.clone()).enumerate() {
        let start = Instant::now();
        let mut report = Report {
            name: name.clone(),
            ..Report::default()
        };
        for record in records {
            if let Record::Halt { .. } = record {
                break;
            }
            if (index > first && comes_from(&record, "init_data.slt.part"))
                || (index < last && comes_from(&record, "cleanup.slt.part"))
            {
                continue;
            }
            let expected = match &mut plain_runner {
                Some((plain, runner)) => Some(run_record(plain, runner, &record).await),
                None => None,
            };
            let actual = run_record(&ogive, &mut ogive_runner, &record).await;
            report.take(&record, expected, actual);
        }
        report.took = start.elapsed();
        reports.push(report);
    }
    let mut after = ogive.settings();
    after.retain(|name, value| settings.get(name) != Some(value));
    if !after.is_empty()
        && let Some(last) = reports.last_mut()
    {
        let failure = format!("{}: settings afterwards: {after:?}", last.name);
        last.failures.push(failure);
    }
    reports
}

/// Whether a record is part of a file that others include.
fn comes_from(record: &Record<Letter>, part: &str) -> bool {
    match record {
        Record::Statement { loc, .. } | Record::Query { loc, .. } => loc.file().ends_with(part),
        _ => false,
    }
}

/// What an engine answered, and what is wrong with that by the file.
struct Outcome {
    answer: Option<Answer>,
    error: Option<String>,
}

async fn run_record(
    database: &Database,
    runner: &mut Runner<Database, Make>,
    record: &Record<Letter>,
) -> Outcome {
    *database.last.lock().unwrap() = None;
    let result = runner.run_async(record.clone()).await;
    let answer = database.last.lock().unwrap().take();
    let error = result.err().map(|error| error.display(false).to_string());
    Outcome { answer, error }
}

impl Report {
    fn take(&mut self, record: &Record<Letter>, expected: Option<Outcome>, actual: Outcome) {
        if actual.answer.is_none() && actual.error.is_none() {
            return;
        }
        self.records += 1;
        let wrong = match &expected {
            None | Some(Outcome { error: None, .. }) => actual.error,
            Some(plain) => {
                self.other_data
                    .push(plain.error.clone().unwrap_or_default());
                // Of files that are not among the fixtures DataFusion makes empty tables.
                let is_missing = format!("{:?}", actual.answer).contains("no such file: '")
                    || format!("{:?}", actual.answer).contains("No files found at");
                (!is_missing && !same(&plain.answer, &actual.answer, is_sorted(record)))
                    .then(|| format!("DataFusion: {:?}\nogive: {:?}", plain.answer, actual.answer))
            }
        };
        let Some(wrong) = wrong else { return };
        let sql = match record {
            Record::Statement { sql, .. } | Record::Query { sql, .. } => sql.as_str(),
            _ => "",
        };
        match listed(&self.name, sql) {
            Some(index) => self.differences.push(index),
            None => self.failures.push(format!("{}: {wrong}\n{sql}", self.name)),
        }
    }
}

fn is_sorted(record: &Record<Letter>) -> bool {
    let Record::Query { expected, .. } = record else {
        return false;
    };
    matches!(
        expected,
        QueryExpect::Results {
            sort_mode: Some(_),
            ..
        }
    )
}

fn same(plain: &Option<Answer>, ogive: &Option<Answer>, sorted: bool) -> bool {
    match (plain, ogive) {
        (Some(Answer::Rows(types, plain)), Some(Answer::Rows(ogive_types, ogive))) if sorted => {
            let (mut plain, mut ogive) = (plain.clone(), ogive.clone());
            plain.sort();
            ogive.sort();
            types == ogive_types && plain == ogive
        }
        _ => plain == ogive,
    }
}

fn listed(file: &str, sql: &str) -> Option<usize> {
    let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    DIFFERENCES
        .iter()
        .position(|d| d.file == file && d.sql == sql)
}

fn files(folder: &Path, root: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, root, found);
        } else if path.extension().is_some_and(|e| e == "slt") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            found.push(name.replace('\\', "/"));
        }
    }
}

#[test]
fn datafusions_own_files_stay_green() {
    // Debug builds plan deep expressions in large frames.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(16 << 20)
        .enable_all()
        .build()
        .unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/datafusion/test_files");
    let wanted = std::env::var("OGIVE_SLT").unwrap_or_default();
    let mut names = Vec::new();
    files(&root, &root, &mut names);
    names.retain(|name| name.contains(&wanted));
    names.sort();
    assert!(!names.is_empty(), "no file matches");

    // The files of a folder share a session; the long ones go first.
    let mut sets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in names {
        let set = match name.split_once('/') {
            Some(("array", _)) => "array".to_string(),
            _ => name.clone(),
        };
        sets.entry(set).or_default().push(name);
    }
    let mut sets: Vec<_> = sets.into_values().collect();
    sets.sort_by_key(|names| !LONG.contains(&names[0].as_str()));
    let turn = Arc::new(tokio::sync::Semaphore::new(2));
    let tasks: Vec<_> = sets
        .into_iter()
        .map(|names| {
            let (root, turn) = (root.clone(), Arc::clone(&turn));
            let first = names[0].clone();
            let task = runtime.spawn(async move {
                let _turn = turn.acquire_owned().await.unwrap();
                run_files(root, names).await
            });
            (first, task)
        })
        .collect();
    let mut failures = Vec::new();
    for (first, task) in tasks {
        match runtime.block_on(task) {
            Ok(reports) => {
                for report in reports {
                    failures.extend(judged(report));
                }
            }
            Err(panic) => failures.push(format!("{first}: {panic}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Prints what a file did; returns what is wrong with it.
fn judged(report: Report) -> Vec<String> {
    let name = &report.name;
    println!(
        "{name}: {} records, {} of them on other data, {} listed differences, {} failures, {:.1} s",
        report.records,
        report.other_data.len(),
        report.differences.len(),
        report.failures.len(),
        report.took.as_secs_f64()
    );
    let mut failures = report.failures;
    let pinned = ON_OTHER_DATA
        .iter()
        .find(|(file, _)| file == name)
        .map_or(0, |(_, records)| *records);
    if report.other_data.len() != pinned {
        failures.push(format!(
            "{name}: plain DataFusion answers {} records otherwise than the file says, not {pinned}:\n{}",
            report.other_data.len(),
            report.other_data.join("\n")
        ));
    }
    for (index, difference) in DIFFERENCES.iter().enumerate() {
        if difference.file == name && !report.differences.contains(&index) {
            failures.push(format!("{name}: no longer differs: {}", difference.sql));
        }
    }
    failures
}
