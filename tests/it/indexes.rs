//! Searches through indexes beside the same searches without, over generated tables, filters and queries; and indexes that are
//! damaged, foreign, stale, half-built or built twice at once.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use datafusion::arrow::util::pretty::pretty_format_batches;
use ogive::{Session, SessionBuilder};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const DIMENSION: usize = 12;
const ROWS: usize = 2600;

async fn session(partitions: usize) -> Session {
    let session = SessionBuilder::new()
        .with_target_partitions(partitions)
        .build()
        .unwrap();
    session
        .sql("SET ogive.index_access = 'force'")
        .await
        .unwrap();
    session
}

async fn text(session: &Session, sql: &str) -> Result<String, String> {
    let frame = session.sql(sql).await.map_err(|error| error.to_string())?;
    let batches = frame.collect().await.map_err(|error| error.to_string())?;
    Ok(pretty_format_batches(&batches).unwrap().to_string())
}

async fn run(session: &Session, sql: &str) {
    if let Err(error) = text(session, sql).await {
        panic!("{sql}: {error}");
    }
}

/// A `.npy` file of float32 vectors.
fn write_npy(path: &Path, rows: &[Vec<f32>]) {
    let dimension = rows.first().map_or(1, Vec::len);
    let mut header = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {dimension}), }}",
        rows.len()
    );
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    for value in rows.iter().flatten() {
        bytes.extend(value.to_le_bytes());
    }
    fs::write(path, bytes).unwrap();
}

/// Rows in a few clusters, some of them equal, zero, huge or not finite.
fn generated(random: &mut StdRng, rows: usize) -> Vec<Vec<f32>> {
    let centres: Vec<Vec<f32>> = (0..8)
        .map(|_| {
            (0..DIMENSION)
                .map(|_| random.random_range(-1.0..1.0))
                .collect()
        })
        .collect();
    let mut all: Vec<Vec<f32>> = Vec::with_capacity(rows);
    for index in 0..rows {
        let kind = random.random_range(0..200);
        let row = match kind {
            0 => vec![0.0; DIMENSION],
            1 => vec![f32::NAN; DIMENSION],
            2 => (0..DIMENSION)
                .map(|_| random.random_range(-1e19..1e19))
                .collect(),
            3..20 if index > 0 => all[random.random_range(0..index)].clone(),
            _ => {
                let centre = &centres[random.random_range(0..centres.len())];
                centre
                    .iter()
                    .enumerate()
                    .map(|(at, value)| value + random.random_range(-0.5..0.5) / (1 + at) as f32)
                    .collect()
            }
        };
        all.push(row);
    }
    all
}

fn query(random: &mut StdRng, rows: &[Vec<f32>]) -> String {
    let mut vector = match random.random_range(0..3) {
        0 => (0..DIMENSION)
            .map(|_| random.random_range(-1.0..1.0))
            .collect(),
        _ => rows[random.random_range(0..rows.len())].clone(),
    };
    for value in &mut vector {
        if !value.is_finite() {
            *value = 1.0;
        }
        *value += random.random_range(-0.01..0.01);
    }
    let mut text = String::from("'[");
    for (index, value) in vector.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(text, "{comma}{value}").unwrap();
    }
    text + "]'"
}

fn filter(random: &mut StdRng, query: &str) -> String {
    match random.random_range(0..7) {
        0 => format!("WHERE _row % {} = 0", random.random_range(1..900)),
        1 => format!("WHERE _row < {}", random.random_range(0..ROWS)),
        2 => format!(
            "WHERE _row > {} OR _row IN (1, 5, 9)",
            random.random_range(0..ROWS)
        ),
        3 => "WHERE _row = -1".to_string(),
        4 => format!(
            "WHERE vector <-> {query} > {}",
            random.random_range(0.0..1.5)
        ),
        _ => String::new(),
    }
}

/// One statement over `table`.
fn statement(random: &mut StdRng, table: &str, data: &str, rows: &[Vec<f32>]) -> String {
    let query = query(random, rows);
    // A vector that is known only when the query runs.
    let near = match random.random_range(0..4) {
        0 => format!(
            "(SELECT vector FROM {data} WHERE _row = {})",
            random.random_range(0..rows.len())
        ),
        _ => query.clone(),
    };
    let (operator, direction) = match random.random_range(0..8) {
        0..3 => ("<->", ""),
        3..5 => ("<=>", ""),
        5..7 => ("<#>", ""),
        _ => ("<->", "DESC"),
    };
    let filter = filter(random, &query);
    match random.random_range(0..6) {
        0 => {
            let far = random.random_range(-1.0..2.0);
            format!(
                "SELECT count(*), min(_row), max(_row) FROM {table} WHERE vector {operator} {query} < {far}"
            )
        }
        1 => {
            let k = random.random_range(1..40);
            format!(
                "SELECT _row, vector {operator} {near} AS d FROM {table} {filter} ORDER BY d {direction}, _row DESC LIMIT {k}"
            )
        }
        _ => {
            let k = [1, 3, 10, 100, 1000][random.random_range(0..5)];
            // Which of several equal rows comes in is not said; their distances are.
            format!(
                "SELECT vector {operator} {near} AS d FROM {table} {filter} ORDER BY d {direction} LIMIT {k}"
            )
        }
    }
}

async fn compare(sessions: &[&Session], plain: &Session, sql: &str) {
    let expected = text(plain, sql).await;
    for session in sessions {
        assert_eq!(text(session, sql).await, expected, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_are_those_without_an_index() {
    let seeds = std::env::var("OGIVE_INDEX_SEEDS").ok();
    let seeds = seeds.and_then(|seeds| seeds.parse().ok()).unwrap_or(2);
    for seed in 0..seeds {
        let mut random = StdRng::seed_from_u64(seed);
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let rows = generated(&mut random, ROWS);
        write_npy(&path("a.npy"), &rows);
        write_npy(&path("b.npy"), &generated(&mut random, 700));
        let one = session(1).await;
        let two = session(2).await;
        let read = session(2).await;
        run(&read, "SET ogive.memory_map = 'off'").await;
        let plain = session(1).await;
        run(&plain, "SET ogive.index_access = 'off'").await;
        let npy = path("a.npy").display().to_string();
        for (name, options) in [
            ("fp16.cvc", "compression 'fp16'"),
            ("int8.cvc", "compression 'int8'"),
            ("none.cvc", "compression 'none', chunk_rows '300'"),
        ] {
            let target = path(name).display().to_string();
            let finite = "vector <-> vector = 0 AND l2_norm(vector) < 1e4";
            run(
                &one,
                &format!("COPY (SELECT vector FROM '{npy}' WHERE {finite}) TO '{target}' OPTIONS ({options})"),
            )
            .await;
        }
        let mut tables = Vec::new();
        for name in ["a.npy", "fp16.cvc", "int8.cvc", "none.cvc"] {
            let table = format!("'{}'", path(name).display());
            for class in ["vector_l2_ops", "vector_cosine_ops"] {
                run(
                    &two,
                    &format!("CREATE INDEX ON {table} USING flat (vector {class})"),
                )
                .await;
            }
            tables.push(table);
        }
        // One of its two files has no index.
        tables.push(format!("'{}'", path("*.npy").display()));
        for case in 0..60 {
            let table = &tables[case % tables.len()];
            let sql = statement(&mut random, table, &tables[0], &rows);
            compare(&[&one, &two, &read], &plain, &sql).await;
        }
        let search = format!("ORDER BY vector <-> {} LIMIT 3", query(&mut random, &rows));
        let explain = format!("EXPLAIN SELECT _row FROM {} {search}", tables[4]);
        let plan = text(&two, &explain).await.unwrap();
        assert!(plan.contains("access=exact-certified(flat, "), "{plan}");
    }
}

const SEARCH: &str = "ORDER BY vector <-> '[1,0,1,0,1,0,1,0,1,0,1,0]' LIMIT 10";

struct Indexed {
    folder: tempfile::TempDir,
    expected: String,
}

impl Indexed {
    /// A file with an index, and the answer to [`SEARCH`].
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rows = generated(&mut StdRng::seed_from_u64(7), ROWS);
        write_npy(&folder.path().join("a.npy"), &rows);
        let indexed = Self {
            folder,
            expected: String::new(),
        };
        let session = session(2).await;
        let expected = text(&session, &indexed.search()).await.unwrap();
        run(
            &session,
            &format!(
                "CREATE INDEX i ON '{}' USING flat (vector)",
                indexed.data().display()
            ),
        )
        .await;
        Self {
            expected,
            ..indexed
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("a.npy")
    }

    fn search(&self) -> String {
        format!(
            "SELECT _row, vector FROM '{}' {SEARCH}",
            self.data().display()
        )
    }

    fn sidecars(&self) -> PathBuf {
        self.folder.path().join("_ogive")
    }

    fn file(&self, extension: &str) -> PathBuf {
        let entries = fs::read_dir(self.sidecars()).unwrap();
        let mut paths = entries.map(|entry| entry.unwrap().path());
        paths
            .find(|path| path.extension().is_some_and(|found| found == extension))
            .unwrap()
    }

    /// The answer of a new session, and what it warned of.
    async fn answer(&self) -> Vec<String> {
        let session = session(2).await;
        let answer = text(&session, &self.search()).await;
        assert_eq!(answer.as_ref(), Ok(&self.expected));
        // Said once a session.
        assert_eq!(
            text(&session, &self.search()).await.as_ref(),
            Ok(&self.expected)
        );
        session.take_warnings()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_index_is_not_used_and_named() {
    let indexed = Indexed::new().await;
    assert_eq!(indexed.answer().await, Vec::<String>::new());
    let mut random = StdRng::seed_from_u64(1);
    for extension in ["flat", "index"] {
        let path = indexed.file(extension);
        let whole = fs::read(&path).unwrap();
        for case in 0..24 {
            let mut bytes = whole.clone();
            match case % 3 {
                0 => bytes.truncate(random.random_range(0..whole.len())),
                1 => {
                    // Between sections there are zeros that mean nothing; the header has none.
                    let most = if extension == "flat" {
                        64
                    } else {
                        whole.len() - 1
                    };
                    bytes[random.random_range(0..most)] ^= 1 << random.random_range(0..8);
                }
                _ => bytes = random.random::<[u8; 32]>().to_vec(),
            }
            // In place, as no program of ours would: the name stays, time and content change.
            fs::write(&path, &bytes).unwrap();
            let warnings = indexed.answer().await;
            assert!(
                matches!(warnings.as_slice(), [one] if one.contains("is not used") && one.contains("a.npy")),
                "{extension} {case}: {warnings:?}"
            );
        }
        fs::write(&path, &whole).unwrap();
        assert_eq!(indexed.answer().await, Vec::<String>::new());
    }
    fs::remove_file(indexed.file("flat")).unwrap();
    let warnings = indexed.answer().await;
    assert!(
        matches!(warnings.as_slice(), [one] if one.contains("No such file")),
        "{warnings:?}"
    );
    fs::remove_file(indexed.file("index")).unwrap();
    assert_eq!(indexed.answer().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_of_other_data_is_not_used() {
    let indexed = Indexed::new().await;
    let data = indexed.data();
    let modified = fs::metadata(&data).unwrap().modified().unwrap();
    let mut rows = generated(&mut StdRng::seed_from_u64(7), ROWS);
    rows.reverse();
    let replaced = indexed.folder.path().join("new.npy");
    write_npy(&replaced, &rows);
    let expected = {
        let plain = session(2).await;
        text(
            &plain,
            &format!("SELECT _row, vector FROM '{}' {SEARCH}", replaced.display()),
        )
        .await
    };
    // Of equal size, and with the same time.
    for time in [
        modified,
        modified + Duration::from_millis(1),
        SystemTime::now(),
    ] {
        let file = fs::File::open(&replaced).unwrap();
        file.set_modified(time).unwrap();
        fs::copy(&replaced, indexed.folder.path().join("copy")).unwrap();
        let copy = fs::File::open(indexed.folder.path().join("copy")).unwrap();
        copy.set_modified(time).unwrap();
        fs::rename(indexed.folder.path().join("copy"), &data).unwrap();
        let session = session(2).await;
        let answer = text(&session, &indexed.search()).await;
        // The plain table is another file: its rows are the same.
        assert_eq!(answer.is_ok(), expected.is_ok());
        assert_eq!(answer, expected);
        let warnings = session.take_warnings();
        assert!(
            matches!(warnings.as_slice(), [one] if one.contains("REINDEX INDEX \"i\"")),
            "{warnings:?}"
        );
    }
    let session = session(2).await;
    run(&session, &format!("REINDEX TABLE '{}'", data.display())).await;
    assert_eq!(text(&session, &indexed.search()).await, expected);
    assert_eq!(session.take_warnings(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_names_no_file_elsewhere() {
    let indexed = Indexed::new().await;
    let manifest = fs::read_to_string(indexed.file("index")).unwrap();
    let inner = manifest.split_once("\"manifest\":").unwrap().1;
    let inner = inner.trim_end().strip_suffix('}').unwrap();
    let elsewhere = inner.replace("\"path\":\"a.npy\"", "\"path\":\"../a.npy\"");
    assert_ne!(elsewhere, inner);
    let checksum = crc32fast::hash(elsewhere.as_bytes());
    let text = format!("{{\"checksum\":\"{checksum:08x}\",\"manifest\":{elsewhere}}}\n");
    fs::write(indexed.file("index"), text).unwrap();
    let warnings = indexed.answer().await;
    assert!(
        matches!(warnings.as_slice(), [one] if one.contains("a name in the directory above")),
        "{warnings:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_builders_at_once_have_one_result() {
    let indexed = Indexed::new().await;
    let (one, two) = (session(2).await, session(1).await);
    let sql = format!("REINDEX TABLE '{}'", indexed.data().display());
    let before = fs::read(indexed.file("flat")).unwrap();
    tokio::join!(run(&one, &sql), run(&two, &sql));
    assert_eq!(fs::read_dir(indexed.sidecars()).unwrap().count(), 2);
    // As many threads as there may be: the same codes.
    assert_eq!(fs::read(indexed.file("flat")).unwrap(), before);
    assert_eq!(indexed.answer().await, Vec::<String>::new());
}

/// Kills that a run of the test sends; more by `OGIVE_KILLS`.
fn kills() -> u64 {
    let given = std::env::var("OGIVE_KILLS").ok();
    given.and_then(|kills| kills.parse().ok()).unwrap_or(8)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_that_is_killed_leaves_the_answer_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("a.npy");
    write_npy(&data, &generated(&mut StdRng::seed_from_u64(7), 20_000));
    let search = format!("SELECT _row, vector FROM '{}' {SEARCH}", data.display());
    let expected = text(&session(2).await, &search).await;
    let create = format!(
        "CREATE INDEX IF NOT EXISTS i ON '{}' USING flat (vector)",
        data.display()
    );
    for kill in 0..kills() {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ogive"))
            .args(["-c", &create])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(5 + kill * 97 % 700));
        child.kill().unwrap();
        child.wait().unwrap();
        let session = session(2).await;
        assert_eq!(text(&session, &search).await, expected);
        assert_eq!(session.take_warnings(), Vec::<String>::new());
    }
    let session = session(2).await;
    run(&session, &create).await;
    run(&session, &format!("REINDEX TABLE '{}'", data.display())).await;
    assert_eq!(text(&session, &search).await, expected);
    let left: Vec<_> = fs::read_dir(folder.path().join("_ogive"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".tmp"))
        .collect();
    // Another build of this process has looked through the folder a moment ago, if there was one.
    assert!(left.is_empty() || kills() == 0, "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_that_nobody_waits_for_ends() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("a.npy");
    write_npy(&data, &generated(&mut StdRng::seed_from_u64(7), 200_000));
    let session = session(1).await;
    let create = format!("CREATE INDEX i ON '{}' USING flat (vector)", data.display());
    let build = tokio::time::timeout(Duration::from_millis(60), session.sql(&create));
    assert!(
        build.await.is_err(),
        "it was built before it could be stopped"
    );
    let sidecars = folder.path().join("_ogive");
    for _ in 0..600 {
        let empty = fs::read_dir(&sidecars).map_or(true, |entries| entries.count() == 0);
        if empty {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?}", fs::read_dir(&sidecars).unwrap().collect::<Vec<_>>());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_beside_data_when_there_is_a_location() {
    let folder = tempfile::tempdir().unwrap();
    let (data, elsewhere) = (folder.path().join("data"), folder.path().join("indexes"));
    fs::create_dir(&data).unwrap();
    write_npy(
        &data.join("a.npy"),
        &generated(&mut StdRng::seed_from_u64(7), ROWS),
    );
    let session = session(2).await;
    run(
        &session,
        &format!("SET ogive.index_location = '{}'", elsewhere.display()),
    )
    .await;
    let table = format!("'{}'", data.join("a.npy").display());
    run(
        &session,
        &format!("CREATE INDEX i ON {table} USING flat (vector)"),
    )
    .await;
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
    let plan = text(
        &session,
        &format!("EXPLAIN SELECT _row FROM {table} {SEARCH}"),
    )
    .await;
    assert!(plan.unwrap().contains("access=exact-certified(flat, "));
    assert!(
        text(&session, "SHOW INDEXES")
            .await
            .unwrap()
            .contains("| i ")
    );
    run(&session, "DROP INDEX i").await;
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
}
